//! Conditions on fields between blanks: `[ip, user, ..., status = 4* || status = 5*, bytes > 1000]`.

use super::Invalid;
use super::reader::Reader;
use super::value::Comparison;

/// Fields from the left, and, behind an ellipsis, fields from the right.
#[derive(Debug, Clone, Default)]
pub(super) struct Fields {
    left: Vec<Field>,
    /// None when there is no ellipsis: then the number of fields must agree.
    right: Option<Vec<Field>>,
}

#[derive(Debug, Clone)]
struct Field {
    name: String,
    /// One of these must hold, which means all of its comparisons. Empty asks for nothing.
    any: Vec<Vec<Comparison>>,
}

impl Fields {
    /// Reads from the opening bracket to the closing one.
    pub(super) fn parse(reader: &mut Reader<'_>) -> Result<Fields, Invalid> {
        reader.expect("[", "a bracket is missing")?;
        let mut fields = Fields::default();
        loop {
            if reader.eat("...") {
                if fields.right.is_some() {
                    return Err(reader.wrong("there is more than one ellipsis"));
                }
                fields.right = Some(Vec::new());
            } else {
                let field = Field::parse(reader)?;
                fields.right.as_mut().unwrap_or(&mut fields.left).push(field);
            }
            if reader.eat("]") {
                return Ok(fields);
            }
            reader.expect(",", "a comma or the closing bracket is missing")?;
        }
    }

    pub(super) fn matches(&self, message: &str) -> bool {
        self.pair(&split(message)).is_some_and(|pairs| pairs.iter().all(|(field, text)| field.holds(text)))
    }

    pub(super) fn extract(&self, message: &str) -> Option<Vec<(String, String)>> {
        let words = split(message);
        let pairs = self.pair(&words)?;
        if !pairs.iter().all(|(field, text)| field.holds(text)) {
            return None;
        }
        let named = pairs.iter().enumerate().map(|(index, (field, text))| {
            let name = if field.name.is_empty() { (index + 1).to_string() } else { field.name.clone() };
            (format!("${name}"), (*text).to_owned())
        });
        Some(named.collect())
    }

    /// Each field with its text; none when their numbers do not agree.
    fn pair<'a>(&'a self, words: &[&'a str]) -> Option<Vec<(&'a Field, &'a str)>> {
        let right: &[Field] = self.right.as_deref().unwrap_or_default();
        let named = self.left.len() + right.len();
        let fits = if self.right.is_some() { words.len() >= named } else { words.len() == named };
        if !fits {
            return None;
        }
        let from_left = self.left.iter().zip(words);
        let from_right = right.iter().zip(&words[words.len() - right.len()..]);
        Some(from_left.chain(from_right).map(|(field, word)| (field, *word)).collect())
    }
}

impl Field {
    fn parse(reader: &mut Reader<'_>) -> Result<Field, Invalid> {
        reader.skip_blanks();
        let name = reader.until(ends_name).to_owned();
        let mut field = Field { name, any: Vec::new() };
        reader.skip_blanks();
        if matches!(reader.peek(), Some(',' | ']')) {
            return Ok(field);
        }
        let mut all = vec![Comparison::parse(reader, ends_value)?];
        loop {
            let is_and = reader.eat("&&");
            if !is_and && !reader.eat("||") {
                field.any.push(all);
                return Ok(field);
            }
            reader.skip_blanks();
            let before = reader.wrong("a condition on one field names another");
            if reader.until(ends_name) != field.name {
                return Err(before);
            }
            let next = Comparison::parse(reader, ends_value)?;
            if is_and {
                all.push(next);
            } else {
                field.any.push(std::mem::replace(&mut all, vec![next]));
            }
        }
    }

    fn holds(&self, text: &str) -> bool {
        self.any.is_empty() || self.any.iter().any(|all| all.iter().all(|one| one.holds(text)))
    }
}

fn ends_name(next: char) -> bool {
    next.is_whitespace() || matches!(next, ',' | ']' | '=' | '!' | '<' | '>' | '&' | '|')
}

fn ends_value(next: char) -> bool {
    next.is_whitespace() || matches!(next, ',' | ']' | '&' | '|')
}

/// The fields of a message. What stands in brackets or quotes is one field, without them.
fn split(message: &str) -> Vec<&str> {
    let mut words = Vec::new();
    let mut rest = message.trim_start();
    while !rest.is_empty() {
        let closing = match rest.as_bytes()[0] {
            b'[' => Some(']'),
            b'"' => Some('"'),
            _ => None,
        };
        let closed = closing.and_then(|closing| rest[1..].find(closing));
        let (word, behind) = match closed {
            Some(end) => (&rest[1..=end], &rest[end + 2..]),
            None => rest.split_at(rest.find(char::is_whitespace).unwrap_or(rest.len())),
        };
        words.push(word);
        rest = behind.trim_start();
    }
    words
}
