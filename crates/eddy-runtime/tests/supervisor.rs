//! A binary that is a supervisor when it is started as one, as `eddy` is; and otherwise a small server with one
//! guest, for the tests that kill servers.
#![expect(clippy::print_stdout, reason = "a helper of tests, talking to them")]

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use eddy_base::System;
use eddy_runtime::python::Interpreters;
use eddy_runtime::{Jail, Options, Package, Process, Runtime, Tier, testing};

fn main() -> ExitCode {
    if let Some(code) = eddy_runtime::intercept() {
        return code;
    }
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [state, instance, code] = arguments.as_slice() else { return ExitCode::from(2) };
    let runtime = tokio::runtime::Runtime::new().expect("a runtime can be made");
    runtime.block_on(serve(PathBuf::from(state), instance.clone(), PathBuf::from(code)))
}

/// Starts one guest, says so, and waits to be killed.
async fn serve(state: PathBuf, instance: String, code: PathBuf) -> ExitCode {
    let interpreters = Arc::new(Interpreters::of_machine());
    let minor = interpreters.all().first().expect("these tests need a Python").minor;
    let options = Options {
        instance,
        runtimes: state.join("runtimes"),
        state,
        interpreters,
        calls: Arc::new(drop),
        min_tier: Tier::D,
        without: Vec::new(),
        user: None,
        binary: None,
    };
    let jail = Process::start(Arc::new(System::default()), options).await.expect("a supervisor starts");
    let package = Package { code, layers: None, runtime: Runtime::Python { minor } };
    let artifact = jail.prepare(&package).await.expect("it can be prepared");
    let guest = jail.start(&artifact, testing::spec()).await.expect("it starts");
    guest.ready(Duration::from_secs(20)).await.expect("it is ready");
    println!("ready");
    std::future::pending::<()>().await;
    drop(guest);
    ExitCode::SUCCESS
}
