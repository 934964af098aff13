//! The resource policy of a function: who may invoke it besides those whose own policies say so.
//!
//! A change of the policy changes the function's revision, but not its build: environments stay.

use eddy_base::{Fault, Id, Scope};
use eddy_identity::policy::{Document, Kind};
use eddy_store::{Batch, Durable, Pos};

use crate::Functions;
use crate::error::Error;
use crate::function::{Function, Policy, Statement};
use crate::keys::{self, Kind as Row};
use crate::limits::POLICY_BYTES_MAX;
use crate::rows::{self, Place};

impl Functions {
    /// Adds a statement. `revision`, when given, must be the function's current one.
    ///
    /// # Errors
    /// `Missing` about the function; `Exists` about the statement's id, `Invalid` about what it says; `TooLarge`
    /// about the policy; `ConditionFailed` about the revision.
    pub async fn add_statement(
        &self,
        scope: &Scope,
        name: &str,
        revision: Option<&str>,
        statement: Statement,
    ) -> Result<Durable<()>, Fault> {
        let change = |statements: &mut Vec<Statement>| {
            if statements.iter().any(|other| other.id == statement.id) {
                return Err(Error::StatementExists(statement.id.clone()));
            }
            statements.push(statement.clone());
            let size: usize = statements.iter().map(|statement| statement.json.len() + 1).sum();
            if size > POLICY_BYTES_MAX { Err(Error::PolicyTooLarge) } else { Ok(()) }
        };
        self.change_policy(scope, name, revision, change).await
    }

    /// Removes a statement. `revision`, when given, must be the function's current one.
    ///
    /// # Errors
    /// `Missing` about the function or the statement; `ConditionFailed` about the revision.
    pub async fn remove_statement(
        &self,
        scope: &Scope,
        name: &str,
        revision: Option<&str>,
        id: &str,
    ) -> Result<Durable<()>, Fault> {
        let change = |statements: &mut Vec<Statement>| {
            let before = statements.len();
            statements.retain(|statement| statement.id != id);
            if statements.len() == before { Err(Error::NoStatement(id.to_owned())) } else { Ok(()) }
        };
        self.change_policy(scope, name, revision, change).await
    }

    /// The policy's statements with the function's revision, and the position at which they were read.
    ///
    /// # Errors
    /// `Missing` about the function, or about the policy when it has no statement.
    pub fn policy(&self, scope: &Scope, name: &str) -> Result<(Policy, Id, Pos), Fault> {
        let snapshot = self.shared.store.snapshot();
        let function = rows::get::<Function>(&snapshot, &keys::row(scope, Row::Function, name))?;
        let (function, _) = function.ok_or_else(|| Error::NoFunction(name.to_owned()))?;
        let policy = rows::get(&snapshot, &keys::row(scope, Row::Policy, name))?;
        let (policy, _) = policy.ok_or_else(|| Error::NoPolicy(name.to_owned()))?;
        Ok((policy, function.revision, snapshot.pos()))
    }

    async fn change_policy(
        &self,
        scope: &Scope,
        name: &str,
        revision: Option<&str>,
        change: impl Fn(&mut Vec<Statement>) -> Result<(), Error> + Send + Sync,
    ) -> Result<Durable<()>, Fault> {
        let env = self.shared.store.env();
        let decide = |function: &Function, old: Option<Policy>, batch: &mut Batch| {
            function.check_revision(revision)?;
            let mut statements = old.map(|policy| policy.statements).unwrap_or_default();
            change(&mut statements)?;
            let policy = Policy { statements };
            // Each invocation will read it, so it must be one that can be read.
            Document::parse(&policy.json(), Kind::Resource).map_err(Error::BadStatement)?;
            let function = Function { revision: Id::random(&**env), ..function.clone() };
            batch.put(keys::row(scope, Row::Function, name), rows::encode(&function));
            Ok(((!policy.statements.is_empty()).then_some(policy), ()))
        };
        Ok(rows::change(&self.shared.store, Place { scope, name, kind: Row::Policy }, decide).await?)
    }
}
