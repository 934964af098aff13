//! The n-th durable operation under a deployment fails, for every n: after a restart the same template goes on, and
//! what it comes to is whole and there once.

use std::sync::Arc;

use eddy_store::testing::{Disk, Fault};
use serde_json::json;

use crate::house::House;

const TEMPLATE: &str = "
Transform: AWS::Serverless-2016-10-31
Resources:
  F:
    Type: AWS::Serverless::Function
    Properties:
      FunctionName: f
      CodeUri: code
      Handler: app.handler
      Runtime: python3.13
      FunctionUrlConfig: {AuthType: NONE}
      EventInvokeConfig: {MaximumRetryAttempts: 1}
      Events:
        Put: {Type: S3, Properties: {Bucket: !Ref B, Events: 's3:ObjectCreated:*'}}
        Get: {Type: HttpApi, Properties: {Path: /get, Method: get}}
  B: {Type: AWS::S3::Bucket, Properties: {BucketName: bucket}}
  Unnamed: {Type: AWS::S3::Bucket}
  L: {Type: AWS::Logs::LogGroup, Properties: {LogGroupName: /l, RetentionInDays: 1}}
  Route:
    Type: AWS::ApiGatewayV2::Route
    Properties: {ApiId: !Ref ServerlessHttpApi, RouteKey: GET /own}
  Plain: {Type: AWS::ApiGatewayV2::Api, Properties: {Name: plain, ProtocolType: HTTP}}
  Way:
    Type: AWS::ApiGatewayV2::Integration
    Properties:
      ApiId: !Ref Plain
      IntegrationType: AWS_PROXY
      IntegrationUri: !GetAtt F.Arn
      PayloadFormatVersion: '2.0'
  Hi:
    Type: AWS::ApiGatewayV2::Route
    Properties: {ApiId: !Ref Plain, RouteKey: GET /hi, Target: !Sub 'integrations/${Way}'}
  Fixed: {Type: AWS::ApiGatewayV2::Deployment, Properties: {ApiId: !Ref Plain, Description: fixed}, DependsOn: Hi}
";
const NEXT: &str = "
Resources:
  B: {Type: AWS::S3::Bucket, Properties: {BucketName: other}}
  Last: {Type: AWS::S3::Bucket, Properties: {BucketName: last}}
";

/// Names that only the second template has.
const ONLY_NEXT: [&str; 2] = ["last", "other"];

/// Deploys as far as it goes.
async fn live(house: &House) -> bool {
    house.try_deploy(TEMPLATE).await.is_ok() && house.try_deploy(NEXT).await.is_ok()
}

/// How many integrations and deployments an API has.
async fn parts(house: &House, api: &str) -> [usize; 2] {
    let apis = house.call("apigatewayv2", "GetApis", json!({})).await;
    let mut apis = apis["Items"].as_array().expect("a list").iter();
    let id = apis.find(|found| found["Name"] == api).expect("it is there")["ApiId"].clone();
    let mut counts = [0; 2];
    for (count, operation) in counts.iter_mut().zip(["GetIntegrations", "GetDeployments"]) {
        let answer = house.call("apigatewayv2", operation, json!({ "ApiId": id })).await;
        *count = answer["Items"].as_array().expect("a list").len();
    }
    counts
}

#[tokio::test]
async fn the_same_template_goes_on_whichever_operation_failed() {
    let mut clean = 0;
    for nth in 1..400 {
        let fault = if nth % 2 == 0 { Fault::Fail } else { Fault::FailLate };
        let disk = Disk::new();
        let folder = Arc::new(tempfile::tempdir().expect("a temporary folder"));
        disk.inject(nth, fault);
        let done = match House::open_on(&disk, &folder).await {
            Some(house) => live(&house).await,
            None => false,
        };
        if disk.has_faults() {
            assert!(done, "{nth}: refused although nothing failed");
            clean += 1;
            // Both faults have found nothing left to hit.
            if clean == 2 {
                return;
            }
            continue;
        }
        disk.crash();
        let house = House::open_on(&disk, &folder).await.expect("nothing fails any more");
        goes_on(&house, nth).await;
    }
    panic!("there is no end to the operations");
}

async fn goes_on(house: &House, nth: u64) {
    if let Err(why) = house.try_deploy(TEMPLATE).await {
        panic!("{nth}: {why}");
    }
    let mut all = house.everything().await;
    // What was only intended is nobody's for sure once its template does not want it.
    all.retain(|name| !ONLY_NEXT.contains(&name.as_str()));
    let (unnamed, named): (Vec<_>, Vec<_>) = all.into_iter().partition(|name| name.starts_with("app-"));
    // One API by its definition, one by its properties.
    assert_eq!(named, ["/l", "app", "bucket", "f", "plain"], "{nth}");
    assert_eq!(parts(house, "plain").await, [1, 1], "{nth}");
    assert_eq!(unnamed.len(), 2, "{nth}: the unnamed bucket and the role: {unnamed:?}");
    let policy = house.call("lambda", "GetPolicy", json!({ "FunctionName": "f" })).await;
    let policy: serde_json::Value =
        serde_json::from_str(policy["Policy"].as_str().expect("a text")).expect("a document");
    assert_eq!(policy["Statement"].as_array().map(Vec::len), Some(4), "{nth}: {policy}");
    let notifications =
        house.call("s3", "GetBucketNotificationConfiguration", json!({ "Bucket": "bucket" })).await;
    assert!(notifications["LambdaFunctionConfigurations"][0].is_object(), "{nth}: {notifications}");
    let groups = house.call("logs", "DescribeLogGroups", json!({ "logGroupNamePrefix": "/l" })).await;
    assert_eq!(groups["logGroups"][0]["retentionInDays"], 1, "{nth}");
    assert_eq!(house.deploy(TEMPLATE).await, [""; 0], "{nth}");
    for bucket in ONLY_NEXT {
        let _ = house.try_call("s3", "DeleteBucket", json!({ "Bucket": bucket })).await;
    }
    house.deploy(NEXT).await;
    assert_eq!(house.everything().await, ["last", "other"], "{nth}");
}
