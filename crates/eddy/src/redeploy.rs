//! Deploys a folder when the server starts, and again whenever something in it changes.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use eddy_base::Task;
use eddy_base::env::blocking;
use eddy_deploy::{Output, Stopped, Wanted};
use eddy_runtime::python::Interpreter;
use eddy_runtime::runtimes;
use serde::Deserialize;

use crate::assemble::App;
use crate::banner;
use crate::cli::{Failure, Out};
use crate::client::Client;
use crate::folder::command;
use crate::settings::Settings;
use crate::watch::Watch;

/// How long functions wait for boto3 while it is being installed.
const INSTALL_WAIT_MAX: Duration = Duration::from_secs(20);

/// The parameter that `up` sets by itself, where a template has it.
const RUNTIME: &str = "Runtime";

/// Deploys `folder`, if there is one, until the task is dropped. A deployment that is refused is said; the next
/// change tries again.
///
/// # Errors
/// When a parameter is no `NAME=VALUE`, and when the folder cannot be watched.
pub fn start(
    app: &Arc<App>,
    settings: &Settings,
    folder: Option<&Path>,
    asked: &Asked,
) -> Result<Option<Task>, Failure> {
    let Some(folder) = folder else { return Ok(None) };
    let folder = folder.canonicalize().map_err(|why| format!("{}: {why}", folder.display()))?;
    let wanted = wanted(app, &folder, asked)?;
    let client = Client::of_folder(&settings.data.value, app.address, app.region.clone())?;
    let mut watch = Watch::new(&folder, app.engines.store.env().clone())?;
    let (app, env) = (app.clone(), app.engines.store.env().clone());
    let installing = install_boto3(&app, &settings.data.value);
    let task = async move {
        let _installing = installing;
        loop {
            deploy(&app, &wanted, &client).await;
            watch.changed().await;
        }
    };
    Ok(Some(env.spawn("redeploy", Box::pin(task))))
}

/// How a folder is to be deployed, beside what its template says.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Asked {
    #[serde(default)]
    pub parameters: BTreeMap<String, String>,
    /// What the stack is called; as its folder, when nobody says.
    pub stack: Option<String>,
}

/// What a folder is deployed as.
pub fn wanted(app: &App, folder: &Path, asked: &Asked) -> Result<Wanted, Failure> {
    let mut given = asked.parameters.clone();
    if !given.contains_key(RUNTIME)
        && eddy_deploy::has_parameter(folder, RUNTIME)
        && let Some(newest) = app.interpreters.all().first()
    {
        let runtime = format!("python3.{}", newest.minor);
        Out::new(false)
            .note(&format!("  {RUNTIME} = {runtime}, the newest Python here ({})", newest.version));
        given.insert(RUNTIME.to_owned(), runtime);
    }
    Ok(Wanted {
        folder: PathBuf::from(folder),
        stack: asked.stack.clone().unwrap_or_else(|| stack(folder)),
        is_named: asked.stack.is_some(),
        region: app.region.clone(),
        parameters: given,
    })
}

/// A folder's name as CloudFormation takes names of stacks.
fn stack(folder: &Path) -> String {
    let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let name: String =
        name.chars().map(|letter| if letter.is_ascii_alphanumeric() { letter } else { '-' }).collect();
    let name = name.trim_matches('-');
    if name.starts_with(|letter: char| letter.is_ascii_alphabetic()) {
        name.to_owned()
    } else {
        format!("eddy-{name}")
    }
}

/// Where an output's address is answered, when it is the address that an API would have on AWS.
pub fn here(address: SocketAddr, output: &Output) -> Option<String> {
    let (api, path) = output.api.as_ref()?;
    Some(format!("http://{address}/_eddy/api/{api}/{path}"))
}

/// Makes the folder in which functions find boto3, unless it is there. The deployment does not wait for it; functions
/// that start meanwhile do, for a while. Without it those that need it say so.
fn install_boto3(app: &Arc<App>, data: &Path) -> Option<Task> {
    if runtimes::installed(&app.runtimes).is_some() {
        return None;
    }
    let (interpreters, folder) = (app.interpreters.clone(), app.runtimes.clone());
    let data = data.to_path_buf();
    let underway = app.process.as_ref()?.installing(INSTALL_WAIT_MAX);
    let env = app.engines.store.env().clone();
    let task = async move {
        let out = Out::new(false);
        let installed = blocking(&env, move || {
            let pythons: Vec<&Interpreter> = interpreters.all().iter().map(AsRef::as_ref).collect();
            if pythons.is_empty() {
                return Ok(None);
            }
            Out::new(false).note(&format!("  installing boto3 {} for functions", runtimes::boto3_version()));
            runtimes::install(&pythons, &folder, None, &mut |_| {}).map(Some)
        });
        let installed = installed.await;
        drop(underway);
        match installed {
            // Without a Python nothing runs, and the banner says so.
            Ok(Ok(None)) => {}
            Ok(Ok(Some(_))) => {
                out.note(&format!("  boto3 {} is there for functions", runtimes::boto3_version()));
            }
            Ok(Err(why)) => out.note(&format!(
                "  boto3 is not installed: {why}\n  functions that need it fail until `{}` has worked",
                command("runtime install", &data)
            )),
            Err(why) => tracing::error!(%why, "installing boto3 panicked"),
        }
    };
    Some(app.engines.store.env().spawn("install boto3", Box::pin(task)))
}

async fn deploy(app: &Arc<App>, wanted: &Wanted, client: &Client) {
    let mut deployed = app.deployer.deploy(wanted, &banner::step).await;
    while let Err(Stopped::Busy(_)) = &deployed {
        app.deployer.idle(wanted).await;
        deployed = app.deployer.deploy(wanted, &banner::step).await;
    }
    match deployed {
        Ok(deployed) => banner::deployed(&wanted.folder, &deployed, client),
        Err(why) => {
            Out::new(false).note(&format!("not deployed: {why}\n  mend it and save: it is deployed again"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stack_is_called_after_its_folder() {
        for (folder, name) in [("/x/samples", "samples"), ("/x/my app_1", "my-app-1"), ("/x/1st", "eddy-1st")]
        {
            assert_eq!(stack(Path::new(folder)), name);
        }
    }
}
