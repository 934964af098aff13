//! An XML document as a tree of elements: names without prefixes, text with its entities resolved.
//!
//! Document types are refused, so no entity but XML's five exists and nothing expands.

use quick_xml::Reader;
use quick_xml::XmlVersion;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesRef, BytesStart, Event};

use crate::limits::{DEPTH_MAX, XML_ELEMENTS_MAX};

/// One element.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Element {
    pub name: String,
    /// With their prefixes, as written.
    pub attributes: Vec<(String, String)>,
    /// All text directly inside, white space included.
    pub text: String,
    pub children: Vec<Element>,
}

impl Element {
    /// Parses a document; the error is a sentence.
    pub(super) fn parse(body: &[u8]) -> Result<Element, String> {
        let text = std::str::from_utf8(body).map_err(|_| "not UTF-8".to_owned())?;
        let mut reader = Reader::from_str(text);
        reader.config_mut().expand_empty_elements = true;
        let mut open: Vec<Element> = Vec::new();
        let mut root = None;
        let mut left = XML_ELEMENTS_MAX;
        loop {
            match reader.read_event().map_err(|why| why.to_string())? {
                Event::Start(start) => {
                    left = left.checked_sub(1).ok_or("too many elements")?;
                    if open.len() >= DEPTH_MAX || root.is_some() {
                        return Err("nested too deeply, or more than one root".to_owned());
                    }
                    open.push(Element::open(&start)?);
                }
                Event::End(_) => {
                    let closed = open.pop().ok_or("an end without a start")?;
                    match open.last_mut() {
                        Some(parent) => parent.children.push(closed),
                        None => root = Some(closed),
                    }
                }
                Event::Text(text) => Element::append(&mut open, &text.xml10_content())?,
                Event::CData(data) => Element::append(&mut open, &data.xml10_content())?,
                Event::GeneralRef(reference) => Element::append(&mut open, &resolve(&reference)?)?,
                Event::DocType(_) => return Err("a document type is not taken".to_owned()),
                Event::Decl(_) | Event::PI(_) | Event::Comment(_) => {}
                Event::Eof => break,
                Event::Empty(_) => return Err("an empty element was not expanded".to_owned()),
            }
        }
        if !open.is_empty() {
            return Err("the document ends inside an element".to_owned());
        }
        root.ok_or_else(|| "no element".to_owned())
    }

    fn open(start: &BytesStart<'_>) -> Result<Element, String> {
        let mut element = Element { name: start.local_name().into_inner().to_owned(), ..Element::default() };
        for attribute in start.attributes() {
            let attribute = attribute.map_err(|why| why.to_string())?;
            let value = attribute.normalized_value(XmlVersion::Implicit1_0).map_err(|why| why.to_string())?;
            element.attributes.push((attribute.key.into_inner().to_owned(), value.into_owned()));
        }
        Ok(element)
    }

    fn append(open: &mut [Element], text: &str) -> Result<(), String> {
        match open.last_mut() {
            Some(element) => element.text.push_str(text),
            None if text.trim_start_matches('\u{feff}').trim().is_empty() => {}
            None => return Err("text outside of the root".to_owned()),
        }
        Ok(())
    }

    pub(super) fn child(&self, name: &str) -> Option<&Element> {
        self.children.iter().find(|child| child.name == name)
    }

    pub(super) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

fn resolve(reference: &BytesRef<'_>) -> Result<String, String> {
    if let Some(character) = reference.resolve_char_ref().map_err(|why| why.to_string())? {
        return Ok(character.to_string());
    }
    let name = reference.xml10_content();
    resolve_predefined_entity(&name).map(str::to_owned).ok_or_else(|| format!("no entity {name}"))
}

/// Writes text so that a reader gets it back unchanged; what XML cannot hold becomes a character reference.
pub(super) fn escape(text: &str, out: &mut String) {
    write_escaped(text, &['\t', '\n'], out);
}

/// The same for the value of an attribute, where a reader turns white space into blanks.
pub(super) fn escape_attribute(text: &str, out: &mut String) {
    write_escaped(text, &[], out);
}

fn write_escaped(text: &str, plain: &[char], out: &mut String) {
    for character in text.chars() {
        match character {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            control if control < ' ' && !plain.contains(&control) => {
                out.push_str("&#x");
                out.push_str(&format!("{:X};", u32::from(control)));
            }
            other => out.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_entities_and_namespaces() {
        let body = "<?xml version=\"1.0\"?>\n<a:R xmlns:a='u' a:k='1 &amp; 2'> <K>x &lt;&#x41;&#65;<![CDATA[<&]]> </K><E/></a:R>\n";
        let root = Element::parse(body.as_bytes()).expect("well formed");
        assert_eq!((root.name.as_str(), root.attribute("a:k")), ("R", Some("1 & 2")));
        assert_eq!(root.child("K").map(|k| k.text.as_str()), Some("x <AA<& "));
        assert_eq!(root.child("E"), Some(&Element { name: "E".into(), ..Element::default() }));
    }

    #[test]
    fn what_is_refused() {
        let deep = format!("{}{}", "<a>".repeat(DEPTH_MAX + 1), "</a>".repeat(DEPTH_MAX + 1));
        for body in [
            "",
            "text",
            "<a>",
            "<a></b>",
            "<a/><b/>",
            "<a>&bomb;</a>",
            "<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>",
            "<a>&#xD800;</a>",
            &deep,
        ] {
            assert!(Element::parse(body.as_bytes()).is_err(), "{body}");
        }
        assert!(Element::parse(b"<a>\xff</a>").is_err());
    }

    #[test]
    fn escaped_text_comes_back() {
        let text = "a<b>&\"'\r\n\t\u{1F600} ";
        let mut written = "<r a=\"".to_owned();
        escape_attribute(text, &mut written);
        written.push_str("\">");
        escape(text, &mut written);
        written.push_str("</r>");
        let root = Element::parse(written.as_bytes()).expect("well formed");
        assert_eq!((root.attribute("a"), root.text.as_str()), (Some(text), text));
    }
}
