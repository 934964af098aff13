use eddy_base::{Code, Fault, Subject};
use serde::Deserialize;

use super::fault::about;
use super::name::FunctionName;
use crate::{Cx, Needs, Operation, Reply};

/// Removes a statement from the function's policy.
#[derive(Debug, Deserialize)]
pub(super) struct RemovePermission {
    function_name: FunctionName,
    statement_id: String,
    qualifier: Option<String>,
    revision_id: Option<String>,
}

impl Operation for RemovePermission {
    const NAME: &'static str = "RemovePermission";
    type Output = ();

    fn needs(&self, cx: &Cx) -> Needs {
        Needs::one("lambda:RemovePermission", self.function_name.arn(cx))
    }

    async fn call(self, cx: Cx) -> Result<Reply<()>, Fault> {
        let place = self.function_name.existing(&cx, self.qualifier.as_deref())?;
        let id = &self.statement_id;
        let worded = |fault: Fault| match (fault.code, fault.subject) {
            (Code::Missing, Subject::Statement) => {
                let text = format!("Statement {id} is not found in resource policy.");
                Fault { message: text.into(), ..fault }
            }
            _ => fault,
        };
        let functions = &cx.engines.functions;
        let revision = self.revision_id.as_deref();
        let removed = functions.remove_statement(&place.scope, &place.name, revision, id).await;
        Ok(Reply::after(removed.map_err(worded).map_err(about(&place))?))
    }
}
