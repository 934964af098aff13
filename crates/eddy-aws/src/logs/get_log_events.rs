use eddy_base::{Fault, Timestamp};
use eddy_telemetry::logs::{Direction, Found, Place, Range, Read};
use serde::{Deserialize, Serialize};

use super::limits::EVENTS_DEFAULT;
use super::{target, token};
use crate::{Cx, Needs, Operation, Reply};

/// Events of one stream: the newest page, or the oldest with `startFromHead`, and from there either way.
#[derive(Deserialize)]
pub(super) struct GetLogEvents {
    log_group_name: Option<String>,
    log_group_identifier: Option<String>,
    log_stream_name: String,
    start_time: Option<i64>,
    end_time: Option<i64>,
    next_token: Option<String>,
    limit: Option<usize>,
    start_from_head: Option<bool>,
}

#[derive(Serialize)]
pub(super) struct Output {
    events: Vec<EventShape>,
    next_forward_token: String,
    next_backward_token: String,
}

#[derive(Serialize)]
struct EventShape {
    timestamp: i64,
    message: String,
    ingestion_time: i64,
}

impl Operation for GetLogEvents {
    const NAME: &'static str = "GetLogEvents";
    type Output = Output;

    fn needs(&self, cx: &Cx) -> Needs {
        let (name, identifier) = (self.log_group_name.as_deref(), self.log_group_identifier.as_deref());
        target::on_stream(cx, "logs:GetLogEvents", name, identifier, &self.log_stream_name)
    }

    async fn call(self, cx: Cx) -> Result<Reply<Output>, Fault> {
        let group =
            target::target(&cx, self.log_group_name.as_deref(), self.log_group_identifier.as_deref())?;
        let gap = self.next_token.as_deref().map(token::read_page).transpose()?;
        let direction = match gap {
            Some((direction, _)) => direction,
            None if self.start_from_head.unwrap_or(false) => Direction::Forward,
            None => Direction::Backward,
        };
        let read = Read {
            // The end is excluded, as documented.
            range: Range {
                from: self.start_time.map(Timestamp::from_millis),
                to: self.end_time.map(Timestamp::from_millis),
            },
            direction,
            beyond: gap.map(|(direction, place)| beyond(direction, place)),
            max: self.limit.unwrap_or(EVENTS_DEFAULT),
        };
        let logs = cx.engines.telemetry.logs();
        let (lines, pos) = logs.read(&group.scope, &group.name, &self.log_stream_name, read).await?;
        let (before, behind) = gaps(&lines.events, gap.map(|(_, place)| place));
        let output = Output {
            next_forward_token: token::page(Direction::Forward, behind),
            next_backward_token: token::page(Direction::Backward, before),
            events: lines.events.into_iter().map(shape).collect(),
        };
        Ok(Reply::read(output, pos))
    }
}

/// A token names the gap behind a place: backward, the place itself is the first that is wanted.
fn beyond(direction: Direction, place: Place) -> Place {
    match direction {
        Direction::Forward => place,
        Direction::Backward => place.after(),
    }
}

/// The gaps before and behind a page. An empty page stays where it began, so a token at the end repeats.
fn gaps(events: &[Found], gap: Option<Place>) -> (Place, Place) {
    match (events.first(), events.last()) {
        (Some(first), Some(last)) => (first.place.before(), last.place),
        (None, _) | (_, None) => {
            let gap = gap.unwrap_or(Place::FIRST);
            (gap, gap)
        }
    }
}

fn shape(found: Found) -> EventShape {
    EventShape {
        timestamp: found.place.at.millis(),
        message: found.message,
        ingestion_time: found.ingested.millis(),
    }
}
