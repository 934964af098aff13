//! CloudWatch Logs: groups, streams and events, over telemetry's logs.
//!
//! Metric and subscription filters, queries (Logs Insights), exports, encryption keys and classes of groups other
//! than STANDARD are refused by name.

mod create_log_group;
mod create_log_stream;
mod delete_log_group;
mod delete_log_stream;
mod delete_retention_policy;
mod describe_log_groups;
mod describe_log_streams;
mod filter_log_events;
mod get_log_events;
mod limits;
mod list_tags_for_resource;
mod list_tags_log_group;
mod pattern;
mod put_log_events;
mod put_retention_policy;
mod tag_log_group;
mod tag_resource;
mod tags;
mod target;
mod test_metric_filter;
mod token;
mod untag_log_group;
mod untag_resource;

use eddy_base::{Code, Subject};

use crate::{Service, op};

pub(crate) static SERVICE: Service = Service {
    name: "logs",
    operations: &[
        op::<create_log_group::CreateLogGroup>(),
        op::<create_log_stream::CreateLogStream>(),
        op::<delete_log_group::DeleteLogGroup>(),
        op::<delete_log_stream::DeleteLogStream>(),
        op::<delete_retention_policy::DeleteRetentionPolicy>(),
        op::<describe_log_groups::DescribeLogGroups>(),
        op::<describe_log_streams::DescribeLogStreams>(),
        op::<filter_log_events::FilterLogEvents>(),
        op::<get_log_events::GetLogEvents>(),
        op::<list_tags_for_resource::ListTagsForResource>(),
        op::<list_tags_log_group::ListTagsLogGroup>(),
        op::<put_log_events::PutLogEvents>(),
        op::<put_retention_policy::PutRetentionPolicy>(),
        op::<tag_log_group::TagLogGroup>(),
        op::<tag_resource::TagResource>(),
        op::<test_metric_filter::TestMetricFilter>(),
        op::<untag_log_group::UntagLogGroup>(),
        op::<untag_resource::UntagResource>(),
    ],
    errors,
    form: None,
};

fn errors(code: Code, _subject: Subject) -> &'static str {
    match code {
        Code::Missing => "ResourceNotFoundException",
        Code::Exists => "ResourceAlreadyExistsException",
        Code::Conflict | Code::ConditionFailed | Code::NotEmpty => "OperationAbortedException",
        Code::LimitExceeded => "LimitExceededException",
        Code::Invalid | Code::TooLarge | Code::Unsupported => "InvalidParameterException",
        Code::Throttled => "ThrottlingException",
        Code::Denied => "AccessDeniedException",
        Code::Unauthenticated => "UnrecognizedClientException",
        Code::NoRoom | Code::Unavailable => "ServiceUnavailableException",
        Code::Internal | Code::TimedOut | Code::FunctionFailed => "InternalFailure",
    }
}
