use eddy_base::Fault;
use eddy_objects::Seen;
use serde::{Deserialize, Serialize};

use super::listing::{self, Asked, CommonPrefix, Object, Owner, behind, name_of};
use super::names::{self, bucket_arn, owner_id};
use crate::{Cx, Needs, Operation, Reply};

/// Lists a page of a bucket's objects, the old way: the next page begins behind the last name of this one.
#[derive(Deserialize)]
pub(super) struct ListObjects {
    bucket: String,
    delimiter: Option<String>,
    encoding_type: Option<String>,
    marker: Option<String>,
    max_keys: Option<i64>,
    prefix: Option<String>,
    expected_bucket_owner: Option<String>,
}

#[derive(Serialize)]
pub(super) struct Output {
    is_truncated: bool,
    marker: String,
    next_marker: Option<String>,
    contents: Vec<Object>,
    name: String,
    prefix: String,
    delimiter: Option<String>,
    max_keys: i64,
    common_prefixes: Vec<CommonPrefix>,
    encoding_type: Option<&'static str>,
}

impl Operation for ListObjects {
    const NAME: &'static str = "ListObjects";
    type Output = Output;

    fn needs(&self, _: &Cx) -> Needs {
        Needs::one("s3:ListBucket", bucket_arn(&self.bucket))
    }

    async fn call(self, cx: Cx) -> Result<Reply<Output>, Fault> {
        let bucket = names::open(&cx, &self.bucket, self.expected_bucket_owner.as_deref())?;
        let mut asked =
            Asked::read(self.encoding_type.as_deref(), self.max_keys, self.prefix, self.delimiter)?;
        let marker = self.marker.unwrap_or_default();
        asked.query.after = behind(&marker, asked.delimiter.as_deref());
        let Seen { value: page, pos } = asked.page(&cx, &self.bucket).await?;
        let Asked { encoding, max_keys, delimiter, query } = asked;
        // Only with a delimiter: without one the last key says as much.
        let next_marker = page.next.as_ref().filter(|_| delimiter.is_some()).and_then(name_of);
        let owner = Owner { id: owner_id(&bucket.owner.account) };
        let list = |listed| Object::new(listed, encoding, Some(owner.clone()));
        let output = Output {
            is_truncated: page.next.is_some(),
            marker: encoding.write(&marker),
            next_marker: next_marker.map(|name| encoding.write(name)),
            contents: page.objects.into_iter().map(list).collect(),
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
