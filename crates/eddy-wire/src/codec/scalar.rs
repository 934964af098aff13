//! Single values as text: in headers, labels, query keys, forms and XML.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use bytes::Bytes;
use eddy_base::Timestamp;

use crate::schema::{Kind, TimeFormat};
use crate::{Document, time};

/// Base64 as Amazon takes it: padded or not.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Reads text as a value of this kind; `None` if it is none, or if the kind is no single value.
pub(super) fn parse(kind: &Kind, text: &str) -> Option<Document> {
    match kind {
        Kind::Text => Some(Document::Text(text.to_owned())),
        Kind::Bool if text.eq_ignore_ascii_case("true") => Some(Document::Bool(true)),
        Kind::Bool if text.eq_ignore_ascii_case("false") => Some(Document::Bool(false)),
        Kind::Integer => text.trim().parse::<i32>().ok().map(|number| Document::Int(number.into())),
        Kind::Long => text.trim().parse().ok().map(Document::Int),
        Kind::Float | Kind::Double => float(text.trim()).map(Document::Float),
        Kind::Blob => unbase64(text).map(Document::Blob),
        Kind::Time(_) => time::parse(text).map(Document::Time),
        Kind::Bool | Kind::List(_) | Kind::Map(_) | Kind::Struct(_) => None,
    }
}

/// A number, or one of the three words for what is none.
pub(super) fn float(text: &str) -> Option<f64> {
    match text {
        "NaN" => Some(f64::NAN),
        "Infinity" => Some(f64::INFINITY),
        "-Infinity" => Some(f64::NEG_INFINITY),
        _ => text.parse::<f64>().ok().filter(|number| number.is_finite()),
    }
}

pub(super) fn unbase64(text: &str) -> Option<Bytes> {
    let plain = |text: &str| BASE64.decode(text).ok().map(Bytes::from);
    plain(text).or_else(|| plain(&text.split_ascii_whitespace().collect::<String>()))
}

pub(super) fn base64(bytes: &[u8]) -> String {
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

/// Writes a single value as text; `None` if it is not single.
pub(super) fn write(value: &Document, format: TimeFormat) -> Option<String> {
    match value {
        Document::Bool(value) => Some(value.to_string()),
        Document::Int(value) => Some(value.to_string()),
        Document::Float(value) => Some(float_text(*value)),
        Document::Text(value) => Some(value.clone()),
        Document::Blob(value) => Some(base64(value)),
        Document::Time(value) => Some(time::write(*value, format)),
        Document::Null | Document::List(_) | Document::Map(_) | Document::Struct(_) => None,
    }
}

pub(super) fn float_text(value: f64) -> String {
    if value.is_nan() {
        "NaN".to_owned()
    } else if value.is_infinite() {
        if value > 0.0 { "Infinity".to_owned() } else { "-Infinity".to_owned() }
    } else {
        format!("{value:?}")
    }
}

/// The format of a time: what its shape insists on, else what its place has.
pub(super) fn time_format(kind: &Kind, place: TimeFormat) -> TimeFormat {
    match kind {
        Kind::Time(Some(format)) => *format,
        _ => place,
    }
}

/// Seconds since 1970 as the number that JSON and CBOR carry.
pub(super) fn seconds(time: Timestamp) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "milliseconds of any year stay below 2^53")]
    let millis = time.millis() as f64;
    millis / 1000.0
}
