//! The body of a form (RFC 7578), piece by piece: fields come whole, the file's bytes as they arrive.

use bytes::{Buf, Bytes, BytesMut};
use memchr::memmem;

/// Longest heading of one part.
const HEADING_BYTES_MAX: usize = 8 * 1024;

/// Takes a form's body apart. Feed it, then ask for what is next until it wants more.
pub(super) struct Scanner {
    buffer: BytesMut,
    /// What stands between parts: a line end, two dashes, the boundary.
    delimiter: Vec<u8>,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// In the bytes of a part, or before the first.
    Content {
        is_part: bool,
    },
    /// Behind a delimiter.
    Heading,
    End,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    Part(Heading),
    /// Bytes of the part that came last.
    Data(Bytes),
    /// Nothing can be told before more is fed.
    More,
    End,
}

/// What a part says of itself.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Heading {
    pub name: String,
    pub file_name: Option<String>,
}

/// The bytes are no form.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Malformed;

impl Scanner {
    /// None when the content type names no boundary.
    pub(super) fn new(content_type: &str) -> Option<Scanner> {
        let boundary = parameter(content_type, "boundary")
            .filter(|boundary| !boundary.is_empty() && boundary.len() <= 70)?;
        // The first delimiter has no line before it; this is the end of one.
        let buffer = BytesMut::from(&b"\r\n"[..]);
        let delimiter = format!("\r\n--{boundary}").into_bytes();
        Some(Scanner { buffer, delimiter, state: State::Content { is_part: false } })
    }

    pub(super) fn feed(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    pub(super) fn next(&mut self) -> Result<Next, Malformed> {
        loop {
            match self.state {
                State::End => return Ok(Next::End),
                State::Heading => match self.heading()? {
                    Some(next) => return Ok(next),
                    None => return Ok(Next::More),
                },
                State::Content { is_part } => match self.content() {
                    Some(bytes) if bytes.is_empty() => self.state = State::Heading,
                    Some(bytes) if is_part => return Ok(Next::Data(bytes)),
                    // Before the first part stands nothing for us.
                    Some(_) => {}
                    None => return Ok(Next::More),
                },
            }
        }
    }

    /// Bytes up to the next delimiter; empty when it is passed, none when it may still come in what is there.
    fn content(&mut self) -> Option<Bytes> {
        match memmem::find(&self.buffer, &self.delimiter) {
            Some(0) => {
                self.buffer.advance(self.delimiter.len());
                Some(Bytes::new())
            }
            Some(at) => Some(self.buffer.split_to(at).freeze()),
            None => {
                let safe = self.buffer.len().saturating_sub(self.delimiter.len() - 1);
                (safe > 0).then(|| self.buffer.split_to(safe).freeze())
            }
        }
    }

    /// What follows a delimiter: two dashes and the end, or a part's heading.
    fn heading(&mut self) -> Result<Option<Next>, Malformed> {
        if self.buffer.starts_with(b"--") {
            self.state = State::End;
            return Ok(Some(Next::End));
        }
        let Some(end) = memmem::find(&self.buffer, b"\r\n\r\n") else {
            let too_long = self.buffer.len() > HEADING_BYTES_MAX;
            return if too_long { Err(Malformed) } else { Ok(None) };
        };
        if end > HEADING_BYTES_MAX {
            return Err(Malformed);
        }
        let lines = self.buffer.split_to(end + 4);
        self.state = State::Content { is_part: true };
        // A part without bytes ends with the line end of its heading.
        let heading = Heading::parse(&lines[..end])?;
        Ok(Some(Next::Part(heading)))
    }
}

impl Heading {
    fn parse(lines: &[u8]) -> Result<Heading, Malformed> {
        let lines = std::str::from_utf8(lines).map_err(|_| Malformed)?;
        for line in lines.split("\r\n") {
            let Some((name, value)) = line.split_once(':') else { continue };
            if !name.trim().eq_ignore_ascii_case("content-disposition") {
                continue;
            }
            let name = parameter(value, "name").ok_or(Malformed)?;
            return Ok(Heading { name, file_name: parameter(value, "filename") });
        }
        Err(Malformed)
    }
}

/// A parameter of a header: `form-data; name="key"`.
fn parameter(header: &str, wanted: &str) -> Option<String> {
    let mut rest = header.split_once(';')?.1;
    loop {
        let (name, after) = rest.split_once('=')?;
        let after = after.trim_start();
        let (value, behind) = match after.strip_prefix('"') {
            Some(quoted) => unquote(quoted)?,
            None => {
                let end = after.find(';').unwrap_or(after.len());
                (after[..end].trim().to_owned(), &after[end..])
            }
        };
        if name.trim().eq_ignore_ascii_case(wanted) {
            return Some(value);
        }
        rest = behind.split_once(';')?.1;
    }
}

/// The text up to the closing quote, and what follows. Browsers write a quote in a name as `\"` or `%22`; a
/// backslash before anything else stands for itself, as in a path of Windows.
fn unquote(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut characters = text.char_indices().peekable();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return Some((value, &text[at + 1..])),
            '\\' if characters.peek().is_some_and(|(_, next)| *next == '"') => {
                value.push('"');
                characters.next();
            }
            other => value.push(other),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const TYPE: &str = "multipart/form-data; boundary=xyz";

    /// Parts and their bytes, however the body is cut.
    fn parts(body: &[u8], pieces: usize) -> Result<Vec<(Heading, Vec<u8>)>, Malformed> {
        let mut scanner = Scanner::new(TYPE).expect("a boundary");
        let mut parts: Vec<(Heading, Vec<u8>)> = Vec::new();
        let mut rest = body.chunks(pieces.max(1));
        loop {
            match scanner.next()? {
                Next::Part(heading) => parts.push((heading, Vec::new())),
                Next::Data(bytes) => parts.last_mut().ok_or(Malformed)?.1.extend_from_slice(&bytes),
                Next::More => scanner.feed(rest.next().ok_or(Malformed)?),
                Next::End => return Ok(parts),
            }
        }
    }

    fn written(fields: &[(String, Vec<u8>)]) -> Vec<u8> {
        let mut body = Vec::new();
        for (name, value) in fields {
            let head = format!("--xyz\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n");
            body.extend_from_slice(head.as_bytes());
            body.extend_from_slice(value);
            body.extend_from_slice(b"\r\n");
        }
        body.extend_from_slice(b"--xyz--\r\n");
        body
    }

    proptest! {
        #[test]
        fn fields_come_back_however_they_are_cut(
            fields in proptest::collection::vec(("[a-z-]{1,8}", proptest::collection::vec(prop_oneof![Just(b'\r'), Just(b'\n'), Just(b'-'), any::<u8>()], 0..60)), 0..5),
            pieces in 1usize..40,
        ) {
            prop_assume!(fields.iter().all(|(_, value)| memmem::find(value, b"\r\n--xyz").is_none()));
            let expected: Vec<(Heading, Vec<u8>)> = fields
                .iter()
                .map(|(name, value)| (Heading { name: name.clone(), file_name: None }, value.clone()))
                .collect();
            prop_assert_eq!(parts(&written(&fields), pieces), Ok(expected));
        }

        #[test]
        fn anything_may_be_fed(body: Vec<u8>, pieces in 1usize..20) {
            let _ = parts(&body, pieces);
            let _ = parts(&[b"--xyz\r\n", &body[..]].concat(), pieces);
        }
    }

    #[test]
    fn headings_name_field_and_file() {
        let check = |line: &str, name: &str, file: Option<&str>| {
            let heading = Heading { name: name.into(), file_name: file.map(Into::into) };
            assert_eq!(Heading::parse(line.as_bytes()), Ok(heading), "{line}");
        };
        check("Content-Disposition: form-data; name=\"key\"", "key", None);
        check("content-disposition: form-data; name=key", "key", None);
        let line = "Content-Type: text/plain\r\nContent-Disposition: form-data; name=\"file\"; filename=\"年 \\\"a\\\".txt\"";
        check(line, "file", Some("年 \"a\".txt"));
        check(
            "Content-Disposition: form-data; name=\"file\"; filename=\"C:\\a.txt\"",
            "file",
            Some("C:\\a.txt"),
        );
        assert_eq!(Heading::parse(b"Content-Type: text/plain"), Err(Malformed));
    }

    #[test]
    fn a_boundary_may_be_quoted() {
        for (header, is_one) in [
            ("multipart/form-data; boundary=abc", true),
            ("multipart/form-data; charset=utf-8; boundary=\"a b\"", true),
            ("multipart/form-data", false),
            ("multipart/form-data; boundary=", false),
        ] {
            assert_eq!(Scanner::new(header).is_some(), is_one, "{header}");
        }
    }
}
