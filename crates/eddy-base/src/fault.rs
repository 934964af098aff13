//! The one error that crosses floors.
//!
//! Inside a crate errors are facts of that crate; at its border they become a [`Fault`]: what kind of failure
//! ([`Code`]), about what ([`Subject`]), and one sentence. The dialects turn the pair into their service's error
//! by a table, so no status code and no vendor name appears below them.

use std::borrow::Cow;
use std::fmt;

/// A failure on its way to whoever asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    pub code: Code,
    pub subject: Subject,
    /// One sentence for a person. Never holds a secret.
    pub message: Cow<'static, str>,
    /// The dialect's own error name, where (code, subject) cannot say which of several it is. Only dialects set
    /// and read it.
    pub name: Option<&'static str>,
    /// Further members of the error, as the dialect's model names them.
    pub fields: Vec<(&'static str, String)>,
}

/// What kind of failure. Closed: a new kind is a decision, since every dialect must say what it becomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Code {
    /// The request cannot be understood or breaks a rule that holds whatever the state is.
    Invalid,
    /// Larger than a limit on one thing (a body, a package, a payload).
    TooLarge,
    /// A feature of the real service that eddy does not have. The message names it.
    Unsupported,
    /// Nobody known is asking, or the proof is wrong.
    Unauthenticated,
    /// Who asks is known and may not.
    Denied,
    /// It is not there.
    Missing,
    /// It is there already.
    Exists,
    /// It is there, in a state that does not allow this.
    Conflict,
    /// A condition that the caller named does not hold.
    ConditionFailed,
    /// Still holds something, so it cannot go (a bucket with objects).
    NotEmpty,
    /// More of a kind than allowed (a quota), until something is removed.
    LimitExceeded,
    /// Too fast or too many at once; later it may work.
    Throttled,
    /// The function itself failed. The caller's code is to blame, not ours.
    FunctionFailed,
    /// Did not finish in its time.
    TimedOut,
    /// The disk is too full to take what grows.
    NoRoom,
    /// Not possible now (starting, stopping, another owner); nothing was changed.
    Unavailable,
    /// Our fault. The message says little; the log says more.
    Internal,
}

/// Who has to do something about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Blame {
    Caller,
    Eddy,
}

impl Code {
    /// May the same request succeed later without a change by the caller?
    pub fn may_retry(self) -> bool {
        match self {
            Code::Throttled | Code::Unavailable | Code::Internal | Code::TimedOut | Code::NoRoom => true,
            Code::Invalid
            | Code::TooLarge
            | Code::Unsupported
            | Code::Unauthenticated
            | Code::Denied
            | Code::Missing
            | Code::Exists
            | Code::Conflict
            | Code::ConditionFailed
            | Code::NotEmpty
            | Code::LimitExceeded
            | Code::FunctionFailed => false,
        }
    }

    /// May the request have changed something although it failed?
    pub fn may_have_taken_effect(self) -> bool {
        matches!(self, Code::Internal | Code::TimedOut | Code::FunctionFailed)
    }

    pub fn blame(self) -> Blame {
        match self {
            Code::NoRoom | Code::Unavailable | Code::Internal => Blame::Eddy,
            Code::Invalid
            | Code::TooLarge
            | Code::Unsupported
            | Code::Unauthenticated
            | Code::Denied
            | Code::Missing
            | Code::Exists
            | Code::Conflict
            | Code::ConditionFailed
            | Code::NotEmpty
            | Code::LimitExceeded
            | Code::Throttled
            | Code::FunctionFailed
            | Code::TimedOut => Blame::Caller,
        }
    }
}

/// What a failure is about. With the [`Code`] it selects the dialect's error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Subject {
    /// The request as such: its form, a parameter, its size.
    Request,
    /// The state or the machine of eddy itself.
    Server,
    AccessKey,
    Session,
    Signature,
    Role,
    Policy,
    Statement,
    Function,
    FunctionVersion,
    FunctionUrl,
    EventInvokeConfig,
    Package,
    Runtime,
    Concurrency,
    Bucket,
    Object,
    ObjectVersion,
    Upload,
    Part,
    Checksum,
    Range,
    Tags,
    NotificationConfig,
    LogGroup,
    LogStream,
    Api,
    Route,
    Integration,
    Stage,
    Deployment,
    Event,
    Subscription,
}

impl Fault {
    pub fn new(code: Code, subject: Subject, message: impl Into<Cow<'static, str>>) -> Fault {
        Fault { code, subject, message: message.into(), name: None, fields: Vec::new() }
    }

    /// A request that breaks a rule.
    pub fn invalid(message: impl Into<Cow<'static, str>>) -> Fault {
        Fault::new(Code::Invalid, Subject::Request, message)
    }

    /// A feature that eddy lacks, by name.
    pub fn unsupported(what: impl Into<Cow<'static, str>>) -> Fault {
        Fault::new(Code::Unsupported, Subject::Request, what)
    }

    /// Ours to mend. Log the details where this is made; the caller learns only `message`.
    pub fn internal(message: impl Into<Cow<'static, str>>) -> Fault {
        Fault::new(Code::Internal, Subject::Server, message)
    }

    /// Gives the dialect's own error name. For dialects only.
    #[must_use]
    pub fn named(mut self, name: &'static str) -> Fault {
        self.name = Some(name);
        self
    }

    /// Adds a member that the dialect's model has on this error.
    #[must_use]
    pub fn with(mut self, field: &'static str, value: impl Into<String>) -> Fault {
        self.fields.push((field, value.into()));
        self
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.message)
    }
}

impl std::error::Error for Fault {}
