//! Uploads by a browser's form ("Browser-based uploads using POST" of the S3 user guide).
//!
//! The form's fields come first and say who signed it and what it may upload; the file is the last that is read.

mod multipart;
mod policy;

use std::collections::BTreeMap;

use bytes::Bytes;
use eddy_base::Fault;
use eddy_objects::{Algorithm, Content, Description, Digester, Kind, Put, Stored, Tags, When};
use eddy_wire::sign;
use eddy_wire::{Incoming, Outgoing};
use http::{HeaderValue, Response, StatusCode, header};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use self::multipart::{Next, Scanner};
use self::policy::Policy;
use super::complete_multipart_upload::location;
use super::condition::quoted;
use super::encryption::AES256;
use super::fault::{self, About};
use super::limits::FORM_FIELDS_BYTES_MAX;
use super::names::{self, object_arn};
use super::{by, describe, sums, tags};
use crate::Cx;
use crate::operation::{Form, Formed};
use crate::serve::FormProver;

/// What a form says besides its file. Names without regard to case.
#[derive(Debug, Default)]
pub(super) struct Fields(Vec<(String, String)>);

/// Fields that steer the upload and are no part of the object.
const STEERING: [&str; 15] = [
    "key",
    "bucket",
    "policy",
    "awsaccesskeyid",
    "signature",
    "x-amz-algorithm",
    "x-amz-credential",
    "x-amz-date",
    "x-amz-signature",
    "x-amz-security-token",
    "success_action_redirect",
    "success_action_status",
    "redirect",
    "submit",
    "tagging",
];

/// Takes a form.
pub(super) fn upload(form: Form) -> Formed {
    Box::pin(receive(form))
}

async fn receive(form: Form) -> Result<Response<Outgoing>, Fault> {
    let Form { cx, head, bucket, body, prover } = form;
    let content_type = head.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let Some(scanner) = content_type.and_then(Scanner::new) else {
        cx.leave(body);
        return Err(malformed());
    };
    let mut parts = Parts { body, scanner };
    let answer = read(cx.clone(), &bucket, &mut parts, &prover).await;
    if answer.is_err() {
        cx.leave(parts.body);
    }
    answer
}

async fn read(
    mut cx: Cx,
    bucket: &str,
    parts: &mut Parts,
    prover: &FormProver,
) -> Result<Response<Outgoing>, Fault> {
    let fields = parts.fields().await?;
    let proof = sign::Form::of(|name| fields.get(name))
        .map_err(|why| fault::invalid_argument(why.to_string(), "policy", ""))?;
    let (caller, region) = prover.prove(proof.as_ref())?;
    if let Some(account) = caller.account() {
        cx.scope.account = account.clone();
    }
    cx.scope.region = region.unwrap_or(cx.scope.region);
    cx.caller = caller;
    let size = match &proof {
        Some(proof) => {
            let policy = Policy::parse(&proof.policy)?;
            policy.check(&fields, bucket, cx.env().now())?;
            policy.size
        }
        None => None,
    };
    let key = fields.get("key").unwrap_or_default().to_owned();
    cx.allow("s3:PutObject", &object_arn(bucket, &key), None)?;
    names::open(&cx, bucket, None)?;
    let said = Said::of(&fields)?;
    let content = parts.file(&cx, &fields, size).await?;
    let by = by(&cx);
    let put = Put {
        bucket,
        key: &key,
        description: said.description,
        tags: said.tags,
        when: When::Always,
        kind: Kind::CreatedPost,
        by: &by,
    };
    let stored = cx.engines.objects.put(put, content).await;
    let stored = stored.map_err(|error| About::object(bucket, &key).fault(error))?;
    Ok(answer(&cx, &fields, bucket, &key, stored.value()))
}

/// A form's body while it is read.
struct Parts {
    body: Incoming,
    scanner: Scanner,
}

impl Parts {
    /// Reads the fields, up to the beginning of the file, and gives the file's name to the key.
    async fn fields(&mut self) -> Result<Fields, Fault> {
        let mut fields = Fields::default();
        let mut current: Option<(String, Vec<u8>)> = None;
        let mut bytes_left = FORM_FIELDS_BYTES_MAX;
        loop {
            match self.next().await? {
                Next::Part(heading) => {
                    fields.close(current.take())?;
                    if heading.name.eq_ignore_ascii_case("file") {
                        fields.name_file(heading.file_name.as_deref().unwrap_or_default());
                        return fields.checked();
                    }
                    current = Some((heading.name, Vec::new()));
                }
                Next::Data(bytes) => {
                    let (_, value) = current.as_mut().ok_or_else(malformed)?;
                    bytes_left = bytes_left.checked_sub(bytes.len()).ok_or_else(too_much)?;
                    value.extend_from_slice(&bytes);
                }
                Next::More => {}
                Next::End => {
                    let text = "POST requires exactly one file upload per request.";
                    return Err(fault::invalid_argument(text, "file", "0"));
                }
            }
        }
    }

    /// Reads the file.
    async fn file(&mut self, cx: &Cx, fields: &Fields, size: Option<(u64, u64)>) -> Result<Content, Fault> {
        let given = fields.checksum()?;
        let algorithm = given.as_ref().map_or(Algorithm::Crc64Nvme, |(algorithm, _)| *algorithm);
        let mut digester = Digester::new(algorithm);
        let mut writer = cx.engines.objects.writer();
        let about = About::default();
        loop {
            match self.next().await? {
                Next::Data(bytes) => {
                    digester.update(&bytes);
                    writer.write(bytes).await.map_err(|error| about.fault(error))?;
                    if let Some((_, most)) = size.filter(|(_, most)| writer.size() > *most) {
                        return Err(fault::too_large(Some(writer.size()), most));
                    }
                }
                Next::More => {}
                // Whatever follows the file is not read for what it says.
                Next::Part(_) | Next::End => break,
            }
        }
        if let Some((least, _)) = size.filter(|(least, _)| writer.size() < *least) {
            let text = "Your proposed upload is smaller than the minimum allowed size";
            return Err(fault::invalid("EntityTooSmall", text)
                .with("ProposedSize", writer.size().to_string())
                .with("MinSizeAllowed", least.to_string()));
        }
        let digests = digester.finish();
        if given.is_some_and(|(_, value)| value != digests.checksum.value) {
            let text = "The checksum you specified did not match what we received.";
            return Err(fault::invalid("BadDigest", text));
        }
        writer.finish(digests).await.map_err(|error| about.fault(error))
    }

    async fn next(&mut self) -> Result<Next, Fault> {
        loop {
            match self.scanner.next().map_err(|_| malformed())? {
                Next::More => match self.body.next().await? {
                    Some(bytes) => self.scanner.feed(&bytes),
                    None => return Err(malformed()),
                },
                next => return Ok(next),
            }
        }
    }
}

impl Fields {
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let named = |(found, _): &&(String, String)| found.eq_ignore_ascii_case(name);
        self.0.iter().find(named).map(|(_, value)| value.as_str())
    }

    fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_str())
    }

    fn add(&mut self, name: &str, value: String) {
        self.0.push((name.to_ascii_lowercase(), value));
    }

    fn close(&mut self, field: Option<(String, Vec<u8>)>) -> Result<(), Fault> {
        if let Some((name, value)) = field {
            self.add(&name, String::from_utf8(value).map_err(|_| malformed())?);
        }
        Ok(())
    }

    /// Puts the file's name where fields ask for it: its last part, as browsers may send a path.
    fn name_file(&mut self, file_name: &str) {
        let name = file_name.rsplit(['/', '\\']).next().unwrap_or_default();
        for (_, value) in &mut self.0 {
            *value = value.replace("${filename}", name);
        }
    }

    fn checked(self) -> Result<Fields, Fault> {
        if self.get("key").is_some_and(|key| !key.is_empty()) {
            return Ok(self);
        }
        let text = "Bucket POST must contain a field named 'key'.  If it is specified, please check the order of the \
             fields.";
        Err(fault::invalid_argument(text, "key", ""))
    }

    /// The checksum that the form gives for its file.
    fn checksum(&self) -> Result<Option<(Algorithm, Vec<u8>)>, Fault> {
        let text = |name: &str| self.get(name).map(str::to_owned);
        let given = sums::Values {
            checksum_crc32: text("x-amz-checksum-crc32"),
            checksum_crc32c: text("x-amz-checksum-crc32c"),
            checksum_crc64nvme: text("x-amz-checksum-crc64nvme"),
            checksum_sha1: text("x-amz-checksum-sha1"),
            checksum_sha256: text("x-amz-checksum-sha256"),
        };
        given.given()
    }
}

/// What a form says about its object.
struct Said {
    description: Description,
    tags: Tags,
}

impl Said {
    fn of(fields: &Fields) -> Result<Said, Fault> {
        let mut description = Description::default();
        let mut metadata = BTreeMap::new();
        for (name, value) in &fields.0 {
            let value = value.clone();
            match name.as_str() {
                "content-type" => description.content_type = Some(value),
                "content-encoding" => description.content_encoding = Some(value),
                "content-disposition" => description.content_disposition = Some(value),
                "content-language" => description.content_language = Some(value),
                "cache-control" => description.cache_control = Some(value),
                "expires" => description.expires = Some(value),
                name if name.starts_with("x-amz-meta-") => {
                    metadata.insert(name["x-amz-meta-".len()..].to_owned(), value);
                }
                name => allowed(name, &value)?,
            }
        }
        description.metadata = metadata;
        let tags = fields.get("tagging").map(tags::of_document).transpose()?.unwrap_or_default();
        Ok(Said { description: describe::checked(description)?, tags })
    }
}

/// Lets fields pass that steer, that are checked elsewhere, or whose value asks for nothing.
fn allowed(name: &str, value: &str) -> Result<(), Fault> {
    let neutral = match name {
        "acl" => matches!(value, "private" | "bucket-owner-full-control"),
        "x-amz-server-side-encryption" => value == AES256,
        "x-amz-storage-class" => value == "STANDARD",
        name if name.starts_with("x-amz-checksum-") || name == "x-amz-sdk-checksum-algorithm" => true,
        name => STEERING.contains(&name) || !name.starts_with("x-amz-"),
    };
    if neutral { Ok(()) } else { Err(fault::not_implemented(&format!("The form field {name}"))) }
}

/// The answer that the form asks for: a redirect, a status, or nothing.
fn answer(cx: &Cx, fields: &Fields, bucket: &str, key: &str, stored: &Stored) -> Response<Outgoing> {
    let etag = quoted(stored.etag);
    let place = location(&cx.host, bucket, key);
    let redirect = fields.get("success_action_redirect").or_else(|| fields.get("redirect"));
    if let Some(address) = redirect.and_then(|url| redirected(url, bucket, key, &etag)) {
        return response(StatusCode::SEE_OTHER, &etag, address, Bytes::new());
    }
    let place = HeaderValue::try_from(place).unwrap_or(HeaderValue::from_static("/"));
    match fields.get("success_action_status") {
        Some("200") => response(StatusCode::OK, &etag, place, Bytes::new()),
        Some("201") => {
            let document = document(place.to_str().unwrap_or_default(), bucket, key, &etag);
            let mut response = response(StatusCode::CREATED, &etag, place, document.into());
            let kind = HeaderValue::from_static("application/xml");
            response.headers_mut().insert(header::CONTENT_TYPE, kind);
            response
        }
        // As S3 does with any other status.
        Some(_) | None => response(StatusCode::NO_CONTENT, &etag, place, Bytes::new()),
    }
}

/// What needs no escape in a query (RFC 3986 section 2.3).
const UNRESERVED: AsciiSet = NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

fn redirected(url: &str, bucket: &str, key: &str, etag: &str) -> Option<HeaderValue> {
    if !url.starts_with("http://") && !url.starts_with("https://") {
        return None;
    }
    let encoded = |text| utf8_percent_encode(text, &UNRESERVED).to_string();
    let mark = if url.contains('?') { '&' } else { '?' };
    let (bucket, key, etag) = (encoded(bucket), encoded(key), encoded(etag));
    HeaderValue::try_from(format!("{url}{mark}bucket={bucket}&key={key}&etag={etag}")).ok()
}

fn response(status: StatusCode, etag: &str, location: HeaderValue, body: Bytes) -> Response<Outgoing> {
    let mut response = Response::new(Outgoing::from(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    if let Ok(etag) = HeaderValue::from_str(etag) {
        headers.insert(header::ETAG, etag);
    }
    headers.insert(header::LOCATION, location);
    response
}

fn document(place: &str, bucket: &str, key: &str, etag: &str) -> String {
    let escaped = quick_xml::escape::escape;
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<PostResponse><Location>{}</Location><Bucket>{}</Bucket>\
         <Key>{}</Key><ETag>{}</ETag></PostResponse>",
        escaped(place),
        escaped(bucket),
        escaped(key),
        escaped(etag)
    )
}

fn malformed() -> Fault {
    let text = "The body of your POST request is not well-formed multipart/form-data.";
    fault::invalid("MalformedPOSTRequest", text)
}

fn too_much() -> Fault {
    let text = "Your POST request fields preceding the upload file were too large.";
    fault::invalid("MaxPostPreDataLengthExceeded", text)
}
