//! Intrinsic functions: what a template's values come to, once parameters are set and as resources come to be.

use std::collections::{BTreeMap, HashMap};

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;

use crate::node::{Error, Node, Value};
use crate::template::Template;

/// What a resource has become: what `Ref` and `Fn::GetAtt` of it give.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Made {
    pub physical_id: String,
    pub attributes: BTreeMap<String, String>,
}

/// Where and as what a template is deployed.
#[derive(Debug, Clone)]
pub struct Place {
    pub account: String,
    pub region: String,
    pub stack: String,
}

/// Everything that values can refer to.
#[derive(Debug, Clone)]
pub struct Scope<'a> {
    template: &'a Template,
    place: &'a Place,
    parameters: HashMap<String, Value>,
    conditions: HashMap<String, bool>,
    /// Resources that exist already, or what stands in for them.
    pub made: HashMap<String, Made>,
}

impl<'a> Scope<'a> {
    /// Sets the parameters and decides the conditions.
    ///
    /// # Errors
    /// A parameter without value, with one that is not allowed, or that the template does not have; a condition that
    /// is malformed or refers to itself.
    pub fn new(
        template: &'a Template,
        place: &'a Place,
        given: &BTreeMap<String, String>,
    ) -> Result<Scope<'a>, Error> {
        if let Some(unknown) =
            given.keys().find(|name| template.parameters.iter().all(|known| known.name != **name))
        {
            return Err(Error::new(1, format!("the template has no parameter {unknown}")));
        }
        let mut parameters = HashMap::new();
        for parameter in &template.parameters {
            parameters.insert(parameter.name.clone(), parameter.value(given)?);
        }
        let mut scope =
            Scope { template, place, parameters, conditions: HashMap::new(), made: HashMap::new() };
        for (name, _) in &template.conditions {
            let decided = scope.condition(name, 1, &mut Vec::new())?;
            scope.conditions.insert(name.clone(), decided);
        }
        Ok(scope)
    }

    /// Does a resource or output with this condition exist?
    pub fn holds(&self, condition: Option<&str>, line: usize) -> Result<bool, Error> {
        let Some(name) = condition else { return Ok(true) };
        self.conditions
            .get(name)
            .copied()
            .ok_or_else(|| Error::new(line, format!("there is no condition {name}")))
    }

    /// What a node comes to; nothing for `AWS::NoValue`.
    pub fn resolve(&self, node: &Node) -> Result<Option<Node>, Error> {
        if let Some((function, argument)) = call(node) {
            return self.call(node.line, function, argument);
        }
        let value = match &node.value {
            Value::List(items) => {
                let items = items.iter().map(|item| self.resolve(item));
                Value::List(items.filter_map(Result::transpose).collect::<Result<_, _>>()?)
            }
            Value::Map(pairs) => {
                let pairs = pairs
                    .iter()
                    .map(|(key, value)| Ok(self.resolve(value)?.map(|value| (key.clone(), value))));
                Value::Map(pairs.filter_map(Result::transpose).collect::<Result<_, Error>>()?)
            }
            Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Text(_) => {
                node.value.clone()
            }
        };
        Ok(Some(Node { line: node.line, value }))
    }

    fn call(&self, line: usize, function: &str, argument: &Node) -> Result<Option<Node>, Error> {
        let text = |text: String| Ok(Some(Node::text(line, text)));
        match function {
            "Ref" => self.reference(line, &name(argument)?),
            "Condition" => Ok(Some(bool_node(line, self.holds(Some(&name(argument)?), line)?))),
            "Fn::GetAtt" => {
                let [resource, attribute] = self.arguments(argument, function)?;
                text(self.attribute(line, &text_of(&resource)?, &text_of(&attribute)?)?)
            }
            "Fn::Sub" => text(self.substitute(line, argument)?),
            "Fn::Join" => {
                let [delimiter, items] = self.arguments(argument, function)?;
                let items = items.items().ok_or_else(|| Error::new(line, "Fn::Join joins a list"))?;
                let items = items.iter().map(text_of).collect::<Result<Vec<_>, _>>()?;
                text(items.join(&text_of(&delimiter)?))
            }
            "Fn::Split" => {
                let [delimiter, whole] = self.arguments(argument, function)?;
                let (delimiter, whole) = (text_of(&delimiter)?, text_of(&whole)?);
                let parts = whole.split(&delimiter).map(|part| Node::text(line, part)).collect();
                Ok(Some(Node::list(line, parts)))
            }
            "Fn::Select" => {
                let [index, items] = self.arguments(argument, function)?;
                let index = text_of(&index)?.parse::<usize>().ok();
                let item = index.and_then(|index| items.items()?.get(index).cloned());
                item.map(Some).ok_or_else(|| Error::new(line, "Fn::Select selects nothing"))
            }
            "Fn::If" => self.resolve(self.branch(line, argument)?),
            "Fn::Equals" | "Fn::And" | "Fn::Or" | "Fn::Not" => {
                Ok(Some(bool_node(line, self.decide(line, function, argument, &mut Vec::new())?)))
            }
            "Fn::FindInMap" => self.find_in_map(line, argument).map(Some),
            "Fn::Base64" => {
                let whole = self.resolved(argument)?;
                text(BASE64.encode(text_of(&whole)?))
            }
            _ => Err(Error::new(line, format!("{function} is not supported"))),
        }
    }

    fn resolved(&self, node: &Node) -> Result<Node, Error> {
        self.resolve(node)?.ok_or_else(|| Error::new(node.line, "AWS::NoValue cannot stand here"))
    }

    fn arguments<const N: usize>(&self, argument: &Node, function: &str) -> Result<[Node; N], Error> {
        let items = argument.items().unwrap_or_default();
        let resolved = items.iter().map(|item| self.resolved(item)).collect::<Result<Vec<_>, _>>()?;
        resolved.try_into().map_err(|_| Error::new(argument.line, format!("{function} takes a list of {N}")))
    }

    fn reference(&self, line: usize, name: &str) -> Result<Option<Node>, Error> {
        if name == "AWS::NoValue" {
            return Ok(None);
        }
        if let Some(value) = self.parameters.get(name) {
            return Ok(Some(Node { line, value: value.clone() }));
        }
        if let Some(text) = self.pseudo(name) {
            return Ok(Some(Node::text(line, text)));
        }
        match self.made.get(name) {
            Some(made) => Ok(Some(Node::text(line, made.physical_id.clone()))),
            None => Err(Error::new(line, format!("there is no parameter or resource {name}"))),
        }
    }

    fn pseudo(&self, name: &str) -> Option<String> {
        let Place { account, region, stack } = self.place;
        match name {
            "AWS::AccountId" => Some(account.clone()),
            "AWS::Region" => Some(region.clone()),
            "AWS::StackName" => Some(stack.clone()),
            "AWS::StackId" => Some(format!("arn:aws:cloudformation:{region}:{account}:stack/{stack}/eddy")),
            "AWS::Partition" => Some("aws".to_owned()),
            "AWS::URLSuffix" => Some("amazonaws.com".to_owned()),
            _ => None,
        }
    }

    fn attribute(&self, line: usize, resource: &str, attribute: &str) -> Result<String, Error> {
        match self.made.get(resource) {
            Some(made) => made
                .attributes
                .get(attribute)
                .cloned()
                .ok_or_else(|| Error::new(line, format!("{resource} has no attribute {attribute}"))),
            None => Err(Error::new(line, format!("there is no resource {resource}"))),
        }
    }

    /// `${Name}`, `${Name.Attribute}`, `${!literal}`; names of the second argument go first.
    fn substitute(&self, line: usize, argument: &Node) -> Result<String, Error> {
        let (pattern, own) = match argument.items() {
            Some([pattern, own]) => (pattern, own.pairs().unwrap_or_default()),
            Some(_) => return Err(Error::new(line, "Fn::Sub takes a text, or a text and a mapping")),
            None => (argument, [].as_slice()),
        };
        let pattern = text_of(pattern)?;
        let mut text = String::new();
        for piece in pieces(&pattern) {
            match piece {
                Piece::Literal(literal) => text.push_str(literal),
                Piece::Name(name) => match own.iter().find(|(known, _)| known == name) {
                    Some((_, value)) => text.push_str(&text_of(&self.resolved(value)?)?),
                    None => text.push_str(&self.named(line, name)?),
                },
            }
        }
        Ok(text)
    }

    fn named(&self, line: usize, name: &str) -> Result<String, Error> {
        match name.split_once('.') {
            Some((resource, attribute)) => self.attribute(line, resource, attribute),
            None => match self.reference(line, name)? {
                Some(node) => text_of(&node),
                None => Ok(String::new()),
            },
        }
    }

    /// The value that `Fn::If` chooses.
    ///
    /// # Errors
    /// When its arguments are no condition and two values.
    pub fn branch<'n>(&self, line: usize, argument: &'n Node) -> Result<&'n Node, Error> {
        let Some([condition, yes, no]) = argument.items() else {
            return Err(Error::new(line, "Fn::If takes a condition and two values"));
        };
        let holds = self.holds(Some(&name(condition)?), line)?;
        Ok(if holds { yes } else { no })
    }

    /// Is this a parameter or a pseudo parameter?
    pub fn is_given(&self, name: &str) -> bool {
        name == "AWS::NoValue" || self.parameters.contains_key(name) || self.pseudo(name).is_some()
    }

    fn condition(&self, wanted: &str, line: usize, asking: &mut Vec<String>) -> Result<bool, Error> {
        if let Some(decided) = self.conditions.get(wanted) {
            return Ok(*decided);
        }
        let found = self.template.conditions.iter().find(|(known, _)| known == wanted);
        let (_, node) = found.ok_or_else(|| Error::new(line, format!("there is no condition {wanted}")))?;
        if asking.iter().any(|name| name == wanted) {
            return Err(Error::new(node.line, format!("the condition {wanted} refers to itself")));
        }
        asking.push(wanted.to_owned());
        let decided = self.truth(node, asking)?;
        asking.pop();
        Ok(decided)
    }

    fn truth(&self, node: &Node, asking: &mut Vec<String>) -> Result<bool, Error> {
        match call(node) {
            Some(("Condition", argument)) => self.condition(&name(argument)?, node.line, asking),
            Some((function, argument)) => self.decide(node.line, function, argument, asking),
            None => {
                Err(Error::new(node.line, "a condition is Fn::Equals, Fn::And, Fn::Or, Fn::Not or Condition"))
            }
        }
    }

    fn decide(
        &self,
        line: usize,
        function: &str,
        argument: &Node,
        asking: &mut Vec<String>,
    ) -> Result<bool, Error> {
        if function == "Fn::Equals" {
            let [left, right] = self.arguments(argument, function)?;
            return Ok(left.scalar() == right.scalar() && left.scalar().is_some() || left == right);
        }
        let items = argument.items().ok_or_else(|| Error::new(line, format!("{function} takes a list")))?;
        let truths = items.iter().map(|item| self.truth(item, asking)).collect::<Result<Vec<_>, _>>()?;
        match (function, truths.as_slice()) {
            ("Fn::And", [_, _, ..]) => Ok(truths.iter().all(|truth| *truth)),
            ("Fn::Or", [_, _, ..]) => Ok(truths.iter().any(|truth| *truth)),
            ("Fn::Not", [truth]) => Ok(!truth),
            _ => Err(Error::new(line, format!("{function} does not take {} conditions", truths.len()))),
        }
    }

    fn find_in_map(&self, line: usize, argument: &Node) -> Result<Node, Error> {
        let [map, first, second] = self.arguments(argument, "Fn::FindInMap")?;
        let (map, first, second) = (text_of(&map)?, text_of(&first)?, text_of(&second)?);
        let found =
            self.template.mappings.as_ref().and_then(|maps| maps.get(&map)?.get(&first)?.get(&second));
        found.cloned().ok_or_else(|| Error::new(line, format!("the mapping {map} has no {first}, {second}")))
    }
}

/// The function that a node calls, if it calls one.
pub fn call(node: &Node) -> Option<(&str, &Node)> {
    match node.pairs()? {
        [(key, argument)] if key == "Ref" || key == "Condition" || key.starts_with("Fn::") => {
            Some((key.as_str(), argument))
        }
        _ => None,
    }
}

/// Parts of a pattern of `Fn::Sub`.
#[derive(Debug, PartialEq, Eq)]
pub enum Piece<'a> {
    Literal(&'a str),
    Name(&'a str),
}

/// Takes a pattern of `Fn::Sub` apart. What is not closed is literal.
pub fn pieces(pattern: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut rest = pattern;
    while let Some(at) = rest.find("${") {
        let Some(end) = rest[at..].find('}') else { break };
        pieces.push(Piece::Literal(&rest[..at]));
        match &rest[at + 2..at + end] {
            literal if literal.starts_with('!') => {
                pieces.push(Piece::Literal("${"));
                pieces.push(Piece::Literal(&literal[1..]));
                pieces.push(Piece::Literal("}"));
            }
            name => pieces.push(Piece::Name(name.trim())),
        }
        rest = &rest[at + end + 1..];
    }
    pieces.push(Piece::Literal(rest));
    pieces
}

fn name(node: &Node) -> Result<String, Error> {
    node.scalar().ok_or_else(|| Error::new(node.line, "a name stands here"))
}

fn text_of(node: &Node) -> Result<String, Error> {
    node.scalar().ok_or_else(|| Error::new(node.line, "a plain value stands here"))
}

fn bool_node(line: usize, truth: bool) -> Node {
    Node { line, value: Value::Bool(truth) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::read::read;

    const HEAD: &str = "Parameters:\n  Stage: {Type: String, Default: dev, AllowedValues: [dev, prod]}\n  \
        Zones: {Type: CommaDelimitedList, Default: 'a, b'}\nMappings: {Sizes: {dev: {memory: 128}}}\n\
        Conditions:\n  IsDev: !Equals [!Ref Stage, dev]\n  IsProd: !Not [{Condition: IsDev}]\n  \
        Both: !And [{Condition: IsDev}, !Equals [a, a]]\n\
        Resources:\n  Made: {Type: X}\n  Later: {Type: X}\nOutputs: {O: {Value: ";

    fn check(value: &str) -> Result<serde_json::Value, Error> {
        let template = Template::read(&read(format!("{HEAD}{value}}}}}"))?)?;
        let place = Place { account: "000000000000".into(), region: "us-east-1".into(), stack: "s".into() };
        let mut scope = Scope::new(&template, &place, &BTreeMap::new())?;
        let attributes = [("Arn".to_owned(), "arn:x".to_owned())].into();
        scope.made.insert("Made".into(), Made { physical_id: "made-1".into(), attributes });
        let node = scope.resolve(&template.outputs[0].value)?;
        Ok(node.map_or(serde_json::Value::Null, |node| node.to_json()))
    }

    #[test]
    fn functions_come_to_values() {
        for (value, expected) in [
            ("!Ref Stage", r#""dev""#),
            ("!Ref AWS::Region", r#""us-east-1""#),
            ("!Ref Made", r#""made-1""#),
            ("!GetAtt Made.Arn", r#""arn:x""#),
            ("!Sub 'a-${Stage}-${Made.Arn}-${!x}-${AWS::AccountId}'", r#""a-dev-arn:x-${x}-000000000000""#),
            ("!Sub ['${A}/${Stage}', {A: !Ref Made}]", r#""made-1/dev""#),
            ("!Join ['-', [a, !Ref Stage, 1]]", r#""a-dev-1""#),
            ("!Select [1, !Split ['|', 'x|y']]", r#""y""#),
            ("!Select [0, !Ref Zones]", r#""a""#),
            ("!If [IsDev, 1, 2]", "1"),
            ("!If [IsProd, 1, !Ref AWS::NoValue]", "null"),
            ("[!If [IsProd, 1, !Ref AWS::NoValue], 2]", "[2]"),
            ("{a: !If [Both, !Ref AWS::NoValue, 1], b: 1}", r#"{"b":1}"#),
            ("!FindInMap [Sizes, !Ref Stage, memory]", "128"),
            ("!Base64 hello", r#""aGVsbG8=""#),
        ] {
            assert_eq!(check(value).map(|value| value.to_string()), Ok(expected.to_owned()), "{value}");
        }
    }

    #[test]
    fn what_refers_to_nothing_is_refused() {
        for (value, said) in [
            ("!Ref Nobody", "no parameter or resource Nobody"),
            ("!Ref Later", "no parameter or resource Later"),
            ("!GetAtt Later.Arn", "no resource Later"),
            ("!GetAtt Made.Nothing", "no attribute Nothing"),
            ("!Sub '${Nobody}'", "Nobody"),
            ("!If [Nobody, 1, 2]", "no condition Nobody"),
            ("!FindInMap [Sizes, x, y]", "mapping Sizes"),
            ("!Cidr [a, b, c]", "Fn::Cidr is not supported"),
            ("!Select [9, [a]]", "selects nothing"),
        ] {
            let error = check(value).expect_err(value);
            assert!(error.message.contains(said), "{error}");
        }
    }

    #[test]
    fn parameters_are_checked() {
        let template = Template::read(&read(format!("{HEAD}x}}}}")).expect("yaml")).expect("template");
        let place = Place { account: String::new(), region: String::new(), stack: String::new() };
        for (name, value, said) in
            [("Stage", "test", "may be dev, prod"), ("Nobody", "x", "no parameter Nobody")]
        {
            let given = [(name.to_owned(), value.to_owned())].into();
            let error = Scope::new(&template, &place, &given).expect_err(said);
            assert!(error.message.contains(said), "{error}");
        }
    }
}
