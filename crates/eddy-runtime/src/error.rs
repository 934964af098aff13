//! What goes wrong on our side of the wall.

use eddy_base::{Code, Fault, Subject};

use crate::{Tier, Wall};

/// A failure of eddy or of the machine, never of the function.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// No interpreter of this version is on the machine.
    #[error("python{major}.{minor} is not on this machine; {found}", major = 3)]
    NoInterpreter {
        minor: u8,
        /// What is there, as a phrase.
        found: String,
    },
    /// The machine cannot hold a guest as well as the configuration demands.
    #[error(
        "this machine holds functions at tier {tier}, and the least allowed is {min}: {wall} is missing ({reason}). {remedy}"
    )]
    Wall { tier: Tier, min: Tier, wall: Wall, reason: String, remedy: String },
    /// The package has nothing that could be run.
    #[error("{0}")]
    Package(String),
    /// The jail could not be built.
    #[error("cannot build the jail: {step}: {reason}")]
    Jail { step: String, reason: String },
    /// The supervisor is gone; the next start brings a new one.
    #[error("the supervisor of the jails is gone: {0}")]
    Supervisor(String),
    /// The guest is answering another event.
    #[error("the guest is at work")]
    Busy,
    /// A runtime folder could not be made.
    #[error("{0}")]
    Install(String),
    /// A system call failed.
    #[error("{doing}: {reason}")]
    Io { doing: &'static str, reason: String },
}

impl From<Error> for Fault {
    fn from(error: Error) -> Fault {
        let (code, subject) = match &error {
            Error::NoInterpreter { .. } | Error::Install(_) => (Code::Unsupported, Subject::Runtime),
            Error::Wall { .. } => (Code::Unsupported, Subject::Server),
            Error::Package(_) => (Code::Invalid, Subject::Package),
            Error::Busy => (Code::Throttled, Subject::Function),
            Error::Supervisor(_) => (Code::Unavailable, Subject::Server),
            Error::Jail { .. } | Error::Io { .. } => (Code::Internal, Subject::Server),
        };
        Fault::new(code, subject, error.to_string())
    }
}
