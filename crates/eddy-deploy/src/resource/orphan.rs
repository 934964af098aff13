//! What was made in the instant before a deployment was cut off, where the service chooses the name: APIs, their
//! integrations and deployments.
//!
//! The row that says what is about to be made also says which of its kind there were. What is there afterwards, was not
//! there before and is like what was wanted has been made for it; of two such, neither is taken.

use serde_json::{Map, Value};

use super::{Caller, Failure, Kind, api, deployment, route, scalar};
use crate::keys::Row;
use crate::resolve::Made;

/// The ids of all that there are beside one that is about to be made; nothing for kinds that are found by name.
pub async fn others(kind: Kind, caller: &Caller<'_>, wanted: &Value) -> Result<Option<Vec<String>>, Failure> {
    let Some(list) = List::of(kind) else { return Ok(None) };
    let all = list.read(caller, wanted).await?;
    Ok(Some(all.iter().filter_map(|one| scalar(&one[list.id])).collect()))
}

/// The one that was made for a row, if it was.
pub async fn find(kind: Kind, caller: &Caller<'_>, row: &Row) -> Result<Option<Made>, Failure> {
    let (Some(list), Some(others)) = (List::of(kind), &row.others) else { return Ok(None) };
    let wanted = row.values();
    let is_new = |one: &Value| scalar(&one[list.id]).is_some_and(|id| !others.contains(&id));
    let mut all = list.read(caller, &wanted).await?;
    all.retain(|one| is_new(one) && (list.is_like)(one, &wanted));
    match &all[..] {
        [one] => Ok(Some((list.made)(one))),
        _ => Ok(None),
    }
}

/// How the resources of a kind are listed and told apart.
struct List {
    operation: &'static str,
    id: &'static str,
    made: fn(&Value) -> Made,
    is_like: fn(&Value, &Value) -> bool,
}

impl List {
    fn of(kind: Kind) -> Option<List> {
        match kind {
            Kind::Api => {
                Some(List { operation: "GetApis", id: "ApiId", made: api::of_answer, is_like: api::is_like })
            }
            Kind::Deployment => Some(List {
                operation: "GetDeployments",
                id: "DeploymentId",
                made: deployment::of_answer,
                is_like: deployment::is_like,
            }),
            Kind::Integration => Some(List {
                operation: "GetIntegrations",
                id: "IntegrationId",
                made: route::of_integration,
                is_like: route::is_like,
            }),
            Kind::Bucket
            | Kind::EventInvokeConfig
            | Kind::Function
            | Kind::LogGroup
            | Kind::Permission
            | Kind::Role
            | Kind::Route
            | Kind::Stage
            | Kind::Url => None,
        }
    }

    async fn read(&self, caller: &Caller<'_>, wanted: &Value) -> Result<Vec<Value>, Failure> {
        let mut input = Map::new();
        if let Some(api) = wanted.get("ApiId") {
            input.insert("ApiId".to_owned(), api.clone());
        }
        let mut all = Vec::new();
        loop {
            // Without its API there is none of it.
            let answer = caller.ask("apigatewayv2", self.operation, input.clone()).await?;
            let Some(mut answer) = answer else { return Ok(all) };
            if let Some(Value::Array(items)) = answer.get_mut("Items").map(Value::take) {
                all.extend(items);
            }
            let Some(next) = answer.get("NextToken").filter(|next| next.is_string()) else { return Ok(all) };
            input.insert("NextToken".to_owned(), next.clone());
        }
    }
}
