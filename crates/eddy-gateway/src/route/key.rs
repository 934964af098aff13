//! The text that selects requests: `METHOD /path/{variable}/{rest+}` or `$default`.

use std::fmt;
use std::str::FromStr;

use crate::limits;

/// A route key, parsed. Its text is kept as the user wrote it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Key {
    /// Whatever no other route takes.
    Default,
    Path {
        method: Method,
        path: Path,
    },
}

/// The method of a route key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Method {
    Any,
    Delete,
    Get,
    Head,
    Options,
    Patch,
    Post,
    Put,
}

/// The path of a route key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Path {
    pub(crate) segments: Vec<Segment>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Segment {
    Literal(String),
    /// Takes one segment.
    Variable(String),
    /// Takes all that follow. Only the last segment may.
    Greedy(String),
}

/// Why a text is not a route key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    #[error("a route key is a method and a path, or $default")]
    Form,
    #[error("a route key has at most {} characters", limits::ROUTE_KEY_CHARS_MAX)]
    TooLong,
    #[error("a path has at most {} segments", limits::SEGMENTS_MAX)]
    TooDeep,
    #[error("a path does not end in a slash and has no empty segments")]
    EmptySegment,
    #[error("a path variable is a whole segment: a name in braces, of letters, digits, '.', '_' and '-'")]
    Variable,
    #[error("a variable that takes several segments stands at the end of the path")]
    GreedyInside,
    #[error("a path has no two variables of one name")]
    VariableTwice,
    #[error("a path has only characters that a URL may have")]
    Character,
}

impl Key {
    pub const DEFAULT: &'static str = "$default";
}

impl FromStr for Key {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Key, Malformed> {
        if text == Key::DEFAULT {
            return Ok(Key::Default);
        }
        if text.chars().count() > limits::ROUTE_KEY_CHARS_MAX {
            return Err(Malformed::TooLong);
        }
        let (method, path) = text.split_once(' ').ok_or(Malformed::Form)?;
        let method = method.parse().map_err(|()| Malformed::Form)?;
        Ok(Key::Path { method, path: path.parse()? })
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Key::Default => f.write_str(Key::DEFAULT),
            Key::Path { method, path } => write!(f, "{} {path}", method.as_str()),
        }
    }
}

impl Method {
    pub const ALL: [Method; 8] = [
        Method::Any,
        Method::Delete,
        Method::Get,
        Method::Head,
        Method::Options,
        Method::Patch,
        Method::Post,
        Method::Put,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Method::Any => "ANY",
            Method::Delete => "DELETE",
            Method::Get => "GET",
            Method::Head => "HEAD",
            Method::Options => "OPTIONS",
            Method::Patch => "PATCH",
            Method::Post => "POST",
            Method::Put => "PUT",
        }
    }
}

impl FromStr for Method {
    type Err = ();

    fn from_str(text: &str) -> Result<Method, ()> {
        Method::ALL.into_iter().find(|method| method.as_str() == text).ok_or(())
    }
}

impl FromStr for Path {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Path, Malformed> {
        let rest = text.strip_prefix('/').ok_or(Malformed::Form)?;
        if rest.is_empty() {
            return Ok(Path { segments: vec![Segment::Literal(String::new())] });
        }
        let segments = rest.split('/').map(str::parse).collect::<Result<Vec<Segment>, _>>()?;
        if segments.len() > limits::SEGMENTS_MAX {
            return Err(Malformed::TooDeep);
        }
        let (_, before) = segments.split_last().ok_or(Malformed::Form)?;
        if before.iter().any(|segment| matches!(segment, Segment::Greedy(_))) {
            return Err(Malformed::GreedyInside);
        }
        let mut names: Vec<&str> = segments.iter().filter_map(Segment::variable).collect();
        names.sort_unstable();
        if names.windows(2).any(|pair| pair[0] == pair[1]) {
            return Err(Malformed::VariableTwice);
        }
        Ok(Path { segments })
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.segments.iter().try_for_each(|segment| match segment {
            Segment::Literal(text) => write!(f, "/{text}"),
            Segment::Variable(name) => write!(f, "/{{{name}}}"),
            Segment::Greedy(name) => write!(f, "/{{{name}+}}"),
        })
    }
}

impl Segment {
    fn variable(&self) -> Option<&str> {
        match self {
            Segment::Literal(_) => None,
            Segment::Variable(name) | Segment::Greedy(name) => Some(name),
        }
    }
}

impl FromStr for Segment {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Segment, Malformed> {
        if text.is_empty() {
            return Err(Malformed::EmptySegment);
        }
        if !text.contains(['{', '}']) {
            let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~:@!$&'()*+,;=%".contains(&byte);
            let literal = text.bytes().all(allowed).then(|| Segment::Literal(text.to_owned()));
            return literal.ok_or(Malformed::Character);
        }
        let inner = text.strip_prefix('{').and_then(|text| text.strip_suffix('}'));
        let inner = inner.ok_or(Malformed::Variable)?;
        let (name, greedy) = inner.strip_suffix('+').map_or((inner, false), |name| (name, true));
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        if name.is_empty() || !name.bytes().all(allowed) {
            return Err(Malformed::Variable);
        }
        let name = name.to_owned();
        Ok(if greedy { Segment::Greedy(name) } else { Segment::Variable(name) })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn keys_as_users_write_them() {
        for text in
            ["$default", "GET /", "POST /hello", "ANY /{proxy+}", "GET /pets/{id}/toys/{toy}", "PUT /a.b/~c"]
        {
            assert_eq!(text.parse::<Key>().map(|key| key.to_string()), Ok(text.to_owned()));
        }
    }

    #[test]
    fn what_is_not_a_key() {
        for (text, why) in [
            ("", Malformed::Form),
            ("default", Malformed::Form),
            ("GET", Malformed::Form),
            ("GET hello", Malformed::Form),
            ("get /hello", Malformed::Form),
            ("TRACE /hello", Malformed::Form),
            ("POST/hello", Malformed::Form),
            ("GET /hello/", Malformed::EmptySegment),
            ("GET //hello", Malformed::EmptySegment),
            ("GET /{proxy+}/x", Malformed::GreedyInside),
            ("GET /{id}/{id}", Malformed::VariableTwice),
            ("GET /{}", Malformed::Variable),
            ("GET /{a b}", Malformed::Variable),
            ("GET /x{id}", Malformed::Variable),
            ("GET /a b", Malformed::Character),
            ("GET /年", Malformed::Character),
        ] {
            assert_eq!(text.parse::<Key>(), Err(why), "{text}");
        }
        assert_eq!(format!("GET /{}", "a".repeat(520)).parse::<Key>(), Err(Malformed::TooLong));
        assert_eq!(format!("GET {}", "/a".repeat(65)).parse::<Key>(), Err(Malformed::TooDeep));
    }

    proptest! {
        #[test]
        fn no_text_makes_the_parser_panic(text in "(GET |ANY |)[/{}+a-z$.%é ]{0,40}") {
            if let Ok(key) = text.parse::<Key>() {
                prop_assert_eq!(key.to_string(), text);
            }
        }
    }
}
