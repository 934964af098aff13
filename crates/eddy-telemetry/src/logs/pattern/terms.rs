//! Terms: `ERROR "two words" -DEBUG`, all of which must hold, or `?ERROR ?WARN`, one of which must.

use regex::Regex;

use super::Invalid;
use super::reader::Reader;

#[derive(Debug, Clone, Default)]
pub(super) struct Terms {
    required: Vec<Term>,
    excluded: Vec<Term>,
    /// One of them must hold. Beside other terms they ask for nothing, as in the real service.
    optional: Vec<Term>,
}

#[derive(Debug, Clone)]
enum Term {
    Text(String),
    Regex(Regex),
}

impl Terms {
    pub(super) fn parse(reader: &mut Reader<'_>) -> Result<Terms, Invalid> {
        let mut terms = Terms::default();
        loop {
            reader.skip_blanks();
            let Some(first) = reader.peek() else { return Ok(terms) };
            let list = match first {
                '-' => &mut terms.excluded,
                '?' => &mut terms.optional,
                _ => &mut terms.required,
            };
            if matches!(first, '-' | '?') {
                reader.bump();
            }
            list.push(Term::parse(reader)?);
        }
    }

    pub(super) fn matches(&self, message: &str) -> bool {
        if self.required.is_empty() && self.excluded.is_empty() {
            return self.optional.iter().any(|term| term.is_in(message));
        }
        self.required.iter().all(|term| term.is_in(message))
            && !self.excluded.iter().any(|term| term.is_in(message))
    }
}

impl Term {
    fn parse(reader: &mut Reader<'_>) -> Result<Term, Invalid> {
        match reader.peek() {
            Some('"') => Ok(Term::Text(reader.quoted()?)),
            Some('%') => Ok(Term::Regex(reader.regex()?)),
            Some(_) | None => match reader.until(char::is_whitespace) {
                "" => Err(reader.wrong("a term is missing")),
                text => Ok(Term::Text(text.to_owned())),
            },
        }
    }

    fn is_in(&self, message: &str) -> bool {
        match self {
            Term::Text(text) => memchr::memmem::find(message.as_bytes(), text.as_bytes()).is_some(),
            Term::Regex(regex) => regex.is_match(message),
        }
    }
}
