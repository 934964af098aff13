//! Payload format 2.0, of HTTP APIs and of function URLs.
//!
//! What is empty is absent. URLs differ in three things, as captures of the real service show: their path comes
//! as it was sent, the cookie header stays beside the list of cookies, and nobody in particular has the account
//! `anonymous`.

use std::collections::BTreeMap;

use bytes::Bytes;
use eddy_gateway::{Request, Via};
use eddy_identity::Caller;
use percent_encoding::percent_decode_str;
use serde::Serialize;

use super::{body, headers, query, time};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document<'a> {
    version: &'static str,
    route_key: &'a str,
    raw_path: &'a str,
    raw_query_string: &'a str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    cookies: Vec<String>,
    headers: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    query_string_parameters: BTreeMap<String, String>,
    request_context: Context<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    path_parameters: BTreeMap<&'a str, &'a str>,
    is_base64_encoded: bool,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    stage_variables: BTreeMap<&'a str, &'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Context<'a> {
    account_id: &'a str,
    api_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    authorizer: Option<Authorizer<'a>>,
    domain_name: &'a str,
    domain_prefix: &'a str,
    http: Http<'a>,
    request_id: String,
    route_key: &'a str,
    stage: &'a str,
    time: String,
    time_epoch: i64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Http<'a> {
    method: &'a str,
    path: String,
    protocol: String,
    source_ip: String,
    user_agent: String,
}

#[derive(Serialize)]
struct Authorizer<'a> {
    iam: Iam<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Iam<'a> {
    access_key: Option<&'a str>,
    account_id: &'a str,
    caller_id: String,
    /// Always null here, as the next one: there is no Cognito and no organization.
    cognito_identity: Option<&'a str>,
    principal_org_id: Option<&'a str>,
    user_arn: String,
    user_id: String,
}

/// What differs between an API and a URL.
struct Way<'a> {
    route_key: &'a str,
    stage: &'a str,
    account: &'a str,
    decoded_path: String,
    path_parameters: BTreeMap<&'a str, &'a str>,
    stage_variables: BTreeMap<&'a str, &'a str>,
    authorizer: Option<Authorizer<'a>>,
    keeps_cookie_header: bool,
}

pub(super) fn document(request: &Request<'_>) -> Bytes {
    let head = request.head;
    let way = way(request);
    let body = body::of(&head.headers, request.body);
    let mut all = headers::all(head, request.body.len());
    if let Some(cookies) = all.remove("cookie").filter(|_| way.keeps_cookie_header) {
        // Of all headers only this one is not joined with a comma.
        all.insert("cookie".to_owned(), vec![cookies.join("; ")]);
    }
    let mut parameters: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, value) in query::pairs(&head.query) {
        parameters.entry(name).or_default().push(value);
    }
    let document = Document {
        version: "2.0",
        route_key: way.route_key,
        raw_path: request.path,
        raw_query_string: &head.query,
        cookies: headers::cookies(&head.headers),
        headers: joined(all),
        query_string_parameters: joined(parameters),
        request_context: Context {
            account_id: way.account,
            api_id: request.id,
            authorizer: way.authorizer,
            domain_name: &head.domain,
            domain_prefix: head.domain.split('.').next().unwrap_or_default(),
            http: Http {
                method: head.method.as_str(),
                path: way.decoded_path,
                protocol: format!("{:?}", head.version),
                source_ip: head.source.to_string(),
                user_agent: headers::user_agent(&head.headers),
            },
            request_id: head.id.to_string(),
            route_key: way.route_key,
            stage: way.stage,
            time: time::clf(head.at),
            time_epoch: head.at.millis(),
        },
        body: body.text,
        path_parameters: way.path_parameters,
        is_base64_encoded: body.is_base64,
        stage_variables: way.stage_variables,
    };
    serde_json::to_vec(&document).expect("texts and numbers are JSON").into()
}

fn way<'a>(request: &Request<'a>) -> Way<'a> {
    match request.via {
        Via::Api { stage, stage_variables, route_key, path_variables, .. } => Way {
            route_key,
            stage,
            account: request.scope.account.as_str(),
            decoded_path: request.path.to_owned(),
            path_parameters: texts(path_variables),
            stage_variables: texts(stage_variables),
            authorizer: None,
            keeps_cookie_header: false,
        },
        Via::Url { caller } => Way {
            route_key: "$default",
            stage: "$default",
            account: caller.and_then(Caller::account).map_or("anonymous", |account| account.as_str()),
            decoded_path: percent_decode_str(request.path).decode_utf8_lossy().into_owned(),
            path_parameters: BTreeMap::new(),
            stage_variables: BTreeMap::new(),
            authorizer: caller.and_then(iam).map(|iam| Authorizer { iam }),
            keeps_cookie_header: true,
        },
    }
}

fn iam(caller: &Caller) -> Option<Iam<'_>> {
    let account = caller.account()?.as_str();
    let (access_key, id) = match caller {
        Caller::Root { access_key, .. } => (Some(access_key.as_str()), account.to_owned()),
        Caller::Session(session) => (None, format!("{}:{}", session.role_name(), session.function)),
        Caller::Service(_) | Caller::Anonymous => return None,
    };
    Some(Iam {
        access_key,
        account_id: account,
        caller_id: id.clone(),
        cognito_identity: None,
        principal_org_id: None,
        user_arn: caller.arn(),
        user_id: id,
    })
}

fn joined(values: BTreeMap<String, Vec<String>>) -> BTreeMap<String, String> {
    values.into_iter().map(|(name, values)| (name, values.join(","))).collect()
}

pub(super) fn texts(pairs: &[(String, String)]) -> BTreeMap<&str, &str> {
    pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
}
