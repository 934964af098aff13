//! Imports Amazon's service models into `crates/eddy-wire/schema/`, one sorted, reviewable file a service.
//!
//! Reads the `data` folder of an installed botocore of exactly [`BOTOCORE`], keeps what the wire needs
//! (operations, shapes that they reach, bindings, constraints, errors) and drops the prose, the rules of
//! endpoints and whatever only a client uses. It adds nothing: what the models lack stands in
//! `supplement.json`, written by hand. Prints what operations came and went, since an update is reviewed.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use crate::sh::{self, Outcome};

/// The release whose models are imported. An update changes this line and is one reviewed diff.
const BOTOCORE: &str = "1.44.5";

/// What is kept of a shape, in the order in which it is written.
const SHAPE_TRAITS: &[&str] = &[
    "type",
    "required",
    "min",
    "max",
    "pattern",
    "enum",
    "sensitive",
    "flattened",
    "locationName",
    "payload",
    "xmlNamespace",
    "timestampFormat",
    "streaming",
    "eventstream",
    "event",
    "union",
    "exception",
    "fault",
    "error",
];

/// What is kept of a reference from a shape to another.
const MEMBER_TRAITS: &[&str] = &[
    "shape",
    "location",
    "locationName",
    "flattened",
    "xmlNamespace",
    "xmlAttribute",
    "streaming",
    "idempotencyToken",
    "eventpayload",
    "hostLabel",
    "enum",
];

/// `cargo xtask schema DATA [SERVICE]...`, with DATA the folder `botocore/data` of an installed botocore. It imports
/// the services of the index, and with them those that are named, which then belong to it.
pub fn run(words: &[String]) -> Outcome {
    let [data, added @ ..] = words else {
        return Err(format!(
            "usage: cargo xtask schema DATA [SERVICE]...\n  DATA is the folder botocore/data of an installed botocore \
             {BOTOCORE}; SERVICE is one of its folders that is new here"
        ));
    };
    let data = Path::new(data);
    check_release(data)?;
    let folder = sh::root().join("crates/eddy-wire/schema");
    fs::create_dir_all(&folder).map_err(|why| format!("{}: {why}", folder.display()))?;
    let write = |name: &str, page: String| {
        let path = folder.join(name);
        fs::write(&path, page).map_err(|why| format!("{}: {why}", path.display()))
    };
    let mut index = Map::new();
    for service in &services(&folder.join("index.json"), added)? {
        let model = read_model(data, service)?;
        let table = import(&model).map_err(|why| format!("{service}: {why}"))?;
        let file = format!("{service}.json");
        report(service, fs::read_to_string(folder.join(&file)).ok().as_deref(), &table);
        write(&file, page(&table))?;
        index.insert(service.clone(), import_metadata(&model["metadata"]));
    }
    write("index.json", page(&json!({ "botocore": BOTOCORE, "services": index })))
}

/// The names of the services: those of the index, and the added ones. They are folders of botocore's `data`, and also
/// the names of our files.
fn services(index: &Path, added: &[String]) -> Result<BTreeSet<String>, String> {
    let shown = |why: &dyn std::fmt::Display| format!("{}: {why}", index.display());
    let text = fs::read_to_string(index).map_err(|why| shown(&why))?;
    let index: Value = serde_json::from_str(&text).map_err(|why| shown(&why))?;
    let known = index["services"].as_object().into_iter().flat_map(Map::keys);
    Ok(known.chain(added).cloned().collect())
}

fn check_release(data: &Path) -> Outcome {
    let init = data.join("../__init__.py");
    let text = fs::read_to_string(&init).map_err(|why| format!("{}: {why}", init.display()))?;
    let found = text.lines().find_map(|line| line.strip_prefix("__version__ = ")).unwrap_or("none");
    let found = found.trim_matches(['\'', '"']);
    if found == BOTOCORE {
        return Ok(());
    }
    Err(format!("{} is botocore {found}; the models of {BOTOCORE} are wanted", data.display()))
}

/// The newest model of a service, plain or gzip'd.
fn read_model(data: &Path, service: &str) -> Result<Value, String> {
    let folder = data.join(service);
    let shown = |why: std::io::Error| format!("{}: {why}", folder.display());
    let mut dates = Vec::new();
    for entry in fs::read_dir(&folder).map_err(shown)? {
        dates.push(entry.map_err(shown)?.path());
    }
    let newest: PathBuf = dates.into_iter().max().ok_or_else(|| format!("{service} has no model"))?;
    let packed = newest.join("service-2.json.gz");
    let mut text = String::new();
    if packed.exists() {
        let file = fs::File::open(&packed).map_err(shown)?;
        flate2::read::GzDecoder::new(file).read_to_string(&mut text).map_err(shown)?;
    } else {
        text = fs::read_to_string(newest.join("service-2.json")).map_err(shown)?;
    }
    serde_json::from_str(&text).map_err(|why| format!("{service}: {why}"))
}

/// The table of one service: its operations, its errors, and the shapes that they reach.
fn import(model: &Value) -> Result<Value, String> {
    let operations = object(&model["operations"], "operations")?;
    let shapes = object(&model["shapes"], "shapes")?;
    let mut sorted = BTreeMap::new();
    let mut reached = BTreeSet::new();
    for (name, source) in operations {
        let operation = import_operation(source);
        for root in roots(&operation) {
            reach(root, shapes, &mut reached)?;
        }
        sorted.insert(name.clone(), operation);
    }
    for (name, _) in shapes.iter().filter(|(_, shape)| shape["exception"] == json!(true)) {
        reach(name, shapes, &mut reached)?;
    }
    let kept = reached.into_iter().map(|name| (name.to_owned(), import_shape(&shapes[name])));
    Ok(json!({
        "operations": Map::from_iter(sorted),
        "shapes": Map::from_iter(kept),
    }))
}

fn object<'a>(value: &'a Value, what: &str) -> Result<&'a Map<String, Value>, String> {
    value.as_object().ok_or_else(|| format!("the model has no {what}"))
}

fn import_metadata(source: &Value) -> Value {
    let mut metadata = Map::new();
    for key in ["apiVersion", "endpointPrefix", "signingName", "targetPrefix", "jsonVersion", "xmlNamespace"]
    {
        keep(source, key, &mut metadata);
    }
    let protocols = source.get("protocols").cloned().unwrap_or_else(|| json!([source["protocol"]]));
    metadata.insert("protocols".into(), protocols);
    if source.get("awsQueryCompatible").is_some() {
        metadata.insert("queryCompatible".into(), json!(true));
    }
    Value::Object(metadata)
}

fn import_operation(source: &Value) -> Value {
    let mut operation = Map::new();
    let http = &source["http"];
    operation.insert("method".into(), http["method"].clone());
    operation.insert("uri".into(), http["requestUri"].clone());
    if let Some(status) = http.get("responseCode").filter(|status| **status != json!(200)) {
        operation.insert("status".into(), status.clone());
    }
    for (side, extras) in [("input", ["locationName", "xmlNamespace"]), ("output", ["resultWrapper", ""])] {
        let Some(reference) = source.get(side) else { continue };
        operation.insert(side.into(), reference["shape"].clone());
        for extra in extras {
            keep(reference, extra, &mut operation);
        }
    }
    if let Some(errors) = source["errors"].as_array() {
        let names: BTreeSet<&str> = errors.iter().filter_map(|error| error["shape"].as_str()).collect();
        operation.insert("errors".into(), json!(names));
    }
    if is_unsigned(source) {
        operation.insert("unsigned".into(), json!(true));
    }
    if let Some(prefix) = source["endpoint"].get("hostPrefix") {
        operation.insert("hostPrefix".into(), prefix.clone());
    }
    keep(source, "deprecated", &mut operation);
    let checksum = &source["httpChecksum"];
    for key in ["requestChecksumRequired", "requestAlgorithmMember", "requestValidationModeMember"] {
        keep(checksum, key, &mut operation);
    }
    Value::Object(operation)
}

fn is_unsigned(source: &Value) -> bool {
    let listed = source["auth"].as_array().is_some_and(|auth| auth.contains(&json!("smithy.api#noAuth")));
    listed || source["authtype"] == json!("none")
}

fn import_shape(source: &Value) -> Value {
    let mut shape = Map::new();
    for key in SHAPE_TRAITS {
        keep(source, key, &mut shape);
    }
    if let Some(members) = source["members"].as_object() {
        let members = members.iter().map(|(name, member)| (name.clone(), import_member(member)));
        shape.insert("members".into(), Value::Object(Map::from_iter(members)));
    }
    for element in ["member", "key", "value"] {
        if let Some(member) = source.get(element) {
            shape.insert(element.into(), import_member(member));
        }
    }
    Value::Object(shape)
}

fn import_member(source: &Value) -> Value {
    let mut member = Map::new();
    for key in MEMBER_TRAITS {
        keep(source, key, &mut member);
    }
    Value::Object(member)
}

/// Copies a trait unless it is absent or says nothing.
fn keep(source: &Value, key: &str, into: &mut Map<String, Value>) {
    let Some(value) = source.get(key) else { return };
    let says_nothing = *value == json!(false) || *value == json!([]) || *value == json!({});
    if !says_nothing {
        into.insert(key.to_owned(), value.clone());
    }
}

fn roots(operation: &Value) -> Vec<&str> {
    let errors = operation["errors"].as_array().into_iter().flatten();
    [&operation["input"], &operation["output"]].into_iter().chain(errors).filter_map(Value::as_str).collect()
}

/// Adds a shape and all that it refers to. Not recursive, since shapes are.
fn reach<'a>(root: &str, shapes: &'a Map<String, Value>, reached: &mut BTreeSet<&'a str>) -> Outcome {
    let mut waiting = vec![root];
    while let Some(name) = waiting.pop() {
        let (name, shape) = shapes.get_key_value(name).ok_or_else(|| format!("no shape `{name}`"))?;
        if !reached.insert(name) {
            continue;
        }
        let members = shape["members"].as_object().into_iter().flat_map(Map::values);
        let elements = ["member", "key", "value"].into_iter().filter_map(|element| shape.get(element));
        waiting.extend(members.chain(elements).filter_map(|member| member["shape"].as_str()));
    }
    Ok(())
}

/// What came and went since the file that is checked in.
fn report(service: &str, before: Option<&str>, table: &Value) {
    let old: Value = before.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
    let names = |table: &Value| -> BTreeSet<String> {
        table["operations"].as_object().into_iter().flat_map(Map::keys).cloned().collect()
    };
    let (old, new) = (names(&old), names(table));
    println!("{service}: {} operations", new.len());
    for name in new.difference(&old) {
        println!("  new: {name}");
    }
    for name in old.difference(&new) {
        println!("  gone: {name}");
    }
}

/// JSON with one line for an operation, a shape or a member: an update reads well as a diff.
fn page(table: &Value) -> String {
    let mut text = String::new();
    write_value(table, 0, &mut text);
    text.push('\n');
    text
}

/// Objects above this depth are spread over lines; those below stand on one.
fn is_spread(value: &Map<String, Value>, depth: usize) -> bool {
    depth < 2
        || depth == 2 && value.contains_key("members")
        || depth == 3 && value.values().all(Value::is_object)
}

fn write_value(value: &Value, depth: usize, text: &mut String) {
    let Some(object) = value.as_object().filter(|object| !object.is_empty() && is_spread(object, depth))
    else {
        text.push_str(&value.to_string());
        return;
    };
    text.push('{');
    for (index, (key, inner)) in object.iter().enumerate() {
        text.push_str(if index == 0 { "\n" } else { ",\n" });
        text.push_str(&" ".repeat(depth + 1));
        text.push_str(&json!(key).to_string());
        text.push_str(": ");
        write_value(inner, depth + 1, text);
    }
    text.push('\n');
    text.push_str(&" ".repeat(depth));
    text.push('}');
}
