//! Upload forms of browsers, signed as botocore signs them: SigV4 and SigV2.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use eddy_wire::sign::{CredentialScope, Credentials, Keys, amz_date, hmac_sha256};
use http::Request;
use http_body_util::Full;

use crate::harness::{Answer, HOST, House, open};

const BOUNDARY: &str = "edge";

/// The fields that sign `policy`, without the policy itself.
fn signed(house: &House, credentials: &Credentials, policy: &str) -> Vec<(String, String)> {
    let at = amz_date(house.front.engines().store.env().now());
    let scope =
        CredentialScope { date: at[..8].to_owned(), region: "eu-west-1".into(), service: "s3".into() };
    let key = Keys::default().get(&credentials.access_key, &credentials.secret_key, &scope);
    let credential = format!("{}/{scope}", credentials.access_key);
    [
        ("x-amz-algorithm", "AWS4-HMAC-SHA256".to_owned()),
        ("x-amz-credential", credential),
        ("x-amz-date", at),
        ("x-amz-signature", hmac_sha256(&key, policy.as_bytes())),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .to_vec()
}

async fn post(house: &House, fields: &[(String, String)]) -> Answer {
    let mut body = String::new();
    for (name, value) in fields {
        let head = format!("--{BOUNDARY}\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\n");
        body.push_str(&format!("{head}{value}\r\n"));
    }
    let file =
        "content-disposition: form-data; name=\"file\"; filename=\"f.txt\"\r\ncontent-type: text/plain";
    body.push_str(&format!("--{BOUNDARY}\r\n{file}\r\n\r\nposted\r\n--{BOUNDARY}--\r\n"));
    let request = Request::post("/bucket")
        .header("host", HOST)
        .header("content-type", format!("multipart/form-data; boundary={BOUNDARY}"))
        .header("content-length", body.len())
        .body(Full::new(Bytes::from(body)));
    house.send(request.expect("a request")).await
}

#[tokio::test]
async fn a_signed_form_uploads_and_a_changed_one_does_not() {
    let house = open().await;
    let request = |method: &str, uri: &str| {
        Request::builder().method(method).uri(uri).body(Bytes::new()).expect("a request")
    };
    assert_eq!(house.signed("s3", request("PUT", "/bucket")).await.status, 200);
    let policy = r#"{"expiration":"2999-01-01T00:00:00Z","conditions":[
        {"bucket":"bucket"},["starts-with","$key","up/"],["starts-with","$x-amz-algorithm",""],
        ["starts-with","$x-amz-credential",""],["starts-with","$x-amz-date",""]]}"#;
    let policy = BASE64.encode(policy);
    let fields = |credentials: &Credentials, policy: &str, signed_policy: &str| {
        let mut fields = vec![("key".to_owned(), "up/${filename}".to_owned())];
        fields.extend(signed(&house, credentials, signed_policy));
        fields.push(("policy".to_owned(), policy.to_owned()));
        fields
    };
    let answer = post(&house, &fields(&house.root(), &policy, &policy)).await;
    assert_eq!(answer.status, 204, "{answer:?}");
    assert_eq!(house.signed("s3", request("GET", "/bucket/up/f.txt")).await.body, "posted");

    let other = BASE64.encode(r#"{"expiration":"2999-01-01T00:00:00Z","conditions":[]}"#);
    let answer = post(&house, &fields(&house.root(), &other, &policy)).await;
    assert_eq!(
        (answer.status.as_u16(), answer.code().as_str()),
        (403, "SignatureDoesNotMatch"),
        "{answer:?}"
    );
    let unknown = Credentials { access_key: "test".into(), secret_key: "test".into(), token: None };
    let answer = post(&house, &fields(&unknown, &policy, &policy)).await;
    assert_eq!((answer.status.as_u16(), answer.code().as_str()), (403, "InvalidAccessKeyId"), "{answer:?}");
    let answer = post(&house, &[("key".to_owned(), "up/x".to_owned())]).await;
    assert_eq!((answer.status.as_u16(), answer.code().as_str()), (403, "AccessDenied"), "{answer:?}");
}
