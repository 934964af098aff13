//! A template's parts: parameters, mappings, conditions, resources, outputs.

use crate::node::{Error, Node};
use crate::parameter::Parameter;

/// Everything a template says, with SAM not yet expanded.
#[derive(Debug, Clone)]
pub struct Template {
    pub parameters: Vec<Parameter>,
    pub mappings: Option<Node>,
    pub conditions: Vec<(String, Node)>,
    /// SAM's defaults for its resources.
    pub globals: Option<Node>,
    pub resources: Vec<Resource>,
    pub outputs: Vec<Output>,
    /// Does it ask for `AWS::Serverless-2016-10-31`?
    pub is_sam: bool,
}

/// A resource as the template has it.
#[derive(Debug, Clone, PartialEq)]
pub struct Resource {
    pub line: usize,
    pub id: String,
    /// `AWS::Lambda::Function`.
    pub kind: String,
    pub properties: Vec<(String, Node)>,
    pub condition: Option<String>,
    pub depends_on: Vec<String>,
    /// `DeletionPolicy: Retain`: it outlives its template.
    pub is_retained: bool,
    /// `UpdateReplacePolicy: Retain`: it outlives what takes its place.
    pub outlives_replacement: bool,
}

/// A value that the deployment gives back.
#[derive(Debug, Clone)]
pub struct Output {
    pub name: String,
    pub value: Node,
    pub condition: Option<String>,
    pub description: Option<String>,
}

impl Resource {
    pub fn new(line: usize, id: impl Into<String>, kind: &str) -> Resource {
        Resource {
            line,
            id: id.into(),
            kind: kind.to_owned(),
            properties: Vec::new(),
            condition: None,
            depends_on: Vec::new(),
            is_retained: false,
            outlives_replacement: false,
        }
    }

    pub fn get(&self, name: &str) -> Option<&Node> {
        self.properties.iter().find(|(known, _)| known == name).map(|(_, node)| node)
    }

    /// Sets a property, where it stands already in its place.
    pub fn set(&mut self, name: &str, value: Node) {
        match self.properties.iter_mut().find(|(known, _)| known == name) {
            Some((_, node)) => *node = value,
            None => self.properties.push((name.to_owned(), value)),
        }
    }

    /// The same with another property.
    #[must_use]
    pub fn with(mut self, name: &str, value: Node) -> Resource {
        self.set(name, value);
        self
    }
}

const SAM: &str = "AWS::Serverless-2016-10-31";

impl Template {
    /// Reads the parts of a document.
    ///
    /// # Errors
    /// A section or attribute that does not exist or is not supported, with its line.
    pub fn read(document: &Node) -> Result<Template, Error> {
        let mut template = Template {
            parameters: Vec::new(),
            mappings: None,
            conditions: Vec::new(),
            globals: None,
            resources: Vec::new(),
            outputs: Vec::new(),
            is_sam: false,
        };
        for (name, section) in pairs(document, "a template")? {
            match name.as_str() {
                "AWSTemplateFormatVersion" | "Description" | "Metadata" => {}
                "Transform" => template.is_sam = transform(section)?,
                "Globals" => template.globals = Some(section.clone()),
                "Mappings" => template.mappings = Some(section.clone()),
                "Parameters" => template.parameters = each(section, Parameter::read)?,
                "Conditions" => {
                    template.conditions = pairs(section, "Conditions")?.to_vec();
                }
                "Resources" => template.resources = each(section, resource)?,
                "Outputs" => template.outputs = each(section, output)?,
                _ => return Err(Error::new(section.line, format!("the section {name} is not supported"))),
            }
        }
        if template.resources.is_empty() {
            return Err(Error::new(document.line, "the template has no Resources"));
        }
        match &template.globals {
            Some(globals) if !template.is_sam => {
                Err(Error::new(globals.line, format!("Globals need `Transform: {SAM}`")))
            }
            _ => Ok(template),
        }
    }
}

/// The pairs of a mapping; anything else is refused.
pub fn pairs<'a>(node: &'a Node, what: &str) -> Result<&'a [(String, Node)], Error> {
    node.pairs().ok_or_else(|| Error::new(node.line, format!("{what} is a mapping")))
}

fn each<T>(section: &Node, read: fn(&str, &Node) -> Result<T, Error>) -> Result<Vec<T>, Error> {
    pairs(section, "a section")?.iter().map(|(name, node)| read(name, node)).collect()
}

fn transform(node: &Node) -> Result<bool, Error> {
    let single = std::slice::from_ref(node);
    for transform in node.items().unwrap_or(single) {
        match transform.as_text() {
            Some(SAM) => {}
            Some(other) => {
                return Err(Error::new(transform.line, format!("the transform {other} is not supported")));
            }
            None => return Err(Error::new(transform.line, "a transform is a name")),
        }
    }
    Ok(true)
}

fn resource(id: &str, node: &Node) -> Result<Resource, Error> {
    let mut resource = Resource::new(node.line, id, "");
    if id.is_empty() || !id.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Err(Error::new(node.line, format!("{id:?}: the name of a resource is letters and digits")));
    }
    for (key, value) in pairs(node, "a resource")? {
        match key.as_str() {
            "Type" => scalar(value, "Type")?.clone_into(&mut resource.kind),
            "Properties" => resource.properties = pairs(value, "Properties")?.to_vec(),
            "Condition" => resource.condition = Some(scalar(value, "Condition")?),
            "DependsOn" => {
                let single = std::slice::from_ref(value);
                let names = value.items().unwrap_or(single);
                resource.depends_on =
                    names.iter().map(|name| scalar(name, "DependsOn")).collect::<Result<_, _>>()?;
            }
            "DeletionPolicy" => resource.is_retained = retains(key, value)?,
            "UpdateReplacePolicy" => resource.outlives_replacement = retains(key, value)?,
            "Metadata" => {}
            _ => return Err(unsupported(value, &format!("{key} of {id}"))),
        }
    }
    if resource.kind.is_empty() {
        return Err(Error::new(node.line, format!("{id} has no Type")));
    }
    Ok(resource)
}

fn retains(key: &str, value: &Node) -> Result<bool, Error> {
    match value.as_text() {
        Some("Retain") => Ok(true),
        Some("RetainExceptOnCreate") if key == "DeletionPolicy" => Ok(true),
        Some("Delete") => Ok(false),
        _ => Err(unsupported(value, &format!("this {key}"))),
    }
}

fn output(name: &str, node: &Node) -> Result<Output, Error> {
    let mut found = Output { name: name.to_owned(), value: node.clone(), condition: None, description: None };
    let mut has_value = false;
    for (key, value) in pairs(node, "an output")? {
        match key.as_str() {
            "Value" => {
                found.value = value.clone();
                has_value = true;
            }
            "Condition" => found.condition = Some(scalar(value, "Condition")?),
            "Description" => found.description = value.scalar(),
            // Nothing imports across templates yet, so an export has no effect and is no promise.
            "Export" => {}
            _ => return Err(unsupported(value, &format!("{key} of the output {name}"))),
        }
    }
    if has_value { Ok(found) } else { Err(Error::new(node.line, format!("the output {name} has no Value"))) }
}

/// A plain value; anything else is refused.
pub fn scalar(node: &Node, what: &str) -> Result<String, Error> {
    node.scalar().ok_or_else(|| Error::new(node.line, format!("{what} is a plain value")))
}

/// A refusal by name.
pub fn unsupported(node: &Node, what: &str) -> Error {
    Error::new(node.line, format!("{what} is not supported"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::read::read;

    fn template(text: &str) -> Result<Template, Error> {
        Template::read(&read(text)?)
    }

    #[test]
    fn the_parts_are_found() {
        let template = template(concat!(
            "Transform: AWS::Serverless-2016-10-31\n",
            "Parameters: {P: {Type: String, Default: 1, AllowedValues: [1, 2]}}\n",
            "Resources:\n  B: {Type: 'AWS::S3::Bucket', DeletionPolicy: Retain, DependsOn: C}\n",
            "Outputs: {O: {Value: !Ref B}}\n",
        ))
        .expect("well-formed");
        assert!(template.is_sam && template.resources[0].is_retained);
        assert_eq!(template.parameters[0].default.as_deref(), Some("1"));
        assert_eq!(template.resources[0].depends_on, ["C"]);
        assert_eq!(template.outputs[0].name, "O");
    }

    #[test]
    fn what_is_not_supported_is_refused_with_line_and_name() {
        for (text, line, said) in [
            ("Resources:\n  B: {Type: X}\nRules: {}", 3, "the section Rules"),
            ("Resources:\n  B: {Type: X, CreationPolicy: {}}", 2, "CreationPolicy of B"),
            ("Transform: AWS::LanguageExtensions\nResources: {B: {Type: X}}", 1, "AWS::LanguageExtensions"),
            ("Parameters:\n  P: {Type: AWS::SSM::Parameter::Name}\nResources: {B: {Type: X}}", 2, "AWS::SSM"),
            ("Description: x", 1, "no Resources"),
            ("Resources: {'a-b': {Type: X}}", 1, "letters and digits"),
            ("Globals: {}\nResources: {B: {Type: X}}", 1, "Globals need"),
            ("Resources: {B: {}}", 1, "no Type"),
        ] {
            let error = template(text).expect_err(said);
            assert!(error.message.contains(said) && error.line == line, "{error}");
        }
    }
}
