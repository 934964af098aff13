//! Payload format 1.0 of HTTP APIs: the older form, where each map has a twin with all values and what is empty
//! is null.

use std::collections::BTreeMap;

use bytes::Bytes;
use eddy_gateway::{Request, Via};
use serde::Serialize;

use super::v2::texts;
use super::{body, headers, query, time};

type Many = BTreeMap<String, Vec<String>>;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document<'a> {
    version: &'static str,
    resource: &'a str,
    path: &'a str,
    http_method: &'a str,
    headers: BTreeMap<String, String>,
    multi_value_headers: Many,
    query_string_parameters: Option<BTreeMap<String, String>>,
    multi_value_query_string_parameters: Option<Many>,
    request_context: Context<'a>,
    path_parameters: Option<BTreeMap<&'a str, &'a str>>,
    stage_variables: Option<BTreeMap<&'a str, &'a str>>,
    body: Option<String>,
    is_base64_encoded: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Context<'a> {
    account_id: &'a str,
    api_id: &'a str,
    authorizer: Authorizer,
    domain_name: &'a str,
    domain_prefix: &'a str,
    extended_request_id: String,
    http_method: &'a str,
    identity: Identity,
    path: &'a str,
    protocol: String,
    request_id: String,
    request_time: String,
    request_time_epoch: i64,
    resource_id: Option<&'a str>,
    resource_path: &'a str,
    stage: &'a str,
}

/// There are no authorizers, so nothing is claimed.
#[derive(Serialize, Default)]
struct Authorizer {
    claims: Option<()>,
    scopes: Option<()>,
}

/// Who asks: all null but where from, since no authorizer says more.
#[derive(Serialize, Default)]
#[serde(rename_all = "camelCase")]
struct Identity {
    access_key: Option<()>,
    account_id: Option<()>,
    caller: Option<()>,
    cognito_authentication_provider: Option<()>,
    cognito_authentication_type: Option<()>,
    cognito_identity_id: Option<()>,
    cognito_identity_pool_id: Option<()>,
    principal_org_id: Option<()>,
    source_ip: String,
    user: Option<()>,
    user_agent: String,
    user_arn: Option<()>,
    client_cert: Option<()>,
}

/// Headers that this format writes in capitals, whatever the client wrote, as captures show.
const CAPITALS: [(&str, &str); 7] = [
    ("content-length", "Content-Length"),
    ("host", "Host"),
    ("user-agent", "User-Agent"),
    ("x-amzn-trace-id", "X-Amzn-Trace-Id"),
    ("x-forwarded-for", "X-Forwarded-For"),
    ("x-forwarded-port", "X-Forwarded-Port"),
    ("x-forwarded-proto", "X-Forwarded-Proto"),
];

pub(super) fn document(request: &Request<'_>) -> Bytes {
    let head = request.head;
    let (stage, resource, path_parameters, stage_variables) = match request.via {
        Via::Api { stage, resource, path_variables, stage_variables, .. } => {
            (stage, resource, texts(path_variables), texts(stage_variables))
        }
        Via::Url { .. } => ("$default", "$default", BTreeMap::new(), BTreeMap::new()),
    };
    let body = body::of(&head.headers, request.body);
    let all: Many = headers::all(head, request.body.len())
        .into_iter()
        .map(|(name, values)| (capitals(name), values))
        .collect();
    let mut query: Many = BTreeMap::new();
    for (name, value) in query::pairs(&head.query) {
        query.entry(name).or_default().push(value);
    }
    let method = head.method.as_str();
    let document = Document {
        version: "1.0",
        resource,
        path: request.path,
        http_method: method,
        headers: last(&all),
        multi_value_headers: all,
        query_string_parameters: filled(last(&query)),
        multi_value_query_string_parameters: filled(query),
        request_context: Context {
            account_id: request.scope.account.as_str(),
            api_id: request.id,
            authorizer: Authorizer::default(),
            domain_name: &head.domain,
            domain_prefix: head.domain.split('.').next().unwrap_or_default(),
            extended_request_id: head.id.to_string(),
            http_method: method,
            identity: Identity {
                source_ip: head.source.to_string(),
                user_agent: headers::user_agent(&head.headers),
                ..Identity::default()
            },
            path: request.path,
            protocol: format!("{:?}", head.version),
            request_id: head.id.to_string(),
            request_time: time::clf(head.at),
            request_time_epoch: head.at.millis(),
            resource_id: None,
            resource_path: resource,
            stage,
        },
        path_parameters: filled(path_parameters),
        stage_variables: filled(stage_variables),
        body: body.text,
        is_base64_encoded: body.is_base64,
    };
    serde_json::to_vec(&document).expect("texts and numbers are JSON").into()
}

fn capitals(name: String) -> String {
    let known = CAPITALS.iter().find(|(lower, _)| *lower == name);
    known.map_or(name, |(_, capitals)| (*capitals).to_owned())
}

fn last(values: &Many) -> BTreeMap<String, String> {
    values
        .iter()
        .filter_map(|(name, values)| values.last().map(|value| (name.clone(), value.clone())))
        .collect()
}

fn filled<K, V>(map: BTreeMap<K, V>) -> Option<BTreeMap<K, V>> {
    (!map.is_empty()).then_some(map)
}
