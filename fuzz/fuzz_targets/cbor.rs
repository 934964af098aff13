//! rpc-v2-cbor bodies.
#![no_main]

use eddy_wire::Protocol;

libfuzzer_sys::fuzz_target!(|data: &[u8]| eddy_fuzz::read("cloudwatch", Protocol::Cbor, data));
