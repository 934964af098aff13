//! What an invocation says about itself in the log: START, END and REPORT, and what the platform adds when the
//! function did not answer. The forms are those that log readers parse.

mod json;

use std::fmt::Write;
use std::time::Duration;

use eddy_base::{Id, Timestamp};
use eddy_runtime::{Failure, Usage};

use crate::logging::Level;

/// The figures of a finished invocation.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Figures {
    /// From the event's handing over to the complete answer.
    pub(crate) duration: Duration,
    /// Of the initialization, when this invocation was the environment's first and its first try went well.
    pub(crate) init: Option<Duration>,
    /// Spent waiting for an environment.
    pub(crate) queued: Duration,
    pub(crate) memory_mb_max: u32,
    pub(crate) usage: Usage,
}

/// In which form the platform speaks in a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    Text,
    /// What matters at least so much.
    Json(Level),
}

impl Form {
    /// What goes before everything that the function prints.
    pub(crate) fn start(self, now: Timestamp, request: Id, version: &str) -> Option<String> {
        match self {
            Form::Text => Some(start(request, version)),
            Form::Json(least) => kept(least, json::start(now, request, version)),
        }
    }

    /// What goes behind it: the platform's complaint, the end, the figures.
    pub(crate) fn end(
        self,
        now: Timestamp,
        request: Id,
        figures: &Figures,
        failure: Option<&Failure>,
        within: Duration,
    ) -> Vec<String> {
        match self {
            Form::Text => {
                let complaint = failure.and_then(|failure| complaint(failure, request, now, within));
                complaint.into_iter().chain([end(request), report(request, figures, failure)]).collect()
            }
            Form::Json(least) => {
                let done = kept(least, json::runtime_done(now, request, figures, failure));
                done.into_iter().chain(kept(least, json::report(now, request, figures, failure))).collect()
            }
        }
    }

    /// The line of an initialization that failed.
    pub(crate) fn init_report(
        self,
        now: Timestamp,
        took: Duration,
        phase: Phase,
        failure: &Failure,
    ) -> Option<String> {
        match self {
            Form::Text => Some(init_report(took, phase, failure)),
            Form::Json(least) => kept(least, json::init_report(now, took, phase, failure)),
        }
    }
}

fn kept(least: Level, (level, line): (Level, String)) -> Option<String> {
    (level >= least).then_some(line)
}

impl Figures {
    fn billed_millis(&self) -> u128 {
        (self.duration + self.init.unwrap_or_default()).as_micros().div_ceil(1000)
    }

    /// Where memory is only sampled the true value may be higher, and of a guest that is gone nothing may be known.
    /// Readers of this expect a bare number either way, and no guest fits in none.
    fn used_mb(&self) -> u64 {
        self.usage.memory_peak_bytes.div_ceil(1024 * 1024).max(1)
    }
}

/// What goes before everything that the function prints.
fn start(request: Id, version: &str) -> String {
    format!("START RequestId: {request} Version: {version}\n")
}

/// What goes behind it.
fn end(request: Id) -> String {
    format!("END RequestId: {request}\n")
}

/// The REPORT line. Fields are separated by tabs, and the line ends with one.
fn report(request: Id, figures: &Figures, failure: Option<&Failure>) -> String {
    let mut line = format!(
        "REPORT RequestId: {request}\tDuration: {:.2} ms\tBilled Duration: {} ms\tMemory Size: {} MB\t",
        millis(figures.duration),
        figures.billed_millis(),
        figures.memory_mb_max,
    );
    let used_mb = figures.used_mb();
    let mut add = |text: std::fmt::Arguments<'_>| line.write_fmt(text).expect("a String takes everything");
    add(format_args!("Max Memory Used: {used_mb} MB\t"));
    if let Some(init) = figures.init {
        add(format_args!("Init Duration: {:.2} ms\t", millis(init)));
    }
    if figures.queued > Duration::ZERO {
        add(format_args!("Queue Duration: {:.2} ms\t", millis(figures.queued)));
    }
    if let Some(status) = failure.and_then(status) {
        add(format_args!("{status}\t"));
    }
    line.push('\n');
    line
}

/// When an environment is initialized.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// For itself.
    Init,
    /// Once more after that failed, as part of the invocation that waits.
    Invoke,
}

impl Phase {
    fn word(self) -> &'static str {
        match self {
            Phase::Init => "init",
            Phase::Invoke => "invoke",
        }
    }
}

/// The line of an initialization that failed.
fn init_report(took: Duration, phase: Phase, failure: &Failure) -> String {
    let phase = phase.word();
    let status = status(failure).unwrap_or_else(|| "Status: error".to_owned());
    format!("INIT_REPORT Init Duration: {:.2} ms\tPhase: {phase}\t{status}\n", millis(took))
}

/// What the platform says when the function could not: it has printed its own errors itself.
fn complaint(failure: &Failure, request: Id, now: Timestamp, within: Duration) -> Option<String> {
    let message = failure.message(within);
    match failure {
        Failure::Function { .. } | Failure::Init { .. } => None,
        Failure::Timeout => Some(format!("{} {request} {message}\n\n", now.iso8601())),
        Failure::OutOfMemory
        | Failure::Exit { .. }
        | Failure::Entrypoint { .. }
        | Failure::ResponseTooLarge { .. }
        | Failure::Truncated
        | Failure::Host(_) => {
            Some(format!("RequestId: {request} Error: {message}\n{}\n", failure.error_type()))
        }
    }
}

/// The end of a line that reports a failure; none when the function answered with an error of its own.
fn status(failure: &Failure) -> Option<String> {
    match failure {
        Failure::Function { .. } => None,
        Failure::Timeout => Some("Status: timeout".to_owned()),
        Failure::Init { .. }
        | Failure::OutOfMemory
        | Failure::Exit { .. }
        | Failure::Entrypoint { .. }
        | Failure::ResponseTooLarge { .. }
        | Failure::Truncated
        | Failure::Host(_) => Some(format!("Status: error\tError Type: {}", failure.error_type())),
    }
}

fn millis(span: Duration) -> f64 {
    span.as_secs_f64() * 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1024 * 1024;

    #[test]
    fn report_lines() {
        let id = Id::from_bytes([1; 16]);
        let warm = Figures {
            duration: Duration::from_micros(1_234),
            init: None,
            queued: Duration::ZERO,
            memory_mb_max: 128,
            usage: Usage { memory_peak_bytes: 40 * MIB - 5, memory_exact: true, cpu: None },
        };
        let cold = Figures {
            init: Some(Duration::from_micros(20_100)),
            queued: Duration::from_millis(25),
            usage: Usage { memory_peak_bytes: 1, memory_exact: false, cpu: None },
            ..warm
        };
        let raised = Failure::Function { error_type: "KeyError".to_owned(), payload: "{}".into() };
        let cases: [(Figures, Option<Failure>, &str); 5] = [
            (
                warm,
                None,
                "Duration: 1.23 ms\tBilled Duration: 2 ms\tMemory Size: 128 MB\tMax Memory Used: 40 MB\t",
            ),
            (
                warm,
                Some(raised),
                "Duration: 1.23 ms\tBilled Duration: 2 ms\tMemory Size: 128 MB\tMax Memory Used: 40 MB\t",
            ),
            (
                cold,
                None,
                "Duration: 1.23 ms\tBilled Duration: 22 ms\tMemory Size: 128 MB\tMax Memory Used: 1 MB\t\
                 Init Duration: 20.10 ms\tQueue Duration: 25.00 ms\t",
            ),
            (
                warm,
                Some(Failure::Timeout),
                "Duration: 1.23 ms\tBilled Duration: 2 ms\tMemory Size: 128 MB\tMax Memory Used: 40 MB\t\
                 Status: timeout\t",
            ),
            (
                warm,
                Some(Failure::OutOfMemory),
                "Duration: 1.23 ms\tBilled Duration: 2 ms\tMemory Size: 128 MB\tMax Memory Used: 40 MB\t\
                 Status: error\tError Type: Runtime.OutOfMemory\t",
            ),
        ];
        for (figures, failure, expected) in cases {
            assert_eq!(
                report(id, &figures, failure.as_ref()),
                format!("REPORT RequestId: {id}\t{expected}\n")
            );
        }
    }

    #[test]
    fn complaints_of_the_platform() {
        let id = Id::from_bytes([1; 16]);
        let check = |failure: Failure, expected: Option<String>| {
            assert_eq!(complaint(&failure, id, Timestamp::EPOCH, Duration::from_secs(3)), expected);
        };
        check(
            Failure::Timeout,
            Some(format!("1970-01-01T00:00:00.000Z {id} Task timed out after 3.00 seconds\n\n")),
        );
        check(
            Failure::Exit { code: Some(1), signal: None },
            Some(format!(
                "RequestId: {id} Error: Runtime exited with error: exit status 1\nRuntime.ExitError\n"
            )),
        );
        check(Failure::Function { error_type: "E".to_owned(), payload: "{}".into() }, None);
    }
}
