//! Whom a statement is about.

use crate::Caller;
use crate::account_of;

/// The principals of a statement, or everyone else (`NotPrincipal`).
#[derive(Debug, Clone, PartialEq)]
pub struct Principals {
    pub(crate) names: Vec<Name>,
    pub(crate) inverted: bool,
}

/// One principal, as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Name {
    /// `*`: everyone, those without a name too.
    Everyone,
    /// An account by its number or its root: everyone in it.
    Account(String),
    /// A role, a role's session, a user: by ARN.
    Arn(String),
    /// A service by its name: `s3.amazonaws.com`.
    Service(String),
    /// `Federated` and `CanonicalUser`: nobody here is one.
    Other,
}

impl Principals {
    pub(crate) fn covers(&self, caller: &Caller) -> bool {
        self.names.iter().any(|name| name.is(caller)) != self.inverted
    }

    /// Is everyone among them?
    pub fn is_everyone(&self) -> bool {
        !self.inverted && self.names.contains(&Name::Everyone)
    }
}

impl Name {
    /// The value of `Principal.AWS`. `None`: it is none.
    pub(crate) fn amazon(text: &str) -> Option<Name> {
        if text == "*" {
            return Some(Name::Everyone);
        }
        if text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Some(Name::Account(text.to_owned()));
        }
        let account = account_of(text)?;
        if text.ends_with(":root") {
            return Some(Name::Account(account.to_owned()));
        }
        Some(Name::Arn(text.to_owned()))
    }

    fn is(&self, caller: &Caller) -> bool {
        match (self, caller) {
            (Name::Everyone, _) => true,
            (Name::Account(account), Caller::Root { .. } | Caller::Session(_)) => {
                caller.account().is_some_and(|own| own.as_str() == account)
            }
            (Name::Arn(arn), Caller::Session(session)) => *arn == session.role || *arn == session.arn(),
            (Name::Service(name), Caller::Service(service)) => name.eq_ignore_ascii_case(service),
            (
                Name::Account(_) | Name::Arn(_) | Name::Service(_) | Name::Other,
                Caller::Root { .. } | Caller::Session(_) | Caller::Service(_) | Caller::Anonymous,
            ) => false,
        }
    }
}
