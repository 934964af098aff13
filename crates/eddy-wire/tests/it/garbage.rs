//! Whatever comes in, what goes out is an error of the client, and nothing panics.

use bytes::Bytes;
use eddy_wire::event_stream::{Frame, frame};
use eddy_wire::{Protocol, Routed, decode, encode_error, route, schema, validate};
use proptest::prelude::*;

/// Services and protocols, one of each kind.
const PAIRS: &[(&str, Protocol)] = &[
    ("dynamodb", Protocol::AwsJson10),
    ("logs", Protocol::AwsJson11),
    ("lambda", Protocol::RestJson),
    ("apigatewayv2", Protocol::RestJson),
    ("s3", Protocol::RestXml),
    ("iam", Protocol::Query),
    ("sqs", Protocol::Query),
    ("cloudwatch", Protocol::Cbor),
];

/// Pieces from which bodies are put together that get past the first byte.
const PIECES: &[&str] = &[
    "{",
    "}",
    "[",
    "]",
    ":",
    ",",
    "\"",
    "null",
    "true",
    "-1.5e9",
    "1e999",
    "\"S\"",
    "\"QueueName\":",
    "\\u00",
    "<",
    "</",
    ">",
    "/>",
    "<Delete>",
    "<Object><Key>",
    "&amp;",
    "&#x0;",
    "&x;",
    "<![CDATA[",
    "<!DOCTYPE a>",
    "<?xml",
    "&",
    "=",
    "Action=",
    "Attribute.1.Name",
    ".",
    "%",
    "%C3",
    "+",
    "member.1",
    "entry.99999999999.key",
    "\u{0}",
    "é",
    "\u{1F600}",
];

fn body() -> impl Strategy<Value = Vec<u8>> {
    let pieces = prop::collection::vec(prop::sample::select(PIECES), 0..40);
    prop_oneof![
        prop::collection::vec(any::<u8>(), 0..200),
        pieces.prop_map(|pieces| pieces.concat().into_bytes()),
        // CBOR of nested arrays and maps of unknown length.
        (prop::collection::vec(
            prop::sample::select(&[0x9f, 0xbf, 0x5f, 0x7f, 0xff, 0xc1, 0xf9, 0x61, 0x41][..]),
            0..200
        ))
        .prop_map(|bytes| bytes.to_vec()),
        // Bodies that nest without end.
        (1..3000usize, prop::sample::select(&["[", "{\"a\":", "<a>", "{\"M\":{\"k\":"][..]))
            .prop_map(|(times, piece)| piece.repeat(times).into_bytes()),
    ]
}

fn request(uri: String, body: &[u8]) -> Option<(http::request::Parts, Bytes)> {
    let request = http::Request::post(uri).header("x-amz-date", "x").body(()).ok()?;
    Some((request.into_parts().0, Bytes::copy_from_slice(body)))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn bodies_are_read_or_refused(pair in 0..PAIRS.len(), at in any::<prop::sample::Index>(), body in body()) {
        let (name, protocol) = PAIRS[pair];
        let service = schema::service(name).expect("a service");
        let operations: Vec<_> = service.operations().collect();
        let operation = operations[at.index(operations.len())];
        let (head, body) = request("/?a=b&max-keys=%31".into(), &body).expect("a request");
        match decode(&Routed::new(operation), protocol, &head, body) {
            Ok(document) => drop(validate(operation, &document)),
            Err(error) => {
                let status = encode_error(service, protocol, &error, "id", false).status();
                prop_assert!(status.is_client_error(), "{} is {}", error, status);
            }
        }
    }

    #[test]
    fn requests_are_routed_or_refused(pair in 0..PAIRS.len(), uri in "/[a-z0-9/%.?&=+-]{0,60}", body in body()) {
        let (name, protocol) = PAIRS[pair];
        let service = schema::service(name).expect("a service");
        let Some((head, body)) = request(uri, &body) else { return Ok(()) };
        match route(service, protocol, &head, Some(&body), Some("bucket")) {
            Ok(routed) => drop(decode(&routed, protocol, &head, body)),
            Err(error) => {
                let status = encode_error(service, protocol, &error, "id", false).status();
                prop_assert!(status.is_client_error(), "{} is {}", error, status);
            }
        }
    }

    #[test]
    fn frames_are_taken_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let mut bytes = Bytes::from(bytes);
        while let Ok(Some(_)) = Frame::take(&mut bytes) {}
    }

    #[test]
    fn frames_come_back(headers in prop::collection::vec(("[:a-z-]{0,20}", ".{0,40}"), 0..5), payload in prop::collection::vec(any::<u8>(), 0..300)) {
        let given: Vec<_> = headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let mut bytes = frame(&given, &payload);
        let read = Frame::take(&mut bytes).expect("valid").expect("whole");
        prop_assert_eq!(&read.headers, &headers);
        prop_assert_eq!(&read.payload[..], &payload[..]);
        prop_assert!(bytes.is_empty());
    }
}

#[test]
fn a_query_without_end_is_refused() {
    let service = schema::service("s3").expect("it is embedded");
    let routed = |parameters: usize| {
        let query = "prefix=a&".repeat(parameters);
        let request = http::Request::get(format!("/bucket?{query}")).body(()).expect("a request");
        route(service, Protocol::RestXml, &request.into_parts().0, None, None)
    };
    assert!(routed(900).is_ok());
    assert_eq!(routed(1_100).unwrap_err().code, "InvalidURI");
}
