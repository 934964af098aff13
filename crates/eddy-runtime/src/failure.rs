//! Why an invocation gave no reply, and what the caller of the function is told.

use std::time::Duration;

use bytes::Bytes;
use serde_json::json;

use crate::Error;
use crate::limits::RESPONSE_BYTES_MAX;

/// An invocation, or the start of a guest, that gave no reply.
#[derive(Debug, Clone)]
pub enum Failure {
    /// The handler raised, and the guest lives. `payload` is the error document as the guest wrote it.
    Function { error_type: String, payload: Bytes },
    /// The guest reported that its init failed. `payload` is the error document as it wrote it.
    Init { error_type: String, payload: Bytes },
    /// No answer in time.
    Timeout,
    /// More memory than allowed.
    OutOfMemory,
    /// The process ended by itself: with a code, or by a signal.
    Exit { code: Option<i32>, signal: Option<i32> },
    /// The program of the package cannot be run: not there, not executable, of another machine.
    Entrypoint { reason: String },
    /// The reply is larger than [`RESPONSE_BYTES_MAX`], and the guest lives.
    ResponseTooLarge { bytes: u64 },
    /// The guest sent something that its contract does not have, or half of it.
    Truncated,
    /// Ours. To be tried elsewhere or again, never to be blamed on the function.
    Host(Error),
}

impl Failure {
    /// Can the guest not be used any more?
    pub fn ends_guest(&self) -> bool {
        match self {
            Failure::Function { .. } | Failure::ResponseTooLarge { .. } | Failure::Host(Error::Busy) => false,
            Failure::Init { .. }
            | Failure::Timeout
            | Failure::OutOfMemory
            | Failure::Exit { .. }
            | Failure::Entrypoint { .. }
            | Failure::Truncated
            | Failure::Host(_) => true,
        }
    }

    /// The error type that the caller of the function sees.
    pub fn error_type(&self) -> &str {
        match self {
            Failure::Function { error_type, .. } | Failure::Init { error_type, .. } => error_type,
            Failure::Timeout => "Sandbox.Timedout",
            Failure::OutOfMemory => "Runtime.OutOfMemory",
            Failure::Exit { .. } => "Runtime.ExitError",
            Failure::Entrypoint { .. } => "Runtime.InvalidEntrypoint",
            Failure::ResponseTooLarge { .. } => "Function.ResponseSizeTooLarge",
            Failure::Truncated => "Runtime.TruncatedResponse",
            Failure::Host(_) => "Sandbox.Failure",
        }
    }

    /// One sentence, without request id, as it stands behind `Error: ` in the caller's document.
    ///
    /// `within` is the function's own time-out.
    pub fn message(&self, within: Duration) -> String {
        match self {
            Failure::Function { payload, .. } | Failure::Init { payload, .. } => message_of(payload),
            Failure::Timeout => format!("Task timed out after {:.2} seconds", within.as_secs_f64()),
            Failure::OutOfMemory => "Runtime exited with error: signal: killed".to_owned(),
            Failure::Exit { signal: Some(signal), .. } => {
                format!("Runtime exited with error: signal: {}", signal_name(*signal))
            }
            Failure::Exit { code: Some(0), .. } | Failure::Exit { code: None, signal: None } => {
                "Runtime exited without providing a reason".to_owned()
            }
            Failure::Exit { code: Some(code), .. } => {
                format!("Runtime exited with error: exit status {code}")
            }
            Failure::Entrypoint { reason } => reason.clone(),
            Failure::ResponseTooLarge { .. } => {
                format!(
                    "Response payload size exceeded maximum allowed payload size ({RESPONSE_BYTES_MAX} bytes)."
                )
            }
            Failure::Truncated => "Truncated response from runtime".to_owned(),
            Failure::Host(error) => error.to_string(),
        }
    }

    /// The document that the caller of the function gets, `errorType` and `errorMessage`.
    ///
    /// `request` is the request id of the invocation, `within` the function's own time-out.
    pub fn payload(&self, request: &str, within: Duration) -> Bytes {
        let message = match self {
            Failure::Function { payload, .. } | Failure::Init { payload, .. } => return payload.clone(),
            Failure::ResponseTooLarge { .. } => self.message(within),
            Failure::Timeout
            | Failure::OutOfMemory
            | Failure::Exit { .. }
            | Failure::Entrypoint { .. }
            | Failure::Truncated
            | Failure::Host(_) => format!("RequestId: {request} Error: {}", self.message(within)),
        };
        let document = json!({ "errorType": self.error_type(), "errorMessage": message });
        Bytes::from(document.to_string())
    }
}

fn message_of(payload: &[u8]) -> String {
    #[derive(serde::Deserialize)]
    struct Document {
        #[serde(rename = "errorMessage", default)]
        message: String,
    }
    serde_json::from_slice::<Document>(payload).map(|document| document.message).unwrap_or_default()
}

fn signal_name(signal: i32) -> String {
    let name = match signal {
        1 => "hangup",
        2 => "interrupt",
        3 => "quit",
        4 => "illegal instruction",
        5 => "trace/breakpoint trap",
        6 => "aborted",
        7 => "bus error",
        8 => "floating point exception",
        9 => "killed",
        10 => "user defined signal 1",
        11 => "segmentation fault",
        12 => "user defined signal 2",
        13 => "broken pipe",
        14 => "alarm clock",
        15 => "terminated",
        24 => "CPU time limit exceeded",
        25 => "file size limit exceeded",
        31 => "bad system call",
        other => return other.to_string(),
    };
    name.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn callers_get_the_documents_of_the_real_service() {
        let exit = |code, signal| Failure::Exit { code, signal };
        let table = [
            (
                Failure::Timeout,
                r#"{"errorType":"Sandbox.Timedout","errorMessage":"RequestId: r Error: Task timed out after 3.00 seconds"}"#,
            ),
            (
                exit(Some(1), None),
                r#"{"errorType":"Runtime.ExitError","errorMessage":"RequestId: r Error: Runtime exited with error: exit status 1"}"#,
            ),
            (
                exit(Some(0), None),
                r#"{"errorType":"Runtime.ExitError","errorMessage":"RequestId: r Error: Runtime exited without providing a reason"}"#,
            ),
            (
                exit(None, Some(11)),
                r#"{"errorType":"Runtime.ExitError","errorMessage":"RequestId: r Error: Runtime exited with error: signal: segmentation fault"}"#,
            ),
            (
                exit(None, Some(2)),
                r#"{"errorType":"Runtime.ExitError","errorMessage":"RequestId: r Error: Runtime exited with error: signal: interrupt"}"#,
            ),
            (
                Failure::OutOfMemory,
                r#"{"errorType":"Runtime.OutOfMemory","errorMessage":"RequestId: r Error: Runtime exited with error: signal: killed"}"#,
            ),
            (
                Failure::ResponseTooLarge { bytes: 7_000_000 },
                r#"{"errorType":"Function.ResponseSizeTooLarge","errorMessage":"Response payload size exceeded maximum allowed payload size (6291556 bytes)."}"#,
            ),
        ];
        for (failure, expected) in table {
            assert_eq!(failure.payload("r", Duration::from_secs(3)), expected);
        }
    }
}
