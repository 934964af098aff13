//! What is known of each service before its table is parsed: enough to tell whose a request is.

use std::sync::OnceLock;

use serde::Deserialize;

use super::{Protocol, supplement};

/// One service in general.
#[derive(Debug)]
pub struct Facts {
    /// The name of its file: `s3`, `events`, `stepfunctions`.
    pub name: &'static str,
    pub api_version: &'static str,
    pub endpoint_prefix: &'static str,
    /// The service in a signature's scope. Several services may share one.
    pub signing_name: &'static str,
    /// Before the dot of `X-Amz-Target`, and the service in the path of rpc-v2-cbor.
    pub target_prefix: Option<&'static str>,
    pub xml_namespace: Option<&'static str>,
    /// The protocols that it answers in; the first is the model's own.
    pub protocols: Vec<Protocol>,
    /// Errors also carry their awsQuery code in a header.
    pub query_compatible: bool,
    /// Stands before an error's name in awsJson: `com.amazonaws.sqs#`.
    pub error_namespace: &'static str,
    pub codes: Codes,
}

/// What a service calls the errors that any request may meet.
#[derive(Debug, Clone, Copy)]
pub struct Codes {
    /// A value breaks a constraint of the model.
    pub invalid: &'static str,
    /// The body cannot be parsed.
    pub malformed: &'static str,
    /// The body can be parsed, but a value has another type than the model's.
    pub wrong_type: &'static str,
    /// There is no such operation.
    pub unknown_operation: &'static str,
    /// A member of the model that eddy does not support.
    pub unsupported: &'static str,
}

#[derive(Deserialize)]
struct Index {
    #[serde(borrow, deserialize_with = "super::load::pairs")]
    services: Vec<(&'static str, Row)>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    api_version: &'static str,
    endpoint_prefix: &'static str,
    signing_name: Option<&'static str>,
    target_prefix: Option<&'static str>,
    json_version: Option<&'static str>,
    xml_namespace: Option<&'static str>,
    #[serde(borrow)]
    protocols: Vec<&'static str>,
    #[serde(default)]
    query_compatible: bool,
}

/// The facts of all services, parsed at the first call.
///
/// # Panics
/// If the embedded index is broken, which tests rule out.
pub fn facts() -> &'static [Facts] {
    static FACTS: OnceLock<Vec<Facts>> = OnceLock::new();
    FACTS.get_or_init(|| {
        let text = include_str!("../../schema/index.json");
        let index: Index = serde_json::from_str(text).expect("the index is embedded and tested");
        index.services.into_iter().map(|(name, row)| row.facts(name)).collect()
    })
}

impl Row {
    fn facts(self, name: &'static str) -> Facts {
        let ours = supplement::service(name);
        let json = if self.json_version == Some("1.0") { Protocol::AwsJson10 } else { Protocol::AwsJson11 };
        let protocols: Vec<Protocol> = self
            .protocols
            .into_iter()
            .chain(ours.protocols.iter().copied())
            .map(|protocol| match protocol {
                "json" => json,
                "rest-json" => Protocol::RestJson,
                "rest-xml" => Protocol::RestXml,
                "query" => Protocol::Query,
                "smithy-rpc-v2-cbor" => Protocol::Cbor,
                other => panic!("{name} speaks {other}, which is not built"),
            })
            .collect();
        Facts {
            name,
            api_version: self.api_version,
            endpoint_prefix: self.endpoint_prefix,
            signing_name: self.signing_name.unwrap_or(self.endpoint_prefix),
            target_prefix: self.target_prefix,
            xml_namespace: ours.xml_namespace.or(self.xml_namespace),
            query_compatible: self.query_compatible,
            error_namespace: ours.error_namespace.unwrap_or(""),
            codes: ours.codes.over(&default_codes(protocols[0])),
            protocols,
        }
    }
}

/// What most services of a protocol say.
fn default_codes(protocol: Protocol) -> Codes {
    match protocol {
        Protocol::AwsJson10 | Protocol::AwsJson11 | Protocol::Cbor | Protocol::RestJson => Codes {
            invalid: "ValidationException",
            malformed: "SerializationException",
            wrong_type: "SerializationException",
            unknown_operation: "UnknownOperationException",
            unsupported: "ValidationException",
        },
        Protocol::RestXml => Codes {
            invalid: "InvalidArgument",
            malformed: "MalformedXML",
            wrong_type: "MalformedXML",
            unknown_operation: "MethodNotAllowed",
            unsupported: "NotImplemented",
        },
        Protocol::Query => Codes {
            invalid: "ValidationError",
            malformed: "MalformedQueryString",
            wrong_type: "MalformedInput",
            unknown_operation: "InvalidAction",
            unsupported: "ValidationError",
        },
    }
}
