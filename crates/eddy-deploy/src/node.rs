//! A template's document: values that know the line they stand on.

/// A value and its line, from 1.
#[derive(Debug, Clone)]
pub struct Node {
    pub line: usize,
    pub value: Value,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
    List(Vec<Node>),
    Map(Vec<(String, Node)>),
}

/// Two nodes are equal when their values are, wherever they stand.
impl PartialEq for Node {
    fn eq(&self, other: &Node) -> bool {
        self.value == other.value
    }
}

/// Something in a template that cannot be, with its line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {message}")]
pub struct Error {
    pub line: usize,
    pub message: String,
}

impl Error {
    pub fn new(line: usize, message: impl Into<String>) -> Error {
        Error { line, message: message.into() }
    }
}

impl Node {
    pub fn text(line: usize, text: impl Into<String>) -> Node {
        Node { line, value: Value::Text(text.into()) }
    }

    pub fn list(line: usize, items: Vec<Node>) -> Node {
        Node { line, value: Value::List(items) }
    }

    pub fn map<const N: usize>(line: usize, pairs: [(&str, Node); N]) -> Node {
        let pairs = pairs.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
        Node { line, value: Value::Map(pairs) }
    }

    /// A call of an intrinsic function in its long form.
    pub fn call(line: usize, function: &str, argument: Node) -> Node {
        Node::map(line, [(function, argument)])
    }

    /// `{"Ref": name}`.
    pub fn reference(line: usize, name: &str) -> Node {
        Node::call(line, "Ref", Node::text(line, name))
    }

    /// `{"Fn::GetAtt": [name, attribute]}`.
    pub fn attribute(line: usize, name: &str, attribute: &str) -> Node {
        Node::call(
            line,
            "Fn::GetAtt",
            Node::list(line, vec![Node::text(line, name), Node::text(line, attribute)]),
        )
    }

    pub fn get(&self, key: &str) -> Option<&Node> {
        self.pairs()?.iter().find(|(name, _)| name == key).map(|(_, node)| node)
    }

    pub fn pairs(&self) -> Option<&[(String, Node)]> {
        match &self.value {
            Value::Map(pairs) => Some(pairs),
            Value::Null
            | Value::Bool(_)
            | Value::Int(_)
            | Value::Float(_)
            | Value::Text(_)
            | Value::List(_) => None,
        }
    }

    pub fn items(&self) -> Option<&[Node]> {
        match &self.value {
            Value::List(items) => Some(items),
            Value::Null
            | Value::Bool(_)
            | Value::Int(_)
            | Value::Float(_)
            | Value::Text(_)
            | Value::Map(_) => None,
        }
    }

    pub fn as_text(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) => Some(text),
            Value::Null
            | Value::Bool(_)
            | Value::Int(_)
            | Value::Float(_)
            | Value::List(_)
            | Value::Map(_) => None,
        }
    }

    /// A scalar as the text that it was written as, as CloudFormation joins and substitutes them.
    pub fn scalar(&self) -> Option<String> {
        match &self.value {
            Value::Bool(flag) => Some(flag.to_string()),
            Value::Int(number) => Some(number.to_string()),
            Value::Float(number) => Some(number.to_string()),
            Value::Text(text) => Some(text.clone()),
            Value::Null | Value::List(_) | Value::Map(_) => None,
        }
    }

    /// The value as JSON.
    pub fn to_json(&self) -> serde_json::Value {
        match &self.value {
            Value::Null => serde_json::Value::Null,
            Value::Bool(flag) => (*flag).into(),
            Value::Int(number) => (*number).into(),
            Value::Float(number) => (*number).into(),
            Value::Text(text) => text.as_str().into(),
            Value::List(items) => items.iter().map(Node::to_json).collect(),
            Value::Map(pairs) => pairs.iter().map(|(key, node)| (key.clone(), node.to_json())).collect(),
        }
    }
}
