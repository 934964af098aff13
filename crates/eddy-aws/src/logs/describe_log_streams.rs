use eddy_base::{Fault, Timestamp};
use eddy_telemetry::logs::{Order, Stream, Streams};
use serde::{Deserialize, Serialize};

use super::limits::DESCRIBE_MAX;
use super::{target, token};
use crate::{Cx, Needs, Operation, Reply, page_token};

/// The streams of a group, by name or by their newest event.
#[derive(Deserialize)]
pub(super) struct DescribeLogStreams {
    log_group_name: Option<String>,
    log_group_identifier: Option<String>,
    log_stream_name_prefix: Option<String>,
    order_by: Option<OrderBy>,
    descending: Option<bool>,
    next_token: Option<String>,
    limit: Option<usize>,
}

#[derive(Deserialize, Clone, Copy, PartialEq, Eq)]
enum OrderBy {
    LogStreamName,
    LastEventTime,
}

#[derive(Serialize)]
pub(super) struct Output {
    log_streams: Vec<StreamShape>,
    next_token: Option<String>,
}

#[derive(Serialize)]
struct StreamShape {
    log_stream_name: String,
    creation_time: i64,
    first_event_timestamp: Option<i64>,
    last_event_timestamp: Option<i64>,
    last_ingestion_time: Option<i64>,
    arn: String,
    /// Always 0: the real service has not counted the bytes of streams since 2019.
    stored_bytes: u64,
}

impl Operation for DescribeLogStreams {
    const NAME: &'static str = "DescribeLogStreams";
    type Output = Output;

    fn needs(&self, cx: &Cx) -> Needs {
        let (name, identifier) = (self.log_group_name.as_deref(), self.log_group_identifier.as_deref());
        target::on_group(cx, "logs:DescribeLogStreams", name, identifier)
    }

    async fn call(self, cx: Cx) -> Result<Reply<Output>, Fault> {
        let group =
            target::target(&cx, self.log_group_name.as_deref(), self.log_group_identifier.as_deref())?;
        let order = match self.order_by {
            Some(OrderBy::LastEventTime) => Order::LastEvent,
            Some(OrderBy::LogStreamName) | None => Order::Name,
        };
        if order == Order::LastEvent && self.log_stream_name_prefix.is_some() {
            return Err(Fault::invalid("Cannot order by LastEventTime with a logStreamNamePrefix."));
        }
        let limit = self.limit.unwrap_or(DESCRIBE_MAX).min(DESCRIBE_MAX);
        let wanted = Streams {
            prefix: self.log_stream_name_prefix.unwrap_or_default(),
            order,
            descending: self.descending.unwrap_or(false),
            after: self.next_token.as_deref().map(read_token).transpose()?,
            // One more than asked for tells whether there are more.
            max: limit + 1,
        };
        let logs = cx.engines.telemetry.logs();
        let (mut streams, pos) = logs.streams(&group.scope, &group.name, wanted).await?;
        let has_more = streams.len() > limit;
        streams.truncate(limit);
        let next_token = streams.last().filter(|_| has_more).map(token_behind);
        let arn = target::arn(&group.scope, &group.name);
        let log_streams = streams.into_iter().map(|stream| shape(&arn, stream)).collect();
        Ok(Reply::read(Output { log_streams, next_token }, pos))
    }
}

/// Of `TIME/NAME`; names may hold slashes, times do not.
fn token_behind(stream: &Stream) -> String {
    let last = stream.last.map(|last| last.millis().to_string()).unwrap_or_default();
    page_token::write(&format!("{last}/{}", stream.name))
}

fn read_token(text: &str) -> Result<(Option<Timestamp>, String), Fault> {
    let text = token::read_name(text)?;
    let (last, name) = text.split_once('/').ok_or_else(token::invalid)?;
    if last.is_empty() {
        return Ok((None, name.to_owned()));
    }
    let last = last.parse().map_err(|_| token::invalid())?;
    Ok((Some(Timestamp::from_millis(last)), name.to_owned()))
}

fn shape(group_arn: &str, stream: Stream) -> StreamShape {
    StreamShape {
        arn: format!("{group_arn}:log-stream:{}", stream.name),
        log_stream_name: stream.name,
        creation_time: stream.created.millis(),
        first_event_timestamp: stream.first.map(Timestamp::millis),
        last_event_timestamp: stream.last.map(Timestamp::millis),
        last_ingestion_time: stream.ingested.map(Timestamp::millis),
        stored_bytes: 0,
    }
}
