//! The path itself: who is let in, who is told what, and what never happens to the body.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use eddy_aws::{Auth, Plane};
use eddy_base::{Cause, Timestamp};
use eddy_telemetry::{News, Node};
use eddy_wire::sign::{Credentials, Payload, Signer};
use http::{Method, Request};
use http_body::Frame;
use http_body_util::Full;

use crate::harness::{Answer, HOST, House, form, open, open_with};

/// A body that must not be read.
struct Closed;

impl http_body::Body for Closed {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        panic!("the body was read")
    }
}

fn request(method: &str, uri: &str, headers: &[(&str, &str)]) -> Request<Bytes> {
    let mut request = Request::builder().method(method).uri(uri).header("host", HOST);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(Bytes::new()).expect("a request")
}

/// One request for each way that a service may be asked: signing name, request.
fn ways() -> Vec<(&'static str, Request<Bytes>)> {
    let json = ("content-type", "application/x-amz-json-1.0");
    vec![
        ("s3", request("GET", "/bucket/key", &[])),
        ("sts", form("2011-06-15", "GetCallerIdentity", &[])),
        ("lambda", request("GET", "/2015-03-31/functions", &[])),
        ("dynamodb", request("POST", "/", &[json, ("x-amz-target", "DynamoDB_20120810.ListTables")])),
        (
            "monitoring",
            request(
                "POST",
                "/service/GraniteServiceVersion20100801/operation/ListMetrics",
                &[("smithy-protocol", "rpc-v2-cbor")],
            ),
        ),
    ]
}

fn told(answer: &Answer) -> (u16, String) {
    (answer.status.as_u16(), answer.code())
}

async fn tell(house: &House, credentials: &Credentials, at: Timestamp) -> Vec<(u16, String)> {
    let mut all = Vec::new();
    for (service, request) in ways() {
        let (mut head, body) = request.into_parts();
        let payload = Payload::Hash(eddy_wire::sign::sha256_hex(&body));
        Signer { credentials, region: "us-east-1", service, at }.sign(&mut head, &payload);
        let answer = house.send(Request::from_parts(head, Full::new(body))).await;
        all.push(told(&answer));
    }
    all
}

fn expect(codes: [(u16, &str); 4]) -> Vec<(u16, String)> {
    codes.iter().map(|(status, code)| (*status, (*code).to_owned())).collect()
}

#[tokio::test]
async fn each_service_refuses_in_its_own_words() {
    let house = open().await;
    let (root, now) = (house.root(), house.front.engines().store.env().now());
    let unknown = Credentials { access_key: "test".into(), secret_key: "test".into(), token: None };
    let wrong = Credentials { secret_key: "wrong".into(), ..root.clone() };
    let past = Timestamp::from_seconds(now.seconds() - 1000);
    let future = now.plus(Duration::from_secs(1000));
    let mismatch = expect([
        (403, "SignatureDoesNotMatch"),
        (403, "SignatureDoesNotMatch"),
        (403, "InvalidSignatureException"),
        (400, "InvalidSignatureException"),
    ]);
    let mut skewed = mismatch.clone();
    skewed[0].1 = "RequestTimeTooSkewed".to_owned();
    let cases = [
        (
            &unknown,
            now,
            expect([
                (403, "InvalidAccessKeyId"),
                (403, "InvalidClientTokenId"),
                (403, "UnrecognizedClientException"),
                (400, "UnrecognizedClientException"),
            ]),
        ),
        (&wrong, now, mismatch),
        (&root, past, skewed.clone()),
        (&root, future, skewed),
    ];
    for (credentials, at, expected) in cases {
        let all = tell(&house, credentials, at).await;
        assert_eq!(all[..4], expected, "{credentials:?} {at:?}");
        assert_eq!(all[4].0, 400);
    }
}

#[tokio::test]
async fn an_unknown_key_gets_a_hint_and_its_body_is_not_read() {
    let house = open().await;
    let unknown = Credentials { access_key: "test".into(), secret_key: "test".into(), token: None };
    for (service, request) in ways() {
        let signed = house.sign(&unknown, service, request);
        let answer = house.send(signed.map(|_| Closed)).await;
        assert!(matches!(answer.status.as_u16(), 400 | 403), "{answer:?}");
        assert!(answer.body.contains("eddy env"), "{answer:?}");
    }
}

#[tokio::test]
async fn without_a_signature_only_forms_and_s3_are_looked_at() {
    let house = open().await;
    for (service, request) in ways() {
        // A path that nobody signed for is anonymous S3's, whoever's it looks like.
        let answer = if matches!(service, "lambda" | "s3" | "sts") {
            house.send(request.map(Full::new)).await
        } else {
            house.send(request.map(|_| Closed)).await
        };
        assert!(answer.status.is_client_error() || answer.status == 501, "{service} {answer:?}");
        assert_ne!(answer.code(), "", "{service} {answer:?}");
    }
    let large = Full::new(Bytes::from(vec![b'a'; 70_000]));
    let answer = house.send(form("2011-06-15", "AssumeRoleWithWebIdentity", &[]).map(|_| large)).await;
    assert_eq!(answer.status, 413, "{answer:?}");
}

#[tokio::test]
async fn a_panic_is_an_internal_error() {
    let house = open().await;
    let signed = house.sign(&house.root(), "sts", form("2011-06-15", "GetCallerIdentity", &[]));
    let answer = house.send(signed.map(|_| Closed)).await;
    assert_eq!(told(&answer), (500, "InternalFailure".to_owned()));
    assert_eq!(answer.xml("RequestId"), Some(answer.header("x-amzn-requestid")));
}

#[tokio::test]
async fn what_eddy_lacks_is_refused_by_name_in_the_clients_own_protocol() {
    let house = open().await;
    let json = ("content-type", "application/x-amz-json-1.0");
    for (service, request, expected) in [
        ("sqs", request("POST", "/", &[json, ("x-amz-target", "AmazonSQS.CreateQueue")]), "sqs:CreateQueue"),
        ("sqs", form("2012-11-05", "CreateQueue", &[("QueueName", "q")]), "sqs:CreateQueue"),
        ("sns", form("2010-03-31", "CreateTopic", &[("Name", "t")]), "sns:CreateTopic"),
        ("scheduler", request("GET", "/schedules", &[]), "scheduler:ListSchedules"),
        ("ec2", form("2016-11-15", "DescribeInstances", &[]), "service ec2"),
        ("route53", request("GET", "/2013-04-01/hostedzone", &[]), "service route53"),
        ("eks", request("GET", "/clusters", &[]), "service eks"),
        (
            "ecr",
            request("POST", "/", &[json, ("x-amz-target", "AmazonEC2ContainerRegistry_V20150921.X")]),
            "service AmazonEC2ContainerRegistry_V20150921",
        ),
    ] {
        let answer = house.signed(service, request).await;
        assert!(answer.status.is_client_error() || answer.status == 501, "{answer:?}");
        assert!(
            answer
                .body
                .contains(&format!("eddy does not support {}", expected.replace("service ", "the service "))),
            "{answer:?}"
        );
        assert_ne!(answer.code(), "");
        assert_ne!(answer.header("x-amzn-requestid"), "");
    }
}

#[tokio::test]
async fn google_is_told_so() {
    let house = open().await;
    let answer = house.send(request("GET", "/storage/v1/b", &[]).map(Full::new)).await;
    assert_eq!(answer.status, 501);
    assert!(answer.body.contains("UNIMPLEMENTED"));
    let grpc =
        request("POST", "/google.pubsub.v1.Publisher/Publish", &[("content-type", "application/grpc")]);
    assert_eq!(house.send(grpc.map(Full::new)).await.header("grpc-status"), "12");
}

#[tokio::test]
async fn head_has_no_body_and_garbage_has_a_request_id() {
    let house = open().await;
    let answer = house.send(request("HEAD", "/bucket/key", &[]).map(Full::new)).await;
    assert!(answer.status.is_client_error() || answer.status == 501);
    assert_eq!(answer.body, "");
    for (method, uri, headers) in [
        ("POST", "/", vec![("authorization", "AWS4-HMAC-SHA256 nonsense")]),
        ("PUT", "/%ff%fe", vec![]),
        ("BREW", "/", vec![("x-amz-target", ".")]),
        (
            "POST",
            "/",
            vec![("content-type", "application/x-www-form-urlencoded"), ("authorization", "Basic YTpi")],
        ),
    ] {
        let answer = house
            .send(request(method, uri, &headers).map(|_| Full::new(Bytes::from_static(b"\xff\x00"))))
            .await;
        assert!(answer.status.is_client_error() || answer.status == 501, "{answer:?}");
        let id = [answer.header("x-amz-request-id"), answer.header("x-amzn-requestid")].concat();
        assert_eq!(id.len(), 36, "{answer:?}");
    }
}

#[tokio::test]
async fn signatures_in_the_query() {
    let house = open().await;
    let (root, at) = (house.root(), house.front.engines().store.env().now());
    let uri = format!("http://{HOST}/?Action=GetCallerIdentity&Version=2011-06-15").parse().expect("a URI");
    let presign = |at: Timestamp| {
        let signer = Signer { credentials: &root, region: "eu-central-1", service: "sts", at };
        signer.presign(Method::GET, &uri, Duration::from_secs(60))
    };
    let get = |url: String| Request::get(url).body(Full::new(Bytes::new())).expect("a request");
    let answer = house.send(get(presign(at))).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let answer = house.send(get(presign(at).replace("GetCaller", "GetCallex"))).await;
    assert_eq!(told(&answer), (403, "SignatureDoesNotMatch".to_owned()));
    let answer = house.send(get(presign(Timestamp::from_seconds(at.seconds() - 61)))).await;
    assert_eq!(told(&answer), (403, "SignatureDoesNotMatch".to_owned()));
    assert!(answer.body.contains("Signature expired"), "{answer:?}");
}

#[tokio::test]
async fn a_signature_opens_only_its_service_and_its_body() {
    let house = open().await;
    let target = [("x-amz-target", "DynamoDB_20120810.ListTables")];
    let answer = house.signed("sqs", request("POST", "/", &target)).await;
    assert_eq!(told(&answer), (400, "InvalidSignatureException".to_owned()));
    assert!(answer.body.contains("Credential should be scoped to correct service: 'dynamodb'."));
    let signed = house.sign(&house.root(), "iam", form("2010-05-08", "ListRoles", &[]));
    let other = Bytes::from_static(b"Action=DeleteRole&Version=2010-05-08&RoleName=x");
    let answer = house.send(signed.map(|_| Full::new(other))).await;
    assert!(answer.status.is_client_error(), "{answer:?}");
}

#[tokio::test]
async fn without_auth_everyone_is_root() {
    let house = open_with(Auth::None).await;
    let answer = house.send(form("2011-06-15", "GetCallerIdentity", &[]).map(Full::new)).await;
    assert_eq!(answer.xml("Arn"), Some("arn:aws:iam::000000000000:root"), "{answer:?}");
    let unknown = Credentials { access_key: "test".into(), secret_key: "test".into(), token: None };
    let answer = house.signed_by(&unknown, "iam", form("2010-05-08", "ListRoles", &[])).await;
    assert_eq!(answer.status, 200, "{answer:?}");
}

#[tokio::test]
async fn each_request_is_counted_and_a_node_of_the_trace() {
    let house = open().await;
    let telemetry = &house.front.engines().telemetry;
    let mut news = telemetry.news();
    house.query("sts", "2011-06-15", "GetCallerIdentity", &[]).await;
    house.send(request("GET", "/bucket/a%20b%0a", &[]).map(Full::new)).await;
    let mut ended = Vec::new();
    while let Ok(event) = news.try_recv() {
        match event {
            News::Began(_) => {}
            News::Ended(node) => ended.push(node),
        }
    }
    let seen = |node: &Node| (node.label.clone(), node.outcome.clone(), node.cause == Cause::root(node.id));
    assert_eq!(seen(&ended[0]), ("sts GetCallerIdentity".to_owned(), "200".to_owned(), true));
    assert_eq!(ended[1].label, "GET bucket/a b?");
    assert_eq!(ended.len(), 2);
    let line = r#"eddy_requests_total{service="sts",operation="GetCallerIdentity",outcome="Ok"} 1"#;
    assert!(telemetry.metrics().text().contains(line));
}

#[tokio::test]
async fn planes_by_host_and_path() {
    let house = open().await;
    let plane = |host: &str, path: &str| {
        let head = Request::get(path).header("host", host).body(()).expect("a request").into_parts().0;
        house.front.plane(&head)
    };
    assert_eq!(plane("a.execute-api.localhost:1", "/x"), Plane::Api { api: "a".into(), region: None });
    assert_eq!(plane("b.localhost", "/_eddy/health"), Plane::House);
    assert_eq!(plane("b.localhost", "/x"), Plane::Service);
}

/// Nobody who has not said who they are makes the server hold much for few bytes, and what is compressed is bounded as
/// what is not.
#[tokio::test]
async fn a_compressed_form_may_be_no_larger_than_a_plain_one() {
    let house = open().await;
    let packed = |bytes: &[u8]| {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        std::io::Write::write_all(&mut encoder, bytes).expect("memory");
        Bytes::from(encoder.finish().expect("memory"))
    };
    let long = |bytes: usize| format!("Action=GetCallerIdentity&Version=2011-06-15&X={}", "a".repeat(bytes));
    let request = |body: &[u8]| {
        let kind = "application/x-www-form-urlencoded; charset=utf-8";
        let request = Request::post("/").header("host", HOST).header("content-type", kind);
        let request = request.header("content-encoding", "gzip");
        request.body(packed(body)).expect("a request")
    };
    let unsigned = |body: Bytes| {
        let (mut head, _) = request(b"").into_parts();
        head.headers.insert("host", "sts.us-east-1.amazonaws.com".parse().expect("a host"));
        Request::from_parts(head, Full::new(body))
    };
    let answer = house.send(unsigned(packed(long(10_000).as_bytes()))).await;
    assert_eq!((answer.status.as_u16(), &*answer.code()), (403, "MissingAuthenticationToken"));
    for body in [packed(&vec![b'a'; 20 << 20]), packed(&packed(&vec![b'a'; 20 << 20]))] {
        assert!(body.len() < 64 << 10, "{} bytes", body.len());
        let answer = house.send(unsigned(body)).await;
        assert!(answer.status.is_client_error(), "{answer:?}");
    }
    let answer = house.send(unsigned(packed(long(64 << 10).as_bytes()))).await;
    assert_eq!(answer.status.as_u16(), 413);
    let answer = house.signed("sts", request(long(1 << 20).as_bytes())).await;
    assert_eq!(answer.status.as_u16(), 200, "{answer:?}");
    let answer = house.signed("sts", request(long(5 << 20).as_bytes())).await;
    assert_eq!(answer.status.as_u16(), 413);
}
