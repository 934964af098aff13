//! Walks the table: whatever stands must hold against its model, whoever wrote it.

use std::path::Path;

use bytes::Bytes;
use eddy_aws::{Op, Service, table};
use eddy_wire::schema::{self, Location, Member, Operation, Segment};
use eddy_wire::{Protocol, decode, route};
use http::Request;
use http_body_util::Full;

use crate::harness::{HOST, open};

fn all() -> impl Iterator<Item = (&'static Service, &'static Op, &'static Operation)> {
    table::SERVICES.iter().flat_map(|service| {
        let schema = schema::service(service.name).expect("a service of the table has a schema");
        service.operations.iter().map(move |op| {
            let operation = schema.operation(op.name);
            (*service, op, operation.unwrap_or_else(|| panic!("{} has no {}", service.name, op.name)))
        })
    })
}

/// A request for an operation in one of its service's protocols, with nothing in it.
fn bare(operation: &Operation, protocol: Protocol, body: &[u8]) -> Request<Bytes> {
    let facts = operation.facts;
    let mut request = Request::post("/").header("host", HOST);
    let mut body = body.to_vec();
    match protocol {
        Protocol::AwsJson10 | Protocol::AwsJson11 => {
            let version = if protocol == Protocol::AwsJson10 { "1.0" } else { "1.1" };
            let prefix = facts.target_prefix.expect("an awsJson service has one");
            request = request
                .header("content-type", format!("application/x-amz-json-{version}"))
                .header("x-amz-target", format!("{prefix}.{}", operation.name));
        }
        Protocol::Cbor => {
            let prefix = facts.target_prefix.expect("a CBOR service has one");
            request = request
                .uri(format!("/service/{prefix}/operation/{}", operation.name))
                .header("smithy-protocol", "rpc-v2-cbor");
        }
        Protocol::Query => {
            request = request.header("content-type", "application/x-www-form-urlencoded");
            let action = format!("Action={}&Version={}&", operation.name, facts.api_version);
            body.splice(..0, action.into_bytes());
        }
        Protocol::RestJson | Protocol::RestXml => {
            request = request.method(operation.http.method.clone()).uri(uri(operation));
            for member in required(operation, Location::Header) {
                request = request.header(member.wire_name, "1");
            }
        }
    }
    request.body(body.into()).expect("a request")
}

fn uri(operation: &Operation) -> String {
    let uri = &operation.http.uri;
    let path: String = uri
        .segments
        .iter()
        .map(|segment| match segment {
            Segment::Literal(text) => format!("/{text}"),
            Segment::Label(_) | Segment::Greedy(_) => "/label".to_owned(),
        })
        .collect();
    let query = uri.query.iter().map(|(key, value)| match value {
        Some(value) => format!("{key}={value}"),
        None => (*key).to_owned(),
    });
    // Operations of one path are told apart by what they require.
    let required = required(operation, Location::Query).map(|member| format!("{}=1", member.wire_name));
    let query: Vec<String> = query.chain(required).collect();
    let path = if path.is_empty() { "/".to_owned() } else { path };
    if query.is_empty() { path } else { format!("{path}?{}", query.join("&")) }
}

fn required(operation: &Operation, location: Location) -> impl Iterator<Item = &'static Member> {
    let members = operation.input.map_or(&[][..], |input| &input.get().structure().members);
    members.iter().filter(move |member| member.required && member.location == location)
}

#[test]
fn every_field_is_a_member_of_the_model() {
    for (service, op, operation) in all() {
        let unknown = (op.check)(operation);
        assert_eq!(unknown, Vec::<&str>::new(), "{}:{}", service.name, op.name);
    }
}

#[test]
fn operations_are_listed_once_and_in_order() {
    for service in table::SERVICES {
        let names: Vec<&str> = service.operations.iter().map(|op| op.name).collect();
        assert!(names.is_sorted_by(|left, right| left < right), "{}: {names:?}", service.name);
    }
    let names: Vec<&str> = table::SERVICES.iter().map(|service| service.name).collect();
    assert!(names.is_sorted_by(|left, right| left < right), "{names:?}");
}

#[test]
fn every_operation_is_found_by_its_name() {
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for (service, op, _) in all() {
        let folder = sources.join(service.name);
        let found = find(&folder, &format!("{}.rs", snake(op.name)));
        assert!(found, "{}:{} has no file of its name in {}", service.name, op.name, folder.display());
    }
}

fn find(folder: &Path, name: &str) -> bool {
    let entries = std::fs::read_dir(folder).unwrap_or_else(|why| panic!("{}: {why}", folder.display()));
    entries
        .flatten()
        .any(|entry| entry.file_name() == name || (entry.path().is_dir() && find(&entry.path(), name)))
}

/// `PutFunctionEventInvokeConfig` is in `put_function_event_invoke_config.rs`.
fn snake(name: &str) -> String {
    let letters: Vec<char> = name.chars().collect();
    let mut out = String::new();
    for (index, letter) in letters.iter().enumerate() {
        let starts = letter.is_uppercase() && index > 0;
        let after_lower = starts && !letters[index - 1].is_uppercase();
        let before_lower = starts && letters.get(index + 1).is_some_and(|next| next.is_lowercase());
        if after_lower || before_lower {
            out.push('_');
        }
        out.extend(letter.to_lowercase());
    }
    out
}

#[tokio::test]
async fn nobody_gets_in_without_a_signature() {
    let house = open().await;
    for (service, op, operation) in all().filter(|(.., operation)| !operation.unsigned) {
        for protocol in operation.facts.protocols.clone() {
            let answer = house.send(bare(operation, protocol, b"").map(Full::new)).await;
            let name = format!("{}:{} {protocol:?} {answer:?}", service.name, op.name);
            // HEAD has no body, so only its status tells. A path that nobody signed for is S3's, which may not
            // have the operation that it looks like.
            let denials = [
                "",
                "AccessDenied",
                "MissingAuthenticationToken",
                "MissingAuthenticationTokenException",
                "NotImplemented",
                "MethodNotAllowed",
            ];
            assert!(matches!(answer.status.as_u16(), 400 | 403 | 405 | 501), "{name}");
            let is_input = answer.code().starts_with("Invalid") || answer.code().starts_with("Malformed");
            assert!(denials.contains(&answer.code().as_str()) || is_input, "{name}");
        }
    }
}

#[tokio::test]
async fn garbage_is_the_senders_fault() {
    let house = open().await;
    let garbage: [&[u8]; 4] = [b"\xff\xfe\x00{{<<", b"{\"a\":", b"<a><b>", b"[1,2,"];
    for (service, op, operation) in all() {
        for protocol in operation.facts.protocols.clone() {
            for body in garbage {
                let answer =
                    house.signed(operation.facts.signing_name, bare(operation, protocol, body)).await;
                let name = format!("{}:{} {protocol:?} {answer:?}", service.name, op.name);
                assert!(!answer.status.is_server_error() || answer.status == 501, "{name}");
                let reads_body = operation.input.is_some_and(|input| input.get().structure().has_body());
                let rpc = !matches!(protocol, Protocol::RestJson | Protocol::RestXml | Protocol::Query);
                if rpc || (reads_body && operation.streaming_input().is_none()) {
                    // A form takes any text; what it lacks is then missing.
                    assert!(answer.status.is_client_error() || protocol == Protocol::Query, "{name}");
                }
            }
        }
    }
}

#[test]
fn protocols_decode_alike() {
    for (service, op, operation) in all() {
        let schema = schema::service(service.name).expect("it has a schema");
        let decoded = operation.facts.protocols.iter().map(|protocol| {
            let empty: &[u8] = match protocol {
                Protocol::Cbor => &[0xa0],
                Protocol::AwsJson10 | Protocol::AwsJson11 | Protocol::RestJson => b"{}",
                Protocol::RestXml | Protocol::Query => b"",
            };
            let (head, body) = bare(operation, *protocol, empty).into_parts();
            let routed = route(schema, *protocol, &head, Some(&body), None);
            let routed =
                routed.unwrap_or_else(|why| panic!("{}:{} {protocol:?}: {why}", service.name, op.name));
            assert_eq!(routed.operation.name, op.name, "{} {protocol:?}", service.name);
            let document = decode(&routed, *protocol, &head, body);
            document.unwrap_or_else(|why| panic!("{}:{} {protocol:?}: {why}", service.name, op.name))
        });
        let decoded: Vec<_> = decoded.collect();
        assert!(decoded.windows(2).all(|pair| pair[0] == pair[1]), "{}:{}", service.name, op.name);
    }
}
