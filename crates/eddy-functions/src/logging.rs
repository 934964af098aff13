//! Where the log of a function goes, in which form, and from which level on: part of what is stored of it.

use minicbor::{Decode, Encode};

/// How a function logs.
#[derive(Debug, Clone, PartialEq, Eq, Default, Encode, Decode)]
#[cbor(map)]
pub struct Logging {
    /// The log group; none is the one that the dialect names after the function.
    #[n(0)]
    pub group: Option<String>,
    /// JSON, from these levels on; text without.
    #[n(1)]
    pub json: Option<Levels>,
}

/// From which level on lines are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Levels {
    /// Of the function's own lines. The runtime in the guest keeps to it.
    #[n(0)]
    pub application: Level,
    /// Of the platform's lines.
    #[n(1)]
    pub system: Level,
}

/// How much a line matters. The later, the more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
#[cbor(index_only)]
pub enum Level {
    #[n(0)]
    Trace,
    #[n(1)]
    Debug,
    #[n(2)]
    Info,
    #[n(3)]
    Warn,
    #[n(4)]
    Error,
    #[n(5)]
    Fatal,
}

impl Level {
    pub const ALL: [Level; 6] =
        [Level::Trace, Level::Debug, Level::Info, Level::Warn, Level::Error, Level::Fatal];

    /// As logs spell it.
    pub fn word(self) -> &'static str {
        match self {
            Level::Trace => "TRACE",
            Level::Debug => "DEBUG",
            Level::Info => "INFO",
            Level::Warn => "WARN",
            Level::Error => "ERROR",
            Level::Fatal => "FATAL",
        }
    }

    pub fn parse(word: &str) -> Option<Level> {
        Level::ALL.into_iter().find(|level| level.word() == word)
    }
}
