use eddy_base::Fault;
use eddy_objects::{Answer, Checksum, Completion, Coverage, PartName, Stored, Upload};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Serialize};

use super::by;
use super::condition::{self, quoted, unquoted};
use super::encryption::AES256;
use super::fault;
use super::limits::LONG_XML_BYTES_MAX;
use super::names::{self, object_arn};
use super::sums::{self, Sums, Values};
use super::upload::{Named, part_number};
use crate::{Cx, Needs, Operation, Reply};

/// Makes an object of uploaded parts. No bytes move.
#[derive(Deserialize)]
pub(super) struct CompleteMultipartUpload {
    bucket: String,
    key: String,
    upload_id: String,
    multipart_upload: Option<Wanted>,
    sums: Values,
    checksum_type: Option<String>,
    mpu_object_size: Option<i64>,
    expected_bucket_owner: Option<String>,
    if_match: Option<String>,
    if_none_match: Option<String>,
}

#[derive(Deserialize)]
struct Wanted {
    parts: Option<Vec<Part>>,
}

#[derive(Deserialize)]
struct Part {
    part_number: i64,
    etag: String,
    sums: Values,
}

#[derive(Serialize)]
pub(super) struct Output {
    location: String,
    bucket: String,
    key: String,
    etag: String,
    sums: Sums,
    server_side_encryption: &'static str,
}

impl Operation for CompleteMultipartUpload {
    const NAME: &'static str = "CompleteMultipartUpload";
    const BODY_BYTES_MAX: u64 = LONG_XML_BYTES_MAX;
    type Output = Output;

    fn needs(&self, _: &Cx) -> Needs {
        Needs::one("s3:PutObject", object_arn(&self.bucket, &self.key))
    }

    async fn call(self, cx: Cx) -> Result<Reply<Output>, Fault> {
        names::open(&cx, &self.bucket, self.expected_bucket_owner.as_deref())?;
        let named = Named::parse(&self.bucket, &self.key, &self.upload_id)?;
        let when = condition::when(self.if_match.as_deref(), self.if_none_match.as_deref())?;
        let parts = self.parts()?;
        let objects = &cx.engines.objects;
        // Gone after a first completion, which then answers again.
        let upload = objects.upload(named.name()).ok().map(|seen| seen.value);
        if let Some(upload) = &upload {
            self.check_type(upload)?;
            check_sums(upload, &parts)?;
        }
        let by = by(&cx);
        let completion = Completion {
            upload: named.name(),
            parts: &parts,
            checksum: self.checksum(upload.as_ref())?,
            size: self.mpu_object_size.map(|size| u64::try_from(size).unwrap_or(0)),
            when: when.clone(),
            by: &by,
        };
        let completed = objects.complete_upload(&completion).await;
        let completed = completed.map_err(|error| {
            let missing =
                if let eddy_objects::Error::NoSuchPart { number } = error { Some(number) } else { None };
            let missing = parts.iter().find(|part| Some(part.number) == missing);
            let fault = condition::of_write(named.about().fault(error), &when);
            missing.into_iter().fold(fault, |fault, part| fault.with("ETag", part.etag.clone()))
        })?;
        match completed {
            Answer::Changed(done) => Ok(Reply::after(done.map(|stored| self.output(&cx, &stored)))),
            Answer::Unchanged(stored, pos) => Ok(Reply::read(self.output(&cx, &stored), pos)),
        }
    }
}

impl CompleteMultipartUpload {
    fn parts(&self) -> Result<Vec<PartName>, Fault> {
        let Some(wanted) = &self.multipart_upload else {
            return Err(fault::invalid_request("You must specify at least one part"));
        };
        let parts = wanted.parts.as_deref().unwrap_or_default();
        if parts.is_empty() {
            return Err(fault::malformed_xml());
        }
        let name = |part: &Part| {
            Ok(PartName {
                number: part_number(part.part_number)?,
                etag: unquoted(&part.etag).to_owned(),
                checksum: part.sums.given()?,
            })
        };
        parts.iter().map(name).collect()
    }

    fn check_type(&self, upload: &Upload) -> Result<(), Fault> {
        match self.checksum_type.as_deref() {
            Some(given) if given != sums::kind(upload.coverage) => Err(fault::invalid_request(format!(
                "The upload was created using the {} checksum mode. The complete request must use the same checksum \
                 mode.",
                sums::kind(upload.coverage)
            ))),
            Some(_) | None => Ok(()),
        }
    }

    /// The object's checksum as the client knows it.
    fn checksum(&self, upload: Option<&Upload>) -> Result<Option<Checksum>, Fault> {
        let coverage = upload.map_or(Coverage::Whole, |upload| upload.coverage);
        Ok(self.sums.given()?.map(|(algorithm, value)| Checksum { algorithm, coverage, value }))
    }

    fn output(&self, cx: &Cx, stored: &Stored) -> Output {
        let sums = Sums::of(stored.checksum.as_ref(), stored.etag.parts);
        Output {
            location: location(&cx.host, &self.bucket, &self.key),
            bucket: self.bucket.clone(),
            key: self.key.clone(),
            etag: quoted(stored.etag),
            sums,
            server_side_encryption: AES256,
        }
    }
}

/// A composite checksum is made of its parts', which the client must have seen.
fn check_sums(upload: &Upload, parts: &[PartName]) -> Result<(), Fault> {
    if !upload.chosen || upload.coverage == Coverage::Whole {
        return Ok(());
    }
    match parts.iter().find(|part| part.checksum.is_none()) {
        Some(part) => Err(fault::invalid_request(format!(
            "The upload was created using a {} checksum. The complete request must include the checksum for each \
             part. It was missing for part {} in the request.",
            sums::name(upload.algorithm).to_ascii_lowercase(),
            part.number
        ))),
        None => Ok(()),
    }
}

/// What stays as it is in a path.
const PATH: AsciiSet = NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~').remove(b'/');

/// Where an object is, for people who follow it: at the address that the client used.
pub(super) fn location(host: &str, bucket: &str, key: &str) -> String {
    let key = utf8_percent_encode(key, &PATH);
    if host.strip_prefix(bucket).is_some_and(|rest| rest.starts_with('.')) {
        return format!("http://{host}/{key}");
    }
    format!("http://{host}/{bucket}/{key}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_location_is_where_the_client_was() {
        assert_eq!(location("127.0.0.1:4566", "b", "a b/ü"), "http://127.0.0.1:4566/b/a%20b/%C3%BC");
        assert_eq!(location("b.s3.localhost:4566", "b", "k"), "http://b.s3.localhost:4566/k");
    }
}
