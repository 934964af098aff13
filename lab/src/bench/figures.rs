//! Rows of figures.

use std::fmt;
use std::time::Duration;

/// One line: what, the figure, and what it is held against.
pub struct Row {
    pub what: String,
    pub figure: String,
    pub beside: String,
}

impl Row {
    pub fn new(what: impl Into<String>, figure: impl Into<String>, beside: impl Into<String>) -> Row {
        Row { what: what.into(), figure: figure.into(), beside: beside.into() }
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:<44} {:>22}   {}", self.what, self.figure, self.beside)
    }
}

/// The value below which `part` (0..1) of the sorted spans lie.
pub fn quantile(spans: &mut [Duration], part: f64) -> Duration {
    spans.sort_unstable();
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "an index into a list of samples"
    )]
    let index = ((spans.len().saturating_sub(1)) as f64 * part).round() as usize;
    spans.get(index).copied().unwrap_or_default()
}

/// `p50 0.81 ms, p99 2.10 ms`.
pub fn spread(spans: &mut [Duration]) -> String {
    format!("p50 {}, p99 {}", millis(quantile(spans, 0.5)), millis(quantile(spans, 0.99)))
}

pub fn millis(span: Duration) -> String {
    format!("{:.2} ms", span.as_secs_f64() * 1000.0)
}

/// Things per second.
pub fn rate(count: u64, took: Duration) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "counts of an experiment are far below 2^52")]
    let count = count as f64;
    count / took.as_secs_f64()
}

/// User and system time that a process has used.
pub fn cpu(pid: u32) -> Duration {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // The name in parentheses may hold spaces; the fields after it are fixed.
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks: u64 = [11, 12].iter().filter_map(|index| fields.get(*index)?.parse::<u64>().ok()).sum();
    let per_second = rustix::param::clock_ticks_per_second();
    Duration::from_millis(ticks * 1000 / per_second)
}

/// Anonymous memory of a process, KiB.
pub fn anonymous_kib(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:"));
    line.and_then(|rest| rest.trim().trim_end_matches(" kB").parse().ok()).unwrap_or(0)
}
