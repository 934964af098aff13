//! Documents and answers, held by golden files; property tests that nothing panics.

use std::net::{IpAddr, Ipv4Addr};

use bytes::Bytes;
use eddy_base::{Account, Cause, Id, Region, Scope, Timestamp};
use eddy_gateway::{Format, Front, Head, Refusal, Request, Target, Via};
use eddy_identity::Caller;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Version};
use proptest::prelude::*;
use serde_json::Value;

use super::target::function_of;
use super::*;

fn scope() -> Scope {
    Scope { account: Account::default(), region: Region::default() }
}

fn target() -> Target {
    Target { scope: scope(), name: "hello".to_owned(), qualifier: None }
}

fn head(path: &str, query: &str, headers: &[(&'static str, &'static str)]) -> Head {
    let id = Id::from_bytes([0x11; 16]);
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        map.append(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    Head {
        id,
        at: Timestamp::from_millis(1_584_039_838_678),
        cause: Cause::root(id),
        method: Method::POST,
        path: path.to_owned(),
        query: query.to_owned(),
        headers: map,
        trace: "Root=1-5e6a879e-111111111111111111111111".to_owned(),
        version: Version::HTTP_11,
        source: IpAddr::V4(Ipv4Addr::LOCALHOST),
        domain: "a1b2c3d4e5.execute-api.localhost".to_owned(),
        port: 4566,
    }
}

const HEADERS: [(&str, &str); 9] = [
    ("host", "a1b2c3d4e5.execute-api.localhost:4566"),
    ("user-agent", "curl/8.7.1"),
    ("accept", "*/*"),
    ("content-type", "application/json"),
    ("connection", "keep-alive"),
    ("cookie", "session=abc; theme=dark"),
    ("cookie", "third=3"),
    ("x-probe", "first"),
    ("x-probe", "second"),
];

const QUERY: &str = "repeat=one&repeat=two&to=https%3A%2F%2Fa.example%2Fb&plus=a+b&coded=a%2Bb&empty=&flag";

struct Case<'a> {
    head: Head,
    body: Bytes,
    path: &'a str,
    format: Format,
}

fn api(case: &Case<'_>) -> Value {
    let (scope, target) = (scope(), target());
    let variables = vec![("table".to_owned(), "pets".to_owned())];
    let path_variables = vec![("id".to_owned(), "7 1".to_owned())];
    let request = Request {
        head: &case.head,
        body: &case.body,
        scope: &scope,
        id: "a1b2c3d4e5",
        path: case.path,
        target: &target,
        via: Via::Api {
            stage: "test",
            stage_variables: &variables,
            route_key: "POST /pets/{id}",
            resource: "/pets/{id}",
            path_variables: &path_variables,
            format: case.format,
        },
    };
    serde_json::from_slice(&document(&request)).unwrap()
}

/// The least that a request can be: nothing optional.
fn bare(format: Format) -> Value {
    let (scope, target) = (scope(), target());
    let head = Head { method: Method::GET, ..head("/", "", &[]) };
    let none = Vec::new();
    let request = Request {
        head: &head,
        body: &Bytes::new(),
        scope: &scope,
        id: "a1b2c3d4e5",
        path: "/",
        target: &target,
        via: Via::Api {
            stage: "$default",
            stage_variables: &none,
            route_key: "$default",
            resource: "$default",
            path_variables: &[],
            format,
        },
    };
    serde_json::from_slice(&document(&request)).unwrap()
}

fn url(caller: Option<&Caller>) -> Value {
    let (scope, target) = (scope(), target());
    let head = head("/pets/7%201", QUERY, &HEADERS);
    let head = Head { domain: "u1u2u3.lambda-url.localhost".to_owned(), ..head };
    let request = Request {
        head: &head,
        body: &Bytes::from_static(b"{\"a\":1}"),
        scope: &scope,
        id: "u1u2u3",
        path: "/pets/7%201",
        target: &target,
        via: Via::Url { caller },
    };
    serde_json::from_slice(&document(&request)).unwrap()
}

#[test]
fn format_two() {
    let (head, body) = (head("/test/pets/7%201", QUERY, &HEADERS), Bytes::from_static(b"{\"a\":1}"));
    let case = Case { head, body, path: "/test/pets/7 1", format: Format::Two };
    insta::assert_json_snapshot!("format_two", api(&case));
    insta::assert_json_snapshot!("format_two_bare", bare(Format::Two));
}

#[test]
fn format_one() {
    let (head, body) = (head("/test/pets/7%201", QUERY, &HEADERS), Bytes::from_static(b"{\"a\":1}"));
    let case = Case { head, body, path: "/test/pets/7 1", format: Format::One };
    insta::assert_json_snapshot!("format_one", api(&case));
    insta::assert_json_snapshot!("format_one_bare", bare(Format::One));
}

#[test]
fn function_url() {
    insta::assert_json_snapshot!("function_url", url(None));
    let caller = Caller::Root { account: Account::default(), access_key: "AKIAEXAMPLE".to_owned() };
    insta::assert_json_snapshot!("function_url_signed", url(Some(&caller)));
}

#[test]
fn what_is_text() {
    for (kind, text) in [
        (Some("application/json"), true),
        (Some("application/json; charset=utf-8"), true),
        (Some("Application/JSON"), true),
        (Some("text/plain"), true),
        (Some("text/csv;header=present"), true),
        (Some("application/xml"), true),
        (Some("application/javascript"), true),
        (Some("application/x-www-form-urlencoded"), false),
        (Some("multipart/form-data; boundary=x"), false),
        (Some("application/octet-stream"), false),
        (Some("application/vnd.api+json"), false),
        (Some("image/svg+xml"), false),
        (None, false),
    ] {
        let headers: Vec<(&str, &str)> = kind.map(|kind| ("content-type", kind)).into_iter().collect();
        let head = head("/", "", &headers);
        let body = body::of(&head.headers, b"name=World");
        assert_eq!(body.is_base64, !text, "{kind:?}");
        let expected = if text { "name=World" } else { "bmFtZT1Xb3JsZA==" };
        assert_eq!(body.text.as_deref(), Some(expected), "{kind:?}");
    }
}

#[test]
fn bytes_that_are_no_utf_8_are_never_text() {
    let body = body::of(&head("/", "", &[("content-type", "text/plain")]).headers, b"\xff");
    assert!(body.is_base64);
}

/// An answer as one value, for golden files.
fn shown(result: Result<Response<Bytes>, Malformed>) -> Value {
    match result {
        Err(Malformed(why)) => serde_json::json!({ "malformed": why }),
        Ok(response) => {
            let headers: Vec<String> = response
                .headers()
                .iter()
                .map(|(name, value)| format!("{name}: {}", String::from_utf8_lossy(value.as_bytes())))
                .collect();
            let body = String::from_utf8_lossy(response.body()).into_owned();
            serde_json::json!({ "status": response.status().as_u16(), "headers": headers, "body": body })
        }
    }
}

const ANSWERS: &[&str] = &[
    r#""Hello, World!""#,
    r#"{"message":"hi"}"#,
    r#"[1,2]"#,
    "null",
    "7",
    r#"{"statusCode":200,"body":"\"Hello, World!\""}"#,
    r#"{"statusCode":201}"#,
    r#"{"statusCode":"404","headers":{"X-A":"1","x-n":2,"x-b":true},"body":"gone"}"#,
    r#"{"statusCode":200,"headers":{"content-type":"text/html"},"body":"<p>"}"#,
    r#"{"statusCode":200,"cookies":["a=1; Secure","b=2"],"body":""}"#,
    r#"{"statusCode":200,"isBase64Encoded":true,"body":"aGk="}"#,
    r#"{"statusCode":200,"isBase64Encoded":true,"body":"no base64"}"#,
    r#"{"statusCode":200,"body":{"a":1}}"#,
    r#"{"statusCode":200,"body":null,"headers":null,"cookies":null,"isBase64Encoded":null}"#,
    r#"{"statusCode":99}"#,
    r#"{"statusCode":101}"#,
    r#"{"statusCode":"ok"}"#,
    r#"{"statusCode":200,"headers":[]}"#,
    r#"{"statusCode":200,"headers":{"a b":"c"}}"#,
    r#"{"statusCode":200,"headers":{"a":"b\nc"}}"#,
    r#"{"statusCode":200,"headers":{"content-length":"5","connection":"close"},"body":"abc"}"#,
    r#"{"statusCode":200,"cookies":"a=1"}"#,
    r#"{"statusCode":200,"headers":{"a":"1"},"multiValueHeaders":{"a":["1","2"],"set-cookie":["x=1","y=2"]}}"#,
    r#"{"statusCode":200,"multiValueHeaders":{"a":"1"}}"#,
    "",
    "{",
];

#[test]
fn answers_in_both_formats() {
    let all: serde_json::Map<String, Value> = ANSWERS
        .iter()
        .map(|text| {
            let (two, one) = (answer::two(text.as_bytes(), answer::TEXT), answer::one(text.as_bytes()));
            ((*text).to_owned(), serde_json::json!({ "2.0": shown(two), "1.0": shown(one) }))
        })
        .collect();
    insta::assert_json_snapshot!("answers", all);
}

#[test]
fn a_url_answers_json_by_default() {
    let made = answer::two(br#"{"statusCode":200,"body":"x"}"#, answer::JSON).unwrap();
    assert_eq!(made.headers()["content-type"], "application/json");
}

#[test]
fn refusals() {
    use Refusal::*;
    let all: Vec<Value> = [NotFound, Malformed, Forbidden, TooLarge, Failed, Late, Throttled, Unavailable]
        .into_iter()
        .flat_map(|why| [Front::Api, Front::Url].map(|front| (front, why)))
        .map(|(front, why)| {
            let response = refusal::response(front, why);
            let body = String::from_utf8_lossy(response.body()).into_owned();
            serde_json::json!([format!("{front:?} {why:?}"), response.status().as_u16(), body])
        })
        .collect();
    insta::assert_json_snapshot!("refusals", all);
}

#[test]
fn functions_that_integrations_name() {
    let arn = "arn:aws:lambda:us-east-1:000000000000:function:hello";
    let wrapped = format!("arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/{arn}/invocations");
    assert_eq!(function_of(arn), Some(target()));
    assert_eq!(function_of(&wrapped), Some(target()));
    let live = function_of(&format!("{arn}:live")).unwrap();
    assert_eq!(live.qualifier.as_deref(), Some("live"));
    for text in [
        "",
        "hello",
        "https://a.example",
        "arn:aws:sqs:us-east-1:000000000000:q",
        &format!("{arn}:"),
        &format!("{arn}:a:b"),
    ] {
        assert_eq!(function_of(text), None, "{text}");
    }
}

#[test]
fn the_permission_of_an_api_names_its_route() {
    let (scope, target, none) = (scope(), target(), Vec::new());
    let head = head("/hello", "", &[]);
    for (key, resource, arn) in [
        ("POST /hello", "/hello", "arn:aws:execute-api:us-east-1:000000000000:abc/$default/POST/hello"),
        ("ANY /a/{x}", "/a/{x}", "arn:aws:execute-api:us-east-1:000000000000:abc/$default/POST/a/{x}"),
        ("$default", "$default", "arn:aws:execute-api:us-east-1:000000000000:abc/$default/$default"),
    ] {
        let request = Request {
            head: &head,
            body: &Bytes::new(),
            scope: &scope,
            id: "abc",
            path: "/hello",
            target: &target,
            via: Via::Api {
                stage: "$default",
                stage_variables: &none,
                route_key: key,
                resource,
                path_variables: &[],
                format: Format::Two,
            },
        };
        let asked = permission::all(&request);
        assert_eq!(asked.len(), 1);
        assert_eq!(asked[0].action, "lambda:InvokeFunction");
        let expected = eddy_identity::policy::Context::new()
            .with("aws:SourceArn", arn)
            .with("aws:SourceAccount", "000000000000");
        assert_eq!(format!("{:?}", asked[0].context), format!("{expected:?}"));
    }
}

#[test]
fn a_form_is_what_people_overlook() {
    let (scope, target) = (scope(), target());
    for (kind, hinted) in [("application/x-www-form-urlencoded", true), ("application/json", false)] {
        let headers: [(&'static str, &'static str); 1] = [("content-type", kind)];
        let head = head("/", "", &headers);
        let body = Bytes::from_static(b"{}");
        let request = Request {
            head: &head,
            body: &body,
            scope: &scope,
            id: "x",
            path: "/",
            target: &target,
            via: Via::Url { caller: None },
        };
        assert_eq!(cause::hint(&request).is_some(), hinted, "{kind}");
    }
}

proptest! {
    #[test]
    fn no_answer_makes_the_reader_panic(text in "\\PC{0,60}", bytes: Vec<u8>) {
        for bytes in [text.as_bytes(), bytes.as_slice()] {
            let _ = answer::two(bytes, answer::TEXT);
            let _ = answer::one(bytes);
        }
    }

    #[test]
    fn odd_members_never_panic(
        name in "statusCode|headers|cookies|body|isBase64Encoded|multiValueHeaders",
        value in "[0-9]{1,20}|null|true|\\[\\]|\\[1,\"a\"\\]|\\{\"a\":[0-9]{1,3}\\}|\"\\PC{0,9}\"",
    ) {
        let text = format!(r#"{{"statusCode":200,"{name}":{value}}}"#);
        let _ = answer::two(text.as_bytes(), answer::TEXT);
        let _ = answer::one(text.as_bytes());
    }

    #[test]
    fn documents_are_json_whatever_arrives(
        query in "[a-z%+&=0-9é]{0,30}",
        value: Vec<u8>,
        body: Vec<u8>,
        path in "/\\PC{0,20}",
    ) {
        let mut head = head(&path, &query, &[]);
        if let Ok(value) = HeaderValue::from_bytes(&value) {
            head.headers.insert("cookie", value.clone());
            head.headers.insert("x-any", value);
        }
        for format in [Format::One, Format::Two] {
            let case = Case { head: head.clone(), body: body.clone().into(), path: &path, format };
            let value = api(&case);
            prop_assert_eq!(value["isBase64Encoded"].as_bool(), Some(!body.is_empty()));
        }
    }

    #[test]
    fn no_address_makes_the_reader_panic(uri in "(arn|:|lambda|function|path/|/functions/|\\PC){0,12}") {
        let _ = function_of(&uri);
    }
}
