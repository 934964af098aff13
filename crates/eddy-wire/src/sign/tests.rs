//! Signatures that botocore made (`vectors.json`) and that AWS publishes, and what is wrong with others.

use std::time::Duration;

use eddy_base::Timestamp;
use http::request::Parts;
use http::{Method, Request, Uri};
use serde::Deserialize;

use super::*;
use crate::chunked;

const SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
const ACCESS_KEY: &str = "AKIAIOSFODNN7EXAMPLE";
/// 2026-01-02T03:04:05Z, when the vectors were signed.
const AT: Timestamp = Timestamp::EPOCH;

fn at() -> Timestamp {
    AT.plus(Duration::from_secs(1_767_323_045))
}

#[derive(Deserialize)]
struct Vector {
    name: String,
    method: String,
    uri: String,
    headers: std::collections::BTreeMap<String, String>,
    body: String,
}

fn vectors() -> Vec<Vector> {
    serde_json::from_str(include_str!("vectors.json")).unwrap()
}

fn head(vector: &Vector) -> Parts {
    let mut request = Request::builder().method(vector.method.as_str()).uri(&vector.uri);
    for (name, value) in &vector.headers {
        request = request.header(name, value);
    }
    request.body(()).unwrap().into_parts().0
}

fn prove(head: &Parts, body: &str, secret: &str) -> Result<Proven, Refusal> {
    let claim = claim(head)?.expect("the request is signed");
    claim.fresh(at())?;
    let hash = sha256_hex(body.as_bytes());
    claim.prove(head, secret, &Keys::default(), Some(&hash), None)
}

#[test]
fn botocores_signatures_hold() {
    for vector in vectors() {
        let head = head(&vector);
        prove(&head, &vector.body, SECRET).unwrap_or_else(|refusal| panic!("{}: {refusal:?}", vector.name));
        let refusal = prove(&head, &vector.body, "another").unwrap_err();
        assert!(matches!(refusal, Refusal::Mismatch(_)), "{}", vector.name);
    }
}

#[test]
fn a_changed_request_does_not() {
    for vector in vectors() {
        let mut other = head(&vector);
        let query = other.uri.query().map(|query| format!("?{query}")).unwrap_or_default();
        other.uri = format!("{}x{query}", other.uri.path()).parse().unwrap();
        assert!(matches!(prove(&other, &vector.body, SECRET), Err(Refusal::Mismatch(_))), "{}", vector.name);
        let mut other = head(&vector);
        other.method = Method::DELETE;
        assert!(matches!(prove(&other, &vector.body, SECRET), Err(Refusal::Mismatch(_))), "{}", vector.name);
        let mut other = head(&vector);
        other.headers.insert("x-amz-acl", "public-read".parse().unwrap());
        let is_s3 = claim(&other).unwrap().unwrap().is_s3();
        assert_eq!(prove(&other, &vector.body, SECRET).is_err(), is_s3, "{}", vector.name);
    }
}

#[test]
fn an_old_presigned_url_takes_no_meaning_on() {
    let vector = vectors().into_iter().find(|vector| vector.name == "s3 presigned v2").unwrap();
    let with = |added: &str| {
        let mut other = head(&vector);
        other.uri = format!("{}&{added}", vector.uri).parse().unwrap();
        prove(&other, &vector.body, SECRET).is_ok()
    };
    for harmless in ["x-id=GetObject", "prefix=a", "own=1"] {
        assert!(with(harmless), "{harmless}");
    }
    for harmful in [
        "x-amz-copy-source=%2Fb%2Fk",
        "X-Amz-Copy-Source=%2Fb%2Fk",
        "%78-amz-copy-source=%2Fb%2Fk",
        "x-amz-meta-a=1",
        "tagging",
        "%74agging",
        "uploadI%64=1",
        "encryption",
        "legal-hold",
        "Content-Type=text%2Fhtml",
        "response-content-typ%65=text%2Fhtml",
    ] {
        assert!(!with(harmful), "{harmful}");
    }
}

#[test]
fn every_operation_that_a_query_makes_is_part_of_the_resource() {
    let s3 = crate::schema::service("s3").unwrap();
    for operation in s3.operations() {
        for (key, _) in operation.http.uri.query.iter().filter(|(key, _)| *key != "list-type") {
            assert!(v2::SUBRESOURCES.contains(key), "{key} of {}", operation.name);
        }
    }
}

#[test]
fn the_body_counts_where_its_hash_is_signed() {
    let vector = vectors().into_iter().find(|vector| vector.name == "sts form").unwrap();
    assert!(claim(&head(&vector)).unwrap().unwrap().needs_body());
    assert!(matches!(prove(&head(&vector), "Action=DeleteRole", SECRET), Err(Refusal::Mismatch(_))));
}

#[test]
fn the_clock_counts() {
    let signed = |name: &str| {
        let vector = vectors().into_iter().find(|vector| vector.name == name).unwrap();
        claim(&head(&vector)).unwrap().unwrap()
    };
    let later = |seconds: i64| Timestamp::from_seconds(at().seconds() + seconds);
    let header = signed("s3 get");
    assert_eq!(header.fresh(later(900)), Ok(()));
    assert!(matches!(header.fresh(later(901)), Err(Refusal::TooOld { .. })));
    assert_eq!(header.fresh(later(-900)), Ok(()));
    assert!(matches!(header.fresh(later(-901)), Err(Refusal::TooNew { .. })));
    for name in ["s3 presigned v4", "s3 presigned v2"] {
        let presigned = signed(name);
        assert_eq!(presigned.fresh(later(3600)), Ok(()), "{name}");
        assert!(matches!(presigned.fresh(later(3601)), Err(Refusal::Expired { .. })), "{name}");
    }
    assert!(matches!(signed("s3 presigned v4").fresh(later(-901)), Err(Refusal::NotYetValid { .. })));
}

/// More than any request has.
fn many_headers() -> String {
    let names: Vec<String> = (0..1000).map(|n| format!("x{n}")).collect();
    format!("SignedHeaders={}", names.join(";"))
}

#[test]
fn claims_that_cannot_be_read() {
    let good = "Credential=A/20260102/r/s3/aws4_request, SignedHeaders=host, Signature=00";
    let cases = [
        (format!("AWS4-HMAC-SHA256 {good}"), "20260102T030405Z", "ok"),
        (
            "AWS4-HMAC-SHA256 Credential=A/20260102/r/s3/aws4_request".to_owned(),
            "20260102T030405Z",
            "HeaderMalformed",
        ),
        (format!("AWS4-HMAC-SHA512 {good}"), "20260102T030405Z", "HeaderMalformed"),
        (format!("AWS4-ECDSA-P256-SHA256 {good}"), "20260102T030405Z", "Unsupported"),
        (
            format!("AWS4-HMAC-SHA256 {}", good.replace("aws4_request", "x")),
            "20260102T030405Z",
            "HeaderMalformed",
        ),
        (
            format!("AWS4-HMAC-SHA256 {}", good.replace("SignedHeaders=host", "SignedHeaders=host;a;b;a")),
            "20260102T030405Z",
            "HeaderMalformed",
        ),
        (
            format!("AWS4-HMAC-SHA256 {}", good.replace("SignedHeaders=host", &many_headers())),
            "20260102T030405Z",
            "HeaderMalformed",
        ),
        (
            format!("AWS4-HMAC-SHA256 {}", good.replace("/r/", &format!("/{}/", "r".repeat(200)))),
            "20260102T030405Z",
            "HeaderMalformed",
        ),
        (format!("AWS4-HMAC-SHA256 {good}"), "yesterday", "DateMissing"),
        (format!("AWS4-HMAC-SHA256 {good}"), "20260103T030405Z", "DateMismatch"),
        ("AWS nocolon".to_owned(), "20260102T030405Z", "OldHeaderMalformed"),
    ];
    for (authorization, date, expected) in cases {
        let request =
            Request::builder().uri("/").header("authorization", &authorization).header("x-amz-date", date);
        let head = request.body(()).unwrap().into_parts().0;
        let outcome = match claim(&head) {
            Ok(_) => "ok".to_owned(),
            Err(refusal) => format!("{refusal:?}"),
        };
        assert!(outcome.starts_with(expected), "{authorization}: {outcome}");
    }
}

#[test]
fn presigned_claims_that_cannot_be_read() {
    let good = "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=A%2F20260102%2Fr%2Fs3%2Faws4_request\
                &X-Amz-Date=20260102T030405Z&X-Amz-Expires=60&X-Amz-SignedHeaders=host&X-Amz-Signature=00";
    let check = |query: &str| {
        let head = Request::builder().uri(format!("/?{query}")).body(()).unwrap().into_parts().0;
        claim(&head)
    };
    assert!(matches!(check(good), Ok(Some(_))));
    for (from, to) in [
        ("Expires=60", "Expires=604801"),
        ("Expires=60", "Expires=-1"),
        ("Expires=60", "Expires=soon"),
        ("&X-Amz-Expires=60", ""),
        ("20260102T030405Z", "20260102"),
        ("%2Faws4_request", ""),
        ("SignedHeaders=host", "SignedHeaders=host%3Bhost"),
    ] {
        let query = good.replace(from, to);
        assert!(matches!(check(&query), Err(Refusal::QueryMalformed(_))), "{query}");
    }
    assert!(matches!(check("X-Amz-Algorithm=AWS4-HMAC-SHA256"), Err(Refusal::QueryMalformed(_))));
    assert_eq!(check("list-type=2"), Ok(None));
    for lacking in ["", "&Signature=0", "&Expires=1", "&Signature=0&Expires=soon"] {
        let query = format!("AWSAccessKeyId=A{lacking}");
        assert!(matches!(check(&query), Err(Refusal::OldQueryMalformed(_))), "{query}");
    }
}

#[test]
fn our_own_signatures_hold() {
    let credentials = Credentials {
        access_key: ACCESS_KEY.to_owned(),
        secret_key: SECRET.to_owned(),
        token: Some("token".to_owned()),
    };
    for service in ["s3", "lambda"] {
        let signer = Signer { credentials: &credentials, region: "eu-west-1", service, at: at() };
        let request =
            Request::builder().method("PUT").uri("/a%20b//c?x=1&a=%2F").header("host", "127.0.0.1:4566");
        let mut head = request.header("content-type", "text/plain").body(()).unwrap().into_parts().0;
        signer.sign(&mut head, &Payload::Hash(sha256_hex(b"hello")));
        prove(&head, "hello", SECRET).unwrap();

        let uri: Uri = "http://127.0.0.1:4566/a%20b/c?x=1".parse().unwrap();
        let url = signer.presign(Method::GET, &uri, Duration::from_secs(60));
        let head = Request::builder().uri(url).body(()).unwrap().into_parts().0;
        prove(&head, "", SECRET).unwrap();
    }
}

/// The example of "Transferring Payload in Multiple Chunks" and of "... with trailing headers" in the S3 manual.
#[test]
fn published_chunk_signatures_hold() {
    let scope = CredentialScope { date: "20130524".into(), region: "us-east-1".into(), service: "s3".into() };
    let chain = |seed: &str| {
        ChunkSigner::new(key::derive(SECRET, &scope), "20130524T000000Z".into(), &scope, seed.into())
    };
    let hashes = [vec![b'a'; 65536], vec![b'a'; 1024], Vec::new()].map(|bytes| sha256_hex(&bytes));
    let mut plain = chain("4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9");
    for (hash, signature) in hashes.iter().zip([
        "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648",
        "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497",
        "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9",
    ]) {
        assert!(plain.is_chunk(hash, signature));
    }
    let mut trailed = chain("106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e");
    hashes.iter().for_each(|hash| drop(trailed.chunk(hash)));
    assert!(trailed.is_trailer(
        b"x-amz-checksum-crc32c:sOO8/Q==\n",
        "d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435"
    ));
}

#[test]
fn signed_chunks_hold_and_changed_ones_do_not() {
    let credentials =
        Credentials { access_key: ACCESS_KEY.to_owned(), secret_key: SECRET.to_owned(), token: None };
    let signer = Signer { credentials: &credentials, region: "us-east-1", service: "s3", at: at() };
    for trailer in [false, true] {
        let mut head = Request::put("/bucket/key").header("host", "h").body(()).unwrap().into_parts().0;
        let chain = signer.sign(&mut head, &Payload::SignedChunks { trailer });
        let trailers: &[(&str, &str)] = if trailer { &[("x-amz-checksum-crc32", "AAAAAA==")] } else { &[] };
        let wire = chunked::encode(&[b"hello", b"world"], trailers, chain, trailer);
        let decode = |wire: &[u8]| -> Result<bool, crate::incoming::Error> {
            let proven = prove(&head, "", SECRET).unwrap();
            assert!(proven.chunks.is_some());
            let mut decoder = chunked::Decoder::new(proven.chunks, trailer);
            let mut input = bytes::Bytes::copy_from_slice(wire);
            while decoder.next(&mut input)?.is_some() {}
            Ok(decoder.ended())
        };
        assert_eq!(decode(&wire), Ok(true));
        for at in [95, wire.len() - 12] {
            let mut changed = wire.clone();
            changed[at] ^= 1;
            assert!(decode(&changed).is_err(), "trailer {trailer}, byte {at}");
        }
    }
}

#[test]
fn post_policies_in_both_versions() {
    let policy = "eyJleHBpcmF0aW9uIjogIjIwMjYtMDEtMDJUMDQ6MDQ6MDVaIn0=";
    let v4 = {
        let scope =
            CredentialScope { date: "20260102".into(), region: "us-east-1".into(), service: "s3".into() };
        hmac_sha256(&key::derive(SECRET, &scope), policy.as_bytes())
    };
    let credential = format!("{ACCESS_KEY}/20260102/us-east-1/s3/aws4_request");
    let form = Form::of(|name| match name {
        "policy" => Some(policy),
        "x-amz-algorithm" => Some("AWS4-HMAC-SHA256"),
        "x-amz-credential" => Some(&credential),
        "x-amz-signature" => Some(&v4),
        _ => None,
    });
    let form = form.unwrap().unwrap();
    assert_eq!(form.prove(SECRET, &Keys::default()), Ok(()));
    assert!(form.prove("another", &Keys::default()).is_err());
    let form = Form::of(|name| match name {
        "policy" => Some(policy),
        "awsaccesskeyid" => Some(ACCESS_KEY),
        "signature" => Some("rnWC0xXlVCFccsg7MvXSQpAao/M="),
        _ => None,
    });
    assert_eq!(form.unwrap().unwrap().prove(SECRET, &Keys::default()), Ok(()));
    assert_eq!(Form::of(|_| None), Ok(None));
    assert!(Form::of(|name| (name == "awsaccesskeyid").then_some("A")).is_err());
}

mod garbage {
    use super::*;
    use proptest::prelude::*;

    /// Pieces that claims are made of, in any order, with anything between them.
    fn text() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            Just("AWS4-HMAC-SHA256 ".to_owned()),
            Just("AWS ".to_owned()),
            Just("Credential=".to_owned()),
            Just("A/20260102/r/s3/aws4_request".to_owned()),
            Just(", SignedHeaders=host;x".to_owned()),
            Just(",Signature=".to_owned()),
            Just("&X-Amz-Signature=".to_owned()),
            Just("X-Amz-Date=20260102T030405Z&X-Amz-Expires=".to_owned()),
            Just("AWSAccessKeyId=a&Signature=b&Expires=9223372036854775807".to_owned()),
            "[!-~]{0,8}".prop_map(|text| text),
        ];
        proptest::collection::vec(piece, 0..6).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn any_claim_is_read_or_refused(authorization in text(), query in text(), date in "[0-9TZ]{0,17}") {
            let query = query.replace(['#', ' ', '"', '<', '>', '`', '{', '}', '^', '\\', '|'], "%");
            let request = Request::builder().uri(format!("/?{query}")).header("x-amz-date", date);
            let request = request.header("authorization", authorization).body(());
            let Ok(request) = request else { return Ok(()) };
            let head = request.into_parts().0;
            if let Ok(Some(claim)) = claim(&head) {
                let _ = claim.fresh(at());
                let _ = claim.prove(&head, SECRET, &Keys::default(), None, Some("b"));
            }
        }
    }
}
