//! Notices changes below a folder, for redeploying.
//!
//! Editors write a file in several steps, so a change is reported once nothing has changed for a moment.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use eddy_base::Env;
use notify::{RecursiveMode, Watcher};
use tokio::sync::mpsc;

/// How long it must have been quiet before a change counts.
const QUIET: Duration = Duration::from_millis(150);

/// A watched folder.
pub struct Watch {
    changes: mpsc::Receiver<()>,
    env: Arc<dyn Env>,
    /// Watches as long as it lives.
    _watcher: notify::RecommendedWatcher,
}

impl Watch {
    /// # Errors
    /// When the kernel has no watch left to give.
    pub fn new(folder: &Path, env: Arc<dyn Env>) -> Result<Watch, notify::Error> {
        let (sender, changes) = mpsc::channel(1);
        let mut watcher = notify::recommended_watcher(move |event: Result<notify::Event, notify::Error>| {
            if event.is_ok_and(|event| is_a_change(&event)) {
                // Full means that one change is waiting to be noticed, which is enough.
                let _ = sender.try_send(());
            }
        })?;
        watcher.watch(folder, RecursiveMode::Recursive)?;
        Ok(Watch { changes, env, _watcher: watcher })
    }

    /// Waits until something has changed and it is quiet again. Never ends when the watcher is gone.
    pub async fn changed(&mut self) {
        if self.changes.recv().await.is_none() {
            std::future::pending::<()>().await;
        }
        while eddy_base::env::timeout(&self.env, QUIET, self.changes.recv())
            .await
            .is_ok_and(|more| more.is_some())
        {}
    }
}

/// Reading a file is none, and what interpreters leave beside their sources is none either.
fn is_a_change(event: &notify::Event) -> bool {
    let leftovers =
        |path: &std::path::PathBuf| path.components().any(|part| part.as_os_str() == "__pycache__");
    !event.kind.is_access() && !event.paths.iter().all(leftovers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_saved_file_is_noticed_once() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let env: Arc<dyn Env> = Arc::new(eddy_base::System::default());
        let mut watch = Watch::new(folder.path(), env.clone()).expect("inotify");
        std::fs::write(folder.path().join("app.py"), "one").expect("writable");
        std::fs::write(folder.path().join("app.py"), "two").expect("writable");
        eddy_base::env::timeout(&env, Duration::from_secs(10), watch.changed()).await.expect("a change");
        let again = eddy_base::env::timeout(&env, Duration::from_millis(300), watch.changed()).await;
        assert!(again.is_err(), "one save is one change");
    }
}
