//! `eddy runtime install`: makes the folder in which functions find boto3.

use std::path::PathBuf;
use std::process::ExitCode;

use eddy_runtime::python::{Interpreter, Interpreters};
use eddy_runtime::runtimes;

use super::{Context, Failure};

#[derive(Debug, clap::Args)]
pub struct Words {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Install boto3 for functions, from the package index that pip uses here or from a folder of wheels
    Install {
        /// Folder of wheels to take instead of the package index
        #[arg(long, value_name = "FOLDER")]
        from: Option<PathBuf>,
    },
}

pub fn run(context: &Context, words: Words) -> Result<ExitCode, Failure> {
    let What::Install { from } = words.what;
    let settings = context.settings()?;
    let interpreters = Interpreters::of_machine();
    let pythons: Vec<&Interpreter> = interpreters.all().iter().map(AsRef::as_ref).collect();
    let bar = indicatif::ProgressBar::new_spinner();
    let told = &mut |step: &str| bar.set_message(step.to_owned());
    let runtimes = settings.data.value.join("runtimes");
    let installed = runtimes::install(&pythons, &runtimes, from.as_deref(), told);
    bar.finish_and_clear();
    let folder = installed?;
    let version = runtimes::boto3_version();
    if context.out.wants_json() {
        context.out.document(&serde_json::json!({ "boto3": version, "folder": folder }));
    } else {
        context.out.note(&format!("boto3 {version} is in {}", folder.display()));
    }
    Ok(ExitCode::SUCCESS)
}
