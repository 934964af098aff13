//! A request on its way to a function, and what a cloud has to say about it.
//!
//! The gateway knows HTTP and no cloud: what a function is handed, how its answer becomes HTTP and what is asked
//! of its policy are functions of the [`Dialect`].

use std::net::IpAddr;

use bytes::Bytes;
use eddy_base::{Cause, Id, Scope, Timestamp};
use eddy_identity::Caller;
use eddy_identity::policy::Context;
use http::{HeaderMap, Response};

use crate::rows::{Format, Pairs};

/// What arrived, but for its body.
#[derive(Debug, Clone)]
pub struct Head {
    /// The request's id: what answers carry, and its node in the trace.
    pub id: Id,
    pub at: Timestamp,
    pub cause: Cause,
    pub method: http::Method,
    /// As sent, without what only led here (`/_eddy/api/ID`). Begins with a slash.
    pub path: String,
    /// As sent, without the question mark.
    pub query: String,
    pub headers: HeaderMap,
    /// The trace header, the client's own or the one made for this request.
    pub trace: String,
    pub version: http::Version,
    pub source: IpAddr,
    /// The host name that stands for the API or URL, without a port.
    pub domain: String,
    /// The port that the client used.
    pub port: u16,
}

/// Whether an API or a function's URL is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Front {
    Api,
    Url,
}

/// A request that has found its function.
#[derive(Debug)]
pub struct Request<'a> {
    pub head: &'a Head,
    pub body: &'a Bytes,
    /// Whose API or URL it is.
    pub scope: &'a Scope,
    /// The API's or URL's id.
    pub id: &'a str,
    /// The path as the function is to see it, the stage's name included.
    pub path: &'a str,
    pub target: &'a Target,
    pub via: Via<'a>,
}

/// The way by which it found it.
#[derive(Debug)]
pub enum Via<'a> {
    Api {
        stage: &'a str,
        stage_variables: &'a Pairs,
        /// The route's key, and of it the path.
        route_key: &'a str,
        resource: &'a str,
        path_variables: &'a [(String, String)],
        format: Format,
    },
    Url {
        /// Who signed the request, where the URL asks for that.
        caller: Option<&'a Caller>,
    },
}

/// A function, as an integration names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    pub scope: Scope,
    pub name: String,
    pub qualifier: Option<String>,
}

/// Something that must be allowed before the function is invoked.
#[derive(Debug, Clone)]
pub struct Permission {
    pub caller: Caller,
    pub action: &'static str,
    pub resource: String,
    pub context: Context,
}

/// Why no function answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Refusal {
    /// No API, stage, route or URL takes the request.
    NotFound,
    /// The path cannot be read.
    Malformed,
    /// Who asks may not.
    Forbidden,
    /// The body is larger than the front takes.
    TooLarge,
    /// The function failed, answered what is no HTTP, is not there, or may not be invoked by the API.
    Failed,
    /// The integration's time ran out.
    Late,
    /// Too many invocations at once.
    Throttled,
    /// Not now.
    Unavailable,
}

/// What a function answered is no HTTP.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Malformed(pub &'static str);

/// What goes back to the client.
#[derive(Debug)]
pub struct Answer {
    pub response: Response<Bytes>,
    /// Why the function was not asked, or what its answer lacks. One sentence for whoever runs the server.
    pub trouble: Option<String>,
    /// What a person who wonders about the function's failure may have overlooked.
    pub hint: Option<String>,
}

/// What a cloud says about requests.
#[derive(Clone, Copy)]
pub struct Dialect {
    /// The function that an integration's address names, its stage variables already filled in.
    pub target: fn(uri: &str) -> Option<Target>,
    /// The event that the function is handed.
    pub document: fn(&Request<'_>) -> Bytes,
    /// What the function's answer is as HTTP.
    pub response: fn(&Request<'_>, answer: &[u8]) -> Result<Response<Bytes>, Malformed>,
    /// The gateway's own answer.
    pub refusal: fn(Front, Refusal) -> Response<Bytes>,
    /// Headers that every answer has.
    pub stamp: fn(Front, Id, &mut HeaderMap),
    /// All that must be allowed.
    pub permissions: fn(&Request<'_>) -> Vec<Permission>,
    /// What may have been overlooked, asked when the function failed.
    pub hint: fn(&Request<'_>) -> Option<String>,
}
