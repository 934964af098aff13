//! HTTP in front of functions: APIs with routes, stages and deployments, and the URLs of functions.
//!
//! [`Gateway`] keeps the configuration of HTTP APIs ([`Config`], changed through [`Edit`]) and answers requests:
//! it finds the route, asks the function's policy, invokes the function and gives back HTTP. What a stage serves
//! is its deployment's snapshot, never the routes as they are being edited.
//!
//! It knows HTTP and no cloud: event documents, answers and permissions come from the [`Dialect`] given at open.
//! It listens on nothing, verifies no signature, and refuses to read a body that nobody wants.

mod config;
mod cors;
mod error;
mod exchange;
mod keys;
pub mod limits;
mod live;
mod manage;
mod path;
pub mod route;
mod rows;
mod serve;

use std::sync::Arc;

use eddy_functions::Functions;
use eddy_store::{Space, Store};

pub use config::{Config, Edit, NewIntegration, NewStage};
pub use cors::Cors;
pub use exchange::{Answer, Dialect, Front, Head, Malformed, Permission, Refusal, Request, Target, Via};
pub use keys::SPACE;
pub use manage::{NewApi, Page};
pub use rows::{Api, Deployment, Format, Integration, Pairs, Route, Stage};
pub use serve::{Call, Plan};

use live::Lives;

/// The spaces of this crate, for the store to open.
pub const SPACES: &[Space] = &[SPACE];

/// All HTTP APIs of a store, and the data plane of functions' URLs. Cheap to clone.
#[derive(Clone)]
pub struct Gateway {
    inner: Arc<Inner>,
}

struct Inner {
    store: Store,
    functions: Functions,
    dialect: Dialect,
    lives: Lives,
}

impl Gateway {
    pub fn open(store: Store, functions: Functions, dialect: Dialect) -> Gateway {
        let lives = Lives::follow(&store, dialect.target);
        Gateway { inner: Arc::new(Inner { store, functions, dialect, lives }) }
    }

    /// What it was opened with.
    pub fn dialect(&self) -> Dialect {
        self.inner.dialect
    }
}
