use eddy_base::{Code, Fault, Subject};
use eddy_identity::Caller;
use eddy_objects::{Answer, Removal, When};
use serde::{Deserialize, Serialize};

use super::condition::when_matches;
use super::fault::{self, About};
use super::limits::{DELETE_KEYS_MAX, LONG_XML_BYTES_MAX};
use super::names::{self, object_arn};
use super::{by, read};
use crate::{Cx, Needs, Operation, Reply};

/// Removes up to 1000 objects, each for itself.
#[derive(Deserialize)]
pub(super) struct DeleteObjects {
    bucket: String,
    delete: Delete,
    expected_bucket_owner: Option<String>,
}

#[derive(Deserialize)]
struct Delete {
    objects: Option<Vec<Wanted>>,
    quiet: Option<bool>,
}

#[derive(Deserialize)]
struct Wanted {
    key: String,
    version_id: Option<String>,
    etag: Option<String>,
}

#[derive(Serialize)]
pub(super) struct Output {
    deleted: Vec<Deleted>,
    errors: Vec<Failed>,
}

#[derive(Serialize)]
struct Deleted {
    key: String,
    version_id: Option<String>,
}

#[derive(Serialize)]
struct Failed {
    key: String,
    version_id: Option<String>,
    code: String,
    message: String,
}

impl Operation for DeleteObjects {
    const NAME: &'static str = "DeleteObjects";
    const BODY_BYTES_MAX: u64 = LONG_XML_BYTES_MAX;
    type Output = Output;

    /// Each key is asked for by itself, and may be refused by itself.
    fn needs(&self, _: &Cx) -> Needs {
        Needs::later()
    }

    async fn call(self, cx: Cx) -> Result<Reply<Output>, Fault> {
        names::open(&cx, &self.bucket, self.expected_bucket_owner.as_deref())?;
        if cx.caller == Caller::Anonymous {
            // Nobody lets strangers in, whichever the keys, and S3 tells them so at once.
            return Err(fault::access_denied());
        }
        let objects = self.delete.objects.unwrap_or_default();
        if objects.is_empty() || objects.len() > DELETE_KEYS_MAX {
            return Err(fault::malformed_xml());
        }
        let quiet = self.delete.quiet.unwrap_or(false);
        let mut output = Output { deleted: Vec::new(), errors: Vec::new() };
        let mut removals = Vec::new();
        let mut wanted = Vec::new();
        for object in objects {
            let allowed = cx.allow("s3:DeleteObject", &object_arn(&self.bucket, &object.key), None);
            match allowed.and_then(|()| known(object.version_id.as_deref())) {
                Ok(()) => {
                    let when = object.etag.as_deref().map_or(When::Always, when_matches);
                    removals.push(Removal { key: object.key.clone(), when });
                    wanted.push(object);
                }
                Err(fault) => output.errors.push(Failed::new(object, fault)),
            }
        }
        let removed = cx.engines.objects.delete_all(&self.bucket, &removals, &by(&cx)).await;
        let removed = removed.map_err(|error| About::bucket(&self.bucket).fault(error))?;
        let answer = removed.map(|results| {
            for (object, result) in wanted.into_iter().zip(results) {
                match result {
                    Ok(()) if quiet => {}
                    Ok(()) => {
                        output.deleted.push(Deleted { key: object.key, version_id: object.version_id });
                    }
                    Err(error) => {
                        let fault = About::object(&self.bucket, &object.key).fault(error);
                        output.errors.push(Failed::new(object, fault));
                    }
                }
            }
            output
        });
        match answer {
            Answer::Changed(output) => Ok(Reply::after(output)),
            Answer::Unchanged(output, pos) => Ok(Reply::read(output, pos)),
        }
    }
}

/// As [`read::unversioned`], in the words that this operation has for each key.
fn known(version: Option<&str>) -> Result<(), Fault> {
    read::unversioned(version).map_err(|_| {
        let text = "The specified version does not exist.";
        fault::named(Code::Missing, Subject::Object, "NoSuchVersion", text)
    })
}

impl Failed {
    fn new(object: Wanted, fault: Fault) -> Failed {
        let code = fault.name.unwrap_or_else(|| fault::name_of(fault.code, fault.subject));
        Failed {
            key: object.key,
            version_id: object.version_id,
            code: code.to_owned(),
            message: fault.message.into_owned(),
        }
    }
}
