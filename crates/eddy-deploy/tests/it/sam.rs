//! What aws-sam-translator makes of a template is what ours must make.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use eddy_deploy::{Place, Plan};
use serde_json::Value;

/// Templates without local code: the translator takes only packages that are uploaded.
const TEMPLATES: [&str; 4] = ["http_api", "bucket_events", "urls_and_policies", "globals"];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it")
}

#[test]
fn expansion_is_that_of_the_translator() {
    let Some(python) = std::env::var_os("EDDY_TEST_PYTHON") else {
        assert!(
            std::env::var_os("CI").is_none(),
            "EDDY_TEST_PYTHON must name a Python with aws-sam-translator"
        );
        println!(
            "skipped: EDDY_TEST_PYTHON names no Python with aws-sam-translator; `cargo xtask test` sets it"
        );
        return;
    };
    let files: Vec<PathBuf> =
        TEMPLATES.iter().map(|name| folder().join("templates").join(name).join("template.yaml")).collect();
    let mut translator = Command::new(python);
    translator.arg(folder().join("sam.py")).args(&files).env("AWS_DEFAULT_REGION", "us-east-1");
    let output = translator.output().expect("the translator runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let lines: Vec<Value> = String::from_utf8_lossy(&output.stdout)
        .lines()
        .map(|line| serde_json::from_str(line).expect("a JSON document"))
        .collect();
    assert_eq!(lines.len(), TEMPLATES.len());
    for (file, theirs) in files.iter().zip(lines) {
        check(file, &theirs);
    }
}

fn check(file: &Path, theirs: &Value) {
    let place = Place { account: "000000000000".into(), region: "us-east-1".into(), stack: "test".into() };
    let folder = file.parent().expect("a template lies in a folder");
    let plan = Plan::of_folder(folder, &place, &BTreeMap::new()).expect("the template is supported");
    let ours = plan.to_json();
    let (ours, theirs) = (ours.as_object().expect("resources"), theirs.as_object().expect("resources"));
    let names = |resources: &serde_json::Map<String, Value>| resources.keys().cloned().collect::<Vec<_>>();
    let (mut our_names, mut their_names) = (names(ours), names(theirs));
    our_names.sort();
    their_names.sort();
    assert_eq!(our_names, their_names, "{}", file.display());
    for (name, resource) in theirs {
        assert_eq!(ours[name]["Type"], resource["Type"], "{name} of {}", file.display());
        let mut properties = resource.get("Properties").cloned().unwrap_or_else(|| serde_json::json!({}));
        // An empty destination says nothing.
        if let Some(properties) = properties.as_object_mut() {
            properties.retain(|key, value| key != "DestinationConfig" || *value != serde_json::json!({}));
        }
        assert_eq!(ours[name]["Properties"], properties, "{name} of {}", file.display());
    }
}
