//! Logs, metrics and traces of everything that runs here.
//!
//! What guests print, traces and metrics go through `Store::record`: they are on disk with the next group of
//! commits, or within a second. What a client hands over and is told "yes" for goes through `Store::commit` like
//! everything else. Nothing here ever holds a secret: nodes and lines are made by callers who leave them out.

mod keys;
pub mod limits;
pub mod logs;
mod metrics;
mod trace;

use std::sync::Arc;

use eddy_store::Store;
use tokio::sync::broadcast;

pub use keys::SPACE;
pub use logs::{Logs, updates};
pub use metrics::{Metrics, Outcome};
pub use trace::{Beginning, Keep, Kind, News, Node, Tree, What};

/// The key spaces of this crate, for the store that is opened for it.
pub const SPACES: &[eddy_store::Space] = &[SPACE];

/// Logs, metrics and traces. Cheap to clone.
#[derive(Clone)]
pub struct Telemetry {
    inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub store: Store,
    pub logs: Logs,
    pub metrics: Metrics,
    /// Nodes that begin and end, for whoever watches now.
    pub news: broadcast::Sender<trace::News>,
}

impl Telemetry {
    pub fn open(store: Store) -> Telemetry {
        let (news, _) = broadcast::channel(limits::NEWS_MAX);
        let logs = Logs::new(store.clone());
        Telemetry { inner: Arc::new(Inner { store, logs, metrics: Metrics::default(), news }) }
    }

    /// Log groups and their streams.
    pub fn logs(&self) -> &Logs {
        &self.inner.logs
    }

    /// Counters and histograms of this process since its start.
    pub fn metrics(&self) -> &Metrics {
        &self.inner.metrics
    }

    /// Nodes as they begin and end. A receiver that falls behind misses the oldest.
    pub fn news(&self) -> broadcast::Receiver<trace::News> {
        self.inner.news.subscribe()
    }
}
