//! What every test here stands on.

use std::io::{Cursor, Write};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use eddy_base::{Cause, Env, Fault, Id, Scope, System};
use eddy_bus::Bus;
use eddy_functions::function::{Auth, Cors, Settings, Statement, Variables};
use eddy_functions::{Functions, Parts, Tags};
use eddy_gateway::{
    Answer, Config, Dialect, Edit, Format, Front, Gateway, Head, Malformed, NewApi, NewIntegration, NewStage,
    Permission, Plan, Refusal, Request, Stage, Target, Via,
};
use eddy_identity::policy::Context;
use eddy_identity::{Caller, Identity};
use eddy_runtime::testing::{Act, InTest, Scene};
use eddy_runtime::{Event, Runtime};
use eddy_store::Store;
use eddy_telemetry::Telemetry;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode, Version};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

pub struct Bench {
    pub gateway: Gateway,
    pub functions: Functions,
    pub store: Store,
    _folder: tempfile::TempDir,
}

impl Bench {
    pub async fn new() -> Bench {
        let env: Arc<dyn Env> = Arc::new(System::default());
        let folder = tempfile::tempdir().unwrap();
        let spaces = [
            eddy_functions::SPACES,
            eddy_bus::SPACES,
            eddy_identity::SPACES,
            eddy_telemetry::SPACES,
            eddy_gateway::SPACES,
        ];
        let store = eddy_store::testing::open_in(
            env.clone(),
            spaces.concat(),
            [eddy_bus::updates(), eddy_telemetry::updates()].concat(),
        );
        let bus = Bus::open(store.clone()).unwrap();
        let parts = Parts {
            store: store.clone(),
            bus,
            telemetry: Telemetry::open(store.clone()),
            identity: Identity::open(store.clone(), folder.path()).await.unwrap(),
            jail: Arc::new(InTest::new(env, Arc::new(|scene, event| Box::pin(act(scene, event))))),
            dialect: eddy_functions::Dialect {
                log_group: |name| format!("/functions/{name}"),
                arn: |_, name, _| name.to_owned(),
                runtime: |_| Some(Runtime::Python { minor: 13 }),
            },
            code_folder: folder.path().join("code"),
            environments_max: 100,
        };
        let functions = Functions::open(parts).unwrap();
        let gateway = Gateway::open(store.clone(), functions.clone(), DIALECT);
        Bench { gateway, functions, store, _folder: folder }
    }

    /// A function that the gateway may invoke, unless `may` is false.
    pub async fn function(&self, name: &str, may: bool) {
        let mut upload = self.functions.upload().await.unwrap();
        upload.write(zip().into()).await.unwrap();
        let package = upload.finish().await.unwrap();
        let settings = Settings {
            runtime: "python3.13".to_owned(),
            handler: "app.handler".to_owned(),
            role: "arn:aws:iam::000000000000:role/r".to_owned(),
            description: String::new(),
            timeout_seconds: 3,
            memory_mb: 128,
            tmp_mb: 512,
            variables: Variables::default(),
            logging: None,
        };
        self.functions.create(&scope(), name, settings, &package, Tags::default()).await.unwrap();
        if may {
            self.allow(name, "gate", r#"{"Service":"gateway.amazonaws.com"}"#, "x:Invoke").await;
        }
    }

    pub async fn allow(&self, name: &str, id: &str, principal: &str, action: &str) {
        let json = format!(
            r#"{{"Sid":"{id}","Effect":"Allow","Principal":{principal},"Action":"{action}","Resource":"arn:x:{name}"}}"#
        );
        let statement = Statement { id: id.to_owned(), json };
        self.functions.add_statement(&scope(), name, None, statement).await.unwrap();
    }

    pub async fn url(&self, name: &str, auth: Auth, cors: Option<Cors>) -> String {
        let made = self.functions.create_url(&scope(), name, auth, cors).await.unwrap();
        made.value().id.clone()
    }

    /// An API of which each key leads to the function named beside it, deployed at once as `$default`.
    pub async fn api(&self, routes: &[(&str, &str)]) -> Config {
        let build = |edit: &mut Edit<'_>| {
            for (key, function) in routes {
                let to = edit.add_integration(integration(function))?;
                edit.add_route(key, Some(&to.id), None, false)?;
            }
            edit.add_stage(stage(Stage::DEFAULT, true))
        };
        let new = NewApi { name: "api".to_owned(), ..NewApi::default() };
        self.gateway.create(&scope(), new, build).await.unwrap().into_parts().0
    }

    /// Changes an API and gives back what it is then.
    pub async fn change(
        &self,
        api: &str,
        change: impl Fn(&mut Edit<'_>) -> Result<(), Fault>,
    ) -> Result<Config, Fault> {
        let durable = self.gateway.change(&scope(), api, change).await?;
        Ok(durable.into_parts().0.0)
    }

    pub async fn ask(&self, api: &str, method: &str, path: &str) -> Answer {
        self.run(self.gateway.api(api, head(method, path, &[])), "", None).await
    }

    pub async fn run(&self, plan: Plan, body: &str, caller: Option<&Caller>) -> Answer {
        match plan {
            Plan::Answer(answer) => answer,
            Plan::Call(call) => call.run(Bytes::copy_from_slice(body.as_bytes()), caller).await,
        }
    }
}

pub fn text(answer: &Answer) -> (u16, String) {
    let body = String::from_utf8_lossy(answer.response.body()).into_owned();
    (answer.response.status().as_u16(), body)
}

pub fn head(method: &str, path: &str, headers: &[(&'static str, &'static str)]) -> Head {
    let id = Id::random(&System::default());
    let pairs =
        headers.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
    Head {
        id,
        at: System::default().now(),
        cause: Cause::root(id),
        method: Method::from_bytes(method.as_bytes()).unwrap(),
        path: path.to_owned(),
        query: String::new(),
        headers: HeaderMap::from_iter(pairs),
        trace: "Root=1-5e6b2b5e-111111111111111111111111".to_owned(),
        version: Version::HTTP_11,
        source: IpAddr::V4(Ipv4Addr::LOCALHOST),
        domain: "api.test".to_owned(),
        port: 80,
    }
}

pub fn integration(function: &str) -> NewIntegration {
    NewIntegration {
        uri: function.to_owned(),
        format: Format::Two,
        timeout_millis: 30_000,
        description: None,
        method: None,
        managed: false,
    }
}

pub fn stage(name: &str, auto_deploy: bool) -> NewStage {
    NewStage {
        name: name.to_owned(),
        deployment: None,
        auto_deploy,
        variables: Vec::new(),
        description: None,
        tags: Vec::new(),
        managed: false,
    }
}

pub fn scope() -> Scope {
    Scope { account: Default::default(), region: Default::default() }
}

/// A dialect as plain as can be. Events are `stage|route|path|variables|body`, answers are bodies.
const DIALECT: Dialect = Dialect {
    target: |uri| {
        let named = !uri.is_empty() && !uri.starts_with('!');
        named.then(|| Target { scope: scope(), name: uri.to_owned(), qualifier: None })
    },
    document,
    response: |_, answer| match answer {
        b"\"no http\"" => Err(Malformed("the test says so")),
        answer => {
            let mut response = Response::new(Bytes::copy_from_slice(answer));
            let origin = HeaderValue::from_static("of-the-function");
            response.headers_mut().insert("access-control-allow-origin", origin);
            Ok(response)
        }
    },
    refusal: |front, why| {
        let mut response = Response::new(Bytes::from(format!("{front:?} {why:?}")));
        *response.status_mut() = match why {
            Refusal::NotFound => StatusCode::NOT_FOUND,
            Refusal::Malformed => StatusCode::BAD_REQUEST,
            Refusal::Forbidden => StatusCode::FORBIDDEN,
            Refusal::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Refusal::Throttled => StatusCode::TOO_MANY_REQUESTS,
            Refusal::Failed if front == Front::Url => StatusCode::BAD_GATEWAY,
            Refusal::Failed => StatusCode::INTERNAL_SERVER_ERROR,
            Refusal::Late | Refusal::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        };
        response
    },
    stamp: |_, id, headers| {
        headers.insert("request-id", HeaderValue::from_str(&id.to_string()).unwrap());
    },
    permissions: |request| {
        let caller = match &request.via {
            Via::Api { .. } => Caller::Service("gateway.amazonaws.com".to_owned()),
            Via::Url { caller } => caller.cloned().unwrap_or(Caller::Anonymous),
        };
        let (resource, context) = (format!("arn:x:{}", request.target.name), Context::new());
        vec![Permission { caller, action: "x:Invoke", resource, context }]
    },
    hint: |request| (!request.body.is_empty()).then(|| "there was a body".to_owned()),
};

fn document(request: &Request<'_>) -> Bytes {
    let body = String::from_utf8_lossy(request.body);
    let event = match &request.via {
        Via::Api { stage, route_key, path_variables, stage_variables, .. } => {
            format!("{stage}|{route_key}|{}|{path_variables:?}|{stage_variables:?}|{body}", request.path)
        }
        Via::Url { caller } => format!("url|{}|{}|{body}", request.path, caller.is_some()),
    };
    serde_json::to_vec(&event).unwrap().into()
}

/// What a guest does is the last part of its event: raise, hang, garbage; anything else is sent back.
async fn act(_: Scene, event: Event) -> Act {
    let asked: String = serde_json::from_slice(&event.payload).unwrap();
    match asked.rsplit('|').next().unwrap_or_default() {
        "raise" => Act::Raise { error_type: "KeyError".to_owned(), message: "'x'".to_owned() },
        "hang" => Act::Hang,
        "slow" => {
            System::default().sleep(Duration::from_millis(400)).await;
            Act::Reply("\"late\"".into())
        }
        "no http" => Act::Reply("\"no http\"".into()),
        _ => Act::Reply(event.payload),
    }
}

fn zip() -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    writer.start_file("app.py", SimpleFileOptions::default()).unwrap();
    writer.write_all(b"x").unwrap();
    writer.finish().unwrap().into_inner()
}
