//! May they? A decision with its reason.

use std::fmt;

use eddy_base::Account;

use crate::policy::{Context, Document, Request, Verdict};
use crate::{Caller, Identity, boundary};

/// Everything a decision depends on.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    pub caller: &'a Caller,
    /// `s3:GetObject`.
    pub action: &'a str,
    /// The ARN, or `*`.
    pub resource: &'a str,
    /// Whose resource it is. `None`: the caller's own account.
    pub owner: Option<&'a Account>,
    /// The policy of the resource, where it has one.
    pub policy: Option<&'a Document>,
    pub context: &'a Context,
}

/// The answer.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct Decision {
    pub allowed: bool,
    pub why: Why,
}

/// What settled it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Why {
    /// A deny in the resource's policy, by the statement of this name.
    ResourceDenies(Option<String>),
    /// An action that no function may take.
    Boundary,
    /// An allow in the resource's policy.
    ResourceAllows(Option<String>),
    /// Root in its own account.
    Root,
    /// A function in its own account. Policies of roles are not enforced yet.
    OwnAccount,
    /// The resource is another account's, and its policy does not allow it.
    OtherAccount,
    /// Nothing allows it.
    NothingAllows,
}

impl Identity {
    /// Decides, explicit deny first: the resource's policy, the boundary of functions, then what allows.
    pub fn decide(&self, question: &Question<'_>) -> Decision {
        decide(question)
    }
}

fn decide(question: &Question<'_>) -> Decision {
    let Question { caller, action, resource, owner, policy, context } = *question;
    let verdict = policy.map(|policy| policy.verdict(&Request { caller, action, resource, context }));
    let deny = |why: Why| Decision { allowed: false, why };
    let allow = |why: Why| Decision { allowed: true, why };
    if let Some(Verdict::Deny(sid)) = verdict {
        return deny(Why::ResourceDenies(sid));
    }
    if matches!(caller, Caller::Session(_)) && boundary::closes(action) {
        return deny(Why::Boundary);
    }
    let foreign = match (caller.account(), owner) {
        (Some(own), Some(owner)) => own != owner,
        (Some(_) | None, None) | (None, Some(_)) => false,
    };
    match (verdict, caller) {
        (Some(Verdict::Allow(sid)), _) => allow(Why::ResourceAllows(sid)),
        (_, Caller::Root { .. } | Caller::Session(_)) if foreign => deny(Why::OtherAccount),
        (_, Caller::Root { .. }) => allow(Why::Root),
        (_, Caller::Session(_)) => allow(Why::OwnAccount),
        (_, Caller::Service(_) | Caller::Anonymous) => deny(Why::NothingAllows),
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Why::ResourceDenies(_) => f.write_str("with an explicit deny in a resource-based policy"),
            Why::Boundary => f.write_str("with an explicit deny in a permissions boundary"),
            Why::ResourceAllows(_) => f.write_str("allowed by a resource-based policy"),
            Why::Root => f.write_str("allowed: it is the account's root"),
            Why::OwnAccount => f.write_str("allowed: policies of roles are not enforced yet"),
            Why::OtherAccount | Why::NothingAllows => {
                f.write_str("because no resource-based policy allows the action")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Session;
    use crate::policy::Kind;
    use eddy_base::{Region, Scope, Timestamp};

    #[test]
    fn who_may() {
        let root = Caller::Root { account: Account::default(), access_key: String::new() };
        let session = Caller::Session(Session {
            scope: Scope { account: Account::default(), region: Region::default() },
            role: "arn:aws:iam::000000000000:role/r".to_owned(),
            function: "f".to_owned(),
            environment: "e".to_owned(),
            until: Timestamp::EPOCH,
        });
        let service = Caller::Service("s3.amazonaws.com".to_owned());
        let policy = |effect: &str, principal: &str| {
            let text = format!(
                r#"{{"Statement":{{"Sid":"x","Effect":"{effect}","Principal":{principal},"Action":"*","Resource":"*"}}}}"#
            );
            Some(Document::parse(&text, Kind::Resource).unwrap())
        };
        let sid = || Some("x".to_owned());
        let other = Account::new("111111111111").unwrap();
        let public = policy("Allow", r#""*""#);
        let closed = policy("Deny", r#""*""#);
        let s3_only = policy("Allow", r#"{"Service":"s3.amazonaws.com"}"#);
        type Case<'a> = (&'a Caller, &'a str, Option<&'a Account>, &'a Option<Document>, bool, Why);
        let cases: [Case<'_>; 12] = [
            (&root, "s3:PutObject", None, &None, true, Why::Root),
            (&root, "iam:CreateRole", None, &None, true, Why::Root),
            (&root, "s3:PutObject", Some(&other), &None, false, Why::OtherAccount),
            (&root, "s3:PutObject", Some(&other), &public, true, Why::ResourceAllows(sid())),
            (&root, "s3:PutObject", None, &closed, false, Why::ResourceDenies(sid())),
            (&session, "s3:PutObject", None, &None, true, Why::OwnAccount),
            (&session, "iam:CreateRole", None, &public, false, Why::Boundary),
            (&session, "lambda:InvokeFunction", None, &None, true, Why::OwnAccount),
            (&Caller::Anonymous, "s3:GetObject", None, &None, false, Why::NothingAllows),
            (&Caller::Anonymous, "s3:GetObject", Some(&other), &public, true, Why::ResourceAllows(sid())),
            (&service, "lambda:InvokeFunction", None, &s3_only, true, Why::ResourceAllows(sid())),
            (&Caller::Anonymous, "lambda:InvokeFunction", None, &s3_only, false, Why::NothingAllows),
        ];
        for (caller, action, owner, policy, allowed, why) in cases {
            let context = Context::new();
            let policy = policy.as_ref();
            let decision =
                decide(&Question { caller, action, resource: "arn:x", owner, policy, context: &context });
            assert_eq!(decision, Decision { allowed, why }, "{caller:?} {action} {owner:?}");
        }
    }
}
