//! `eddy doctor`: what this machine can enforce, what is kept where, which Pythons there are, and where each
//! setting comes from. Asks the machine itself, so it works with and without a server.

use std::process::ExitCode;
use std::sync::Arc;

use eddy_base::{Env, System};
use eddy_runtime::python::Interpreters;
use eddy_runtime::{Jail as _, Process, Walls, runtimes};
use serde_json::{Value, json};

use super::{Context, Failure};
use crate::folder::Server;
use crate::settings::Settings;

pub async fn run(context: &Context) -> Result<ExitCode, Failure> {
    let settings = context.settings()?;
    let interpreters = Arc::new(Interpreters::of_machine());
    let walls = probe(interpreters.clone()).await?;
    let server = Server::find(&settings.data.value, None).ok();
    let is_enough = walls.lacking(settings.min_tier.value).is_empty();
    if context.out.wants_json() {
        context.out.document(&document(&settings, &walls, &interpreters, server.as_ref()));
    } else {
        print(context, &settings, &walls, &interpreters, server.as_ref());
    }
    Ok(if is_enough { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Starts a supervisor of its own, which finds out which walls there are, and ends it.
async fn probe(interpreters: Arc<Interpreters>) -> Result<Walls, Failure> {
    let env: Arc<dyn Env> = Arc::new(System::default());
    let state = std::env::temp_dir().join(format!("eddy-doctor-{}", std::process::id()));
    let options = eddy_runtime::Options {
        instance: format!("doctor-{}", std::process::id()),
        state: state.clone(),
        runtimes: state.join("runtimes"),
        interpreters,
        calls: Arc::new(|_| {}),
        min_tier: eddy_runtime::Tier::D,
        without: Vec::new(),
        user: None,
        binary: None,
    };
    let process = Process::start(env, options).await?;
    let walls = eddy_runtime::Jail::walls(&process).clone();
    process.close().await;
    std::fs::remove_dir_all(&state)?;
    Ok(walls)
}

fn document(
    settings: &Settings,
    walls: &Walls,
    interpreters: &Interpreters,
    server: Option<&Server>,
) -> Value {
    let settings_rows = settings.rows().into_iter();
    let settings_rows: Vec<Value> = settings_rows
        .map(|(name, value, origin)| json!({ "name": name, "value": value, "origin": origin }))
        .collect();
    // Oldest first, so that the last one is the newest.
    let pythons = interpreters.all().iter().rev().map(|python| {
        json!({
            "runtime": format!("python3.{}", python.minor), "version": python.version,
            "executable": python.executable, "prefix": python.prefix,
        })
    });
    json!({
        "tier": walls.tier.to_string(),
        "minTier": settings.min_tier.value.to_string(),
        "walls": walls,
        "pythons": pythons.collect::<Vec<Value>>(),
        "boto3": boto3(settings),
        "store": { "engine": "fjall", "folder": settings.data.value.join("store") },
        "server": server,
        "settings": settings_rows,
    })
}

fn boto3(settings: &Settings) -> Value {
    match runtimes::installed(&settings.data.value.join("runtimes")) {
        Some(folder) => json!({ "version": runtimes::boto3_version(), "folder": folder }),
        None => json!(null),
    }
}

fn print(
    context: &Context,
    settings: &Settings,
    walls: &Walls,
    interpreters: &Interpreters,
    server: Option<&Server>,
) {
    let out = &context.out;
    let standing: Vec<&str> = walls.standing.iter().map(|wall| wall.name()).collect();
    out.line(&format!("jails    tier {} (at least {} is asked for)", walls.tier, settings.min_tier.value));
    out.line(&format!("         {}", standing.join(", ")));
    out.line(&format!(
        "         limits by {}, freeze by {}, memory read from {}",
        walls.limits, walls.freeze, walls.accounting
    ));
    for missing in &walls.missing {
        out.line(&format!("         no {}: {}", missing.wall, missing.reason));
        if !missing.remedy.is_empty() {
            out.line(&format!("           to get it: {}", missing.remedy));
        }
    }
    for python in interpreters.all() {
        out.line(&format!("python   {} {}", python.version, python.executable.display()));
    }
    if interpreters.all().is_empty() {
        out.line("python   none from 3.10 on: install the package python3");
    }
    match runtimes::installed(&settings.data.value.join("runtimes")) {
        Some(_) => out.line(&format!("boto3    {}", runtimes::boto3_version())),
        None => out.line(&format!("boto3    not installed for functions: {}", runtimes::COMMAND)),
    }
    out.line(&format!("store    fjall, {}", settings.data.value.join("store").display()));
    match server {
        Some(server) => out.line(&format!("server   {} (process {})", server.address, server.pid)),
        None => out.line("server   none"),
    }
    for (name, value, origin) in settings.rows() {
        out.line(&format!("setting  {name} = {value} ({origin})"));
    }
}
