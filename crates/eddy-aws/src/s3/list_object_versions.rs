use eddy_base::Fault;
use eddy_objects::{After, Seen};
use eddy_wire::Time;
use serde::{Deserialize, Serialize};

use super::condition::quoted;
use super::fault;
use super::listing::{self, Asked, CommonPrefix, Encoding, Owner, behind, name_of, whole_seconds};
use super::names::{self, bucket_arn, owner_id};
use super::sums;
use crate::{Cx, Needs, Operation, Reply};

/// Lists a page of a bucket's versions. Buckets keep none, so each object is its own and only one, called `null`.
#[derive(Deserialize)]
pub(super) struct ListObjectVersions {
    bucket: String,
    delimiter: Option<String>,
    encoding_type: Option<String>,
    key_marker: Option<String>,
    max_keys: Option<i64>,
    prefix: Option<String>,
    version_id_marker: Option<String>,
    expected_bucket_owner: Option<String>,
}

#[derive(Serialize)]
pub(super) struct Output {
    is_truncated: bool,
    key_marker: String,
    version_id_marker: String,
    next_key_marker: Option<String>,
    next_version_id_marker: Option<&'static str>,
    versions: Vec<Version>,
    name: String,
    prefix: String,
    delimiter: Option<String>,
    max_keys: i64,
    common_prefixes: Vec<CommonPrefix>,
    encoding_type: Option<&'static str>,
}

#[derive(Serialize)]
struct Version {
    etag: String,
    checksum_algorithm: Vec<&'static str>,
    checksum_type: Option<&'static str>,
    size: u64,
    storage_class: &'static str,
    key: String,
    version_id: &'static str,
    is_latest: bool,
    last_modified: Time,
    owner: Owner,
}

/// What the version of an object is called in a bucket that keeps none.
const UNVERSIONED: &str = "null";

impl Operation for ListObjectVersions {
    const NAME: &'static str = "ListObjectVersions";
    type Output = Output;

    fn needs(&self, _: &Cx) -> Needs {
        Needs::one("s3:ListBucketVersions", bucket_arn(&self.bucket))
    }

    async fn call(self, cx: Cx) -> Result<Reply<Output>, Fault> {
        let bucket = names::open(&cx, &self.bucket, self.expected_bucket_owner.as_deref())?;
        let mut asked =
            Asked::read(self.encoding_type.as_deref(), self.max_keys, self.prefix, self.delimiter)?;
        let key_marker = self.key_marker.unwrap_or_default();
        let version_id_marker = marked(&key_marker, self.version_id_marker)?;
        asked.query.after = behind(&key_marker, asked.delimiter.as_deref());
        let Seen { value: page, pos } = asked.page(&cx, &self.bucket).await?;
        let Asked { encoding, max_keys, delimiter, query } = asked;
        let owner = Owner { id: owner_id(&bucket.owner.account) };
        let is_key = matches!(page.next, Some(After::Key(_)));
        let output = Output {
            is_truncated: page.next.is_some(),
            key_marker: encoding.write(&key_marker),
            version_id_marker,
            next_key_marker: page.next.as_ref().and_then(name_of).map(|name| encoding.write(name)),
            next_version_id_marker: is_key.then_some(UNVERSIONED),
            versions: page.objects.into_iter().map(|listed| version(listed, encoding, &owner)).collect(),
            name: self.bucket,
            prefix: encoding.write(&query.prefix),
            delimiter: delimiter.map(|delimiter| encoding.write(&delimiter)),
            max_keys,
            common_prefixes: listing::common(&page.prefixes, encoding),
            encoding_type: encoding.name(),
        };
        Ok(Reply::read(output, pos))
    }
}

fn version(listed: eddy_objects::Listed, encoding: Encoding, owner: &Owner) -> Version {
    Version {
        etag: quoted(listed.etag),
        checksum_algorithm: listed.checksum.iter().map(|(algorithm, _)| sums::name(*algorithm)).collect(),
        checksum_type: listed.checksum.map(|(_, coverage)| sums::kind(coverage)),
        size: listed.size,
        storage_class: "STANDARD",
        key: encoding.write(&listed.key),
        version_id: UNVERSIONED,
        is_latest: true,
        last_modified: Time(whole_seconds(listed.modified)),
        owner: owner.clone(),
    }
}

/// The version behind which the page begins: whichever it is, the key has no further one.
fn marked(key_marker: &str, version: Option<String>) -> Result<String, Fault> {
    match version {
        Some(version) if key_marker.is_empty() => {
            let text = "A version-id marker cannot be specified without a key marker.";
            Err(fault::invalid_argument(text, "version-id-marker", version))
        }
        Some(version) if version.is_empty() => {
            let text = "A version-id marker cannot be empty.";
            Err(fault::invalid_argument(text, "version-id-marker", version))
        }
        Some(version) if version != UNVERSIONED => {
            Err(fault::invalid_argument("Invalid version id specified", "version-id-marker", version))
        }
        version => Ok(version.unwrap_or_default()),
    }
}
