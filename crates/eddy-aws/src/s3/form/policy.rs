//! The policy of a form: until when, and with which fields, somebody else may fill it in.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use eddy_base::{Fault, Timestamp};
use serde_json::Value;

use super::super::fault;
use super::super::names::denied;
use super::Fields;

/// What a signed form allows.
#[derive(Debug)]
pub(super) struct Policy {
    expiration: Timestamp,
    conditions: Vec<Condition>,
    /// Bytes of the file, both ends included.
    pub size: Option<(u64, u64)>,
}

#[derive(Debug)]
struct Condition {
    field: String,
    is: Match,
    value: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Match {
    Equal,
    StartsWith,
}

/// Fields that no condition has to name.
const FREE: [&str; 6] = ["file", "policy", "awsaccesskeyid", "signature", "x-amz-signature", "submit"];

impl Policy {
    /// Reads the document as it stands in the form, in base64.
    ///
    /// # Errors
    /// Not base64, not JSON, no expiration, or a condition of another form.
    pub(super) fn parse(field: &str) -> Result<Policy, Fault> {
        let wrong = |what: &str| fault::invalid("InvalidPolicyDocument", format!("Invalid Policy: {what}"));
        let text: String = field.chars().filter(|character| !character.is_whitespace()).collect();
        let bytes = BASE64.decode(text).map_err(|_| wrong("Invalid Base64."))?;
        let document: Value = serde_json::from_slice(&bytes).map_err(|_| wrong("Invalid JSON."))?;
        let expiration = document.get("expiration").and_then(Value::as_str);
        let expiration = expiration.ok_or_else(|| wrong("Policy missing expiration."))?;
        let expiration = expiration.parse::<jiff::Timestamp>();
        let expiration = expiration.map_err(|_| wrong("Invalid 'expiration' value."))?;
        let conditions = document.get("conditions").and_then(Value::as_array);
        let conditions = conditions.ok_or_else(|| wrong("Policy missing conditions."))?;
        let mut policy = Policy {
            expiration: Timestamp::from_millis(expiration.as_millisecond()),
            conditions: Vec::new(),
            size: None,
        };
        for condition in conditions {
            policy.add(condition).ok_or_else(|| wrong("Invalid Condition."))?;
        }
        Ok(policy)
    }

    fn add(&mut self, condition: &Value) -> Option<()> {
        if let Some(pairs) = condition.as_object() {
            for (field, value) in pairs {
                let value = value.as_str()?.to_owned();
                self.conditions.push(Condition {
                    field: field.to_ascii_lowercase(),
                    is: Match::Equal,
                    value,
                });
            }
            return Some(());
        }
        let [operator, first, second] = condition.as_array()?.as_slice() else { return None };
        let operator = operator.as_str()?;
        if operator.eq_ignore_ascii_case("content-length-range") {
            self.size = Some((number(first)?, number(second)?));
            return Some(());
        }
        let is = match operator.to_ascii_lowercase().as_str() {
            "eq" => Match::Equal,
            "starts-with" => Match::StartsWith,
            _ => return None,
        };
        let field = first.as_str()?.strip_prefix('$')?.to_ascii_lowercase();
        self.conditions.push(Condition { field, is, value: second.as_str()?.to_owned() });
        Some(())
    }

    /// Holds the form's fields against the policy.
    ///
    /// # Errors
    /// 403: too late, a condition that does not hold, or a field that no condition names.
    pub(super) fn check(&self, fields: &Fields, bucket: &str, now: Timestamp) -> Result<(), Fault> {
        if self.expiration <= now {
            return Err(denied("Invalid according to Policy: Policy expired."));
        }
        for condition in &self.conditions {
            let value = if condition.field == "bucket" { Some(bucket) } else { fields.get(&condition.field) };
            if !condition.holds(value.unwrap_or_default()) {
                let text = format!("Invalid according to Policy: Policy Condition failed: {condition}");
                return Err(denied(text));
            }
        }
        let is_named = |name: &str| {
            FREE.contains(&name) || self.conditions.iter().any(|condition| condition.field == name)
        };
        let extra = fields.names().find(|name| !is_named(name) && !name.starts_with("x-ignore-"));
        match extra {
            Some(name) => Err(denied(format!("Invalid according to Policy: Extra input fields: {name}"))),
            None => Ok(()),
        }
    }
}

impl Condition {
    fn holds(&self, value: &str) -> bool {
        match self.is {
            Match::Equal => value == self.value,
            // A list of types is held one by one.
            Match::StartsWith if self.field == "content-type" => {
                value.split(',').all(|one| one.trim().starts_with(&self.value))
            }
            Match::StartsWith => value.starts_with(&self.value),
        }
    }
}

impl std::fmt::Display for Condition {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let operator = match self.is {
            Match::Equal => "eq",
            Match::StartsWith => "starts-with",
        };
        write!(f, "[\"{operator}\", \"${}\", \"{}\"]", self.field, self.value)
    }
}

/// Numbers are written with quotes as well.
fn number(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str()?.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn policy(conditions: &str) -> Result<Policy, Fault> {
        let document = format!(r#"{{"expiration":"2026-01-02T03:04:05Z","conditions":{conditions}}}"#);
        Policy::parse(&BASE64.encode(document))
    }

    fn fields(pairs: &[(&str, &str)]) -> Fields {
        let mut fields = Fields::default();
        for (name, value) in pairs {
            fields.add(name, (*value).to_owned());
        }
        fields
    }

    #[test]
    fn conditions_hold_or_name_what_does_not() {
        let now = Timestamp::from_seconds(1_767_000_000);
        let check = |conditions: &str, given: &[(&str, &str)], expected: &str| {
            let outcome = policy(conditions).and_then(|policy| policy.check(&fields(given), "b", now));
            let text = outcome.map_or_else(|fault| fault.message.into_owned(), |()| "holds".to_owned());
            let text = text.strip_prefix("Invalid according to Policy: ").unwrap_or(&text);
            assert_eq!(text, expected, "{conditions} {given:?}");
        };
        check(r#"[{"bucket":"b"},{"key":"k"}]"#, &[("key", "k")], "holds");
        check(r#"[["eq","$bucket","b"],["starts-with","$key","in/"]]"#, &[("Key", "in/x")], "holds");
        check(r#"[{"bucket":"c"}]"#, &[], r#"Policy Condition failed: ["eq", "$bucket", "c"]"#);
        check(
            r#"[["starts-with","$key","in/"]]"#,
            &[("key", "out")],
            r#"Policy Condition failed: ["starts-with", "$key", "in/"]"#,
        );
        check(r#"[{"key":"k"}]"#, &[("key", "k"), ("acl", "private")], "Extra input fields: acl");
        let free = [("key", "k"), ("x-ignore-me", "1"), ("policy", "p"), ("X-Amz-Signature", "s")];
        check(r#"[{"key":"k"}]"#, &free, "holds");
        check(
            r#"[["starts-with","$content-type","image/"]]"#,
            &[("Content-Type", "image/a,image/b")],
            "holds",
        );
        check(r#"[["like","$key","k"]]"#, &[], "Invalid Policy: Invalid Condition.");
        let late = Timestamp::from_seconds(1_800_000_000);
        let expired = policy("[]").expect("sound").check(&fields(&[]), "b", late).expect_err("too late");
        assert!(expired.message.ends_with("Policy expired."));
    }

    #[test]
    fn a_range_of_sizes_is_read() {
        assert_eq!(policy(r#"[["content-length-range",1,"10"]]"#).expect("sound").size, Some((1, 10)));
        assert!(policy(r#"[["content-length-range",-1,10]]"#).is_err());
    }

    proptest! {
        #[test]
        fn any_text_is_refused_or_read(text: String, json in "[\\[\\]{}:,\"a-z$0-9-]{0,40}") {
            let _ = Policy::parse(&text);
            let _ = Policy::parse(&BASE64.encode(&json));
            let _ = policy(&json);
        }
    }
}
