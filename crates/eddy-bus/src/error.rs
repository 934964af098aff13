//! What can go wrong inside the bus.

use eddy_base::Fault;

#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error(transparent)]
    Store(#[from] eddy_store::Error),
    /// What is stored is not what this code writes. Never passed over: a subscription that skipped it would lose
    /// an event.
    #[error("{0} cannot be read")]
    Unreadable(&'static str),
}

impl From<Error> for Fault {
    fn from(error: Error) -> Fault {
        match error {
            Error::Store(error) => error.into(),
            Error::Unreadable(what) => Fault::internal(format!("{what} cannot be read")),
        }
    }
}
