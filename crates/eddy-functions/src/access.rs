//! Whether somebody may do something with a function: its own policy together with what identity knows.

use eddy_base::{Fault, Scope};
use eddy_identity::policy::{Context, Document};
use eddy_identity::{Caller, Decision, Question};
use eddy_store::Pos;

use crate::Functions;

/// Who asks for what, in the words of the dialect.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    pub caller: &'a Caller,
    pub action: &'a str,
    /// The function as statements of its policy name it.
    pub resource: &'a str,
    /// What conditions may ask about: the source on whose behalf the caller asks, how a URL is protected.
    pub context: &'a Context,
}

impl Functions {
    /// Decides by the function's policy and by whom it belongs to.
    ///
    /// # Errors
    /// `Missing` about the function.
    pub fn decide(&self, scope: &Scope, name: &str, asked: &Asked<'_>) -> Result<Decision, Fault> {
        let known = self.shared.known(scope, name)?;
        let Asked { caller, action, resource, context } = *asked;
        Ok(self.shared.identity.decide(&Question {
            caller,
            action,
            resource,
            owner: Some(&scope.account),
            policy: known.policy.as_ref(),
            context,
        }))
    }

    /// Hands the function's policy, and the position of its row, to whoever decides by more than that.
    ///
    /// # Errors
    /// `Missing` about the function.
    pub fn with_policy<T>(
        &self,
        scope: &Scope,
        name: &str,
        decide: impl FnOnce(Option<&Document>, Pos) -> T,
    ) -> Result<T, Fault> {
        let known = self.shared.known(scope, name)?;
        Ok(decide(known.policy.as_ref(), known.pos))
    }

    /// As [`Functions::decide`]; nobody may do anything with a function that is not there.
    pub fn allows(&self, scope: &Scope, name: &str, asked: &Asked<'_>) -> bool {
        self.decide(scope, name, asked).is_ok_and(|decision| decision.allowed)
    }
}
