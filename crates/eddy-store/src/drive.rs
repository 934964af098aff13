//! What runs the commit loop: a thread of its own, or a task where time is simulated.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use eddy_base::{Env, Task};

use crate::committer::Committer;
use crate::engine::EngineError;
use crate::folder::keep_private;
use crate::queue::Queue;

pub(crate) struct Drive(Mutex<Loop>);

enum Loop {
    Thread(JoinHandle<()>),
    Task(Task),
    Ended,
}

impl Drive {
    pub(crate) fn thread(mut committer: Committer, queue: Arc<Queue>) -> io::Result<Drive> {
        let run = move || {
            keep_private();
            while queue.wait(committer.due()) {
                step(&mut committer, &queue);
            }
            committer.end();
        };
        let thread = std::thread::Builder::new().name("eddy-commit".into()).spawn(run)?;
        Ok(Drive(Mutex::new(Loop::Thread(thread))))
    }

    pub(crate) fn task(mut committer: Committer, queue: Arc<Queue>, env: &Arc<dyn Env>) -> Drive {
        let clock = Arc::clone(env);
        let run = async move {
            while queue.waited(committer.due()).await {
                if let Some(delay) = committer.delay() {
                    clock.sleep(delay).await;
                }
                step(&mut committer, &queue);
            }
            committer.end();
        };
        Drive(Mutex::new(Loop::Task(env.spawn("eddy-commit", Box::pin(run)))))
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "this is below the port: a loop in simulation has no thread"
    )]
    /// Waits until the loop has drained the closed queue.
    pub(crate) async fn ended(&self) {
        match self.take() {
            Loop::Thread(thread) => {
                let joined = tokio::task::spawn_blocking(move || thread.join()).await;
                if !matches!(joined, Ok(Ok(()))) {
                    tracing::error!("the commit thread panicked");
                }
            }
            Loop::Task(task) => {
                if task.join().await.is_err() {
                    tracing::error!("the commit task panicked");
                }
            }
            Loop::Ended => {}
        }
    }

    fn take(&self) -> Loop {
        std::mem::replace(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner), Loop::Ended)
    }
}

impl Drop for Drive {
    /// The queue is closed by then. A thread is waited for; a task goes on and ends by itself.
    fn drop(&mut self) {
        match self.take() {
            Loop::Thread(thread) => {
                if thread.join().is_err() {
                    tracing::error!("the commit thread panicked");
                }
            }
            Loop::Task(task) => task.detach(),
            Loop::Ended => {}
        }
    }
}

/// One group. A panic, as from a follower's fold, leaves a state that nobody can vouch for: the store fails.
fn step(committer: &mut Committer, queue: &Queue) {
    let batches = queue.drain();
    if catch_unwind(AssertUnwindSafe(|| committer.step(batches))).is_err() {
        committer.fail(EngineError("the commit thread panicked".into()), Vec::new());
    }
}
