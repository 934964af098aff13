//! The tables: what services, operations, shapes and errors there are.
//!
//! They come from Amazon's own models (`cargo xtask schema`, see `NOTICE`) and from `supplement.json`, which
//! is ours and holds what those lack. A service is parsed when it is first asked for and then stays, so every
//! reference into a table is `'static`. Nothing here decides anything about a request.

mod facts;
mod load;
mod shape;
mod supplement;
mod uri;

use std::ops::Deref;
use std::sync::OnceLock;

use http::{Method, StatusCode};

pub use facts::{Codes, Facts, facts};
pub use shape::{Bound, Kind, ListShape, Location, MapShape, Member, Shape, ShapeRef, Structure, TimeFormat};
pub(crate) use supplement::common_status;
pub use uri::{Segment, Uri};

/// How one request is written. Chosen per request, never per service: CloudWatch speaks three.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Protocol {
    AwsJson10,
    AwsJson11,
    RestJson,
    RestXml,
    Query,
    Cbor,
}

/// A service's table.
#[derive(Debug)]
pub struct Service {
    pub facts: &'static Facts,
    /// Sorted by name.
    operations: Vec<Operation>,
    errors: Vec<ErrorShape>,
    shapes: &'static [OnceLock<Shape>],
}

impl Deref for Service {
    type Target = Facts;

    fn deref(&self) -> &Facts {
        self.facts
    }
}

/// One operation.
#[derive(Debug)]
pub struct Operation {
    pub name: &'static str,
    pub http: Http,
    pub input: Option<ShapeRef>,
    pub output: Option<ShapeRef>,
    /// Names of the errors that the model lists for it.
    pub errors: Vec<&'static str>,
    /// The element around the output in awsQuery.
    pub result_wrapper: Option<&'static str>,
    /// The root element of the answer in restXml, where the payload's name does not give it.
    pub output_root: Option<&'static str>,
    /// The root element of a request in restXml whose input is no payload.
    pub input_root: Option<&'static str>,
    /// The answer's only member stands as the root element itself (GetBucketLocation).
    pub unwrapped: bool,
    /// Anyone may call it without a signature.
    pub unsigned: bool,
    pub host_prefix: Option<&'static str>,
    pub deprecated: bool,
    /// A request without any checksum is refused (S3).
    pub checksum_required: bool,
    /// The member that names the request's checksum algorithm.
    pub checksum_algorithm: Option<&'static str>,
    /// The service that it belongs to.
    pub facts: &'static Facts,
}

/// How an operation stands in HTTP.
#[derive(Debug)]
pub struct Http {
    pub method: Method,
    pub uri: Uri,
    pub status: StatusCode,
}

/// One error of a service.
#[derive(Debug)]
pub struct ErrorShape {
    pub name: &'static str,
    pub shape: ShapeRef,
    pub status: StatusCode,
    /// What awsQuery (and `x-amzn-query-error`) calls it.
    pub query_code: &'static str,
    /// The service is to blame, not the sender.
    pub is_fault: bool,
}

struct Entry {
    name: &'static str,
    text: &'static str,
    table: OnceLock<Service>,
}

/// One row of the list of services; a macro, since `include_str!` takes only literals.
macro_rules! entries {
    ($($name:literal),* $(,)?) => {
        [$(Entry {
            name: $name,
            text: include_str!(concat!("../../schema/", $name, ".json")),
            table: OnceLock::new(),
        }),*]
    };
}

static SERVICES: [Entry; 24] = entries![
    "apigateway",
    "apigatewaymanagementapi",
    "apigatewayv2",
    "cloudformation",
    "cloudwatch",
    "dynamodb",
    "dynamodbstreams",
    "events",
    "eventbridgev2",
    "iam",
    "kinesis",
    "kms",
    "lambda",
    "logs",
    "pipes",
    "s3",
    "scheduler",
    "secretsmanager",
    "sns",
    "sqs",
    "ssm",
    "stepfunctions",
    "sts",
    "xray",
];

/// The table of a service by the name of its file (`s3`, `events`, `stepfunctions`). The first call parses
/// it, which takes milliseconds.
///
/// # Panics
/// If an embedded table is broken, which a test that loads all of them rules out.
pub fn service(name: &str) -> Option<&'static Service> {
    let entry = SERVICES.iter().find(|entry| entry.name == name)?;
    Some(entry.table.get_or_init(|| match load::service(entry.name, entry.text) {
        Ok(service) => service,
        Err(why) => panic!("the table of {name} is embedded and tested: {why}"),
    }))
}

/// The names of all services that have a table.
pub fn names() -> impl Iterator<Item = &'static str> {
    SERVICES.iter().map(|entry| entry.name)
}

impl Service {
    pub fn operation(&self, name: &str) -> Option<&Operation> {
        let at = self.operations.binary_search_by(|operation| operation.name.cmp(name)).ok()?;
        Some(&self.operations[at])
    }

    /// All operations, sorted by name.
    pub fn operations(&self) -> impl Iterator<Item = &Operation> {
        self.operations.iter()
    }

    /// An error by its shape's name.
    pub fn error(&self, name: &str) -> Option<&ErrorShape> {
        self.errors.iter().find(|error| error.name == name)
    }

    /// All shapes, sorted by name.
    pub fn shapes(&self) -> impl Iterator<Item = &'static Shape> {
        self.shapes.iter().filter_map(OnceLock::get)
    }

    /// All errors that the model has, sorted by name.
    pub fn errors(&self) -> impl Iterator<Item = &ErrorShape> {
        self.errors.iter()
    }
}

impl Operation {
    pub fn service(&self) -> &'static Service {
        service(self.facts.name).expect("an operation's service is loaded")
    }

    /// The member of the input whose bytes flow rather than being held.
    pub fn streaming_input(&self) -> Option<&'static Member> {
        self.input.and_then(|shape| shape.get().structure().streaming())
    }

    /// Must its input's body be a document?
    pub fn needs_document(&self) -> bool {
        let payload = self.input.and_then(|shape| shape.get().structure().payload_member());
        payload.is_some_and(|(_, member)| member.required)
    }

    /// The member of the output whose bytes flow rather than being held.
    pub fn streaming_output(&self) -> Option<&'static Member> {
        self.output.and_then(|shape| shape.get().structure().streaming())
    }

    /// The member of the output that is a stream of events.
    pub fn event_stream_output(&self) -> Option<&'static Member> {
        self.output.and_then(|shape| shape.get().structure().event_stream())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// `cargo xtask schema` imports what stands in the index, so this list must be that one.
    #[test]
    fn every_service_of_the_index_has_a_table() {
        let tables: BTreeSet<&str> = names().collect();
        assert_eq!(tables, facts().iter().map(|facts| facts.name).collect());
    }
}
