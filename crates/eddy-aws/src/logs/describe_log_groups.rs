use eddy_base::{Code, Fault, Scope};
use eddy_store::Pos;
use eddy_telemetry::logs::Group;
use serde::{Deserialize, Serialize};

use super::limits::DESCRIBE_MAX;
use super::{target, token};
use crate::{Cx, Needs, Operation, Reply, page_token};

/// Groups by name: all, those that begin with a prefix or contain a text, or those that are named.
#[derive(Deserialize)]
pub(super) struct DescribeLogGroups {
    log_group_name_prefix: Option<String>,
    log_group_name_pattern: Option<String>,
    log_group_identifiers: Option<Vec<String>>,
    /// Every group here is STANDARD.
    log_group_class: Option<String>,
    next_token: Option<String>,
    limit: Option<usize>,
}

#[derive(Serialize)]
pub(super) struct Output {
    log_groups: Vec<GroupShape>,
    next_token: Option<String>,
}

#[derive(Serialize)]
struct GroupShape {
    log_group_name: String,
    creation_time: i64,
    retention_in_days: Option<u32>,
    metric_filter_count: i32,
    /// With `:*` at its end, for policies.
    arn: String,
    log_group_arn: String,
    stored_bytes: u64,
    log_group_class: &'static str,
}

const CLASS: &str = "STANDARD";

impl Operation for DescribeLogGroups {
    const NAME: &'static str = "DescribeLogGroups";
    type Output = Output;

    fn needs(&self, cx: &Cx) -> Needs {
        target::on_group(cx, "logs:DescribeLogGroups", Some(""), None)
    }

    async fn call(self, cx: Cx) -> Result<Reply<Output>, Fault> {
        let is_filtered = self.log_group_name_prefix.is_some() || self.log_group_name_pattern.is_some();
        if self.log_group_name_prefix.is_some() && self.log_group_name_pattern.is_some() {
            return Err(Fault::invalid(
                "LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters.",
            ));
        }
        if self.log_group_class.as_deref().is_some_and(|class| class != CLASS) {
            let output = Output { log_groups: Vec::new(), next_token: None };
            return Ok(Reply::read(output, cx.engines.store.snapshot().pos()));
        }
        if let Some(identifiers) = &self.log_group_identifiers {
            if is_filtered {
                return Err(Fault::invalid(
                    "LogGroup identifiers and filters by name are mutually exclusive parameters.",
                ));
            }
            return named(&cx, identifiers);
        }
        self.page(&cx).await
    }
}

impl DescribeLogGroups {
    async fn page(self, cx: &Cx) -> Result<Reply<Output>, Fault> {
        let limit = self.limit.unwrap_or(DESCRIBE_MAX).min(DESCRIBE_MAX);
        let prefix = self.log_group_name_prefix.unwrap_or_default();
        let pattern = self.log_group_name_pattern.unwrap_or_default();
        let logs = cx.engines.telemetry.logs();
        // One more than asked for tells whether there are more.
        let after = self.next_token.as_deref().map(token::read_name).transpose()?;
        let (mut groups, pos) =
            logs.groups(&cx.scope, &prefix, &pattern, after.as_deref(), limit + 1).await?;
        let has_more = groups.len() > limit;
        groups.truncate(limit);
        let next_token = groups.last().filter(|_| has_more).map(|group| page_token::write(&group.name));
        let log_groups = groups.into_iter().map(|group| shape(&cx.scope, group)).collect();
        Ok(Reply::read(Output { log_groups, next_token }, pos))
    }
}

/// The groups that are named and there.
fn named(cx: &Cx, identifiers: &[String]) -> Result<Reply<Output>, Fault> {
    let logs = cx.engines.telemetry.logs();
    let mut log_groups = Vec::new();
    let mut last = Pos::ZERO;
    for identifier in identifiers {
        let target = target::target(cx, None, Some(identifier))?;
        let arn = format!("{}:log-stream:", target::arn(&target.scope, &target.name));
        cx.allow("logs:DescribeLogGroups", &arn, None)?;
        match logs.group(&target.scope, &target.name) {
            Ok((group, pos)) => {
                last = last.max(pos);
                log_groups.push(shape(&target.scope, group));
            }
            Err(fault) if fault.code == Code::Missing => {}
            Err(fault) => return Err(fault),
        }
    }
    Ok(Reply::read(Output { log_groups, next_token: None }, last))
}

fn shape(scope: &Scope, group: Group) -> GroupShape {
    let arn = target::arn(scope, &group.name);
    GroupShape {
        log_group_name: group.name,
        creation_time: group.created.millis(),
        retention_in_days: group.retention_days,
        metric_filter_count: 0,
        arn: format!("{arn}:*"),
        log_group_arn: arn,
        stored_bytes: group.stored_bytes,
        log_group_class: CLASS,
    }
}
