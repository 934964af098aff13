//! Patterns of the models: Java's regular expressions, compiled when first needed.
//!
//! `regex` takes nearly all of them after a light translation; those with look-around go to `fancy-regex`,
//! with a bound on its steps.

use std::sync::OnceLock;

use crate::limits::PATTERN_STEPS_MAX;

/// One pattern, which a whole value has to match.
#[derive(Debug)]
pub(crate) struct Pattern {
    text: String,
    compiled: OnceLock<Compiled>,
}

#[derive(Debug)]
enum Compiled {
    Plain(regex::Regex),
    Fancy(Box<fancy_regex::Regex>),
    /// Neither takes it. A test holds that no model has such a one.
    Unusable,
}

/// Bytes that a compiled pattern may take. Most take thousands; two of ssm count to 100,000.
const PROGRAM_BYTES_MAX: usize = 128 << 20;

impl Pattern {
    pub(crate) fn new(text: String) -> Pattern {
        Pattern { text, compiled: OnceLock::new() }
    }

    /// As the model writes it.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// Does the whole value match? A pattern that cannot be used lets everything pass.
    pub(crate) fn matches(&self, value: &str) -> bool {
        match self.compiled() {
            Compiled::Plain(regex) => regex.is_match(value),
            // One that takes too many steps is no match: to let it pass would open the door.
            Compiled::Fancy(regex) => regex.is_match(value).unwrap_or(false),
            Compiled::Unusable => true,
        }
    }

    fn compiled(&self) -> &Compiled {
        self.compiled.get_or_init(|| {
            let whole = format!(r"\A(?:{})\z", translate(&self.text));
            let plain = regex::RegexBuilder::new(&whole).size_limit(PROGRAM_BYTES_MAX).build();
            if let Ok(regex) = plain {
                return Compiled::Plain(regex);
            }
            let fancy = fancy_regex::RegexBuilder::new(&whole).backtrack_limit(PATTERN_STEPS_MAX).build();
            fancy.map_or(Compiled::Unusable, |regex| Compiled::Fancy(Box::new(regex)))
        })
    }
}

/// From Java's dialect to that of `regex`: surrogate pairs become the characters that they stand for, and `\w`,
/// `\d` and `\s` mean ASCII, as they do in Java (and not what makes programs of many megabytes).
fn translate(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    // Classes nest in both dialects.
    let mut class_depth = 0usize;
    while let Some(next) = rest.chars().next() {
        if let Some((unit, after)) = unit(rest) {
            rest = surrogates(unit, after, &mut out);
            continue;
        }
        if next == '\\' {
            let end = rest.char_indices().nth(2).map_or(rest.len(), |(end, _)| end);
            let (escape, after) = rest.split_at(end);
            rest = after;
            let Some(class) = ascii_class(escape) else {
                out.push_str(escape);
                continue;
            };
            out.push_str(&if class_depth > 0 { class.to_owned() } else { format!("[{class}]") });
            // After a class a hyphen begins no range: Java knows, `regex` wants it said.
            if let Some(after) = rest.strip_prefix('-').filter(|_| class_depth > 0) {
                out.push_str(r"\-");
                rest = after;
            }
            continue;
        }
        match next {
            '[' => class_depth += 1,
            ']' => class_depth = class_depth.saturating_sub(1),
            _ => {}
        }
        out.push(next);
        rest = &rest[next.len_utf8()..];
    }
    out
}

fn ascii_class(escape: &str) -> Option<&'static str> {
    match escape {
        r"\w" => Some("0-9A-Za-z_"),
        r"\d" => Some("0-9"),
        r"\s" => Some(r" \t\n\x0B\f\r"),
        _ => None,
    }
}

/// Writes the character of a UTF-16 unit, or of it and the one that follows.
fn surrogates<'t>(unit: u32, after: &'t str, out: &mut String) -> &'t str {
    let low = self::unit(after).filter(|(low, _)| (0xdc00..0xe000).contains(low));
    match low {
        Some((low, after)) if (0xd800..0xdc00).contains(&unit) => {
            out.push_str(&format!("\\x{{{:X}}}", 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00)));
            after
        }
        _ => {
            out.push_str(&format!("\\x{{{unit:X}}}"));
            after
        }
    }
}

/// Reads `\uXXXX`.
fn unit(text: &str) -> Option<(u32, &str)> {
    let rest = text.strip_prefix("\\u")?;
    let unit = u32::from_str_radix(rest.get(..4)?, 16).ok()?;
    Some((unit, &rest[4..]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema;

    fn check(pattern: &str, yes: &[&str], no: &[&str]) {
        let pattern = Pattern::new(pattern.to_owned());
        assert!(!matches!(pattern.compiled(), Compiled::Unusable), "{pattern:?}");
        yes.iter().for_each(|value| assert!(pattern.matches(value), "{pattern:?} {value}"));
        no.iter().for_each(|value| assert!(!pattern.matches(value), "{pattern:?} {value}"));
    }

    #[test]
    fn a_pattern_means_the_whole_value() {
        check("[a-z]+", &["abc"], &["abc1", "", "1abc"]);
        check("a|ab", &["a", "ab"], &["abc"]);
        check("^[a-z]$", &["a"], &["a\n"]);
    }

    #[test]
    fn surrogates_and_look_around() {
        let text = r"[\u0020-\uD7FF\uE000-\uFFFD\uD800\uDC00-\uDBFF\uDFFF\r\n\t]*";
        check(text, &["plain", "\u{1F600}", "a\nb"], &["\u{0}"]);
        check("(?!aws)[a-z]+", &["own"], &["awsome"]);
        check(r"[\w-_]*", &["a-_"], &[".", "é"]);
        check(r"\d+-\w\\[a[\d]&&[^9]]", &[r"1-a\8", r"12-_\a"], &[r"1-a\9", r"\u{663}-a\a"]);
    }

    #[test]
    fn every_pattern_of_every_model_can_be_used() {
        let mut unusable = Vec::new();
        for service in schema::names().filter_map(schema::service) {
            for shape in service.shapes() {
                if let Some(pattern) = &shape.pattern
                    && matches!(pattern.compiled(), Compiled::Unusable)
                {
                    unusable.push(format!("{} {} {}", service.name, shape.name, pattern.text));
                }
            }
        }
        assert!(unusable.is_empty(), "{unusable:#?}");
    }
}
