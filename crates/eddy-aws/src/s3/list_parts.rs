use eddy_base::Fault;
use eddy_wire::Time;
use serde::{Deserialize, Serialize};

use super::condition::quoted;
use super::listing::{Owner, page_max, whole_seconds};
use super::names::{self, object_arn, owner_id};
use super::sums::{self, Values};
use super::upload::Named;
use crate::{Cx, Needs, Operation, Reply};

/// Lists a page of an upload's parts.
#[derive(Deserialize)]
pub(super) struct ListParts {
    bucket: String,
    key: String,
    upload_id: String,
    max_parts: Option<i64>,
    part_number_marker: Option<i64>,
    expected_bucket_owner: Option<String>,
}

#[derive(Serialize)]
pub(super) struct Output {
    bucket: String,
    key: String,
    upload_id: String,
    part_number_marker: i64,
    next_part_number_marker: u32,
    max_parts: i64,
    is_truncated: bool,
    parts: Vec<Part>,
    initiator: Owner,
    owner: Owner,
    storage_class: &'static str,
    checksum_algorithm: Option<&'static str>,
    checksum_type: Option<&'static str>,
}

#[derive(Serialize)]
struct Part {
    part_number: u32,
    last_modified: Time,
    etag: String,
    size: u64,
    sums: Values,
}

impl Operation for ListParts {
    const NAME: &'static str = "ListParts";
    type Output = Output;

    fn needs(&self, _: &Cx) -> Needs {
        Needs::one("s3:ListMultipartUploadParts", object_arn(&self.bucket, &self.key))
    }

    async fn call(self, cx: Cx) -> Result<Reply<Output>, Fault> {
        let bucket = names::open(&cx, &self.bucket, self.expected_bucket_owner.as_deref())?;
        let named = Named::parse(&self.bucket, &self.key, &self.upload_id)?;
        let max_parts = page_max(self.max_parts, "max-parts")?;
        let marker = number_of(self.part_number_marker);
        let max = usize::try_from(max_parts).unwrap_or_default();
        let seen = cx.engines.objects.list_parts(named.name(), marker, max);
        let seen = seen.map_err(|error| named.about().fault(error))?;
        let page = seen.value;
        let owner = owner_id(&bucket.owner.account);
        let is_shown = page.upload.chosen;
        let output = Output {
            part_number_marker: i64::from(marker),
            next_part_number_marker: page.parts.last().map_or(0, |(number, _)| *number),
            max_parts,
            is_truncated: page.more,
            parts: page.parts.into_iter().map(|(number, part)| listed(number, &part)).collect(),
            initiator: Owner { id: owner.clone() },
            owner: Owner { id: owner },
            storage_class: "STANDARD",
            checksum_algorithm: is_shown.then(|| sums::name(page.upload.algorithm)),
            checksum_type: is_shown.then(|| sums::kind(page.upload.coverage)),
            bucket: self.bucket,
            key: self.key,
            upload_id: self.upload_id,
        };
        Ok(Reply::read(output, seen.pos))
    }
}

fn number_of(marker: Option<i64>) -> u32 {
    u32::try_from(marker.unwrap_or(0).max(0)).unwrap_or(u32::MAX)
}

fn listed(number: u32, part: &eddy_objects::Part) -> Part {
    let sums = Values::of(part.checksum.algorithm, &part.checksum.value);
    Part {
        part_number: number,
        last_modified: Time(whole_seconds(part.modified)),
        etag: quoted(part.etag()),
        size: part.size,
        sums,
    }
}
