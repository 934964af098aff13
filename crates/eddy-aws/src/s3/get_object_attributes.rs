use eddy_base::Fault;
use eddy_objects::{Coverage, Found, PartMark};
use eddy_wire::Time;
use serde::{Deserialize, Serialize};

use super::fault::{self, About};
use super::limits::PAGE_ENTRIES;
use super::listing::whole_seconds;
use super::names::{self, object_arn};
use super::read::unversioned;
use super::sums::{Sums, Values};
use crate::{Cx, Needs, Operation, Reply};

/// Says chosen things about an object, its parts among them.
#[derive(Deserialize)]
pub(super) struct GetObjectAttributes {
    bucket: String,
    key: String,
    version_id: Option<String>,
    max_parts: Option<i64>,
    part_number_marker: Option<i64>,
    expected_bucket_owner: Option<String>,
    object_attributes: Vec<String>,
}

#[derive(Serialize)]
pub(super) struct Output {
    last_modified: Time,
    etag: Option<String>,
    checksum: Option<Sums>,
    object_parts: Option<Parts>,
    storage_class: Option<&'static str>,
    object_size: Option<u64>,
}

#[derive(Serialize)]
struct Parts {
    total_parts_count: usize,
    part_number_marker: Option<i64>,
    next_part_number_marker: Option<i64>,
    max_parts: Option<i64>,
    is_truncated: Option<bool>,
    parts: Vec<Part>,
}

#[derive(Serialize)]
struct Part {
    part_number: u32,
    size: u64,
    sums: Values,
}

const KNOWN: [&str; 5] = ["ETag", "Checksum", "ObjectParts", "StorageClass", "ObjectSize"];

impl Operation for GetObjectAttributes {
    const NAME: &'static str = "GetObjectAttributes";
    type Output = Output;

    fn needs(&self, _: &Cx) -> Needs {
        let object = object_arn(&self.bucket, &self.key);
        Needs::one("s3:GetObject", object.clone()).and("s3:GetObjectAttributes", object)
    }

    async fn call(self, cx: Cx) -> Result<Reply<Output>, Fault> {
        names::open(&cx, &self.bucket, self.expected_bucket_owner.as_deref())?;
        unversioned(self.version_id.as_deref())?;
        if let Some(unknown) = self.object_attributes.iter().find(|name| !KNOWN.contains(&name.as_str())) {
            let text = "Invalid attribute name specified.";
            return Err(fault::invalid_argument(text, "x-amz-object-attributes", unknown));
        }
        let seen = cx.engines.objects.get(&self.bucket, &self.key);
        let seen = seen.map_err(|error| About::object(&self.bucket, &self.key).fault(error))?;
        let found = &seen.value;
        let head = &found.object.head;
        let wants = |name: &str| self.object_attributes.iter().any(|wanted| wanted == name);
        let output = Output {
            last_modified: Time(whole_seconds(head.modified)),
            etag: wants("ETag").then(|| head.etag.to_string()),
            // Here without the number of parts behind it.
            checksum: wants("Checksum").then(|| Sums::of(head.checksum.as_ref(), None)),
            object_parts: (wants("ObjectParts") && !found.parts().is_empty()).then(|| self.parts(found)),
            storage_class: wants("StorageClass").then_some("STANDARD"),
            object_size: wants("ObjectSize").then_some(head.size),
        };
        Ok(Reply::read(output, seen.pos))
    }
}

impl GetObjectAttributes {
    /// S3 lists parts by their checksums. Where the checksum is one of the whole object, or none was asked for, it keeps
    /// none of the parts and says only how many there were.
    fn parts(&self, found: &Found) -> Parts {
        let checksum = found.object.head.checksum.as_ref();
        if checksum.is_none_or(|checksum| checksum.coverage == Coverage::Whole) {
            return Parts {
                total_parts_count: found.parts().len(),
                part_number_marker: None,
                next_part_number_marker: None,
                max_parts: None,
                is_truncated: None,
                parts: Vec::new(),
            };
        }
        let marker = self.part_number_marker.unwrap_or(0).max(0);
        let max = self.max_parts.unwrap_or(PAGE_ENTRIES).clamp(0, PAGE_ENTRIES);
        let mut rest = found.parts().iter().filter(|part| i64::from(part.number) > marker);
        let limit = usize::try_from(max).unwrap_or_default();
        let parts: Vec<Part> = rest.by_ref().take(limit).map(|part| listed(found, part)).collect();
        Parts {
            total_parts_count: found.parts().len(),
            part_number_marker: Some(marker),
            next_part_number_marker: Some(parts.last().map_or(0, |part| i64::from(part.part_number))),
            max_parts: Some(max),
            is_truncated: Some(rest.next().is_some()),
            parts,
        }
    }
}

fn listed(found: &Found, part: &PartMark) -> Part {
    let algorithm = found.object.head.checksum.as_ref().map(|checksum| checksum.algorithm);
    let sums = algorithm.map(|algorithm| Values::of(algorithm, &part.checksum)).unwrap_or_default();
    Part { part_number: part.number, size: part.size, sums }
}
