//! From a folder to resources in order: everything that can be refused is refused here, before anything changes.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use crate::node::{Error, Node};
use crate::resolve::{Place, Scope};
use crate::resource::{self, Kind, Properties};
use crate::sam::Names;
use crate::template::{Output, Resource, Template};
use crate::{graph, read, sam};

/// Names that a template may have in its folder, in the order of looking.
pub const FILES: [&str; 3] = ["template.yaml", "template.yml", "template.json"];

/// Most resources of a template, after SAM; CloudFormation's own limit.
const RESOURCES_MAX: usize = 500;

/// A template that has been read and found to be possible.
#[derive(Debug)]
pub struct Plan {
    pub file: PathBuf,
    pub(crate) template: Template,
    pub(crate) resources: Vec<Resource>,
    json: Value,
}

/// Why a folder cannot be deployed.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    #[error("{} has no template: there is no {}", .0.display(), FILES.join(", no "))]
    NoTemplate(PathBuf),
    #[error("{}: {why}", file.display())]
    Unreadable { file: PathBuf, why: std::io::Error },
    #[error("{}:{}: {}", file.display(), error.line, error.message)]
    Template { file: PathBuf, error: Error },
}

impl Plan {
    /// Reads the template of a folder.
    ///
    /// # Errors
    /// Whatever is not supported or refers to nothing, by file, line and name.
    pub fn of_folder(
        folder: &Path,
        place: &Place,
        given: &BTreeMap<String, String>,
    ) -> Result<Plan, Refusal> {
        let file = FILES.iter().map(|name| folder.join(name)).find(|file| file.is_file());
        let file = file.ok_or_else(|| Refusal::NoTemplate(folder.to_path_buf()))?;
        let bytes = std::fs::read(&file);
        let bytes = bytes.map_err(|why| Refusal::Unreadable { file: file.clone(), why })?;
        let refuse = |error| Refusal::Template { file: file.clone(), error };
        let mut template =
            read::read(&bytes).and_then(|document| Template::read(&document)).map_err(refuse)?;
        let (resources, names) = expand(&template, place, given).map_err(refuse)?;
        for output in &mut template.outputs {
            output.value = sam::replace(&output.value, &names);
        }
        let json = check(&template, &resources, place, given, folder).map_err(refuse)?;
        Ok(Plan { file, template, resources, json })
    }

    /// The resources with every value resolved, and stand-ins for what other resources will become.
    pub fn to_json(&self) -> &Value {
        &self.json
    }

    /// An error with the file that it is in.
    pub(crate) fn refusal(&self, error: Error) -> Refusal {
        Refusal::Template { file: self.file.clone(), error }
    }

    /// A refusal of a resource, at the line of its property if it has that.
    pub(crate) fn at_property(&self, resource: &Resource, property: &str, why: &str) -> Refusal {
        let line = resource.get(property).map_or(resource.line, |node| node.line);
        self.refusal(Error::new(line, format!("{}: {why}", resource.id)))
    }

    /// A refusal of a resource, at the line of the innermost property that it names.
    pub(crate) fn at_what_is_named(&self, resource: &Resource, why: &str) -> Refusal {
        let words: Vec<&str> = why.split(|letter: char| !letter.is_ascii_alphanumeric()).collect();
        let names = |name: &String| words.iter().any(|word| word.eq_ignore_ascii_case(name));
        let mut line = resource.line;
        let mut pairs = resource.properties.as_slice();
        while let Some((_, node)) = pairs.iter().find(|(name, _)| names(name)) {
            line = node.line;
            pairs = node.pairs().unwrap_or_default();
        }
        self.refusal(Error::new(line, format!("{}: {why}", resource.id)))
    }
}

/// Does the template have a parameter of this name?
pub fn has_parameter(folder: &Path, name: &str) -> bool {
    let bytes = FILES.iter().find_map(|file| std::fs::read(folder.join(file)).ok());
    let template = bytes.and_then(|bytes| Template::read(&read::read(&bytes).ok()?).ok());
    template.is_some_and(|template| template.parameters.iter().any(|parameter| parameter.name == name))
}

/// The resources that exist, without SAM, in an order in which they can be made.
fn expand(
    template: &Template,
    place: &Place,
    given: &BTreeMap<String, String>,
) -> Result<(Vec<Resource>, Names), Error> {
    let scope = Scope::new(template, place, given)?;
    let (mut existing, mut absent) = (Vec::new(), Vec::new());
    for resource in &template.resources {
        if scope.holds(resource.condition.as_deref(), resource.line)? {
            existing.push(resource);
        } else {
            absent.push(&resource.id);
        }
    }
    let (mut resources, names) = sam::expand(template, &existing, &scope)?;
    for resource in &mut resources {
        // There is nothing to wait for; a value that refers to it is refused.
        resource.depends_on.retain(|name| !absent.contains(&name));
    }
    if let Some(resource) = resources.get(RESOURCES_MAX) {
        let text = format!("there are {} resources, and at most {RESOURCES_MAX} may be", resources.len());
        return Err(Error::new(resource.line, text));
    }
    Ok((graph::order(resources)?, names))
}

/// Resolves everything with stand-ins for what is not there yet.
fn check(
    template: &Template,
    resources: &[Resource],
    place: &Place,
    given: &BTreeMap<String, String>,
    folder: &Path,
) -> Result<Value, Error> {
    let mut scope = Scope::new(template, place, given)?;
    let mut all = Map::new();
    for resource in resources {
        let kind = Kind::of(resource)?;
        let mut values = Map::new();
        for (name, node) in &resource.properties {
            values.extend(scope.resolve(node)?.map(|node| (name.clone(), node.to_json())));
        }
        if let Some(code) = resource::folder(resource) {
            code_folder(&scope, folder, code)?;
        }
        all.insert(resource.id.clone(), json!({ "Type": resource.kind, "Properties": values }));
        let properties = Properties {
            id: resource.id.clone(),
            stack: place.stack.clone(),
            values: Properties::named(kind, values, || kind.name(&place.stack, &resource.id, "000000000000")),
            package: None,
        };
        scope.made.insert(resource.id.clone(), resource::stand_in(kind, place, &properties));
    }
    for Output { value, condition, .. } in &template.outputs {
        if scope.holds(condition.as_deref(), value.line)? {
            scope.resolve(value)?;
        }
    }
    Ok(all.into())
}

/// The folder or file beside the template that `code` names.
///
/// # Errors
/// When there is none.
pub fn code_folder(scope: &Scope<'_>, folder: &Path, code: &Node) -> Result<PathBuf, Error> {
    let named = scope.resolve(code)?.and_then(|node| node.scalar());
    let named = named.ok_or_else(|| Error::new(code.line, "the place of the code is a path"))?;
    let path = folder.join(&named);
    if path.exists() {
        Ok(path)
    } else {
        Err(Error::new(code.line, format!("there is no {named} beside the template")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(template: &str) -> String {
        let folder = tempfile::tempdir().expect("a temporary folder");
        std::fs::write(folder.path().join("template.yaml"), template).expect("writable");
        std::fs::create_dir(folder.path().join("code")).expect("writable");
        let place = Place { account: "000000000000".into(), region: "us-east-1".into(), stack: "s".into() };
        match Plan::of_folder(folder.path(), &place, &BTreeMap::new()) {
            Ok(plan) => format!("{} resources", plan.resources.len()),
            Err(why) => why.to_string(),
        }
    }

    #[test]
    fn what_is_not_supported_is_refused_before_anything_changes() {
        const SAM: &str = "Transform: AWS::Serverless-2016-10-31\nResources:\n";
        let function = |rest: &str| {
            format!(
                "{SAM}  F:\n    Type: AWS::Serverless::Function\n    Properties: {{CodeUri: code, {rest}}}"
            )
        };
        for (template, said) in [
            (function("Handler: a.b, Runtime: python3.13"), "2 resources"),
            (function("Handler: a.b, VpcConfig: {}"), "template.yaml:5: the property VpcConfig of F is not supported"),
            (function("Events: {E: {Type: Kinesis}}"), "template.yaml:5: the event type Kinesis of F"),
            (function("Events: {E: {Type: S3, Properties: {Bucket: !Ref B, Events: x}}}"), "B is no bucket"),
            (function("Role: !Ref Nobody"), "template.yaml:5: there is no parameter or resource Nobody"),
            (format!("{SAM}  F: {{Type: AWS::Serverless::Function, Properties: {{CodeUri: gone}}}}"), "there is no gone"),
            (format!("{SAM}  A: {{Type: AWS::Serverless::Api}}"), "template.yaml:3: A: AWS::Serverless::Api is not supported"),
            ("Resources:\n  Q: {Type: AWS::SQS::Queue}".to_owned(), "template.yaml:2: Q: AWS::SQS::Queue is not supported"),
            (
                "Resources:\n  B:\n    Type: AWS::S3::Bucket\n    Properties:\n      VersioningConfiguration: {}".to_owned(),
                "template.yaml:5: B: the property VersioningConfiguration of AWS::S3::Bucket",
            ),
        ] {
            let refusal = refusal(&template);
            assert!(refusal.contains(said), "{refusal}\nshould say: {said}");
        }
    }
}
