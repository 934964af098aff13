//! Constraints of the model, refused in Amazon's words.
//!
//! Required members, lengths, ranges, patterns and enums. A value's elements are looked at as well: those that
//! are structures one by one, single values together, as Amazon says it.

mod pattern;
mod shown;

pub(crate) use pattern::Pattern;

use crate::limits::VALIDATION_FAULTS_MAX;
use crate::schema::{Bound, Kind, Member, Operation, Shape};
use crate::{Document, Error, Struct};

/// Holds an input against its constraints.
///
/// # Errors
/// One error with all that is wrong, named as the service names it: `2 validation errors detected: Value ...`.
pub fn validate(operation: &Operation, document: &Document) -> Result<(), Error> {
    let mut walk = Walk { path: String::new(), faults: Vec::new(), count: 0 };
    if let Document::Struct(input) = document {
        walk.structure(input);
    }
    match walk.count {
        0 => Ok(()),
        count => {
            let noun = if count == 1 { "error" } else { "errors" };
            let message = format!("{count} validation {noun} detected: {}", walk.faults.join("; "));
            Err(Error::new(operation.facts.codes.invalid, message))
        }
    }
}

/// The text for a member that has to be there and is not.
pub(crate) fn missing(path: &str) -> String {
    format!("1 validation error detected: {}", fault("null", path, "Member must not be null"))
}

fn fault(shown: &str, path: &str, constraint: &str) -> String {
    if shown.is_empty() {
        return format!("Value at '{path}' failed to satisfy constraint: {constraint}");
    }
    format!("Value {shown} at '{path}' failed to satisfy constraint: {constraint}")
}

/// A member's name as texts write it.
pub(crate) fn lower_camel(name: &str) -> String {
    let mut characters = name.chars();
    let first = characters.next().map(|first| first.to_ascii_lowercase());
    first.into_iter().chain(characters).collect()
}

struct Walk {
    path: String,
    /// The first of all faults.
    faults: Vec<String>,
    count: usize,
}

impl Walk {
    fn structure(&mut self, value: &Struct) {
        for (index, member) in value.structure().members.iter().enumerate() {
            let length = self.path.len();
            if length > 0 {
                self.path.push('.');
            }
            self.path.push_str(&lower_camel(member.name));
            match value.at(index) {
                Some(inner) => self.member(member, inner),
                // What streams is not held, so that it is missing says nothing.
                None if member.required && !member.streaming => {
                    self.note("null", "Member must not be null");
                }
                None => {}
            }
            self.path.truncate(length);
        }
    }

    fn member(&mut self, member: &Member, value: &Document) {
        if !member.values.is_empty()
            && let Document::Text(text) = value
            && !member.values.contains(&text.as_str())
        {
            self.note(&shown::quoted(member.shape.get(), value), &enumeration(&member.values));
        }
        self.value(member.shape.get(), value);
    }

    fn value(&mut self, shape: &'static Shape, value: &Document) {
        for constraint in broken(shape, value) {
            self.note(&shown::quoted(shape, value), &constraint);
        }
        match (value, &shape.kind) {
            (Document::Struct(inner), _) => self.structure(inner),
            (Document::List(items), Kind::List(list)) => {
                let element = list.element.get();
                if is_single(element) {
                    self.singles(shape, value, "Member", element, items.iter());
                } else {
                    for (at, item) in items.iter().enumerate() {
                        self.below(&format!(".{}.member", at + 1), element, item);
                    }
                }
            }
            (Document::Map(entries), Kind::Map(map)) => {
                let key = map.key.get();
                let keys: Vec<Document> =
                    entries.iter().map(|(key, _)| Document::Text(key.clone())).collect();
                self.singles(shape, value, "Map keys", key, keys.iter());
                let element = map.value.get();
                if is_single(element) {
                    self.singles(shape, value, "Map value", element, entries.iter().map(|(_, value)| value));
                } else {
                    for (key, item) in entries {
                        self.below(&format!(".{key}.member"), element, item);
                    }
                }
            }
            _ => {}
        }
    }

    fn below(&mut self, step: &str, shape: &'static Shape, value: &Document) {
        let length = self.path.len();
        self.path.push_str(step);
        if *value == Document::Null {
            self.note("null", "Member must not be null");
        } else {
            self.value(shape, value);
        }
        self.path.truncate(length);
    }

    /// Single values of a collection: one that breaks a rule is told as the collection's fault, with all rules.
    fn singles<'d>(
        &mut self,
        outer: &'static Shape,
        collection: &Document,
        whose: &str,
        shape: &'static Shape,
        mut values: impl Iterator<Item = &'d Document>,
    ) {
        let breaks = |value: &Document| *value == Document::Null || broken(shape, value).next().is_some();
        if values.any(breaks) {
            let rules = rules(shape).join(", ");
            let constraint = format!("{whose} must satisfy constraint: [{rules}]");
            self.note(&shown::quoted(outer, collection), &constraint);
        }
    }

    fn note(&mut self, shown: &str, constraint: &str) {
        self.count += 1;
        if self.faults.len() < VALIDATION_FAULTS_MAX {
            self.faults.push(fault(shown, &self.path, constraint));
        }
    }
}

fn is_single(shape: &Shape) -> bool {
    !matches!(shape.kind, Kind::List(_) | Kind::Map(_) | Kind::Struct(_))
}

/// The constraints of a shape that a value breaks.
fn broken<'a>(shape: &'a Shape, value: &'a Document) -> impl Iterator<Item = String> + use<'a> {
    let size = size(value);
    let too_large = shape.max.filter(|max| size.is_some_and(|size| is_above(size, *max)));
    let too_small = shape.min.filter(|min| size.is_some_and(|size| is_above_bound(*min, size)));
    let text = match value {
        Document::Text(text) => Some(text.as_str()),
        _ => None,
    };
    let no_match = shape.pattern.as_ref().filter(|pattern| text.is_some_and(|text| !pattern.matches(text)));
    let no_value = !shape.values.is_empty() && text.is_some_and(|text| !shape.values.contains(&text));
    let too_large = too_large.map(|max| at_most(shape, max));
    let too_small = too_small.map(|min| at_least(shape, min));
    let no_match = no_match.map(pattern_rule);
    let no_value = no_value.then(|| enumeration(&shape.values));
    [no_value, too_large, too_small, no_match].into_iter().flatten()
}

/// All constraints of a shape.
fn rules(shape: &Shape) -> Vec<String> {
    let values = (!shape.values.is_empty()).then(|| enumeration(&shape.values));
    let max = shape.max.map(|max| at_most(shape, max));
    let min = shape.min.map(|min| at_least(shape, min));
    let pattern = shape.pattern.as_ref().map(pattern_rule);
    let rules: Vec<String> = [max, min, values, pattern].into_iter().flatten().collect();
    if rules.is_empty() { vec!["Member must not be null".to_owned()] } else { rules }
}

fn pattern_rule(pattern: &Pattern) -> String {
    format!("Member must satisfy regular expression pattern: {}", pattern.text())
}

fn enumeration(values: &[&str]) -> String {
    format!("Member must satisfy enum value set: [{}]", values.join(", "))
}

fn at_most(shape: &Shape, bound: Bound) -> String {
    format!("Member must have {} less than or equal to {}", measure(shape), bound_text(bound))
}

fn at_least(shape: &Shape, bound: Bound) -> String {
    format!("Member must have {} greater than or equal to {}", measure(shape), bound_text(bound))
}

fn measure(shape: &Shape) -> &'static str {
    match shape.kind {
        Kind::Integer | Kind::Long | Kind::Float | Kind::Double => "value",
        Kind::Bool
        | Kind::Text
        | Kind::Blob
        | Kind::Time(_)
        | Kind::List(_)
        | Kind::Map(_)
        | Kind::Struct(_) => "length",
    }
}

fn bound_text(bound: Bound) -> String {
    match bound {
        Bound::Integer(bound) => bound.to_string(),
        Bound::Float(bound) => format!("{bound:?}"),
    }
}

/// What `min` and `max` of a value are about: a number, or how long it is.
fn size(value: &Document) -> Option<Bound> {
    let length = |length: usize| Some(Bound::Integer(i64::try_from(length).unwrap_or(i64::MAX)));
    match value {
        Document::Int(number) => Some(Bound::Integer(*number)),
        Document::Float(number) => Some(Bound::Float(*number)),
        // Amazon counts as Java does: in units of UTF-16.
        Document::Text(text) => length(text.chars().map(char::len_utf16).sum()),
        Document::Blob(bytes) => length(bytes.len()),
        Document::List(items) => length(items.len()),
        Document::Map(entries) => length(entries.len()),
        Document::Null | Document::Bool(_) | Document::Time(_) | Document::Struct(_) => None,
    }
}

fn is_above(size: Bound, max: Bound) -> bool {
    match (size, max) {
        (Bound::Integer(size), Bound::Integer(max)) => size > max,
        (size, max) => float(size) > float(max),
    }
}

fn is_above_bound(min: Bound, size: Bound) -> bool {
    is_above(min, size)
}

fn float(bound: Bound) -> f64 {
    match bound {
        #[expect(clippy::cast_precision_loss, reason = "bounds of floats are small")]
        Bound::Integer(bound) => bound as f64,
        Bound::Float(bound) => bound,
    }
}
