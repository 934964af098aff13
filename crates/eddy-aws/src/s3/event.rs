//! The document that a function gets when an object changes ("Event message structure" of the S3 user guide).

use bytes::Bytes;
use eddy_base::Fault;
use eddy_bus::{Event, Shape};
use eddy_objects::Change;
use serde::Serialize;

use super::listing::form_encoded;
use super::names::{bucket_arn, owner_id};
use super::notification::event_name;

/// Writes events of buckets as S3 does.
#[derive(Debug, Default)]
pub struct S3Event;

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Document<'a> {
    records: [Record<'a>; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Record<'a> {
    event_version: &'static str,
    event_source: &'static str,
    aws_region: &'a str,
    event_time: String,
    event_name: &'static str,
    user_identity: Identity<'a>,
    request_parameters: RequestParameters<'a>,
    response_elements: ResponseElements,
    s3: S3<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Identity<'a> {
    principal_id: &'a str,
}

#[derive(Serialize)]
struct RequestParameters<'a> {
    #[serde(rename = "sourceIPAddress")]
    source_ip_address: &'a str,
}

#[derive(Serialize)]
struct ResponseElements {
    #[serde(rename = "x-amz-request-id")]
    request_id: String,
    #[serde(rename = "x-amz-id-2")]
    id_2: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct S3<'a> {
    #[serde(rename = "s3SchemaVersion")]
    schema_version: &'static str,
    configuration_id: &'a str,
    bucket: Bucket<'a>,
    object: Object<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Bucket<'a> {
    name: &'a str,
    owner_identity: Owner,
    arn: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Owner {
    principal_id: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Object<'a> {
    /// Encoded as a form: a handler that takes it as it is fails on spaces, on Amazon's S3 as well.
    key: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    size: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    e_tag: Option<&'a str>,
    sequencer: String,
}

impl Shape for S3Event {
    fn render(&self, event: &Event, subscription: &str) -> Result<Bytes, Fault> {
        let change = Change::of(event)?;
        let unknown = || Fault::internal(format!("S3 has no name for the event {}", event.kind));
        let record = Record {
            event_version: "2.1",
            event_source: "aws:s3",
            aws_region: change.owner.region.as_str(),
            event_time: event.at.iso8601(),
            event_name: event_name(&event.kind).ok_or_else(unknown)?,
            user_identity: Identity { principal_id: &change.principal },
            request_parameters: RequestParameters { source_ip_address: &change.source_ip },
            response_elements: ResponseElements {
                request_id: change.request.to_string(),
                id_2: change.request.to_string(),
            },
            s3: S3 {
                schema_version: "1.0",
                configuration_id: subscription,
                bucket: Bucket {
                    name: &change.bucket,
                    owner_identity: Owner { principal_id: principal_of(&change) },
                    arn: bucket_arn(&change.bucket),
                },
                object: Object {
                    key: form_encoded(&event.subject),
                    size: change.size,
                    e_tag: change.etag.as_deref(),
                    sequencer: format!("{:018X}", change.sequencer),
                },
            },
        };
        serde_json::to_vec(&Document { records: [record] })
            .map(Bytes::from)
            .map_err(|error| Fault::internal(format!("an event could not be written: {error}")))
    }
}

/// How the owner is named in events: shorter than the canonical user id, and as fixed.
fn principal_of(change: &Change) -> String {
    owner_id(&change.owner.account)[..14].to_ascii_uppercase()
}

#[cfg(test)]
mod tests {
    use super::*;
    use eddy_base::{Account, Cause, Id, Region, Scope, Timestamp};
    use eddy_objects::{Kind, source};

    fn event(kind: Kind, key: &str, etag: Option<&str>) -> Event {
        let owner = Scope { account: Account::default(), region: Region::default() };
        let id = Id::from_bytes([0x11; 16]);
        let change = Change {
            bucket: "photos".into(),
            owner: owner.clone(),
            size: etag.map(|_| 11),
            etag: etag.map(Into::into),
            sequencer: 0xabc,
            principal: "AWS:000000000000".into(),
            source_ip: "127.0.0.1".into(),
            request: id,
        };
        Event {
            id: Id::from_bytes([0x22; 16]),
            at: Timestamp::from_millis(1_767_323_045_678),
            source: source(&owner, "photos"),
            kind: kind.name().into(),
            subject: key.into(),
            cause: Cause::root(id),
            data: minicbor::to_vec(&change).expect("encoding into memory does not fail").into(),
        }
    }

    fn rendered(event: &Event) -> serde_json::Value {
        let bytes = S3Event.render(event, "resize").expect("a document");
        serde_json::from_slice(&bytes).expect("JSON")
    }

    #[test]
    fn a_put_is_told_as_s3_tells_it() {
        let event = event(Kind::CreatedPut, "年度 报告+1.txt", Some("5eb63bbbe01eeed093cb22bb8f5acdc3"));
        insta::assert_json_snapshot!(rendered(&event));
    }

    #[test]
    fn a_removal_has_neither_size_nor_etag() {
        insta::assert_json_snapshot!(rendered(&event(Kind::RemovedDelete, "a/b.jpg", None)));
    }

    #[test]
    fn sequencers_sort_as_text() {
        let sequencer = |number: u64| {
            let mut event = event(Kind::CreatedPut, "k", Some("e"));
            let change = Change { sequencer: number, ..Change::of(&event).expect("a change") };
            event.data = minicbor::to_vec(&change).expect("encoding into memory does not fail").into();
            rendered(&event)["Records"][0]["s3"]["object"]["sequencer"].as_str().expect("text").to_owned()
        };
        assert!(sequencer(9) < sequencer(10));
        assert!(sequencer(255) < sequencer(4096));
    }
}
