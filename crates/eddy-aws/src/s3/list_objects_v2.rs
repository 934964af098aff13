use eddy_base::Fault;
use eddy_objects::{After, Seen};
use serde::{Deserialize, Serialize};

use super::fault;
use super::listing::{self, Asked, CommonPrefix, Object, Owner, read_token, token};
use super::names::{self, bucket_arn, owner_id};
use crate::{Cx, Needs, Operation, Reply};

/// Lists a page of a bucket's objects; the next page begins where a token says.
#[derive(Deserialize)]
pub(super) struct ListObjectsV2 {
    bucket: String,
    delimiter: Option<String>,
    encoding_type: Option<String>,
    max_keys: Option<i64>,
    prefix: Option<String>,
    continuation_token: Option<String>,
    fetch_owner: Option<bool>,
    start_after: Option<String>,
    expected_bucket_owner: Option<String>,
}

#[derive(Serialize)]
pub(super) struct Output {
    is_truncated: bool,
    contents: Vec<Object>,
    name: String,
    prefix: String,
    delimiter: Option<String>,
    max_keys: i64,
    common_prefixes: Vec<CommonPrefix>,
    encoding_type: Option<&'static str>,
    key_count: usize,
    continuation_token: Option<String>,
    next_continuation_token: Option<String>,
    start_after: Option<String>,
}

impl Operation for ListObjectsV2 {
    const NAME: &'static str = "ListObjectsV2";
    type Output = Output;

    fn needs(&self, _: &Cx) -> Needs {
        Needs::one("s3:ListBucket", bucket_arn(&self.bucket))
    }

    async fn call(self, cx: Cx) -> Result<Reply<Output>, Fault> {
        let bucket = names::open(&cx, &self.bucket, self.expected_bucket_owner.as_deref())?;
        let mut asked =
            Asked::read(self.encoding_type.as_deref(), self.max_keys, self.prefix, self.delimiter)?;
        asked.query.after = after(self.continuation_token.as_deref(), self.start_after.as_deref())?;
        let Seen { value: page, pos } = asked.page(&cx, &self.bucket).await?;
        let Asked { encoding, max_keys, delimiter, query } = asked;
        let owner = self.fetch_owner.unwrap_or(false).then(|| Owner { id: owner_id(&bucket.owner.account) });
        let list = |listed| Object::new(listed, encoding, owner.clone());
        let output = Output {
            is_truncated: page.next.is_some(),
            key_count: page.objects.len() + page.prefixes.len(),
            next_continuation_token: page.next.as_ref().and_then(token),
            contents: page.objects.into_iter().map(list).collect(),
            name: self.bucket,
            prefix: encoding.write(&query.prefix),
            delimiter: delimiter.map(|delimiter| encoding.write(&delimiter)),
            max_keys,
            common_prefixes: listing::common(&page.prefixes, encoding),
            encoding_type: encoding.name(),
            start_after: self
                .start_after
                .filter(|_| self.continuation_token.is_none())
                .map(|name| encoding.write(&name)),
            continuation_token: self.continuation_token,
        };
        Ok(Reply::read(output, pos))
    }
}

/// Where the page begins: a token says it, else the name to start after.
fn after(token: Option<&str>, start_after: Option<&str>) -> Result<After, Fault> {
    match (token, start_after) {
        (Some(""), _) => Err(fault::invalid_argument(
            "The continuation token provided is incorrect",
            "continuation-token",
            "",
        )),
        (Some(token), _) => read_token(token),
        (None, Some(name)) if !name.is_empty() => Ok(After::Key(name.to_owned())),
        (None, _) => Ok(After::Nothing),
    }
}
