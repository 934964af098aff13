//! Reads a template's text. YAML and JSON have one reader, since JSON is YAML. The short forms of functions
//! (`!Ref X`) become the long ones here, so that nothing after this knows of them.

use std::collections::HashMap;

use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, Span, StrInput, Tag};

use crate::node::{Error, Node, Value};

/// The largest template, bytes: AWS's own limit for a template in a bucket.
pub const BYTES_MAX: usize = 1_000_000;
/// The deepest nesting of a template.
const DEPTH_MAX: usize = 64;
/// The most values of a template, those that aliases repeat counted each time.
const NODES_MAX: usize = 200_000;

/// Reads a document.
///
/// # Errors
/// When it is larger than [`BYTES_MAX`], not UTF-8, no YAML, more than one document, nested too deeply, has a key
/// twice, or a tag that is no function of CloudFormation.
pub fn read(bytes: impl AsRef<[u8]>) -> Result<Node, Error> {
    let bytes = bytes.as_ref();
    if bytes.len() > BYTES_MAX {
        return Err(Error::new(1, format!("the template is larger than {BYTES_MAX} bytes")));
    }
    let text = std::str::from_utf8(bytes).map_err(|why| {
        let line = 1 + bytes[..why.valid_up_to()].iter().filter(|byte| **byte == b'\n').count();
        Error::new(line, "the template is not UTF-8")
    })?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut reader = Reader { parser: Parser::new_from_str(text), anchors: HashMap::new(), nodes: 0 };
    reader.document()
}

struct Reader<'a> {
    parser: Parser<'a, StrInput<'a>>,
    anchors: HashMap<usize, Node>,
    nodes: usize,
}

fn scan(error: &ScanError) -> Error {
    Error::new(error.marker().line(), error.info().to_owned())
}

impl<'a> Reader<'a> {
    fn next(&mut self) -> Result<(Event<'a>, Span), Error> {
        let event = self.parser.next_event().unwrap_or(Ok((Event::StreamEnd, Span::default())));
        event.map_err(|why| scan(&why))
    }

    fn document(&mut self) -> Result<Node, Error> {
        let mut document = None;
        loop {
            match self.next()? {
                (Event::StreamEnd, _) => break,
                (Event::StreamStart | Event::DocumentEnd | Event::Nothing, _) => {}
                (Event::DocumentStart(_), span) if document.is_some() => {
                    return Err(Error::new(span.start.line(), "a template is one document"));
                }
                (Event::DocumentStart(_), _) => {
                    let (event, span) = self.next()?;
                    document = Some(self.node(event, &span, 0)?);
                }
                (_, span) => return Err(Error::new(span.start.line(), "not a document")),
            }
        }
        document.ok_or_else(|| Error::new(1, "the template is empty"))
    }

    fn node(&mut self, event: Event<'a>, span: &Span, depth: usize) -> Result<Node, Error> {
        let line = span.start.line();
        self.nodes += 1;
        if depth > DEPTH_MAX || self.nodes > NODES_MAX {
            return Err(Error::new(line, "nested too deeply, or too many values"));
        }
        let (anchor, tag, value) = match event {
            Event::Scalar(text, style, anchor, tag) => (anchor, tag, scalar(&text, style)),
            Event::SequenceStart(anchor, tag) => (anchor, tag, self.list(depth)?),
            Event::MappingStart(anchor, tag) => (anchor, tag, self.map(depth)?),
            Event::Alias(anchor) => return self.alias(anchor, line),
            Event::Nothing
            | Event::StreamStart
            | Event::StreamEnd
            | Event::DocumentStart(_)
            | Event::DocumentEnd
            | Event::SequenceEnd
            | Event::MappingEnd => return Err(Error::new(line, "a value is missing")),
        };
        let node = Node { line, value };
        let node = match tag {
            Some(tag) if !tag.is_yaml_core_schema() => call(&tag, node)?,
            Some(_) | None => node,
        };
        if anchor != 0 {
            self.anchors.insert(anchor, node.clone());
        }
        Ok(node)
    }

    fn list(&mut self, depth: usize) -> Result<Value, Error> {
        let mut items = Vec::new();
        loop {
            match self.next()? {
                (Event::SequenceEnd, _) => return Ok(Value::List(items)),
                (event, span) => items.push(self.node(event, &span, depth + 1)?),
            }
        }
    }

    fn map(&mut self, depth: usize) -> Result<Value, Error> {
        let mut pairs: Vec<(String, Node)> = Vec::new();
        loop {
            let (event, span) = self.next()?;
            if event == Event::MappingEnd {
                return Ok(Value::Map(pairs));
            }
            let key = self.node(event, &span, depth + 1)?;
            let name = key.scalar().ok_or_else(|| Error::new(key.line, "a key is a text"))?;
            if pairs.iter().any(|(known, _)| *known == name) {
                return Err(Error::new(key.line, format!("the key {name} stands here twice")));
            }
            let (event, span) = self.next()?;
            pairs.push((name, self.node(event, &span, depth + 1)?));
        }
    }

    /// Aliases of aliases of aliases grow without bound, so what they repeat is counted.
    fn alias(&mut self, anchor: usize, line: usize) -> Result<Node, Error> {
        let node = self.anchors.get(&anchor).cloned();
        let node = node.ok_or_else(|| Error::new(line, "an alias of what has no anchor"))?;
        self.nodes += count(&node);
        Ok(node)
    }
}

fn count(node: &Node) -> usize {
    match &node.value {
        Value::List(items) => 1 + items.iter().map(count).sum::<usize>(),
        Value::Map(pairs) => 1 + pairs.iter().map(|(_, value)| count(value)).sum::<usize>(),
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Text(_) => 1,
    }
}

/// YAML's scalars as far as CloudFormation takes them: what would change by being a number (an account of twelve
/// zeros) stays a text.
fn scalar(text: &str, style: ScalarStyle) -> Value {
    if style != ScalarStyle::Plain {
        return Value::Text(text.to_owned());
    }
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Value::Null,
        "true" | "True" | "TRUE" => return Value::Bool(true),
        "false" | "False" | "FALSE" => return Value::Bool(false),
        _ => {}
    }
    if let Ok(number) = text.parse::<i64>()
        && number.to_string() == text
    {
        return Value::Int(number);
    }
    let is_decimal =
        text.contains('.') && text.bytes().all(|byte| byte.is_ascii_digit() || b".-+".contains(&byte));
    match text.parse::<f64>() {
        Ok(number) if is_decimal => Value::Float(number),
        Ok(_) | Err(_) => Value::Text(text.to_owned()),
    }
}

/// The long form of `!NAME argument`.
fn call(tag: &Tag, argument: Node) -> Result<Node, Error> {
    const FUNCTIONS: [&str; 16] = [
        "And",
        "Base64",
        "Cidr",
        "Equals",
        "FindInMap",
        "GetAZs",
        "If",
        "ImportValue",
        "Join",
        "Length",
        "Not",
        "Or",
        "Select",
        "Split",
        "Sub",
        "ToJsonString",
    ];
    let (line, name) = (argument.line, tag.suffix.as_str());
    match name {
        "Ref" | "Condition" => Ok(Node::call(line, name, argument)),
        "GetAtt" => Ok(Node::call(line, "Fn::GetAtt", dotted(argument))),
        _ if FUNCTIONS.contains(&name) => Ok(Node::call(line, &format!("Fn::{name}"), argument)),
        _ => Err(Error::new(line, format!("!{name} is no function of CloudFormation"))),
    }
}

/// `Name.Attribute` as the list that the long form has.
fn dotted(argument: Node) -> Node {
    match argument.as_text().and_then(|text| text.split_once('.')) {
        Some((name, attribute)) => {
            let line = argument.line;
            Node::list(line, vec![Node::text(line, name), Node::text(line, attribute)])
        }
        None => argument,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_forms_become_long_ones() {
        for (yaml, json) in [
            ("a: !Ref B", r#"{"a":{"Ref":"B"}}"#),
            ("a: !GetAtt B.Arn", r#"{"a":{"Fn::GetAtt":["B","Arn"]}}"#),
            ("a: !GetAtt [B, Arn]", r#"{"a":{"Fn::GetAtt":["B","Arn"]}}"#),
            ("a: !Sub '${B}/c'", r#"{"a":{"Fn::Sub":"${B}/c"}}"#),
            ("a: !If [C, !Ref X, 1]", r#"{"a":{"Fn::If":["C",{"Ref":"X"},1]}}"#),
            ("a: !Join ['', [x, !Ref Y]]", r#"{"a":{"Fn::Join":["",["x",{"Ref":"Y"}]]}}"#),
            (r#"{"a": {"Ref": "B"}, "n": 1.5, "t": true}"#, r#"{"a":{"Ref":"B"},"n":1.5,"t":true}"#),
            ("a: 000000000000", r#"{"a":"000000000000"}"#),
            ("a: '12'\nb: 12\nc: 2010-09-09\nd: 1.2.3", r#"{"a":"12","b":12,"c":"2010-09-09","d":"1.2.3"}"#),
            ("a: &x {k: v}\nb: *x", r#"{"a":{"k":"v"},"b":{"k":"v"}}"#),
        ] {
            let node = read(yaml).unwrap_or_else(|why| panic!("{yaml}: {why}"));
            assert_eq!(node.to_json().to_string(), json);
        }
    }

    #[test]
    fn nodes_know_their_line() {
        let node = read("a:\n  b: 1\n  c:\n    - x\n    - !Ref Y\n").expect("well-formed");
        let list = node.get("a").and_then(|a| a.get("c")).and_then(Node::items).expect("a list");
        assert_eq!(list.iter().map(|item| item.line).collect::<Vec<_>>(), [4, 5]);
    }

    #[test]
    fn what_cannot_be_is_refused_with_its_line() {
        for (yaml, line, said) in [
            ("a: 1\nb: !Wrong x", 2, "!Wrong is no function"),
            ("a: 1\na: 2", 2, "twice"),
            ("a: [1", 2, ""),
            ("", 1, "empty"),
            ("a: 1\n---\nb: 2", 2, "one document"),
        ] {
            let error = read(yaml).expect_err(yaml);
            assert!(error.message.contains(said), "{yaml}: {error}");
            assert!(error.line == line, "{yaml}: {error}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_make_the_reader_panic(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..300)) {
            drop(read(&bytes));
        }

        #[test]
        fn no_yaml_makes_the_reader_panic(
            text in "(Resources|Type|Fn::Sub|!Ref |!Sub |!GetAtt |!!str |&a |\\*a|<<|---|\\.\\.\\.|[ \n\t\r:{}\\[\\],\"'#|>?%@`-]|\\PC){0,60}",
        ) {
            if let Ok(document) = read(&text) {
                drop(crate::template::Template::read(&document));
            }
        }
    }
}
