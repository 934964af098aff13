//! Whose a request is: which data plane, which service, in which protocol.
//!
//! One port serves everything, so the request itself must tell, and what a user's program may send must not
//! be taken for an API call: data planes go first, by host; then what only an SDK sends; S3 without a
//! signature comes last. Each step has its rows in the tests below.

use eddy_wire::Protocol;
use eddy_wire::schema::{Facts, facts};
use http::Method;
use http::request::Parts;

use super::host::{self, Label};

/// What a request is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Plane {
    /// `/_eddy/...`: health, metrics, console, and the data planes by path. The binary's.
    House,
    /// An HTTP API's data plane, by its host.
    Api { api: String, region: Option<String> },
    /// A function URL, by its host.
    FunctionUrl { id: String, region: Option<String> },
    /// A service's API: [`super::Front::serve`].
    Service,
}

/// A request for a service's API.
#[derive(Debug, Clone)]
pub(super) enum Asked {
    Service(ServiceAsked),
    /// The name of a service that eddy does not know at all, and the protocol that its client will understand.
    Unknown {
        name: String,
        protocol: Protocol,
    },
    Google {
        grpc: bool,
    },
}

#[derive(Debug, Clone)]
pub(super) struct ServiceAsked {
    pub facts: &'static Facts,
    pub protocol: Protocol,
    /// The bucket that stands in the host name.
    pub bucket: Option<String>,
}

/// The plane of a request.
pub(super) fn plane(head: &Parts, domains: &[String]) -> Plane {
    let path = head.uri.path();
    match host::label(host::of(head), domains) {
        Label::Api { api, region } => Plane::Api { api, region },
        Label::FunctionUrl { id, region } => Plane::FunctionUrl { id, region },
        Label::Bucket(_) | Label::None if path.starts_with("/_eddy/") || path == "/_eddy" => Plane::House,
        Label::Bucket(_) | Label::None => Plane::Service,
    }
}

/// The service and protocol of a request for an API.
pub(super) fn service(head: &Parts, domains: &[String]) -> Asked {
    let bucket = match host::label(host::of(head), domains) {
        Label::Bucket(name) => Some(name),
        Label::None | Label::Api { .. } | Label::FunctionUrl { .. } => None,
    };
    let signed = signed_service(head);
    let s3 = |bucket: Option<String>| {
        Asked::Service(ServiceAsked { facts: named("s3"), protocol: Protocol::RestXml, bucket })
    };
    let of = |facts: &'static Facts, protocol: Protocol| {
        Asked::Service(ServiceAsked { facts, protocol, bucket: None })
    };
    // Whoever asks a bucket's host is asking S3, whatever else the request holds, unless it is signed for another.
    if bucket.is_some() && signed.as_deref().is_none_or(|name| name == "s3") {
        return s3(bucket);
    }
    if head.headers.get("smithy-protocol").is_some_and(|value| value == "rpc-v2-cbor") {
        let target = head.uri.path().split('/').nth_back(2).unwrap_or_default();
        return match by_target(target) {
            Some(facts) => of(facts, Protocol::Cbor),
            None => Asked::Unknown { name: target.to_owned(), protocol: Protocol::Cbor },
        };
    }
    if let Some(target) = head.headers.get("x-amz-target") {
        let target = String::from_utf8_lossy(target.as_bytes());
        let prefix = target.rsplit_once('.').map_or(&*target, |(prefix, _)| prefix);
        let protocol = json_protocol(head);
        return match by_target(prefix) {
            Some(facts) => of(facts, protocol),
            None => Asked::Unknown { name: prefix.to_owned(), protocol },
        };
    }
    if let Some(name) = signed {
        return by_signing_name(name, head);
    }
    let query = head.uri.query().unwrap_or_default();
    if query.split('&').any(|part| part.starts_with("AWSAccessKeyId=")) || is_v2(head) {
        return s3(bucket);
    }
    if is_form(head) || has_action(query) {
        return of(named("sts"), Protocol::Query);
    }
    google(head).unwrap_or_else(|| s3(bucket))
}

/// Services without a table here whose clients read XML, though they send no form.
const XML_SERVICES: [&str; 3] = ["cloudfront", "route53", "s3-outposts"];

fn by_signing_name(name: String, head: &Parts) -> Asked {
    // S3's control plane signs as S3 does; the account in its own header tells it from a bucket of that name.
    if name == "s3"
        && head.headers.contains_key("x-amz-account-id")
        && head.uri.path().starts_with("/v20180820/")
    {
        return Asked::Unknown { name: "s3control".to_owned(), protocol: Protocol::RestXml };
    }
    let query = head.uri.query().unwrap_or_default();
    let form = is_form(head) || has_action(query);
    let mut candidates = facts().iter().filter(|facts| facts.signing_name == name).peekable();
    if candidates.peek().is_none() {
        let protocol = match form {
            true => Protocol::Query,
            false if XML_SERVICES.contains(&name.as_str()) => Protocol::RestXml,
            false => Protocol::RestJson,
        };
        return Asked::Unknown { name, protocol };
    }
    // API Gateway signs both of its APIs alike; the path tells.
    let second = head.uri.path().starts_with("/v2/") || head.uri.path() == "/v2";
    let rest = |facts: &&Facts| facts.protocols.iter().copied().find(|protocol| is_rest(*protocol));
    let all: Vec<&'static Facts> = candidates.collect();
    let rests: Vec<&'static Facts> = all.iter().copied().filter(|facts| rest(facts).is_some()).collect();
    let found = match (rests.as_slice(), second) {
        ([], _) => all[0],
        ([only], _) => only,
        ([_, newer, ..], true) => newer,
        ([older, ..], false) => older,
    };
    let speaks_query = found.protocols.contains(&Protocol::Query);
    let protocol = match rest(&found) {
        _ if form && speaks_query => Protocol::Query,
        Some(protocol) => protocol,
        None => found.protocols[0],
    };
    Asked::Service(ServiceAsked { facts: found, protocol, bucket: None })
}

fn is_rest(protocol: Protocol) -> bool {
    matches!(protocol, Protocol::RestJson | Protocol::RestXml)
}

fn named(name: &str) -> &'static Facts {
    facts().iter().find(|facts| facts.name == name).expect("the schemas of s3 and sts are embedded")
}

fn by_target(prefix: &str) -> Option<&'static Facts> {
    facts().iter().find(|facts| facts.target_prefix == Some(prefix))
}

/// The service in the scope of a SigV4 credential, read without believing anything.
fn signed_service(head: &Parts) -> Option<String> {
    let in_header = || {
        let text = head.headers.get(http::header::AUTHORIZATION)?.to_str().ok()?;
        let credential = text.strip_prefix("AWS4-")?.split_once("Credential=")?.1;
        Some(credential.split([',', ' ']).next()?.to_owned())
    };
    let in_query = || {
        let mut parts = head.uri.query()?.split('&');
        let credential = parts.find_map(|part| part.strip_prefix("X-Amz-Credential="))?;
        Some(percent_encoding::percent_decode_str(credential).decode_utf8_lossy().into_owned())
    };
    let credential: String = in_header().or_else(in_query)?;
    // AKID/date/region/service/aws4_request; SigV4A has no region.
    credential.trim_end().rsplit('/').nth(1).map(str::to_owned)
}

fn is_v2(head: &Parts) -> bool {
    head.headers.get(http::header::AUTHORIZATION).is_some_and(|value| value.as_bytes().starts_with(b"AWS "))
}

fn json_protocol(head: &Parts) -> Protocol {
    let is_1_0 = content_type(head).is_some_and(|kind| kind.starts_with("application/x-amz-json-1.0"));
    if is_1_0 { Protocol::AwsJson10 } else { Protocol::AwsJson11 }
}

fn content_type(head: &Parts) -> Option<&str> {
    head.headers.get(http::header::CONTENT_TYPE)?.to_str().ok()
}

fn is_form(head: &Parts) -> bool {
    let kind = content_type(head).unwrap_or_default();
    head.method == Method::POST && kind.starts_with("application/x-www-form-urlencoded")
}

fn has_action(query: &str) -> bool {
    let has = |name: &str| query.split('&').any(|part| part.starts_with(name));
    has("Action=") && has("Version=")
}

/// Google's clients carry no Amazon signature, and name one of a few paths or speak gRPC.
fn google(head: &Parts) -> Option<Asked> {
    if content_type(head).is_some_and(|kind| kind.starts_with("application/grpc")) {
        return Some(Asked::Google { grpc: true });
    }
    let path = head.uri.path();
    let roots =
        ["/v1/projects/", "/v2/projects/", "/storage/v1/", "/upload/storage/v1/", "/download/storage/v1/"];
    let token = path == "/token" && head.method == Method::POST;
    let logging = path.starts_with("/v2/entries:");
    (token || logging || roots.iter().any(|root| path.starts_with(root)))
        .then_some(Asked::Google { grpc: false })
}

#[cfg(test)]
mod tests {
    use super::*;

    const V4: &str = "AWS4-HMAC-SHA256 Credential=AK/20260102/us-east-1/SERVICE/aws4_request, SignedHeaders=host, Signature=0";

    /// Method, URI, host, then headers.
    fn ask(line: &str, headers: &[(&str, &str)]) -> String {
        let mut words = line.split(' ');
        let (method, uri) = (words.next().unwrap(), words.next().unwrap());
        let mut request = http::Request::builder().method(method).uri(uri);
        if let Some(host) = words.next() {
            request = request.header("host", host);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let head = request.body(()).unwrap().into_parts().0;
        match plane(&head, &[]) {
            Plane::Service => {}
            other => return format!("{other:?}"),
        }
        match service(&head, &[]) {
            Asked::Service(asked) => {
                let bucket = asked.bucket.map(|bucket| format!(" {bucket}")).unwrap_or_default();
                format!("{} {:?}{bucket}", asked.facts.name, asked.protocol)
            }
            Asked::Unknown { name, protocol } => format!("unknown {name} {protocol:?}"),
            Asked::Google { grpc } => format!("google {grpc}"),
        }
    }

    #[test]
    fn the_order_holds() {
        let signed = |service: &str| V4.replace("SERVICE", service);
        let form = ("content-type", "application/x-www-form-urlencoded; charset=utf-8");
        let json = ("content-type", "application/x-amz-json-1.0");
        for (line, service, headers, expected) in [
            // Data planes, whatever the request holds.
            ("GET / a.execute-api.localhost", "lambda", vec![], "Api { api: \"a\", region: None }"),
            (
                "POST /x i.lambda-url.localhost",
                "lambda",
                vec![("x-amz-target", "AmazonSQS.SendMessage")],
                "FunctionUrl { id: \"i\", region: None }",
            ),
            ("GET /_eddy/health a.execute-api.localhost", "", vec![], "Api { api: \"a\", region: None }"),
            ("GET /_eddy/health x", "", vec![], "House"),
            ("GET /_eddy/health b.localhost", "", vec![], "House"),
            ("GET /key b.localhost", "", vec![], "s3 RestXml b"),
            ("GET /key b.s3.localhost", "s3", vec![], "s3 RestXml b"),
            ("GET /v1/projects/p b.localhost", "", vec![], "s3 RestXml b"),
            (
                "POST / b.localhost",
                "sqs",
                vec![("x-amz-target", "AmazonSQS.SendMessage"), json],
                "sqs AwsJson10",
            ),
            // What only SDKs send.
            (
                "POST /service/GraniteServiceVersion20100801/operation/PutMetricData x",
                "monitoring",
                vec![("smithy-protocol", "rpc-v2-cbor")],
                "cloudwatch Cbor",
            ),
            (
                "POST / x",
                "dynamodb",
                vec![("x-amz-target", "DynamoDB_20120810.ListTables"), json],
                "dynamodb AwsJson10",
            ),
            (
                "POST / x",
                "dynamodb",
                vec![("x-amz-target", "DynamoDBStreams_20120810.ListStreams"), json],
                "dynamodbstreams AwsJson10",
            ),
            ("POST / x", "logs", vec![("x-amz-target", "Logs_20140328.PutLogEvents")], "logs AwsJson11"),
            (
                "POST / x",
                "ecr",
                vec![("x-amz-target", "AmazonEC2ContainerRegistry_V20150921.X")],
                "unknown AmazonEC2ContainerRegistry_V20150921 AwsJson11",
            ),
            // The scope of the signature.
            ("POST / x", "sts", vec![form], "sts Query"),
            ("POST / x", "iam", vec![form], "iam Query"),
            ("POST /000000000000/queue x", "sqs", vec![form], "sqs Query"),
            ("GET /?Action=GetCallerIdentity&Version=2011-06-15 x", "sts", vec![], "sts Query"),
            ("GET /restapis x", "apigateway", vec![], "apigateway RestJson"),
            ("GET /v2/apis x", "apigateway", vec![], "apigatewayv2 RestJson"),
            ("POST /@connections/c x", "execute-api", vec![], "apigatewaymanagementapi RestJson"),
            ("POST /2015-03-31/functions/f/invocations x", "lambda", vec![], "lambda RestJson"),
            ("GET /schedules x", "scheduler", vec![], "scheduler RestJson"),
            ("GET /v1/pipes x", "pipes", vec![], "pipes RestJson"),
            ("GET /service/bucket x", "s3", vec![], "s3 RestXml"),
            ("POST / x", "ec2", vec![form], "unknown ec2 Query"),
            ("GET /things x", "eks", vec![], "unknown eks RestJson"),
            ("GET /2013-04-01/hostedzone x", "route53", vec![], "unknown route53 RestXml"),
            (
                "GET /v20180820/accesspoint x",
                "s3",
                vec![("x-amz-account-id", "1")],
                "unknown s3control RestXml",
            ),
            ("GET /b/k?X-Amz-Credential=AK%2F20260102%2Fr%2Fs3%2Faws4_request x", "", vec![], "s3 RestXml"),
            // Old signatures, unsigned forms, Google, and what is left.
            ("GET /b/k?AWSAccessKeyId=AK&Signature=x&Expires=1 x", "", vec![], "s3 RestXml"),
            ("GET /b/k x", "", vec![("authorization", "AWS AK:sig")], "s3 RestXml"),
            ("POST / x", "", vec![form], "sts Query"),
            ("POST /v2/entries:write x", "", vec![], "google false"),
            ("POST /v2/entries:write x", "apigateway", vec![], "apigatewayv2 RestJson"),
            (
                "POST /google.pubsub.v1.Publisher/Publish x",
                "",
                vec![("content-type", "application/grpc")],
                "google true",
            ),
            ("GET /storage/v1/b x", "", vec![], "google false"),
            ("GET /storage/key x", "", vec![], "s3 RestXml"),
            ("GET / x", "", vec![], "s3 RestXml"),
        ] {
            let authorization = signed(service);
            let mut all = headers;
            if !service.is_empty() {
                all.push(("authorization", &authorization));
            }
            assert_eq!(ask(line, &all), expected, "{line} {service}");
        }
    }
}
