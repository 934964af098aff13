//! S3: buckets, objects, uploads in parts, notifications. One file an operation.
//!
//! Buckets keep no versions; whatever would need them is refused by name, as are access control lists, keys of KMS,
//! storage classes, locks and everything else that would be accepted and then not done. What a plain bucket of S3 says
//! of each of these when asked, a bucket here says too, and it may be set to just that.

mod abort_multipart_upload;
mod acl;
mod body;
mod complete_multipart_upload;
mod condition;
mod copy_object;
mod cors;
mod create_bucket;
mod create_multipart_upload;
mod delete_bucket;
mod delete_bucket_cors;
mod delete_bucket_encryption;
mod delete_bucket_lifecycle;
mod delete_bucket_ownership_controls;
mod delete_bucket_policy;
mod delete_bucket_replication;
mod delete_bucket_tagging;
mod delete_bucket_website;
mod delete_object;
mod delete_object_tagging;
mod delete_objects;
mod delete_public_access_block;
mod describe;
mod encryption;
mod event;
mod fault;
mod form;
mod get_bucket_abac;
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
mod get_object_legal_hold;
mod get_object_lock_configuration;
mod get_object_retention;
mod get_object_tagging;
mod get_public_access_block;
mod head_bucket;
mod head_object;
mod limits;
mod list_bucket_analytics_configurations;
mod list_bucket_intelligent_tiering_configurations;
mod list_bucket_inventory_configurations;
mod list_bucket_metrics_configurations;
mod list_buckets;
mod list_multipart_uploads;
mod list_object_versions;
mod list_objects;
mod list_objects_v2;
mod list_parts;
mod listing;
mod names;
mod notification;
mod put_bucket_acl;
mod put_bucket_cors;
mod put_bucket_encryption;
mod put_bucket_notification_configuration;
mod put_bucket_ownership_controls;
mod put_bucket_request_payment;
mod put_bucket_tagging;
mod put_object;
mod put_object_acl;
mod put_object_tagging;
mod put_public_access_block;
mod range;
mod read;
mod request;
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
use delete_bucket_cors::DeleteBucketCors;
use delete_bucket_encryption::DeleteBucketEncryption;
use delete_bucket_lifecycle::DeleteBucketLifecycle;
use delete_bucket_ownership_controls::DeleteBucketOwnershipControls;
use delete_bucket_policy::DeleteBucketPolicy;
use delete_bucket_replication::DeleteBucketReplication;
use delete_bucket_tagging::DeleteBucketTagging;
use delete_bucket_website::DeleteBucketWebsite;
use delete_object::DeleteObject;
use delete_object_tagging::DeleteObjectTagging;
use delete_objects::DeleteObjects;
use delete_public_access_block::DeletePublicAccessBlock;
use get_bucket_abac::GetBucketAbac;
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
use get_object_legal_hold::GetObjectLegalHold;
use get_object_lock_configuration::GetObjectLockConfiguration;
use get_object_retention::GetObjectRetention;
use get_object_tagging::GetObjectTagging;
use get_public_access_block::GetPublicAccessBlock;
use head_bucket::HeadBucket;
use head_object::HeadObject;
use list_bucket_analytics_configurations::ListBucketAnalyticsConfigurations;
use list_bucket_intelligent_tiering_configurations::ListBucketIntelligentTieringConfigurations;
use list_bucket_inventory_configurations::ListBucketInventoryConfigurations;
use list_bucket_metrics_configurations::ListBucketMetricsConfigurations;
use list_buckets::ListBuckets;
use list_multipart_uploads::ListMultipartUploads;
use list_object_versions::ListObjectVersions;
use list_objects::ListObjects;
use list_objects_v2::ListObjectsV2;
use list_parts::ListParts;
use put_bucket_acl::PutBucketAcl;
use put_bucket_cors::PutBucketCors;
use put_bucket_encryption::PutBucketEncryption;
use put_bucket_notification_configuration::PutBucketNotificationConfiguration;
use put_bucket_ownership_controls::PutBucketOwnershipControls;
use put_bucket_request_payment::PutBucketRequestPayment;
use put_bucket_tagging::PutBucketTagging;
use put_object::PutObject;
use put_object_acl::PutObjectAcl;
use put_object_tagging::PutObjectTagging;
use put_public_access_block::PutPublicAccessBlock;
use upload_part::UploadPart;
use upload_part_copy::UploadPartCopy;

pub(crate) use cors::{cross_origin, preflight};
pub use event::S3Event;
pub use notification::SHAPE;
pub(crate) use request::{check_address, check_body};

pub(crate) static SERVICE: Service = Service {
    name: "s3",
    operations: &[
        op::<AbortMultipartUpload>(),
        op::<CompleteMultipartUpload>(),
        op::<CopyObject>(),
        op::<CreateBucket>(),
        op::<CreateMultipartUpload>(),
        op::<DeleteBucket>(),
        op::<DeleteBucketCors>(),
        op::<DeleteBucketEncryption>(),
        op::<DeleteBucketLifecycle>(),
        op::<DeleteBucketOwnershipControls>(),
        op::<DeleteBucketPolicy>(),
        op::<DeleteBucketReplication>(),
        op::<DeleteBucketTagging>(),
        op::<DeleteBucketWebsite>(),
        op::<DeleteObject>(),
        op::<DeleteObjectTagging>(),
        op::<DeleteObjects>(),
        op::<DeletePublicAccessBlock>(),
        op::<GetBucketAbac>(),
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
        op::<GetObjectLegalHold>(),
        op::<GetObjectLockConfiguration>(),
        op::<GetObjectRetention>(),
        op::<GetObjectTagging>(),
        op::<GetPublicAccessBlock>(),
        op::<HeadBucket>(),
        op::<HeadObject>(),
        op::<ListBucketAnalyticsConfigurations>(),
        op::<ListBucketIntelligentTieringConfigurations>(),
        op::<ListBucketInventoryConfigurations>(),
        op::<ListBucketMetricsConfigurations>(),
        op::<ListBuckets>(),
        op::<ListMultipartUploads>(),
        op::<ListObjectVersions>(),
        op::<ListObjects>(),
        op::<ListObjectsV2>(),
        op::<ListParts>(),
        op::<PutBucketAcl>(),
        op::<PutBucketCors>(),
        op::<PutBucketEncryption>(),
        op::<PutBucketNotificationConfiguration>(),
        op::<PutBucketOwnershipControls>(),
        op::<PutBucketRequestPayment>(),
        op::<PutBucketTagging>(),
        op::<PutObject>(),
        op::<PutObjectAcl>(),
        op::<PutObjectTagging>(),
        op::<PutPublicAccessBlock>(),
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
