//! Our verifier against Amazon's own signer for Rust, over requests drawn at random.

use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{
    PayloadChecksumKind, PercentEncodingMode, SessionTokenMode, SignableBody, SignableRequest,
    SignatureLocation, SigningSettings, UriPathNormalizationMode, sign,
};
use aws_sigv4::sign::v4;
use eddy_base::Timestamp;
use http::Request;
use http::request::Parts;
use proptest::prelude::*;

use super::*;

const AT_SECONDS: u64 = 1_767_323_045;

#[derive(Debug, Clone)]
struct Drawn {
    service: &'static str,
    method: &'static str,
    path: String,
    query: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    token: Option<String>,
    presigned: bool,
    unsigned_payload: bool,
}

fn drawn() -> impl Strategy<Value = Drawn> {
    // Amazon's two signers disagree about a path that ends in a dot segment, which nobody sends.
    let segment = || {
        "[a-zA-Z0-9 +=~._é年$:@-]{1,10}"
            .prop_filter("no dots alone", |text| !text.trim_matches('.').is_empty())
    };
    let word = || "[a-zA-Z0-9 +/=~._é年-]{0,12}";
    let pairs = proptest::collection::vec(("[a-z-]{1,8}", word()), 0..4);
    let headers = proptest::collection::btree_map("x-amz-meta-[a-z]{1,6}", "[ -~]{0,20}", 0..3);
    (
        prop_oneof![Just("s3"), Just("lambda"), Just("dynamodb")],
        prop_oneof![Just("GET"), Just("PUT"), Just("POST"), Just("DELETE")],
        proptest::collection::vec(segment(), 0..4),
        pairs,
        headers,
        proptest::collection::vec(any::<u8>(), 0..64),
        proptest::option::of("[A-Za-z0-9+/=]{1,40}"),
        any::<bool>(),
        any::<bool>(),
    )
        .prop_map(|(service, method, segments, pairs, headers, body, token, presigned, unsigned)| {
            let escaped = |text: &str| {
                let mut out = String::new();
                canonical::escape(text.as_bytes(), false, &mut out);
                out
            };
            let path = segments.iter().map(|segment| format!("/{}", escaped(segment))).collect::<String>();
            let query: Vec<String> =
                pairs.iter().map(|(name, value)| format!("{name}={}", escaped(value))).collect();
            Drawn {
                service,
                method,
                path: if path.is_empty() { "/".to_owned() } else { path },
                query: query.join("&"),
                headers: headers.into_iter().collect(),
                body,
                token,
                presigned,
                unsigned_payload: unsigned && service == "s3",
            }
        })
}

/// Signs with Amazon's crate.
fn signed(drawn: &Drawn) -> Parts {
    let query = if drawn.query.is_empty() { String::new() } else { format!("?{}", drawn.query) };
    let uri = format!("http://127.0.0.1:4566{}{query}", drawn.path);
    let mut request = Request::builder().method(drawn.method).uri(&uri).header("host", "127.0.0.1:4566");
    for (name, value) in &drawn.headers {
        request = request.header(name, value);
    }
    let mut request = request.body(()).unwrap();
    let is_s3 = drawn.service == "s3";
    let mut settings = SigningSettings::default();
    if is_s3 {
        settings.percent_encoding_mode = PercentEncodingMode::Single;
        settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
        settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
    }
    if drawn.presigned {
        settings.signature_location = SignatureLocation::QueryParams;
        settings.expires_in = Some(Duration::from_secs(60));
        settings.payload_checksum_kind = PayloadChecksumKind::NoHeader;
        settings.session_token_mode = SessionTokenMode::Include;
    }
    let identity = Credentials::new("AKIDEXAMPLE", "secret", drawn.token.clone(), None, "test").into();
    let parameters = v4::SigningParams::builder()
        .identity(&identity)
        .region("us-east-1")
        .name(drawn.service)
        .time(SystemTime::UNIX_EPOCH + Duration::from_secs(AT_SECONDS))
        .settings(settings)
        .build()
        .unwrap()
        .into();
    let body = if drawn.unsigned_payload || (drawn.presigned && is_s3) {
        SignableBody::UnsignedPayload
    } else {
        SignableBody::Bytes(&drawn.body)
    };
    let headers = drawn.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let headers = headers.chain([("host", "127.0.0.1:4566")]);
    let signable = SignableRequest::new(drawn.method, uri, headers, body).unwrap();
    let (instructions, _) = sign(signable, &parameters).unwrap().into_parts();
    instructions.apply_to_request_http1x(&mut request);
    request.into_parts().0
}

fn prove(head: &Parts, body: &[u8], secret: &str) -> Result<(), Refusal> {
    let claim = claim(head)?.expect("it is signed");
    claim.fresh(Timestamp::from_seconds(AT_SECONDS as i64))?;
    claim.prove(head, secret, &Keys::default(), Some(&sha256_hex(body)), None).map(|_| ())
}

proptest! {
    #[test]
    fn what_amazons_signer_signs_is_proven(drawn in drawn()) {
        let head = signed(&drawn);
        prop_assert_eq!(prove(&head, &drawn.body, "secret"), Ok(()));
        prop_assert!(matches!(prove(&head, &drawn.body, "Secret"), Err(Refusal::Mismatch(_))));
    }

    /// Both signers give the same signature.
    #[test]
    fn our_signer_signs_alike(drawn in drawn().prop_filter("in the header", |drawn| !drawn.presigned)) {
        let theirs = signed(&drawn);
        let mut ours = theirs.clone();
        for name in ["authorization", "x-amz-date", "x-amz-security-token", "x-amz-content-sha256"] {
            ours.headers.remove(name);
        }
        let credentials = super::Credentials {
            access_key: "AKIDEXAMPLE".to_owned(),
            secret_key: "secret".to_owned(),
            token: drawn.token.clone(),
        };
        let at = Timestamp::from_seconds(AT_SECONDS as i64);
        let signer = Signer { credentials: &credentials, region: "us-east-1", service: drawn.service, at };
        let payload = if drawn.unsigned_payload {
            Payload::Unsigned
        } else {
            Payload::Hash(sha256_hex(&drawn.body))
        };
        signer.sign(&mut ours, &payload);
        if drawn.service == "s3" {
            prop_assert_eq!(ours.headers.get("authorization"), theirs.headers.get("authorization"));
        }
        prop_assert_eq!(prove(&ours, &drawn.body, "secret"), Ok(()));
    }
}
