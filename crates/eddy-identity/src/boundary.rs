//! What no function may do, whatever its role says.
//!
//! A function may use the account's things: objects, logs, other functions. It may not change who may do what
//! (roles, permissions), nor the code that runs here, itself included; else one broken handler could give
//! itself everything.

use crate::policy::glob;

/// Actions, in lower case, that are closed to the sessions of jails.
const CLOSED: [&str; 13] = [
    "iam:*",
    "sts:assumerole*",
    "sts:getfederationtoken",
    "sts:getsessiontoken",
    "lambda:create*",
    "lambda:update*",
    "lambda:delete*",
    "lambda:add*",
    "lambda:remove*",
    "lambda:put*",
    "lambda:publish*",
    "lambda:tag*",
    "lambda:untag*",
];

/// Is this action closed to functions?
pub(crate) fn closes(action: &str) -> bool {
    let action = action.to_ascii_lowercase();
    CLOSED.iter().any(|closed| glob(closed, &action))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn using_is_open_and_administration_is_closed() {
        for open in [
            "lambda:InvokeFunction",
            "lambda:GetFunction",
            "s3:PutObject",
            "sts:GetCallerIdentity",
            "logs:PutLogEvents",
        ] {
            assert!(!closes(open), "{open}");
        }
        for closed in [
            "iam:GetRole",
            "iam:PassRole",
            "sts:AssumeRole",
            "sts:AssumeRoleWithWebIdentity",
            "lambda:CreateFunction",
            "lambda:UpdateFunctionCode",
            "lambda:AddPermission",
            "lambda:PutFunctionEventInvokeConfig",
            "LAMBDA:deletefunction",
        ] {
            assert!(closes(closed), "{closed}");
        }
    }
}
