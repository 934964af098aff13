use eddy_base::{Code, Fault, Region, Subject};
use eddy_objects::Error;
use eddy_store::Pos;
use serde::{Deserialize, Serialize};

use super::fault;
use super::names::{bucket_arn, is_bucket_name};
use super::tags::{self, Tag};
use crate::{Cx, Needs, Operation, Reply};

/// Takes a name for a bucket.
#[derive(Deserialize)]
pub(super) struct CreateBucket {
    bucket: String,
    create_bucket_configuration: Option<Configuration>,
}

#[derive(Deserialize)]
struct Configuration {
    location_constraint: Option<String>,
    tags: Option<Vec<Tag>>,
}

#[derive(Serialize)]
pub(super) struct Output {
    location: String,
    bucket_arn: String,
}

/// The region whose endpoint makes buckets anywhere.
const CLASSIC: &str = "us-east-1";

impl Operation for CreateBucket {
    const NAME: &'static str = "CreateBucket";
    type Output = Output;

    fn needs(&self, _: &Cx) -> Needs {
        Needs::one("s3:CreateBucket", bucket_arn(&self.bucket))
    }

    async fn check(&self, _: &Cx) -> Result<(), Fault> {
        if is_bucket_name(&self.bucket) { Ok(()) } else { Err(fault::invalid_bucket_name(&self.bucket)) }
    }

    async fn call(self, cx: Cx) -> Result<Reply<Output>, Fault> {
        if !is_bucket_name(&self.bucket) {
            return Err(fault::invalid_bucket_name(&self.bucket));
        }
        let (constraint, tags) = match self.create_bucket_configuration {
            Some(given) => (given.location_constraint, given.tags.unwrap_or_default()),
            None => (None, Vec::new()),
        };
        let mut owner = cx.scope.clone();
        owner.region = region(&cx.scope.region, constraint.as_deref().filter(|text| !text.is_empty()))?;
        let tags = tags::of_bucket(tags)?;
        let output = Output { location: format!("/{}", self.bucket), bucket_arn: bucket_arn(&self.bucket) };
        match cx.engines.objects.create_bucket(&self.bucket, &owner, &tags).await {
            Ok(made) => Ok(Reply::after(made.map(|_| output))),
            Err(Error::BucketExists { owner: other }) => {
                let is_own = other.account == owner.account;
                // The oldest region still says yes to an owner who asks again.
                let is_classic = cx.scope.region.as_str() == CLASSIC && other.region.as_str() == CLASSIC;
                if is_own && is_classic && owner.region.as_str() == CLASSIC {
                    return Ok(Reply::read(output, existing(&cx, &self.bucket)?));
                }
                Err(exists(&self.bucket, is_own))
            }
            Err(error) => Err(fault::About::bucket(&self.bucket).fault(error)),
        }
    }
}

fn existing(cx: &Cx, bucket: &str) -> Result<Pos, Fault> {
    let seen = cx.engines.objects.bucket(bucket);
    Ok(seen.map_err(|error| fault::About::bucket(bucket).fault(error))?.pos)
}

/// The region of a bucket that is asked for at the endpoint of `endpoint`.
fn region(endpoint: &Region, constraint: Option<&str>) -> Result<Region, Fault> {
    let Some(constraint) = constraint else {
        if endpoint.as_str() == CLASSIC {
            return Ok(endpoint.clone());
        }
        return Err(illegal("unspecified"));
    };
    let wanted = if constraint == "EU" { "eu-west-1" } else { constraint };
    let invalid = || {
        fault::invalid("InvalidLocationConstraint", "The specified location-constraint is not valid")
            .with("LocationConstraint", constraint)
    };
    if wanted == CLASSIC {
        return Err(invalid());
    }
    let region = Region::new(wanted).map_err(|_| invalid())?;
    if endpoint.as_str() != CLASSIC && *endpoint != region {
        return Err(illegal(constraint));
    }
    Ok(region)
}

fn illegal(constraint: &str) -> Fault {
    let text = format!(
        "The {constraint} location constraint is incompatible for the region specific endpoint this request was \
         sent to."
    );
    fault::invalid("IllegalLocationConstraintException", text)
}

fn exists(bucket: &str, is_own: bool) -> Fault {
    let (name, text) = if is_own {
        let text = "Your previous request to create the named bucket succeeded and you already own it.";
        ("BucketAlreadyOwnedByYou", text)
    } else {
        let text = "The requested bucket name is not available. The bucket namespace is shared by all users of \
             the system. Please select a different name and try again.";
        ("BucketAlreadyExists", text)
    };
    fault::named(Code::Exists, Subject::Bucket, name, text).with("BucketName", bucket)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_is_made_where_its_endpoint_allows() {
        let check = |endpoint: &str, constraint: Option<&str>, expected: &str| {
            let endpoint = Region::new(endpoint).expect("a region");
            let outcome = match region(&endpoint, constraint) {
                Ok(region) => region.as_str().to_owned(),
                Err(fault) => fault.name.unwrap_or_default().to_owned(),
            };
            assert_eq!(outcome, expected, "{endpoint} {constraint:?}");
        };
        check("us-east-1", None, "us-east-1");
        check("us-east-1", Some("eu-central-1"), "eu-central-1");
        check("us-east-1", Some("EU"), "eu-west-1");
        check("us-east-1", Some("us-east-1"), "InvalidLocationConstraint");
        check("us-east-1", Some("No Region"), "InvalidLocationConstraint");
        check("eu-west-1", None, "IllegalLocationConstraintException");
        check("eu-west-1", Some("eu-west-1"), "eu-west-1");
        check("eu-west-1", Some("us-west-2"), "IllegalLocationConstraintException");
    }
}
