//! Who asks.

use eddy_base::{Account, Scope, Timestamp};

/// Who a request comes from, once it is proven.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Caller {
    /// The account's own root: may do everything in its account.
    Root { account: Account, access_key: String },
    /// A function in its jail.
    Session(Session),
    /// A service acting for itself: the bus calling a function, the gateway. By the name that resource
    /// policies have for it; only dialects know it.
    Service(String),
    /// Nobody in particular.
    Anonymous,
}

/// What a jail's credentials say. Sealed in their token; nothing of it is kept here.
#[derive(Debug, Clone, PartialEq, Eq, minicbor::Encode, minicbor::Decode)]
#[cbor(map)]
pub struct Session {
    #[n(0)]
    pub scope: Scope,
    /// The ARN of the function's role.
    #[n(1)]
    pub role: String,
    /// The function's name, which is the session's name too.
    #[n(2)]
    pub function: String,
    /// The environment (one jail) that has these credentials.
    #[n(3)]
    pub environment: String,
    /// When they end; at most [`crate::limits::SESSION_LIFE_MAX`] from now.
    #[n(4)]
    pub until: Timestamp,
}

impl Caller {
    /// The account that the caller belongs to.
    pub fn account(&self) -> Option<&Account> {
        match self {
            Caller::Root { account, .. } => Some(account),
            Caller::Session(session) => Some(&session.scope.account),
            Caller::Service(_) | Caller::Anonymous => None,
        }
    }

    /// The ARN that answers and messages name the caller by.
    pub fn arn(&self) -> String {
        match self {
            Caller::Root { account, .. } => format!("arn:aws:iam::{account}:root"),
            Caller::Session(session) => session.arn(),
            Caller::Service(name) => name.clone(),
            Caller::Anonymous => "anonymous".to_owned(),
        }
    }
}

impl Session {
    /// The ARN of the role's session: `arn:aws:sts::000000000000:assumed-role/ROLE/FUNCTION`.
    pub fn arn(&self) -> String {
        format!("arn:aws:sts::{}:assumed-role/{}/{}", self.scope.account, self.role_name(), self.function)
    }

    /// The role's name: the last part of its ARN, without its path.
    pub fn role_name(&self) -> &str {
        self.role.rsplit('/').next().unwrap_or(&self.role)
    }
}

/// The account in an ARN, if it is one and has an account.
pub fn account_of(arn: &str) -> Option<&str> {
    let mut parts = arn.split(':');
    if parts.next() != Some("arn") {
        return None;
    }
    let account = parts.nth(3)?;
    let whole = account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit());
    (whole && parts.next().is_some_and(|resource| !resource.is_empty())).then_some(account)
}
