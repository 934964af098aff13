//! Parameters: what whoever deploys may set, and what a value must be like.

use std::collections::BTreeMap;

use regex::Regex;

use crate::node::{Error, Node, Value};
use crate::template::{pairs, scalar, unsupported};

/// A parameter that whoever deploys may set.
#[derive(Debug, Clone)]
pub struct Parameter {
    pub line: usize,
    pub name: String,
    kind: Kind,
    is_list: bool,
    pub default: Option<String>,
    rules: Vec<Rule>,
    /// What the template says when a value breaks a rule.
    description: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    Number,
}

#[derive(Debug, Clone)]
enum Rule {
    Allowed(Vec<String>),
    /// For the whole value.
    Pattern(String, Regex),
    LengthMin(usize),
    LengthMax(usize),
    ValueMin(f64),
    ValueMax(f64),
}

impl Parameter {
    /// Reads a parameter.
    ///
    /// # Errors
    /// A type or rule that does not exist or is not supported, with its line.
    pub fn read(name: &str, node: &Node) -> Result<Parameter, Error> {
        let mut parameter = Parameter {
            line: node.line,
            name: name.to_owned(),
            kind: Kind::Text,
            is_list: false,
            default: None,
            rules: Vec::new(),
            description: None,
        };
        for (key, value) in pairs(node, "a parameter")? {
            match key.as_str() {
                "Type" => (parameter.kind, parameter.is_list) = kind(value)?,
                "Default" => parameter.default = Some(scalar(value, "Default")?),
                "ConstraintDescription" => parameter.description = Some(scalar(value, key)?),
                // What is deployed is not shown but to whom asks for it by its own name.
                "Description" | "NoEcho" => {}
                _ => parameter.rules.push(rule(key, value, name)?),
            }
        }
        Ok(parameter)
    }

    /// The value: what is given, else the default.
    ///
    /// # Errors
    /// When there is none, or it breaks a rule.
    pub fn value(&self, given: &BTreeMap<String, String>) -> Result<Value, Error> {
        let Parameter { line, name, is_list, default, .. } = self;
        let text = given.get(name).or(default.as_ref());
        let text = text.ok_or_else(|| Error::new(*line, format!("the parameter {name} has no value")))?;
        let items: Vec<&str> = if *is_list { text.split(',').map(str::trim).collect() } else { vec![text] };
        for item in &items {
            if let Some(broken) = self.broken(item) {
                let said = self.description.as_ref().map(|text| format!(": {text}")).unwrap_or_default();
                return Err(Error::new(*line, format!("the parameter {name} {broken}, not {item}{said}")));
            }
        }
        if *is_list {
            return Ok(Value::List(items.into_iter().map(|item| Node::text(*line, item)).collect()));
        }
        Ok(Value::Text(text.clone()))
    }

    /// What the value should be and is not.
    fn broken(&self, value: &str) -> Option<String> {
        let number = value.parse::<f64>().ok().filter(|number| number.is_finite());
        if self.kind == Kind::Number && number.is_none() {
            return Some("is a number".to_owned());
        }
        let length = value.chars().count();
        let broken = |rule: &Rule| match rule {
            Rule::Allowed(all) => {
                (!all.iter().any(|one| one == value)).then(|| format!("may be {}", all.join(", ")))
            }
            Rule::Pattern(text, pattern) => (!pattern.is_match(value)).then(|| format!("matches {text}")),
            Rule::LengthMin(min) => (length < *min).then(|| format!("has at least {min} characters")),
            Rule::LengthMax(max) => (length > *max).then(|| format!("has at most {max} characters")),
            Rule::ValueMin(min) => {
                number.is_none_or(|value| value < *min).then(|| format!("is at least {min}"))
            }
            Rule::ValueMax(max) => {
                number.is_none_or(|value| value > *max).then(|| format!("is at most {max}"))
            }
        };
        self.rules.iter().find_map(broken)
    }
}

fn kind(node: &Node) -> Result<(Kind, bool), Error> {
    match node.as_text() {
        Some("String") => Ok((Kind::Text, false)),
        Some("Number") => Ok((Kind::Number, false)),
        Some("CommaDelimitedList" | "List<String>") => Ok((Kind::Text, true)),
        Some("List<Number>") => Ok((Kind::Number, true)),
        Some(other) => Err(unsupported(node, &format!("the parameter type {other}"))),
        None => Err(Error::new(node.line, "Type is a name")),
    }
}

fn rule(key: &str, value: &Node, name: &str) -> Result<Rule, Error> {
    let wrong = |what: &str| Error::new(value.line, format!("{key} of the parameter {name} is {what}"));
    let text = || scalar(value, key);
    match key {
        "AllowedValues" => {
            let items = value.items().ok_or_else(|| wrong("a list"))?;
            Ok(Rule::Allowed(items.iter().map(|item| scalar(item, "a value")).collect::<Result<_, _>>()?))
        }
        "AllowedPattern" => {
            let text = text()?;
            let pattern = Regex::new(&format!("^(?:{text})$"));
            let why = "a regular expression that is not supported";
            Ok(Rule::Pattern(text, pattern.map_err(|_| wrong(why))?))
        }
        "MinLength" => Ok(Rule::LengthMin(text()?.parse().map_err(|_| wrong("a whole number"))?)),
        "MaxLength" => Ok(Rule::LengthMax(text()?.parse().map_err(|_| wrong("a whole number"))?)),
        "MinValue" => Ok(Rule::ValueMin(text()?.parse().map_err(|_| wrong("a number"))?)),
        "MaxValue" => Ok(Rule::ValueMax(text()?.parse().map_err(|_| wrong("a number"))?)),
        _ => Err(unsupported(value, &format!("{key} of the parameter {name}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::read::read;

    fn check(parameter: &str, given: Option<&str>) -> Result<String, String> {
        let node = read(parameter).map_err(|why| why.message)?;
        let parameter = Parameter::read("P", &node).map_err(|why| why.message)?;
        let given = given.map(|value| ("P".to_owned(), value.to_owned()));
        let value = parameter.value(&given.into_iter().collect()).map_err(|why| why.message)?;
        Ok(Node { line: 1, value }.to_json().to_string())
    }

    #[test]
    fn values_keep_the_rules() {
        for (parameter, given, expected) in [
            ("{Type: String, Default: 1}", None, r#""1""#),
            ("{Type: String, Default: a}", Some("b"), r#""b""#),
            ("{Type: CommaDelimitedList, Default: 'a, b'}", None, r#"["a","b"]"#),
            ("{Type: Number, MinValue: 1, MaxValue: 2.5}", Some("2.5"), r#""2.5""#),
            (
                "{Type: String, AllowedPattern: '[a-z]+', NoEcho: true, Description: d}",
                Some("abc"),
                r#""abc""#,
            ),
        ] {
            assert_eq!(check(parameter, given).as_deref(), Ok(expected), "{parameter}");
        }
    }

    #[test]
    fn what_breaks_a_rule_is_refused() {
        for (parameter, given, said) in [
            ("{Type: String}", None, "the parameter P has no value"),
            ("{Type: Number}", Some("x"), "the parameter P is a number, not x"),
            ("{Type: Number}", Some("NaN"), "is a number"),
            ("{Type: List<Number>}", Some("1, x"), "is a number, not x"),
            ("{Type: Number, MinValue: 1}", Some("0"), "is at least 1, not 0"),
            ("{Type: Number, MaxValue: 1}", Some("2"), "is at most 1, not 2"),
            ("{Type: String, MinLength: 2}", Some("a"), "has at least 2 characters, not a"),
            ("{Type: String, MaxLength: 1}", Some("ab"), "has at most 1 characters"),
            ("{Type: String, AllowedValues: [a, 1]}", Some("b"), "may be a, 1, not b"),
            (
                "{Type: String, AllowedPattern: 'a|b', ConstraintDescription: be good}",
                Some("ab"),
                "matches a|b, not ab: be good",
            ),
            (
                "{Type: String, AllowedPattern: '(?=a)'}",
                Some("a"),
                "a regular expression that is not supported",
            ),
            ("{Type: String, MinLength: x}", Some("a"), "MinLength of the parameter P is a whole number"),
            ("{Type: 'AWS::SSM::Parameter::Value<String>'}", Some("a"), "the parameter type AWS::SSM"),
            ("{Type: String, Rules: x}", Some("a"), "Rules of the parameter P is not supported"),
        ] {
            let refused = check(parameter, given).expect_err(parameter);
            assert!(refused.contains(said), "{parameter}: {refused}");
        }
    }
}
