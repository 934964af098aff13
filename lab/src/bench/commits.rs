//! Durable commits of 256 bytes beside the raw floor: the store alone, no network.

use std::path::Path;
use std::process::Command;

use super::figures::Row;

/// Runs the store's own experiment, which prints a JSON line a figure.
pub fn run(scratch: &Path) -> Result<Vec<Row>, String> {
    let program =
        std::env::var_os("EDDY_COMMIT_RATE").ok_or("EDDY_COMMIT_RATE must name the store's experiment")?;
    let output = Command::new(program).arg(scratch.join("store")).output().map_err(|why| why.to_string())?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    let lines = String::from_utf8_lossy(&output.stdout).into_owned();
    lines.lines().map(row).collect()
}

fn row(line: &str) -> Result<Row, String> {
    let figure: serde_json::Value = serde_json::from_str(line).map_err(|why| format!("{line}: {why}"))?;
    let (what, rate, floor) =
        (&figure["what"], figure["per_second"].as_f64(), figure["floor_per_second"].as_f64());
    let (Some(what), Some(rate), Some(floor)) = (what.as_str(), rate, floor) else {
        return Err(format!("not a figure: {line}"));
    };
    let beside = format!("{:.2} of {floor:.0}/s, target 0.50", rate / floor);
    Ok(Row::new(what, format!("{rate:.0}/s"), beside))
}
