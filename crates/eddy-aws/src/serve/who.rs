//! Who asks: key, token, clock, and the proof.

use eddy_base::{Code, Fault, Region, Subject};
use eddy_identity::{Caller, Credential};
use eddy_wire::sign::{self, Claim, Payload, Proven};
use eddy_wire::{Error, Protocol};
use http::request::Parts;

use super::recognise::ServiceAsked;
use super::{Auth, Inner, refusal};

/// The caller, and what is left to prove.
pub(super) struct Who {
    pub caller: Caller,
    pub region: Region,
    signed: Option<Signed>,
}

struct Signed {
    claim: Claim,
    secret: String,
}

/// Finds out who a request says it is from: nothing of its body is needed. Proves nothing yet.
pub(super) fn who(inner: &Inner, asked: &ServiceAsked, head: &Parts, auth: Auth) -> Result<Who, Error> {
    let identity = &inner.engines.identity;
    let settings = &inner.engines.settings;
    if auth == Auth::None {
        let claim = sign::claim(head).ok().flatten();
        let region = claim.as_ref().and_then(|claim| Region::new(&claim.scope.as_ref()?.region).ok());
        let region = region.unwrap_or_else(|| settings.region.clone());
        return Ok(Who { caller: identity.root_caller(), region, signed: None });
    }
    let protocol = asked.protocol;
    let Some(claim) = sign::claim(head).map_err(|refused| refusal::of_signature(protocol, refused))? else {
        let given = head.headers.get(http::header::AUTHORIZATION);
        return match given.filter(|_| asked.facts.name == "s3") {
            Some(given) => Err(refusal::unknown_scheme(&String::from_utf8_lossy(given.as_bytes()))),
            None => anonymous(inner, asked),
        };
    };
    let region = match &claim.scope {
        Some(scope) if scope.service != asked.facts.signing_name => {
            return Err(refusal::other_service(protocol, asked.facts));
        }
        Some(scope) => Region::new(&scope.region).map_err(|_| refusal::bad_region(protocol))?,
        None if asked.facts.name == "s3" => settings.region.clone(),
        // SigV2 opens nothing but S3.
        None => return Err(refusal::unsigned(protocol)),
    };
    let credential = identity
        .secret(&claim.access_key, claim.token.as_deref())
        .map_err(|refused| refusal::of_key(protocol, refused, &claim.access_key))?;
    claim
        .fresh(inner.engines.store.env().now())
        .map_err(|refused| refusal::of_signature(protocol, refused))?;
    let Credential { secret, caller } = credential;
    Ok(Who { caller, region, signed: Some(Signed { claim, secret }) })
}

/// Only S3 and the unsigned operations of STS answer those who do not say who they are.
fn anonymous(inner: &Inner, asked: &ServiceAsked) -> Result<Who, Error> {
    match asked.facts.name {
        "s3" | "sts" => {
            Ok(Who { caller: Caller::Anonymous, region: inner.engines.settings.region.clone(), signed: None })
        }
        _ => Err(refusal::unsigned(asked.protocol)),
    }
}

impl Who {
    /// Does the proof wait for the hash of the body?
    pub(super) fn needs_body(&self) -> bool {
        self.signed.as_ref().is_some_and(|signed| signed.claim.needs_body())
    }

    /// What the head says of the payload.
    pub(super) fn payload(&self, protocol: Protocol, head: &Parts) -> Result<Payload, Error> {
        match &self.signed {
            Some(signed) if signed.claim.payload != Payload::Unsigned => Ok(signed.claim.payload.clone()),
            // SigV2 does not look at the body, and a body may be chunked without any signature.
            Some(_) | None => Payload::of(head).map_err(|refused| refusal::of_signature(protocol, refused)),
        }
    }

    /// Holds the signature against the secret.
    pub(super) fn prove(
        &self,
        inner: &Inner,
        asked: &ServiceAsked,
        head: &Parts,
        body_sha256: Option<&str>,
    ) -> Result<Option<sign::ChunkSigner>, Error> {
        let Some(Signed { claim, secret }) = &self.signed else { return Ok(None) };
        let proven = claim.prove(head, secret, &inner.keys, body_sha256, asked.bucket.as_deref());
        let Proven { chunks } = proven.map_err(|refused| refusal::of_signature(asked.protocol, refused))?;
        Ok(chunks)
    }
}

/// Proves who filled in an upload form.
#[derive(Clone)]
pub struct FormProver {
    pub(super) inner: std::sync::Arc<Inner>,
    pub(super) auth: Auth,
}

impl FormProver {
    /// The caller and the region of a signed form; without a signature, [`Caller::Anonymous`]. The policy in
    /// the form, its end among it, is the service's to hold.
    ///
    /// # Errors
    /// A key that is not known, or a signature that does not match, in S3's words.
    pub fn prove(&self, form: Option<&sign::Form>) -> Result<(Caller, Option<Region>), Fault> {
        let inner = &self.inner;
        let region = form.and_then(|form| Region::new(&form.scope.as_ref()?.region).ok());
        if self.auth == Auth::None {
            return Ok((inner.engines.identity.root_caller(), region));
        }
        let Some(form) = form else { return Ok((Caller::Anonymous, None)) };
        let credential = inner
            .engines
            .identity
            .secret(&form.access_key, form.token.as_deref())
            .map_err(|refused| in_words(refusal::of_key(Protocol::RestXml, refused, &form.access_key)))?;
        form.prove(&credential.secret, &inner.keys)
            .map_err(|refused| in_words(refusal::of_signature(Protocol::RestXml, refused)))?;
        Ok((credential.caller, region))
    }
}

/// A refusal as a fault, since a form's handler speaks in faults. Its name is one of a few.
fn in_words(error: Error) -> Fault {
    let names = ["InvalidAccessKeyId", "InvalidToken", "ExpiredToken", "SignatureDoesNotMatch"];
    let name = names.into_iter().find(|name| *name == error.code).unwrap_or("AccessDenied");
    Fault::new(Code::Unauthenticated, Subject::Signature, error.message).named(name)
}
