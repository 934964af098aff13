//! What the targets share: one body, read as every kind of input that its protocol has.

use bytes::Bytes;
use eddy_wire::{Protocol, Routed, decode, encode_error, route, schema, validate};

/// Reads `data` as a request's body: its first two bytes choose the operation, the rest is the body. What is
/// refused must be the client's fault.
pub fn read(service: &str, protocol: Protocol, data: &[u8]) {
    let Some((choice, body)) = data.split_first_chunk::<2>() else { return };
    let service = schema::service(service).expect("a service that has a table");
    let operations: Vec<_> = service.operations().collect();
    let operation = operations[usize::from(u16::from_le_bytes(*choice)) % operations.len()];
    let head = http::Request::post("/?key=value").body(()).expect("a request").into_parts().0;
    let _ = route(service, protocol, &head, Some(body), None);
    match decode(&Routed::new(operation), protocol, &head, Bytes::copy_from_slice(body)) {
        Ok(document) => drop(validate(operation, &document)),
        Err(error) => {
            let status = encode_error(service, protocol, &error, "id", false).status();
            assert!(status.is_client_error(), "{error} is {status}");
        }
    }
}
