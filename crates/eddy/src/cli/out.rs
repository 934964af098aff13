//! Where a verb's words go: data to stdout, the rest to stderr.

use std::borrow::Cow;
use std::io::{self, IsTerminal, Write};

use serde_json::Value;

/// The two outputs of a verb. A reader that goes away (`| head`) ends the verb in silence.
pub struct Out {
    json: bool,
}

impl Out {
    pub fn new(json: bool) -> Out {
        Out { json }
    }

    /// Did the user ask for JSON?
    pub fn wants_json(&self) -> bool {
        self.json
    }

    /// Is a person looking at stdout?
    pub fn is_terminal(&self) -> bool {
        io::stdout().is_terminal()
    }

    /// A line of data: as it is for a program that reads it, harmless for a person who looks at it.
    pub fn line(&self, text: &str) {
        let seen = if self.is_terminal() { harmless(text) } else { Cow::Borrowed(text) };
        self.bytes(seen.as_bytes());
        self.bytes(b"\n");
    }

    /// Data as it is.
    pub fn bytes(&self, data: &[u8]) {
        let mut stdout = io::stdout().lock();
        if stdout.write_all(data).and_then(|()| stdout.flush()).is_err() {
            std::process::exit(0);
        }
    }

    /// A document, one a line.
    pub fn document(&self, document: &Value) {
        self.line(&document.to_string());
    }

    /// A table for people.
    pub fn table(&self, head: &[&str], rows: impl IntoIterator<Item = Vec<String>>) {
        let mut table = comfy_table::Table::new();
        table.load_style(comfy_table::presets::NOTHING).set_header(head.to_vec());
        table.add_rows(rows);
        for line in table.lines() {
            self.line(line.trim_end());
        }
    }

    /// A line beside the data.
    pub fn note(&self, text: &str) {
        // Nobody left to tell is no reason to fail.
        drop(writeln!(io::stderr().lock(), "{}", harmless(text)));
    }
}

/// Text as a terminal may show it: what functions say and how objects are called must not steer it. Tabs and the ends
/// of lines stay.
pub fn harmless(text: &str) -> Cow<'_, str> {
    let steers = |letter: char| letter.is_control() && !matches!(letter, '\t' | '\n');
    if text.contains(steers) { Cow::Owned(text.replace(steers, "?")) } else { Cow::Borrowed(text) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_text_steers_a_terminal() {
        assert_eq!(harmless("a\tb\né"), "a\tb\né");
        assert_eq!(harmless("\u{1b}[2J\u{9b}2K\r\u{7}\u{7f}"), "?[2J?2K???");
    }
}
