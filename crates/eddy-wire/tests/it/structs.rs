//! Documents into structs and back.

use std::collections::BTreeMap;

use bytes::Bytes;
use eddy_base::Timestamp;
use eddy_wire::{
    Blob, Coded, Document, Error, Protocol, Time, check_fields, encode, from_document, lacking_members,
    schema, to_document,
};
use serde::{Deserialize, Serialize};

use super::requests::read;

fn send<T: serde::de::DeserializeOwned>(service: &str, target: &str, body: &str) -> Result<T, Error> {
    let request = http::Request::post("/").header("x-amz-target", target);
    let (routed, document) = read(service, Protocol::AwsJson11, request, body.as_bytes())?;
    from_document(routed.operation, document)
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(try_from = "String")]
struct Body(String);

impl TryFrom<String> for Body {
    type Error = Coded;

    fn try_from(text: String) -> Result<Body, Coded> {
        if text.is_empty() {
            return Err(Coded { code: "InvalidMessageContents", message: "nothing in it".into() });
        }
        Ok(Body(text))
    }
}

#[derive(Debug, PartialEq, Deserialize)]
struct SendMessage {
    queue_url: String,
    message_body: Body,
    delay_seconds: Option<u32>,
    #[serde(default)]
    message_attributes: BTreeMap<String, Attribute>,
}

#[derive(Debug, PartialEq, Deserialize)]
struct Attribute {
    data_type: String,
    binary_value: Option<Blob>,
}

#[test]
fn members_find_their_fields() {
    let body = r#"{"QueueUrl":"u","MessageBody":"b","MessageAttributes":{"k":{"DataType":"Binary","BinaryValue":"AQI=","StringListValues":[]}}}"#;
    let sent: SendMessage = send("sqs", "AmazonSQS.SendMessage", body).expect("valid");
    let blob = Blob(Bytes::from_static(&[1, 2]));
    let attribute = Attribute { data_type: "Binary".into(), binary_value: Some(blob) };
    assert_eq!(sent.message_attributes["k"], attribute);
    assert_eq!((sent.delay_seconds, sent.message_body), (None, Body("b".into())));
    let sqs = schema::service("sqs").expect("a service");
    assert!(check_fields::<SendMessage>(sqs.operation("SendMessage").expect("it")).is_empty());
    assert_eq!(check_fields::<SendMessage>(sqs.operation("TagQueue").expect("it")).len(), 3);
}

#[test]
fn what_a_struct_lacks_is_refused_by_name() {
    let refused = |body: &str| {
        let sent: Result<SendMessage, Error> = send("sqs", "AmazonSQS.SendMessage", body);
        let error = sent.expect_err("refused");
        (error.code.into_owned(), error.message)
    };
    let unsupported = |path: &str| {
        ("UnsupportedOperation".to_owned(), format!("The parameter {path} is not supported by eddy."))
    };
    let group = r#"{"QueueUrl":"u","MessageBody":"b","MessageGroupId":"g"}"#;
    assert_eq!(refused(group), unsupported("MessageGroupId"));
    let nested =
        r#"{"QueueUrl":"u","MessageBody":"b","MessageAttributes":{"k":{"DataType":"S","StringValue":"v"}}}"#;
    assert_eq!(refused(nested), unsupported("MessageAttributes.StringValue"));
    let coded = refused(r#"{"QueueUrl":"u","MessageBody":""}"#);
    assert_eq!(coded, ("InvalidMessageContents".to_owned(), "nothing in it".to_owned()));
    let (code, message) = refused(r#"{"QueueUrl":"u"}"#);
    assert_eq!(code, "ValidationException");
    assert_eq!(
        message,
        "1 validation error detected: Value null at 'messageBody' failed to satisfy constraint: Member must not \
         be null"
    );
}

#[derive(Debug, Deserialize)]
struct CreateFunction {
    #[serde(rename = "function_name")]
    _name: String,
}

#[test]
fn neutral_values_pass() {
    let lambda = schema::service("lambda").expect("a service");
    let operation = lambda.operation("CreateFunction").expect("it");
    let create = |rest: &str| -> Result<CreateFunction, Error> {
        let body = format!(r#"{{"FunctionName":"f"{rest}}}"#);
        let request = http::Request::post("/2015-03-31/functions");
        let (_, document) = read("lambda", Protocol::RestJson, request, body.as_bytes())?;
        from_document(operation, document)
    };
    let neutral = r#","PackageType":"Zip","Publish":false,"VpcConfig":{"SubnetIds":[],"SecurityGroupIds":[]},"Tags":{},"Layers":[],"TracingConfig":{"Mode":"PassThrough"}"#;
    create(neutral).expect("they ask for nothing");
    let message = |rest: &str| create(rest).expect_err("refused").message;
    assert_eq!(
        message(r#","PackageType":"Image""#),
        "The value Image of the parameter PackageType is not supported by eddy."
    );
    assert_eq!(
        message(r#","VpcConfig":{"SubnetIds":["s"]}"#),
        "The parameter VpcConfig.SubnetIds is not supported by eddy."
    );
}

#[test]
fn what_the_body_is_made_of_asks_for_nothing() {
    #[derive(Debug, Deserialize)]
    struct Put {
        bucket: String,
        key: String,
    }
    let request = http::Request::put("/b/k")
        .header("content-length", "3")
        .header("content-md5", "x")
        .header("x-amz-sdk-checksum-algorithm", "CRC32");
    let (routed, document) = read("s3", Protocol::RestXml, request, b"").expect("valid");
    let put: Put = from_document(routed.operation, document).expect("it does not matter to the operation");
    assert_eq!((put.bucket.as_str(), put.key.as_str()), ("b", "k"));
}

#[derive(Serialize)]
struct Group {
    arn: Option<String>,
    log_group_name: &'static str,
    creation_time: i64,
}

#[derive(Serialize)]
struct Groups {
    log_groups: Vec<Group>,
    next_token: Option<String>,
}

#[test]
fn outputs_are_held_against_the_model() {
    let operation = schema::service("logs").and_then(|logs| logs.operation("DescribeLogGroups")).expect("it");
    let groups = Groups {
        log_groups: vec![Group { arn: None, log_group_name: "g", creation_time: 5 }],
        next_token: None,
    };
    let document = to_document(operation, &groups).expect("it fits");
    let response = encode(operation, Protocol::AwsJson11, document, "id");
    assert_eq!(response.body(), r#"{"logGroups":[{"logGroupName":"g","creationTime":5}]}"#);

    #[derive(Serialize)]
    struct Wrong {
        log_group: &'static str,
    }
    let error = to_document(operation, &Wrong { log_group: "" }).expect_err("no such member");
    let expected = "the answer of DescribeLogGroups: DescribeLogGroupsResponse has no member log_group";
    assert!(error.message.starts_with(expected), "{error}");
    #[derive(Serialize)]
    struct Mistyped {
        next_token: i64,
    }
    assert!(to_document(operation, &Mistyped { next_token: 1 }).is_err());
    assert!(matches!(to_document(operation, &()).expect("nothing is set"), Document::Struct(_)));
}

#[derive(Debug, PartialEq, Serialize)]
struct Credentials {
    access_key_id: &'static str,
    expiration: Time,
}

#[derive(Serialize)]
struct Session {
    credentials: Credentials,
}

#[test]
fn times_take_the_form_of_their_protocol() {
    let operation = schema::service("sts").and_then(|sts| sts.operation("GetSessionToken")).expect("it");
    let expiration = Time(Timestamp::from_seconds(1_767_323_045));
    let session = Session { credentials: Credentials { access_key_id: "k", expiration } };
    let document = to_document(operation, &session).expect("it fits");
    let response = encode(operation, Protocol::Query, document, "id");
    let text = std::str::from_utf8(response.body()).expect("UTF-8");
    assert!(text.contains("<Expiration>2026-01-02T03:04:05Z</Expiration>"), "{text}");
}

#[test]
fn an_enum_of_the_model_is_an_enum_here() {
    #[derive(Debug, PartialEq, Deserialize)]
    struct Describe {
        order_by: OrderBy,
    }
    #[derive(Debug, PartialEq, Deserialize)]
    enum OrderBy {
        LogStreamName,
        LastEventTime,
    }
    let body = r#"{"orderBy":"LastEventTime"}"#;
    let described: Describe = send("logs", "Logs_20140328.DescribeLogStreams", body).expect("valid");
    assert_eq!(described.order_by, OrderBy::LastEventTime);
    assert_ne!(described.order_by, OrderBy::LogStreamName);
}

#[derive(Debug, PartialEq, Deserialize)]
struct PutAnalytics {
    bucket: String,
    id: String,
    analytics_configuration: Analytics,
}

#[derive(Debug, PartialEq, Deserialize)]
struct Analytics {
    id: String,
    filter: Option<Choice>,
    storage_class_analysis: Analysis,
}

#[derive(Debug, PartialEq, Deserialize)]
struct Analysis {}

#[derive(Debug, PartialEq, Deserialize)]
enum Choice {
    Prefix(String),
    Tag { key: String, value: String },
}

#[test]
fn a_structure_with_one_member_is_an_enum_with_content() {
    let put_with = |analysis: &str, inside: &str| -> Result<Option<Choice>, Error> {
        let analysis = format!("<StorageClassAnalysis>{analysis}</StorageClassAnalysis>");
        let body = format!("<AnalyticsConfiguration><Id>i</Id>{analysis}{inside}</AnalyticsConfiguration>");
        let request = http::Request::put("/b?analytics&id=i");
        let (routed, document) = read("s3", Protocol::RestXml, request, body.as_bytes())?;
        from_document(routed.operation, document).map(|put: PutAnalytics| put.analytics_configuration.filter)
    };
    let put = |inside: &str| put_with("", inside);
    let prefix = put("<Filter><Prefix>p</Prefix></Filter>").expect("one");
    assert_eq!(prefix, Some(Choice::Prefix("p".into())));
    let tag = put("<Filter><Tag><Key>k</Key><Value>v</Value></Tag></Filter>").expect("one");
    assert_eq!(tag, Some(Choice::Tag { key: "k".into(), value: "v".into() }));
    assert_eq!(put("").expect("none is needed"), None);

    let message = |inside: &str| put(inside).expect_err("refused").message;
    assert_eq!(message("<Filter></Filter>"), "AnalyticsFilter must have exactly one member");
    let two = "<Filter><Prefix>p</Prefix><Tag><Key>k</Key><Value>v</Value></Tag></Filter>";
    assert_eq!(message(two), "AnalyticsFilter must have exactly one member");
    let unsupported =
        |path: &str| format!("The parameter AnalyticsConfiguration.{path} is not supported by eddy.");
    assert_eq!(message("<Filter><And><Prefix>p</Prefix></And></Filter>"), unsupported("Filter.And"));
    let target = "<S3BucketDestination><Format>CSV</Format><Bucket>b</Bucket></S3BucketDestination>";
    let export = format!(
        "<DataExport><OutputSchemaVersion>V_1</OutputSchemaVersion><Destination>{target}</Destination></DataExport>"
    );
    let export = put_with(&export, "").expect_err("refused").message;
    assert_eq!(export, unsupported("StorageClassAnalysis.DataExport"));
    let lacking = put("<Filter><Tag><Key>k</Key></Tag></Filter>").expect_err("refused");
    assert_eq!(lacking.code, "MalformedXML", "a tag has a value");
}

#[derive(Debug, PartialEq, Deserialize)]
struct Put {
    bucket: String,
    said: Said,
    key: String,
    sent: Sent,
}

#[derive(Debug, PartialEq, Deserialize)]
struct Said {
    content_type: Option<String>,
    metadata: Option<BTreeMap<String, String>>,
}

#[derive(Debug, PartialEq, Deserialize)]
struct Sent {
    checksum_crc32: Option<String>,
}

#[test]
fn a_struct_may_have_parts() {
    let put = |headers: &[(&str, &str)]| -> Result<Put, Error> {
        let request = headers
            .iter()
            .fold(http::Request::put("/b/k"), |request, (name, value)| request.header(*name, *value));
        let (routed, document) = read("s3", Protocol::RestXml, request, b"")?;
        from_document(routed.operation, document)
    };
    let all = [("content-type", "a/b"), ("x-amz-meta-c", "d"), ("x-amz-checksum-crc32", "AAAAAA==")];
    let whole = put(&all).expect("each member has its field");
    assert_eq!((whole.bucket.as_str(), whole.key.as_str()), ("b", "k"));
    let metadata = BTreeMap::from([("c".to_owned(), "d".to_owned())]);
    assert_eq!(whole.said, Said { content_type: Some("a/b".into()), metadata: Some(metadata) });
    assert_eq!(whole.sent.checksum_crc32.as_deref(), Some("AAAAAA=="));
    let none = put(&[]).expect("none is needed");
    assert_eq!(none.said, Said { content_type: None, metadata: None });
    let refused = put(&[("cache-control", "x")]).expect_err("no part has it");
    assert_eq!(refused.message, "The parameter CacheControl is not supported by eddy.");

    let operation = |name| schema::service("s3").and_then(|s3| s3.operation(name)).expect("it is there");
    assert_eq!(check_fields::<Put>(operation("PutObject")), Vec::<&str>::new());
    assert_eq!(check_fields::<Put>(operation("CreateMultipartUpload")), ["checksum_crc32"]);
    assert_eq!(
        check_fields::<Put>(operation("HeadBucket")),
        ["content_type", "metadata", "key", "checksum_crc32"]
    );
    let lacking = lacking_members::<Put>(operation("PutObject"));
    assert!(!lacking.contains(&"ContentType") && lacking.contains(&"CacheControl"), "{lacking:?}");
}

#[derive(Serialize)]
struct Told {
    etag: &'static str,
    sums: Sums,
}

#[derive(Serialize)]
struct Sums {
    checksum_crc32: Option<&'static str>,
    checksum_type: Option<&'static str>,
}

#[test]
fn an_answer_may_have_parts() {
    let tell = |name, kind| {
        let operation = schema::service("s3").and_then(|s3| s3.operation(name)).expect("it is there");
        let sums = Sums { checksum_crc32: Some("AAAAAA=="), checksum_type: kind };
        let told = to_document(operation, &Told { etag: "e", sums })?;
        Ok::<_, Error>(encode(operation, Protocol::RestXml, told, "id").headers().clone())
    };
    let headers = tell("PutObject", Some("FULL_OBJECT")).expect("it fits");
    for (name, value) in
        [("etag", "e"), ("x-amz-checksum-crc32", "AAAAAA=="), ("x-amz-checksum-type", "FULL_OBJECT")]
    {
        assert_eq!(headers[name], value);
    }
    let refused = tell("UploadPart", None).expect_err("a part's checksum has no type");
    assert!(refused.message.contains("checksum_type"), "{refused}");
}
