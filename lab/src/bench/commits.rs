//! Durable commits of 256 bytes beside the raw floor: the store alone, no network.

use std::path::Path;
use std::process::Command;

use super::figures::Row;

/// How long each turn of the experiment takes, seconds.
const TURN: &str = "1";

/// Runs the store's own experiment, which prints a JSON line a figure.
pub fn run(scratch: &Path) -> Result<Vec<Row>, String> {
    let program =
        std::env::var_os("EDDY_COMMIT_RATE").ok_or("EDDY_COMMIT_RATE must name the store's experiment")?;
    let output = Command::new(program).arg(TURN).arg(scratch).output().map_err(|why| why.to_string())?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    let lines = String::from_utf8_lossy(&output.stdout).into_owned();
    Ok(lines.lines().filter_map(row).collect())
}

/// Lines with a ratio are figures; the others are about memory and opening.
fn row(line: &str) -> Option<Row> {
    let figure: serde_json::Value = serde_json::from_str(line).ok()?;
    let (writers, ratio) = (figure["writers"].as_u64()?, figure["ratio"].as_f64()?);
    let number = |name: &str| figure[name].as_f64();
    let (what, rate, beside) = match (number("commit_per_s"), number("floor_per_s")) {
        (Some(rate), Some(floor)) => {
            (format!("commits of 256 B, {writers} writers"), rate, format!("{floor:.0}/s raw"))
        }
        _ => {
            let own = number("own_rows_per_s")?;
            (
                format!("{writers} writers on one row"),
                number("one_row_per_s")?,
                format!("{own:.0}/s on rows of their own"),
            )
        }
    };
    Some(Row::new(what, format!("{rate:.0}/s"), format!("{ratio:.2} of {beside}, target 0.50")))
}
