//! The workshop: everything that is done to eddy rather than by it. Never shipped.
//!
//! `cargo xtask` alone lists the commands.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "the workshop talks to a person")]

mod deny;
mod format;
mod schema;
mod sh;
mod test;
mod tidy;
mod venv;

use std::process::ExitCode;

/// One command: its name, what it does, what runs it.
struct Command {
    name: &'static str,
    about: &'static str,
    run: fn(&[String]) -> sh::Outcome,
}

const COMMANDS: &[Command] = &[
    Command {
        name: "test",
        about: "everything that must hold; [STEP...] for some steps only",
        run: test::run,
    },
    Command { name: "tidy", about: "floors, file sizes, key tables, banned words", run: tidy::run },
    Command { name: "deny", about: "licences, sources and bans of dependencies", run: deny::run },
    Command {
        name: "venv",
        about: "make the Python environment of the tests and print its interpreter",
        run: venv::run,
    },
    Command {
        name: "coverage",
        about: "write docs/coverage.md from the operation tables",
        run: test::coverage,
    },
    Command {
        name: "schema",
        about: "import Amazon's models; DATA is botocore/data of an installed botocore, SERVICE a new one",
        run: schema::run,
    },
    Command { name: "format", about: "write the page of the stored format", run: format::run },
    Command { name: "bench", about: "measure eddy beside its limits and peers", run: test::bench },
    Command {
        name: "prove",
        about: "kill -9 under load on this disk for one minute, and count",
        run: test::prove,
    },
];

fn main() -> ExitCode {
    let mut words = std::env::args().skip(1);
    let name = words.next().unwrap_or_default();
    let rest: Vec<String> = words.collect();
    let Some(command) = COMMANDS.iter().find(|command| command.name == name) else {
        eprintln!("usage: cargo xtask COMMAND");
        for command in COMMANDS {
            eprintln!("  {:<10} {}", command.name, command.about);
        }
        return ExitCode::from(2);
    };
    match (command.run)(&rest) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("xtask {name}: {why}");
            ExitCode::FAILURE
        }
    }
}
