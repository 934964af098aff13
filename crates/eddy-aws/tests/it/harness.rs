//! A front over a real store, and a client that signs.

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use bytes::Bytes;
use eddy_aws::{Auth, Engines, Front, Peer, Settings};
use eddy_base::{Env, Region, System};
use eddy_bus::Bus;
use eddy_functions::{Functions, Parts};
use eddy_gateway::Gateway;
use eddy_identity::Identity;
use eddy_objects::Objects;
use eddy_runtime::testing::{Act, InTest, Script};
use eddy_telemetry::Telemetry;
use eddy_wire::sign::{Credentials, Payload, Signer, sha256_hex};
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use serde_json::Value;

pub struct House {
    pub front: Front,
    _folder: tempfile::TempDir,
}

/// An answer that has been read.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: http::HeaderMap,
    pub body: String,
}

pub const HOST: &str = "127.0.0.1:4566";

pub async fn open() -> House {
    open_with(Auth::Enforce).await
}

pub async fn open_with(auth: Auth) -> House {
    open_in(auth, Arc::new(System::default())).await
}

pub async fn open_in(auth: Auth, env: Arc<dyn Env>) -> House {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let spaces = [
        eddy_bus::SPACES,
        eddy_functions::SPACES,
        eddy_gateway::SPACES,
        eddy_identity::SPACES,
        eddy_objects::SPACES,
        eddy_telemetry::SPACES,
    ];
    let updates = [eddy_bus::updates(), eddy_objects::updates(), eddy_telemetry::updates()];
    let store = eddy_store::testing::open_in(env.clone(), spaces.concat(), updates.concat());
    let identity = Identity::open(store.clone(), folder.path()).await.expect("a new folder opens");
    let telemetry = Telemetry::open(store.clone());
    let bus = Bus::open(store.clone()).expect("a new store opens");
    let objects = Objects::open(store.clone(), bus.clone()).await.expect("a new store opens");
    let functions = Functions::open(Parts {
        store: store.clone(),
        bus: bus.clone(),
        telemetry: telemetry.clone(),
        identity: identity.clone(),
        jail: Arc::new(InTest::new(env, script())),
        dialect: eddy_aws::lambda::dialect(),
        code_folder: folder.path().join("code"),
        environments_max: 10,
    });
    let functions = functions.expect("a new folder opens");
    bus.attach(functions.target(), HashMap::new());
    let gateway = Gateway::open(store.clone(), functions.clone(), eddy_aws::http_event::DIALECT);
    let settings = Settings { auth, domains: Vec::new(), region: Region::default() };
    let engines = Engines { store, identity, telemetry, objects, functions, gateway, settings };
    House { front: Front::new(Arc::new(engines)), _folder: folder }
}

/// Functions that print, and say what they were sent and how they were called; or raise when told to.
fn script() -> Script {
    Arc::new(|scene, event| {
        Box::pin(async move {
            scene.print("printed");
            let asked: Value = serde_json::from_slice(&event.payload).unwrap_or_default();
            if asked == "raise" {
                return Act::Raise { error_type: "KeyError".to_owned(), message: "'x'".to_owned() };
            }
            let context: Option<Value> =
                event.client_context.and_then(|text| serde_json::from_str(&text).ok());
            let seen = serde_json::json!({
                "event": asked,
                "arn": event.function_arn,
                "request": event.request.to_string(),
                "environment": scene.spec.environment.to_string(),
                "context": context,
                "variables": scene.spec.variables,
            });
            Act::Reply(seen.to_string().into())
        })
    })
}

impl House {
    /// The root key.
    pub fn root(&self) -> Credentials {
        let root = self.front.engines().identity.root();
        Credentials { access_key: root.access_key.clone(), secret_key: root.secret_key.clone(), token: None }
    }

    /// Sends a request as it is.
    pub async fn send<B>(&self, request: Request<B>) -> Answer
    where
        B: http_body::Body<Data = Bytes> + Send + 'static,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        self.send_from(Peer::outside(SocketAddr::from((Ipv4Addr::LOCALHOST, 1))), request).await
    }

    pub async fn send_from<B>(&self, peer: Peer, request: Request<B>) -> Answer
    where
        B: http_body::Body<Data = Bytes> + Send + 'static,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        read(self.front.serve(request, peer).await).await
    }

    /// Sends a request that is for the data plane.
    pub async fn ask(&self, request: Request<Bytes>) -> Answer {
        let peer = Peer::outside(SocketAddr::from((Ipv4Addr::LOCALHOST, 1)));
        let (head, body) = request.into_parts();
        let door = eddy_aws::http_event::door(&self.front, &head).expect("an API or a URL");
        let request = Request::from_parts(head, Full::new(body));
        read(eddy_aws::http_event::serve(&self.front, door, request, peer).await).await
    }

    /// Signs as root and sends.
    pub async fn signed(&self, service: &str, request: Request<Bytes>) -> Answer {
        self.signed_by(&self.root(), service, request).await
    }

    pub async fn signed_by(
        &self,
        credentials: &Credentials,
        service: &str,
        request: Request<Bytes>,
    ) -> Answer {
        let request = self.sign(credentials, service, request);
        self.send(request.map(Full::new)).await
    }

    pub fn sign(&self, credentials: &Credentials, service: &str, request: Request<Bytes>) -> Request<Bytes> {
        let at = self.front.engines().store.env().now();
        let (mut head, body) = request.into_parts();
        head.headers.entry("host").or_insert(HOST.parse().expect("a host"));
        let payload = Payload::Hash(sha256_hex(&body));
        Signer { credentials, region: "us-east-1", service, at }.sign(&mut head, &payload);
        Request::from_parts(head, body)
    }

    /// Calls a restJson operation as root.
    pub async fn json(&self, service: &str, method: &str, uri: &str, body: Value) -> Answer {
        let body = if body.is_null() { Bytes::new() } else { body.to_string().into() };
        let request = Request::builder().method(method).uri(uri).header("host", HOST);
        let request = request.header("content-type", "application/json").body(body);
        self.signed(service, request.expect("a request")).await
    }

    /// Calls an awsQuery operation as root.
    pub async fn query(
        &self,
        service: &str,
        version: &str,
        action: &str,
        parameters: &[(&str, &str)],
    ) -> Answer {
        self.signed(service, form(version, action, parameters)).await
    }
}

/// A form as SDKs send it, unsigned.
pub fn form(version: &str, action: &str, parameters: &[(&str, &str)]) -> Request<Bytes> {
    let mut body = format!("Action={action}&Version={version}");
    for (name, value) in parameters {
        let value = percent_encoding::utf8_percent_encode(value, percent_encoding::NON_ALPHANUMERIC);
        body.push_str(&format!("&{name}={value}"));
    }
    let kind = "application/x-www-form-urlencoded; charset=utf-8";
    let request = Request::post("/").header("host", HOST).header("content-type", kind);
    request.body(Bytes::from(body)).expect("a request")
}

async fn read(response: Response<eddy_wire::Outgoing>) -> Answer {
    let (head, body) = response.into_parts();
    let body = body.collect().await.expect("the body is whole").to_bytes();
    let body = String::from_utf8_lossy(&body).into_owned();
    Answer { status: head.status, headers: head.headers, body }
}

impl Answer {
    /// The body, which is JSON.
    pub fn document(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|why| panic!("{why}: {self:?}"))
    }

    /// The text of an element of an XML answer.
    pub fn xml(&self, name: &str) -> Option<&str> {
        let (_, rest) = self.body.split_once(&format!("<{name}>"))?;
        rest.split_once(&format!("</{name}>")).map(|(text, _)| text)
    }

    /// The error's code, wherever the protocol has it.
    pub fn code(&self) -> String {
        if let Some(code) = self.xml("Code") {
            return code.to_owned();
        }
        let header = Some(self.header("x-amzn-errortype")).filter(|code| !code.is_empty());
        let body: Option<serde_json::Value> = serde_json::from_str(&self.body).ok();
        let in_body = body.as_ref().and_then(|body| body["__type"].as_str());
        // CBOR is no text, but its errors say their awsQuery code in a header as well.
        let in_query = self.header("x-amzn-query-error").split(';').next();
        header.or(in_body).or(in_query).unwrap_or_default().rsplit('#').next().unwrap_or_default().to_owned()
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}
