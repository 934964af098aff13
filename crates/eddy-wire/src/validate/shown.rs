//! How a refused value stands in a text: as Java prints it, since Amazon's services do.

use crate::Document;
use crate::limits::SHOWN_VALUE_CHARS_MAX;
use crate::schema::{Kind, Shape};

/// `'value'`, or nothing of a sensitive one.
pub(super) fn quoted(shape: &'static Shape, value: &Document) -> String {
    if is_sensitive(shape) {
        return String::new();
    }
    let mut text = String::new();
    write(shape, value, &mut text);
    if text.chars().count() > SHOWN_VALUE_CHARS_MAX {
        text = text.chars().take(SHOWN_VALUE_CHARS_MAX).collect();
        text.push_str("...");
    }
    format!("'{text}'")
}

fn is_sensitive(shape: &'static Shape) -> bool {
    shape.sensitive
        || match &shape.kind {
            Kind::List(list) => list.element.get().sensitive,
            Kind::Map(map) => map.key.get().sensitive || map.value.get().sensitive,
            _ => false,
        }
}

fn write(shape: &'static Shape, value: &Document, out: &mut String) {
    if is_sensitive(shape) {
        out.push_str("***Sensitive Data Redacted***");
        return;
    }
    match (value, &shape.kind) {
        (Document::List(items), Kind::List(list)) => {
            out.push('[');
            separated(items, out, |item, out| write(list.element.get(), item, out));
            out.push(']');
        }
        (Document::Map(entries), Kind::Map(map)) => {
            out.push('{');
            separated(entries, out, |(key, item), out| {
                out.push_str(key);
                out.push('=');
                write(map.value.get(), item, out);
            });
            out.push('}');
        }
        (Document::Struct(inner), _) => {
            out.push_str(shape.name);
            out.push('(');
            separated(inner.iter(), out, |(member, item), out| {
                out.push_str(&super::lower_camel(member.name));
                out.push('=');
                write(member.shape.get(), item, out);
            });
            out.push(')');
        }
        (single, _) => out.push_str(&single_text(single)),
    }
}

fn separated<T>(items: impl IntoIterator<Item = T>, out: &mut String, mut write: impl FnMut(T, &mut String)) {
    for (at, item) in items.into_iter().enumerate() {
        if out.len() > 4 * SHOWN_VALUE_CHARS_MAX {
            return;
        }
        if at > 0 {
            out.push_str(", ");
        }
        write(item, out);
    }
}

fn single_text(value: &Document) -> String {
    match value {
        Document::Bool(value) => value.to_string(),
        Document::Int(value) => value.to_string(),
        Document::Float(value) => format!("{value:?}"),
        Document::Text(text) => text.clone(),
        Document::Blob(bytes) => format!("java.nio.HeapByteBuffer[pos=0 lim={0} cap={0}]", bytes.len()),
        Document::Time(time) => time.iso8601(),
        Document::Null | Document::List(_) | Document::Map(_) | Document::Struct(_) => "null".to_owned(),
    }
}
