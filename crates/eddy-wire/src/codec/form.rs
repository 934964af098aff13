//! Forms: the requests of awsQuery, `Action=SendMessage&Attribute.1.Name=...`.
//!
//! The dotted keys become a tree once; then the shape walks it, so a member is found by its name and not by
//! building every key it might have.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::{Trouble, scalar};
use crate::limits::{FORM_KEY_DOTS_MAX, FORM_NAMES_MAX, FORM_PARAMETERS_MAX};
use crate::schema::{Kind, ListShape, MapShape, Member, Shape};
use crate::{Document, Struct};

/// A key, decoded, and its value.
pub(crate) type Pair<'a> = (Cow<'a, str>, Cow<'a, str>);

/// The pairs of a form or of a query string.
pub(crate) fn pairs(form: &str) -> impl Iterator<Item = Result<Pair<'_>, &'static str>> {
    form.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        Ok((unescape(key)?, unescape(value)?))
    })
}

/// Undoes `%20` and `+`.
fn unescape(text: &str) -> Result<Cow<'_, str>, &'static str> {
    if !text.contains('+') {
        return percent_encoding::percent_decode_str(text).decode_utf8().map_err(|_| "not UTF-8");
    }
    let spaced = text.replace('+', " ");
    let decoded = percent_encoding::percent_decode_str(&spaced).decode_utf8().map_err(|_| "not UTF-8")?;
    Ok(decoded.into_owned().into())
}

/// One level of dotted keys.
#[derive(Default)]
struct Node {
    value: Option<String>,
    children: BTreeMap<String, Node>,
}

impl Node {
    fn child(&self, name: &str) -> Option<&Node> {
        self.children.get(name)
    }

    /// Puts a value under its key. `names_left`: how many names the form may still bring; false when that is none.
    fn insert(&mut self, path: &str, value: String, names_left: &mut usize) -> bool {
        if path.bytes().filter(|byte| *byte == b'.').count() > FORM_KEY_DOTS_MAX {
            return true;
        }
        let mut node = self;
        for name in path.split('.') {
            if !node.children.contains_key(name) {
                let Some(left) = names_left.checked_sub(1) else { return false };
                *names_left = left;
                node.children.insert(name.to_owned(), Node::default());
            }
            node = node.children.get_mut(name).expect("it was put there");
        }
        node.value = Some(value);
        true
    }

    /// The numbered children, in the order of their numbers.
    fn numbered(&self) -> Vec<&Node> {
        let numbered = self.children.iter().filter_map(|(key, node)| Some((key.parse::<u32>().ok()?, node)));
        let mut numbered: Vec<_> = numbered.collect();
        numbered.sort_by_key(|(number, _)| *number);
        numbered.into_iter().map(|(_, node)| node).collect()
    }

    fn is_empty_text(&self) -> bool {
        self.children.is_empty() && self.value.as_deref() == Some("")
    }
}

/// Reads a form.
pub(super) fn read(shape: &'static Shape, forms: &[&str]) -> Result<Document, Trouble> {
    let mut root = Node::default();
    let too_many = || Trouble::Malformed("too many parameters".to_owned());
    let (mut left, mut names_left) = (FORM_PARAMETERS_MAX, FORM_NAMES_MAX);
    for pair in forms.iter().flat_map(|form| pairs(form)) {
        let (key, value) = pair.map_err(|why| Trouble::Malformed(why.to_owned()))?;
        left = left.checked_sub(1).ok_or_else(too_many)?;
        if !root.insert(&key, value.into_owned(), &mut names_left) {
            return Err(too_many());
        }
    }
    read_structure(shape, &root)
}

fn read_structure(shape: &'static Shape, node: &Node) -> Result<Document, Trouble> {
    let mut value = Struct::new(shape);
    for (index, member) in shape.structure().members.iter().enumerate() {
        if let Some(inner) = read_member(member, node)? {
            value.put(index, inner);
        }
    }
    Ok(Document::Struct(value))
}

fn read_member(member: &Member, node: &Node) -> Result<Option<Document>, Trouble> {
    let shape = member.shape.get();
    let own = node.child(member.query_name);
    // The elements of a flattened list stand under their own name, beside the other members.
    let flat = member.flat_name().and_then(|name| node.child(name));
    if let (Kind::List(list), Some(flat)) = (&shape.kind, flat) {
        return read_items(list, &flat.numbered(), member.query_name).map(Some);
    }
    own.map(|own| read_value(shape, own, member.query_name, member.flattened)).transpose()
}

fn read_value(shape: &'static Shape, node: &Node, name: &str, flat: bool) -> Result<Document, Trouble> {
    match &shape.kind {
        Kind::Struct(_) => read_structure(shape, node),
        Kind::List(_) if node.is_empty_text() => Ok(Document::List(Vec::new())),
        Kind::List(list) => {
            let inner = list.element_name.unwrap_or("member");
            // Some senders leave the element's name out: `Tags.1` for `Tags.member.1`.
            let items = if flat { node } else { node.child(inner).unwrap_or(node) };
            read_items(list, &items.numbered(), name)
        }
        Kind::Map(_) if node.is_empty_text() => Ok(Document::Map(Vec::new())),
        Kind::Map(map) => {
            let entries = if flat { node } else { node.child("entry").unwrap_or(node) };
            read_entries(map, &entries.numbered(), name)
        }
        kind => scalar::parse(kind, node.value.as_deref().unwrap_or_default())
            .ok_or_else(|| Trouble::WrongType(format!("{name} is no {}", Document::kind_name(kind)))),
    }
}

fn read_items(list: &ListShape, nodes: &[&Node], name: &str) -> Result<Document, Trouble> {
    let items = nodes.iter().map(|node| read_value(list.element.get(), node, name, false));
    Ok(Document::List(items.collect::<Result<_, _>>()?))
}

fn read_entries(map: &MapShape, nodes: &[&Node], name: &str) -> Result<Document, Trouble> {
    let mut entries = Vec::new();
    for node in nodes {
        let key = node.child(map.key_name).and_then(|key| key.value.clone());
        let (Some(key), Some(value)) = (key, node.child(map.value_name)) else {
            return Err(Trouble::Malformed(format!("an entry of {name} has no key or no value")));
        };
        entries.push((key, read_value(map.value.get(), value, name, false)?));
    }
    Ok(Document::Map(entries))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_its_keys_take_is_bounded() {
        let operation = crate::schema::service("sqs").and_then(|service| service.operation("CreateQueue"));
        let input = operation.and_then(|operation| operation.input).expect("it has an input").get();
        let attributes = |form: &str| read(input, &[form]).map(|_| ());
        let usual: String =
            (0..5_000).map(|n| format!("Attribute.{n}.Name=a&Attribute.{n}.Value=b&")).collect();
        assert!(attributes(&usual).is_ok());
        let deep: String = (0..5_000).map(|n| format!("{n}{}=&", ".a".repeat(FORM_KEY_DOTS_MAX))).collect();
        assert!(matches!(attributes(&deep), Err(Trouble::Malformed(_))));
    }

    #[test]
    fn pairs_are_unescaped() {
        let read: Vec<_> = pairs("a=b+c%2B&&k&x%20=%C3%A9").collect::<Result<_, _>>().expect("valid");
        let read: Vec<_> = read.iter().map(|(key, value)| (&**key, &**value)).collect();
        assert_eq!(read, [("a", "b c+"), ("k", ""), ("x ", "é")]);
        assert!(pairs("a=%ff").next().is_some_and(|pair| pair.is_err()));
    }
}
