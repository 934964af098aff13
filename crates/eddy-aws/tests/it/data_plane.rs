//! Requests to HTTP APIs and function URLs, from the request to the function and back.

use bytes::Bytes;
use http::{Request, StatusCode};
use serde_json::{Value, json};

use crate::harness::{Answer, HOST, House};
use crate::lambda::{create, house};

const ARN: &str = "arn:aws:lambda:us-east-1:000000000000:function:f";

async fn post(house: &House, service: &str, path: &str, body: Value) -> Value {
    let answer = house.json(service, "POST", path, body).await;
    assert!(answer.status.is_success(), "{path}: {answer:?}");
    answer.document()
}

async fn permit(house: &House, statement: Value) {
    post(house, "lambda", "/2015-03-31/functions/f/policy", statement).await;
}

/// An API of which one route leads to the function, which lets it.
async fn api(house: &House, route: &str) -> String {
    let made = json!({"name": "a", "protocolType": "HTTP", "target": ARN, "routeKey": route});
    let api = post(house, "apigateway", "/v2/apis", made).await["apiId"].as_str().expect("an id").to_owned();
    let source = format!("arn:aws:execute-api:us-east-1:000000000000:{api}/*/*");
    permit(
        house,
        json!({"StatementId": api, "Action": "lambda:InvokeFunction", "Principal": "apigateway.amazonaws.com",
               "SourceArn": source}),
    )
    .await;
    api
}

fn request(method: &str, uri: &str, host: &str, body: &'static str) -> Request<Bytes> {
    let request = Request::builder().method(method).uri(uri).header("host", host);
    request
        .header("content-type", "application/json")
        .body(Bytes::from_static(body.as_bytes()))
        .expect("a request")
}

/// The host by which the URL that a function has got by path is asked, too.
fn host_of(url: &str) -> String {
    let id = url.trim_end_matches('/').rsplit('/').next().expect("an id");
    format!("{id}.lambda-url.localhost:4566")
}

/// What the function was handed.
fn event(answer: &Answer) -> Value {
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    answer.document()["event"].clone()
}

#[tokio::test]
async fn an_api_is_asked_by_its_host_and_by_path() {
    let house = house().await;
    create(&house, json!({})).await;
    let api = api(&house, "POST /pets/{id}").await;
    let by_host = request("POST", "/pets/7?a=b", &format!("{api}.execute-api.localhost:4566"), "{}");
    let by_path = request("POST", &format!("/_eddy/api/{api}/pets/7?a=b"), HOST, "{}");
    for (asked, host) in [(by_host, format!("{api}.execute-api.localhost:4566")), (by_path, HOST.to_owned())]
    {
        let answer = house.ask(asked).await;
        let event = event(&answer);
        assert_eq!(event["rawPath"], "/pets/7");
        assert_eq!(event["routeKey"], "POST /pets/{id}");
        assert_eq!(event["pathParameters"], json!({"id": "7"}));
        assert_eq!(event["queryStringParameters"], json!({"a": "b"}));
        assert_eq!(event["headers"]["host"], host);
        assert_eq!(event["headers"]["x-forwarded-port"], "4566");
        assert_eq!(event["requestContext"]["domainName"], format!("{api}.execute-api.localhost"));
        assert_eq!(event["requestContext"]["apiId"], api);
        assert_eq!(event["requestContext"]["requestId"], answer.header("apigw-requestid"));
        assert_eq!(event["body"], "{}");
    }
    let other = house.ask(request("GET", &format!("/_eddy/api/{api}/pets/7"), HOST, "")).await;
    assert_eq!((other.status.as_u16(), other.body.as_str()), (404, r#"{"message":"Not Found"}"#));
}

#[tokio::test]
async fn a_function_that_does_not_let_the_api_is_not_invoked() {
    let house = house().await;
    create(&house, json!({})).await;
    let made = json!({"name": "a", "protocolType": "HTTP", "target": ARN});
    let api = post(&house, "apigateway", "/v2/apis", made).await["apiId"].as_str().expect("an id").to_owned();
    let ask = || request("GET", &format!("/_eddy/api/{api}/"), HOST, "");
    let refused = house.ask(ask()).await;
    assert_eq!(
        (refused.status.as_u16(), refused.body.as_str()),
        (500, r#"{"message":"Internal Server Error"}"#)
    );
    // A statement for another API of the account is none for this one.
    let statement = |id: &str, api: &str| {
        json!({"StatementId": id, "Action": "lambda:InvokeFunction", "Principal": "apigateway.amazonaws.com",
               "SourceArn": format!("arn:aws:execute-api:us-east-1:000000000000:{api}/*/$default")})
    };
    permit(&house, statement("other", "other")).await;
    assert_eq!(house.ask(ask()).await.status, 500);
    permit(&house, statement("this", &api)).await;
    event(&house.ask(ask()).await);
}

#[tokio::test]
async fn a_url_wants_both_statements() {
    let house = house().await;
    create(&house, json!({})).await;
    let path = "/2021-10-31/functions/f/url";
    let url = post(&house, "lambda", path, json!({"AuthType": "NONE"})).await;
    let host = host_of(url["FunctionUrl"].as_str().expect("a URL"));
    let ask = || request("GET", "/x%20y", &host, "");
    assert_eq!(house.ask(ask()).await.status, 403);
    let one = json!({"StatementId": "1", "Action": "lambda:InvokeFunctionUrl", "Principal": "*",
                     "FunctionUrlAuthType": "NONE"});
    permit(&house, one).await;
    let refused = house.ask(ask()).await;
    assert_eq!((refused.status.as_u16(), refused.body.as_str()), (403, r#"{"Message":"Forbidden"}"#));
    let two = json!({"StatementId": "2", "Action": "lambda:InvokeFunction", "Principal": "*",
                     "InvokedViaFunctionUrl": true});
    permit(&house, two).await;
    let event = event(&house.ask(ask()).await);
    assert_eq!(event["rawPath"], "/x%20y");
    assert_eq!(event["requestContext"]["accountId"], "anonymous");
    let id = host.split('.').next().expect("a label");
    let by_path = house.ask(request("GET", &format!("/_eddy/url/{id}/"), HOST, "")).await;
    assert_eq!(by_path.status, StatusCode::OK);
}

#[tokio::test]
async fn a_signed_url_knows_its_caller() {
    let house = house().await;
    create(&house, json!({})).await;
    let path = "/2021-10-31/functions/f/url";
    let url = post(&house, "lambda", path, json!({"AuthType": "AWS_IAM"})).await;
    let host = host_of(url["FunctionUrl"].as_str().expect("a URL"));
    let unsigned = house.ask(request("POST", "/", &host, "{}")).await;
    assert_eq!(unsigned.status, StatusCode::FORBIDDEN);
    let signed = house.sign(&house.root(), "lambda", request("POST", "/", &host, "{}"));
    let event = event(&house.ask(signed).await);
    assert_eq!(event["requestContext"]["authorizer"]["iam"]["userArn"], "arn:aws:iam::000000000000:root");
    let (head, _) = house.sign(&house.root(), "lambda", request("POST", "/", &host, "{}")).into_parts();
    let tampered = house.ask(Request::from_parts(head, Bytes::from_static(b"[]"))).await;
    assert_eq!(tampered.status, StatusCode::FORBIDDEN, "another body than the one that was signed");
}

#[tokio::test]
async fn a_large_body_is_refused_by_its_length() {
    let house = house().await;
    create(&house, json!({})).await;
    let api = api(&house, "POST /").await;
    let asked = request("POST", &format!("/_eddy/api/{api}/"), HOST, "x");
    let (mut head, body) = asked.into_parts();
    head.headers.insert("content-length", http::HeaderValue::from(11 * 1024 * 1024));
    let answer = house.ask(Request::from_parts(head, body)).await;
    assert_eq!(
        (answer.status.as_u16(), answer.body.as_str()),
        (413, r#"{"message":"Request Entity Too Large"}"#)
    );
}
