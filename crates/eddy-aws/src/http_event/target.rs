//! The functions that integrations name.

use eddy_gateway::Target;

use crate::lambda::{function_arn, parse_function_arn};

/// Reads a function's ARN, or the longer address that API Gateway's templates wrap it in
/// (`arn:aws:apigateway:REGION:lambda:path/2015-03-31/functions/ARN/invocations`).
pub(crate) fn function_of(uri: &str) -> Option<Target> {
    let arn = match uri.split_once(":lambda:path/") {
        Some((before, path)) if before.starts_with("arn:") && before.contains(":apigateway:") => {
            path.split_once("/functions/")?.1.strip_suffix("/invocations")?
        }
        Some(_) | None => uri,
    };
    let (scope, name, qualifier) = parse_function_arn(arn)?;
    let named = |text: &str| {
        !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_$".contains(&byte))
    };
    let known = named(&name) && qualifier.as_deref().is_none_or(named);
    known.then_some(Target { scope, name, qualifier })
}

/// The ARN of the function.
pub(super) fn arn(target: &Target) -> String {
    function_arn(&target.scope, &target.name, target.qualifier.as_deref())
}
