use eddy_base::Fault;
use eddy_objects::{ListedUpload, UploadAfter, UploadQuery};
use eddy_wire::Time;
use serde::{Deserialize, Serialize};

use super::fault::About;
use super::listing::{self, CommonPrefix, Encoding, Owner, page_max, whole_seconds};
use super::names::{self, bucket_arn, owner_id};
use super::sums;
use crate::{Cx, Needs, Operation, Reply};

/// Lists a page of the uploads that were begun in a bucket and not ended.
#[derive(Deserialize)]
pub(super) struct ListMultipartUploads {
    bucket: String,
    delimiter: Option<String>,
    encoding_type: Option<String>,
    key_marker: Option<String>,
    max_uploads: Option<i64>,
    prefix: Option<String>,
    upload_id_marker: Option<String>,
    expected_bucket_owner: Option<String>,
}

#[derive(Serialize)]
pub(super) struct Output {
    bucket: String,
    key_marker: String,
    upload_id_marker: String,
    next_key_marker: Option<String>,
    next_upload_id_marker: Option<String>,
    prefix: String,
    delimiter: Option<String>,
    max_uploads: i64,
    is_truncated: bool,
    uploads: Vec<Upload>,
    common_prefixes: Vec<CommonPrefix>,
    encoding_type: Option<&'static str>,
}

#[derive(Serialize)]
struct Upload {
    upload_id: String,
    key: String,
    initiated: Time,
    storage_class: &'static str,
    owner: Owner,
    initiator: Owner,
    checksum_algorithm: Option<&'static str>,
    checksum_type: Option<&'static str>,
}

impl Operation for ListMultipartUploads {
    const NAME: &'static str = "ListMultipartUploads";
    type Output = Output;

    fn needs(&self, _: &Cx) -> Needs {
        Needs::one("s3:ListBucketMultipartUploads", bucket_arn(&self.bucket))
    }

    async fn call(self, cx: Cx) -> Result<Reply<Output>, Fault> {
        let bucket = names::open(&cx, &self.bucket, self.expected_bucket_owner.as_deref())?;
        let encoding = Encoding::of(self.encoding_type.as_deref())?;
        let max_uploads = page_max(self.max_uploads, "max-uploads")?;
        let key_marker = self.key_marker.unwrap_or_default();
        let upload_id_marker = self.upload_id_marker.filter(|_| !key_marker.is_empty()).unwrap_or_default();
        let delimiter = self.delimiter.filter(|delimiter| !delimiter.is_empty());
        let query = UploadQuery {
            prefix: self.prefix.unwrap_or_default(),
            after: after(&key_marker, &upload_id_marker, delimiter.as_deref())?,
            delimiter: delimiter.clone().unwrap_or_default(),
            max: usize::try_from(max_uploads).unwrap_or_default(),
        };
        let seen = cx.engines.objects.list_uploads(&self.bucket, &query).await;
        let seen = seen.map_err(|error| About::bucket(&self.bucket).fault(error))?;
        let page = seen.value;
        let (next_key_marker, next_upload_id_marker) = markers(page.next.as_ref());
        let owner = Owner { id: owner_id(&bucket.owner.account) };
        let output = Output {
            bucket: self.bucket,
            key_marker: encoding.write(&key_marker),
            upload_id_marker,
            next_key_marker: next_key_marker.map(|key| encoding.write(&key)),
            next_upload_id_marker,
            prefix: encoding.write(&query.prefix),
            delimiter: delimiter.map(|delimiter| encoding.write(&delimiter)),
            max_uploads,
            is_truncated: page.next.is_some(),
            uploads: page.uploads.into_iter().map(|listed| upload(listed, encoding, &owner)).collect(),
            common_prefixes: listing::common(&page.prefixes, encoding),
            encoding_type: encoding.name(),
        };
        Ok(Reply::read(output, seen.pos))
    }
}

fn upload(listed: ListedUpload, encoding: Encoding, owner: &Owner) -> Upload {
    let is_shown = listed.upload.chosen;
    Upload {
        upload_id: listed.id.to_string(),
        key: encoding.write(&listed.key),
        initiated: Time(whole_seconds(listed.upload.initiated)),
        storage_class: "STANDARD",
        owner: owner.clone(),
        initiator: owner.clone(),
        checksum_algorithm: is_shown.then(|| sums::name(listed.upload.algorithm)),
        checksum_type: is_shown.then(|| sums::kind(listed.upload.coverage)),
    }
}

/// Where the page begins. An upload that was never there sorts like one that was.
fn after(key: &str, upload: &str, delimiter: Option<&str>) -> Result<UploadAfter, Fault> {
    if key.is_empty() {
        return Ok(UploadAfter::Nothing);
    }
    if !upload.is_empty() {
        let id = upload.parse();
        let id = id.map_err(|_| {
            super::fault::invalid_argument("Invalid uploadId marker", "upload-id-marker", upload)
        })?;
        return Ok(UploadAfter::Upload(key.to_owned(), id));
    }
    // It may be the rolled-up prefix that ended the page before.
    if delimiter.is_some_and(|delimiter| key.ends_with(delimiter)) {
        return Ok(UploadAfter::Prefix(key.to_owned()));
    }
    Ok(UploadAfter::Key(key.to_owned()))
}

fn markers(next: Option<&UploadAfter>) -> (Option<String>, Option<String>) {
    match next {
        None | Some(UploadAfter::Nothing) => (None, None),
        Some(UploadAfter::Key(key) | UploadAfter::Prefix(key)) => (Some(key.clone()), None),
        Some(UploadAfter::Upload(key, id)) => (Some(key.clone()), Some(id.to_string())),
    }
}
