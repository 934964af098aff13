//! What Lambda calls things, for the engine and for the other services of this dialect.

use eddy_base::{Account, Region, Scope};
use eddy_functions::{Asked, Dialect, Functions};
use eddy_identity::Caller;
use eddy_identity::policy::Context;
use eddy_runtime::Runtime;

use super::logging;

/// The names that Lambda has for what the engine makes.
pub fn dialect() -> Dialect {
    Dialect { log_group: logging::usual_group, arn: function_arn, runtime: runtime_of }
}

/// `arn:aws:lambda:REGION:ACCOUNT:function:NAME`, with `:QUALIFIER` when there is one.
pub fn function_arn(scope: &Scope, name: &str, qualifier: Option<&str>) -> String {
    let Scope { account, region } = scope;
    match qualifier {
        Some(qualifier) => format!("arn:aws:lambda:{region}:{account}:function:{name}:{qualifier}"),
        None => format!("arn:aws:lambda:{region}:{account}:function:{name}"),
    }
}

/// Takes a function's ARN apart: where it is, its name, and its qualifier.
pub fn parse_function_arn(arn: &str) -> Option<(Scope, String, Option<String>)> {
    let mut parts = arn.split(':');
    let head: [&str; 3] = [parts.next()?, parts.next()?, parts.next()?];
    if head[0] != "arn" || !head[1].starts_with("aws") || head[2] != "lambda" {
        return None;
    }
    let region = Region::new(parts.next()?).ok()?;
    let account = Account::new(parts.next()?).ok()?;
    if parts.next()? != "function" {
        return None;
    }
    let name = parts.next().filter(|name| !name.is_empty())?.to_owned();
    let qualifier = parts.next().map(str::to_owned);
    parts.next().is_none().then_some((Scope { account, region }, name, qualifier))
}

/// May a service (`s3.amazonaws.com`) invoke this function on behalf of `source_arn`? For the services that
/// invoke functions for somebody: notifications, APIs.
pub fn may_invoke(
    functions: &Functions,
    (scope, name): (&Scope, &str),
    service: &str,
    source_arn: &str,
    source_account: &Account,
) -> bool {
    let caller = Caller::Service(service.to_owned());
    let resource = function_arn(scope, name, None);
    let context =
        Context::new().with("aws:SourceArn", source_arn).with("aws:SourceAccount", source_account.as_str());
    let asked =
        Asked { caller: &caller, action: "lambda:InvokeFunction", resource: &resource, context: &context };
    functions.allows(scope, name, &asked)
}

/// The runtimes that can be asked for. Whether this machine has the interpreter is the jail's to say.
fn runtime_of(name: &str) -> Option<Runtime> {
    match name {
        "provided.al2" | "provided.al2023" => Some(Runtime::Bootstrap),
        _ => {
            let minor = name.strip_prefix("python3.")?.parse().ok()?;
            (10..=15).contains(&minor).then_some(Runtime::Python { minor })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arns_are_read_as_they_are_written() {
        let scope = Scope { account: Account::default(), region: Region::default() };
        for qualifier in [None, Some("$LATEST")] {
            let arn = function_arn(&scope, "f", qualifier);
            let expected = Some((scope.clone(), "f".to_owned(), qualifier.map(str::to_owned)));
            assert_eq!(parse_function_arn(&arn), expected);
        }
        for arn in ["", "f", "arn:aws:s3:::b", "arn:aws:lambda:us-east-1:000000000000:layer:f"] {
            assert_eq!(parse_function_arn(arn), None, "{arn}");
        }
    }

    #[test]
    fn runtimes() {
        assert_eq!(runtime_of("python3.12"), Some(Runtime::Python { minor: 12 }));
        assert_eq!(runtime_of("provided.al2023"), Some(Runtime::Bootstrap));
        for name in ["python3.9", "python3.16", "python3.", "python2.7", "nodejs20.x", ""] {
            assert_eq!(runtime_of(name), None, "{name}");
        }
    }
}
