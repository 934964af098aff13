//! Comparisons, as conditions on JSON and on fields use them alike.

use regex::Regex;

use super::Invalid;
use super::reader::Reader;

/// `= 4*`, `!= "x"`, `> 5`, `= %re.ex%`.
#[derive(Debug, Clone)]
pub(super) struct Comparison {
    operator: Operator,
    value: Value,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

#[derive(Debug, Clone)]
enum Value {
    /// A number, and how it was written.
    Number(f64, String),
    /// Pieces between asterisks.
    Glob(Vec<String>),
    Regex(Regex),
}

impl Comparison {
    /// Reads an operator and a value. `ends` says which characters end a value without quotes.
    pub(super) fn parse(reader: &mut Reader<'_>, ends: fn(char) -> bool) -> Result<Comparison, Invalid> {
        let operators = [
            ("!=", Operator::NotEqual),
            ("<=", Operator::LessOrEqual),
            (">=", Operator::GreaterOrEqual),
            ("=", Operator::Equal),
            ("<", Operator::Less),
            (">", Operator::Greater),
        ];
        let found = operators.into_iter().find(|(token, _)| reader.eat(token));
        let Some((_, operator)) = found else { return Err(reader.wrong("an operator is missing")) };
        reader.skip_blanks();
        let before = reader.wrong("a number is missing");
        let value = match reader.peek() {
            Some('"') => Value::glob(&reader.quoted()?),
            Some('%') => Value::Regex(reader.regex()?),
            Some(_) | None => match reader.until(ends) {
                "" => return Err(Invalid { why: "a value is missing", ..before }),
                text => Value::bare(text),
            },
        };
        let is_order = !matches!(operator, Operator::Equal | Operator::NotEqual);
        match value {
            Value::Glob(_) | Value::Regex(_) if is_order => Err(before),
            value => Ok(Comparison { operator, value }),
        }
    }

    /// Compares with a text, which may be a number.
    pub(super) fn holds(&self, text: &str) -> bool {
        match (&self.value, self.operator) {
            (Value::Number(number, written), Operator::Equal) => equals(text, *number, written),
            (Value::Number(number, written), Operator::NotEqual) => !equals(text, *number, written),
            (Value::Number(number, _), Operator::Less) => parsed(text).is_some_and(|text| text < *number),
            (Value::Number(number, _), Operator::LessOrEqual) => {
                parsed(text).is_some_and(|text| text <= *number)
            }
            (Value::Number(number, _), Operator::Greater) => parsed(text).is_some_and(|text| text > *number),
            (Value::Number(number, _), Operator::GreaterOrEqual) => {
                parsed(text).is_some_and(|text| text >= *number)
            }
            (Value::Glob(pieces), Operator::NotEqual) => !glob_matches(pieces, text),
            (Value::Glob(pieces), _) => glob_matches(pieces, text),
            (Value::Regex(regex), Operator::NotEqual) => !regex.is_match(text),
            (Value::Regex(regex), _) => regex.is_match(text),
        }
    }
}

impl Value {
    fn bare(text: &str) -> Value {
        match parsed(text) {
            Some(number) => Value::Number(number, text.to_owned()),
            None => Value::glob(text),
        }
    }

    fn glob(text: &str) -> Value {
        Value::Glob(text.split('*').map(str::to_owned).collect())
    }
}

fn equals(text: &str, number: f64, written: &str) -> bool {
    text == written || parsed(text) == Some(number)
}

/// A number as people write it; not `inf`, `NaN` or the like.
fn parsed(text: &str) -> Option<f64> {
    let is_number =
        text.starts_with(|first: char| first.is_ascii_digit() || matches!(first, '-' | '+' | '.'));
    text.parse().ok().filter(|number: &f64| is_number && number.is_finite())
}

/// The first piece at the start, the last at the end, the others between in their order.
fn glob_matches(pieces: &[String], text: &str) -> bool {
    let Some((first, others)) = pieces.split_first() else { return text.is_empty() };
    let Some((last, between)) = others.split_last() else { return first == text };
    let Some(mut rest) = text.strip_prefix(first.as_str()) else { return false };
    for piece in between {
        match rest.find(piece.as_str()) {
            Some(at) => rest = &rest[at + piece.len()..],
            None => return false,
        }
    }
    rest.ends_with(last.as_str())
}
