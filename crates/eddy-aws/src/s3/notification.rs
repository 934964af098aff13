//! Notifications of a bucket: between S3's document and the subscriptions of the bus.

use std::collections::HashSet;

use eddy_base::{Fault, Id, Region};
use eddy_bus::{Filter, Subscription, TargetName};
use eddy_objects::{Bucket, Kind};
use serde::{Deserialize, Serialize};

use super::fault;
use super::limits::NOTIFICATIONS_MAX;
use super::names::bucket_arn;
use crate::Cx;
use crate::lambda::{function_arn, may_invoke, parse_function_arn};

/// The shape of the documents that functions get.
pub const SHAPE: &str = "aws:s3";

/// A function that wants to hear of some events.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Configuration {
    id: Option<String>,
    lambda_function_arn: String,
    events: Vec<String>,
    filter: Option<Filters>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Filters {
    key: Option<KeyFilter>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct KeyFilter {
    filter_rules: Option<Vec<Rule>>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Rule {
    name: String,
    value: Option<String>,
}

/// S3's events and the kinds of the engine.
const EVENTS: [(&str, &str); 7] = [
    ("s3:ObjectCreated:*", "object.created.*"),
    ("s3:ObjectCreated:Put", "object.created.put"),
    ("s3:ObjectCreated:Post", "object.created.post"),
    ("s3:ObjectCreated:Copy", "object.created.copy"),
    ("s3:ObjectCreated:CompleteMultipartUpload", "object.created.multipart"),
    ("s3:ObjectRemoved:*", "object.removed.*"),
    ("s3:ObjectRemoved:Delete", "object.removed.delete"),
];

/// Events that S3 has and eddy never makes.
const NEVER: [&str; 9] = [
    "s3:ReducedRedundancyLostObject",
    "s3:ObjectRemoved:DeleteMarkerCreated",
    "s3:ObjectRestore:",
    "s3:Replication:",
    "s3:LifecycleTransition",
    "s3:IntelligentTiering",
    "s3:LifecycleExpiration:",
    "s3:ObjectTagging:",
    "s3:ObjectAcl:Put",
];

/// What a record of an event says its name is: without `s3:`.
pub(super) fn event_name(kind: &str) -> Option<&'static str> {
    let known = Kind::ALL.iter().any(|one| one.name() == kind);
    let (name, _) = EVENTS.iter().find(|(_, of)| known && *of == kind)?;
    name.strip_prefix("s3:")
}

/// Turns a document into subscriptions of a bucket in `region`.
///
/// # Errors
/// Events, filters and functions that are none; two that would tell the same twice.
pub(super) fn subscriptions(
    configurations: Vec<Configuration>,
    region: &Region,
    mut draw: impl FnMut() -> Id,
) -> Result<Vec<Subscription>, Fault> {
    if configurations.len() > NOTIFICATIONS_MAX {
        return Err(fault::invalid_request("There can be at most 100 notification configurations."));
    }
    let mut ids = HashSet::new();
    let mut subscriptions = Vec::new();
    for configuration in configurations {
        let id = configuration.id.clone().filter(|id| !id.is_empty()).unwrap_or_else(|| draw().to_string());
        if !ids.insert(id.clone()) {
            let text = "Same ID used for multiple configurations. IDs must be unique";
            return Err(fault::invalid_argument(text, "Id", id));
        }
        subscriptions.push(configuration.subscription(id, region)?);
    }
    for (at, one) in subscriptions.iter().enumerate() {
        if subscriptions[..at].iter().any(|other| overlap(&one.filter, &other.filter)) {
            return Err(fault::invalid(
                "InvalidArgument",
                "Configuration is ambiguously defined. Cannot have overlapping suffixes in two rules if the prefixes \
                 are overlapping for the same event type.",
            ));
        }
    }
    Ok(subscriptions)
}

/// Turns subscriptions back into the document.
pub(super) fn configurations(subscriptions: Vec<Subscription>) -> Vec<Configuration> {
    subscriptions.into_iter().map(Configuration::of).collect()
}

/// Holds functions against their own policies: each must let S3 invoke it for this bucket.
///
/// # Errors
/// The first that does not.
pub(super) fn check_destinations(
    cx: &Cx,
    bucket: &Bucket,
    subscriptions: &[Subscription],
) -> Result<(), Fault> {
    for subscription in subscriptions {
        let TargetName::Function { scope, name, qualifier } = &subscription.target;
        let (functions, source) = (&cx.engines.functions, bucket_arn(&bucket.name));
        if may_invoke(functions, (scope, name), "s3.amazonaws.com", &source, &bucket.owner.account) {
            continue;
        }
        let arn = function_arn(scope, name, qualifier.as_deref());
        let why = match functions.get(scope, name) {
            Ok(_) => format!("Not authorized to invoke function [{arn}]"),
            Err(_) => "The destination Lambda function does not exist".to_owned(),
        };
        let text = "Unable to validate the following destination configurations";
        let refused = fault::invalid("InvalidArgument", text);
        return Err(refused.with("ArgumentName1", arn).with("ArgumentValue1", why));
    }
    Ok(())
}

impl Configuration {
    fn subscription(&self, id: String, region: &Region) -> Result<Subscription, Fault> {
        if self.events.is_empty() {
            return Err(fault::malformed_xml());
        }
        let arn = &self.lambda_function_arn;
        let (scope, name, qualifier) = parse_function_arn(arn).ok_or_else(|| {
            fault::invalid_argument("The ARN could not be parsed", "LambdaFunctionArn", arn)
        })?;
        if scope.region != *region {
            let text =
                "The notification destination service region is not valid for the bucket location constraint";
            return Err(fault::invalid_argument(text, "LambdaFunctionArn", arn));
        }
        let kinds = self.events.iter().map(|event| kind(event)).collect::<Result<Vec<_>, _>>()?;
        let (prefix, suffix) = self.affixes()?;
        Ok(Subscription {
            id,
            filter: Filter { kinds, prefix, suffix },
            target: TargetName::Function { scope, name, qualifier },
            shape: SHAPE.to_owned(),
            retry_base_ms: None,
        })
    }

    fn affixes(&self) -> Result<(String, String), Fault> {
        let rules = self.filter.as_ref().and_then(|filter| filter.key.as_ref()?.filter_rules.as_ref());
        let (mut prefix, mut suffix) = (None, None);
        for rule in rules.into_iter().flatten() {
            let (name, affix) = match rule.name.to_ascii_lowercase().as_str() {
                "prefix" => ("prefix", &mut prefix),
                "suffix" => ("suffix", &mut suffix),
                _ => {
                    let text = "filter rule name must be either prefix or suffix";
                    return Err(fault::invalid_argument(text, "FilterRule.Name", &rule.name));
                }
            };
            if affix.replace(rule.value.clone().unwrap_or_default()).is_some() {
                let text = format!("Cannot specify more than one {name} rule in a filter.");
                return Err(fault::invalid_argument(text, "FilterRule.Name", &rule.name));
            }
        }
        Ok((prefix.unwrap_or_default(), suffix.unwrap_or_default()))
    }

    fn of(subscription: Subscription) -> Configuration {
        let Filter { kinds, prefix, suffix } = subscription.filter;
        let TargetName::Function { scope, name, qualifier } = subscription.target;
        let rule = |name: &str, value: String| {
            (!value.is_empty()).then(|| Rule { name: name.to_owned(), value: Some(value) })
        };
        let rules: Vec<Rule> = rule("Prefix", prefix).into_iter().chain(rule("Suffix", suffix)).collect();
        let event =
            |kind: &String| EVENTS.iter().find(|(_, of)| of == kind).map(|(event, _)| (*event).to_owned());
        Configuration {
            id: Some(subscription.id),
            lambda_function_arn: function_arn(&scope, &name, qualifier.as_deref()),
            events: kinds.iter().filter_map(event).collect(),
            filter: (!rules.is_empty())
                .then_some(Filters { key: Some(KeyFilter { filter_rules: Some(rules) }) }),
        }
    }
}

fn kind(event: &str) -> Result<String, Fault> {
    if let Some((_, kind)) = EVENTS.iter().find(|(name, _)| *name == event) {
        return Ok((*kind).to_owned());
    }
    if NEVER.iter().any(|never| event.starts_with(never)) {
        return Err(fault::not_implemented(&format!("The event {event}")));
    }
    let text = "A specified event is not supported for notifications.";
    Err(fault::invalid_argument(text, "Event", event))
}

/// Whether some event of some key would be told by both.
fn overlap(one: &Filter, other: &Filter) -> bool {
    let kinds = one.kinds.iter().any(|one| other.kinds.iter().any(|other| share(one, other)));
    let prefixes = one.prefix.starts_with(&other.prefix) || other.prefix.starts_with(&one.prefix);
    let suffixes = one.suffix.ends_with(&other.suffix) || other.suffix.ends_with(&one.suffix);
    kinds && prefixes && suffixes
}

fn share(one: &str, other: &str) -> bool {
    let within = |general: &str, kind: &str| {
        general.strip_suffix('*').is_some_and(|general| kind.starts_with(general))
    };
    one == other || within(one, other) || within(other, one)
}

#[cfg(test)]
mod tests {
    use super::*;
    use eddy_base::{Account, Region, Scope, Timestamp};
    use eddy_store::Pos;

    const ARN: &str = "arn:aws:lambda:us-east-1:000000000000:function:f";

    fn bucket() -> Bucket {
        let owner = Scope { account: Account::default(), region: Region::default() };
        Bucket { name: "b".into(), owner, created: Timestamp::EPOCH, pos: Pos::ZERO }
    }

    fn wants(events: &[&str], rules: &[(&str, &str)]) -> Configuration {
        let rule = |(name, value): &(&str, &str)| Rule { name: (*name).into(), value: Some((*value).into()) };
        Configuration {
            id: None,
            lambda_function_arn: ARN.into(),
            events: events.iter().map(|event| (*event).to_owned()).collect(),
            filter: Some(Filters {
                key: Some(KeyFilter { filter_rules: Some(rules.iter().map(rule).collect()) }),
            }),
        }
    }

    fn outcome(configurations: Vec<Configuration>) -> String {
        let mut count = 0;
        let draw = || {
            count += 1;
            Id::from_bytes([count; 16])
        };
        match subscriptions(configurations, &bucket().owner.region, draw) {
            Ok(subscriptions) => format!("{} taken", subscriptions.len()),
            Err(fault) => fault.message.into_owned(),
        }
    }

    #[test]
    fn two_may_not_tell_the_same_twice() {
        let check = |one: Configuration, other: Configuration, taken: bool| {
            let text = outcome(vec![one.clone(), other.clone()]);
            assert_eq!(text == "2 taken", taken, "{text}: {one:?} {other:?}");
        };
        let created = &["s3:ObjectCreated:*"];
        check(wants(created, &[]), wants(&["s3:ObjectRemoved:*"], &[]), true);
        check(wants(created, &[]), wants(&["s3:ObjectCreated:Put"], &[]), false);
        check(wants(created, &[("prefix", "a/")]), wants(created, &[("prefix", "b/")]), true);
        check(wants(created, &[("prefix", "a/")]), wants(created, &[("prefix", "a/b/")]), false);
        check(wants(created, &[("suffix", ".jpg")]), wants(created, &[("suffix", ".png")]), true);
        check(wants(created, &[("prefix", "a"), ("suffix", "x")]), wants(created, &[("suffix", "y")]), true);
        check(wants(created, &[("prefix", "a")]), wants(created, &[("suffix", "y")]), false);
    }

    #[test]
    fn what_cannot_be_is_refused_by_name() {
        let check = |configuration: Configuration, expected: &str| {
            assert_eq!(outcome(vec![configuration]), expected);
        };
        check(wants(&["s3:ObjectCreated:Put"], &[("Prefix", "in/"), ("SUFFIX", ".jpg")]), "1 taken");
        check(wants(&["s3:Nothing"], &[]), "A specified event is not supported for notifications.");
        check(wants(&["s3:ObjectTagging:*"], &[]), "The event s3:ObjectTagging:* is not supported by eddy.");
        let created = &["s3:ObjectCreated:*"];
        check(wants(created, &[("infix", "x")]), "filter rule name must be either prefix or suffix");
        check(
            wants(created, &[("prefix", "x"), ("Prefix", "y")]),
            "Cannot specify more than one prefix rule in a filter.",
        );
        let elsewhere = ARN.replace("us-east-1", "eu-west-1");
        check(
            Configuration { lambda_function_arn: elsewhere, ..wants(created, &[]) },
            "The notification destination service region is not valid for the bucket location constraint",
        );
        check(
            Configuration { lambda_function_arn: "f".into(), ..wants(created, &[]) },
            "The ARN could not be parsed",
        );
    }

    #[test]
    fn a_document_comes_back_as_it_was() {
        let given = Configuration {
            id: Some("mine".into()),
            ..wants(&["s3:ObjectCreated:Put", "s3:ObjectRemoved:*"], &[("Prefix", "in/"), ("Suffix", ".jpg")])
        };
        let taken = subscriptions(vec![given.clone()], &bucket().owner.region, || Id::from_bytes([0; 16]));
        let back = configurations(taken.expect("sound"));
        assert_eq!(format!("{back:?}"), format!("{:?}", [given]));
    }

    #[test]
    fn records_name_events_without_the_service() {
        assert_eq!(event_name("object.created.multipart"), Some("ObjectCreated:CompleteMultipartUpload"));
        assert_eq!(event_name("object.created.*"), None);
        for kind in Kind::ALL {
            assert!(event_name(kind.name()).is_some(), "{kind:?}");
        }
    }
}
