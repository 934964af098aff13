//! Constraints of the models, in Amazon's words.

use bytes::Bytes;
use eddy_wire::{Protocol, Routed, decode, schema, validate};

/// What is said to a body in JSON.
fn told(service: &str, operation: &str, body: &str) -> String {
    let service = schema::service(service).expect("a service");
    let routed = Routed::new(service.operation(operation).expect("an operation"));
    let head = http::Request::post("/").body(()).expect("a request").into_parts().0;
    let document = decode(&routed, Protocol::AwsJson11, &head, Bytes::copy_from_slice(body.as_bytes()));
    match validate(routed.operation, &document.expect("it can be read")) {
        Ok(()) => String::new(),
        Err(error) => error.message,
    }
}

fn check(service: &str, operation: &str, body: &str, expected: &[&str]) {
    let count = expected.len();
    let noun = if count == 1 { "error" } else { "errors" };
    let expected = match count {
        0 => String::new(),
        _ => format!("{count} validation {noun} detected: {}", expected.join("; ")),
    };
    assert_eq!(told(service, operation, body), expected, "{operation} {body}");
}

#[test]
fn enums_lengths_and_ranges() {
    check(
        "dynamodb",
        "CreateTable",
        r#"{"TableName":"ab","KeySchema":[{"AttributeName":"","KeyType":"KEY"}],"BillingMode":"FREE"}"#,
        &[
            "Value '' at 'keySchema.1.member.attributeName' failed to satisfy constraint: Member must have length \
             greater than or equal to 1",
            "Value 'KEY' at 'keySchema.1.member.keyType' failed to satisfy constraint: Member must satisfy enum \
             value set: [HASH, RANGE]",
            "Value 'FREE' at 'billingMode' failed to satisfy constraint: Member must satisfy enum value set: \
             [PROVISIONED, PAY_PER_REQUEST]",
        ],
    );
    check(
        "events",
        "PutRule",
        r#"{"Name":"a b"}"#,
        &[
            "Value 'a b' at 'name' failed to satisfy constraint: Member must satisfy regular expression pattern: \
           [\\.\\-_A-Za-z0-9]+",
        ],
    );
    check(
        "logs",
        "DescribeLogGroups",
        r#"{"limit":0}"#,
        &[
            "Value '0' at 'limit' failed to satisfy constraint: Member must have value greater than or equal to 1",
        ],
    );
    check("logs", "DescribeLogGroups", r#"{"limit":50}"#, &[]);
}

#[test]
fn single_values_of_collections_are_told_together() {
    check(
        "logs",
        "TagLogGroup",
        r#"{"logGroupName":"g","tags":{"a":"v","":"w"}}"#,
        &[
            "Value '{a=v, =w}' at 'tags' failed to satisfy constraint: Map keys must satisfy constraint: [Member must \
           have length less than or equal to 128, Member must have length greater than or equal to 1, Member must \
           satisfy regular expression pattern: ^([\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]+)$]",
        ],
    );
    check(
        "logs",
        "DescribeQueryDefinitions",
        r#"{"maxResults":5000}"#,
        &[
            "Value '5000' at 'maxResults' failed to satisfy constraint: Member must have value less than or equal \
           to 1000",
        ],
    );
    check(
        "kinesis",
        "EnableEnhancedMonitoring",
        r#"{"ShardLevelMetrics":["None"]}"#,
        &[
            "Value '[None]' at 'shardLevelMetrics' failed to satisfy constraint: Member must satisfy constraint: \
           [Member must satisfy enum value set: [IncomingBytes, IncomingRecords, OutgoingBytes, OutgoingRecords, \
           WriteProvisionedThroughputExceeded, ReadProvisionedThroughputExceeded, IteratorAgeMilliseconds, ALL]]",
        ],
    );
}

#[test]
fn secrets_are_not_repeated() {
    let message = told("kms", "Encrypt", r#"{"KeyId":"k","Plaintext":""}"#);
    assert_eq!(
        message,
        "1 validation error detected: Value at 'plaintext' failed to satisfy constraint: Member must have length \
         greater than or equal to 1"
    );
}

#[test]
fn length_counts_as_java_does() {
    let name = |text: &str| {
        format!(
            r#"{{"logGroupName":"g","filterName":"{text}","filterPattern":"","metricTransformations":[{{"metricName":"m","metricNamespace":"n","metricValue":"1"}}]}}"#
        )
    };
    // 256 characters outside of the basic plane are 512 units.
    assert_eq!(told("logs", "PutMetricFilter", &name(&"\u{1F600}".repeat(256))), "");
    assert!(
        told("logs", "PutMetricFilter", &name(&"\u{1F600}".repeat(257)))
            .contains("less than or equal to 512")
    );
}

#[test]
fn a_long_list_of_faults_is_cut() {
    let entries = vec!["{}"; 300].join(",");
    let message = told("logs", "PutLogEvents", &format!(r#"{{"logEvents":[{entries}]}}"#));
    assert!(message.starts_with("602 validation errors detected: "), "{message}");
    assert_eq!(message.matches("; ").count(), 99);
}
