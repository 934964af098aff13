//! Lambda as its clients see it.

use std::io::{Cursor, Write as _};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::Full;
use serde_json::{Value, json};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use crate::harness::{Answer, HOST, House, open};

const ROLE: &str = "arn:aws:iam::000000000000:role/runs";
const ARN: &str = "arn:aws:lambda:us-east-1:000000000000:function:f";
const FUNCTIONS: &str = "/2015-03-31/functions";

fn zip(text: &str) -> String {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    writer.start_file("app.py", SimpleFileOptions::default()).expect("memory takes it");
    writer.write_all(text.as_bytes()).expect("memory takes it");
    BASE64.encode(writer.finish().expect("memory takes it").into_inner())
}

/// A house with a role that Lambda may assume.
pub(crate) async fn house() -> House {
    let house = open().await;
    let trust = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#;
    let made = house
        .query(
            "iam",
            "2010-05-08",
            "CreateRole",
            &[("RoleName", "runs"), ("AssumeRolePolicyDocument", trust)],
        )
        .await;
    assert_eq!(made.status, StatusCode::OK, "{made:?}");
    house
}

fn wanted() -> Value {
    json!({
        "FunctionName": "f", "Runtime": "python3.12", "Role": ROLE, "Handler": "app.handler",
        "Code": {"ZipFile": zip("x")},
    })
}

fn with(changes: Value) -> Value {
    let mut wanted = wanted();
    for (name, value) in changes.as_object().expect("an object") {
        wanted[name] = value.clone();
    }
    wanted
}

pub(crate) async fn create(house: &House, changes: Value) -> Answer {
    house.json("lambda", "POST", FUNCTIONS, with(changes)).await
}

async fn call(house: &House, method: &str, path: &str, body: Value) -> Answer {
    house.json("lambda", method, path, body).await
}

fn refused(answer: &Answer, status: u16, code: &str, text: &str) {
    assert_eq!((answer.status.as_u16(), answer.code().as_str()), (status, code), "{answer:?}");
    let document = answer.document();
    let message = document["message"].as_str().or(document["Message"].as_str()).expect("a message");
    assert!(message.contains(text), "{message} has no {text}");
}

#[tokio::test]
async fn a_function_is_made_and_shown() {
    let house = house().await;
    let made = create(
        &house,
        json!({"Environment": {"Variables": {"KEY": "b"}}, "Tags": {"t": "1"}, "PackageType": "Zip", "Publish": false,
               "VpcConfig": {}, "TracingConfig": {"Mode": "PassThrough"}}),
    )
    .await;
    assert_eq!(made.status, StatusCode::CREATED, "{made:?}");
    let document = made.document();
    for (member, value) in [
        ("FunctionArn", json!(ARN)),
        ("State", json!("Active")),
        ("LastUpdateStatus", json!("Successful")),
        ("Version", json!("$LATEST")),
        ("Timeout", json!(3)),
        ("MemorySize", json!(128)),
        ("PackageType", json!("Zip")),
        ("EphemeralStorage", json!({"Size": 512})),
        ("Environment", json!({"Variables": {"KEY": "b"}})),
        ("TracingConfig", json!({"Mode": "PassThrough"})),
        ("LoggingConfig", json!({"LogFormat": "Text", "LogGroup": "/aws/lambda/f"})),
    ] {
        assert_eq!(document[member], value, "{member}");
    }
    let got = call(&house, "GET", &format!("{FUNCTIONS}/f"), Value::Null).await.document();
    assert_eq!(got["Configuration"], document);
    assert_eq!(got["Tags"], json!({"t": "1"}));
    for name in [ARN, "function:f", "000000000000:function:f"] {
        let path = format!("{FUNCTIONS}/{}/configuration", name.replace(':', "%3A"));
        assert_eq!(call(&house, "GET", &path, Value::Null).await.document(), document, "{name}");
    }
    let path = format!("{FUNCTIONS}/f/configuration?Qualifier=$LATEST");
    let latest = call(&house, "GET", &path, Value::Null).await.document();
    assert_eq!(latest["FunctionArn"], format!("{ARN}:$LATEST"));
    refused(&create(&house, json!({})).await, 409, "ResourceConflictException", "Function already exist: f");
}

#[tokio::test]
async fn the_package_can_be_fetched() {
    let house = house().await;
    create(&house, json!({})).await;
    let got = call(&house, "GET", &format!("{FUNCTIONS}/f"), Value::Null).await.document();
    let location = got["Code"]["Location"].as_str().expect("a location").to_owned();
    let fetch = |link: &str| {
        let head =
            Request::get(link.trim_start_matches(&format!("http://{HOST}"))).body(()).expect("a request");
        eddy_aws::lambda::package_url::serve(house.front.engines(), &head.into_parts().0)
    };
    let answer = fetch(&location);
    assert_eq!(answer.status(), StatusCode::OK);
    let body = http_body_util::BodyExt::collect(answer.into_body()).await.expect("a body").to_bytes();
    assert_eq!(BASE64.encode(&body), zip("x"));
    let forged = location.replace("/f/", "/g/");
    assert_eq!(fetch(&forged).status(), StatusCode::FORBIDDEN);
    assert_eq!(fetch(&format!("{location}0")).status(), StatusCode::FORBIDDEN);
    let later = location.replace("expires=", "expires=9");
    assert_eq!(fetch(&later).status(), StatusCode::FORBIDDEN);
    call(&house, "PUT", &format!("{FUNCTIONS}/f/code"), json!({"ZipFile": zip("y")})).await;
    assert_eq!(fetch(&location).status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn bad_functions_are_refused() {
    let house = house().await;
    let invalid = "InvalidParameterValueException";
    let long: String = "x".repeat(5_000);
    let cases = [
        (
            json!({"Role": "arn:aws:iam::111111111111:role/runs"}),
            403,
            "AccessDeniedException",
            "iam:PassRole",
        ),
        (json!({"Runtime": null}), 400, invalid, "Runtime and Handler are mandatory"),
        (json!({"Runtime": "nodejs20.x"}), 400, invalid, "nodejs20.x"),
        (json!({"Code": {}}), 400, invalid, "Please provide a source"),
        (json!({"Code": {"ZipFile": ""}}), 400, invalid, "non-empty zip"),
        (
            json!({"Code": {"ZipFile": BASE64.encode("no zip")}}),
            400,
            invalid,
            "Could not unzip uploaded file. Please check your file, then try to upload again.",
        ),
        (
            json!({"Code": {"ZipFile": BASE64.encode([b"PK\x05\x06".as_slice(), &[0; 18]].concat())}}),
            400,
            invalid,
            "Uploaded file must be a non-empty zip",
        ),
        (json!({"Tags": {"aws:x": "1"}}), 400, invalid, "aws: prefixed tag key names"),
        (json!({"Code": {"S3Bucket": "none", "S3Key": "k"}}), 400, invalid, "S3 Error Code: NoSuchBucket"),
        (json!({"Code": {"ImageUri": "a/b:c"}}), 400, invalid, "ImageUri"),
        (json!({"Timeout": 901}), 400, "ValidationException", "'timeout'"),
        (json!({"MemorySize": 10_241}), 400, "ValidationException", "10240"),
        (json!({"FunctionName": "x".repeat(65)}), 400, "ValidationException", "64"),
        (
            json!({"Environment": {"Variables": {"AWS_REGION": "x"}}}),
            400,
            invalid,
            "Reserved keys used in this request: AWS_REGION",
        ),
        (json!({"Environment": {"Variables": {"KEY": long}}}), 400, invalid, "4KB"),
        (json!({"Layers": ["arn:aws:lambda:us-east-1:000000000000:layer:l:1"]}), 400, invalid, "Layers"),
        (json!({"Publish": true}), 400, invalid, "Publish"),
        (json!({"PackageType": "Image"}), 400, invalid, "PackageType"),
        (
            json!({"DeadLetterConfig": {"TargetArn": "arn:aws:sqs:us-east-1:000000000000:q"}}),
            400,
            invalid,
            "DeadLetterConfig",
        ),
    ];
    for (changes, status, code, text) in cases {
        refused(&create(&house, changes).await, status, code, text);
    }
    let none = call(&house, "GET", FUNCTIONS, Value::Null).await.document();
    assert_eq!(none["Functions"], json!([]));
}

#[tokio::test]
async fn what_is_not_there() {
    let house = house().await;
    let missing = "ResourceNotFoundException";
    for (method, path) in [
        ("GET", ""),
        ("GET", "/configuration"),
        ("DELETE", ""),
        ("POST", "/invocations"),
        ("GET", "/policy"),
        ("GET", "/versions"),
    ] {
        let answer = call(&house, method, &format!("{FUNCTIONS}/f{path}"), Value::Null).await;
        refused(&answer, 404, missing, &format!("Function not found: {ARN}"));
    }
    create(&house, json!({})).await;
    let answer = call(&house, "GET", &format!("{FUNCTIONS}/f?Qualifier=7"), Value::Null).await;
    refused(&answer, 404, missing, &format!("Function not found: {ARN}:7"));
    let answer = call(&house, "GET", &format!("{FUNCTIONS}/f%3A7?Qualifier=8"), Value::Null).await;
    refused(&answer, 400, "InvalidParameterValueException", "The derived qualifier");
    let elsewhere = "arn%3Aaws%3Alambda%3Aeu-west-1%3A000000000000%3Afunction%3Af";
    let answer = call(&house, "GET", &format!("{FUNCTIONS}/{elsewhere}"), Value::Null).await;
    refused(
        &answer,
        404,
        missing,
        "Functions from 'eu-west-1' are not reachable in this region ('us-east-1')",
    );
}

#[tokio::test]
async fn changes_are_guarded_by_revisions() {
    let house = house().await;
    let first = create(&house, json!({})).await.document();
    let path = format!("{FUNCTIONS}/f/configuration");
    let changed =
        call(&house, "PUT", &path, json!({"Timeout": 7, "RevisionId": first["RevisionId"]})).await.document();
    assert_eq!(changed["Timeout"], 7);
    assert_ne!(changed["RevisionId"], first["RevisionId"]);
    let stale = call(&house, "PUT", &path, json!({"Timeout": 8, "RevisionId": first["RevisionId"]})).await;
    refused(&stale, 412, "PreconditionFailedException", "does not match the latest Revision Id");

    let code = format!("{FUNCTIONS}/f/code");
    let dry = call(&house, "PUT", &code, json!({"ZipFile": zip("y"), "DryRun": true})).await.document();
    assert_ne!(dry["CodeSha256"], first["CodeSha256"]);
    let got = call(&house, "GET", &path, Value::Null).await.document();
    assert_eq!(got["CodeSha256"], first["CodeSha256"], "a dry run changes nothing");
    let stale = call(&house, "PUT", &code, json!({"ZipFile": zip("y"), "RevisionId": "none"})).await;
    refused(&stale, 412, "PreconditionFailedException", "");
    let updated = call(&house, "PUT", &code, json!({"ZipFile": zip("y")})).await.document();
    assert_eq!(updated["CodeSha256"], dry["CodeSha256"]);
}

#[tokio::test]
async fn lists_have_pages() {
    let house = house().await;
    for n in 0..3 {
        create(&house, json!({"FunctionName": format!("f{n}")})).await;
    }
    let page = call(&house, "GET", &format!("{FUNCTIONS}?MaxItems=2"), Value::Null).await.document();
    let names = |page: &Value| -> Vec<String> {
        let functions = page["Functions"].as_array().expect("a list");
        functions
            .iter()
            .map(|function| function["FunctionName"].as_str().unwrap_or_default().to_owned())
            .collect()
    };
    assert_eq!(names(&page), ["f0", "f1"]);
    let marker = page["NextMarker"].as_str().expect("there is more").to_owned();
    let rest =
        call(&house, "GET", &format!("{FUNCTIONS}?MaxItems=2&Marker={marker}"), Value::Null).await.document();
    assert_eq!((names(&rest), &rest["NextMarker"]), (vec!["f2".to_owned()], &Value::Null));
    let wrong = call(&house, "GET", &format!("{FUNCTIONS}?Marker=***"), Value::Null).await;
    refused(&wrong, 400, "InvalidParameterValueException", "marker");
    let settings = call(&house, "GET", "/2016-08-19/account-settings", Value::Null).await.document();
    assert_eq!(settings["AccountUsage"]["FunctionCount"], 3);
}

#[tokio::test]
async fn invocations() {
    let house = house().await;
    create(&house, json!({"Environment": {"Variables": {"KEY": "b"}}})).await;
    let path = format!("{FUNCTIONS}/f/invocations");
    let answer = call(&house, "POST", &path, json!({"n": 1})).await;
    assert_eq!((answer.status, answer.header("x-amz-executed-version")), (StatusCode::OK, "$LATEST"));
    let seen = answer.document();
    assert_eq!(seen["event"], json!({"n": 1}));
    assert_eq!(seen["arn"], ARN);
    assert_eq!(seen["request"], answer.header("x-amzn-requestid"));
    assert_eq!(seen["variables"], json!([["KEY", "b"]]));
    assert_eq!(answer.header("x-amz-function-error"), "");

    let empty = call(&house, "POST", &path, Value::Null).await.document();
    assert_eq!(empty["event"], json!({}));
    let raised = call(&house, "POST", &path, json!("raise")).await;
    assert_eq!((raised.status, raised.header("x-amz-function-error")), (StatusCode::OK, "Unhandled"));
    assert_eq!(raised.document()["errorType"], "KeyError");
    let deleted = call(&house, "DELETE", &format!("{FUNCTIONS}/f"), Value::Null).await;
    assert_eq!(deleted.status, StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn headers_of_invocations() {
    let house = house().await;
    create(&house, json!({})).await;
    let send = async |headers: &[(&str, &str)], body: &'static [u8]| {
        let mut request = Request::post(format!("{FUNCTIONS}/f/invocations")).header("host", HOST);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        house.signed("lambda", request.body(Bytes::from_static(body)).expect("a request")).await
    };
    let tail = send(&[("x-amz-log-type", "Tail")], b"1").await;
    let log = BASE64.decode(tail.header("x-amz-log-result")).expect("base64");
    let log = String::from_utf8(log).expect("text");
    let id = tail.header("x-amzn-requestid");
    assert!(
        log.starts_with(&format!("START RequestId: {id} Version: $LATEST\nprinted\nEND RequestId: {id}\n")),
        "{log}"
    );
    let context = BASE64.encode(r#"{"custom":{"a":1}}"#);
    let seen = send(&[("x-amz-client-context", &context)], b"1").await.document();
    assert_eq!(seen["context"], json!({"custom": {"a": 1}}));
    let dry = send(&[("x-amz-invocation-type", "DryRun")], b"1").await;
    assert_eq!((dry.status, dry.body.as_str()), (StatusCode::NO_CONTENT, ""));
    let accepted = send(&[("x-amz-invocation-type", "Event")], b"1").await;
    assert_eq!((accepted.status, accepted.body.as_str()), (StatusCode::ACCEPTED, ""));
    let garbage = send(&[], b"{no").await;
    refused(&garbage, 400, "InvalidRequestContentException", "Could not parse request body into json");
    let wrong = send(&[("x-amz-client-context", "***")], b"1").await;
    refused(&wrong, 400, "InvalidRequestContentException", "Client context");
}

#[tokio::test]
async fn payloads_have_limits() {
    let house = house().await;
    create(&house, json!({})).await;
    let send = async |kind: &str, bytes: usize| {
        let body = format!("\"{}\"", "x".repeat(bytes - 2));
        let request = Request::post(format!("{FUNCTIONS}/f/invocations")).header("host", HOST);
        let request = request.header("x-amz-invocation-type", kind).body(body.into()).expect("a request");
        house.signed("lambda", request).await
    };
    assert_eq!(send("RequestResponse", 6 << 20).await.status, StatusCode::OK);
    let large = send("RequestResponse", (6 << 20) + 1).await;
    refused(&large, 413, "RequestTooLargeException", "6291456 bytes for the InvokeFunction operation");
    assert_eq!(send("Event", 1 << 20).await.status, StatusCode::ACCEPTED);
    let large = send("Event", (1 << 20) + 1).await;
    let text = "1048577 byte payload is too large for the Event invocation type (limit 1048576 bytes)";
    refused(&large, 413, "RequestEntityTooLargeException", text);
}

#[tokio::test]
async fn policies() {
    let house = house().await;
    create(&house, json!({})).await;
    let path = format!("{FUNCTIONS}/f/policy");
    refused(
        &call(&house, "GET", &path, Value::Null).await,
        404,
        "ResourceNotFoundException",
        "does not exist",
    );
    let permission = json!({"StatementId": "s", "Action": "lambda:InvokeFunction", "Principal": "s3.amazonaws.com",
                            "SourceArn": "arn:aws:s3:::b"});
    let added = call(&house, "POST", &path, permission.clone()).await;
    assert_eq!(added.status, StatusCode::CREATED, "{added:?}");
    let document = added.document();
    let statement: Value =
        serde_json::from_str(document["Statement"].as_str().expect("a text")).expect("JSON");
    assert_eq!(statement["Condition"], json!({"ArnLike": {"AWS:SourceArn": "arn:aws:s3:::b"}}));
    let twice = call(&house, "POST", &path, permission).await;
    refused(&twice, 409, "ResourceConflictException", "The statement id (s) provided already exists");
    for principal in ["arn:aws:iam::x:y", "somebody", "arn:aws:s3:::b"] {
        let odd = json!({"StatementId": "o", "Action": "lambda:InvokeFunction", "Principal": principal});
        let odd = call(&house, "POST", &path, odd).await;
        refused(&odd, 400, "InvalidParameterValueException", "principal was invalid");
    }
    let got = call(&house, "GET", &path, Value::Null).await.document();
    let policy: Value = serde_json::from_str(got["Policy"].as_str().expect("a text")).expect("JSON");
    assert_eq!(policy, json!({"Version": "2012-10-17", "Id": "default", "Statement": [statement]}));
    let function = call(&house, "GET", &format!("{FUNCTIONS}/f/configuration"), Value::Null).await.document();
    assert_eq!(got["RevisionId"], function["RevisionId"]);
    let stale = call(&house, "DELETE", &format!("{path}/s?RevisionId=none"), Value::Null).await;
    refused(&stale, 412, "PreconditionFailedException", "");
    let none = call(&house, "DELETE", &format!("{path}/t"), Value::Null).await;
    refused(&none, 404, "ResourceNotFoundException", "Statement t is not found in resource policy.");
    let removed = call(&house, "DELETE", &format!("{path}/s"), Value::Null).await;
    assert_eq!((removed.status, removed.body.as_str()), (StatusCode::NO_CONTENT, ""));
    assert_eq!(call(&house, "GET", &path, Value::Null).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn urls() {
    let house = house().await;
    create(&house, json!({})).await;
    let path = "/2021-10-31/functions/f/url";
    refused(&call(&house, "GET", path, Value::Null).await, 404, "ResourceNotFoundException", "");
    let wanted = json!({"AuthType": "NONE", "Cors": {"AllowOrigins": ["*"], "MaxAge": 5}});
    let made = call(&house, "POST", path, wanted.clone()).await;
    assert_eq!(made.status, StatusCode::CREATED, "{made:?}");
    let made = made.document();
    assert!(
        made["FunctionUrl"].as_str().is_some_and(|url| url.starts_with(&format!("http://{HOST}/_eddy/url/")))
    );
    assert_eq!((&made["InvokeMode"], &made["Cors"]), (&json!("BUFFERED"), &wanted["Cors"]));
    let twice = call(&house, "POST", path, wanted).await;
    refused(&twice, 409, "ResourceConflictException", "FunctionUrlConfig exists for this Lambda function");
    let changed = call(&house, "PUT", path, json!({"AuthType": "AWS_IAM"})).await.document();
    assert_eq!((&changed["AuthType"], &changed["Cors"]), (&json!("AWS_IAM"), &made["Cors"]));
    assert_eq!(changed["FunctionUrl"], made["FunctionUrl"]);
    let streams = call(&house, "PUT", path, json!({"InvokeMode": "RESPONSE_STREAM"})).await;
    refused(&streams, 400, "InvalidParameterValueException", "RESPONSE_STREAM");
    let all = call(&house, "GET", "/2021-10-31/functions/f/urls", Value::Null).await.document();
    assert_eq!(all["FunctionUrlConfigs"].as_array().map(Vec::len), Some(1));
    assert_eq!(call(&house, "DELETE", path, Value::Null).await.status, StatusCode::NO_CONTENT);
    assert_eq!(call(&house, "DELETE", path, Value::Null).await.status, StatusCode::NOT_FOUND);
    let all = call(&house, "GET", "/2021-10-31/functions/f/urls", Value::Null).await.document();
    assert_eq!(all["FunctionUrlConfigs"], json!([]));
}

#[tokio::test]
async fn retries_of_asynchronous_invocation() {
    let house = house().await;
    create(&house, json!({})).await;
    let path = "/2019-09-25/functions/f/event-invoke-config";
    let none = call(&house, "GET", path, Value::Null).await;
    refused(
        &none,
        404,
        "ResourceNotFoundException",
        &format!("The function {ARN}:$LATEST doesn't have an EventInvokeConfig"),
    );
    refused(
        &call(&house, "PUT", path, json!({})).await,
        400,
        "InvalidParameterValueException",
        "at least one",
    );
    let put = call(
        &house,
        "PUT",
        path,
        json!({"MaximumRetryAttempts": 1, "DestinationConfig": {"OnSuccess": {}, "OnFailure": {}}}),
    )
    .await
    .document();
    assert_eq!(
        (&put["MaximumRetryAttempts"], &put["FunctionArn"]),
        (&json!(1), &json!(format!("{ARN}:$LATEST")))
    );
    assert!(put["LastModified"].is_number(), "{put}");
    let update = call(&house, "POST", path, json!({"MaximumEventAgeInSeconds": 60})).await.document();
    assert_eq!(
        (&update["MaximumRetryAttempts"], &update["MaximumEventAgeInSeconds"]),
        (&json!(1), &json!(60))
    );
    let far =
        json!({"DestinationConfig": {"OnFailure": {"Destination": "arn:aws:sqs:us-east-1:000000000000:q"}}});
    refused(&call(&house, "PUT", path, far).await, 400, "InvalidParameterValueException", "OnFailure");
    refused(
        &call(&house, "PUT", path, json!({"MaximumRetryAttempts": 3})).await,
        400,
        "ValidationException",
        "maximumRetryAttempts",
    );
    let all = call(&house, "GET", &format!("{path}/list"), Value::Null).await.document();
    assert_eq!(all["FunctionEventInvokeConfigs"].as_array().map(Vec::len), Some(1));
    assert_eq!(call(&house, "DELETE", path, Value::Null).await.status, StatusCode::NO_CONTENT);
    assert_eq!(
        call(&house, "POST", path, json!({"MaximumRetryAttempts": 0})).await.status,
        StatusCode::NOT_FOUND
    );
}

#[tokio::test]
async fn tags_and_what_tools_ask_for() {
    let house = house().await;
    create(&house, json!({})).await;
    let path = format!("/2017-03-31/tags/{}", ARN.replace(':', "%3A"));
    assert_eq!(
        call(&house, "POST", &path, json!({"Tags": {"a": "1", "b": "2"}})).await.status,
        StatusCode::NO_CONTENT
    );
    assert_eq!(
        call(&house, "DELETE", &format!("{path}?tagKeys=a"), Value::Null).await.status,
        StatusCode::NO_CONTENT
    );
    assert_eq!(call(&house, "GET", &path, Value::Null).await.document(), json!({"Tags": {"b": "2"}}));
    for (path, expected) in [
        ("/2019-09-30/functions/f/concurrency", json!({})),
        ("/2024-08-31/functions/f/recursion-config", json!({"RecursiveLoop": "Terminate"})),
        (
            "/2021-07-20/functions/f/runtime-management-config",
            json!({"UpdateRuntimeOn": "Auto", "FunctionArn": format!("{ARN}:$LATEST")}),
        ),
    ] {
        assert_eq!(call(&house, "GET", path, Value::Null).await.document(), expected, "{path}");
    }
    let signing = call(&house, "GET", "/2020-06-30/functions/f/code-signing-config", Value::Null).await;
    assert_eq!(signing.status, StatusCode::OK);
    let versions = call(&house, "GET", &format!("{FUNCTIONS}/f/versions"), Value::Null).await.document();
    assert_eq!(versions["Versions"][0]["FunctionArn"], format!("{ARN}:$LATEST"));
}

#[tokio::test]
async fn unsigned_callers_are_refused() {
    let house = house().await;
    create(&house, json!({})).await;
    let request = Request::post(format!("{FUNCTIONS}/f/invocations")).header("host", HOST);
    let answer = house.send(request.body(Full::from("1")).expect("a request")).await;
    assert_ne!(answer.status, StatusCode::OK);
}
