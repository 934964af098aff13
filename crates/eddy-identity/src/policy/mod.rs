//! Policy documents: parsed once, then asked.
//!
//! A [`Document`] is the JSON of the policy language, validated. [`Document::verdict`] says what it makes of a
//! [`Request`]: deny, allow, or nothing. Explicit deny goes first, whatever the order of statements. All 27
//! condition operators are here, with `ForAllValues:`, `ForAnyValue:` and `...IfExists`, and policy variables
//! where the document's version has them. What a service says about a document that is malformed is the
//! service's; here it is a fact ([`Malformed`]).

mod condition;
mod parse;
mod pattern;
mod principal;
#[cfg(test)]
mod tests;

use crate::Caller;

pub use condition::Context;
pub use parse::Malformed;
pub use pattern::glob;
pub use principal::Principals;

use condition::Condition;
use pattern::Pattern;

/// A policy document, ready to be asked.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    /// As it was written. Services give it back as it came.
    pub text: String,
    pub statements: Vec<Statement>,
}

/// One statement.
#[derive(Debug, Clone, PartialEq)]
pub struct Statement {
    pub sid: Option<String>,
    pub effect: Effect,
    /// `None` in a policy of an identity, which applies to whoever has it.
    pub principals: Option<Principals>,
    pub(crate) actions: Set,
    /// `None` in a trust policy, whose resource is the role that has it.
    pub(crate) resources: Option<Set>,
    pub(crate) conditions: Vec<Condition>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    Allow,
    Deny,
}

/// Patterns that something is one of, or none of (`NotAction`, `NotResource`).
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Set {
    pub(crate) patterns: Vec<Pattern>,
    pub(crate) inverted: bool,
}

/// What kind of policy it is, and so what its statements must and must not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Of a role or user: no principal, a resource.
    Identity,
    /// Of a resource: a principal and a resource.
    Resource,
    /// Who may become a role: a principal, no resource.
    Trust,
}

/// Who wants to do what with what.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    pub caller: &'a Caller,
    /// `s3:GetObject`. Compared without case.
    pub action: &'a str,
    /// The ARN, or `*` where the action has no resource.
    pub resource: &'a str,
    pub context: &'a Context,
}

/// What a document makes of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// By this statement, where it has a name.
    Deny(Option<String>),
    Allow(Option<String>),
    Silent,
}

impl Document {
    /// What this document makes of the request.
    pub fn verdict(&self, request: &Request<'_>) -> Verdict {
        let mut verdict = Verdict::Silent;
        for statement in self.statements.iter().filter(|statement| statement.applies(request)) {
            match statement.effect {
                Effect::Deny => return Verdict::Deny(statement.sid.clone()),
                Effect::Allow if verdict == Verdict::Silent => {
                    verdict = Verdict::Allow(statement.sid.clone());
                }
                Effect::Allow => {}
            }
        }
        verdict
    }
}

impl Statement {
    fn applies(&self, request: &Request<'_>) -> bool {
        let principal = self.principals.as_ref().is_none_or(|principals| principals.covers(request.caller));
        principal
            && self.actions.has(|pattern| pattern.matches_without_case(request.action))
            && self
                .resources
                .as_ref()
                .is_none_or(|set| set.has(|pattern| pattern.matches(request.resource, request.context)))
            && self.conditions.iter().all(|condition| condition.holds(request.context))
    }

    /// The actions as they were written, for those who list or restrict them.
    pub fn actions(&self) -> impl Iterator<Item = &str> {
        self.actions.patterns.iter().map(Pattern::text)
    }
}

impl Set {
    fn has(&self, matches: impl Fn(&Pattern) -> bool) -> bool {
        self.patterns.iter().any(matches) != self.inverted
    }
}
