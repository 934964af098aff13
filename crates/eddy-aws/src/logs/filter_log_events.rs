use eddy_base::{Fault, Timestamp};
use eddy_telemetry::logs::pattern::Pattern;
use eddy_telemetry::logs::{Found, Range, Search};
use serde::{Deserialize, Serialize};

use super::limits::EVENTS_DEFAULT;
use super::{pattern, target, token};
use crate::{Cx, Needs, Operation, Reply};

/// Events of many streams of a group, by a pattern and woven by time. `interleaved` is accepted and means nothing,
/// as in the real service since 2019.
#[derive(Deserialize)]
pub(super) struct FilterLogEvents {
    log_group_name: Option<String>,
    log_group_identifier: Option<String>,
    log_stream_names: Option<Vec<String>>,
    log_stream_name_prefix: Option<String>,
    start_time: Option<i64>,
    end_time: Option<i64>,
    filter_pattern: Option<String>,
    next_token: Option<String>,
    limit: Option<usize>,
}

#[derive(Serialize)]
pub(super) struct Output {
    events: Vec<EventShape>,
    /// Always empty: the real service has not filled it since 2020.
    searched_log_streams: Vec<()>,
    next_token: Option<String>,
}

#[derive(Serialize)]
struct EventShape {
    log_stream_name: String,
    timestamp: i64,
    message: String,
    ingestion_time: i64,
    event_id: String,
}

impl Operation for FilterLogEvents {
    const NAME: &'static str = "FilterLogEvents";
    type Output = Output;

    fn needs(&self, cx: &Cx) -> Needs {
        let (name, identifier) = (self.log_group_name.as_deref(), self.log_group_identifier.as_deref());
        target::on_group(cx, "logs:FilterLogEvents", name, identifier)
    }

    async fn call(self, cx: Cx) -> Result<Reply<Output>, Fault> {
        let group =
            target::target(&cx, self.log_group_name.as_deref(), self.log_group_identifier.as_deref())?;
        if self.log_stream_names.is_some() && self.log_stream_name_prefix.is_some() {
            return Err(Fault::invalid(
                "logStreamNames and logStreamNamePrefix are mutually exclusive parameters.",
            ));
        }
        let search = Search {
            // Here the end is included, as documented.
            range: Range {
                from: self.start_time.map(Timestamp::from_millis),
                to: self.end_time.map(|end| Timestamp::from_millis(end.saturating_add(1))),
            },
            pattern: self
                .filter_pattern
                .as_deref()
                .map_or_else(|| Ok(Pattern::everything()), pattern::parse)?,
            streams: self.log_stream_names.unwrap_or_default(),
            prefix: self.log_stream_name_prefix.unwrap_or_default(),
            beyond: self.next_token.as_deref().map(token::read_search).transpose()?,
            max: self.limit.unwrap_or(EVENTS_DEFAULT),
        };
        let logs = cx.engines.telemetry.logs();
        let (lines, pos) = logs.search(&group.scope, &group.name, search).await?;
        let output = Output {
            events: lines.events.into_iter().map(shape).collect(),
            searched_log_streams: Vec::new(),
            next_token: lines.next.map(token::search),
        };
        Ok(Reply::read(output, pos))
    }
}

fn shape(found: Found) -> EventShape {
    EventShape {
        event_id: token::event_id(found.place),
        log_stream_name: found.stream,
        timestamp: found.place.at.millis(),
        message: found.message,
        ingestion_time: found.ingested.millis(),
    }
}
