//! The one binary: server, supervisor of jails, and command line.

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    // Before a thread, a runtime or an open file: the supervisor is this same binary and must stay small.
    if let Some(code) = eddy_runtime::intercept() {
        return code;
    }
    eddy::cli::main()
}
