//! Answers and errors, as bytes.

use bytes::Bytes;
use eddy_wire::{Document, Error, Protocol, Struct, encode, encode_error, schema};
use http::{Response, StatusCode};

fn output(
    service: &str,
    operation: &str,
    members: &[(&str, Document)],
) -> (&'static schema::Operation, Document) {
    let operation = schema::service(service).expect("a service").operation(operation).expect("an operation");
    let mut value = Struct::new(operation.output.expect("an output").get());
    for (name, member) in members {
        assert!(value.set(name, member.clone()), "{name}");
    }
    (operation, Document::Struct(value))
}

fn text(response: &Response<Bytes>) -> &str {
    std::str::from_utf8(response.body()).expect("UTF-8")
}

fn header<'r>(response: &'r Response<Bytes>, name: &str) -> &'r str {
    response.headers().get(name).map_or("", |value| value.to_str().expect("text"))
}

#[test]
fn query_answers_are_wrapped() {
    let arn = Document::Text("arn:aws:iam::000000000000:root".into());
    let (operation, document) = output("sts", "GetCallerIdentity", &[("Arn", arn)]);
    let response = encode(operation, Protocol::Query, document, "id-1");
    assert_eq!(
        text(&response),
        "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\
         <GetCallerIdentityResult><Arn>arn:aws:iam::000000000000:root</Arn></GetCallerIdentityResult>\
         <ResponseMetadata><RequestId>id-1</RequestId></ResponseMetadata></GetCallerIdentityResponse>"
    );
    assert_eq!(
        (header(&response, "content-type"), header(&response, "x-amzn-requestid")),
        ("text/xml", "id-1")
    );
}

#[test]
fn the_location_of_a_bucket_stands_bare() {
    let place = Document::Text("eu-west-1".into());
    let (operation, document) = output("s3", "GetBucketLocation", &[("LocationConstraint", place)]);
    let response = encode(operation, Protocol::RestXml, document, "id");
    assert_eq!(
        text(&response),
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<LocationConstraint \
         xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">eu-west-1</LocationConstraint>"
    );
}

#[test]
fn status_and_headers_are_members_too() {
    let members = [
        ("StatusCode", Document::Int(202)),
        ("ExecutedVersion", Document::Text("$LATEST".into())),
        ("Payload", Document::Blob(Bytes::from_static(b"{}"))),
    ];
    let (operation, document) = output("lambda", "Invoke", &members);
    let response = encode(operation, Protocol::RestJson, document, "id");
    assert_eq!((response.status(), text(&response)), (StatusCode::ACCEPTED, "{}"));
    assert_eq!(header(&response, "x-amz-executed-version"), "$LATEST");
}

#[test]
fn what_no_header_can_hold_is_our_fault() {
    let version = Document::Text("a\nb".into());
    let (operation, document) = output("lambda", "Invoke", &[("ExecutedVersion", version)]);
    let response = encode(operation, Protocol::RestJson, document, "id");
    assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
}

#[test]
fn errors_have_the_form_of_their_protocol() {
    let sqs = schema::service("sqs").expect("a service");
    let error = Error::new("QueueDoesNotExist", "no <queue>");
    let response = encode_error(sqs, Protocol::AwsJson10, &error, "id", false);
    assert_eq!(text(&response), r#"{"__type":"com.amazonaws.sqs#QueueDoesNotExist","message":"no <queue>"}"#);
    assert_eq!(header(&response, "x-amzn-query-error"), "AWS.SimpleQueueService.NonExistentQueue;Sender");
    assert_eq!(header(&response, "content-type"), "application/x-amz-json-1.0");
    let response = encode_error(sqs, Protocol::Query, &error, "id", false);
    assert_eq!(
        text(&response),
        "<ErrorResponse xmlns=\"http://queue.amazonaws.com/doc/2012-11-05/\"><Error><Type>Sender</Type>\
         <Code>AWS.SimpleQueueService.NonExistentQueue</Code><Message>no &lt;queue&gt;</Message></Error>\
         <RequestId>id</RequestId></ErrorResponse>"
    );

    let lambda = schema::service("lambda").expect("a service");
    let error = Error::new("TooManyRequestsException", "slow").with("retryAfterSeconds", "3");
    let response = encode_error(lambda, Protocol::RestJson, &error, "id", false);
    assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(text(&response), r#"{"message":"slow","Type":"User"}"#);
    assert_eq!(header(&response, "x-amzn-errortype"), "TooManyRequestsException");
    assert_eq!(header(&response, "retry-after"), "3");

    let s3 = schema::service("s3").expect("a service");
    let error = Error::new("NoSuchKey", "gone").with("Key", "a&b");
    let response = encode_error(s3, Protocol::RestXml, &error, "id", false);
    assert_eq!(response.status(), StatusCode::NOT_FOUND);
    assert_eq!(
        text(&response),
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>NoSuchKey</Code><Message>gone</Message>\
         <Key>a&amp;b</Key><RequestId>id</RequestId><HostId>id</HostId></Error>"
    );
    assert!(encode_error(s3, Protocol::RestXml, &error, "id", true).body().is_empty());
}

#[test]
fn common_errors_have_a_status_too() {
    for (service, protocol, code, status) in [
        ("sts", Protocol::Query, "SignatureDoesNotMatch", 403),
        ("s3", Protocol::RestXml, "AccessDenied", 403),
        ("logs", Protocol::AwsJson11, "UnrecognizedClientException", 400),
        ("logs", Protocol::AwsJson11, "InternalFailure", 500),
        ("s3", Protocol::RestXml, "BucketNotEmpty", 409),
        ("s3", Protocol::RestXml, "ExpiredToken", 400),
        ("sts", Protocol::Query, "ExpiredToken", 403),
        ("lambda", Protocol::RestJson, "Unheard", 400),
    ] {
        let service = schema::service(service).expect("a service");
        let response = encode_error(service, protocol, &Error::new(code, ""), "id", false);
        assert_eq!(response.status(), status, "{code}");
    }
}
