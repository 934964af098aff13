//! awsJson and restJson bodies.
#![no_main]

use eddy_wire::Protocol;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    eddy_fuzz::read("dynamodb", Protocol::AwsJson10, data);
    eddy_fuzz::read("lambda", Protocol::RestJson, data);
});
