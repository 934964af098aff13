//! What must be allowed before a function answers HTTP.

use eddy_gateway::{Permission, Request, Target, Via};
use eddy_identity::Caller;
use eddy_identity::policy::Context;

const SERVICE: &str = "apigateway.amazonaws.com";

/// An API needs one permission of the function; a URL needs two since October 2025.
pub(super) fn all(request: &Request<'_>) -> Vec<Permission> {
    match &request.via {
        Via::Api { stage, resource, .. } => {
            let context = Context::new()
                .with("aws:SourceArn", source(request, stage, resource))
                .with("aws:SourceAccount", request.scope.account.as_str());
            let caller = Caller::Service(SERVICE.to_owned());
            vec![permission(request.target, caller, "lambda:InvokeFunction", context)]
        }
        Via::Url { caller } => {
            let auth = if caller.is_some() { "AWS_IAM" } else { "NONE" };
            let caller = caller.cloned().unwrap_or(Caller::Anonymous);
            let url = Context::new().with("lambda:FunctionUrlAuthType", auth);
            let invoke = url.clone().with("lambda:InvokedViaFunctionUrl", "true");
            vec![
                permission(request.target, caller.clone(), "lambda:InvokeFunctionUrl", url),
                permission(request.target, caller, "lambda:InvokeFunction", invoke),
            ]
        }
    }
}

fn permission(target: &Target, caller: Caller, action: &'static str, context: Context) -> Permission {
    Permission { caller, action, resource: super::target::arn(target), context }
}

/// The ARN that statements for an API name: its stage, the request's method and the route's path, in which a
/// variable is its own name in braces.
fn source(request: &Request<'_>, stage: &str, resource: &str) -> String {
    let (region, account) = (&request.scope.region, &request.scope.account);
    let start = format!("arn:aws:execute-api:{region}:{account}:{}/{stage}", request.id);
    if resource.starts_with('/') {
        return format!("{start}/{}{resource}", request.head.method);
    }
    format!("{start}/{resource}")
}
