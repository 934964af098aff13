//! Walks over a pattern's text.

use regex::{Regex, RegexBuilder};

use super::Invalid;
use crate::limits::{PATTERN_REGEX_BYTES_MAX, PATTERN_REGEXES_MAX};

pub(super) struct Reader<'a> {
    text: &'a str,
    /// In bytes, always at a character.
    at: usize,
    regexes: usize,
}

impl<'a> Reader<'a> {
    pub(super) fn new(text: &'a str) -> Reader<'a> {
        Reader { text, at: 0, regexes: 0 }
    }

    pub(super) fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    pub(super) fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    /// Passes over one character, if there is one.
    pub(super) fn bump(&mut self) {
        self.at += self.peek().map_or(0, char::len_utf8);
    }

    pub(super) fn skip_blanks(&mut self) {
        self.at = self.text.len() - self.rest().trim_start().len();
    }

    /// Passes over `token` if it comes next, blanks aside.
    pub(super) fn eat(&mut self, token: &str) -> bool {
        self.skip_blanks();
        let is_next = self.rest().starts_with(token);
        if is_next {
            self.at += token.len();
        }
        is_next
    }

    /// As [`Reader::eat`] for a word in any case, which must end there.
    pub(super) fn eat_word(&mut self, word: &str) -> bool {
        self.skip_blanks();
        let next = self.rest().get(..word.len()).is_some_and(|next| next.eq_ignore_ascii_case(word));
        let ends = next && !self.rest()[word.len()..].starts_with(|next: char| next.is_alphanumeric());
        if ends {
            self.at += word.len();
        }
        ends
    }

    pub(super) fn expect(&mut self, token: &str, why: &'static str) -> Result<(), Invalid> {
        if self.eat(token) { Ok(()) } else { Err(self.wrong(why)) }
    }

    /// Everything up to a character that ends it.
    pub(super) fn until(&mut self, ends: impl Fn(char) -> bool) -> &'a str {
        let rest = self.rest();
        let end = rest.find(ends).unwrap_or(rest.len());
        self.at += end;
        &rest[..end]
    }

    /// What stands between quotes, with `\"` and `\\` resolved. The opening one comes next.
    pub(super) fn quoted(&mut self) -> Result<String, Invalid> {
        let start = self.wrong("the quote is not closed");
        let mut text = String::new();
        let mut chars = self.rest().char_indices().skip(1);
        while let Some((index, next)) = chars.next() {
            match next {
                '"' => {
                    self.at += index + 1;
                    return Ok(text);
                }
                '\\' => match chars.next() {
                    Some((_, escaped @ ('"' | '\\'))) => text.push(escaped),
                    Some((_, other)) => text.extend(['\\', other]),
                    None => return Err(start),
                },
                other => text.push(other),
            }
        }
        Err(start)
    }

    /// What stands between percent signs, as a regular expression. The opening one comes next.
    pub(super) fn regex(&mut self) -> Result<Regex, Invalid> {
        self.regexes += 1;
        if self.regexes > PATTERN_REGEXES_MAX {
            return Err(self.wrong("there are too many regular expressions"));
        }
        let start = self.wrong("the regular expression is not closed");
        self.at += 1;
        let text = self.until(|next| next == '%');
        if self.peek() != Some('%') {
            return Err(start);
        }
        self.at += 1;
        let built = RegexBuilder::new(text).size_limit(PATTERN_REGEX_BYTES_MAX).build();
        built.map_err(|_| Invalid { why: "the regular expression cannot be read", ..start })
    }

    pub(super) fn wrong(&self, why: &'static str) -> Invalid {
        Invalid { at: self.text[..self.at].chars().count() + 1, why }
    }
}
