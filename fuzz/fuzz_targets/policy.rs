//! Policy documents, as resources and roles get them.
#![no_main]

use eddy_identity::policy::{Document, Kind};

libfuzzer_sys::fuzz_target!(|text: &str| {
    for kind in [Kind::Identity, Kind::Resource, Kind::Trust] {
        let _ = Document::parse(text, kind);
    }
});
