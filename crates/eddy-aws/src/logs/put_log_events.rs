use eddy_base::{Fault, Timestamp};
use eddy_telemetry::limits::{EVENT_OVERHEAD_BYTES, PUT_BYTES_MAX, PUT_SPAN_MAX};
use eddy_telemetry::logs::{Event, Rejected};
use serde::{Deserialize, Serialize};

use super::target;
use crate::{Cx, Needs, Operation, Reply};

/// Appends events to a stream, which must be in the order of their times. Sequence tokens are accepted and mean
/// nothing, as in the real service.
#[derive(Deserialize)]
pub(super) struct PutLogEvents {
    log_group_name: String,
    log_stream_name: String,
    log_events: Vec<InputEvent>,
}

#[derive(Deserialize)]
struct InputEvent {
    timestamp: i64,
    message: String,
}

#[derive(Serialize)]
pub(super) struct Output {
    next_sequence_token: String,
    rejected_log_events_info: Option<RejectedShape>,
}

#[derive(Serialize)]
struct RejectedShape {
    too_new_log_event_start_index: Option<usize>,
    too_old_log_event_end_index: Option<usize>,
    expired_log_event_end_index: Option<usize>,
}

impl Operation for PutLogEvents {
    const NAME: &'static str = "PutLogEvents";
    type Output = Output;

    fn needs(&self, cx: &Cx) -> Needs {
        let (group, stream) = (Some(self.log_group_name.as_str()), &self.log_stream_name);
        target::on_stream(cx, "logs:PutLogEvents", group, None, stream)
    }

    async fn call(self, cx: Cx) -> Result<Reply<Output>, Fault> {
        let event =
            |InputEvent { timestamp, message }| Event { at: Timestamp::from_millis(timestamp), message };
        let events: Vec<Event> = self.log_events.into_iter().map(event).collect();
        check(&events)?;
        let logs = cx.engines.telemetry.logs();
        let put = logs.put(&cx.scope, &self.log_group_name, &self.log_stream_name, events).await?;
        Ok(Reply::after(put.map_with(|put, committed| Output {
            next_sequence_token: format!("{:056}", committed.pos.0),
            rejected_log_events_info: rejected(put.rejected),
        })))
    }
}

/// What holds for a put as a whole.
fn check(events: &[Event]) -> Result<(), Fault> {
    let bytes: usize = events.iter().map(|event| event.message.len() + EVENT_OVERHEAD_BYTES).sum();
    if bytes > PUT_BYTES_MAX {
        let text = format!("Upload too large: {bytes} bytes exceeds limit of {PUT_BYTES_MAX}");
        return Err(Fault::invalid(text));
    }
    if !events.is_sorted_by_key(|event| event.at) {
        return Err(Fault::invalid(
            "Log events in a single PutLogEvents request must be in chronological order.",
        ));
    }
    if let (Some(first), Some(last)) = (events.first(), events.last())
        && last.at.since(first.at) > PUT_SPAN_MAX
    {
        return Err(Fault::invalid(
            "The batch of log events in a single PutLogEvents request cannot span more than 24 hours.",
        ));
    }
    Ok(())
}

fn rejected(rejected: Rejected) -> Option<RejectedShape> {
    let shape = RejectedShape {
        too_new_log_event_start_index: rejected.too_new_from,
        too_old_log_event_end_index: rejected.too_old_until,
        expired_log_event_end_index: rejected.expired_until,
    };
    (rejected != Rejected::default()).then_some(shape)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_put_is_small_orderly_and_of_one_day() {
        let check = |times: &[i64], message: &str, expected: Option<&str>| {
            let event =
                |millis: &i64| Event { at: Timestamp::from_millis(*millis), message: message.to_owned() };
            let events: Vec<Event> = times.iter().map(event).collect();
            let told = super::check(&events).err().map(|fault| fault.message.into_owned());
            assert_eq!(told.as_deref(), expected, "{times:?}");
        };
        let day = 86_400_000;
        check(&[1, 1, day + 1], "x", None);
        let span = "The batch of log events in a single PutLogEvents request cannot span more than 24 hours.";
        check(&[1, day + 2], "x", Some(span));
        let order = "Log events in a single PutLogEvents request must be in chronological order.";
        check(&[2, 1], "x", Some(order));
        let most = "x".repeat(1_048_576 - 26);
        check(&[1], &most, None);
        check(&[1, 2], &most, Some("Upload too large: 2097152 bytes exceeds limit of 1048576"));
    }
}
