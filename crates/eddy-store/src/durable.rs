//! The answers of the store, and the proof that one is on disk.

use bytes::Bytes;
use eddy_base::{Code, Fault, Subject};

use crate::batch::Appended;
use crate::key::BadKey;

/// The position of a commit: later commits have higher ones. It stands in every row that the commit wrote.
#[derive(
    Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Debug, minicbor::Encode, minicbor::Decode,
)]
#[cbor(transparent)]
pub struct Pos(#[n(0)] pub u64);

impl Pos {
    /// Before every commit.
    pub const ZERO: Pos = Pos(0);
}

/// A row and the commit that wrote it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Row {
    pub pos: Pos,
    pub value: Bytes,
}

/// What a commit came to.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Committed {
    pub pos: Pos,
    /// The offset of each append, in the order of the batch.
    pub offsets: Vec<u64>,
    /// The output of each update, in the order of the batch.
    pub outputs: Vec<Bytes>,
}

/// Why a batch was not applied.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Refusal {
    pub condition: Refused,
    /// The row that stood in the way, if there is one.
    pub current: Option<Row>,
}

/// What said no.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Refused {
    /// The condition of this index.
    Condition(usize),
    /// The update of this index among the batch's updates, for this reason.
    Update { index: usize, reason: Bytes },
}

/// A value whose commit, or whose reason to refuse, is on disk. Only the committer makes one; success replies are
/// built from it.
#[derive(Clone, Debug)]
pub struct Durable<T> {
    value: T,
    committed: Committed,
}

/// Why there is no [`Durable`].
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// A condition or an update said no. The state that says so is on disk.
    #[error("a condition does not hold")]
    Refused(Box<Durable<Refusal>>),
    #[error("larger than the limit of {limit_bytes} bytes")]
    TooLarge { limit_bytes: usize },
    /// The disk is nearly full. What deletes may still pass.
    #[error("the disk has no room for more")]
    NoRoom,
    /// Not now; nothing was changed.
    #[error("the store is unavailable: {0}")]
    Unavailable(&'static str),
    /// A bug of the caller, or a store that failed and takes no more commits. The change may have taken effect.
    #[error("the store failed: {0}")]
    Fatal(String),
}

impl Committed {
    /// The offset that an append of this batch got.
    pub fn offset(&self, appended: Appended) -> u64 {
        self.offsets[appended.0]
    }
}

impl<T> Durable<T> {
    pub(crate) fn new(value: T, committed: Committed) -> Durable<T> {
        Durable { value, committed }
    }

    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> Durable<U> {
        Durable { value: f(self.value), committed: self.committed }
    }

    pub fn map_with<U>(self, f: impl FnOnce(T, &Committed) -> U) -> Durable<U> {
        let value = f(self.value, &self.committed);
        Durable { value, committed: self.committed }
    }

    /// Both, as of the later one.
    pub fn zip<U>(self, other: Durable<U>) -> Durable<(T, U)> {
        let later = if self.committed.pos >= other.committed.pos { self.committed } else { other.committed };
        Durable { value: (self.value, other.value), committed: later }
    }

    pub fn value(&self) -> &T {
        &self.value
    }

    pub fn committed(&self) -> &Committed {
        &self.committed
    }

    pub fn pos(&self) -> Pos {
        self.committed.pos
    }

    pub fn into_parts(self) -> (T, Committed) {
        (self.value, self.committed)
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Fault {
        let code = match &error {
            Error::Refused(_) => Code::ConditionFailed,
            Error::TooLarge { .. } => Code::TooLarge,
            Error::NoRoom => Code::NoRoom,
            Error::Unavailable(_) => Code::Unavailable,
            Error::Fatal(_) => return Fault::internal("the store failed"),
        };
        let subject = if code == Code::TooLarge { Subject::Request } else { Subject::Server };
        Fault::new(code, subject, error.to_string())
    }
}

impl From<BadKey> for Error {
    fn from(error: BadKey) -> Error {
        Error::Fatal(error.to_string())
    }
}

impl From<BadKey> for Fault {
    fn from(error: BadKey) -> Fault {
        Error::from(error).into()
    }
}
