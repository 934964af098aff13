//! Which operation of a service a request is for.
//!
//! RPC protocols name it. In REST it is found by method and path, where the more literal path wins, then by the
//! fixed query keys of the templates (`?tagging`), then by required query keys and headers (`uploadId`,
//! `x-amz-copy-source`). Query keys that no template knows decide nothing: SDKs add their own (`x-id`).

use std::borrow::Cow;
use std::cmp::Reverse;

use http::{StatusCode, request::Parts};
use percent_encoding::percent_decode_str;

use crate::codec::pairs;
use crate::limits::QUERY_PARAMETERS_MAX;
use crate::schema::{Location, Operation, Segment, Service, Uri};
use crate::{Error, Protocol};

/// What a request is for.
#[derive(Debug)]
pub struct Routed {
    pub operation: &'static Operation,
    /// Whether all query keys and headers are there that the operation requires.
    pub is_whole: bool,
    /// The labels of the path, unescaped.
    labels: Vec<(&'static str, String)>,
}

impl Routed {
    /// An operation that was named, with no path.
    pub fn new(operation: &'static Operation) -> Routed {
        Routed { operation, is_whole: true, labels: Vec::new() }
    }

    /// A label of the path by its name in the template.
    pub fn label(&self, name: &str) -> Option<&str> {
        self.labels.iter().find(|(label, _)| *label == name).map(|(_, value)| value.as_str())
    }
}

/// Finds the operation. `form` is the body, already inflated, where awsQuery needs it; `bucket_in_host` is the
/// label of a host such as `bucket.s3.localhost`, which then is the first segment of the path.
///
/// # Errors
/// The service's own for an operation that it does not have, and for a path that is not UTF-8 or a query of more than
/// [`QUERY_PARAMETERS_MAX`] parameters.
pub fn route(
    service: &'static Service,
    protocol: Protocol,
    head: &Parts,
    form: Option<&[u8]>,
    bucket_in_host: Option<&str>,
) -> Result<Routed, Error> {
    match protocol {
        Protocol::AwsJson10 | Protocol::AwsJson11 => {
            let target = head.headers.get("x-amz-target").and_then(|target| target.to_str().ok());
            let name = target.and_then(|target| target.rsplit_once('.')).map(|(_, name)| name);
            named(service, name, "")
        }
        Protocol::Cbor => {
            named(service, head.uri.path().rsplit_once("/operation/").map(|(_, name)| name), "")
        }
        Protocol::Query => {
            let action = action(head, form);
            named(service, action.as_deref(), " for this web service")
        }
        Protocol::RestJson | Protocol::RestXml => by_path(service, head, bucket_in_host),
    }
}

fn named(service: &'static Service, name: Option<&str>, place: &str) -> Result<Routed, Error> {
    let code = service.codes.unknown_operation;
    let Some(name) = name else {
        return Err(Error::new(code, "The request names no operation."));
    };
    let operation = service.operation(name);
    operation
        .map(Routed::new)
        .ok_or_else(|| Error::new(code, format!("The action {name} is not valid{place}.")))
}

/// The value of `Action`, in the form or the query string.
fn action(head: &Parts, form: Option<&[u8]>) -> Option<String> {
    let form = form.and_then(|form| std::str::from_utf8(form).ok()).unwrap_or_default();
    let all = pairs(head.uri.query().unwrap_or_default()).chain(pairs(form.trim_end()));
    all.flatten().find(|(key, _)| key == "Action").map(|(_, value)| value.into_owned())
}

fn by_path(service: &'static Service, head: &Parts, bucket_in_host: Option<&str>) -> Result<Routed, Error> {
    let path = match bucket_in_host {
        Some(bucket) => format!("/{bucket}{}", head.uri.path()).into(),
        None => Cow::Borrowed(head.uri.path()),
    };
    let asked = Asked::new(head, &path).ok_or_else(|| {
        Error::new("InvalidURI", "Couldn't parse the specified URI.").with_status(StatusCode::BAD_REQUEST)
    })?;
    let mut best: Option<(Rank, Routed)> = None;
    for operation in service.operations() {
        let Some((rank, labels)) = asked.rank(operation) else { continue };
        if best.as_ref().is_none_or(|(other, _)| rank > *other) {
            let is_whole = rank.2;
            best = Some((rank, Routed { operation, is_whole, labels }));
        }
    }
    best.map(|(_, routed)| routed).ok_or_else(|| {
        let code = service.codes.unknown_operation;
        let message = if code == "MethodNotAllowed" {
            "The specified method is not allowed against this resource.".to_owned()
        } else {
            format!("There is no operation {} {}.", head.method, head.uri.path())
        };
        Error::new(code, message)
    })
}

/// How well an operation fits; the greatest wins.
type Rank = (Reverse<Vec<u8>>, usize, bool, usize, bool);

/// What of a request decides.
struct Asked<'a> {
    head: &'a Parts,
    path: &'a str,
    /// The path's segments, unescaped, without empty ones.
    segments: Vec<String>,
    query: Vec<(String, String)>,
}

impl<'a> Asked<'a> {
    fn new(head: &'a Parts, path: &'a str) -> Option<Asked<'a>> {
        let segments = path.split('/').filter(|segment| !segment.is_empty()).map(unescape);
        let query = pairs(head.uri.query().unwrap_or_default()).map(|pair| {
            let (key, value) = pair.ok()?;
            Some((key.into_owned(), value.into_owned()))
        });
        let query: Vec<_> = query.take(QUERY_PARAMETERS_MAX + 1).collect::<Option<_>>()?;
        let is_bounded = query.len() <= QUERY_PARAMETERS_MAX;
        Some(Asked { head, path, segments: segments.collect::<Option<_>>()?, query }).filter(|_| is_bounded)
    }

    fn rank(&self, operation: &'static Operation) -> Option<(Rank, Vec<(&'static str, String)>)> {
        if operation.http.method != self.head.method {
            return None;
        }
        let uri = &operation.http.uri;
        let has = |(key, value): &(&str, Option<&str>)| {
            self.query.iter().any(|(found, given)| found == key && value.is_none_or(|value| given == value))
        };
        if !uri.query.iter().all(has) {
            return None;
        }
        let labels = self.labels(uri)?;
        let literalness = uri.segments.iter().map(|segment| match segment {
            Segment::Literal(_) => 0,
            Segment::Label(_) => 1,
            Segment::Greedy(_) => 2,
        });
        let (present, all) = self.required(operation);
        let rank = (Reverse(literalness.collect()), uri.query.len(), all, present, !operation.deprecated);
        Some((rank, labels))
    }

    fn labels(&self, uri: &Uri) -> Option<Vec<(&'static str, String)>> {
        let fits = if uri.is_greedy() {
            self.segments.len() + 1 >= uri.segments.len()
        } else {
            self.segments.len() == uri.segments.len() && !self.path.ends_with("//")
        };
        if !fits {
            return None;
        }
        let mut labels = Vec::new();
        for (at, segment) in uri.segments.iter().enumerate() {
            match segment {
                Segment::Literal(literal) if self.segments[at] == *literal => {}
                Segment::Literal(_) => return None,
                Segment::Label(name) => labels.push((*name, self.segments[at].clone())),
                Segment::Greedy(name) => labels.push((*name, self.rest(at)?)),
            }
        }
        Some(labels)
    }

    /// The path from its `at`th segment on, empty segments included: `a//b` is an object's key.
    fn rest(&self, at: usize) -> Option<String> {
        let mut rest = self.path;
        for _ in 0..at {
            rest = rest.trim_start_matches('/').split_once('/')?.1;
        }
        // The slash before the greedy label is the template's; further ones belong to the key.
        let rest = if at == 0 { rest.strip_prefix('/').unwrap_or(rest) } else { rest };
        unescape(rest).filter(|rest| !rest.is_empty())
    }

    /// How many of the required query keys and headers are there, and whether all are.
    fn required(&self, operation: &Operation) -> (usize, bool) {
        let Some(input) = operation.input else { return (0, true) };
        let mut present = 0;
        let mut all = true;
        for member in input.get().structure().members.iter().filter(|member| member.required) {
            let named = |(key, _): &(String, String)| key == member.wire_name;
            let is_there = match member.location {
                Location::Query => self.query.iter().any(named),
                Location::Header => {
                    self.head.headers.contains_key(member.wire_name)
                        || self.query.iter().any(|(key, _)| key.eq_ignore_ascii_case(member.wire_name))
                }
                Location::Body | Location::Headers | Location::Label | Location::Status => continue,
            };
            present += usize::from(is_there);
            all &= is_there;
        }
        (present, all)
    }
}

fn unescape(text: &str) -> Option<String> {
    percent_decode_str(text).decode_utf8().ok().map(Cow::into_owned)
}
