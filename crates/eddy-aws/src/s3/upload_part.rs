use eddy_base::Fault;
use eddy_objects::Upload;
use serde::{Deserialize, Serialize};

use super::body::{self, Purpose};
use super::condition::quoted;
use super::encryption::AES256;
use super::fault;
use super::names::{self, object_arn};
use super::sums::{self, Values};
use super::upload::{Named, part_number};
use crate::{Cx, Needs, Operation, Reply};

/// Stores one part of an upload; a part of the same number is replaced.
#[derive(Deserialize)]
pub(super) struct UploadPart {
    bucket: String,
    key: String,
    part_number: i64,
    upload_id: String,
    checksum_algorithm: Option<String>,
    expected_bucket_owner: Option<String>,
    /// Held against the body on its way in.
    _sums: Values,
}

#[derive(Serialize)]
pub(super) struct Output {
    server_side_encryption: &'static str,
    etag: String,
    sums: Values,
}

impl Operation for UploadPart {
    const NAME: &'static str = "UploadPart";
    type Output = Output;

    fn needs(&self, _: &Cx) -> Needs {
        Needs::one("s3:PutObject", object_arn(&self.bucket, &self.key))
    }

    async fn call(self, cx: Cx) -> Result<Reply<Output>, Fault> {
        names::open(&cx, &self.bucket, self.expected_bucket_owner.as_deref())?;
        let number = part_number(self.part_number)?;
        let named = Named::parse(&self.bucket, &self.key, &self.upload_id)?;
        let objects = &cx.engines.objects;
        let upload = objects.upload(named.name()).map_err(|error| named.about().fault(error))?.value;
        let asked = self.checksum_algorithm.as_deref().map(sums::algorithm).transpose()?;
        let incoming = body::sized(&cx)?;
        let declared = incoming.declared().map(sums::from_wire);
        if let Err(fault) = check_algorithm(&upload, declared.or(asked)) {
            cx.leave(incoming);
            return Err(fault);
        }
        let content = body::receive(&cx, incoming, Some(upload.algorithm), Purpose::Part).await?;
        let stored = objects.put_part(named.name(), number, content).await;
        Ok(Reply::after(stored.map_err(|error| named.about().fault(error))?.map(|part| {
            let sums = Values::of(part.checksum.algorithm, &part.checksum.value);
            Output { server_side_encryption: AES256, etag: quoted(part.etag()), sums }
        })))
    }
}

/// The parts of an upload have the checksum that it was begun with.
fn check_algorithm(upload: &Upload, given: Option<eddy_objects::Algorithm>) -> Result<(), Fault> {
    match given {
        Some(given) if upload.chosen && given != upload.algorithm => {
            let names = [upload.algorithm, given].map(|algorithm| sums::name(algorithm).to_ascii_lowercase());
            Err(fault::invalid_request(format!(
                "Checksum Type mismatch occurred, expected checksum Type: {}, actual checksum Type: {}",
                names[0], names[1]
            )))
        }
        Some(_) | None => Ok(()),
    }
}
