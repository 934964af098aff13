//! The functions that integrations name.

use eddy_base::{Account, Region, Scope};
use eddy_gateway::Target;

/// Reads a function's ARN, or the longer address that API Gateway's templates wrap it in
/// (`arn:aws:apigateway:REGION:lambda:path/2015-03-31/functions/ARN/invocations`).
pub(crate) fn function_of(uri: &str) -> Option<Target> {
    let arn = match uri.split_once(":lambda:path/") {
        Some((before, path)) if before.starts_with("arn:") && before.contains(":apigateway:") => {
            path.split_once("/functions/")?.1.strip_suffix("/invocations")?
        }
        Some(_) | None => uri,
    };
    let parts: Vec<&str> = arn.split(':').collect();
    let (region, account, name, qualifier) = match parts.as_slice() {
        ["arn", _, "lambda", region, account, "function", name] => (region, account, name, None),
        ["arn", _, "lambda", region, account, "function", name, qualifier] => {
            (region, account, name, Some((*qualifier).to_owned()))
        }
        _ => return None,
    };
    let named = |text: &str| {
        !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_$".contains(&byte))
    };
    if !named(name) || qualifier.as_deref().is_some_and(|text| !named(text)) {
        return None;
    }
    let scope = Scope { account: Account::new(account).ok()?, region: Region::new(region).ok()? };
    Some(Target { scope, name: (*name).to_owned(), qualifier })
}

/// The ARN of the function.
pub(super) fn arn(target: &Target) -> String {
    let Target { scope, name, qualifier } = target;
    let arn = format!("arn:aws:lambda:{}:{}:function:{name}", scope.region, scope.account);
    match qualifier {
        Some(qualifier) => format!("{arn}:{qualifier}"),
        None => arn,
    }
}
