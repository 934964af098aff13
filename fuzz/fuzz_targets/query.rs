//! Forms of awsQuery.
#![no_main]

use eddy_wire::Protocol;

libfuzzer_sys::fuzz_target!(|data: &[u8]| eddy_fuzz::read("sqs", Protocol::Query, data));
