//! The same as JSON, one object a line, in the form of the events that the platform tells telemetry extensions.

use std::time::Duration;

use eddy_base::{Id, Timestamp};
use eddy_runtime::Failure;
use serde_json::{Value, json};

use super::{Figures, Phase};
use crate::logging::Level;

/// What goes before everything that the function prints.
pub(super) fn start(now: Timestamp, request: Id, version: &str) -> (Level, String) {
    let record = json!({ "requestId": request.to_string(), "version": version });
    (Level::Info, line(now, "platform.start", record))
}

/// How an initialization failed.
pub(super) fn init_report(
    now: Timestamp,
    took: Duration,
    phase: Phase,
    failure: &Failure,
) -> (Level, String) {
    let mut record = json!({
        "initializationType": "on-demand",
        "phase": phase.word(),
        "status": status(Some(failure)),
        "metrics": { "durationMs": millis(took) },
    });
    add_error(&mut record, Some(failure));
    (Level::Warn, line(now, "platform.initReport", record))
}

/// The function has answered, or never will.
pub(super) fn runtime_done(
    now: Timestamp,
    request: Id,
    figures: &Figures,
    failure: Option<&Failure>,
) -> (Level, String) {
    let mut record = json!({
        "requestId": request.to_string(),
        "status": status(failure),
        "metrics": { "durationMs": millis(figures.duration) },
    });
    add_error(&mut record, failure);
    (if failure.is_some() { Level::Warn } else { Level::Debug }, line(now, "platform.runtimeDone", record))
}

/// The figures of an invocation.
pub(super) fn report(
    now: Timestamp,
    request: Id,
    figures: &Figures,
    failure: Option<&Failure>,
) -> (Level, String) {
    let mut metrics = json!({
        "durationMs": millis(figures.duration),
        "billedDurationMs": figures.billed_millis(),
        "memorySizeMB": figures.memory_mb_max,
        "maxMemoryUsedMB": figures.used_mb(),
    });
    if let Some(init) = figures.init {
        metrics["initDurationMs"] = json!(millis(init));
    }
    let mut record =
        json!({ "requestId": request.to_string(), "metrics": metrics, "status": status(failure) });
    add_error(&mut record, failure);
    (if failure.is_some() { Level::Warn } else { Level::Info }, line(now, "platform.report", record))
}

fn line(now: Timestamp, kind: &str, record: Value) -> String {
    format!("{}\n", json!({ "time": now.iso8601(), "type": kind, "record": record }))
}

/// What an extension is told of the end.
fn status(failure: Option<&Failure>) -> &'static str {
    match failure {
        None => "success",
        Some(Failure::Function { .. } | Failure::Init { .. }) => "error",
        Some(Failure::Timeout) => "timeout",
        Some(
            Failure::OutOfMemory
            | Failure::Exit { .. }
            | Failure::Entrypoint { .. }
            | Failure::ResponseTooLarge { .. }
            | Failure::Truncated
            | Failure::Host(_),
        ) => "failure",
    }
}

/// The kind of an error; that of a time-out is its status.
fn add_error(record: &mut Value, failure: Option<&Failure>) {
    if let Some(failure) = failure.filter(|failure| !matches!(failure, Failure::Timeout)) {
        record["errorType"] = json!(failure.error_type());
    }
}

/// To the microsecond.
fn millis(span: Duration) -> f64 {
    (span.as_secs_f64() * 1_000_000.0).round() / 1000.0
}

#[cfg(test)]
mod tests {
    use eddy_runtime::Usage;

    use super::*;

    #[test]
    fn lines_are_those_of_the_platform() {
        let id = Id::from_bytes([1; 16]);
        let figures = Figures {
            duration: Duration::from_micros(1_234),
            init: Some(Duration::from_millis(20)),
            queued: Duration::ZERO,
            memory_mb_max: 128,
            usage: Usage { memory_peak_bytes: 40 << 20, memory_exact: true, cpu: None },
        };
        let crash = Failure::Exit { code: Some(1), signal: None };
        let check = |(level, line): (Level, String), expected_level: Level, kind: &str, record: Value| {
            let expected = json!({ "time": "1970-01-01T00:00:00.000Z", "type": kind, "record": record });
            assert_eq!((level, serde_json::from_str::<Value>(&line).unwrap()), (expected_level, expected));
            assert!(line.starts_with(r#"{"time":"#) && line.ends_with("}\n"), "{line}");
        };
        let now = Timestamp::EPOCH;
        let request = id.to_string();
        check(
            start(now, id, "$LATEST"),
            Level::Info,
            "platform.start",
            json!({"requestId": request, "version": "$LATEST"}),
        );
        let metrics = json!({
            "durationMs": 1.234, "billedDurationMs": 22, "memorySizeMB": 128, "maxMemoryUsedMB": 40,
            "initDurationMs": 20.0,
        });
        check(
            report(now, id, &figures, None),
            Level::Info,
            "platform.report",
            json!({"requestId": request, "metrics": metrics, "status": "success"}),
        );
        check(
            runtime_done(now, id, &figures, Some(&crash)),
            Level::Warn,
            "platform.runtimeDone",
            json!({
                "requestId": request, "metrics": {"durationMs": 1.234}, "status": "failure",
                "errorType": "Runtime.ExitError",
            }),
        );
        check(
            init_report(now, Duration::from_secs(10), Phase::Init, &Failure::Timeout),
            Level::Warn,
            "platform.initReport",
            json!({
                "initializationType": "on-demand", "phase": "init", "status": "timeout",
                "metrics": {"durationMs": 10_000.0},
            }),
        );
    }
}
