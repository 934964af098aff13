//! What S3 refuses of a request before its operation sees it, where the model of the operation cannot say it.

use eddy_wire::schema::Operation;
use eddy_wire::{Error, Routed};
use http::request::Parts;
use http::{Method, StatusCode};

/// Holds the address against the operation that it was routed to.
///
/// # Errors
/// A POST that is no operation; half of a part's address.
pub(crate) fn check_address(routed: &Routed, head: &Parts) -> Result<(), Error> {
    if let Some(half) = half_of_a_part(routed, head) {
        return Err(half);
    }
    if !routed.is_whole && head.method == Method::POST {
        let text = "The specified method is not allowed against this resource.";
        return Err(Error::new("MethodNotAllowed", text));
    }
    Ok(())
}

/// A part's address is its number and its upload: with one of them a PUT must not become the object.
fn half_of_a_part(routed: &Routed, head: &Parts) -> Option<Error> {
    if !matches!(routed.operation.name, "PutObject" | "CopyObject") {
        return None;
    }
    let query = head.uri.query().unwrap_or_default();
    let mut names = query.split('&').map(|pair| pair.split('=').next().unwrap_or_default());
    let half = names.find(|name| matches!(*name, "partNumber" | "uploadId"))?;
    let lacks = if half == "partNumber" { "uploadId" } else { "partNumber" };
    let text = format!("This operation does not accept the query parameter {half} without {lacks}.");
    let error = Error::new("InvalidArgument", text).with_status(StatusCode::BAD_REQUEST);
    Some(error.with("ArgumentName", half))
}

/// Holds an empty body against an operation that needs a document.
///
/// # Errors
/// There is none.
pub(crate) fn check_body(operation: &Operation, body: &[u8]) -> Result<(), Error> {
    if body.is_empty() && operation.needs_document() {
        return Err(Error::new("MissingRequestBodyError", "Request Body is empty"));
    }
    Ok(())
}
