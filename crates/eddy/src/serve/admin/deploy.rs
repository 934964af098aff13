//! Deployments for `eddy deploy`.

use std::path::Path;
use std::sync::Arc;

use eddy_base::{Code, Fault, Subject};
use eddy_deploy::{Deployed, Done, Stopped};
use serde_json::{Value, json};

use crate::assemble::App;
use crate::redeploy;

/// Deploys a folder of this machine.
pub async fn deploy(app: &Arc<App>, body: &[u8]) -> Result<Value, Fault> {
    let asked: Value = serde_json::from_slice(body).map_err(|why| Fault::invalid(why.to_string()))?;
    let folder = asked["folder"].as_str().ok_or_else(|| Fault::invalid("folder: missing"))?;
    let parameters: Vec<String> = asked["parameters"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|text| text.as_str().map(str::to_owned))
        .collect();
    let wanted = redeploy::wanted(app, Path::new(folder), &parameters);
    let wanted = wanted.map_err(|why| Fault::invalid(why.to_string()))?;
    let deployed = app.deployer.deploy(&wanted, &|_| {}).await.map_err(fault)?;
    Ok(document(&deployed))
}

fn fault(stopped: Stopped) -> Fault {
    match stopped {
        Stopped::Store(fault) => fault,
        Stopped::Refused(why) => Fault::invalid(why.to_string()),
        Stopped::Package(why) => Fault::new(Code::Invalid, Subject::Package, why.to_string()),
        at @ Stopped::At { .. } => Fault::new(Code::Conflict, Subject::Request, at.to_string()),
    }
}

fn document(deployed: &Deployed) -> Value {
    let steps = deployed.steps.iter().map(|step| {
        let done = match step.done {
            Done::Made => "made",
            Done::Changed => "changed",
            Done::Removed => "removed",
            Done::Kept => "kept",
        };
        json!({ "done": done, "id": step.id, "type": step.kind, "physicalId": step.physical_id })
    });
    let resources = deployed.resources.iter().map(|(id, kind, made)| {
        json!({ "id": id, "type": kind, "physicalId": made.physical_id, "attributes": made.attributes })
    });
    let outputs: serde_json::Map<String, Value> =
        deployed.outputs.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
    json!({
        "steps": steps.collect::<Vec<Value>>(), "resources": resources.collect::<Vec<Value>>(), "outputs": outputs,
    })
}
