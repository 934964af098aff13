//! What a template wants a resource to be: its properties, resolved, with a name where the template gives none and
//! with the hash of the code in place of its folder.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use eddy_base::env::blocking;
use eddy_base::{Env, Fault, Id};
use serde_json::{Map, Value, json};

use crate::deploy::Stopped;
use crate::keys::Row;
use crate::node::Error;
use crate::package;
use crate::plan::{self, Plan};
use crate::resolve::Scope;
use crate::resource::{self, Kind, Properties};
use crate::template::{Output, Resource};
use crate::todo::{Todo, decide};

/// Resolves resources one by one, as those before them come to be.
pub struct Wishes<'a> {
    pub plan: &'a Plan,
    pub folder: &'a Path,
    pub stack: &'a str,
    pub env: Arc<dyn Env>,
    pub scope: Scope<'a>,
    /// Names that were chosen, by logical id.
    names: BTreeMap<String, String>,
    /// Code that was packed, by logical id.
    packages: BTreeMap<String, Package>,
}

/// Code that is not packed yet.
#[derive(Clone)]
enum Source {
    Folder(PathBuf),
    Inline { text: String, runtime: String },
}

/// A zip and its hash. Without the zip: what stands has the same.
struct Package {
    sha256: String,
    zip: Option<Vec<u8>>,
}

impl<'a> Wishes<'a> {
    pub fn new(
        plan: &'a Plan,
        folder: &'a Path,
        stack: &'a str,
        env: Arc<dyn Env>,
        scope: Scope<'a>,
    ) -> Wishes<'a> {
        Wishes { plan, folder, stack, env, scope, names: BTreeMap::new(), packages: BTreeMap::new() }
    }

    /// What `resource` is to be. `before` is what stands of it, and keeps its name.
    ///
    /// # Errors
    /// A value that refers to nothing; code that cannot be packed.
    pub async fn properties(
        &mut self,
        kind: Kind,
        resource: &Resource,
        before: Option<&Row>,
    ) -> Result<Properties, Stopped> {
        let values = self.resolved(resource)?;
        let source = self.source(resource, &values)?;
        let values = Properties::named(kind, values, || self.name(kind, &resource.id, before));
        let (id, stack) = (resource.id.clone(), self.stack.to_owned());
        let mut wish = Properties { id, stack, values, package: None };
        if let Some(source) = source {
            self.pack(kind, resource, before, source, &mut wish).await?;
        }
        Ok(wish)
    }

    /// The values of the template's outputs that exist.
    ///
    /// # Errors
    /// One that refers to nothing, or is no plain value.
    pub fn outputs(&self) -> Result<Vec<(String, String)>, Stopped> {
        let refuse = |why: Error| Stopped::from(self.plan.refusal(why));
        let mut outputs = Vec::new();
        for output in &self.plan.template.outputs {
            let Output { name, value, condition, .. } = output;
            if !self.scope.holds(condition.as_deref(), value.line).map_err(refuse)? {
                continue;
            }
            let resolved = self.scope.resolve(value).map_err(refuse)?;
            let text = resolved.and_then(|node| node.scalar());
            let text = text.ok_or_else(|| Error::new(value.line, format!("the output {name} is no text")));
            outputs.push((name.clone(), text.map_err(refuse)?));
        }
        Ok(outputs)
    }

    fn resolved(&self, resource: &Resource) -> Result<Map<String, Value>, Stopped> {
        let mut values = Map::new();
        for (name, node) in &resource.properties {
            let resolved = self.scope.resolve(node).map_err(|why| self.plan.refusal(why))?;
            values.extend(resolved.map(|node| (name.clone(), node.to_json())));
        }
        Ok(values)
    }

    /// A name that is kept for as long as the resource is.
    fn name(&mut self, kind: Kind, id: &str, before: Option<&Row>) -> String {
        let property = kind.name_property().unwrap_or_default();
        let known = before.and_then(|before| before.values()[property].as_str().map(str::to_owned));
        if let Some(name) = known.or_else(|| self.names.get(id).cloned()) {
            return name;
        }
        let name = kind.name(self.stack, id, &Id::random_label(self.env.as_ref(), 12));
        self.names.insert(id.to_owned(), name.clone());
        name
    }

    /// Where the code is that has to be packed. Nothing for code that is an object already.
    fn source(&self, resource: &Resource, values: &Map<String, Value>) -> Result<Option<Source>, Stopped> {
        if let Some(code) = resource::folder(resource) {
            let folder = plan::code_folder(&self.scope, self.folder, code);
            return Ok(Some(Source::Folder(folder.map_err(|why| self.plan.refusal(why))?)));
        }
        let text = values.get("Code").and_then(|code| code["ZipFile"].as_str());
        let runtime = values.get("Runtime").and_then(Value::as_str).unwrap_or_default();
        Ok(text.map(|text| Source::Inline { text: text.to_owned(), runtime: runtime.to_owned() }))
    }

    /// Puts the hash of the code in its place; and the zip, where it will be sent.
    async fn pack(
        &mut self,
        kind: Kind,
        resource: &Resource,
        before: Option<&Row>,
        source: Source,
        wish: &mut Properties,
    ) -> Result<(), Stopped> {
        let mut package = match self.packages.remove(&resource.id) {
            Some(package) => package,
            None => self.packed(resource, source.clone()).await?,
        };
        wish.values["Code"] = json!({ "Sha256": package.sha256 });
        let is_sent = match decide(kind, before, wish) {
            Todo::Nothing => false,
            Todo::Change { old } => old["Code"] != wish.values["Code"],
            Todo::Make | Todo::Finish | Todo::Replace => true,
        };
        if !is_sent {
            package.zip = None;
        } else if package.zip.is_none() {
            package = self.packed(resource, source).await?;
            wish.values["Code"] = json!({ "Sha256": package.sha256 });
        }
        wish.package.clone_from(&package.zip);
        self.packages.insert(resource.id.clone(), package);
        Ok(())
    }

    async fn packed(&self, resource: &Resource, source: Source) -> Result<Package, Stopped> {
        let packing = blocking(&self.env, move || match source {
            Source::Folder(folder) => package::zip(&folder),
            Source::Inline { text, runtime } => package::inline(&text, &runtime),
        });
        let zip = match packing.await {
            Ok(packed) => packed.map_err(|why| self.plan.at_property(resource, "Code", &why.to_string()))?,
            Err(_) => return Err(Stopped::Store(Fault::internal("packing the code was cut off"))),
        };
        Ok(Package { sha256: eddy_wire::sign::sha256_hex(&zip), zip: Some(zip) })
    }
}
