//! From JSON to a [`Document`].

use serde_json::{Map, Value};

use super::condition::Condition;
use super::principal::Name;
use super::{Document, Effect, Kind, Pattern, Principals, Set, Statement};
use crate::limits::{POLICY_STATEMENTS_MAX, POLICY_TEXT_BYTES_MAX};

/// Why a text is no policy document. Each names what is wrong; services word it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    #[error("it is larger than {POLICY_TEXT_BYTES_MAX} bytes or has too many statements")]
    TooLarge,
    #[error("it is no JSON object")]
    NotJson,
    #[error("it has a field '{0}', which policies do not know")]
    UnknownField(String),
    #[error("'{0}' has a value that it cannot have")]
    BadValue(&'static str),
    #[error("the version must be 2012-10-17 or 2008-10-17")]
    BadVersion,
    #[error("a statement has no '{0}'")]
    Missing(&'static str),
    #[error("a statement of this kind of policy must not have '{0}'")]
    Prohibited(&'static str),
    #[error("a statement has both '{0}' and its opposite")]
    Both(&'static str),
    #[error("two statements have the Sid '{0}'")]
    SidTwice(String),
    #[error("an action must be '*' or start with a service: '{0}'")]
    BadAction(String),
    #[error("a resource must be '*' or an ARN: '{0}'")]
    BadResource(String),
    #[error("there is no such principal: {kind} '{value}'")]
    BadPrincipal { kind: String, value: String },
    #[error("there is no condition operator '{0}'")]
    BadOperator(String),
}

const FIELDS: [&str; 11] = [
    "Sid",
    "Effect",
    "Principal",
    "NotPrincipal",
    "Action",
    "NotAction",
    "Resource",
    "NotResource",
    "Condition",
    "Id",
    "Version",
];

impl Document {
    /// Reads a policy document.
    ///
    /// # Errors
    /// [`Malformed`], with the first thing that is wrong.
    pub fn parse(text: &str, kind: Kind) -> Result<Document, Malformed> {
        if text.len() > POLICY_TEXT_BYTES_MAX {
            return Err(Malformed::TooLarge);
        }
        let Ok(Value::Object(document)) = serde_json::from_str(text) else { return Err(Malformed::NotJson) };
        if let Some(field) =
            document.keys().find(|key| !["Version", "Id", "Statement"].contains(&key.as_str()))
        {
            return Err(Malformed::UnknownField(field.clone()));
        }
        let variables = match document.get("Version").map(Value::as_str) {
            Some(Some("2012-10-17")) => true,
            None | Some(Some("2008-10-17")) => false,
            Some(_) => return Err(Malformed::BadVersion),
        };
        let statements = match document.get("Statement") {
            Some(Value::Array(statements)) => statements.iter().collect(),
            Some(single @ Value::Object(_)) => vec![single],
            Some(_) => return Err(Malformed::BadValue("Statement")),
            None => return Err(Malformed::Missing("Statement")),
        };
        if statements.len() > POLICY_STATEMENTS_MAX {
            return Err(Malformed::TooLarge);
        }
        let statements = statements.into_iter().map(|value| statement(value, kind, variables));
        let statements = statements.collect::<Result<Vec<Statement>, Malformed>>()?;
        if let Some(sid) = twice(&statements) {
            return Err(Malformed::SidTwice(sid));
        }
        Ok(Document { text: text.to_owned(), statements })
    }
}

fn twice(statements: &[Statement]) -> Option<String> {
    let mut seen = std::collections::HashSet::new();
    statements.iter().filter_map(|statement| statement.sid.as_ref()).find(|sid| !seen.insert(*sid)).cloned()
}

fn statement(value: &Value, kind: Kind, variables: bool) -> Result<Statement, Malformed> {
    let Value::Object(fields) = value else { return Err(Malformed::BadValue("Statement")) };
    if let Some(field) = fields.keys().find(|key| !FIELDS[..9].contains(&key.as_str())) {
        return Err(Malformed::UnknownField(field.clone()));
    }
    let effect = match fields.get("Effect").map(Value::as_str) {
        Some(Some("Allow")) => Effect::Allow,
        Some(Some("Deny")) => Effect::Deny,
        Some(_) => return Err(Malformed::BadValue("Effect")),
        None => return Err(Malformed::Missing("Effect")),
    };
    let sid = match fields.get("Sid") {
        None => None,
        Some(Value::String(sid)) => Some(sid.clone()).filter(|sid| !sid.is_empty()),
        Some(_) => return Err(Malformed::BadValue("Sid")),
    };
    let principals = principals(fields)?;
    match kind {
        Kind::Identity if principals.is_some() => return Err(Malformed::Prohibited("Principal")),
        Kind::Resource | Kind::Trust if principals.is_none() => return Err(Malformed::Missing("Principal")),
        Kind::Identity | Kind::Resource | Kind::Trust => {}
    }
    // Actions have no variables: `${...}` in one is as it stands.
    let actions = set(fields, "Action", "NotAction", false)?.ok_or(Malformed::Missing("Action"))?;
    if let Some(bad) = actions.patterns.iter().find(|action| !is_action(action.text())) {
        return Err(Malformed::BadAction(bad.text().to_owned()));
    }
    let resources = set(fields, "Resource", "NotResource", variables)?;
    match (kind, &resources) {
        (Kind::Trust, Some(_)) => return Err(Malformed::Prohibited("Resource")),
        (Kind::Identity | Kind::Resource, None) => return Err(Malformed::Missing("Resource")),
        (Kind::Trust, None) | (Kind::Identity | Kind::Resource, Some(_)) => {}
    }
    if let Some(bad) = resources.iter().flat_map(|set| &set.patterns).find(|name| !is_resource(name.text())) {
        return Err(Malformed::BadResource(bad.text().to_owned()));
    }
    let conditions = conditions(fields.get("Condition"), variables)?;
    Ok(Statement { sid, effect, principals, actions, resources, conditions })
}

fn is_action(text: &str) -> bool {
    text == "*" || text.split_once(':').is_some_and(|(service, name)| !service.is_empty() && !name.is_empty())
}

fn is_resource(text: &str) -> bool {
    text == "*" || text.starts_with("arn:") || text.starts_with("${") || text.starts_with("*")
}

fn set(
    fields: &Map<String, Value>,
    name: &'static str,
    opposite: &'static str,
    variables: bool,
) -> Result<Option<Set>, Malformed> {
    let (value, inverted) = match (fields.get(name), fields.get(opposite)) {
        (Some(_), Some(_)) => return Err(Malformed::Both(name)),
        (Some(value), None) => (value, false),
        (None, Some(value)) => (value, true),
        (None, None) => return Ok(None),
    };
    let texts = texts(value).ok_or(Malformed::BadValue(name))?;
    if texts.is_empty() {
        return Err(Malformed::Missing(name));
    }
    let patterns = texts.iter().map(|text| Pattern::new(text, variables)).collect();
    Ok(Some(Set { patterns, inverted }))
}

/// A text or a list of texts.
fn texts(value: &Value) -> Option<Vec<&str>> {
    match value {
        Value::String(text) => Some(vec![text]),
        Value::Array(values) => values.iter().map(Value::as_str).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => None,
    }
}

fn principals(fields: &Map<String, Value>) -> Result<Option<Principals>, Malformed> {
    let (value, inverted) = match (fields.get("Principal"), fields.get("NotPrincipal")) {
        (Some(_), Some(_)) => return Err(Malformed::Both("Principal")),
        (Some(value), None) => (value, false),
        (None, Some(value)) => (value, true),
        (None, None) => return Ok(None),
    };
    let kinds = match value {
        Value::String(text) if text == "*" => {
            return Ok(Some(Principals { names: vec![Name::Everyone], inverted }));
        }
        Value::Object(kinds) if !kinds.is_empty() => kinds,
        _ => return Err(Malformed::BadValue("Principal")),
    };
    let mut names = Vec::new();
    for (kind, value) in kinds {
        let bad = |value: &str| Malformed::BadPrincipal { kind: kind.clone(), value: value.to_owned() };
        for text in texts(value).ok_or(Malformed::BadValue("Principal"))? {
            names.push(match kind.as_str() {
                "AWS" => Name::amazon(text).ok_or_else(|| bad(text))?,
                "Service" if text.contains('.') && !text.contains('*') => Name::Service(text.to_owned()),
                "Federated" | "CanonicalUser" => Name::Other,
                _ => return Err(bad(text)),
            });
        }
    }
    if names.is_empty() {
        return Err(Malformed::BadValue("Principal"));
    }
    Ok(Some(Principals { names, inverted }))
}

fn conditions(value: Option<&Value>, variables: bool) -> Result<Vec<Condition>, Malformed> {
    let operators = match value {
        None => return Ok(Vec::new()),
        Some(Value::Object(operators)) => operators,
        Some(_) => return Err(Malformed::BadValue("Condition")),
    };
    let mut conditions = Vec::new();
    for (operator, keys) in operators {
        let Value::Object(keys) = keys else { return Err(Malformed::BadValue("Condition")) };
        for (key, value) in keys {
            let values = scalars(value).ok_or(Malformed::BadValue("Condition"))?;
            let values = values.iter().map(|value| Pattern::new(value, variables)).collect();
            let condition = Condition::new(operator, key, values);
            conditions.push(condition.ok_or_else(|| Malformed::BadOperator(operator.clone()))?);
        }
    }
    Ok(conditions)
}

/// Values of a condition, which may also be numbers and booleans.
fn scalars(value: &Value) -> Option<Vec<String>> {
    match value {
        Value::String(text) => Some(vec![text.clone()]),
        Value::Bool(_) | Value::Number(_) => Some(vec![value.to_string()]),
        Value::Array(values) => values.iter().map(|value| scalars(value)?.pop()).collect(),
        Value::Null | Value::Object(_) => None,
    }
}
