//! Conditions on JSON: `{ ($.user.type = "Root" || $.code = 4*) && $.items[0].id > 5 && $.error NOT EXISTS }`.

use std::borrow::Cow;

use serde_json::Value;

use super::Invalid;
use super::reader::Reader;
use super::value::Comparison;
use crate::limits::PATTERN_DEPTH_MAX;

#[derive(Debug, Clone)]
pub(super) struct Json(Condition);

#[derive(Debug, Clone)]
enum Condition {
    Any(Vec<Condition>),
    All(Vec<Condition>),
    Is(Selector, Test),
}

#[derive(Debug, Clone)]
enum Test {
    Compare(Comparison),
    Null,
    True,
    False,
    Missing,
}

/// `$.a['b c'][0]`.
#[derive(Debug, Clone)]
struct Selector {
    text: String,
    steps: Vec<Step>,
}

#[derive(Debug, Clone)]
enum Step {
    Member(String),
    Element(usize),
    /// `[*]`: any element.
    Elements,
}

impl Json {
    /// Reads from the opening brace to the closing one.
    pub(super) fn parse(reader: &mut Reader<'_>) -> Result<Json, Invalid> {
        reader.expect("{", "a brace is missing")?;
        let condition = any(reader, 0)?;
        reader.expect("}", "the brace is not closed")?;
        Ok(Json(condition))
    }

    pub(super) fn matches(&self, message: &str) -> bool {
        read(message).is_some_and(|document| self.0.holds(&document))
    }

    pub(super) fn extract(&self, message: &str) -> Option<Vec<(String, String)>> {
        let document = read(message).filter(|document| self.0.holds(document))?;
        let mut found = Vec::new();
        self.0.extract(&document, &mut found);
        Some(found)
    }
}

/// Only objects and arrays are looked into.
fn read(message: &str) -> Option<Value> {
    if !message.trim_start().starts_with(['{', '[']) {
        return None;
    }
    serde_json::from_str(message).ok()
}

fn any(reader: &mut Reader<'_>, depth: usize) -> Result<Condition, Invalid> {
    let mut conditions = vec![all(reader, depth)?];
    while reader.eat("||") {
        conditions.push(all(reader, depth)?);
    }
    Ok(Condition::Any(conditions))
}

fn all(reader: &mut Reader<'_>, depth: usize) -> Result<Condition, Invalid> {
    let mut conditions = vec![one(reader, depth)?];
    while reader.eat("&&") {
        conditions.push(one(reader, depth)?);
    }
    Ok(Condition::All(conditions))
}

fn one(reader: &mut Reader<'_>, depth: usize) -> Result<Condition, Invalid> {
    if depth > PATTERN_DEPTH_MAX {
        return Err(reader.wrong("the pattern nests too deep"));
    }
    if reader.eat("(") {
        let condition = any(reader, depth + 1)?;
        reader.expect(")", "the parenthesis is not closed")?;
        return Ok(condition);
    }
    let selector = Selector::parse(reader)?;
    let test = if reader.eat_word("IS") {
        match () {
            () if reader.eat_word("NULL") => Test::Null,
            () if reader.eat_word("TRUE") => Test::True,
            () if reader.eat_word("FALSE") => Test::False,
            () => return Err(reader.wrong("NULL, TRUE or FALSE is missing")),
        }
    } else if reader.eat_word("NOT") {
        if !reader.eat_word("EXISTS") {
            return Err(reader.wrong("EXISTS is missing"));
        }
        Test::Missing
    } else {
        Test::Compare(Comparison::parse(reader, ends_value)?)
    };
    Ok(Condition::Is(selector, test))
}

fn ends_value(next: char) -> bool {
    next.is_whitespace() || matches!(next, ')' | '}' | '&' | '|')
}

impl Selector {
    fn parse(reader: &mut Reader<'_>) -> Result<Selector, Invalid> {
        reader.skip_blanks();
        let start = reader.rest();
        reader.expect("$", "a selector that begins with $ is missing")?;
        let mut steps = Vec::new();
        loop {
            match reader.peek() {
                Some('.') => {
                    reader.bump();
                    if reader.peek() != Some('[') {
                        match reader.until(ends_name) {
                            "" => return Err(reader.wrong("a name is missing")),
                            name => steps.push(Step::Member(name.to_owned())),
                        }
                    }
                }
                Some('[') => steps.push(Step::in_brackets(reader)?),
                Some(_) | None => break,
            }
        }
        let text = start[..start.len() - reader.rest().len()].to_owned();
        Ok(Selector { text, steps })
    }

    /// All that it selects; nothing when it is not there.
    fn select<'a>(&self, document: &'a Value) -> Vec<&'a Value> {
        let mut found = vec![document];
        for step in &self.steps {
            found = found.into_iter().flat_map(|value| step.select(value)).collect();
        }
        found
    }
}

fn ends_name(next: char) -> bool {
    next.is_whitespace()
        || matches!(next, '.' | '[' | ']' | '=' | '!' | '<' | '>' | '(' | ')' | '&' | '|' | '}')
}

impl Step {
    fn in_brackets(reader: &mut Reader<'_>) -> Result<Step, Invalid> {
        reader.bump();
        let step = match reader.peek() {
            Some('\'') => {
                reader.bump();
                let name = reader.until(|next| next == '\'');
                reader.expect("'", "the quote is not closed")?;
                Step::Member(name.to_owned())
            }
            Some('*') => {
                reader.bump();
                Step::Elements
            }
            Some(_) | None => {
                let before = reader.wrong("a number, a name in quotes or an asterisk is missing");
                Step::Element(reader.until(|next| !next.is_ascii_digit()).parse().map_err(|_| before)?)
            }
        };
        reader.expect("]", "the bracket is not closed")?;
        Ok(step)
    }

    fn select<'a>(&self, value: &'a Value) -> Vec<&'a Value> {
        match self {
            Step::Member(name) => value.get(name.as_str()).into_iter().collect(),
            Step::Element(index) => value.get(index).into_iter().collect(),
            Step::Elements => value.as_array().into_iter().flatten().collect(),
        }
    }
}

impl Condition {
    fn holds(&self, document: &Value) -> bool {
        match self {
            Condition::Any(conditions) => conditions.iter().any(|condition| condition.holds(document)),
            Condition::All(conditions) => conditions.iter().all(|condition| condition.holds(document)),
            Condition::Is(selector, Test::Missing) => selector.select(document).is_empty(),
            Condition::Is(selector, test) => {
                selector.select(document).into_iter().any(|value| test.holds(value))
            }
        }
    }

    fn extract(&self, document: &Value, found: &mut Vec<(String, String)>) {
        match self {
            Condition::Any(conditions) | Condition::All(conditions) => {
                conditions.iter().for_each(|condition| condition.extract(document, found));
            }
            Condition::Is(selector, _) => {
                let is_new = !found.iter().any(|(name, _)| *name == selector.text);
                if let Some(value) = selector.select(document).first().filter(|_| is_new) {
                    let text = scalar(value).map_or_else(|| value.to_string(), Cow::into_owned);
                    found.push((selector.text.clone(), text));
                }
            }
        }
    }
}

impl Test {
    fn holds(&self, value: &Value) -> bool {
        match self {
            Test::Compare(comparison) => scalar(value).is_some_and(|text| comparison.holds(&text)),
            Test::Null => value.is_null(),
            Test::True => value.as_bool() == Some(true),
            Test::False => value.as_bool() == Some(false),
            // Asked of what is there.
            Test::Missing => false,
        }
    }
}

/// What comparisons see of a value: nothing of objects, arrays and null.
fn scalar(value: &Value) -> Option<Cow<'_, str>> {
    match value {
        Value::String(text) => Some(Cow::Borrowed(text)),
        Value::Number(number) => Some(Cow::Owned(number.to_string())),
        Value::Bool(flag) => Some(Cow::Borrowed(if *flag { "true" } else { "false" })),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}
