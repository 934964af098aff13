//! Requests, from the bytes of a client to a document.

use bytes::Bytes;
use eddy_wire::{Document, Error, Protocol, Routed, Struct, decode, route, schema, validate};
use http::request::{Builder, Parts};

/// A request to a service, read.
pub fn read(
    service: &str,
    protocol: Protocol,
    request: Builder,
    body: &[u8],
) -> Result<(Routed, Document), Error> {
    let head = head(request);
    let service = schema::service(service).expect("a service");
    let routed = route(service, protocol, &head, Some(body), None)?;
    let document = decode(&routed, protocol, &head, Bytes::copy_from_slice(body))?;
    Ok((routed, document))
}

pub fn head(request: Builder) -> Parts {
    request.body(()).expect("a request").into_parts().0
}

fn members(document: &Document) -> &Struct {
    match document {
        Document::Struct(members) => members,
        other => panic!("{other:?} is no structure"),
    }
}

fn text(document: &Document, name: &str) -> String {
    match members(document).get(name) {
        Some(Document::Text(text)) => text.clone(),
        other => panic!("{name} is {other:?}"),
    }
}

#[test]
fn send_message_reads_alike_in_json_and_form() {
    let json = br#"{"QueueUrl":"http://q","MessageBody":"hi","DelaySeconds":3,"MessageAttributes":{"k":{"DataType":"Binary","BinaryValue":"AQI="}},"Unknown":{"a":[1]}}"#;
    let target = http::Request::post("/").header("x-amz-target", "AmazonSQS.SendMessage");
    let (routed, from_json) = read("sqs", Protocol::AwsJson10, target, json).expect("valid");
    let form = b"Action=SendMessage&Version=2012-11-05&QueueUrl=http%3A%2F%2Fq&MessageBody=hi&DelaySeconds=3&MessageAttribute.1.Name=k&MessageAttribute.1.Value.DataType=Binary&MessageAttribute.1.Value.BinaryValue=AQI%3D";
    let (_, from_form) = read("sqs", Protocol::Query, http::Request::post("/"), form).expect("valid");
    assert_eq!(routed.operation.name, "SendMessage");
    assert_eq!(from_json, from_form);
    assert_eq!(members(&from_json).get("DelaySeconds"), Some(&Document::Int(3)));
}

#[test]
fn s3_is_routed_by_path_query_and_headers() {
    for (method, uri, header, expected) in [
        ("PUT", "/b", "", "CreateBucket"),
        ("PUT", "/b/", "", "CreateBucket"),
        ("PUT", "/b/k", "", "PutObject"),
        ("PUT", "/b/k?x-id=PutObject", "", "PutObject"),
        ("PUT", "/b/k", "x-amz-copy-source", "CopyObject"),
        ("PUT", "/b/k?partNumber=1&uploadId=u", "", "UploadPart"),
        ("PUT", "/b/k?partNumber=1&uploadId=u", "x-amz-copy-source", "UploadPartCopy"),
        ("POST", "/b/k?uploads", "", "CreateMultipartUpload"),
        ("POST", "/b/k?uploads=", "", "CreateMultipartUpload"),
        ("POST", "/b/k?uploadId=u", "", "CompleteMultipartUpload"),
        ("DELETE", "/b/k?uploadId=u", "", "AbortMultipartUpload"),
        ("DELETE", "/b/k", "", "DeleteObject"),
        ("GET", "/b/k?uploadId=u", "", "ListParts"),
        ("GET", "/b/k?versionId=v", "", "GetObject"),
        ("GET", "/b", "", "ListObjects"),
        ("GET", "/b?list-type=2&prefix=p", "", "ListObjectsV2"),
        ("GET", "/b?list-type=1", "", "ListObjects"),
        ("GET", "/b?notification", "", "GetBucketNotificationConfiguration"),
        ("GET", "/", "", "ListBuckets"),
        ("HEAD", "/b/k", "", "HeadObject"),
        ("GET", "/b?analytics", "", "ListBucketAnalyticsConfigurations"),
        ("GET", "/b?analytics&id=1", "", "GetBucketAnalyticsConfiguration"),
    ] {
        let mut request = http::Request::builder().method(method).uri(uri);
        if !header.is_empty() {
            request = request.header(header, "src/k");
        }
        let s3 = schema::service("s3").expect("a service");
        let routed = route(s3, Protocol::RestXml, &head(request), None, None).expect("valid");
        assert_eq!(routed.operation.name, expected, "{method} {uri} {header}");
    }
}

#[test]
fn keys_keep_their_slashes_and_come_unescaped() {
    for (host, uri, bucket, key) in [
        (None, "/b/a%20b%2Bc/%C3%A9", "b", "a b+c/é"),
        (None, "/b//a//b/", "b", "/a//b/"),
        (None, "/b/a+b", "b", "a+b"),
        (Some("b"), "/k", "b", "k"),
        (Some("b"), "//k", "b", "/k"),
        (None, "/b//", "b", "/"),
    ] {
        let s3 = schema::service("s3").expect("a service");
        let head = head(http::Request::get(uri));
        let routed = route(s3, Protocol::RestXml, &head, None, host).expect("valid");
        assert_eq!(routed.operation.name, "GetObject", "{uri}");
        assert_eq!((routed.label("Bucket"), routed.label("Key")), (Some(bucket), Some(key)), "{uri}");
    }
    let s3 = schema::service("s3").expect("a service");
    let bad = route(s3, Protocol::RestXml, &head(http::Request::get("/b/%ff")), None, None);
    assert_eq!(bad.expect_err("not UTF-8").code, "InvalidURI");
}

#[test]
fn the_more_literal_path_wins() {
    for (method, uri, expected) in [
        ("GET", "/2015-03-31/functions/", "ListFunctions"),
        ("GET", "/2015-03-31/functions", "ListFunctions"),
        ("GET", "/2015-03-31/functions/f/policy", "GetPolicy"),
        ("POST", "/2015-03-31/functions/arn%3Aaws%3Alambda%3Ax/invocations", "Invoke"),
        ("GET", "/2018-10-31/layers?find=LayerVersion&Arn=a", "GetLayerVersionByArn"),
        ("GET", "/2018-10-31/layers", "ListLayers"),
    ] {
        let lambda = schema::service("lambda").expect("a service");
        let head = head(http::Request::builder().method(method).uri(uri));
        let routed = route(lambda, Protocol::RestJson, &head, None, None).expect("valid");
        assert_eq!(routed.operation.name, expected, "{uri}");
    }
}

#[test]
fn bindings_come_from_everywhere() {
    let request = http::Request::put("/b/k?x-amz-meta-hoisted=1")
        .header("x-amz-meta-Colour", "red")
        .header("content-length", "5")
        .header("x-amz-object-lock-retain-until-date", "2026-01-02T03:04:05Z")
        .header("cache-control", "no-cache");
    let (_, document) = read("s3", Protocol::RestXml, request, b"").expect("valid");
    assert_eq!(text(&document, "CacheControl"), "no-cache");
    assert_eq!(members(&document).get("ContentLength"), Some(&Document::Int(5)));
    let meta = |key: &str, value: &str| (key.to_owned(), Document::Text(value.to_owned()));
    let expected = Document::Map(vec![meta("colour", "red"), meta("hoisted", "1")]);
    assert_eq!(members(&document).get("Metadata"), Some(&expected));
}

#[test]
fn what_cannot_be_read_is_the_clients_fault_in_the_services_words() {
    let json = |body: &str| {
        let request = http::Request::post("/").header("x-amz-target", "AmazonSQS.SendMessage");
        read("sqs", Protocol::AwsJson10, request, body.as_bytes()).map(|_| ()).expect_err("refused")
    };
    for (body, message) in [
        (r#"{"DelaySeconds":"x"}"#, "STRING_VALUE can not be converted to an Integer"),
        (r#"{"MessageBody":1}"#, "NUMBER_VALUE can not be converted to a String"),
        (r#"{"MessageBody":[]}"#, "Start of list found where not expected"),
        (r#"{"MessageBody":{}}"#, "Start of structure or map found where not expected."),
        (r#"{"MessageAttributes":[]}"#, "Start of list found where not expected"),
        (r#"{"MessageAttributes":"x"}"#, "Expected map or null"),
        (r#"{"DelaySeconds":99999999999}"#, "99999999999 is out of range of an Integer"),
    ] {
        let error = json(body);
        assert_eq!((&*error.code, error.message.as_str()), ("SerializationException", message), "{body}");
    }
    assert_eq!(json("{").code, "SerializationException");
    let xml = http::Request::put("/b");
    assert_eq!(read("s3", Protocol::RestXml, xml, b"<x>").expect_err("refused").code, "MalformedXML");
    let number = http::Request::get("/b?list-type=2&max-keys=x");
    assert_eq!(read("s3", Protocol::RestXml, number, b"").expect_err("refused").code, "InvalidArgument");
    let action = read("sts", Protocol::Query, http::Request::post("/"), b"Action=Nope");
    assert_eq!(action.expect_err("refused").code, "InvalidAction");
    let method = http::Request::patch("/b/k");
    assert_eq!(read("s3", Protocol::RestXml, method, b"").expect_err("refused").code, "MethodNotAllowed");
}

#[test]
fn constraints_are_refused_in_amazons_words() {
    let check = |service: &str, target: &str, body: &str, expected: &str| {
        let request = http::Request::post("/").header("x-amz-target", target);
        let (routed, document) = read(service, Protocol::AwsJson11, request, body.as_bytes()).expect("valid");
        let error = validate(routed.operation, &document).expect_err("refused");
        assert_eq!(error.message, expected);
        error.code
    };
    let code = check(
        "events",
        "AWSEvents.PutEvents",
        r#"{"Entries":[]}"#,
        "1 validation error detected: Value '[]' at 'entries' failed to satisfy constraint: Member must have \
         length greater than or equal to 1",
    );
    assert_eq!(code, "ValidationException");
    let code = check(
        "logs",
        "Logs_20140328.PutLogEvents",
        r#"{"logGroupName":"a b","logEvents":[{"timestamp":-1,"message":"m"}]}"#,
        "3 validation errors detected: Value 'a b' at 'logGroupName' failed to satisfy constraint: Member must \
         satisfy regular expression pattern: [\\.\\-_/#A-Za-z0-9]+; Value null at 'logStreamName' failed to \
         satisfy constraint: Member must not be null; Value '-1' at 'logEvents.1.member.timestamp' failed to \
         satisfy constraint: Member must have value greater than or equal to 0",
    );
    assert_eq!(code, "InvalidParameterException");
}
