//! Values as far as they are known before any resource is: what SAM decides by is settled before it expands.

use crate::node::{Error, Node, Value};
use crate::resolve::{Piece, Scope, call, pieces};

impl Scope<'_> {
    /// What a node comes to where only parameters, mappings and conditions are known; what refers to a resource stays
    /// as it is. Nothing for `AWS::NoValue`.
    ///
    /// # Errors
    /// As [`Scope::resolve`].
    pub fn settle(&self, node: &Node) -> Result<Option<Node>, Error> {
        let line = node.line;
        let Some((function, argument)) = call(node) else {
            let value = match &node.value {
                Value::List(items) => {
                    let items = items.iter().map(|item| self.settle(item));
                    Value::List(items.filter_map(Result::transpose).collect::<Result<_, _>>()?)
                }
                Value::Map(pairs) => {
                    let pairs = pairs
                        .iter()
                        .map(|(key, value)| Ok(self.settle(value)?.map(|value| (key.clone(), value))));
                    Value::Map(pairs.filter_map(Result::transpose).collect::<Result<_, Error>>()?)
                }
                Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Text(_) => {
                    node.value.clone()
                }
            };
            return Ok(Some(Node { line, value }));
        };
        if function == "Fn::If" {
            return self.settle(self.branch(line, argument)?);
        }
        if self.refers_to_resources(node) { Ok(Some(node.clone())) } else { self.resolve(node) }
    }

    fn refers_to_resources(&self, node: &Node) -> bool {
        let inside = || match &node.value {
            Value::List(items) => items.iter().any(|item| self.refers_to_resources(item)),
            Value::Map(pairs) => pairs.iter().any(|(_, value)| self.refers_to_resources(value)),
            Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Text(_) => false,
        };
        match call(node) {
            Some(("Fn::GetAtt", _)) => true,
            Some(("Ref", name)) => name.as_text().is_some_and(|name| !self.is_given(name)),
            Some(("Fn::Sub", argument)) => {
                let (pattern, own) = match argument.items() {
                    Some([pattern, own]) => (pattern, own.pairs().unwrap_or_default()),
                    Some(_) | None => (argument, [].as_slice()),
                };
                let is_known = |name: &str| self.is_given(name) || own.iter().any(|(known, _)| known == name);
                let pieces = pieces(pattern.as_text().unwrap_or_default());
                let mut names = pieces.iter().filter_map(|piece| match piece {
                    Piece::Name(name) => Some(*name),
                    Piece::Literal(_) => None,
                });
                names.any(|name| !is_known(name)) || inside()
            }
            Some(_) | None => inside(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::read::read;
    use crate::resolve::Place;
    use crate::template::Template;

    #[test]
    fn what_refers_to_no_resource_is_settled() {
        let head = "Parameters: {P: {Type: String, Default: p}}\nConditions: {No: !Equals [!Ref P, q]}\n\
                    Mappings: {M: {p: {k: v}}}\nResources: {R: {Type: X}}\nOutputs: {O: {Value: ";
        for (value, settled) in [
            ("!Ref P", r#""p""#),
            ("!Ref R", r#"{"Ref":"R"}"#),
            ("!Sub 's3://${P}/x'", r#""s3://p/x""#),
            ("!Sub '${P}-${R}'", r#"{"Fn::Sub":"${P}-${R}"}"#),
            ("!Sub ['${A}', {A: !Ref P}]", r#""p""#),
            ("!If [No, a, !Ref R]", r#"{"Ref":"R"}"#),
            ("[!If [No, a, !Ref AWS::NoValue], b]", r#"["b"]"#),
            ("!FindInMap [M, !Ref P, k]", r#""v""#),
            (
                "{a: !GetAtt R.Arn, b: !Join ['', [!Ref P, x]]}",
                r#"{"a":{"Fn::GetAtt":["R","Arn"]},"b":"px"}"#,
            ),
        ] {
            let document = read(format!("{head}{value}}}}}")).expect(value);
            let template = Template::read(&document).expect(value);
            let place = Place { account: String::new(), region: String::new(), stack: String::new() };
            let scope = Scope::new(&template, &place, &BTreeMap::new()).expect(value);
            let node = scope.settle(&template.outputs[0].value).expect(value).expect(value);
            assert_eq!(node.to_json().to_string(), settled);
        }
    }
}
