//! `aws-chunked` bodies, however they are cut on their way.
#![no_main]

use bytes::Bytes;
use eddy_wire::chunked::Decoder;

libfuzzer_sys::fuzz_target!(|pieces: Vec<Vec<u8>>| {
    let mut decoder = Decoder::new(None, false);
    for piece in pieces {
        let mut input = Bytes::from(piece);
        while !input.is_empty() && !decoder.ended() {
            if decoder.next(&mut input).is_err() {
                return;
            }
        }
    }
});
