//! The signature of an upload form (S3's POST policy), in SigV4 and SigV2.
//!
//! What is signed is the policy document as it stands in the form, in base64. Its conditions and its end are
//! the dialect's to hold.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use super::key::{hmac_sha1, hmac_sha256, same};
use super::{CredentialScope, Keys, Mismatch, Refusal, v4};

/// What the fields of a form say about who filled it in. `Debug` shows no token.
#[derive(Clone, PartialEq, Eq)]
pub struct Form {
    pub access_key: String,
    pub token: Option<String>,
    /// `None`: SigV2.
    pub scope: Option<CredentialScope>,
    /// The policy as sent, in base64.
    pub policy: String,
    signature: String,
}

impl std::fmt::Debug for Form {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Form")
            .field("access_key", &self.access_key)
            .field("scope", &self.scope)
            .finish_non_exhaustive()
    }
}

impl Form {
    /// Reads the form's fields, which `field` finds without regard to case. `None`: the form is not signed.
    ///
    /// # Errors
    /// A signature without a policy, a credential that cannot be read, or another algorithm.
    pub fn of<'a>(field: impl Fn(&str) -> Option<&'a str>) -> Result<Option<Form>, Refusal> {
        let missing =
            |name: &str| Refusal::QueryMalformed(format!("Bucket POST must contain a field named '{name}'."));
        let needed = |name: &str| field(name).map(str::to_owned).ok_or_else(|| missing(name));
        let token = field("x-amz-security-token").map(str::to_owned);
        if let Some(signature) = field("x-amz-signature") {
            if let Some(other) = field("x-amz-algorithm").filter(|name| *name != "AWS4-HMAC-SHA256") {
                return Err(Refusal::QueryMalformed(format!("Unsupported AWS 'algorithm': '{other}'")));
            }
            let (access_key, scope) = v4::credential(&needed("x-amz-credential")?).ok_or_else(|| {
                Refusal::QueryMalformed("the X-Amz-Credential field is malformed".to_owned())
            })?;
            let policy = needed("policy")?;
            return Ok(Some(Form {
                access_key,
                token,
                scope: Some(scope),
                policy,
                signature: signature.to_owned(),
            }));
        }
        let Some(access_key) = field("awsaccesskeyid") else { return Ok(None) };
        let (policy, signature) = (needed("policy")?, needed("signature")?);
        Ok(Some(Form { access_key: access_key.to_owned(), token, scope: None, policy, signature }))
    }

    /// Computes the signature and compares it in constant time.
    ///
    /// # Errors
    /// [`Refusal::Mismatch`].
    pub fn prove(&self, secret: &str, keys: &Keys) -> Result<(), Refusal> {
        let computed = match &self.scope {
            Some(scope) => hmac_sha256(&keys.get(&self.access_key, secret, scope), self.policy.as_bytes()),
            None => BASE64.encode(hmac_sha1(secret, self.policy.as_bytes())),
        };
        if same(&computed, &self.signature) {
            return Ok(());
        }
        Err(Refusal::Mismatch(Box::new(Mismatch {
            access_key: self.access_key.clone(),
            provided: self.signature.clone(),
            string_to_sign: self.policy.clone(),
            canonical_request: String::new(),
        })))
    }
}
