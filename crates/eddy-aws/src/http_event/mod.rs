//! HTTP as functions see it: the events that HTTP APIs and function URLs hand over, and what answers mean.
//!
//! [`DIALECT`] is what the gateway is opened with. The forms are Amazon's payload formats 1.0 and 2.0; URLs have
//! 2.0 with a few differences. Nothing here fails on a request: what cannot be said in a document is left out.

mod answer;
mod body;
mod cause;
mod headers;
mod permission;
mod plane;
mod query;
mod refusal;
mod target;
mod time;
mod v1;
mod v2;

#[cfg(test)]
mod tests;

use bytes::Bytes;
use eddy_gateway::{Dialect, Format, Malformed, Request, Via};
use http::Response;

pub use plane::{Door, door, serve};
pub(crate) use target::function_of;

/// How Amazon's HTTP APIs and function URLs speak.
pub const DIALECT: Dialect = Dialect {
    target: target::function_of,
    document,
    response,
    refusal: refusal::response,
    stamp: refusal::stamp,
    permissions: permission::all,
    hint: cause::hint,
};

fn document(request: &Request<'_>) -> Bytes {
    match request.via {
        Via::Api { format: Format::One, .. } => v1::document(request),
        Via::Api { format: Format::Two, .. } => v2::document(request),
        Via::Url { .. } => v2::document(request),
    }
}

fn response(request: &Request<'_>, answer: &[u8]) -> Result<Response<Bytes>, Malformed> {
    match request.via {
        Via::Api { format: Format::One, .. } => answer::one(answer),
        Via::Api { format: Format::Two, .. } => answer::two(answer, answer::TEXT),
        Via::Url { .. } => answer::two(answer, answer::JSON),
    }
}
