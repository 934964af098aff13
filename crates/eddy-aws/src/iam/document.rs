//! Policy documents in IAM's words.

use eddy_base::{Code, Fault, Subject};
use eddy_identity::limits::TRUST_POLICY_CHARACTERS_MAX;
use eddy_identity::policy::{Document, Kind, Malformed};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// Characters that stay as they are in a document on its way out (RFC 3986).
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// As IAM gives documents back: URL-encoded.
pub(super) fn encoded(text: &str) -> String {
    utf8_percent_encode(text, ESCAPED).to_string()
}

/// Quotas of IAM do not count white space.
pub(super) fn characters(text: &str) -> usize {
    text.chars().filter(|character| !character.is_whitespace()).count()
}

/// Holds the policy of a role against the language.
pub(super) fn check_policy(text: &str) -> Result<(), Fault> {
    Document::parse(text, Kind::Identity).map(|_| ()).map_err(worded)
}

/// Holds a trust policy against the language and its quota.
pub(super) fn check_trust(text: &str) -> Result<(), Fault> {
    let document = Document::parse(text, Kind::Trust).map_err(worded)?;
    let mut actions = document.statements.iter().flat_map(|statement| statement.actions());
    let is_trust = |action: &str| {
        let action = action.to_ascii_lowercase();
        ["sts:assumerole", "sts:tagsession", "sts:setsourceidentity", "sts:setcontext"]
            .iter()
            .any(|start| action.starts_with(start))
    };
    if !actions.all(is_trust) {
        return Err(malformed("AssumeRole policy may only specify STS AssumeRole actions."));
    }
    if characters(text) > TRUST_POLICY_CHARACTERS_MAX {
        let text = format!("Cannot exceed quota for ACLSizePerRole: {TRUST_POLICY_CHARACTERS_MAX}");
        return Err(Fault::new(Code::LimitExceeded, Subject::Policy, text));
    }
    Ok(())
}

fn malformed(text: impl Into<std::borrow::Cow<'static, str>>) -> Fault {
    Fault::new(Code::Invalid, Subject::Policy, text)
}

fn worded(why: Malformed) -> Fault {
    match why {
        Malformed::TooLarge => {
            Fault::new(Code::LimitExceeded, Subject::Policy, "Cannot exceed quota for PolicySize: 65536")
        }
        Malformed::NotJson => malformed("This policy contains invalid Json"),
        Malformed::UnknownField(_) | Malformed::BadValue(_) | Malformed::Both(_) => {
            malformed("Syntax errors in policy.")
        }
        Malformed::BadVersion => malformed("The policy must contain a valid version string"),
        Malformed::Missing("Action") => malformed("Policy statement must contain actions."),
        Malformed::Missing("Resource") => malformed("Policy statement must contain resources."),
        Malformed::Missing(field) => malformed(format!("Missing required field {field}")),
        Malformed::Prohibited("Principal") => malformed("Policy document should not specify a principal."),
        Malformed::Prohibited(field) => malformed(format!("Has prohibited field {field}")),
        Malformed::SidTwice(_) => malformed("Statement IDs (SID) in a single policy must be unique."),
        Malformed::BadAction(_) => {
            malformed("Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.")
        }
        Malformed::BadResource(name) => malformed(format!("Resource {name} must be in ARN format or \"*\".")),
        Malformed::BadPrincipal { kind, value } => {
            malformed(format!("Invalid principal in policy: \"{kind}\":\"{value}\""))
        }
        Malformed::BadOperator(name) => malformed(format!("Invalid Condition type : {name}.")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trust_policies() {
        let trust = |action: &str| {
            format!(
                r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"Service":"lambda.amazonaws.com"}},"Action":"{action}"}}]}}"#
            )
        };
        assert_eq!(check_trust(&trust("sts:AssumeRole")), Ok(()));
        assert_eq!(check_trust(&trust("sts:AssumeRoleWithWebIdentity")), Ok(()));
        assert_eq!(check_trust(&trust("s3:GetObject")).unwrap_err().code, Code::Invalid);
        assert_eq!(check_trust("{").unwrap_err().message, "This policy contains invalid Json");
        let long = trust("sts:AssumeRole").replace("lambda.", &"x".repeat(2048));
        assert_eq!(check_trust(&long).unwrap_err().code, Code::LimitExceeded);
    }

    #[test]
    fn documents_go_out_encoded() {
        assert_eq!(encoded(r#"{"a": "*~"}"#), "%7B%22a%22%3A%20%22%2A~%22%7D");
    }
}
