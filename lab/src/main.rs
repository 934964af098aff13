//! Experiments on the real binary: what it loses under kill -9, and how fast it is beside its limits.
//! Never shipped; `cargo xtask prove` and `cargo xtask bench` run it.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "an experiment tells a person what it found")]
#![expect(clippy::disallowed_methods, reason = "an experiment measures the real clock and is not simulated")]

mod ask;
mod bench;
mod http;
mod prove;
mod server;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// kill -9 at random moments under load; holds every acknowledgement against the restarts
    Prove(prove::Words),
    /// Measures beside the limit or peer of the same run
    Bench(bench::Words),
}

fn main() -> ExitCode {
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(why) => {
            eprintln!("lab: {why}");
            return ExitCode::FAILURE;
        }
    };
    let done = match Cli::parse().verb {
        Verb::Prove(words) => runtime.block_on(prove::run(words)),
        Verb::Bench(words) => runtime.block_on(bench::run(words)),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("lab: {why}");
            ExitCode::FAILURE
        }
    }
}
