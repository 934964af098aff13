//! Mixed load: objects put, overwritten, deleted and assembled, functions made and changed, log lines, events and
//! invocations. What is asked and what is answered goes into the ledger.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::task::JoinSet;

use super::ledger::{Ledger, State, Thing};
use super::things;
use crate::ask::Failure;
use crate::http::Connection;
use crate::server::Server;

/// What a writer does again and again.
#[derive(Debug, Clone, Copy)]
enum Kind {
    Objects,
    Assembled,
    Noted,
    Functions,
    Lines,
    Events,
    Invocations,
}

/// How many writers of each kind, and how long each rests between two things. Each event is an invocation, and all
/// that is written is read back, so the rests bound how long the proof takes and not how hard the server works.
const WRITERS: [(Kind, usize, Duration); 7] = [
    (Kind::Objects, 8, Duration::from_millis(4)),
    (Kind::Assembled, 1, Duration::from_millis(150)),
    (Kind::Noted, 1, Duration::from_millis(10)),
    (Kind::Functions, 1, Duration::from_millis(20)),
    (Kind::Lines, 4, Duration::from_millis(2)),
    (Kind::Events, 2, Duration::from_millis(8)),
    (Kind::Invocations, 2, Duration::from_millis(4)),
];

/// Load that goes on until its server is gone.
pub struct Load {
    writers: JoinSet<()>,
    over: Arc<AtomicBool>,
}

impl Load {
    /// Waits for the last writer to notice that the server is gone.
    pub async fn end(mut self) {
        self.over.store(true, Ordering::Relaxed);
        while self.writers.join_next().await.is_some() {}
    }
}

/// Starts the writers.
pub async fn start(server: &Server, runtime: &str, ledger: &Arc<Ledger>) -> Result<Load, String> {
    let (over, key) = (Arc::new(AtomicBool::new(false)), Arc::new(server.key()?));
    let mut writers = JoinSet::new();
    for (kind, count, rest) in WRITERS {
        for _ in 0..count {
            let connection = Connection::open(server.address, key.clone()).await?;
            let writer = Writer { connection, ledger: ledger.clone(), runtime: runtime.to_owned() };
            writers.spawn(write(kind, writer, rest, over.clone()));
        }
    }
    Ok(Load { writers, over })
}

/// Writes one after the other until a request has no answer.
async fn write(kind: Kind, mut writer: Writer, rest: Duration, over: Arc<AtomicBool>) {
    while !over.load(Ordering::Relaxed) {
        match writer.one(kind).await {
            Ok(()) => tokio::time::sleep(rest).await,
            Err(Failure::Unanswered(_)) => return,
            Err(Failure::Refused(why)) => return writer.ledger.complain(why),
        }
    }
}

struct Writer {
    connection: Connection,
    ledger: Arc<Ledger>,
    runtime: String,
}

impl Writer {
    /// One thing, from its beginning to its end.
    async fn one(&mut self, kind: Kind) -> Result<(), Failure> {
        let number = self.ledger.next();
        match kind {
            Kind::Objects => {
                let thing = Thing::Object(number);
                self.change(thing, State::Whole(0)).await?;
                if number.is_multiple_of(4) {
                    self.change(thing, State::Whole(1)).await?;
                }
                if number.is_multiple_of(3) {
                    self.change(thing, State::Absent).await?;
                }
                Ok(())
            }
            Kind::Assembled => {
                let thing = Thing::Assembled(number);
                let upload = things::upload_parts(&mut self.connection, number).await?;
                self.ledger.asked(thing, State::Whole(0));
                things::complete(&mut self.connection, number, &upload).await?;
                self.ledger.acknowledged(thing);
                if number.is_multiple_of(2) {
                    self.change(thing, State::Absent).await?;
                }
                Ok(())
            }
            Kind::Noted => {
                self.ledger.asked(Thing::Notice(number), State::Whole(0));
                self.change(Thing::Noted(number), State::Whole(0)).await?;
                self.ledger.acknowledged(Thing::Notice(number));
                Ok(())
            }
            Kind::Functions => {
                let thing = Thing::Function(number);
                for revision in 0..=things::FUNCTION_REVISION_MAX {
                    self.change(thing, State::Whole(revision)).await?;
                }
                if number.is_multiple_of(2) {
                    self.change(thing, State::Absent).await?;
                }
                Ok(())
            }
            Kind::Lines => self.change(Thing::Lines(number), State::Whole(0)).await,
            Kind::Events => self.change(Thing::Event(number), State::Whole(0)).await,
            Kind::Invocations => {
                let answer = things::invoke(&mut self.connection, number).await?;
                if answer != number.to_string() {
                    return Err(Failure::Refused(format!("invocation {number} was answered {answer}")));
                }
                self.ledger.answered();
                Ok(())
            }
        }
    }

    async fn change(&mut self, thing: Thing, state: State) -> Result<(), Failure> {
        self.ledger.asked(thing, state);
        things::change(&mut self.connection, &self.runtime, thing, state).await?;
        self.ledger.acknowledged(thing);
        Ok(())
    }
}
