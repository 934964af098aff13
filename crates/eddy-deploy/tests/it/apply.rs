//! Deployments in a row: what is made, changed, replaced, removed and left alone.

use serde_json::json;

use eddy_deploy::Stopped;

use crate::house::House;

/// A function whose code is beside the template, and its properties.
fn function(id: &str, more: &str) -> String {
    format!(
        "  {id}:\n    Type: AWS::Lambda::Function\n    Properties:\n      Code: code\n      Handler: app.handler\n      \
         Runtime: python3.13\n      Role: arn:aws:iam::000000000000:role/r\n{more}"
    )
}

const API: &str = "
  Api: {Type: AWS::ApiGatewayV2::Api, Properties: {Name: things, ProtocolType: HTTP}}
  To:
    Type: AWS::ApiGatewayV2::Integration
    Properties:
      ApiId: !Ref Api
      ConnectionType: INTERNET
      IntegrationType: AWS_PROXY
      IntegrationUri: !GetAtt F.Arn
      PayloadFormatVersion: '2.0'
      TimeoutInMillis: '1000'
  Route:
    Type: AWS::ApiGatewayV2::Route
    Properties:
      ApiId: !Ref Api
      ApiKeyRequired: false
      AuthorizationType: NONE
      RouteKey: GET /things
      Target: !Sub integrations/${To}
  Deployment:
    Type: AWS::ApiGatewayV2::Deployment
    DependsOn: Route
    Properties: {ApiId: !Ref Api}
  Stage:
    Type: AWS::ApiGatewayV2::Stage
    Properties: {ApiId: !Ref Api, DeploymentId: !Ref Deployment, StageName: live}
";

#[tokio::test]
async fn everything_is_made_once_and_goes_with_its_template() {
    let house = House::open().await;
    let template = format!(
        "Resources:\n{}{}{API}",
        function("F", "      FunctionName: f\n      Timeout: '5'\n      Environment: {Variables: {ONE: 1, YES: true}}\n"),
        "  B: {Type: AWS::S3::Bucket, Properties: {Tags: [{Key: k, Value: 1}], AccessControl: Private, BucketEncryption: {ServerSideEncryptionConfiguration: [{ServerSideEncryptionByDefault: {SSEAlgorithm: AES256}, BucketKeyEnabled: false}]}, OwnershipControls: {Rules: [{ObjectOwnership: BucketOwnerEnforced}]}, PublicAccessBlockConfiguration: {BlockPublicAcls: true, BlockPublicPolicy: 'true', IgnorePublicAcls: true, RestrictPublicBuckets: true}}}
  R:
    Type: AWS::IAM::Role
    Properties:
      RoleName: r
      AssumeRolePolicyDocument: {Statement: [{Effect: Allow, Principal: {Service: lambda.amazonaws.com}, Action: 'sts:AssumeRole'}]}
      ManagedPolicyArns: [arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess]
      Policies: [{PolicyName: p, PolicyDocument: {Statement: [{Effect: Allow, Action: 's3:*', Resource: '*'}]}}]
  L: {Type: AWS::Logs::LogGroup, Properties: {LogGroupName: /own, RetentionInDays: '7', Tags: [{Key: k, Value: v}]}}
  Url: {Type: AWS::Lambda::Url, Properties: {TargetFunctionArn: !Ref F, AuthType: NONE, Cors: {AllowOrigins: ['*'], MaxAge: '5', AllowCredentials: 'false'}}}
  Retries: {Type: AWS::Lambda::EventInvokeConfig, Properties: {FunctionName: !Ref F, Qualifier: $LATEST, MaximumRetryAttempts: '1'}}
  Open: {Type: AWS::Lambda::Permission, Properties: {FunctionName: !GetAtt F.Arn, Action: 'lambda:InvokeFunctionUrl', Principal: '*', FunctionUrlAuthType: NONE}}
",
    );
    let made = house.deploy(&template).await;
    assert_eq!(made.len(), 12, "{made:?}");
    assert!(made.iter().all(|step| step.starts_with("made ")), "{made:?}");
    assert_eq!(house.deploy(&template).await, [""; 0], "a second deployment changes nothing");
    let function = house.call("lambda", "GetFunctionConfiguration", json!({ "FunctionName": "f" })).await;
    assert_eq!(function["Timeout"], 5);
    assert_eq!(function["Environment"]["Variables"], json!({ "ONE": "1", "YES": "true" }));
    let policies = house.call("iam", "ListRolePolicies", json!({ "RoleName": "r" })).await;
    assert_eq!(policies["PolicyNames"], json!(["p"]));
    let left =
        house.deploy("Resources: {Last: {Type: AWS::S3::Bucket, Properties: {BucketName: last}}}").await;
    assert_eq!(left.len(), 13, "{left:?}");
    assert_eq!(house.everything().await, ["last"]);
}

#[tokio::test]
async fn what_differs_is_changed_in_place() {
    let house = House::open().await;
    let template = |more: &str, retention: &str, policy: &str| {
        format!(
            "Resources:\n{}  L: {{Type: AWS::Logs::LogGroup, Properties: {{LogGroupName: /own{retention}}}}}\n  R:\n    Type: \
             AWS::IAM::Role\n    Properties:\n      RoleName: r\n      AssumeRolePolicyDocument: {{Statement: [{{Effect: \
             Allow, Principal: {{Service: lambda.amazonaws.com}}, Action: 'sts:AssumeRole'}}]}}\n      Policies: \
             [{{PolicyName: {policy}, PolicyDocument: {{Statement: [{{Effect: Allow, Action: 's3:*', Resource: '*'}}]}}}}]\n",
            function("F", more)
        )
    };
    let function = "      FunctionName: f\n      MemorySize: 256\n      Tags: [{Key: a, Value: b}]\n";
    house.deploy(&template(function, ", RetentionInDays: 7", "one")).await;
    let before = house.call("lambda", "GetFunctionConfiguration", json!({ "FunctionName": "f" })).await;

    let done =
        house.deploy(&template("      FunctionName: f\n      Tags: [{Key: c, Value: d}]\n", "", "two")).await;
    assert_eq!(done, ["changed F", "changed L", "changed R"]);
    let after = house.call("lambda", "GetFunctionConfiguration", json!({ "FunctionName": "f" })).await;
    assert_eq!(after["MemorySize"], 128, "what left the template goes back to its default");
    assert_eq!(after["CodeSha256"], before["CodeSha256"]);
    let tags = house.call("lambda", "ListTags", json!({ "Resource": after["FunctionArn"] })).await;
    assert_eq!(tags["Tags"], json!({ "c": "d" }));
    let policies = house.call("iam", "ListRolePolicies", json!({ "RoleName": "r" })).await;
    assert_eq!(policies["PolicyNames"], json!(["two"]));
    let groups = house.call("logs", "DescribeLogGroups", json!({})).await;
    assert!(groups["logGroups"][0].get("retentionInDays").is_none(), "{groups}");

    house.write("code/app.py", "def handler(event, context): return 2");
    let done =
        house.deploy(&template("      FunctionName: f\n      Tags: [{Key: c, Value: d}]\n", "", "two")).await;
    assert_eq!(done, ["changed F"]);
    let changed = house.call("lambda", "GetFunctionConfiguration", json!({ "FunctionName": "f" })).await;
    assert_ne!(changed["CodeSha256"], after["CodeSha256"]);
}

fn bucket(name: &str, more: &str) -> String {
    format!("Resources:\n  B:\n    Type: AWS::S3::Bucket\n    Properties: {{BucketName: {name}}}\n{more}")
}

#[tokio::test]
async fn a_renamed_resource_is_made_before_the_old_one_goes() {
    let house = House::open().await;
    house.deploy(&bucket("one", "")).await;
    assert_eq!(house.deploy(&bucket("two", "")).await, ["changed B", "removed B/one"]);
    assert_eq!(house.everything().await, ["two"]);

    // One that holds something stays, until it is empty or wanted again.
    house.put("two", "kept.txt").await;
    assert_eq!(house.deploy(&bucket("three", "")).await, ["changed B", "kept B/two"]);
    assert_eq!(house.deploy(&bucket("three", "")).await, ["kept B/two"]);
    assert_eq!(house.deploy(&bucket("two", "")).await, ["changed B", "removed B/three"]);
    assert_eq!(house.deploy(&bucket("two", "")).await, [""; 0]);
    assert_eq!(house.everything().await, ["two"]);

    let retained = "    UpdateReplacePolicy: Retain\n";
    assert_eq!(house.deploy(&bucket("four", retained)).await, ["changed B", "retained B/two"]);
    assert_eq!(house.everything().await, ["four", "two"]);
}

#[tokio::test]
async fn what_leaves_the_template_goes_only_if_it_may() {
    let house = House::open().await;
    let other = "  Other: {Type: AWS::S3::Bucket, Properties: {BucketName: other}}\n";
    house.deploy(&bucket("one", other)).await;
    house.put("one", "kept.txt").await;
    let only_other = format!("Resources:\n{other}");
    assert_eq!(house.deploy(&only_other).await, ["kept B"]);
    house.call("s3", "DeleteObject", json!({ "Bucket": "one", "Key": "kept.txt" })).await;
    assert_eq!(house.deploy(&only_other).await, ["removed B"]);
    house.deploy(&bucket("one", &format!("    DeletionPolicy: Retain\n{other}"))).await;
    assert_eq!(house.deploy(&only_other).await, ["retained B"]);
    assert_eq!(house.everything().await, ["one", "other"]);
    // It is nobody's now, so nobody may take it.
    let refusal = house.refusal(&bucket("one", other)).await;
    assert!(refusal.contains("one is there already"), "{refusal}");
}

#[tokio::test]
async fn what_somebody_else_made_is_neither_taken_nor_removed() {
    let house = House::open().await;
    let trust = json!({ "Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Principal": { "Service": "lambda.amazonaws.com" }, "Action": "sts:AssumeRole",
    }] });
    house.call("s3", "CreateBucket", json!({ "Bucket": "theirs" })).await;
    house.call("logs", "CreateLogGroup", json!({ "logGroupName": "/theirs" })).await;
    let role = json!({ "RoleName": "theirs", "AssumeRolePolicyDocument": trust.to_string() });
    house.call("iam", "CreateRole", role).await;
    let before = house.everything().await;
    let theirs = [
        bucket("theirs", ""),
        "Resources:\n  B: {Type: AWS::Logs::LogGroup, Properties: {LogGroupName: /theirs}}\n".to_owned(),
        format!(
            "Resources:\n  B: {{Type: AWS::IAM::Role, Properties: {{RoleName: theirs, AssumeRolePolicyDocument: {trust}}}}}\n"
        ),
    ];
    for template in theirs {
        // What goes before it in the order is not made either.
        let template = template.replace("Resources:\n", "Resources:\n  A: {Type: AWS::S3::Bucket}\n");
        for _ in 0..2 {
            let refusal = house.refusal(&template).await;
            assert!(
                refusal.contains("theirs is there already, and this template has not made it"),
                "{refusal}"
            );
            assert!(refusal.starts_with("template.yaml:"), "{refusal}");
            assert!(house.everything().await.iter().all(|name| before.contains(name) || name == "own"));
        }
        // Nor do they go with the next template.
        let done =
            house.deploy("Resources: {Own: {Type: AWS::S3::Bucket, Properties: {BucketName: own}}}").await;
        assert!(done == ["made Own"] || done.is_empty(), "{done:?}");
        assert_eq!(house.everything().await, ["/theirs", "own", "theirs", "theirs"]);
    }
}

#[tokio::test]
async fn a_renamed_logical_id_is_another_resource() {
    let house = House::open().await;
    house.deploy(&bucket("one", "")).await;
    let renamed = bucket("one", "").replace("  B:", "  C:");
    let refusal = house.refusal(&renamed).await;
    assert_eq!(refusal, "template.yaml:3: C: one is there already: this template has made it as B");
    assert_eq!(house.everything().await, ["one"]);
    let unnamed = "Resources: {C: {Type: AWS::S3::Bucket}}";
    assert_eq!(house.deploy(unnamed).await, ["made C", "removed B"]);
}

/// Refusals that depend on what exists come late; what stands then is gone on from.
#[tokio::test]
async fn a_corrected_template_goes_on_from_where_another_stopped() {
    let house = House::open().await;
    let template = |permission: &str, more: &str| {
        let function = function("F", "      FunctionName: f\n");
        let tells = "{LambdaConfigurations: [{Event: 's3:ObjectCreated:*', Function: !GetAtt F.Arn}]}";
        let bucket = format!("{{BucketName: bbb, NotificationConfiguration: {tells}}}");
        let bucket = format!("  B: {{Type: AWS::S3::Bucket, DependsOn: F, Properties: {bucket}}}\n");
        format!("Resources:\n{function}{permission}{bucket}{more}")
    };
    let last = "  Z: {Type: AWS::S3::Bucket, DependsOn: B, Properties: {BucketName: zzz}}\n";
    let refusal = house.refusal(&template("", last)).await;
    assert!(refusal.contains("B: PutBucketNotificationConfiguration: InvalidArgument"), "{refusal}");
    assert_eq!(house.everything().await, ["bbb", "f"], "what came before it stands");
    let permission = "  P: {Type: AWS::Lambda::Permission, Properties: {FunctionName: !Ref F, Action: \
                      'lambda:InvokeFunction', Principal: s3.amazonaws.com}}\n";
    let done = house.deploy(&template(permission, last)).await;
    assert_eq!(done, ["made P", "changed B", "made Z"]);
    assert_eq!(house.deploy(&template(permission, last)).await, [""; 0]);
}

#[tokio::test]
async fn a_change_that_stopped_half_way_is_not_taken_for_done() {
    let house = House::open().await;
    let trust = json!({ "Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Principal": { "Service": "ec2.amazonaws.com" }, "Action": "sts:AssumeRole",
    }] });
    let role = json!({ "RoleName": "closed", "AssumeRolePolicyDocument": trust.to_string() });
    house.call("iam", "CreateRole", role).await;
    let template = format!("Resources:\n{}", function("F", "      FunctionName: f\n"));
    house.deploy(&template).await;
    let code = async || {
        let function = house.call("lambda", "GetFunctionConfiguration", json!({ "FunctionName": "f" })).await;
        function["CodeSha256"].clone()
    };
    let before = code().await;
    house.write("code/app.py", "def handler(event, context): return 2");
    let refusal = house.refusal(&template.replace("role/r\n", "role/closed\n")).await;
    assert!(refusal.contains("UpdateFunctionConfiguration: InvalidParameterValueException"), "{refusal}");
    assert_ne!(code().await, before, "the code came before the settings");
    house.write("code/app.py", "def handler(event, context): return 1");
    assert_eq!(house.deploy(&template).await, ["changed F"]);
    assert_eq!(code().await, before);
    assert_eq!(house.deploy(&template).await, [""; 0]);
}

#[tokio::test]
async fn what_somebody_removed_is_made_again_when_it_changes() {
    let house = House::open().await;
    house.deploy(&bucket("one", "")).await;
    house.call("s3", "DeleteBucket", json!({ "Bucket": "one" })).await;
    let tagged = bucket("one", "").replace("BucketName: one", "BucketName: one, Tags: [{Key: k, Value: v}]");
    assert_eq!(house.deploy(&tagged).await, ["made B"]);
    assert_eq!(house.everything().await, ["one"]);
}

#[tokio::test]
async fn another_type_under_the_same_id_takes_its_place() {
    let house = House::open().await;
    house.deploy("Resources: {X: {Type: AWS::S3::Bucket, Properties: {BucketName: one}}}").await;
    let group = "Resources: {X: {Type: AWS::Logs::LogGroup, Properties: {LogGroupName: /x}}}";
    assert_eq!(house.deploy(group).await, ["changed X", "removed X/one"]);
    assert_eq!(house.everything().await, ["/x"]);
}

#[tokio::test]
async fn an_api_is_changed_where_it_stands() {
    let house = House::open().await;
    let template = format!("Resources:\n{}{API}", function("F", "      FunctionName: f\n"));
    house.deploy(&template).await;
    let cors = template.replace(
        "ProtocolType: HTTP",
        "ProtocolType: HTTP, CorsConfiguration: {AllowOrigins: ['*']}, Tags: {a: b}",
    );
    assert_eq!(house.deploy(&cors).await, ["changed Api"]);
    let api = house.call("apigatewayv2", "GetApis", json!({})).await["Items"][0].clone();
    assert_eq!(api["CorsConfiguration"]["AllowOrigins"], json!(["*"]));
    assert_eq!(api["Tags"], json!({ "a": "b" }));
    let changed = template
        .replace("GET /things", "PUT /things/{id}")
        .replace("TimeoutInMillis: '1000'", "TimeoutInMillis: 2000\n      Description: slow")
        .replace("StageName: live", "StageName: live, StageVariables: {v: 1}, Tags: {c: d}");
    assert_eq!(house.deploy(&changed).await, ["changed Api", "changed To", "changed Route", "changed Stage"]);
    let id = json!({ "ApiId": api["ApiId"] });
    let now = house.call("apigatewayv2", "GetApi", id.clone()).await;
    assert!(now.get("CorsConfiguration").is_none_or(serde_json::Value::is_null), "{now}");
    assert!(now["Tags"] == json!({}) || now["Tags"].is_null(), "{now}");
    let route = house.call("apigatewayv2", "GetRoutes", id.clone()).await["Items"][0].clone();
    assert_eq!(route["RouteKey"], "PUT /things/{id}");
    let to = house.call("apigatewayv2", "GetIntegrations", id.clone()).await["Items"][0].clone();
    assert_eq!((&to["TimeoutInMillis"], &to["Description"]), (&json!(2000), &json!("slow")));
    let stage = house.call("apigatewayv2", "GetStages", id).await["Items"][0].clone();
    assert_eq!((&stage["StageVariables"], &stage["Tags"]), (&json!({ "v": "1" }), &json!({ "c": "d" })));
    assert_eq!(house.deploy(&changed).await, [""; 0]);
}

#[tokio::test]
async fn a_renamed_function_takes_everything_along() {
    let house = House::open().await;
    let template = |name: &str, stage: &str| {
        format!(
            "Transform: AWS::Serverless-2016-10-31\nResources:\n  F:\n    Type: AWS::Serverless::Function\n    \
             Properties:\n      FunctionName: {name}\n      CodeUri: code\n      Handler: app.handler\n      Runtime: \
             python3.13\n      FunctionUrlConfig: {{AuthType: NONE}}\n      EventInvokeConfig: {{MaximumRetryAttempts: \
             1}}\n      Events:\n        Put: {{Type: S3, Properties: {{Bucket: !Ref B, Events: 's3:ObjectCreated:*'}}}}\n        \
             Get: {{Type: HttpApi, Properties: {{Path: /get, Method: get, ApiId: !Ref Api}}}}\n  B: {{Type: \
             AWS::S3::Bucket}}\n  Api: {{Type: AWS::Serverless::HttpApi, Properties: {{StageName: {stage}}}}}\nOutputs:\n  \
             Url: {{Value: !Sub 'https://${{Api}}.execute-api.${{AWS::Region}}.amazonaws.com/${{Api.Stage}}/get'}}\n  End: \
             {{Value: !GetAtt Api.ApiEndpoint}}\n"
        )
    };
    house.deploy(&template("one", "prod")).await;
    let deployed = house.try_deploy(&template("two", "live")).await.expect("it is possible");
    let done = crate::house::steps(&deployed);
    assert!(done.contains(&"changed F".to_owned()) && done.contains(&"removed F/one".to_owned()), "{done:?}");
    let functions = house.call("lambda", "ListFunctions", json!({})).await;
    assert_eq!(functions["Functions"].as_array().map(Vec::len), Some(1));
    let policy = house.call("lambda", "GetPolicy", json!({ "FunctionName": "two" })).await.to_string();
    assert_eq!(policy.matches("Sid").count(), 4, "{policy}");
    house.call("lambda", "GetFunctionUrlConfig", json!({ "FunctionName": "two" })).await;
    let api = deployed.outputs[0].api.clone().expect("it is the address of an API");
    assert_eq!(api.1, "live/get");
    assert_eq!(deployed.outputs[1].value, format!("http://{}.execute-api.localhost:4566", api.0));
    assert_eq!(deployed.paths(), [(api.0.as_str(), "GET", "/live/get".to_owned())]);
    assert_eq!(house.deploy(&template("two", "live")).await, [""; 0]);
}

#[tokio::test]
async fn another_folder_of_the_same_name_takes_nothing_away() {
    let house = House::open().await;
    house.deploy(&bucket("one", "")).await;
    let other = tempfile::tempdir().expect("a temporary folder");
    std::fs::write(other.path().join("template.yaml"), bucket("two", "")).expect("writable");
    let refused = house.deploy_from(other.path().to_owned(), false).await.expect_err("it was another folder");
    assert!(refused.to_string().contains("app was deployed from"), "{refused}");
    assert_eq!(house.everything().await, ["one"]);
    house.deploy_from(other.path().to_owned(), true).await.expect("the name was given");
    assert_eq!(house.everything().await, ["two"]);
    let refusal = house.refusal(&bucket("one", "")).await;
    assert!(refusal.contains("app was deployed from"), "{refusal}");
}

#[tokio::test]
async fn a_stack_is_deployed_once_at_a_time_and_whoever_waits_is_woken() {
    let house = House::open().await;
    let template = "Resources:\n  B: {Type: AWS::S3::Bucket}\n";
    let second = async {
        assert!(matches!(house.try_deploy(template).await, Err(Stopped::Busy(_))));
        house.deployer.idle(&house.wanted()).await;
        house.deploy(template).await
    };
    let (first, second) = tokio::join!(biased; house.deploy(template), second);
    assert_eq!((first, second), (vec!["made B".to_owned()], Vec::new()));
}

#[tokio::test]
async fn what_left_the_log_of_a_function_goes_back_to_the_usual() {
    let house = House::open().await;
    for (asked, expected) in [
        (
            "      LoggingConfig: {LogFormat: JSON, SystemLogLevel: WARN, LogGroup: /mine}\n",
            json!({
                "LogFormat": "JSON", "ApplicationLogLevel": "INFO", "SystemLogLevel": "WARN", "LogGroup": "/mine",
            }),
        ),
        ("      LoggingConfig: {LogGroup: /mine}\n", json!({ "LogFormat": "Text", "LogGroup": "/mine" })),
        ("", json!({ "LogFormat": "Text", "LogGroup": "/aws/lambda/f" })),
    ] {
        let template = format!("Resources:\n{}", function("F", &format!("      FunctionName: f\n{asked}")));
        assert_eq!(house.deploy(&template).await.len(), 1, "{asked}");
        let shown = house.call("lambda", "GetFunctionConfiguration", json!({ "FunctionName": "f" })).await;
        assert_eq!(shown["LoggingConfig"], expected, "{asked}");
    }
}
