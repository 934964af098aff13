//! A binary that is nothing but a supervisor, as `eddy` is when it is started as one.

use std::process::ExitCode;

fn main() -> ExitCode {
    eddy_runtime::intercept().unwrap_or(ExitCode::from(2))
}
