//! The command line: one file per verb. stdout is data, stderr the rest; `--json` everywhere.

mod deploy;
mod doctor;
mod env;
mod events;
mod invoke;
mod logs;
mod out;
mod runtime;
mod stack;
mod trace;
mod up;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::client::Client;
use crate::folder::Server;
use crate::settings::{Flags, ServeFlags, Settings};

pub use out::{Out, harmless};

/// Event-driven serverless platform in one binary: AWS Lambda handlers and SDKs, unchanged.
#[derive(Debug, Parser)]
#[command(name = "eddy", version, disable_help_subcommand = true)]
pub struct Cli {
    #[command(flatten)]
    flags: Flags,
    /// Print JSON, one document a line
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Serve, and deploy what DIR describes; redeploy when it changes
    Up(up::Words),
    /// Print the variables that point SDKs here
    Env,
    /// Deploy what DIR describes to the server of this data folder
    Deploy(deploy::Words),
    /// Invoke a function and print its answer
    Invoke(invoke::Words),
    /// Print a function's log
    Logs(logs::Words),
    /// Events: what failed, one of them whole, send one again
    Events(events::Words),
    /// Print what caused what, by request id, event id or BUCKET/KEY
    Trace(trace::Words),
    /// What this machine can enforce, what is stored where, which Pythons there are
    Doctor,
    /// Runtimes: what functions find beside the interpreter
    Runtime(runtime::Words),
}

/// What ends a verb early: a sentence for stderr.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;

/// What every verb is given.
pub struct Context {
    pub flags: Flags,
    pub out: Out,
}

impl Context {
    pub fn settings(&self) -> Result<Settings, Failure> {
        Ok(Settings::read(&self.flags, &ServeFlags::default())?)
    }

    /// A client of the server that serves the data folder, as root.
    pub fn client(&self) -> Result<Client, Failure> {
        let settings = self.settings()?;
        let asked = self.flags.listen.is_some().then_some(settings.listen.value);
        let server = Server::find(&settings.data.value, asked)?;
        Ok(Client::of_folder(&settings.data.value, server.address, settings.region.value)?)
    }
}

/// Parses the command line and runs its verb.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let context = Context { flags: cli.flags, out: Out::new(cli.json) };
    let done = match cli.verb {
        Verb::Up(words) => up::run(&context, words),
        Verb::Env => env::run(&context),
        Verb::Deploy(words) => block_on(deploy::run(&context, words)),
        Verb::Invoke(words) => block_on(invoke::run(&context, words)),
        Verb::Logs(words) => block_on(logs::run(&context, words)),
        Verb::Events(words) => block_on(events::run(&context, words)),
        Verb::Trace(words) => block_on(trace::run(&context, words)),
        Verb::Doctor => block_on(doctor::run(&context)),
        Verb::Runtime(words) => runtime::run(&context, words),
    };
    match done {
        Ok(code) => code,
        Err(failure) => {
            context.out.note(&format!("eddy: {failure}"));
            ExitCode::FAILURE
        }
    }
}

/// One thread is enough for a client.
fn block_on<T>(future: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(future)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::Cli;

    #[test]
    fn no_two_words_of_a_verb_have_one_name() {
        Cli::command().debug_assert();
    }
}
