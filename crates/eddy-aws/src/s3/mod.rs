//! S3: buckets, objects, uploads in parts, notifications. One file an operation.
//!
//! Buckets keep no versions; whatever would need them is refused by name, as are access control lists, encryption,
//! storage classes, locks and everything else that would be accepted and then not done.

mod abort_multipart_upload;
mod acl;
mod body;
mod complete_multipart_upload;
mod condition;
mod copy_object;
mod create_bucket;
mod create_multipart_upload;
mod delete_bucket;
mod delete_bucket_encryption;
mod delete_bucket_tagging;
mod delete_object;
mod delete_object_tagging;
mod delete_objects;
mod describe;
mod encryption;
mod event;
mod fault;
mod form;
mod get_bucket_accelerate_configuration;
mod get_bucket_acl;
mod get_bucket_cors;
mod get_bucket_encryption;
mod get_bucket_lifecycle_configuration;
mod get_bucket_location;
mod get_bucket_logging;
mod get_bucket_notification_configuration;
mod get_bucket_ownership_controls;
mod get_bucket_policy;
mod get_bucket_policy_status;
mod get_bucket_replication;
mod get_bucket_request_payment;
mod get_bucket_tagging;
mod get_bucket_versioning;
mod get_bucket_website;
mod get_object;
mod get_object_acl;
mod get_object_attributes;
mod get_object_lock_configuration;
mod get_object_tagging;
mod get_public_access_block;
mod head_bucket;
mod head_object;
mod limits;
mod list_buckets;
mod list_multipart_uploads;
mod list_objects;
mod list_objects_v2;
mod list_parts;
mod listing;
mod names;
mod notification;
mod put_bucket_encryption;
mod put_bucket_notification_configuration;
mod put_bucket_tagging;
mod put_object;
mod put_object_tagging;
mod range;
mod read;
mod source;
mod sums;
mod tags;
mod upload;
mod upload_part;
mod upload_part_copy;

use eddy_objects::By;

use crate::{Cx, Service, op};
use abort_multipart_upload::AbortMultipartUpload;
use complete_multipart_upload::CompleteMultipartUpload;
use copy_object::CopyObject;
use create_bucket::CreateBucket;
use create_multipart_upload::CreateMultipartUpload;
use delete_bucket::DeleteBucket;
use delete_bucket_encryption::DeleteBucketEncryption;
use delete_bucket_tagging::DeleteBucketTagging;
use delete_object::DeleteObject;
use delete_object_tagging::DeleteObjectTagging;
use delete_objects::DeleteObjects;
use get_bucket_accelerate_configuration::GetBucketAccelerateConfiguration;
use get_bucket_acl::GetBucketAcl;
use get_bucket_cors::GetBucketCors;
use get_bucket_encryption::GetBucketEncryption;
use get_bucket_lifecycle_configuration::GetBucketLifecycleConfiguration;
use get_bucket_location::GetBucketLocation;
use get_bucket_logging::GetBucketLogging;
use get_bucket_notification_configuration::GetBucketNotificationConfiguration;
use get_bucket_ownership_controls::GetBucketOwnershipControls;
use get_bucket_policy::GetBucketPolicy;
use get_bucket_policy_status::GetBucketPolicyStatus;
use get_bucket_replication::GetBucketReplication;
use get_bucket_request_payment::GetBucketRequestPayment;
use get_bucket_tagging::GetBucketTagging;
use get_bucket_versioning::GetBucketVersioning;
use get_bucket_website::GetBucketWebsite;
use get_object::GetObject;
use get_object_acl::GetObjectAcl;
use get_object_attributes::GetObjectAttributes;
use get_object_lock_configuration::GetObjectLockConfiguration;
use get_object_tagging::GetObjectTagging;
use get_public_access_block::GetPublicAccessBlock;
use head_bucket::HeadBucket;
use head_object::HeadObject;
use list_buckets::ListBuckets;
use list_multipart_uploads::ListMultipartUploads;
use list_objects::ListObjects;
use list_objects_v2::ListObjectsV2;
use list_parts::ListParts;
use put_bucket_encryption::PutBucketEncryption;
use put_bucket_notification_configuration::PutBucketNotificationConfiguration;
use put_bucket_tagging::PutBucketTagging;
use put_object::PutObject;
use put_object_tagging::PutObjectTagging;
use upload_part::UploadPart;
use upload_part_copy::UploadPartCopy;

pub use event::S3Event;
pub use notification::SHAPE;

pub(crate) static SERVICE: Service = Service {
    name: "s3",
    operations: &[
        op::<AbortMultipartUpload>(),
        op::<CompleteMultipartUpload>(),
        op::<CopyObject>(),
        op::<CreateBucket>(),
        op::<CreateMultipartUpload>(),
        op::<DeleteBucket>(),
        op::<DeleteBucketEncryption>(),
        op::<DeleteBucketTagging>(),
        op::<DeleteObject>(),
        op::<DeleteObjectTagging>(),
        op::<DeleteObjects>(),
        op::<GetBucketAccelerateConfiguration>(),
        op::<GetBucketAcl>(),
        op::<GetBucketCors>(),
        op::<GetBucketEncryption>(),
        op::<GetBucketLifecycleConfiguration>(),
        op::<GetBucketLocation>(),
        op::<GetBucketLogging>(),
        op::<GetBucketNotificationConfiguration>(),
        op::<GetBucketOwnershipControls>(),
        op::<GetBucketPolicy>(),
        op::<GetBucketPolicyStatus>(),
        op::<GetBucketReplication>(),
        op::<GetBucketRequestPayment>(),
        op::<GetBucketTagging>(),
        op::<GetBucketVersioning>(),
        op::<GetBucketWebsite>(),
        op::<GetObject>(),
        op::<GetObjectAcl>(),
        op::<GetObjectAttributes>(),
        op::<GetObjectLockConfiguration>(),
        op::<GetObjectTagging>(),
        op::<GetPublicAccessBlock>(),
        op::<HeadBucket>(),
        op::<HeadObject>(),
        op::<ListBuckets>(),
        op::<ListMultipartUploads>(),
        op::<ListObjects>(),
        op::<ListObjectsV2>(),
        op::<ListParts>(),
        op::<PutBucketEncryption>(),
        op::<PutBucketNotificationConfiguration>(),
        op::<PutBucketTagging>(),
        op::<PutObject>(),
        op::<PutObjectTagging>(),
        op::<UploadPart>(),
        op::<UploadPartCopy>(),
    ],
    errors: fault::name_of,
    form: Some(form::upload),
};

/// Who asks for a change, for its event.
fn by(cx: &Cx) -> By {
    By {
        cause: cx.cause,
        request: cx.request_id,
        principal: names::principal(&cx.caller),
        source_ip: cx.source_ip.to_string(),
    }
}
