//! From the parameters of AddPermission to a statement, in the form in which AWS renders it.

use eddy_base::{Account, Fault};
use eddy_wire::schema;
use serde_json::{Map, Value, json};

/// What AddPermission is given.
#[derive(Debug, Clone, Default)]
pub(super) struct Permission {
    pub(super) id: String,
    pub(super) action: String,
    pub(super) principal: String,
    pub(super) source_arn: Option<String>,
    pub(super) source_account: Option<String>,
    pub(super) event_source_token: Option<String>,
    pub(super) organization: Option<String>,
    pub(super) url_auth: Option<String>,
    pub(super) via_url: Option<bool>,
}

impl Permission {
    /// The statement about this function.
    pub(super) fn statement(&self, function_arn: &str) -> Result<String, Fault> {
        if !is_action(&self.action) {
            return Err(Fault::invalid(
                "The provided action was invalid. Please check the action and try again.",
            ));
        }
        if self.url_auth.is_some() && self.action != "lambda:InvokeFunctionUrl" {
            return Err(Fault::invalid(
                "FunctionUrlAuthType is only supported for lambda:InvokeFunctionUrl action",
            ));
        }
        let mut statement = json!({
            "Sid": self.id,
            "Effect": "Allow",
            "Principal": principal(&self.principal)?,
            "Action": self.action,
            "Resource": function_arn,
        });
        let conditions = self.conditions();
        if !conditions.is_empty() {
            statement["Condition"] = Value::Object(conditions);
        }
        Ok(statement.to_string())
    }

    fn conditions(&self) -> Map<String, Value> {
        let via_url = self.via_url.map(|via| via.to_string());
        let all = [
            ("StringEquals", "lambda:FunctionUrlAuthType", &self.url_auth),
            ("StringEquals", "AWS:SourceAccount", &self.source_account),
            ("StringEquals", "lambda:EventSourceToken", &self.event_source_token),
            ("StringEquals", "aws:PrincipalOrgID", &self.organization),
            ("Bool", "lambda:InvokedViaFunctionUrl", &via_url),
            ("ArnLike", "AWS:SourceArn", &self.source_arn),
        ];
        let mut conditions = Map::new();
        for (operator, key, value) in all {
            if let Some(value) = value {
                conditions.entry(operator).or_insert_with(|| json!({}))[key] = json!(value);
            }
        }
        conditions
    }
}

/// Is it an action of Lambda's? They are called as the operations are, but for those listed here.
fn is_action(text: &str) -> bool {
    const OTHERS: [&str; 4] =
        ["DisableReplication", "EnableReplication", "InvokeFunction", "InvokeFunctionUrl"];
    let Some(name) = text.strip_prefix("lambda:") else { return text == "*" };
    let is_operation = || {
        name != "Invoke" && schema::service("lambda").is_some_and(|lambda| lambda.operation(name).is_some())
    };
    name == "*" || OTHERS.contains(&name) || is_operation()
}

/// Everybody, an account, an ARN, or a service.
fn principal(text: &str) -> Result<Value, Fault> {
    if text == "*" {
        return Ok(json!("*"));
    }
    if let Ok(account) = Account::new(text) {
        return Ok(json!({ "AWS": format!("arn:aws:iam::{account}:root") }));
    }
    if text.starts_with("arn:") {
        return Ok(json!({ "AWS": text }));
    }
    if text.ends_with(".amazonaws.com") {
        return Ok(json!({ "Service": text }));
    }
    Err(Fault::invalid("The provided principal was invalid. Please check the principal and try again."))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ARN: &str = "arn:aws:lambda:us-east-1:000000000000:function:f";

    #[test]
    fn statements_are_rendered_as_aws_renders_them() {
        let base = Permission {
            id: "s".to_owned(),
            action: "lambda:InvokeFunction".to_owned(),
            principal: "s3.amazonaws.com".to_owned(),
            ..Permission::default()
        };
        let check = |permission: Permission, expected: &str| {
            assert_eq!(permission.statement(ARN).unwrap(), expected);
        };
        check(
            base.clone(),
            r#"{"Sid":"s","Effect":"Allow","Principal":{"Service":"s3.amazonaws.com"},"Action":"lambda:InvokeFunction","Resource":"arn:aws:lambda:us-east-1:000000000000:function:f"}"#,
        );
        check(
            Permission {
                source_arn: Some("arn:aws:s3:::b".to_owned()),
                source_account: Some("000000000000".to_owned()),
                ..base.clone()
            },
            r#"{"Sid":"s","Effect":"Allow","Principal":{"Service":"s3.amazonaws.com"},"Action":"lambda:InvokeFunction","Resource":"arn:aws:lambda:us-east-1:000000000000:function:f","Condition":{"StringEquals":{"AWS:SourceAccount":"000000000000"},"ArnLike":{"AWS:SourceArn":"arn:aws:s3:::b"}}}"#,
        );
        check(
            Permission {
                action: "lambda:InvokeFunctionUrl".to_owned(),
                principal: "*".to_owned(),
                url_auth: Some("NONE".to_owned()),
                ..base.clone()
            },
            r#"{"Sid":"s","Effect":"Allow","Principal":"*","Action":"lambda:InvokeFunctionUrl","Resource":"arn:aws:lambda:us-east-1:000000000000:function:f","Condition":{"StringEquals":{"lambda:FunctionUrlAuthType":"NONE"}}}"#,
        );
        check(
            Permission { principal: "123456789012".to_owned(), via_url: Some(true), ..base.clone() },
            r#"{"Sid":"s","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::123456789012:root"},"Action":"lambda:InvokeFunction","Resource":"arn:aws:lambda:us-east-1:000000000000:function:f","Condition":{"Bool":{"lambda:InvokedViaFunctionUrl":"true"}}}"#,
        );
        let odd = Permission { principal: "somebody".to_owned(), ..base.clone() };
        assert!(odd.statement(ARN).is_err());
        for (action, is_known) in [
            ("lambda:*", true),
            ("*", true),
            ("lambda:InvokeFunctionUrl", true),
            ("lambda:GetFunctionConfiguration", true),
            ("lambda:Foo", false),
            ("lambda:Invoke", false),
            ("s3:GetObject", false),
        ] {
            let permission = Permission { action: action.to_owned(), ..base.clone() };
            assert_eq!(permission.statement(ARN).is_ok(), is_known, "{action}");
        }
        let auth = Permission { url_auth: Some("NONE".to_owned()), ..base };
        assert!(auth.statement(ARN).is_err());
    }
}
