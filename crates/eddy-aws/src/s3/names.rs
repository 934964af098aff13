//! Names: what a bucket may be called, how resources are called in permissions, who owns them.

use eddy_base::{Account, Code, Fault, Subject};
use eddy_identity::Caller;
use eddy_objects::Bucket;
use ring::digest;

use super::fault::{self, About};
use crate::Cx;

/// The ARN of a bucket.
pub(super) fn bucket_arn(bucket: &str) -> String {
    format!("arn:aws:s3:::{bucket}")
}

/// The ARN of an object.
pub(super) fn object_arn(bucket: &str, key: &str) -> String {
    format!("arn:aws:s3:::{bucket}/{key}")
}

/// The bucket that a request names, if it is the caller's.
///
/// # Errors
/// A name that no bucket ever had, no such bucket, another account's, or not that of `expected`.
pub(super) fn open(cx: &Cx, name: &str, expected: Option<&str>) -> Result<Bucket, Fault> {
    if !may_name_a_bucket(name) {
        return Err(fault::invalid_bucket_name(name));
    }
    let bucket = cx.engines.objects.bucket(name).map_err(|error| About::bucket(name).fault(error))?.value;
    let account = &bucket.owner.account;
    if account != cx.account() || expected.is_some_and(|expected| expected != account.as_str()) {
        return Err(fault::access_denied());
    }
    Ok(bucket)
}

/// A refusal with its reason.
pub(super) fn denied(text: impl Into<String>) -> Fault {
    fault::named(Code::Denied, Subject::Request, "AccessDenied", text)
}

/// What a bucket could be called at some time and place; other names are refused before anybody looks.
fn may_name_a_bucket(name: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    (3..=255).contains(&name.len()) && name.bytes().all(allowed)
}

/// What a new bucket may be called ("Bucket naming rules" of the S3 user guide).
pub(super) fn is_bucket_name(name: &str) -> bool {
    let edge =
        |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    let bytes = name.as_bytes();
    let allowed =
        |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'.' | b'-');
    let reserved = ["xn--", "sthree-", "amzn-s3-demo-"].iter().any(|prefix| name.starts_with(prefix))
        || ["-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3"]
            .iter()
            .any(|suffix| name.ends_with(suffix));
    (3..=63).contains(&bytes.len())
        && bytes.iter().all(allowed)
        && edge(bytes.first())
        && edge(bytes.last())
        && !name.contains("..")
        && name.parse::<std::net::Ipv4Addr>().is_err()
        && !reserved
}

/// The canonical user id of an account: 64 hexadecimal digits, always the same.
pub(super) fn owner_id(account: &Account) -> String {
    let digest = digest::digest(&digest::SHA256, format!("canonical user of {account}").as_bytes());
    digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// How events name a caller.
pub(super) fn principal(caller: &Caller) -> String {
    match caller {
        Caller::Root { account, .. } => format!("AWS:{account}"),
        Caller::Session(session) => format!("AWS:{}:{}", session.role_name(), session.function),
        Caller::Service(name) => name.clone(),
        Caller::Anonymous => "Anonymous".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bucket_names_keep_the_rules() {
        for name in ["abc", "a.b-c", "123", "1.2.3", "0-0", &"a".repeat(63)] {
            assert!(is_bucket_name(name), "{name}");
        }
        let wrong = [
            "",
            "ab",
            "Abc",
            "a_b",
            "-abc",
            "abc-",
            ".abc",
            "a..b",
            "192.168.5.4",
            "xn--abc",
            "abc-s3alias",
            "sthree-x",
            "abc--ol-s3",
            "年度报告",
            "a b",
            &"a".repeat(64),
        ];
        for name in wrong {
            assert!(!is_bucket_name(name), "{name}");
        }
    }

    #[test]
    fn owners_have_ids_of_their_own() {
        let one = owner_id(&Account::default());
        assert_eq!(one.len(), 64);
        assert_eq!(one, owner_id(&Account::default()));
        assert_ne!(one, owner_id(&Account::new("111111111111").expect("an account")));
    }
}
