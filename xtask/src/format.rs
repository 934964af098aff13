//! The stored format as a page: every numbered member of every stored value, taken from the sources.
//!
//! A value drops what it does not know when it is written again. That is safe only while no eddy opens a folder that
//! a newer one has written, so a change of this page must raise the format number that the folder carries and that
//! an older eddy refuses (`docs/adr/0007-stored-keys.md`).

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use crate::sh::{self, Outcome};
use crate::tidy::{crates, sources};

const PAGE: &str = "docs/format.txt";
/// Where the folder's format number stands.
const NUMBER: (&str, &str) = ("crates/eddy-store/src/folder.rs", "const FORMAT: u32 = ");
/// Ends the first line of a page that no release has written folders with.
const UNRELEASED: &str = ", in no release yet";

/// Writes the page.
///
/// # Errors
/// When a released format would change under its own number.
pub fn run(_: &[String]) -> Outcome {
    let page = sh::root().join(PAGE);
    let (old, new) = (fs::read_to_string(&page).unwrap_or_default(), render()?);
    let (head, body) = old.split_once('\n').unwrap_or_default();
    let number = number()?;
    if body != new && head == format!("format {number}") {
        return Err(format!("format {number} is released: a change raises FORMAT in {}", NUMBER.0));
    }
    let head = if head == format!("format {number}") { head.to_owned() } else { unreleased(number) };
    fs::write(&page, format!("{head}\n{new}")).map_err(|why| format!("{}: {why}", page.display()))
}

/// Holds the page against the sources.
pub fn check(found: &mut Vec<String>) -> Outcome {
    let old = fs::read_to_string(sh::root().join(PAGE)).unwrap_or_default();
    let (head, body) = old.split_once('\n').unwrap_or_default();
    let number = number()?;
    if body != render()? || (head != unreleased(number) && head != format!("format {number}")) {
        found.push(format!(
            "{PAGE} differs from what the sources store: run `cargo xtask format` and read it"
        ));
    }
    Ok(())
}

fn unreleased(number: u32) -> String {
    format!("format {number}{UNRELEASED}")
}

fn number() -> Result<u32, String> {
    let (file, before) = NUMBER;
    let text = fs::read_to_string(sh::root().join(file)).map_err(|why| format!("{file}: {why}"))?;
    let number = text.lines().find_map(|line| line.strip_prefix(before)?.strip_suffix(';')?.parse().ok());
    number.ok_or_else(|| format!("{file} has no line `{before}N;`"))
}

/// A line for each member: crate, type, number, name and type.
fn render() -> Result<String, String> {
    let mut page = String::new();
    for (name, folder) in crates()? {
        let mut members = BTreeMap::new();
        for file in sources(&folder.join("src"))? {
            let mut here = BTreeMap::new();
            collect(&read(&file)?, &mut here);
            for (place, member) in here {
                if let Some(other) = members.insert(place.clone(), member) {
                    return Err(format!("{name} stores two types named {}: {other}", place.0));
                }
            }
        }
        for ((holder, number), member) in members {
            page.push_str(&format!("{name} {holder} {number} {member}\n"));
        }
    }
    Ok(page)
}

fn read(file: &Path) -> Result<String, String> {
    fs::read_to_string(file).map_err(|why| format!("{}: {why}", file.display()))
}

/// The numbered members of a file, its tests left out.
fn collect(source: &str, members: &mut BTreeMap<(String, u32), String>) {
    let (mut holder, mut variant, mut pending) = (String::new(), String::new(), None);
    for line in source.lines().take_while(|line| *line != "#[cfg(test)]").map(str::trim) {
        if let Some(name) = declared(line) {
            (holder, variant) = (name.to_owned(), String::new());
        }
        if let Some((number, rest)) = numbered(line) {
            pending = Some(number);
            if rest.is_empty() {
                continue;
            }
        } else if line.is_empty() || line.starts_with("//") || line.starts_with("#[") {
            continue;
        }
        let Some(number) = pending.take() else { continue };
        let member = member(numbered(line).map_or(line, |(_, rest)| rest));
        if member.starts_with(|first: char| first.is_ascii_uppercase()) && !line.contains("struct ") {
            variant = format!("::{}", member.split(['(', ' ']).next().unwrap_or_default());
            members.insert((holder.clone(), number), member);
        } else {
            members.insert((format!("{holder}{variant}"), number), member);
        }
    }
}

/// `pub(crate) struct Name ...` and the like.
fn declared(line: &str) -> Option<&str> {
    let rest =
        line.trim_start_matches("pub(crate) ").trim_start_matches("pub(super) ").trim_start_matches("pub ");
    let rest = rest.strip_prefix("struct ").or_else(|| rest.strip_prefix("enum "))?;
    rest.split(|letter: char| !letter.is_alphanumeric()).next()
}

/// The number in `#[n(N)]` or `#[cbor(n(N), ...)]`, and what follows the attribute on its line.
fn numbered(line: &str) -> Option<(u32, &str)> {
    let at = line.find("#[n(").map(|at| at + 4).or_else(|| line.find("#[cbor(n(").map(|at| at + 9))?;
    let (number, rest) = line[at..].split_once(')')?;
    Some((number.parse().ok()?, rest.split_once(']')?.1.trim()))
}

/// A member as the page has it: no visibility, nothing behind it.
fn member(text: &str) -> String {
    let text =
        ["pub(crate) ", "pub(super) ", "pub "].iter().fold(text, |text, word| text.trim_start_matches(word));
    let text = text.trim_end_matches([',', '{', ';', ' ']);
    // The only member of a tuple stands on the line that closes it.
    let closes_more = text.matches(')').count() > text.matches('(').count();
    if closes_more { text.trim_end_matches(')').to_owned() } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_found_however_they_are_written() {
        let source = "pub struct Row {\n    /// Why.\n    #[n(0)]\n    pub(crate) size: u64,\n    \
                      #[cbor(n(2), with = \"x\")]\n    pub data: Bytes,\n}\n\
                      pub(crate) enum Kind {\n    #[n(0)]\n    Plain,\n    #[n(1)]\n    Made {\n        \
                      #[n(0)]\n        by: Id,\n    },\n}\n\
                      pub struct Name(#[cbor(n(0), with = \"y\")] pub [u8; 24]);\n\
                      #[cfg(test)]\nstruct Old(#[n(9)] u8);\n";
        let mut members = BTreeMap::new();
        collect(source, &mut members);
        let lines: Vec<String> =
            members.iter().map(|((holder, number), member)| format!("{holder} {number} {member}")).collect();
        let expected = [
            "Kind 0 Plain",
            "Kind 1 Made",
            "Kind::Made 0 by: Id",
            "Name 0 [u8; 24]",
            "Row 0 size: u64",
            "Row 2 data: Bytes",
        ];
        assert_eq!(lines, expected);
    }
}
