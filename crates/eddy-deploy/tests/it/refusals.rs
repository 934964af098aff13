//! What is not supported is refused by file, line and name before anything changes, whoever finds it: the reader,
//! SAM, the list of properties, or the operation that would be called.

use std::collections::BTreeMap;

use eddy_deploy::{Place, Plan};

use crate::house::House;

const SAM: &str = "Transform: AWS::Serverless-2016-10-31\nResources:\n  First: {Type: AWS::S3::Bucket}\n";
const PLAIN: &str = "Resources:\n  First: {Type: AWS::S3::Bucket}\n";

/// A serverless function with these properties, the first of them in line 7.
fn serverless(properties: &str) -> String {
    let head = "  F:\n    Type: AWS::Serverless::Function\n    Properties:\n";
    let usual = "      Handler: app.handler\n      CodeUri: code\n      Runtime: python3.13\n";
    format!("{SAM}{head}{properties}{usual}")
}

/// A resource with these properties, the first of them in line 6.
fn plain(kind: &str, properties: &str) -> String {
    format!("{PLAIN}  R:\n    Type: {kind}\n    Properties:\n{properties}")
}

async fn check(cases: &[(String, &str)]) {
    let house = House::open().await;
    for (template, said) in cases {
        let refusal = house.refusal(template).await;
        assert!(refusal.starts_with(said), "{template}\nsays:       {refusal}\nshould say: {said}");
        assert_eq!(house.everything().await, [""; 0], "{template}");
    }
}

#[tokio::test]
async fn of_sam() {
    check(&[
        (serverless("      AutoPublishAlias: live\n"), "template.yaml:7: the property AutoPublishAlias of F is not supported"),
        (serverless("      Layers: ['arn:aws:lambda:us-east-1:0:layer:x:1']\n"), "template.yaml:7: F: the property Layers of AWS::Lambda::Function is not supported"),
        (serverless("      VpcConfig: {SubnetIds: [a]}\n"), "template.yaml:7: the property VpcConfig of F is not supported"),
        (serverless("      Tracing: Active\n"), "template.yaml:7: the property Tracing of F is not supported"),
        (serverless("      DeadLetterQueue: {Type: SQS, TargetArn: x}\n"), "template.yaml:7: the property DeadLetterQueue of F is not supported"),
        (serverless("      ReservedConcurrentExecutions: 5\n"), "template.yaml:7: F: the property ReservedConcurrentExecutions of"),
        (
            serverless("      Events:\n        Rest:\n          Type: Api\n          Properties: {Path: /, Method: get}\n"),
            "template.yaml:9: the event type Api of F is not supported",
        ),
        (
            serverless("      Events:\n        Q:\n          Type: SQS\n          Properties: {Queue: 'arn:x'}\n"),
            "template.yaml:9: the event type SQS of F is not supported",
        ),
        (
            serverless("      Events:\n        H:\n          Type: HttpApi\n          Properties:\n            Path: /\n            Method: get\n            Auth: {Authorizer: A}\n"),
            "template.yaml:13: the property Auth of H is not supported",
        ),
        (
            serverless("      Events:\n        H: {Type: HttpApi, Properties: {Path: !Ref AWS::Region, Method: get}}\n"),
            "template.yaml:8: Path of H is a plain value",
        ),
        (
            serverless("      Events:\n        H: {Type: HttpApi, Properties: {Path: /, Method: '*'}}\n"),
            "template.yaml:8: the method * of H is not supported",
        ),
        (
            format!("{SAM}  A:\n    Type: AWS::Serverless::HttpApi\n    Properties:\n      DefinitionUri: api.yaml\n"),
            "template.yaml:7: the property DefinitionUri of A is not supported",
        ),
        (
            format!("{SAM}  A:\n    Type: AWS::Serverless::HttpApi\n    Properties:\n      Auth: {{DefaultAuthorizer: X}}\n"),
            "template.yaml:7: the property Auth of A is not supported",
        ),
        (format!("{SAM}  T: {{Type: AWS::Serverless::SimpleTable}}\n"), "template.yaml:4: T: AWS::Serverless::SimpleTable is not supported"),
        (format!("{SAM}  A: {{Type: AWS::Serverless::Api}}\n"), "template.yaml:4: A: AWS::Serverless::Api is not supported"),
        (
            format!("Globals:\n  Api: {{TracingEnabled: true}}\n{}", serverless("")),
            "template.yaml:2: Globals of Api are not supported",
        ),
        (serverless("      Policies: [{NoSuchPolicy: {}}]\n"), "template.yaml:7: there is no policy template NoSuchPolicy"),
        (serverless("      Policies: [{S3ReadPolicy: {}}]\n"), "template.yaml:7: the policy template S3ReadPolicy needs BucketName"),
    ])
    .await;
}

#[tokio::test]
async fn of_the_operations() {
    let function = |properties: &str| {
        let usual = "      Handler: app.handler\n      Role: arn:aws:iam::000000000000:role/r\n";
        let runtime = if properties.contains("Runtime") { "" } else { "      Runtime: python3.13\n" };
        let code = if properties.contains("Code") { "" } else { "      Code: code\n" };
        plain("AWS::Lambda::Function", &format!("{properties}{usual}{runtime}{code}"))
    };
    check(&[
        (function("      Runtime: python2.7\n"), "template.yaml:6: R: CreateFunction: InvalidParameterValueException"),
        (function("      Runtime: nodejs22.x\n"), "template.yaml:6: R: CreateFunction: "),
        (function("      TracingConfig:\n        Mode: Active\n"), "template.yaml:7: R: CreateFunction: "),
        (function("      Architectures: [riscv]\n"), "template.yaml:6: R: CreateFunction: "),
        (function("      LoggingConfig: {LogFormat: XML}\n"), "template.yaml:6: R: CreateFunction: "),
        (function("      MemorySize: many\n"), "template.yaml:6: R: CreateFunction: "),
        (function("      Timeout: 901\n"), "template.yaml:"),
        (function("      Environment: {Variables: {AWS_REGION: x}}\n"), "template.yaml:"),
        (function("      Code: {ImageUri: x}\n"), "template.yaml:6: R: Code.ImageUri is not supported"),
        (function("      Code: {S3Bucket: b, S3Key: k, S3ObjectVersion: v}\n"), "template.yaml:6: R: Code.S3ObjectVersion is not supported"),
        (function("      Code: nowhere\n"), "template.yaml:6: there is no nowhere beside the template"),
        (
            plain("AWS::S3::Bucket", "      NotificationConfiguration:\n        QueueConfigurations: [{Event: 's3:ObjectCreated:*', Queue: x}]\n"),
            "template.yaml:7: R: NotificationConfiguration.QueueConfigurations is not supported",
        ),
        (
            plain("AWS::S3::Bucket", "      NotificationConfiguration: {LambdaConfigurations: [{Event: 's3:Never', Function: 'arn:aws:lambda:us-east-1:000000000000:function:f'}]}\n"),
            "template.yaml:",
        ),
        (plain("AWS::S3::Bucket", "      BucketName: No_Name\n"), "template.yaml:"),
        (plain("AWS::S3::Bucket", "      VersioningConfiguration: {Status: Enabled}\n"), "template.yaml:6: R: the property VersioningConfiguration"),
        (
            plain("AWS::S3::Bucket", "      BucketEncryption:\n        ServerSideEncryptionConfiguration: [{ServerSideEncryptionByDefault: {SSEAlgorithm: 'aws:kms'}}]\n"),
            "template.yaml:4: R: PutBucketEncryption: ",
        ),
        (plain("AWS::S3::Bucket", "      AccessControl: PublicRead\n"), "template.yaml:6: R: this AccessControl is not supported"),
        (plain("AWS::S3::Bucket", "      PublicAccessBlockConfiguration: {BlockPublicAcls: false}\n"), "template.yaml:6: R: this PublicAccess"),
        (plain("AWS::ApiGatewayV2::Api", "      Name: a\n      ProtocolType: WEBSOCKET\n"), "template.yaml:7: R: CreateApi: "),
        (
            plain("AWS::ApiGatewayV2::Api", "      Body: {openapi: 3.0.1, info: {title: x}, paths: {/a: {get: {x-amazon-apigateway-integration: {type: http_proxy, uri: 'http://x'}}}}}\n"),
            "template.yaml:4: R: ImportApi: BadRequestException: The value HTTP_PROXY",
        ),
        (
            plain("AWS::ApiGatewayV2::Integration", "      ApiId: a\n      IntegrationType: HTTP_PROXY\n      IntegrationUri: http://x\n"),
            "template.yaml:7: R: CreateIntegration: ",
        ),
        (
            plain("AWS::ApiGatewayV2::Route", "      ApiId: a\n      RouteKey: GET /\n      AuthorizationType: JWT\n"),
            "template.yaml:8: R: CreateRoute: ",
        ),
        (
            plain("AWS::ApiGatewayV2::Stage", "      ApiId: a\n      StageName: s\n      AccessLogSettings: {DestinationArn: x, Format: y}\n"),
            "template.yaml:8: R: CreateStage: ",
        ),
        (
            plain("AWS::Lambda::Url", "      TargetFunctionArn: f\n      AuthType: NONE\n      InvokeMode: RESPONSE_STREAM\n"),
            "template.yaml:8: R: CreateFunctionUrlConfig: ",
        ),
        (
            plain("AWS::Lambda::EventInvokeConfig", "      FunctionName: f\n      Qualifier: $LATEST\n      DestinationConfig: {OnFailure: {Destination: 'arn:aws:sqs:us-east-1:000000000000:q'}}\n"),
            "template.yaml:8: R: PutFunctionEventInvokeConfig: ",
        ),
        (plain("AWS::ApiGatewayV2::Route", "      ApiId: a\n      RouteKey: FETCH things\n"), "template.yaml:4: R: CreateRoute: BadRequestException: The provided route key"),
        (
            plain("AWS::ApiGatewayV2::Integration", "      ApiId: a\n      IntegrationType: AWS_PROXY\n      IntegrationUri: 'arn:aws:lambda:us-east-1:000000000000:function:f'\n      PayloadFormatVersion: '3.0'\n"),
            "template.yaml:9: R: CreateIntegration: BadRequestException: PayloadFormatVersion must be",
        ),
        (serverless("      Events:\n        H: {Type: HttpApi, Properties: {Path: no/slash, Method: get}}\n"), "template.yaml:8: ServerlessHttpApi: ImportApi: BadRequestException: Unable to create route at path 'no/slash'"),
        (plain("AWS::Logs::LogGroup", "      RetentionInDays: 2.5\n"), "template.yaml:"),
        (plain("AWS::IAM::Role", "      RoleName: r\n"), "template.yaml:"),
    ])
    .await;
}

#[tokio::test]
async fn of_references() {
    check(&[
        (format!("{PLAIN}  B: {{Type: AWS::S3::Bucket, Properties: {{BucketName: !GetAtt First.WebsiteURL}}}}\n"), "template.yaml:3: First has no attribute WebsiteURL"),
        (format!("{PLAIN}Outputs:\n  O: {{Value: !GetAtt First.Nothing}}\n"), "template.yaml:4: First has no attribute Nothing"),
        (format!("{PLAIN}Outputs:\n  O: {{Value: [1, 2]}}\n"), "template.yaml:4: the output O is no text"),
        (format!("{PLAIN}Outputs:\n  O: {{Value: !ImportValue x}}\n"), "template.yaml:4: Fn::ImportValue is not supported"),
        (format!("{PLAIN}  B: {{Type: AWS::S3::Bucket, DependsOn: [First, Nobody]}}\n"), "template.yaml:3: B: DependsOn names Nobody"),
        (format!("{PLAIN}  B: {{Type: AWS::S3::Bucket, Condition: Nobody}}\n"), "template.yaml:3: there is no condition Nobody"),
        (
            format!("Conditions: {{No: !Equals [a, b]}}\n{PLAIN}  A: {{Type: AWS::S3::Bucket, Condition: No}}\n  B: {{Type: AWS::S3::Bucket, Properties: {{BucketName: !Ref A}}}}\n"),
            "template.yaml:5: there is no parameter or resource A",
        ),
        (format!("{PLAIN}  B: {{Type: AWS::S3::Bucket, Properties: {{BucketName: !Ref B}}}}\n"), "template.yaml:3: there is no parameter or resource B"),
        (format!("{PLAIN}  B: {{Type: AWS::SQS::Queue}}\n"), "template.yaml:3: B: AWS::SQS::Queue is not supported"),
        (format!("{PLAIN}  B: {{Type: AWS::S3::Bucket, DeletionPolicy: Snapshot}}\n"), "template.yaml:3: this DeletionPolicy is not supported"),
        (format!("{PLAIN}  B: {{Type: 'AWS::CloudFormation::Stack', Properties: {{TemplateURL: x}}}}\n"), "template.yaml:3: B: AWS::CloudFormation::Stack"),
        (format!("Transform: AWS::Include\n{PLAIN}"), "template.yaml:1: the transform AWS::Include is not supported"),
        (format!("Parameters:\n  P: {{Type: String}}\n{PLAIN}"), "template.yaml:2: the parameter P has no value"),
    ])
    .await;
}

#[test]
fn of_the_file() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let place = Place { account: "000000000000".into(), region: "us-east-1".into(), stack: "s".into() };
    let nested = |open: &str| format!("Resources: {}", open.repeat(500));
    let many: String = (0..501).map(|number| format!("  B{number}: {{Type: AWS::S3::Bucket}}\n")).collect();
    let mut laughs = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for number in 1..12 {
        let before = format!("*a{}, ", number - 1).repeat(10);
        laughs += &format!("a{number}: &a{number} [{before}]\n");
    }
    let file = |text: &str| text.as_bytes().to_vec();
    for (bytes, line, said) in [
        (b"Resources:\n  B: {Type: \xff}".to_vec(), 2, "not UTF-8"),
        (file("Resources:\n\tB: {Type: X}"), 2, ""),
        (file("Resources:\n  B: {Type: X}\n  B: {Type: Y}"), 3, "the key B stands here twice"),
        (file("Resources:\r\n  B: {Type: X}\r\nRules: {}"), 3, "the section Rules is not supported"),
        (file("\u{feff}Resources:\n  B: {Type: X}\nRules: {}"), 3, "the section Rules is not supported"),
        (file(&nested("[")), 1, "recursion limit"),
        (file(&nested("{a: ")), 1, "nested too deeply"),
        (file(&laughs), 6, "too many values"),
        (file(&format!("Resources:\n{many}")), 502, "at most 500"),
        (file("a: &a [*a]"), 1, "an alias of what has no anchor"),
        (file("Resources: *nobody"), 1, ""),
        (file("Resources:\n  B: !Python/object x"), 2, "is no function of CloudFormation"),
        (file(&format!("# {}\n", "x".repeat(1_000_001))), 1, "larger than 1000000 bytes"),
        (file("{\"Resources\":\n{\"B\": {\"Type\": \"X\"},}\n"), 3, "flow mapping"),
        (file("just text"), 1, "a template is a mapping"),
        (file(""), 1, "empty"),
        (file("\0\0\0"), 1, ""),
    ] {
        std::fs::write(folder.path().join("template.yaml"), &bytes).expect("writable");
        let refused = Plan::of_folder(folder.path(), &place, &BTreeMap::new()).expect_err(said).to_string();
        let place = format!("{}/template.yaml:{line}: ", folder.path().display());
        assert!(
            refused.starts_with(&place) && refused.contains(said),
            "{refused}\nshould say in {line}: {said}"
        );
    }
}

#[test]
fn other_names_of_the_file_are_found() {
    let place = Place { account: "000000000000".into(), region: "us-east-1".into(), stack: "s".into() };
    for (name, text) in [
        ("template.yaml", "Resources: {B: {Type: AWS::S3::Bucket}}"),
        ("template.yml", "Resources: {B: {Type: AWS::S3::Bucket}}"),
        ("template.json", "{\"Resources\":\n\t{\"B\": {\"Type\": \"AWS::S3::Bucket\"}}}"),
    ] {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let none = Plan::of_folder(folder.path(), &place, &BTreeMap::new()).expect_err("there is none");
        assert!(
            none.to_string().contains("there is no template.yaml, no template.yml, no template.json"),
            "{none}"
        );
        std::fs::write(folder.path().join(name), text).expect("writable");
        let plan = Plan::of_folder(folder.path(), &place, &BTreeMap::new());
        assert!(plan.expect(name).file.ends_with(name));
    }
}
