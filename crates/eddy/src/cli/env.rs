//! `eddy env`: the variables that point SDKs here, for `eval "$(eddy env)"`.

use std::process::ExitCode;

use serde_json::{Map, Value};

use super::{Context, Failure};

pub fn run(context: &Context) -> Result<ExitCode, Failure> {
    let client = context.client()?;
    let variables = client.variables();
    if context.out.wants_json() {
        let document: Map<String, Value> =
            variables.into_iter().map(|(name, value)| (name.to_owned(), Value::String(value))).collect();
        context.out.document(&Value::Object(document));
        return Ok(ExitCode::SUCCESS);
    }
    for (name, value) in variables {
        context.out.line(&format!("export {name}={value}"));
    }
    Ok(ExitCode::SUCCESS)
}
