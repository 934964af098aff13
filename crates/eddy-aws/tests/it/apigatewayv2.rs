//! HTTP APIs through their own API, as SDKs call it.

use bytes::Bytes;
use http::{Method, Request, StatusCode};
use serde_json::{Value, json};

use crate::harness::{Answer, HOST, House, open};

const FUNCTION: &str = "arn:aws:lambda:us-east-1:000000000000:function:f";

async fn call(house: &House, method: Method, path: &str, body: Value) -> Answer {
    let request = Request::builder().method(method).uri(format!("/v2{path}")).header("host", HOST);
    let body = if body.is_null() { Bytes::new() } else { body.to_string().into() };
    let request = request.header("content-type", "application/json").body(body).expect("a request");
    house.signed("apigateway", request).await
}

/// The answer of a call that must succeed.
async fn done(house: &House, method: Method, path: &str, body: Value) -> Value {
    let answer = call(house, method.clone(), path, body).await;
    assert!(answer.status.is_success(), "{method} {path}: {} {}", answer.status, answer.body);
    if answer.body.is_empty() { Value::Null } else { serde_json::from_str(&answer.body).expect("JSON") }
}

/// Status, error and message of a call that must fail.
async fn failed(house: &House, method: Method, path: &str, body: Value) -> (u16, String, String) {
    let answer = call(house, method, path, body).await;
    let said: Value = serde_json::from_str(&answer.body).expect("JSON");
    (answer.status.as_u16(), answer.code(), said["message"].as_str().unwrap_or_default().to_owned())
}

async fn api(house: &House) -> String {
    let made = done(house, Method::POST, "/apis", json!({"name": "pets", "protocolType": "HTTP"})).await;
    made["apiId"].as_str().expect("an id").to_owned()
}

#[tokio::test]
async fn an_api_with_a_target_answers_at_once() {
    let house = open().await;
    let asked = json!({"name": "quick", "protocolType": "HTTP", "target": FUNCTION, "tags": {"a": "b"}});
    let made = done(&house, Method::POST, "/apis", asked).await;
    let id = made["apiId"].as_str().expect("an id");
    assert_eq!(id.len(), 10);
    assert_eq!(made["apiEndpoint"], format!("http://{id}.execute-api.localhost:4566"));
    assert_eq!(made["protocolType"], "HTTP");
    assert_eq!(made["tags"], json!({"a": "b"}));
    let got = done(&house, Method::GET, &format!("/apis/{id}"), Value::Null).await;
    assert_eq!(got, made);
    let routes = done(&house, Method::GET, &format!("/apis/{id}/routes"), Value::Null).await;
    assert_eq!(routes["items"][0]["routeKey"], "$default");
    assert_eq!(routes["items"][0]["apiGatewayManaged"], true);
    let integrations = done(&house, Method::GET, &format!("/apis/{id}/integrations"), Value::Null).await;
    let integration = &integrations["items"][0];
    assert_eq!(integration["integrationUri"], FUNCTION);
    assert_eq!(integration["payloadFormatVersion"], "2.0");
    let stage = done(&house, Method::GET, &format!("/apis/{id}/stages/%24default"), Value::Null).await;
    assert_eq!(stage["autoDeploy"], true);
    let deployment = stage["deploymentId"].as_str().expect("it is deployed");
    let message = stage["lastDeploymentStatusMessage"].as_str().expect("a message");
    assert!(message.contains(deployment), "{message}");
    let update = json!({"target": format!("{FUNCTION}:live"), "routeKey": "GET /x", "version": "2"});
    done(&house, Method::PATCH, &format!("/apis/{id}"), update).await;
    let routes = done(&house, Method::GET, &format!("/apis/{id}/routes"), Value::Null).await;
    assert_eq!(routes["items"][0]["routeKey"], "GET /x");
    let after = done(&house, Method::GET, &format!("/apis/{id}/stages/%24default"), Value::Null).await;
    assert_ne!(after["deploymentId"], stage["deploymentId"]);
    done(&house, Method::DELETE, &format!("/apis/{id}"), Value::Null).await;
    let gone = failed(&house, Method::GET, &format!("/apis/{id}"), Value::Null).await;
    let text = format!("Invalid API identifier specified 000000000000:{id}");
    assert_eq!(gone, (404, "NotFoundException".to_owned(), text));
}

#[tokio::test]
async fn parts_are_made_changed_and_removed() {
    let house = open().await;
    let id = api(&house).await;
    let at = |path: &str| format!("/apis/{id}{path}");
    let asked = json!({"integrationType": "AWS_PROXY", "integrationUri": FUNCTION,
        "payloadFormatVersion": "1.0", "timeoutInMillis": 5000, "connectionType": "INTERNET"});
    let integration = done(&house, Method::POST, &at("/integrations"), asked).await;
    let to = integration["integrationId"].as_str().expect("an id").to_owned();
    assert_eq!(integration["integrationMethod"], "POST");
    let route = json!({"routeKey": "GET /a/{x}", "target": format!("integrations/{to}"), "authorizationType": "NONE"});
    let route = done(&house, Method::POST, &at("/routes"), route).await;
    let route = route["routeId"].as_str().expect("an id").to_owned();
    let changed =
        done(&house, Method::PATCH, &at(&format!("/routes/{route}")), json!({"routeKey": "GET /b"})).await;
    assert_eq!(changed["routeKey"], "GET /b");
    assert_eq!(changed["target"], format!("integrations/{to}"));
    let change = json!({"timeoutInMillis": 50, "description": "short"});
    let changed = done(&house, Method::PATCH, &at(&format!("/integrations/{to}")), change).await;
    assert_eq!((&changed["timeoutInMillis"], &changed["payloadFormatVersion"]), (&json!(50), &json!("1.0")));
    let deployment = done(&house, Method::POST, &at("/deployments"), json!({"description": "first"})).await;
    let deployment = deployment["deploymentId"].as_str().expect("an id").to_owned();
    let asked = json!({"stageName": "prod", "deploymentId": deployment, "stageVariables": {"a": "1"}});
    let stage = done(&house, Method::POST, &at("/stages"), asked).await;
    assert_eq!(stage["deploymentId"], deployment);
    let stage = done(&house, Method::PATCH, &at("/stages/prod"), json!({"stageVariables": {"b": "2"}})).await;
    assert_eq!(stage["stageVariables"], json!({"b": "2"}));
    let (status, code, text) =
        failed(&house, Method::DELETE, &at(&format!("/deployments/{deployment}")), Value::Null).await;
    assert_eq!((status, code.as_str()), (400, "BadRequestException"), "{text}");
    let (status, code, text) =
        failed(&house, Method::DELETE, &at(&format!("/integrations/{to}")), Value::Null).await;
    assert_eq!((status, code.as_str()), (409, "ConflictException"), "{text}");
    for path in [
        "/stages/prod",
        &format!("/deployments/{deployment}"),
        &format!("/routes/{route}"),
        &format!("/integrations/{to}"),
    ] {
        let answer = call(&house, Method::DELETE, &at(path), Value::Null).await;
        assert_eq!((answer.status, answer.body.as_str()), (StatusCode::NO_CONTENT, ""), "{path}");
        assert_eq!(failed(&house, Method::GET, &at(path), Value::Null).await.0, 404, "{path}");
    }
}

#[tokio::test]
async fn cors_comes_and_goes() {
    let house = open().await;
    let id = api(&house).await;
    let cors = json!({"allowOrigins": ["https://a.example"], "allowMethods": ["*"], "maxAge": 300});
    let set = done(&house, Method::PATCH, &format!("/apis/{id}"), json!({"corsConfiguration": cors})).await;
    assert_eq!(set["corsConfiguration"], cors);
    done(&house, Method::DELETE, &format!("/apis/{id}/cors"), Value::Null).await;
    let got = done(&house, Method::GET, &format!("/apis/{id}"), Value::Null).await;
    assert_eq!(got.get("corsConfiguration"), None);
}

#[tokio::test]
async fn tags_hang_on_apis_and_stages() {
    let house = open().await;
    let id = api(&house).await;
    done(&house, Method::POST, &format!("/apis/{id}/stages"), json!({"stageName": "s", "autoDeploy": true}))
        .await;
    for path in [format!("/apis/{id}"), format!("/apis/{id}/stages/s")] {
        let arn = format!("arn:aws:apigateway:us-east-1::{path}").replace(':', "%3A").replace('/', "%2F");
        done(&house, Method::POST, &format!("/tags/{arn}"), json!({"tags": {"a": "1", "b": "2"}})).await;
        done(&house, Method::DELETE, &format!("/tags/{arn}?tagKeys=a&tagKeys=none"), Value::Null).await;
        let got = done(&house, Method::GET, &format!("/tags/{arn}"), Value::Null).await;
        assert_eq!(got["tags"], json!({"b": "2"}), "{path}");
    }
}

#[tokio::test]
async fn lists_come_in_pages() {
    let house = open().await;
    let mut made = Vec::new();
    for _ in 0..5 {
        made.push(api(&house).await);
    }
    made.sort();
    let (mut seen, mut next) = (Vec::new(), String::new());
    loop {
        let page = done(&house, Method::GET, &format!("/apis?maxResults=2{next}"), Value::Null).await;
        let items = page["items"].as_array().expect("items");
        seen.extend(items.iter().map(|item| item["apiId"].as_str().expect("an id").to_owned()));
        match page["nextToken"].as_str() {
            Some(token) => next = format!("&nextToken={token}"),
            None => break,
        }
    }
    assert_eq!(seen, made);
    assert_eq!(failed(&house, Method::GET, "/apis?maxResults=0", Value::Null).await.0, 400);
}

#[tokio::test]
async fn openapi_definitions_become_apis() {
    let house = open().await;
    let definition = |path: &str| {
        json!({"openapi": "3.0.1", "info": {"title": "pets", "version": "1"}, "paths": {path: {"get": {
            "x-amazon-apigateway-integration":
                {"type": "AWS_PROXY", "uri": FUNCTION, "payloadFormatVersion": "2.0"}}, "put": {}}}})
        .to_string()
    };
    let made = done(&house, Method::PUT, "/apis", json!({"body": definition("/a")})).await;
    assert_eq!(made["warnings"], json!(["No integration found for /a put"]));
    let id = made["apiId"].as_str().expect("an id");
    let refused =
        failed(&house, Method::PUT, "/apis?failOnWarnings=true", json!({"body": definition("/a")})).await;
    assert_eq!(refused.0, 400);
    done(&house, Method::PUT, &format!("/apis/{id}"), json!({"body": definition("/b")})).await;
    let routes = done(&house, Method::GET, &format!("/apis/{id}/routes"), Value::Null).await;
    let items = routes["items"].as_array().expect("items");
    let mut keys: Vec<&str> = items.iter().map(|route| route["routeKey"].as_str().expect("a key")).collect();
    keys.sort_unstable();
    assert_eq!(keys, ["GET /b", "PUT /b"]);
}

#[tokio::test]
async fn what_is_not_there_or_not_allowed_is_said() {
    let house = open().await;
    let id = api(&house).await;
    done(&house, Method::POST, &format!("/apis/{id}/routes"), json!({"routeKey": "GET /a"})).await;
    let at = |path: &str| format!("/apis/{id}{path}");
    let lambda = |change: Value| {
        let mut asked = json!({"integrationType": "AWS_PROXY", "integrationUri": FUNCTION, "payloadFormatVersion": "2.0"});
        let all = asked.as_object_mut().expect("an object");
        all.extend(change.as_object().expect("an object").clone());
        asked
    };
    let http = |change: Value| {
        let mut asked = json!({"name": "x", "protocolType": "HTTP"});
        asked.as_object_mut().expect("an object").extend(change.as_object().expect("an object").clone());
        asked
    };
    let form = r#"The provided route key is not formatted properly for HTTP protocol. Format should be "[HTTP METHOD] /[RESOURCE PATH]" or "$default""#;
    let cases = [
        ("/apis".to_owned(), http(json!({"protocolType": "WEBSOCKET"})), 400, "WEBSOCKET"),
        ("/apis".to_owned(), http(json!({"name": ""})), 400, "name"),
        ("/apis".to_owned(), http(json!({"target": "https://a.example"})), 400, "uri"),
        ("/apis".to_owned(), http(json!({"routeKey": "GET /"})), 400, "target"),
        ("/apis".to_owned(), http(json!({"ipAddressType": "dualstack"})), 400, "IpAddressType"),
        (at("/routes"), json!({"routeKey": "GET/a"}), 400, form),
        (
            at("/routes"),
            json!({"routeKey": "GET /a"}),
            409,
            "Route with key GET /a already exists for this API",
        ),
        (at("/routes"), json!({"routeKey": "GET /b", "target": "integrations/no"}), 404, "no"),
        (at("/routes"), json!({"routeKey": "GET /b", "target": "no"}), 400, "integrations/"),
        (at("/routes"), json!({"routeKey": "GET /b", "authorizationType": "JWT"}), 400, "AuthorizationType"),
        (at("/routes"), json!({"routeKey": "GET /b", "authorizerId": "a"}), 400, "AuthorizerId"),
        (at("/integrations"), lambda(json!({"integrationType": "HTTP_PROXY"})), 400, "HTTP_PROXY"),
        (at("/integrations"), lambda(json!({"payloadFormatVersion": null})), 400, "PayloadFormatVersion"),
        (at("/integrations"), lambda(json!({"payloadFormatVersion": "3"})), 400, "PayloadFormatVersion"),
        (
            at("/integrations"),
            lambda(json!({"integrationUri": "arn:aws:sqs:us-east-1:000000000000:q"})),
            400,
            "uri",
        ),
        (
            at("/integrations"),
            lambda(json!({"credentialsArn": "arn:aws:iam::000000000000:role/r"})),
            400,
            "CredentialsArn",
        ),
        (at("/stages"), json!({"stageName": "a b"}), 400, "stage"),
        (at("/stages"), json!({"stageName": "a", "deploymentId": "no"}), 404, "no"),
        (at("/stages"), json!({"stageName": "a", "stageVariables": {"a-b": "c"}}), 400, "a-b"),
        (
            at("/stages"),
            json!({"stageName": "a", "defaultRouteSettings": {"throttlingBurstLimit": 5}}),
            400,
            "ThrottlingBurstLimit",
        ),
        (at("/deployments"), json!({"stageName": "no"}), 404, "stage"),
        ("/apis/no/routes".to_owned(), json!({"routeKey": "GET /a"}), 404, "000000000000:no"),
    ];
    for (path, body, status, says) in cases {
        let (got, code, text) = failed(&house, Method::POST, &path, body.clone()).await;
        let expected = match status {
            400 => "BadRequestException",
            404 => "NotFoundException",
            _ => "ConflictException",
        };
        assert_eq!((got, code.as_str()), (status, expected), "{path} {body}: {text}");
        assert!(text.contains(says), "{path} {body}: {text}");
    }
    let empty = api(&house).await;
    let (_, _, text) = failed(&house, Method::POST, &format!("/apis/{empty}/deployments"), json!({})).await;
    assert_eq!(text, "At least one route is required before deploying the Api.");
}
