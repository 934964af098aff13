//! What is said of how objects stand on disk: all are encrypted with AES-256 under a key of this installation, as
//! Amazon does where nothing else is asked for. Keys of KMS and of customers are refused by name.

use serde::{Deserialize, Serialize};

/// Amazon's name for it.
pub(super) const AES256: &str = "AES256";

/// How objects are encrypted that say nothing of it.
#[derive(Deserialize, Serialize)]
pub(super) struct Configuration {
    rules: Vec<Rule>,
}

#[derive(Deserialize, Serialize)]
struct Rule {
    apply_server_side_encryption_by_default: Option<Default>,
    bucket_key_enabled: Option<bool>,
}

#[derive(Deserialize, Serialize)]
struct Default {
    sse_algorithm: String,
}

impl Configuration {
    /// The only one there is.
    pub(super) fn of_every_bucket() -> Configuration {
        let by_default = Default { sse_algorithm: AES256.to_owned() };
        let rule = Rule {
            apply_server_side_encryption_by_default: Some(by_default),
            bucket_key_enabled: Some(false),
        };
        Configuration { rules: vec![rule] }
    }

    /// What it asks for beyond [`Configuration::of_every_bucket`].
    pub(super) fn beyond(&self) -> Option<&str> {
        self.rules.iter().find_map(|rule| {
            let algorithm = rule.apply_server_side_encryption_by_default.as_ref()?.sse_algorithm.as_str();
            match algorithm {
                AES256 if rule.bucket_key_enabled == Some(true) => Some("BucketKeyEnabled"),
                AES256 => None,
                other => Some(other),
            }
        })
    }
}
