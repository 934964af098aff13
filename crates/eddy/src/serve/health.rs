//! Health: does it work, rather than does it answer.
//!
//! A request whose last results are older than five seconds runs a commit, a read and an empty guest. Nothing runs
//! when nobody asks.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use eddy_base::env::timeout;
use eddy_store::Batch;
use eddy_wire::Outgoing;
use http::{Response, StatusCode};
use serde_json::{Value, json};
use tokio::sync::Mutex;

use super::admin::json_response;
use crate::assemble::App;
use crate::keys;

/// How long results are good for.
const FRESH: Duration = Duration::from_secs(5);
/// How long one check may take.
const CHECK_WITHIN: Duration = Duration::from_secs(5);

/// The last results, and one check at a time.
#[derive(Default)]
pub struct Health {
    last: Mutex<Option<(Duration, Report)>>,
}

#[derive(Clone)]
struct Report {
    checks: BTreeMap<&'static str, Result<(), String>>,
    notes: BTreeMap<&'static str, Value>,
}

impl Health {
    /// The answer to `GET /_eddy/health`.
    pub async fn answer(&self, app: &Arc<App>) -> Response<Outgoing> {
        let now = app.engines.store.env().monotonic();
        let mut last = self.last.lock().await;
        let is_fresh = |at: &Duration| now.saturating_sub(*at) < FRESH;
        let report = match last.as_ref() {
            Some((at, report)) if is_fresh(at) => report.clone(),
            Some(_) | None => last.insert((now, check(app).await)).1.clone(),
        };
        drop(last);
        report.response()
    }
}

impl Report {
    fn response(&self) -> Response<Outgoing> {
        let failed: Vec<&str> =
            self.checks.iter().filter(|(_, result)| result.is_err()).map(|(name, _)| *name).collect();
        let status = if failed.is_empty() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
        let checks: BTreeMap<&str, Value> = self
            .checks
            .iter()
            .map(|(name, result)| (*name, result.as_ref().map_or_else(|why| json!(why), |()| json!("ok"))))
            .collect();
        let word = if failed.is_empty() { "ok" } else { "failing" };
        json_response(
            status,
            &json!({ "status": word, "failing": failed, "checks": checks, "notes": self.notes }),
        )
    }
}

async fn check(app: &Arc<App>) -> Report {
    let env = app.engines.store.env();
    let mut checks = BTreeMap::new();
    let committed = timeout(env, CHECK_WITHIN, commit_and_read(app)).await;
    let (commit, read) = committed.unwrap_or_else(|_| (Err("took too long".into()), Err("not tried".into())));
    checks.insert("commit", commit);
    checks.insert("read", read);
    let jail = timeout(env, CHECK_WITHIN, app.probe_jail()).await;
    checks.insert("jail", jail.unwrap_or_else(|_| Err("took too long".into())));
    Report { checks, notes: app.notes().await }
}

/// What was committed must be what is read.
async fn commit_and_read(app: &Arc<App>) -> (Result<(), String>, Result<(), String>) {
    let (store, key) = (&app.engines.store, keys::health());
    let now = store.env().now().millis().to_be_bytes().to_vec();
    let mut batch = Batch::new();
    batch.put(key.clone(), now.clone());
    if let Err(why) = store.commit(batch, ()).await {
        return (Err(why.to_string()), Err("not tried".to_owned()));
    }
    let read = match store.snapshot().get(&key) {
        Ok(Some(row)) if row.value[..] == now[..] => Ok(()),
        Ok(_) => Err("what was committed is not what is read".to_owned()),
        Err(why) => Err(why.to_string()),
    };
    (Ok(()), read)
}
