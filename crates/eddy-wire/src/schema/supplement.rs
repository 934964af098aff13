//! `supplement.json`: what Amazon's models lack, written by hand.
//!
//! The file's own first member says what its parts mean. This module only reads it.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use http::StatusCode;
use serde::Deserialize;
use serde_json::Value;

use super::Codes;

#[derive(Deserialize)]
#[serde(deny_unknown_fields, bound(deserialize = "'de: 'static"))]
struct File {
    #[serde(rename = "about")]
    _about: Vec<String>,
    common: BTreeMap<String, u16>,
    services: BTreeMap<String, Ours>,
}

/// What we add to one service.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub(super) struct Ours {
    #[serde(borrow)]
    pub protocols: Vec<&'static str>,
    pub xml_namespace: Option<&'static str>,
    pub error_namespace: Option<&'static str>,
    pub codes: OurCodes,
    pub errors: BTreeMap<&'static str, OurError>,
    pub query_names: BTreeMap<&'static str, &'static str>,
    pub element_names: BTreeMap<&'static str, &'static str>,
    pub entry_names: BTreeMap<&'static str, (&'static str, &'static str)>,
    pub result_wrappers: bool,
    pub output_roots: BTreeMap<&'static str, &'static str>,
    pub unwrapped: Vec<&'static str>,
    pub neutral: BTreeMap<String, Vec<Value>>,
    pub refusals: Vec<OurRefusal>,
}

/// What the service itself says to members that ask for what is never there.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OurRefusal {
    pub code: &'static str,
    pub message: &'static str,
    pub members: Vec<String>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub(super) struct OurCodes {
    invalid: Option<&'static str>,
    malformed: Option<&'static str>,
    wrong_type: Option<&'static str>,
    unknown_operation: Option<&'static str>,
    unsupported: Option<&'static str>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub(super) struct OurError {
    pub code: Option<&'static str>,
    pub status: Option<u16>,
}

impl OurCodes {
    pub(super) fn over(&self, usual: &Codes) -> Codes {
        Codes {
            invalid: self.invalid.unwrap_or(usual.invalid),
            malformed: self.malformed.unwrap_or(usual.malformed),
            wrong_type: self.wrong_type.unwrap_or(usual.wrong_type),
            unknown_operation: self.unknown_operation.unwrap_or(usual.unknown_operation),
            unsupported: self.unsupported.unwrap_or(usual.unsupported),
        }
    }
}

fn file() -> &'static File {
    static FILE: OnceLock<File> = OnceLock::new();
    FILE.get_or_init(|| {
        let text = include_str!("../../schema/supplement.json");
        match serde_json::from_str(text) {
            Ok(file) => file,
            Err(why) => panic!("the supplement is embedded and tested: {why}"),
        }
    })
}

pub(super) fn service(name: &str) -> &'static Ours {
    static NOTHING: OnceLock<Ours> = OnceLock::new();
    file().services.get(name).unwrap_or_else(|| NOTHING.get_or_init(Ours::default))
}

/// The status of an error that no model has: a service's own, or one that any may give.
pub(crate) fn common_status(name: &str, code: &str) -> Option<StatusCode> {
    let own = service(name).errors.get(code).and_then(|error| error.status);
    let status = own.or_else(|| file().common.get(code).copied())?;
    StatusCode::from_u16(status).ok()
}
