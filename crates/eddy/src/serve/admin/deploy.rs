//! Deployments for `eddy deploy`.

use std::path::PathBuf;
use std::sync::Arc;

use eddy_base::Fault;
use eddy_deploy::{Deployed, Done, Output};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::assemble::App;
use crate::redeploy::{self, Asked};

/// What is asked for.
#[derive(Deserialize)]
struct Request {
    /// Absolute, on this machine.
    folder: PathBuf,
    #[serde(flatten)]
    asked: Asked,
}

/// Deploys a folder of this machine.
pub async fn deploy(app: &Arc<App>, body: &[u8]) -> Result<Value, Fault> {
    let request: Request = serde_json::from_slice(body).map_err(|why| Fault::invalid(why.to_string()))?;
    let wanted = redeploy::wanted(app, &request.folder, &request.asked);
    let wanted = wanted.map_err(|why| Fault::invalid(why.to_string()))?;
    let deployed = app.deployer.deploy(&wanted, &|_| {}).await?;
    Ok(document(app, &deployed))
}

fn document(app: &App, deployed: &Deployed) -> Value {
    let steps = deployed.steps.iter().map(|step| {
        let done = match step.done {
            Done::Made => "made",
            Done::Changed => "changed",
            Done::Removed => "removed",
            Done::Kept => "kept",
            Done::Retained => "retained",
        };
        json!({ "done": done, "id": step.id, "type": step.kind, "physicalId": step.physical_id })
    });
    let resources = deployed.resources.iter().map(|(id, kind, made)| {
        json!({ "id": id, "type": kind, "physicalId": made.physical_id, "attributes": made.attributes })
    });
    let outputs: Value =
        deployed.outputs.iter().map(|output| (output.name.clone(), json!(output.value))).collect();
    let here = |output: &Output| Some((output.name.clone(), json!(redeploy::here(app.address, output)?)));
    let here: Value = deployed.outputs.iter().filter_map(here).collect();
    json!({
        "steps": steps.collect::<Vec<Value>>(),
        "resources": resources.collect::<Vec<Value>>(),
        "outputs": outputs,
        "here": here,
    })
}
