//! Texts with `*`, `?` and `${variables}`.

use std::borrow::Cow;

use super::Context;

/// A text to compare with, as a policy has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pattern {
    text: String,
    parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    /// Literal text, in which `*` and `?` are wild.
    Wild(String),
    /// `${aws:username}`, or `${aws:username, 'nobody'}` with what stands in when it is not known.
    Variable { key: String, default: Option<String> },
    /// `${*}`, `${?}`, `${$}`: the character itself.
    Character(char),
}

impl Pattern {
    /// `variables`: the document's version has them (2012-10-17 on).
    pub(crate) fn new(text: &str, variables: bool) -> Pattern {
        Pattern {
            text: text.to_owned(),
            parts: if variables { parts(text) } else { vec![Part::Wild(text.to_owned())] },
        }
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// Does it match the whole of `value`? A variable that is not known matches nothing.
    pub(crate) fn matches(&self, value: &str, context: &Context) -> bool {
        match self.parts.as_slice() {
            [Part::Wild(text)] => glob(text, value),
            parts => self.tokens(parts, context).is_some_and(|tokens| glob_tokens(&tokens, value.as_bytes())),
        }
    }

    pub(crate) fn matches_without_case(&self, value: &str) -> bool {
        glob(&self.text.to_ascii_lowercase(), &value.to_ascii_lowercase())
    }

    /// The text with its variables in place and nothing wild. `None`: a variable is not known.
    pub(crate) fn plain(&self, context: &Context) -> Option<Cow<'_, str>> {
        if let [Part::Wild(text)] = self.parts.as_slice() {
            return Some(Cow::Borrowed(text));
        }
        let mut out = String::new();
        for part in &self.parts {
            match part {
                Part::Wild(text) => out.push_str(text),
                Part::Variable { key, default } => out.push_str(variable(key, default.as_deref(), context)?),
                Part::Character(character) => out.push(*character),
            }
        }
        Some(Cow::Owned(out))
    }

    fn tokens(&self, parts: &[Part], context: &Context) -> Option<Vec<Token>> {
        let mut tokens = Vec::new();
        for part in parts {
            match part {
                Part::Wild(text) => tokens.extend(text.bytes().map(Token::wild)),
                Part::Variable { key, default } => {
                    // What a variable holds is compared as it is: a user named `*` is not everybody.
                    tokens.extend(variable(key, default.as_deref(), context)?.bytes().map(Token::Byte));
                }
                Part::Character(character) => tokens.extend(character.to_string().bytes().map(Token::Byte)),
            }
        }
        Some(tokens)
    }
}

fn variable<'a>(key: &str, default: Option<&'a str>, context: &'a Context) -> Option<&'a str> {
    match context.get(key) {
        Some([single]) => Some(single),
        Some(_) | None => default,
    }
}

fn parts(text: &str) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        let Some(length) = rest[at..].find('}') else { break };
        if at > 0 {
            parts.push(Part::Wild(rest[..at].to_owned()));
        }
        parts.push(part(&rest[at + 2..at + length]));
        rest = &rest[at + length + 1..];
    }
    if !rest.is_empty() || parts.is_empty() {
        parts.push(Part::Wild(rest.to_owned()));
    }
    parts
}

fn part(inner: &str) -> Part {
    match inner {
        "*" => Part::Character('*'),
        "?" => Part::Character('?'),
        "$" => Part::Character('$'),
        _ => {
            let (key, default) = match inner.split_once(',') {
                Some((key, default)) => (key, Some(default.trim().trim_matches('\'').to_owned())),
                None => (inner, None),
            };
            Part::Variable { key: key.trim().to_ascii_lowercase(), default }
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token {
    Byte(u8),
    /// `?`: one character.
    One,
    /// `*`: any number of characters.
    Any,
}

impl Token {
    fn wild(byte: u8) -> Token {
        match byte {
            b'*' => Token::Any,
            b'?' => Token::One,
            other => Token::Byte(other),
        }
    }
}

/// Does `pattern`, in which `*` and `?` are wild, match the whole of `value`?
pub fn glob(pattern: &str, value: &str) -> bool {
    if !pattern.contains(['*', '?']) {
        return pattern == value;
    }
    let tokens: Vec<Token> = pattern.bytes().map(Token::wild).collect();
    glob_tokens(&tokens, value.as_bytes())
}

/// Goes back to the last `*` only, so the time is at most the product of the lengths.
fn glob_tokens(tokens: &[Token], value: &[u8]) -> bool {
    let (mut token, mut byte) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while byte < value.len() {
        match tokens.get(token) {
            Some(Token::Any) => {
                star = Some((token, byte));
                token += 1;
            }
            Some(Token::One) => {
                token += 1;
                byte += character(&value[byte..]);
            }
            Some(Token::Byte(wanted)) if *wanted == value[byte] => {
                token += 1;
                byte += 1;
            }
            Some(Token::Byte(_)) | None => {
                let Some((at, from)) = star else { return false };
                star = Some((at, from + 1));
                token = at + 1;
                byte = from + 1;
            }
        }
    }
    tokens[token..].iter().all(|token| *token == Token::Any)
}

/// Bytes of the first character.
fn character(value: &[u8]) -> usize {
    1 + value[1..].iter().take_while(|byte| **byte & 0xc0 == 0x80).count()
}
