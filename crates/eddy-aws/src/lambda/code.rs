//! Where a function's package comes from: the request itself, or an object.

use bytes::Bytes;
use eddy_base::{Code, Fault, Subject};
use eddy_functions::Upload;
use eddy_functions::limits::PACKAGE_INLINE_BYTES_MAX;
use eddy_wire::Blob;
use serde::Deserialize;

use crate::Cx;

/// The body of a request that may carry a package: 50 MB as base64, and what else is in it.
pub(super) const REQUEST_BYTES_MAX: u64 = 70_167_211;

/// The model's FunctionCode. Images are refused by name.
#[derive(Debug, Deserialize)]
pub(super) struct FunctionCode {
    pub(super) zip_file: Option<Blob>,
    pub(super) s3_bucket: Option<String>,
    pub(super) s3_key: Option<String>,
}

impl FunctionCode {
    /// Receives the package. It is not checked yet.
    pub(super) async fn receive(self, cx: &Cx) -> Result<Upload, Fault> {
        match self {
            FunctionCode { zip_file: Some(Blob(zip)), s3_bucket: None, s3_key: None } => {
                inline(cx, zip).await
            }
            FunctionCode { zip_file: Some(_), .. } => Err(Fault::invalid(
                "Please do not provide other FunctionCode parameters when providing a ZipFile.",
            )),
            FunctionCode { zip_file: None, s3_bucket: Some(bucket), s3_key: Some(key) } => {
                object(cx, &bucket, &key).await
            }
            FunctionCode { zip_file: None, .. } => {
                Err(Fault::invalid("Please provide a source for function code."))
            }
        }
    }
}

async fn inline(cx: &Cx, zip: Bytes) -> Result<Upload, Fault> {
    if zip.is_empty() {
        return Err(Fault::invalid("Uploaded file must be a non-empty zip"));
    }
    if zip.len() as u64 > PACKAGE_INLINE_BYTES_MAX {
        let text = format!(
            "Request must be smaller than {REQUEST_BYTES_MAX} bytes for the CreateFunction operation"
        );
        return Err(
            Fault::new(Code::TooLarge, Subject::Request, text).named("RequestEntityTooLargeException")
        );
    }
    let mut upload = cx.engines.functions.upload().await?;
    upload.write(zip).await?;
    Ok(upload)
}

async fn object(cx: &Cx, bucket: &str, key: &str) -> Result<Upload, Fault> {
    cx.allow("s3:GetObject", &format!("arn:aws:s3:::{bucket}/{key}"), None)?;
    let objects = &cx.engines.objects;
    let seen = objects.get(bucket, key).map_err(|error| worded(error.into()))?;
    let found = &seen.value;
    let mut upload = cx.engines.functions.upload().await?;
    let mut reader = objects.read(found, 0..found.object.head.size);
    while let Some(bytes) = reader.next().await.map_err(|error| worded(error.into()))? {
        upload.write(bytes).await?;
    }
    Ok(upload)
}

/// What S3 would have said, as Lambda passes it on.
fn worded(fault: Fault) -> Fault {
    let (code, message) = match (fault.code, fault.subject) {
        (Code::Missing, Subject::Bucket) => ("NoSuchBucket", "The specified bucket does not exist"),
        (Code::Missing, _) => ("NoSuchKey", "The specified key does not exist."),
        _ => return fault,
    };
    Fault::invalid(format!(
        "Error occurred while GetObject. S3 Error Code: {code}. S3 Error Message: {message}"
    ))
}
