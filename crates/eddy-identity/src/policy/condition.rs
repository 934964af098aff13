//! Conditions: 27 operators over the keys of a request.

use std::net::IpAddr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use super::Pattern;
use super::pattern::glob;

/// What is known of a request beside who, what and with what: `aws:SourceArn`, `aws:SourceIp`, ...
/// Names are compared without case. A key has one value or several.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Context {
    pairs: Vec<(String, Vec<String>)>,
}

impl Context {
    pub fn new() -> Context {
        Context::default()
    }

    /// Adds a key with its one value.
    #[must_use]
    pub fn with(self, key: &str, value: impl Into<String>) -> Context {
        self.with_many(key, vec![value.into()])
    }

    /// Adds a key with all its values.
    #[must_use]
    pub fn with_many(mut self, key: &str, values: Vec<String>) -> Context {
        self.pairs.push((key.to_ascii_lowercase(), values));
        self
    }

    /// The values of a key, whose name is in lower case.
    pub(crate) fn get(&self, key: &str) -> Option<&[String]> {
        self.pairs.iter().find(|(name, _)| name == key).map(|(_, values)| values.as_slice())
    }
}

/// One operator on one key.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Condition {
    key: String,
    operator: Operator,
    quantifier: Quantifier,
    if_exists: bool,
    values: Vec<Pattern>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Quantifier {
    /// The key has one value.
    One,
    ForAllValues,
    ForAnyValue,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    Compare {
        kind: Kind,
        negated: bool,
    },
    /// `Null`: the key is absent.
    Absent,
}

/// How one value of the request is held against one of the policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Equals,
    EqualsWithoutCase,
    Like,
    Number(Order),
    Date(Order),
    Bool,
    Binary,
    Address,
    Arn,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    Equal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Condition {
    /// `operator` as written: `ForAnyValue:StringLikeIfExists`. `None`: there is no such operator.
    pub(crate) fn new(operator: &str, key: &str, values: Vec<Pattern>) -> Option<Condition> {
        let (quantifier, rest) = match operator.split_once(':') {
            None => (Quantifier::One, operator),
            Some(("ForAllValues", rest)) => (Quantifier::ForAllValues, rest),
            Some(("ForAnyValue", rest)) => (Quantifier::ForAnyValue, rest),
            Some(_) => return None,
        };
        let (name, if_exists) = match rest.strip_suffix("IfExists") {
            Some(name) => (name, true),
            None => (rest, false),
        };
        let operator = operator_named(name)?;
        if operator == Operator::Absent && (if_exists || quantifier != Quantifier::One) {
            return None;
        }
        Some(Condition { key: key.to_ascii_lowercase(), operator, quantifier, if_exists, values })
    }

    pub(crate) fn holds(&self, context: &Context) -> bool {
        let found = context.get(&self.key).filter(|values| !values.is_empty());
        let Operator::Compare { kind, negated } = self.operator else {
            let wanted_absent = self.values.iter().any(|value| value.text().eq_ignore_ascii_case("true"));
            return found.is_none() == wanted_absent;
        };
        let Some(values) = found else {
            return match self.quantifier {
                _ if self.if_exists => true,
                Quantifier::ForAllValues => true,
                Quantifier::ForAnyValue => false,
                Quantifier::One => negated,
            };
        };
        let holds =
            |value: &String| self.values.iter().any(|wanted| kind.holds(value, wanted, context)) != negated;
        match self.quantifier {
            Quantifier::ForAllValues => values.iter().all(holds),
            Quantifier::ForAnyValue => values.iter().any(holds),
            // Several values where one is meant: a negation must hold for each of them.
            Quantifier::One if negated => values.iter().all(holds),
            Quantifier::One => values.iter().any(holds),
        }
    }
}

fn operator_named(name: &str) -> Option<Operator> {
    let yes = |kind: Kind| Operator::Compare { kind, negated: false };
    let no = |kind: Kind| Operator::Compare { kind, negated: true };
    Some(match name {
        "StringEquals" => yes(Kind::Equals),
        "StringNotEquals" => no(Kind::Equals),
        "StringEqualsIgnoreCase" => yes(Kind::EqualsWithoutCase),
        "StringNotEqualsIgnoreCase" => no(Kind::EqualsWithoutCase),
        "StringLike" => yes(Kind::Like),
        "StringNotLike" => no(Kind::Like),
        "NumericEquals" => yes(Kind::Number(Order::Equal)),
        "NumericNotEquals" => no(Kind::Number(Order::Equal)),
        "NumericLessThan" => yes(Kind::Number(Order::Less)),
        "NumericLessThanEquals" => yes(Kind::Number(Order::LessOrEqual)),
        "NumericGreaterThan" => yes(Kind::Number(Order::Greater)),
        "NumericGreaterThanEquals" => yes(Kind::Number(Order::GreaterOrEqual)),
        "DateEquals" => yes(Kind::Date(Order::Equal)),
        "DateNotEquals" => no(Kind::Date(Order::Equal)),
        "DateLessThan" => yes(Kind::Date(Order::Less)),
        "DateLessThanEquals" => yes(Kind::Date(Order::LessOrEqual)),
        "DateGreaterThan" => yes(Kind::Date(Order::Greater)),
        "DateGreaterThanEquals" => yes(Kind::Date(Order::GreaterOrEqual)),
        "Bool" => yes(Kind::Bool),
        "BinaryEquals" => yes(Kind::Binary),
        "IpAddress" => yes(Kind::Address),
        "NotIpAddress" => no(Kind::Address),
        "ArnEquals" | "ArnLike" => yes(Kind::Arn),
        "ArnNotEquals" | "ArnNotLike" => no(Kind::Arn),
        "Null" => Operator::Absent,
        _ => return None,
    })
}

impl Kind {
    fn holds(self, value: &str, wanted: &Pattern, context: &Context) -> bool {
        // Only `Like` and ARNs are wild, and they keep what a variable holds apart from what is wild.
        match self {
            Kind::Like => return wanted.matches(value, context),
            Kind::Arn => return arn_like(value, wanted, context),
            _ => {}
        }
        let Some(wanted) = wanted.plain(context) else { return false };
        match self {
            Kind::Equals => value == wanted,
            Kind::EqualsWithoutCase => value.eq_ignore_ascii_case(&wanted),
            Kind::Number(order) => order.holds(number(value), number(&wanted)),
            Kind::Date(order) => order.holds(date(value), date(&wanted)),
            Kind::Bool => value.eq_ignore_ascii_case(&wanted),
            Kind::Binary => match (BASE64.decode(value), BASE64.decode(wanted.as_bytes())) {
                (Ok(value), Ok(wanted)) => value == wanted,
                (Err(_), _) | (_, Err(_)) => false,
            },
            Kind::Address => in_network(value, &wanted),
            Kind::Like | Kind::Arn => unreachable!("both were handled above"),
        }
    }
}

impl Order {
    fn holds<T: PartialOrd>(self, value: Option<T>, wanted: Option<T>) -> bool {
        let (Some(value), Some(wanted)) = (value, wanted) else { return false };
        match self {
            Order::Equal => value == wanted,
            Order::Less => value < wanted,
            Order::LessOrEqual => value <= wanted,
            Order::Greater => value > wanted,
            Order::GreaterOrEqual => value >= wanted,
        }
    }
}

fn number(text: &str) -> Option<f64> {
    text.trim().parse().ok().filter(|number: &f64| number.is_finite())
}

/// Milliseconds since 1970, from ISO 8601 (a whole day too) or from seconds.
fn date(text: &str) -> Option<i64> {
    let text = text.trim();
    if let Ok(seconds) = text.parse::<i64>() {
        return seconds.checked_mul(1000);
    }
    if let Ok(at) = text.parse::<jiff::Timestamp>() {
        return Some(at.as_millisecond());
    }
    let day: jiff::civil::Date = text.parse().ok()?;
    let at = jiff::tz::Offset::UTC.to_timestamp(day.to_datetime(jiff::civil::Time::midnight())).ok()?;
    Some(at.as_millisecond())
}

/// `203.0.113.7` in `203.0.113.0/24`, or the same address.
fn in_network(address: &str, network: &str) -> bool {
    let (base, bits) = match network.split_once('/') {
        Some((base, bits)) => (base, bits.parse::<u32>().ok()),
        None => (network, Some(128)),
    };
    let (Some(bits), Ok(address), Ok(base)) = (bits, address.parse::<IpAddr>(), base.parse::<IpAddr>())
    else {
        return false;
    };
    let same = |left: u128, right: u128, width: u32| {
        let shift = width - bits.min(width);
        shift >= 128 || left >> shift == right >> shift
    };
    match (address, base) {
        (IpAddr::V4(address), IpAddr::V4(base)) => {
            same(u32::from(address).into(), u32::from(base).into(), 32)
        }
        (IpAddr::V6(address), IpAddr::V6(base)) => same(address.into(), base.into(), 128),
        (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => false,
    }
}

/// Each of the six parts of an ARN is matched on its own, so that `*` does not reach over a colon.
fn arn_like(value: &str, wanted: &Pattern, context: &Context) -> bool {
    let Some(wanted) = wanted.plain(context) else { return false };
    let value: Vec<&str> = value.splitn(6, ':').collect();
    let wanted: Vec<&str> = wanted.splitn(6, ':').collect();
    value.len() == 6
        && wanted.len() == 6
        && value.iter().zip(&wanted).all(|(value, wanted)| glob(wanted, value))
}
