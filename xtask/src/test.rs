//! Everything that must hold, in one command, ending with each runner's closing lines.

use std::process::Command;
use std::time::Instant;

use crate::sh::{self, Outcome};
use crate::{deny, tidy, venv};

/// One step of the whole truth.
struct Step {
    name: &'static str,
    run: fn() -> Outcome,
}

const STEPS: &[Step] = &[
    Step { name: "fmt", run: fmt },
    Step { name: "tidy", run: || tidy::run(&[]) },
    Step { name: "clippy", run: clippy },
    Step { name: "deny", run: || deny::run(&[]) },
    Step { name: "tests", run: tests },
    Step { name: "clients", run: clients },
    Step { name: "sim", run: sim },
    Step { name: "prove", run: || prove(&["--rounds".to_owned(), "20".to_owned()]) },
];

pub fn run(only: &[String]) -> Outcome {
    if let Some(unknown) = only.iter().find(|name| STEPS.iter().all(|step| step.name != name.as_str())) {
        let known: Vec<&str> = STEPS.iter().map(|step| step.name).collect();
        return Err(format!("no step `{unknown}`; there are {}", known.join(", ")));
    }
    let mut told = Vec::new();
    for step in STEPS.iter().filter(|step| only.is_empty() || only.iter().any(|name| name == step.name)) {
        println!("--- {}", step.name);
        #[expect(clippy::disallowed_methods, reason = "the workshop tells a person how long a step took")]
        let started = Instant::now();
        (step.run)().map_err(|why| format!("{}: {why}", step.name))?;
        told.push(format!("{} {} s", step.name, started.elapsed().as_secs()));
    }
    println!("--- all of it holds: {}", told.join(", "));
    Ok(())
}

fn fmt() -> Outcome {
    sh::run(&mut sh::cargo(&["fmt", "--all", "--check"]))
}

fn clippy() -> Outcome {
    sh::run(&mut sh::cargo(&[
        "clippy",
        "--quiet",
        "--workspace",
        "--all-targets",
        "--",
        "--deny",
        "warnings",
    ]))
}

/// Unit, property, integration and crash tests.
fn tests() -> Outcome {
    let python = venv::make()?;
    sh::run(sh::cargo(&["test", "--workspace", "--no-fail-fast"]).env("EDDY_TEST_PYTHON", &python))
}

/// Real clients against the real binary, in release, as a user has it.
fn clients() -> Outcome {
    let python = venv::make()?;
    sh::run(&mut sh::cargo(&["build", "--quiet", "--release", "--package", "eddy"]))?;
    let mut pytest = Command::new(&python);
    pytest
        .args(["-m", "pytest", "-q", "-x", "-rs", "-p", "no:cacheprovider"])
        .arg(sh::root().join("crates/eddy/tests/clients"));
    sh::run(pytest.env("EDDY", sh::target().join("release/eddy")).env("PYTHONDONTWRITEBYTECODE", "1"))
}

/// Storms of 200 seeds over the real server in a simulated world. Its workspace is its own, and what it builds is
/// shared with the release build of the clients' step.
fn sim() -> Outcome {
    let manifest = sh::root().join("sim/Cargo.toml");
    let cargo = |words: &[&str], rest: &[&str]| {
        let mut command = sh::cargo(words);
        command.arg("--manifest-path").arg(&manifest).args(rest).env("CARGO_TARGET_DIR", sh::target());
        sh::run(&mut command)
    };
    cargo(&["fmt"], &["--check"])?;
    cargo(&["clippy", "--quiet", "--release"], &["--", "--deny", "warnings"])?;
    cargo(&["run", "--quiet", "--release"], &["--", "--seeds", "200", "--twice", "20", "--sweep", "--brief"])
}

/// Writes the coverage page; the test that guards it does the writing.
pub fn coverage(_: &[String]) -> Outcome {
    let mut test = sh::cargo(&["test", "--quiet", "--package", "eddy-aws", "--", "coverage_page"]);
    sh::run(test.env("EDDY_WRITE_COVERAGE", "1"))
}

pub fn bench(words: &[String]) -> Outcome {
    lab("bench", words)
}

pub fn prove(words: &[String]) -> Outcome {
    lab("prove", words)
}

fn lab(verb: &str, words: &[String]) -> Outcome {
    sh::run(&mut sh::cargo(&["build", "--release", "--package", "eddy", "--package", "lab"]))?;
    let release = sh::target().join("release");
    let mut lab = Command::new(release.join("lab"));
    lab.arg(verb).args(words).env("EDDY", release.join("eddy"));
    if verb == "bench" {
        // The store alone has its own experiment.
        sh::run(&mut sh::cargo(&[
            "build",
            "--release",
            "--package",
            "eddy-store",
            "--example",
            "commit_rate",
        ]))?;
        lab.env("EDDY_COMMIT_RATE", release.join("examples/commit_rate"));
    }
    sh::run(&mut lab)
}
