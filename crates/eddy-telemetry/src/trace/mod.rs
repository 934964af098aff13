//! What caused what: requests, events and invocations as trees.

mod tree;

use std::time::Duration;

use eddy_base::{Cause, Fault, Id, Timestamp};
use eddy_store::{Batch, Order};
use minicbor::{Decode, Encode};

use crate::{Telemetry, keys, limits};

pub use tree::Tree;

/// What a node is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum Kind {
    /// A request, from outside or from a function.
    #[n(0)]
    Request,
    /// An event that a change caused.
    #[n(1)]
    Event,
    /// One run of a function.
    #[n(2)]
    Invocation,
}

/// Something that happened, and its place in the tree of causes.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Node {
    /// The request's, event's or invocation's own id.
    #[n(0)]
    pub id: Id,
    /// Why it happened; for a root, [`Cause::root`] of its own id.
    #[n(1)]
    pub cause: Cause,
    #[n(2)]
    pub kind: Kind,
    /// What, in a few words: `PUT source/a.txt`, `copy`.
    #[n(3)]
    pub label: String,
    /// How it ended: `200`, `ok`, an error's type.
    #[n(4)]
    pub outcome: String,
    #[n(5)]
    pub started: Timestamp,
    /// Microseconds from start to end.
    #[n(6)]
    pub took_micros: u64,
    /// The thing that it changed or was about, to find it by: `BUCKET/KEY`.
    #[n(7)]
    pub subject: Option<String>,
    /// One line more for whoever looks closer: `cold`, an error's message.
    #[n(8)]
    pub detail: Option<String>,
}

/// A node that has begun and not ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Beginning {
    pub id: Id,
    pub cause: Cause,
}

/// What watchers are told.
#[derive(Debug, Clone)]
pub enum News {
    Began(Beginning),
    Ended(Node),
}

/// Is the node worth a row?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// It changed something, or something caused it.
    Yes,
    /// A read from outside: watchers see it, nobody will ask for it later.
    No,
}

/// What a trace is asked for by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    Id(Id),
    /// `BUCKET/KEY`.
    Subject(String),
}

impl What {
    /// An id if it looks like one, else a subject.
    pub fn parse(text: &str) -> What {
        text.parse().map_or_else(|_| What::Subject(text.to_owned()), What::Id)
    }
}

impl Node {
    pub fn took(&self) -> Duration {
        Duration::from_micros(self.took_micros)
    }

    /// Cuts texts that are too long.
    fn bounded(mut self) -> Node {
        for text in [&mut self.label, &mut self.outcome].into_iter().chain(&mut self.subject) {
            cut(text, limits::TEXT_BYTES_MAX);
        }
        self.detail.iter_mut().for_each(|detail| cut(detail, limits::DETAIL_BYTES_MAX));
        self
    }

    fn rows(&self, batch: &mut Batch) {
        let (root, until) = (self.cause.root, self.started.plus(limits::TRACE_KEPT));
        batch.put_until(keys::node(root, self.id), encode(self), until);
        if self.id != root {
            batch.across_cells();
            batch.put_until(keys::index(self.id), root.as_bytes().to_vec(), until);
        }
        if let Some(subject) = &self.subject {
            batch.across_cells();
            batch.put_until(keys::subject(subject, self.started, root), Vec::new(), until);
        }
    }
}

impl Telemetry {
    /// Says that something has begun, for those who watch.
    pub fn began(&self, id: Id, cause: Cause) {
        // Nobody watching is fine.
        drop(self.inner.news.send(News::Began(Beginning { id, cause })));
    }

    /// Says that something has ended; keeps it for a week where `keep` says so. Buffered as `Store::record` is:
    /// a node that cannot be kept is logged and lost, since what it tells of has happened.
    pub fn node(&self, node: Node, keep: Keep) {
        let node = node.bounded();
        if keep == Keep::Yes {
            let mut batch = Batch::new();
            node.rows(&mut batch);
            if let Err(why) = self.inner.store.record(batch) {
                tracing::warn!(%why, "a trace node is lost");
            }
        }
        drop(self.inner.news.send(News::Ended(node)));
    }

    /// The trees in which `what` stands: one for an id, the newest ten for a subject, none if it is not known.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn trees(&self, what: &What) -> Result<Vec<Tree>, Fault> {
        let snapshot = self.inner.store.snapshot();
        let roots = match what {
            What::Id(id) => {
                let row = snapshot.get(&keys::index(*id))?;
                vec![row.and_then(|row| keys::root_of_index(&row.value)).unwrap_or(*id)]
            }
            What::Subject(subject) => {
                let rows = snapshot.scan(keys::subjects(subject), Order::Forward, limits::TREES_MAX)?;
                let mut roots: Vec<Id> =
                    rows.iter().filter_map(|(key, _)| keys::root_of_subject(key)).collect();
                roots.dedup();
                roots
            }
        };
        let mut trees = Vec::new();
        for root in roots {
            let rows = snapshot.scan(keys::nodes(root), Order::Forward, limits::TREE_NODES_MAX + 1)?;
            let is_cut = rows.len() > limits::TREE_NODES_MAX;
            let nodes = rows.iter().take(limits::TREE_NODES_MAX).filter_map(|(_, row)| decode(&row.value));
            trees.extend(Tree::grow(root, nodes.collect(), is_cut));
        }
        Ok(trees)
    }
}

fn encode(node: &Node) -> Vec<u8> {
    minicbor::to_vec(node).expect("writing to memory does not fail")
}

fn decode(value: &[u8]) -> Option<Node> {
    match minicbor::decode(value) {
        Ok(node) => Some(node),
        Err(why) => {
            tracing::error!(%why, "a trace node cannot be read");
            None
        }
    }
}

fn cut(text: &mut String, bytes_max: usize) {
    text.truncate(text.floor_char_boundary(bytes_max));
}
