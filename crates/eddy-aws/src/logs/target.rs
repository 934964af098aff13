//! Which group an operation is about: by its name, or by its ARN with or without `:*`.

use eddy_base::{Account, Fault, Region, Scope};

use crate::{Cx, Needs};

/// A group and where it is.
pub(super) struct Target {
    pub scope: Scope,
    pub name: String,
}

/// The group that is named. Names are validated by the model; ARNs of other accounts and regions lead there.
///
/// # Errors
/// When both or neither are given, and when an ARN is none of a log group.
pub(super) fn target(cx: &Cx, name: Option<&str>, identifier: Option<&str>) -> Result<Target, Fault> {
    match (name, identifier) {
        (Some(name), None) => Ok(Target { scope: cx.scope.clone(), name: name.to_owned() }),
        (None, Some(identifier)) if !identifier.starts_with("arn:") => {
            Ok(Target { scope: cx.scope.clone(), name: identifier.to_owned() })
        }
        (None, Some(arn)) => from_arn(arn),
        (Some(_), Some(_)) => {
            Err(Fault::invalid("LogGroup name and LogGroup identifier are mutually exclusive parameters."))
        }
        (None, None) => Err(Fault::invalid("One of LogGroup name and LogGroup identifier must be given.")),
    }
}

/// The group of an ARN.
///
/// # Errors
/// When the text is no ARN of a log group.
pub(super) fn from_arn(arn: &str) -> Result<Target, Fault> {
    let parse = || {
        let rest = arn.strip_prefix("arn:aws:logs:")?;
        let (region, rest) = rest.split_once(':')?;
        let (account, rest) = rest.split_once(':')?;
        let name = rest.strip_prefix("log-group:")?;
        let name = name.strip_suffix(":*").unwrap_or(name);
        let scope = Scope { account: Account::new(account).ok()?, region: Region::new(region).ok()? };
        let is_name = !name.is_empty() && !name.contains(':');
        is_name.then(|| Target { scope, name: name.to_owned() })
    };
    parse().ok_or_else(|| Fault::invalid("The ARN is not that of a log group."))
}

/// `arn:aws:logs:REGION:ACCOUNT:log-group:NAME`.
pub(super) fn arn(scope: &Scope, name: &str) -> String {
    format!("arn:aws:logs:{}:{}:log-group:{name}", scope.region, scope.account)
}

/// A permission on a group. Logs decides on a group as on its streams, hence the end of the ARN.
pub(super) fn on_group(cx: &Cx, action: &'static str, name: Option<&str>, identifier: Option<&str>) -> Needs {
    on_stream(cx, action, name, identifier, "")
}

/// A permission on a stream. What is wrong with a name or an ARN is said by the operation.
pub(super) fn on_stream(
    cx: &Cx,
    action: &'static str,
    name: Option<&str>,
    identifier: Option<&str>,
    stream: &str,
) -> Needs {
    let arn = match target(cx, name, identifier) {
        Ok(target) => arn(&target.scope, &target.name),
        Err(_) => arn(&cx.scope, name.or(identifier).unwrap_or_default()),
    };
    Needs::one(action, format!("{arn}:log-stream:{stream}"))
}

/// A permission on a group that is named by its ARN.
pub(super) fn on_arn(cx: &Cx, action: &'static str, arn: &str) -> Needs {
    on_group(cx, action, None, Some(arn))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arns_name_groups() {
        let check = |text: &str, expected: Option<(&str, &str, &str)>| {
            let found = from_arn(text).ok();
            let found = found.as_ref().map(|target| {
                (target.scope.region.as_str(), target.scope.account.as_str(), target.name.as_str())
            });
            assert_eq!(found, expected, "{text}");
        };
        let expected = Some(("eu-west-1", "123456789012", "/aws/lambda/f"));
        check("arn:aws:logs:eu-west-1:123456789012:log-group:/aws/lambda/f", expected);
        check("arn:aws:logs:eu-west-1:123456789012:log-group:/aws/lambda/f:*", expected);
        check("arn:aws:logs:eu-west-1:123456789012:log-group:f:log-stream:s", None);
        check("arn:aws:logs:eu-west-1:123456789012:log-group:", None);
        check("arn:aws:logs:eu-west-1:12345:log-group:f", None);
        check("arn:aws:lambda:eu-west-1:123456789012:function:f", None);
        check("f", None);
    }
}
