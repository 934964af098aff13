//! The one struct behind which all of it stands.

use std::path::Path;
use std::sync::Arc;

use eddy_base::{Account, Code, Fault, Subject};
use eddy_store::{Batch, Store};

use crate::keys::{self, AccountRow};
use crate::limits::SESSION_LIFE_MAX;
use crate::root;
use crate::token::Sealer;
use crate::{Caller, RootKey, Session};

/// Accounts, keys and roles of this installation. Cheap to clone.
#[derive(Clone)]
pub struct Identity {
    inner: Arc<Inner>,
}

struct Inner {
    store: Store,
    account: Account,
    root: RootKey,
    sealer: Sealer,
}

/// Why identity cannot start.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error(transparent)]
    Root(#[from] root::Error),
    #[error("the account cannot be written: {0}")]
    Store(#[from] eddy_store::Error),
}

/// Why a key is not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error("there is no such access key")]
    UnknownKey,
    #[error("the session token is missing, belongs to another key, or was not issued here")]
    BadToken,
    #[error("the session token has expired")]
    ExpiredToken,
}

/// What an access key stands for.
#[derive(Clone)]
pub struct Credential {
    pub secret: String,
    pub caller: Caller,
}

/// Temporary keys of a session. `Debug` shows no secret.
#[derive(Clone)]
pub struct Keys {
    pub access_key: String,
    pub secret_key: String,
    pub token: String,
}

impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Identity").field("account", &self.inner.account).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Credential {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credential").field("caller", &self.caller).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keys").field("access_key", &self.access_key).finish_non_exhaustive()
    }
}

impl Identity {
    /// Opens the identity of a data folder; the first start makes the account and its root key.
    ///
    /// # Errors
    /// A root key that is there and cannot be used, or a store that takes no commit.
    pub async fn open(store: Store, folder: &Path) -> Result<Identity, OpenError> {
        let root = RootKey::read_or_make(folder, store.env().as_ref())?;
        let account = Account::default();
        let key = keys::account(&account);
        if store.snapshot().get(&key)?.is_none() {
            let row = AccountRow { made: store.env().now() };
            let mut batch = Batch::new();
            batch.put(key, minicbor::to_vec(&row).expect("writing to memory does not fail"));
            store.commit(batch, ()).await?;
        }
        let sealer = Sealer::new(&root.sealing_key);
        Ok(Identity { inner: Arc::new(Inner { store, account, root, sealer }) })
    }

    /// The account that root belongs to.
    pub fn account(&self) -> &Account {
        &self.inner.account
    }

    /// The root key, for those who print it to its owner or sign as root.
    pub fn root(&self) -> &RootKey {
        &self.inner.root
    }

    /// Root as a caller.
    pub fn root_caller(&self) -> Caller {
        Caller::Root { account: self.inner.account.clone(), access_key: self.inner.root.access_key.clone() }
    }

    pub(crate) fn store(&self) -> &Store {
        &self.inner.store
    }

    /// What an access key (and the token that came with it) stands for. Proves nothing: the signature does.
    ///
    /// # Errors
    /// [`Refused`]: no such key, or a token that is not good.
    pub fn secret(&self, access_key: &str, token: Option<&str>) -> Result<Credential, Refused> {
        if access_key == self.inner.root.access_key {
            return match token {
                None => {
                    Ok(Credential { secret: self.inner.root.secret_key.clone(), caller: self.root_caller() })
                }
                Some(_) => Err(Refused::BadToken),
            };
        }
        if !access_key.starts_with("ASIA") {
            return Err(Refused::UnknownKey);
        }
        let now = self.inner.store.env().now();
        let session = self.inner.sealer.open(access_key, token.ok_or(Refused::BadToken)?, now)?;
        Ok(Credential { secret: self.inner.sealer.secret(access_key), caller: Caller::Session(session) })
    }

    /// Keys for a jail. They end at `session.until`, or in 12 hours, whichever is first.
    pub fn session(&self, mut session: Session) -> Keys {
        let env = self.inner.store.env();
        session.until = session.until.min(env.now().plus(SESSION_LIFE_MAX));
        self.inner.sealer.issue(env.as_ref(), &session)
    }
}

impl From<Refused> for Fault {
    fn from(refused: Refused) -> Fault {
        let subject = match refused {
            Refused::UnknownKey => Subject::AccessKey,
            Refused::BadToken | Refused::ExpiredToken => Subject::Session,
        };
        Fault::new(Code::Unauthenticated, subject, refused.to_string())
    }
}
