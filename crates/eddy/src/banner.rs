//! What `eddy up` prints once it serves: where it is, what it cannot do here, and commands that run as pasted.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use eddy_base::Task;
use eddy_base::env::blocking;
use eddy_deploy::{Deployed, Done, Step};
use eddy_runtime::runtimes;
use http::Method;

use crate::assemble::App;
use crate::cli::Out;
use crate::client::Client;
use crate::folder::command;
use crate::redeploy;
use crate::settings::{Auth, Settings};

/// How long the banner's presigned URLs are good.
const GOOD_FOR_SECONDS: u32 = 24 * 60 * 60;

/// Says that it serves.
pub fn serving(app: &App, settings: &Settings, address: SocketAddr) {
    let out = Out::new(false);
    let data = settings.data.value.display();
    out.note(&format!("eddy {} serves on http://{address}", env!("CARGO_PKG_VERSION")));
    out.note(&format!("  data      {data}"));
    out.note(&format!("  SDKs      eval \"$({})\"", command("env", &settings.data.value)));
    walls(app, &out);
    out.note("  policies  of roles are stored and not enforced yet; resource policies are");
    if settings.auth.value == Auth::None {
        out.note("  WARNING   --auth none: signatures are not checked; whoever reaches this address is root, functions excepted");
    }
    if runtimes::installed(&app.runtimes).is_none() {
        let install = command("runtime install", &settings.data.value);
        out.note(&format!("  boto3     is not there for functions yet: {install}"));
    }
}

fn walls(app: &App, out: &Out) {
    let walls = app.jail.walls();
    out.note(&format!("  jails     tier {}, limits by {}", walls.tier, walls.limits));
    for missing in &walls.missing {
        let remedy = if missing.remedy.is_empty() { String::new() } else { format!("; {}", missing.remedy) };
        out.note(&format!("            no {}: {}{remedy}", missing.wall, missing.reason));
    }
}

/// Looks for the interpreters of functions, which takes as long as the start itself, and says if there is none.
pub fn pythons(app: &Arc<App>) -> Task {
    let (interpreters, env) = (app.interpreters.clone(), app.engines.store.env().clone());
    let search = async move {
        let found = blocking(&env, move || interpreters.all().len()).await;
        if matches!(found, Ok(0)) {
            Out::new(false)
                .note("  WARNING   no Python that functions can run on: install the package python3");
        }
    };
    app.engines.store.env().spawn("interpreters", Box::pin(search))
}

/// Says of one resource what has just been done with it.
pub fn step(step: &Step) {
    let Step { done, id, kind, physical_id } = step;
    Out::new(false).note(&format!("  {:<8} {kind} {id} ({physical_id})", word(*done)));
}

/// Says what stands after a deployment, with commands to try it.
pub fn deployed(folder: &Path, deployed: &Deployed, client: &Client) {
    let out = Out::new(false);
    out.note(&format!(
        "deployed {}: {} resources, {} changes",
        folder.display(),
        deployed.resources.len(),
        deployed.steps.len()
    ));
    for output in &deployed.outputs {
        out.note(&format!("  {} = {}", output.name, output.value));
        if let Some(url) = redeploy::here(client.address(), output) {
            out.note(&format!("  {:width$}   here: {url}", "", width = output.name.len()));
        }
    }
    for line in tries(deployed, client) {
        out.note(&format!("  {line}"));
    }
}

/// Commands for what was deployed: each route whose path is fixed, each bucket that starts a function, and the others
/// to look into.
fn tries(deployed: &Deployed, client: &Client) -> Vec<String> {
    let mut lines = Vec::new();
    let fixed = |path: &str| !path.contains(['{', '$']);
    for (api, method, path) in deployed.paths().into_iter().filter(|(_, _, path)| fixed(path)) {
        let url = format!("http://{}/_eddy/api/{api}{path}", client.address());
        lines.push(match method {
            "ANY" | "GET" => format!("curl '{url}'"),
            "POST" => format!("curl {BODY} '{url}'"),
            other => format!("curl -X {other} {BODY} '{url}'"),
        });
    }
    lines.extend(deployed.urls.iter().map(|url| format!("curl {BODY} '{url}'")));
    let buckets = deployed.resources.iter().filter(|(_, kind, _)| kind == "AWS::S3::Bucket");
    let (watched, others): (Vec<&str>, Vec<&str>) = buckets
        .map(|(_, _, made)| made.physical_id.as_str())
        .partition(|bucket| deployed.watched.iter().any(|known| known == bucket));
    for bucket in watched {
        if let Ok(url) = client.presign(Method::PUT, &format!("/{bucket}/FILE"), GOOD_FOR_SECONDS) {
            lines.push(format!("curl -T FILE '{url}'"));
        }
    }
    for bucket in others {
        if let Ok(url) = client.presign(Method::GET, &format!("/{bucket}/FILE"), GOOD_FOR_SECONDS) {
            lines.push(format!("curl '{url}'"));
        }
    }
    lines
}

/// A body that the usual first handler takes.
const BODY: &str = "-H 'content-type: application/json' -d '{\"name\":\"World\"}'";

fn word(done: Done) -> &'static str {
    match done {
        Done::Made => "made",
        Done::Changed => "changed",
        Done::Removed => "removed",
        Done::Kept => "kept, since it is not empty:",
        Done::Retained => "retained",
    }
}
