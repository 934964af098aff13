use eddy_base::{Code, Fault, Subject};
use eddy_functions::function::Statement;
use serde::{Deserialize, Serialize};

use super::fault::about;
use super::name::FunctionName;
use super::statement::Permission;
use crate::{Cx, Needs, Operation, Reply};

/// Adds a statement to the function's policy.
#[derive(Debug, Deserialize)]
pub(super) struct AddPermission {
    function_name: FunctionName,
    statement_id: String,
    action: String,
    principal: String,
    source_arn: Option<String>,
    source_account: Option<String>,
    event_source_token: Option<String>,
    qualifier: Option<String>,
    revision_id: Option<String>,
    principal_org_id: Option<String>,
    function_url_auth_type: Option<String>,
    invoked_via_function_url: Option<bool>,
}

#[derive(Debug, Serialize)]
pub(super) struct Output {
    statement: String,
}

impl Operation for AddPermission {
    const NAME: &'static str = "AddPermission";
    type Output = Output;

    fn needs(&self, cx: &Cx) -> Needs {
        Needs::one("lambda:AddPermission", self.function_name.arn(cx))
    }

    async fn check(&self, cx: &Cx) -> Result<(), Fault> {
        self.statement(&self.function_name.place(cx, None)?.arn()).map(drop)
    }

    async fn call(self, cx: Cx) -> Result<Reply<Output>, Fault> {
        let place = self.function_name.place(&cx, self.qualifier.as_deref())?;
        if place.qualifier.is_some() {
            return Err(Fault::invalid(
                "We currently do not support adding policies for $LATEST, versions and aliases.",
            ));
        }
        let json = self.statement(&place.arn())?;
        let statement = Statement { id: self.statement_id, json: json.clone() };
        let functions = &cx.engines.functions;
        let revision = self.revision_id.as_deref();
        let id = statement.id.clone();
        let added = functions.add_statement(&place.scope, &place.name, revision, statement).await;
        let added = added.map_err(|fault| worded(fault, &id)).map_err(about(&place))?;
        Ok(Reply::after(added.map(|()| Output { statement: json })))
    }
}

impl AddPermission {
    /// The statement, as a document.
    fn statement(&self, function_arn: &str) -> Result<String, Fault> {
        let permission = Permission {
            id: self.statement_id.clone(),
            action: self.action.clone(),
            principal: self.principal.clone(),
            source_arn: self.source_arn.clone(),
            source_account: self.source_account.clone(),
            event_source_token: self.event_source_token.clone(),
            organization: self.principal_org_id.clone(),
            url_auth: self.function_url_auth_type.clone(),
            via_url: self.invoked_via_function_url,
        };
        permission.statement(function_arn)
    }
}

fn worded(fault: Fault, id: &str) -> Fault {
    match (fault.code, fault.subject) {
        (Code::Exists, Subject::Statement) => {
            let text = format!(
                "The statement id ({id}) provided already exists. Please provide a new statement id, or remove \
                 the existing statement."
            );
            Fault { message: text.into(), ..fault }
        }
        // The action and the conditions are made here, so it can only be the principal.
        (Code::Invalid, Subject::Statement) => {
            let text = "The provided principal was invalid. Please check the principal and try again.";
            Fault { message: text.into(), ..fault }
        }
        (Code::TooLarge, Subject::Policy) => {
            let text = "The final policy size is bigger than the limit (20480).";
            Fault { message: text.into(), ..fault }
        }
        _ => fault,
    }
}
