//! Documents and what they say, as data.

use eddy_base::{Account, Region, Scope, Timestamp};
use proptest::prelude::*;

use super::*;
use crate::Session;

fn session() -> Caller {
    Caller::Session(Session {
        scope: Scope { account: Account::default(), region: Region::default() },
        role: "arn:aws:iam::000000000000:role/path/reader".to_owned(),
        function: "copy".to_owned(),
        environment: "e".to_owned(),
        until: Timestamp::EPOCH,
    })
}

fn root() -> Caller {
    Caller::Root { account: Account::default(), access_key: "AKIA".to_owned() }
}

fn document(statements: &str, kind: Kind) -> Document {
    Document::parse(&format!(r#"{{"Version":"2012-10-17","Statement":{statements}}}"#), kind)
        .unwrap_or_else(|why| panic!("{statements}: {why}"))
}

fn ask(
    document: &Document,
    caller: &Caller,
    action: &str,
    resource: &str,
    context: &Context,
) -> &'static str {
    match document.verdict(&Request { caller, action, resource, context }) {
        Verdict::Deny(_) => "deny",
        Verdict::Allow(_) => "allow",
        Verdict::Silent => "silent",
    }
}

#[test]
fn actions_and_resources() {
    let cases = [
        (r#"{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*"}"#, "allow"),
        (r#"{"Effect":"Allow","Action":"S3:getobject","Resource":"arn:aws:s3:::b/*"}"#, "allow"),
        (r#"{"Effect":"Allow","Action":"s3:Get*","Resource":"*"}"#, "allow"),
        (r#"{"Effect":"Allow","Action":"*","Resource":"arn:aws:s3:::b/ke?"}"#, "allow"),
        (r#"{"Effect":"Allow","Action":["s3:PutObject","s3:GetObject"],"Resource":["arn:x*","*"]}"#, "allow"),
        (r#"{"Effect":"Allow","Action":"s3:PutObject","Resource":"*"}"#, "silent"),
        (r#"{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::B/*"}"#, "silent"),
        (r#"{"Effect":"Allow","NotAction":"s3:PutObject","Resource":"*"}"#, "allow"),
        (r#"{"Effect":"Allow","NotAction":"s3:*","Resource":"*"}"#, "silent"),
        (r#"{"Effect":"Allow","Action":"*","NotResource":"arn:aws:s3:::b/*"}"#, "silent"),
        (r#"{"Effect":"Allow","Action":"*","NotResource":"arn:aws:s3:::c/*"}"#, "allow"),
        (
            r#"[{"Effect":"Allow","Action":"*","Resource":"*"},{"Effect":"Deny","Action":"s3:*","Resource":"*"}]"#,
            "deny",
        ),
        (
            r#"[{"Effect":"Deny","Action":"s3:Put*","Resource":"*"},{"Effect":"Allow","Action":"*","Resource":"*"}]"#,
            "allow",
        ),
    ];
    for (statements, expected) in cases {
        let document = document(statements, Kind::Identity);
        let said = ask(&document, &session(), "s3:GetObject", "arn:aws:s3:::b/key", &Context::new());
        assert_eq!(said, expected, "{statements}");
    }
}

#[test]
fn principals() {
    let service = Caller::Service("s3.amazonaws.com".to_owned());
    let cases = [
        (r#""*""#, ["allow", "allow", "allow", "allow"]),
        (r#"{"AWS":"*"}"#, ["allow", "allow", "allow", "allow"]),
        (r#"{"AWS":"000000000000"}"#, ["allow", "allow", "silent", "silent"]),
        (r#"{"AWS":"arn:aws:iam::000000000000:root"}"#, ["allow", "allow", "silent", "silent"]),
        (r#"{"AWS":"111111111111"}"#, ["silent"; 4]),
        (
            r#"{"AWS":["arn:aws:iam::000000000000:role/path/reader"]}"#,
            ["silent", "allow", "silent", "silent"],
        ),
        (
            r#"{"AWS":"arn:aws:sts::000000000000:assumed-role/reader/copy"}"#,
            ["silent", "allow", "silent", "silent"],
        ),
        (
            r#"{"Service":["lambda.amazonaws.com","s3.amazonaws.com"]}"#,
            ["silent", "silent", "allow", "silent"],
        ),
    ];
    for (principal, expected) in cases {
        for (key, invert) in [("Principal", false), ("NotPrincipal", true)] {
            let text = format!(r#"{{"Effect":"Allow","{key}":{principal},"Action":"a:B","Resource":"*"}}"#);
            let document = document(&text, Kind::Resource);
            for (caller, expected) in
                [root(), session(), service.clone(), Caller::Anonymous].iter().zip(expected)
            {
                let said = ask(&document, caller, "a:B", "r", &Context::new());
                let inverted = if said == "allow" { "silent" } else { "allow" };
                assert_eq!(if invert { inverted } else { said }, expected, "{text} {caller:?}");
            }
        }
    }
}

/// Condition, and whether it holds for the context below.
#[test]
fn conditions() {
    let context = Context::new()
        .with("aws:SourceArn", "arn:aws:s3:::bucket")
        .with("aws:SourceAccount", "000000000000")
        .with("aws:SourceIp", "203.0.113.77")
        .with("aws:username", "anna")
        .with("aws:SecureTransport", "false")
        .with("aws:CurrentTime", "2026-01-02T03:04:05Z")
        .with("s3:max-keys", "10")
        .with("s3:data", "aGk=")
        .with_many("aws:TagKeys", vec!["team".to_owned(), "cost".to_owned()]);
    let cases = [
        (r#""StringEquals":{"AWS:sourceaccount":"000000000000"}"#, true),
        (r#""StringEquals":{"aws:SourceAccount":["1","000000000000"]}"#, true),
        (r#""StringEquals":{"aws:SourceAccount":"1"}"#, false),
        (r#""StringEquals":{"aws:missing":"1"}"#, false),
        (r#""StringEqualsIfExists":{"aws:missing":"1"}"#, true),
        (r#""StringNotEquals":{"aws:SourceAccount":"1"}"#, true),
        (r#""StringNotEquals":{"aws:SourceAccount":["1","000000000000"]}"#, false),
        (r#""StringNotEquals":{"aws:missing":"1"}"#, true),
        (r#""StringEqualsIgnoreCase":{"aws:username":"ANNA"}"#, true),
        (r#""StringNotEqualsIgnoreCase":{"aws:username":"ANNA"}"#, false),
        (r#""StringLike":{"aws:username":"a*a"}"#, true),
        (r#""StringEquals":{"aws:username":"a*a"}"#, false),
        (r#""StringNotLike":{"aws:username":"b*"}"#, true),
        (r#""StringLike":{"aws:username":"${aws:username}"}"#, true),
        (r#""StringLike":{"aws:username":"${aws:nobody}"}"#, false),
        (r#""StringLike":{"aws:username":"${aws:nobody, 'anna'}"}"#, true),
        (r#""StringLike":{"aws:username":"ann${*}"}"#, false),
        (r#""NumericEquals":{"s3:max-keys":"10.0"}"#, true),
        (r#""NumericNotEquals":{"s3:max-keys":10}"#, false),
        (r#""NumericLessThan":{"s3:max-keys":11}"#, true),
        (r#""NumericLessThanEquals":{"s3:max-keys":9}"#, false),
        (r#""NumericGreaterThan":{"s3:max-keys":"9"}"#, true),
        (r#""NumericGreaterThanEquals":{"s3:max-keys":"ten"}"#, false),
        (r#""DateEquals":{"aws:CurrentTime":"2026-01-02T03:04:05Z"}"#, true),
        (r#""DateNotEquals":{"aws:CurrentTime":"2026-01-02T03:04:05Z"}"#, false),
        (r#""DateLessThan":{"aws:CurrentTime":"2026-01-03"}"#, true),
        (r#""DateLessThanEquals":{"aws:CurrentTime":"1767323045"}"#, true),
        (r#""DateGreaterThan":{"aws:CurrentTime":"2026-01-02T03:04:05Z"}"#, false),
        (r#""DateGreaterThanEquals":{"aws:CurrentTime":"2026-01-02T03:04:05+01:00"}"#, true),
        (r#""Bool":{"aws:SecureTransport":false}"#, true),
        (r#""Bool":{"aws:SecureTransport":"true"}"#, false),
        (r#""BinaryEquals":{"s3:data":"aGk="}"#, true),
        (r#""BinaryEquals":{"s3:data":"aGo="}"#, false),
        (r#""IpAddress":{"aws:SourceIp":"203.0.113.0/24"}"#, true),
        (r#""IpAddress":{"aws:SourceIp":["::1/128","203.0.113.78"]}"#, false),
        (r#""NotIpAddress":{"aws:SourceIp":"0.0.0.0/0"}"#, false),
        (r#""ArnLike":{"aws:SourceArn":"arn:aws:s3:::buck*"}"#, true),
        (r#""ArnEquals":{"aws:SourceArn":"arn:aws:s3:*:*:bucket"}"#, true),
        (r#""ArnEquals":{"aws:SourceArn":"arn:aws:*:bucket"}"#, false),
        (r#""ArnNotLike":{"aws:SourceArn":"arn:aws:s3:::other"}"#, true),
        (r#""ArnNotEquals":{"aws:SourceArn":"arn:aws:s3:::bucket"}"#, false),
        (r#""Null":{"aws:username":"false","aws:missing":true}"#, true),
        (r#""Null":{"aws:username":"true"}"#, false),
        (r#""ForAllValues:StringEquals":{"aws:TagKeys":["team","cost","more"]}"#, true),
        (r#""ForAllValues:StringEquals":{"aws:TagKeys":["team"]}"#, false),
        (r#""ForAllValues:StringEquals":{"aws:missing":"team"}"#, true),
        (r#""ForAnyValue:StringEquals":{"aws:TagKeys":["team"]}"#, true),
        (r#""ForAnyValue:StringLike":{"aws:TagKeys":["x*"]}"#, false),
        (r#""ForAnyValue:StringEquals":{"aws:missing":"team"}"#, false),
        (r#""ForAllValues:StringNotEquals":{"aws:TagKeys":"team"}"#, false),
        (r#""ForAnyValue:StringNotEquals":{"aws:TagKeys":"team"}"#, true),
        (r#""StringEquals":{"aws:username":"anna","aws:SourceAccount":"1"}"#, false),
        (r#""StringEquals":{"aws:username":"anna"},"Bool":{"aws:SecureTransport":"false"}"#, true),
    ];
    for (condition, expected) in cases {
        let text =
            format!(r#"{{"Effect":"Allow","Action":"a:B","Resource":"*","Condition":{{{condition}}}}}"#);
        let said = ask(&document(&text, Kind::Identity), &session(), "a:B", "r", &context);
        assert_eq!(said == "allow", expected, "{condition}");
    }
}

#[test]
fn variables_only_where_the_version_has_them() {
    let context = Context::new().with("aws:username", "anna");
    let statement = r#"{"Effect":"Allow","Action":"a:B","Resource":"arn:aws:s3:::home/${aws:username}/*"}"#;
    let new = document(statement, Kind::Identity);
    assert_eq!(ask(&new, &session(), "a:B", "arn:aws:s3:::home/anna/x", &context), "allow");
    assert_eq!(ask(&new, &session(), "a:B", "arn:aws:s3:::home/bert/x", &context), "silent");
    let star = Context::new().with("aws:username", "*");
    assert_eq!(ask(&new, &session(), "a:B", "arn:aws:s3:::home/bert/x", &star), "silent");
    let old = Document::parse(&format!(r#"{{"Statement":[{statement}]}}"#), Kind::Identity).unwrap();
    assert_eq!(ask(&old, &session(), "a:B", "arn:aws:s3:::home/anna/x", &context), "silent");
}

#[test]
fn malformed_documents() {
    use Kind::{Identity, Resource, Trust};
    let good = r#""Effect":"Allow","Action":"a:B","Resource":"*""#;
    let cases: Vec<(String, Kind, &str)> = vec![
        ("nothing".into(), Identity, "NotJson"),
        ("[]".into(), Identity, "NotJson"),
        ("{}".into(), Identity, "Missing(\"Statement\")"),
        (r#"{"Version":"2013-01-01","Statement":[]}"#.into(), Identity, "BadVersion"),
        (r#"{"Statement":[],"Extra":1}"#.into(), Identity, "UnknownField"),
        (r#"{"Statement":1}"#.into(), Identity, "BadValue"),
        (
            r#"{"Statement":{"Effect":"Maybe","Action":"a:B","Resource":"*"}}"#.into(),
            Identity,
            "BadValue(\"Effect\")",
        ),
        (r#"{"Statement":{"Action":"a:B","Resource":"*"}}"#.into(), Identity, "Missing(\"Effect\")"),
        (r#"{"Statement":{"Effect":"Allow","Resource":"*"}}"#.into(), Identity, "Missing(\"Action\")"),
        (
            r#"{"Statement":{"Effect":"Allow","Action":[],"Resource":"*"}}"#.into(),
            Identity,
            "Missing(\"Action\")",
        ),
        (r#"{"Statement":{"Effect":"Allow","Action":"a:B"}}"#.into(), Identity, "Missing(\"Resource\")"),
        (r#"{"Statement":{"Effect":"Allow","Action":"nope","Resource":"*"}}"#.into(), Identity, "BadAction"),
        (
            r#"{"Statement":{"Effect":"Allow","Action":"a:B","Resource":"bucket"}}"#.into(),
            Identity,
            "BadResource",
        ),
        (format!(r#"{{"Statement":{{{good},"NotAction":"a:C"}}}}"#), Identity, "Both"),
        (format!(r#"{{"Statement":{{{good},"Principal":"*"}}}}"#), Identity, "Prohibited(\"Principal\")"),
        (format!(r#"{{"Statement":{{{good}}}}}"#), Resource, "Missing(\"Principal\")"),
        (format!(r#"{{"Statement":{{{good},"Principal":"anna"}}}}"#), Resource, "BadValue(\"Principal\")"),
        (format!(r#"{{"Statement":{{{good},"Principal":{{"AWS":"anna"}}}}}}"#), Resource, "BadPrincipal"),
        (format!(r#"{{"Statement":{{{good},"Principal":{{"Robot":"x"}}}}}}"#), Resource, "BadPrincipal"),
        (format!(r#"{{"Statement":{{{good},"Principal":"*"}}}}"#), Trust, "Prohibited(\"Resource\")"),
        (
            format!(r#"{{"Statement":{{{good},"Condition":{{"Sounds":{{"a":"b"}}}}}}}}"#),
            Identity,
            "BadOperator",
        ),
        (format!(r#"{{"Statement":[{{{good},"Sid":"a"}},{{{good},"Sid":"a"}}]}}"#), Identity, "SidTwice"),
        (format!(r#"{{"Statement":{{{good},"Sid":"{}"}}}}"#, "x".repeat(70_000)), Identity, "TooLarge"),
    ];
    for (text, kind, expected) in cases {
        let why = format!("{:?}", Document::parse(&text, kind).unwrap_err());
        assert!(why.starts_with(expected), "{text}: {why}");
    }
}

/// The plainest matcher there is, to hold the quick one against.
fn slow(pattern: &[char], value: &[char]) -> bool {
    match (pattern.first(), value.first()) {
        (None, None) => true,
        (Some('*'), _) => slow(&pattern[1..], value) || (!value.is_empty() && slow(pattern, &value[1..])),
        (Some('?'), Some(_)) => slow(&pattern[1..], &value[1..]),
        (Some(wanted), Some(found)) if wanted == found => slow(&pattern[1..], &value[1..]),
        _ => false,
    }
}

proptest! {
    #[test]
    fn globs_are_what_they_should_be(pattern in "[ab*?é]{0,8}", value in "[abé]{0,8}") {
        let chars = |text: &str| text.chars().collect::<Vec<char>>();
        prop_assert_eq!(glob(&pattern, &value), slow(&chars(&pattern), &chars(&value)));
    }

    #[test]
    fn any_text_parses_or_not_without_panic(text in "\\PC{0,200}") {
        for kind in [Kind::Identity, Kind::Resource, Kind::Trust] {
            let _ = Document::parse(&text, kind);
        }
    }
}
