//! Frames of event streams.
#![no_main]

use bytes::Bytes;
use eddy_wire::event_stream::Frame;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let mut bytes = Bytes::copy_from_slice(data);
    while let Ok(Some(_)) = Frame::take(&mut bytes) {}
});
