//! Filter patterns: which log events are meant.
//!
//! Three languages that begin differently: terms (`ERROR -timeout ?a ?b "two words" %re.ex%`), conditions on JSON
//! (`{ $.level = "ERROR" && $.took > 5 }`) and on fields between blanks (`[ip, ..., status = 4*, bytes > 1000]`).
//! A pattern is parsed once; what cannot be parsed is refused with the place where it stops making sense.

mod fields;
mod json;
mod reader;
mod terms;
mod value;

use self::fields::Fields;
use self::json::Json;
use self::reader::Reader;
use self::terms::Terms;
use crate::limits::PATTERN_BYTES_MAX;

/// A parsed pattern.
#[derive(Debug, Clone)]
pub struct Pattern(Language);

#[derive(Debug, Clone)]
enum Language {
    Everything,
    Terms(Terms),
    Json(Json),
    Fields(Fields),
}

/// Why a text is not a pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{why} at character {at}")]
pub struct Invalid {
    /// From 1.
    pub at: usize,
    pub why: &'static str,
}

impl Pattern {
    /// Matches every event.
    pub fn everything() -> Pattern {
        Pattern(Language::Everything)
    }

    /// # Errors
    /// [`Invalid`] when the text is none of the three languages, or larger than its limits.
    pub fn parse(text: &str) -> Result<Pattern, Invalid> {
        if text.len() > PATTERN_BYTES_MAX {
            return Err(Invalid { at: PATTERN_BYTES_MAX, why: "the pattern is too long" });
        }
        let mut reader = Reader::new(text);
        reader.skip_blanks();
        let language = match reader.peek() {
            None => Language::Everything,
            Some('{') => Language::Json(Json::parse(&mut reader)?),
            Some('[') => Language::Fields(Fields::parse(&mut reader)?),
            Some(_) => Language::Terms(Terms::parse(&mut reader)?),
        };
        reader.skip_blanks();
        if reader.peek().is_some() {
            return Err(reader.wrong("something follows the pattern"));
        }
        Ok(Pattern(language))
    }

    pub fn matches(&self, message: &str) -> bool {
        match &self.0 {
            Language::Everything => true,
            Language::Terms(terms) => terms.matches(message),
            Language::Json(json) => json.matches(message),
            Language::Fields(fields) => fields.matches(message),
        }
    }

    /// What a matching event holds where the pattern names it: `$.level` or `$status`. None when it does not match.
    pub fn extract(&self, message: &str) -> Option<Vec<(String, String)>> {
        match &self.0 {
            Language::Everything => Some(Vec::new()),
            Language::Terms(terms) => terms.matches(message).then(Vec::new),
            Language::Json(json) => json.extract(message),
            Language::Fields(fields) => fields.extract(message),
        }
    }
}

#[cfg(test)]
mod tests;
