use std::collections::BTreeMap;

use eddy_base::Fault;
use serde::{Deserialize, Serialize};

use super::pattern;
use crate::{Cx, Needs, Operation, Reply};

/// Which of these messages a pattern matches, and what it finds in them.
#[derive(Deserialize)]
pub(super) struct TestMetricFilter {
    filter_pattern: String,
    log_event_messages: Vec<String>,
}

#[derive(Serialize)]
pub(super) struct Output {
    matches: Vec<Match>,
}

#[derive(Serialize)]
struct Match {
    /// From 1.
    event_number: usize,
    event_message: String,
    extracted_values: BTreeMap<String, String>,
}

impl Operation for TestMetricFilter {
    const NAME: &'static str = "TestMetricFilter";
    type Output = Output;

    fn needs(&self, _cx: &Cx) -> Needs {
        Needs::one("logs:TestMetricFilter", "*")
    }

    async fn call(self, cx: Cx) -> Result<Reply<Output>, Fault> {
        let pattern = pattern::parse(&self.filter_pattern)?;
        let matching = (1..).zip(self.log_event_messages).filter_map(|(event_number, event_message)| {
            let extracted_values = pattern.extract(&event_message)?.into_iter().collect();
            Some(Match { event_number, event_message, extracted_values })
        });
        let matches = matching.collect();
        Ok(Reply::read(Output { matches }, cx.engines.store.snapshot().pos()))
    }
}
