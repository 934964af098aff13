//! What aws-sam-translator makes of a template is what ours must make.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use eddy_deploy::{FILES, Place, Plan};
use serde_json::Value;

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
    // Templates without local code: the translator takes only packages that are uploaded.
    let folders = std::fs::read_dir(folder().join("templates")).expect("it is there");
    let names = |folder: &Path| FILES.map(|name| folder.join(name)).into_iter().find(|file| file.exists());
    let files: Vec<PathBuf> = folders.filter_map(|folder| names(&folder.expect("readable").path())).collect();
    assert!(files.len() >= 10, "{files:?}");
    let mut translator = Command::new(python);
    translator.arg(folder().join("sam.py")).args(&files).env("AWS_DEFAULT_REGION", "us-east-1");
    let output = translator.output().expect("the translator runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let lines: Vec<Value> = String::from_utf8_lossy(&output.stdout)
        .lines()
        .map(|line| serde_json::from_str(line).expect("a JSON document"))
        .collect();
    assert_eq!(lines.len(), files.len());
    for (file, theirs) in files.iter().zip(lines) {
        check(file, &theirs);
    }
}

/// What the translator makes is a template itself: ours reads it, and both come to the same.
fn check(file: &Path, theirs: &Value) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let translated = folder.path().join("template.json");
    std::fs::write(&translated, theirs.to_string()).expect("writable");
    let place = Place { account: "000000000000".into(), region: "us-east-1".into(), stack: "test".into() };
    let plan = |folder: &Path| {
        let plan = Plan::of_folder(folder, &place, &BTreeMap::new());
        plan.unwrap_or_else(|why| panic!("{}: {why}", file.display())).to_json().clone()
    };
    let ours = plan(file.parent().expect("a template lies in a folder"));
    let theirs = plan(folder.path());
    let (ours, theirs) = (ours.as_object().expect("resources"), theirs.as_object().expect("resources"));
    let names =
        |resources: &serde_json::Map<String, Value>| resources.keys().cloned().collect::<BTreeSet<_>>();
    assert_eq!(names(ours), names(theirs), "{}", file.display());
    for (name, theirs) in theirs {
        let mut theirs = theirs.clone();
        // An empty destination says nothing.
        if let Some(properties) = theirs["Properties"].as_object_mut() {
            properties.retain(|key, value| key != "DestinationConfig" || *value != serde_json::json!({}));
        }
        assert_eq!(texts(&ours[name]), texts(&theirs), "{name} of {}", file.display());
    }
}

/// CloudFormation makes no difference between `1` and `'1'`.
fn texts(value: &Value) -> Value {
    match value {
        Value::Array(items) => items.iter().map(texts).collect(),
        Value::Object(members) => members.iter().map(|(name, value)| (name.clone(), texts(value))).collect(),
        Value::Number(_) | Value::Bool(_) => Value::String(value.to_string()),
        Value::String(_) | Value::Null => value.clone(),
    }
}
