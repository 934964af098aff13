//! What a request's head claims about who signed it: header, query and payload.
#![no_main]

use eddy_wire::sign::{Payload, claim};

libfuzzer_sys::fuzz_target!(|data: (&str, &str, &str, &str)| {
    let (query, authorization, date, payload) = data;
    let request = http::Request::get(format!("/?{query}"))
        .header("host", "localhost")
        .header("authorization", authorization)
        .header("x-amz-date", date)
        .header("x-amz-content-sha256", payload);
    let Ok(request) = request.body(()) else { return };
    let (head, ()) = request.into_parts();
    let _ = claim(&head);
    let _ = Payload::of(&head);
});
