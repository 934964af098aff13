//! Counters and histograms of this process, in the Prometheus text format.

use std::time::Duration;

use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

/// Borders of durations, in seconds: 250 us to 15 min.
const SECONDS: [f64; 14] =
    [0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, 60.0, 900.0];

/// How a request ended, as far as counting goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelValue)]
pub enum Outcome {
    Ok,
    ClientError,
    ServerError,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Request {
    service: String,
    operation: String,
    outcome: Outcome,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Service {
    service: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Function {
    function: String,
}

/// What is counted. Labels come from tables and from names of functions, so their number is bounded.
pub struct Metrics {
    registry: Registry,
    requests: Family<Request, Counter>,
    request_seconds: Family<Service, Histogram>,
    invocations: Family<Function, Counter>,
    invocation_errors: Family<Function, Counter>,
    throttles: Family<Function, Counter>,
    cold_starts: Family<Function, Counter>,
    invocation_seconds: Family<Function, Histogram>,
    environments: Family<Function, Gauge>,
}

impl Default for Metrics {
    fn default() -> Metrics {
        let metrics = Metrics {
            registry: Registry::with_prefix("eddy"),
            requests: Family::default(),
            request_seconds: Family::new_with_constructor(|| Histogram::new(SECONDS)),
            invocations: Family::default(),
            invocation_errors: Family::default(),
            throttles: Family::default(),
            cold_starts: Family::default(),
            invocation_seconds: Family::new_with_constructor(|| Histogram::new(SECONDS)),
            environments: Family::default(),
        };
        metrics.registered()
    }
}

impl Metrics {
    fn registered(mut self) -> Metrics {
        let registry = &mut self.registry;
        registry.register("requests", "Requests answered", self.requests.clone());
        let text = "Time from a request's head to its answer's head";
        registry.register_with_unit("request_duration", text, Unit::Seconds, self.request_seconds.clone());
        registry.register("invocations", "Runs of functions", self.invocations.clone());
        registry.register("invocation_errors", "Runs that failed", self.invocation_errors.clone());
        registry.register("throttles", "Invocations refused for want of room", self.throttles.clone());
        registry.register("cold_starts", "Runs that had to start an environment", self.cold_starts.clone());
        let text = "Time that runs of functions took";
        registry.register_with_unit(
            "invocation_duration",
            text,
            Unit::Seconds,
            self.invocation_seconds.clone(),
        );
        registry.register("environments", "Environments alive", self.environments.clone());
        self
    }

    /// A request has been answered.
    pub fn request(&self, service: &str, operation: &str, outcome: Outcome, took: Duration) {
        let service_label = Service { service: service.to_owned() };
        self.request_seconds.get_or_create(&service_label).observe(took.as_secs_f64());
        let labels = Request { service: service.to_owned(), operation: operation.to_owned(), outcome };
        self.requests.get_or_create(&labels).inc();
    }

    /// A function has run.
    pub fn invocation(&self, function: &str, took: Duration, cold: bool, failed: bool) {
        let labels = Function { function: function.to_owned() };
        self.invocations.get_or_create(&labels).inc();
        self.invocation_seconds.get_or_create(&labels).observe(took.as_secs_f64());
        if cold {
            self.cold_starts.get_or_create(&labels).inc();
        }
        if failed {
            self.invocation_errors.get_or_create(&labels).inc();
        }
    }

    /// An invocation was refused for want of room.
    pub fn throttle(&self, function: &str) {
        self.throttles.get_or_create(&Function { function: function.to_owned() }).inc();
    }

    /// So many environments of a function are alive.
    pub fn environments(&self, function: &str, alive: usize) {
        let alive = i64::try_from(alive).unwrap_or(i64::MAX);
        self.environments.get_or_create(&Function { function: function.to_owned() }).set(alive);
    }

    /// The Prometheus text.
    pub fn text(&self) -> String {
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &self.registry)
            .expect("writing to memory does not fail");
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_happened_is_counted() {
        let metrics = Metrics::default();
        metrics.request("s3", "PutObject", Outcome::Ok, Duration::from_millis(2));
        metrics.invocation("copy", Duration::from_millis(30), true, false);
        let text = metrics.text();
        for line in [
            r#"eddy_requests_total{service="s3",operation="PutObject",outcome="Ok"} 1"#,
            r#"eddy_cold_starts_total{function="copy"} 1"#,
            r#"eddy_request_duration_seconds_bucket{le="0.0025",service="s3"} 1"#,
        ] {
            assert!(text.contains(line), "{text}");
        }
    }
}
