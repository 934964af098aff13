//! S3 as clients hear it: statuses, codes, headers, documents. What real clients do is in `crates/eddy/tests`.

use std::convert::Infallible;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use eddy_aws::Auth;
use eddy_base::Timestamp;
use eddy_base::env::Manual;
use eddy_wire::limits::BODY_SILENCE;
use futures_util::{StreamExt as _, stream};
use http::Request;
use http_body::Frame;
use http_body_util::StreamBody;

use crate::harness::{Answer, HOST, House, open, open_in};

async fn send(house: &House, method: &str, uri: &str, headers: &[(&str, &str)], body: &str) -> Answer {
    let mut request = Request::builder().method(method).uri(uri).header("host", HOST);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let body = Bytes::copy_from_slice(body.as_bytes());
    let request = request.header("content-length", body.len());
    house.signed("s3", request.body(body).expect("a request")).await
}

async fn put(house: &House, uri: &str, body: &str) -> Answer {
    let answer = send(house, "PUT", uri, &[], body).await;
    assert_eq!(answer.status, 200, "{uri} {answer:?}");
    answer
}

async fn house_with(bucket: &str) -> House {
    let house = open().await;
    put(&house, &format!("/{bucket}"), "").await;
    house
}

fn told(answer: &Answer) -> (u16, String) {
    (answer.status.as_u16(), answer.code())
}

fn error(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}

#[tokio::test]
async fn an_object_from_first_to_last() {
    let house = house_with("bucket").await;
    let uri = "/bucket/%E5%B9%B4%E5%BA%A6%20%E6%8A%A5%E5%91%8A%2B1.txt";
    let headers = [
        ("content-type", "text/plain"),
        ("content-encoding", "aws-chunked,gzip"),
        ("x-amz-meta-Colour", "blue"),
        ("x-amz-tagging", "a=1&b=2"),
        ("x-amz-acl", "private"),
        ("x-amz-storage-class", "STANDARD"),
    ];
    let stored = send(&house, "PUT", uri, &headers, "hello world").await;
    assert_eq!(stored.status, 200, "{stored:?}");
    assert_eq!(stored.header("etag"), "\"5eb63bbbe01eeed093cb22bb8f5acdc3\"");
    assert_eq!(stored.header("x-amz-checksum-crc64nvme"), "jSnVw/bqjr4=");

    let read = send(&house, "GET", uri, &[], "").await;
    assert_eq!((read.status.as_u16(), read.body.as_str()), (200, "hello world"));
    for (name, value) in [
        ("content-type", "text/plain"),
        ("content-encoding", "gzip"),
        ("x-amz-meta-colour", "blue"),
        ("x-amz-tagging-count", "2"),
        ("accept-ranges", "bytes"),
        ("content-length", "11"),
        ("etag", "\"5eb63bbbe01eeed093cb22bb8f5acdc3\""),
        ("x-amz-checksum-crc64nvme", ""),
        ("x-amz-server-side-encryption", "AES256"),
    ] {
        assert_eq!(read.header(name), value, "{name}");
    }
    assert!(read.header("last-modified").ends_with(" GMT"), "{read:?}");

    let read = send(&house, "HEAD", uri, &[("x-amz-checksum-mode", "ENABLED")], "").await;
    assert_eq!((read.status.as_u16(), read.body.as_str()), (200, ""));
    assert_eq!((read.header("content-length"), read.header("x-amz-checksum-type")), ("11", "FULL_OBJECT"));

    let overridden =
        send(&house, "GET", &format!("{uri}?response-content-type=a%2Fb&x-id=GetObject"), &[], "").await;
    assert_eq!(overridden.header("content-type"), "a/b");
    assert_eq!(send(&house, "DELETE", uri, &[], "").await.status, 204);
    assert_eq!(send(&house, "DELETE", uri, &[], "").await.status, 204);
    let gone = send(&house, "GET", uri, &[], "").await;
    assert_eq!(told(&gone), error(404, "NoSuchKey"));
    assert_eq!(gone.xml("Key"), Some("年度 报告+1.txt"));
    assert_eq!(send(&house, "HEAD", uri, &[], "").await.status, 404);
}

#[tokio::test]
async fn ranges_and_conditions_of_reading() {
    let house = house_with("bucket").await;
    let etag = put(&house, "/bucket/key", "0123456789").await.header("etag").to_owned();
    let get = async |headers: &[(&str, &str)]| {
        let answer = send(&house, "GET", "/bucket/key", headers, "").await;
        (answer.status.as_u16(), answer.body.clone(), answer.header("content-range").to_owned())
    };
    let part = |body: &str, range: &str| (206, body.to_owned(), range.to_owned());
    assert_eq!(get(&[("range", "bytes=2-4")]).await, part("234", "bytes 2-4/10"));
    assert_eq!(get(&[("range", "bytes=-3")]).await, part("789", "bytes 7-9/10"));
    assert_eq!(get(&[("range", "bytes=8-99")]).await, part("89", "bytes 8-9/10"));
    assert_eq!(get(&[("range", "bytes=1-2,4-5")]).await.0, 200);
    let outside = send(&house, "GET", "/bucket/key", &[("range", "bytes=10-")], "").await;
    assert_eq!(told(&outside), error(416, "InvalidRange"));
    assert_eq!(outside.xml("ActualObjectSize"), Some("10"));

    assert_eq!(get(&[("if-match", &etag)]).await.0, 200);
    assert_eq!(get(&[("if-none-match", &etag)]).await, (304, String::new(), String::new()));
    let unmet = send(&house, "GET", "/bucket/key", &[("if-match", "\"x\"")], "").await;
    assert_eq!(told(&unmet), error(412, "PreconditionFailed"));
    assert_eq!(unmet.xml("Condition"), Some("If-Match"));
    let past = "Fri, 02 Jan 2015 03:04:05 GMT";
    assert_eq!(get(&[("if-modified-since", past)]).await.0, 200);
    assert_eq!(get(&[("if-unmodified-since", past)]).await.0, 412);
    let first = send(&house, "GET", "/bucket/key?partNumber=1", &[], "").await;
    assert_eq!((first.status.as_u16(), first.body.as_str()), (206, "0123456789"));
    let second = send(&house, "GET", "/bucket/key?partNumber=2", &[], "").await;
    assert_eq!(told(&second), error(416, "InvalidPartNumber"));
}

#[tokio::test]
async fn writes_are_refused_by_name() {
    let house = house_with("bucket").await;
    let check = async |uri: &str, headers: &[(&str, &str)], expected: (u16, &str)| {
        let answer = send(&house, "PUT", uri, headers, "body").await;
        assert_eq!(told(&answer), error(expected.0, expected.1), "{uri} {headers:?} {answer:?}");
    };
    put(&house, "/bucket/there", "x").await;
    check("/nowhere/key", &[], (404, "NoSuchBucket")).await;
    check("/x/key", &[], (400, "InvalidBucketName")).await;
    check(&format!("/bucket/{}", "k".repeat(1025)), &[], (400, "KeyTooLongError")).await;
    check("/bucket/there", &[("if-none-match", "*")], (412, "PreconditionFailed")).await;
    check("/bucket/there", &[("if-match", "\"x\"")], (412, "PreconditionFailed")).await;
    check("/bucket/new", &[("if-match", "\"x\"")], (404, "NoSuchKey")).await;
    check("/bucket/new", &[("if-none-match", "\"x\"")], (501, "NotImplemented")).await;
    check("/bucket/new", &[("x-amz-server-side-encryption", "aws:kms")], (501, "NotImplemented")).await;
    check("/bucket/new", &[("x-amz-storage-class", "GLACIER")], (501, "NotImplemented")).await;
    check("/bucket/new", &[("x-amz-acl", "public-read")], (400, "AccessControlListNotSupported")).await;
    check("/bucket/new", &[("content-md5", "AAAAAAAAAAAAAAAAAAAAAA==")], (400, "BadDigest")).await;
    check("/bucket/new", &[("content-md5", "short")], (400, "InvalidDigest")).await;
    check("/bucket/new", &[("x-amz-checksum-crc32", "AAAAAA==")], (400, "BadDigest")).await;
    check("/bucket/new", &[("x-amz-tagging", "a=1&a=2")], (400, "InvalidArgument")).await;
    check("/bucket/new", &[("x-amz-meta-a", &"v".repeat(2048))], (400, "MetadataTooLarge")).await;
    check("/bucket/new", &[("x-amz-expected-bucket-owner", "111111111111")], (403, "AccessDenied")).await;
    let absent = send(&house, "HEAD", "/bucket/new", &[], "").await;
    assert_eq!(absent.status, 404, "nothing refused was stored");
}

#[tokio::test]
async fn buckets_and_what_they_lack() {
    let house = house_with("bucket").await;
    let check = async |method: &str, uri: &str, expected: (u16, &str)| {
        let answer = send(&house, method, uri, &[], "").await;
        assert_eq!(told(&answer), error(expected.0, expected.1), "{method} {uri} {answer:?}");
    };
    assert_eq!(send(&house, "PUT", "/bucket", &[], "").await.status, 200, "us-east-1 says yes again");
    check("PUT", "/Bad_Name", (400, "InvalidBucketName")).await;
    check("GET", "/nowhere?location", (404, "NoSuchBucket")).await;
    for (key, code) in [
        ("cors", "NoSuchCORSConfiguration"),
        ("policy", "NoSuchBucketPolicy"),
        ("policyStatus", "NoSuchBucketPolicy"),
        ("lifecycle", "NoSuchLifecycleConfiguration"),
        ("website", "NoSuchWebsiteConfiguration"),
        ("replication", "ReplicationConfigurationNotFoundError"),
        ("object-lock", "ObjectLockConfigurationNotFoundError"),
        ("tagging", "NoSuchTagSet"),
    ] {
        check("GET", &format!("/bucket?{key}"), (404, code)).await;
    }
    for key in [
        "versioning",
        "versions",
        "logging",
        "accelerate",
        "notification",
        "acl",
        "requestPayment",
        "ownershipControls",
        "encryption",
        "publicAccessBlock",
        "analytics",
        "metrics",
    ] {
        let answer = send(&house, "GET", &format!("/bucket?{key}"), &[], "").await;
        assert_eq!(answer.status, 200, "{key} {answer:?}");
    }
    check("PUT", "/bucket?versioning", (501, "NotImplemented")).await;
    let head = send(&house, "HEAD", "/bucket", &[], "").await;
    assert_eq!((head.status.as_u16(), head.header("x-amz-bucket-region")), (200, "us-east-1"));
    let location = send(&house, "GET", "/bucket?location", &[], "").await;
    assert!(location.body.contains("LocationConstraint"), "{location:?}");
    put(&house, "/bucket/key", "x").await;
    check("DELETE", "/bucket", (409, "BucketNotEmpty")).await;
    send(&house, "DELETE", "/bucket/key", &[], "").await;
    assert_eq!(send(&house, "DELETE", "/bucket", &[], "").await.status, 204);
    assert_eq!(send(&house, "HEAD", "/bucket", &[], "").await.status, 404);
}

#[tokio::test]
async fn listings_roll_up_and_encode() {
    let house = house_with("bucket").await;
    for key in ["a%20b", "c/1", "c/2", "d%2B"] {
        put(&house, &format!("/bucket/{key}"), "x").await;
    }
    let uri = "/bucket?list-type=2&delimiter=%2F&encoding-type=url&max-keys=2";
    let first = send(&house, "GET", uri, &[], "").await;
    assert_eq!(first.xml("Key"), Some("a+b"), "{first:?}");
    assert!(first.body.contains("<CommonPrefixes><Prefix>c/</Prefix></CommonPrefixes>"), "{first:?}");
    assert_eq!((first.xml("KeyCount"), first.xml("IsTruncated")), (Some("2"), Some("true")));
    let token = first.xml("NextContinuationToken").expect("a token").replace('=', "%3D").replace('+', "%2B");
    let second = send(&house, "GET", &format!("{uri}&continuation-token={token}"), &[], "").await;
    assert_eq!((second.xml("Key"), second.xml("IsTruncated")), (Some("d%2B"), Some("false")), "{second:?}");

    let old = send(&house, "GET", "/bucket?delimiter=%2F&max-keys=2", &[], "").await;
    assert_eq!(old.xml("NextMarker"), Some("c/"), "{old:?}");
    let rest = send(&house, "GET", "/bucket?delimiter=%2F&marker=c%2F", &[], "").await;
    assert_eq!((rest.xml("Key"), rest.body.contains("CommonPrefixes")), (Some("d+"), false), "{rest:?}");
    let wrong = send(&house, "GET", "/bucket?list-type=2&continuation-token=x", &[], "").await;
    assert_eq!(told(&wrong), error(400, "InvalidArgument"));
}

#[tokio::test]
async fn an_upload_in_parts() {
    let house = house_with("bucket").await;
    let begun = send(&house, "POST", "/bucket/key?uploads", &[], "").await;
    let id = begun.xml("UploadId").unwrap_or_else(|| panic!("{begun:?}")).to_owned();
    let large = "x".repeat(5 << 20);
    let part = async |number: u32, body: &str| {
        let uri = format!("/bucket/key?uploadId={id}&partNumber={number}");
        send(&house, "PUT", &uri, &[], body).await.header("etag").to_owned()
    };
    let (one, two) = (part(1, &large).await, part(2, "tail").await);
    let complete = async |parts: &[(u32, &str)]| {
        let parts: String = parts
            .iter()
            .map(|(number, etag)| {
                format!("<Part><PartNumber>{number}</PartNumber><ETag>{etag}</ETag></Part>")
            })
            .collect();
        let body = format!("<CompleteMultipartUpload>{parts}</CompleteMultipartUpload>");
        send(&house, "POST", &format!("/bucket/key?uploadId={id}"), &[], &body).await
    };
    assert_eq!(told(&complete(&[(2, &two), (1, &one)]).await), error(400, "InvalidPartOrder"));
    assert_eq!(told(&complete(&[(1, &one), (2, &one)]).await), error(400, "InvalidPart"));
    assert_eq!(told(&complete(&[]).await), error(400, "MalformedXML"));
    let listed = send(&house, "GET", &format!("/bucket/key?uploadId={id}&max-parts=1"), &[], "").await;
    assert_eq!((listed.xml("IsTruncated"), listed.xml("NextPartNumberMarker")), (Some("true"), Some("1")));
    let done = complete(&[(1, &one), (2, &two)]).await;
    assert_eq!(done.status, 200, "{done:?}");
    assert!(done.xml("ETag").is_some_and(|etag| etag.contains("-2")), "{done:?}");
    assert_eq!(complete(&[(1, &one), (2, &two)]).await.status, 200, "asked again, answered again");
    let tail = send(&house, "GET", "/bucket/key?partNumber=2", &[], "").await;
    assert_eq!((tail.body.as_str(), tail.header("x-amz-mp-parts-count")), ("tail", "2"));
    let attributes = [("x-amz-object-attributes", "ObjectParts,ObjectSize,ETag")];
    let attributes = send(&house, "GET", "/bucket/key?attributes", &attributes, "").await;
    assert_eq!(attributes.xml("ObjectSize"), Some("5242884"), "{attributes:?}");
    let gone = send(&house, "DELETE", &format!("/bucket/key?uploadId={id}"), &[], "").await;
    assert_eq!(told(&gone), error(404, "NoSuchUpload"));
}

#[tokio::test]
async fn copies_and_bulk_removals() {
    let house = house_with("bucket").await;
    put(&house, "/bucket/key", "hello").await;
    let copy = async |to: &str, headers: &[(&str, &str)]| {
        let headers = [&[("x-amz-copy-source", "/bucket/key")], headers].concat();
        send(&house, "PUT", to, &headers, "").await
    };
    let copied = copy("/bucket/copy", &[]).await;
    assert!(copied.body.contains("<CopyObjectResult"), "{copied:?}");
    assert_eq!(told(&copy("/bucket/key", &[]).await), error(400, "InvalidRequest"));
    assert_eq!(copy("/bucket/key", &[("x-amz-metadata-directive", "REPLACE")]).await.status, 200);
    let unmet = copy("/bucket/copy", &[("x-amz-copy-source-if-match", "\"x\"")]).await;
    assert_eq!(told(&unmet), error(412, "PreconditionFailed"));
    assert_eq!(unmet.xml("Condition"), Some("x-amz-copy-source-If-Match"));

    let body =
        "<Delete><Object><Key>key</Key></Object><Object><Key>copy</Key><ETag>x</ETag></Object></Delete>";
    let unchecked = send(&house, "POST", "/bucket?delete", &[], body).await;
    assert_eq!(told(&unchecked), error(400, "InvalidRequest"), "{unchecked:?}");
    let md5 = BASE64.encode(<md5::Md5 as md5::Digest>::digest(body));
    let removed = send(&house, "POST", "/bucket?delete", &[("content-md5", &md5)], body).await;
    assert!(removed.body.contains("<Deleted><Key>key</Key></Deleted>"), "{removed:?}");
    assert_eq!(removed.xml("Code"), Some("PreconditionFailed"), "{removed:?}");
}

#[tokio::test]
async fn notifications_are_held_against_functions() {
    let house = house_with("bucket").await;
    let arn = "arn:aws:lambda:us-east-1:000000000000:function:nowhere";
    let configuration = |arn: &str, event: &str| {
        format!(
            "<NotificationConfiguration><CloudFunctionConfiguration><CloudFunction>{arn}</CloudFunction>\
             <Event>{event}</Event></CloudFunctionConfiguration></NotificationConfiguration>"
        )
    };
    let body = configuration(arn, "s3:ObjectCreated:*");
    let refused = send(&house, "PUT", "/bucket?notification", &[], &body).await;
    assert_eq!(told(&refused), error(400, "InvalidArgument"), "{refused:?}");
    assert!(refused.body.contains("Unable to validate the following destination configurations"));
    let skip = [("x-amz-skip-destination-validation", "true")];
    let taken = send(&house, "PUT", "/bucket?notification", &skip, &body).await;
    assert_eq!(taken.status, 200, "{taken:?}");
    let read = send(&house, "GET", "/bucket?notification", &[], "").await;
    assert_eq!((read.xml("CloudFunction"), read.xml("Event")), (Some(arn), Some("s3:ObjectCreated:*")));
    let queue = "<NotificationConfiguration><QueueConfiguration><Queue>arn:aws:sqs:us-east-1:000000000000:q</Queue>\
         <Event>s3:ObjectCreated:*</Event></QueueConfiguration></NotificationConfiguration>";
    let refused = send(&house, "PUT", "/bucket?notification", &[], queue).await;
    assert_eq!(told(&refused), error(501, "NotImplemented"), "{refused:?}");
    put(&house, "/bucket?notification", "<NotificationConfiguration/>").await;
    let read = send(&house, "GET", "/bucket?notification", &[], "").await;
    assert_eq!(read.xml("CloudFunction"), None, "{read:?}");
}

/// The client sends a part of what it announced, and then nothing.
#[tokio::test]
async fn a_body_that_falls_silent_is_given_up() {
    let clock = Manual::new(Timestamp::from_seconds(1_800_000_000));
    let house = open_in(Auth::Enforce, Arc::new(clock.clone())).await;
    put(&house, "/bucket", "").await;
    let (whole, part) = (Bytes::from("x".repeat(300_000)), Bytes::from("x".repeat(200_000)));
    for (service, method, uri, status, code) in [
        ("s3", "PUT", "/bucket/key", 400, "RequestTimeout"),
        ("s3", "PUT", "/bucket?tagging", 400, "RequestTimeout"),
        ("lambda", "POST", "/2015-03-31/functions", 408, "RequestTimeoutException"),
        ("sts", "POST", "/", 408, "RequestTimeout"),
    ] {
        let request = Request::builder()
            .method(method)
            .uri(uri)
            .header("host", HOST)
            .header("content-length", "300000");
        let kind = if service == "sts" { "application/x-www-form-urlencoded" } else { "text/plain" };
        let request = request.header("content-type", kind).header("content-md5", "1B2M2Y8AsgTpgAmY7PhCfg==");
        let request = house.sign(&house.root(), service, request.body(whole.clone()).expect("a request"));
        let first = Ok::<_, Infallible>(Frame::data(part.clone()));
        let body = StreamBody::new(stream::iter([first]).chain(stream::pending()));
        let (answer, ()) = tokio::join!(house.send(request.map(|_| body)), async {
            clock.asleep_for(BODY_SILENCE).await;
            clock.advance(BODY_SILENCE);
        });
        assert_eq!(told(&answer), error(status, code), "{service} {uri}");
        assert_eq!(answer.header("connection"), "close");
    }
    let listed = send(&house, "GET", "/bucket?list-type=2", &[], "").await;
    assert_eq!(listed.xml("KeyCount"), Some("0"), "{listed:?}");
}
