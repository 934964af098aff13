//! Clients: real signed requests over the simulated network, one connection each.

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use eddy_base::Id;
use eddy_base::env::Stream;
use eddy_runtime::Call;
use eddy_wire::sign::{Credentials, Payload, Signer, sha256_hex};
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::sync::mpsc;

use crate::world::World;

/// How long a client waits for an answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);
/// What a connection out of a jail holds in each direction.
const BUFFER_BYTES: usize = 64 * 1024;

/// Somebody who asks.
#[derive(Clone)]
pub struct Client {
    pub world: World,
    pub who: String,
    pub address: SocketAddr,
    pub key: Credentials,
    pub way: Way,
}

/// How a client reaches the server.
#[derive(Clone)]
pub enum Way {
    Network,
    /// The platform's socket in the jail of an environment.
    Jail {
        calls: mpsc::Sender<Call>,
        environment: Id,
    },
}

/// A request before it is signed.
pub struct Ask {
    pub service: &'static str,
    pub method: Method,
    pub path: String,
    pub headers: Vec<(&'static str, String)>,
    pub body: Bytes,
}

/// What a client was told.
pub enum Told {
    Answer(Answer),
    /// The request was not even sent.
    Unreached,
    /// Nobody knows whether it took effect.
    Cut,
}

pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Ask {
    pub fn s3(method: Method, path: impl Into<String>, body: impl Into<Bytes>) -> Ask {
        Ask { service: "s3", method, path: path.into(), headers: Vec::new(), body: body.into() }
    }

    pub fn lambda(method: Method, path: impl Into<String>, document: &Value) -> Ask {
        let body = if document.is_null() { Bytes::new() } else { document.to_string().into() };
        let headers = vec![("content-type", "application/json".to_owned())];
        Ask { service: "lambda", method, path: path.into(), headers, body }
    }

    pub fn logs(operation: &str, document: &Value) -> Ask {
        let headers = vec![
            ("content-type", "application/x-amz-json-1.1".to_owned()),
            ("x-amz-target", format!("Logs_20140328.{operation}")),
        ];
        let body = document.to_string().into();
        Ask { service: "logs", method: Method::POST, path: "/".to_owned(), headers, body }
    }

    /// A request to an HTTP API.
    pub fn api(id: &str, body: &str) -> Ask {
        let (path, headers) =
            (format!("/_eddy/api/{id}/any/where"), vec![("content-type", "text/plain".to_owned())]);
        Ask { service: "execute-api", method: Method::POST, path, headers, body: body.to_owned().into() }
    }

    pub fn iam(form: String) -> Ask {
        let headers = vec![("content-type", "application/x-www-form-urlencoded".to_owned())];
        Ask { service: "iam", method: Method::POST, path: "/".to_owned(), headers, body: form.into() }
    }

    #[must_use]
    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Ask {
        self.headers.push((name, value.into()));
        self
    }
}

impl Answer {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The text of the first element of that name.
    pub fn xml(&self, name: &str) -> Option<String> {
        let text = String::from_utf8_lossy(&self.body);
        let (_, rest) = text.split_once(&format!("<{name}>"))?;
        Some(rest.split_once(&format!("</{name}>"))?.0.to_owned())
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let body = &self.body[..self.body.len().min(300)];
        write!(f, "{} {}", self.status.as_u16(), String::from_utf8_lossy(body))
    }
}

impl Client {
    /// Asks once and tells what came of it.
    pub async fn send(&self, ask: Ask) -> Told {
        let what = format!("{} {} {}", ask.service, ask.method, ask.path);
        self.world.note(format_args!("{} > {what} {} bytes", self.who, ask.body.len()));
        let told = tokio::select! {
            biased;
            told = self.exchange(ask) => told,
            () = self.world.sleep(ANSWER_WITHIN) => Told::Cut,
        };
        match &told {
            Told::Answer(answer) => {
                let hash = sha256_hex(&answer.body);
                let (status, bytes) = (answer.status.as_u16(), answer.body.len());
                self.world.note(format_args!(
                    "{} < {what}: {status} {bytes} bytes {}",
                    self.who,
                    &hash[..16]
                ));
            }
            Told::Unreached => self.world.note(format_args!("{} < {what}: not reached", self.who)),
            Told::Cut => self.world.note(format_args!("{} < {what}: no answer", self.who)),
        }
        told
    }

    async fn exchange(&self, ask: Ask) -> Told {
        let Some(stream) = self.connect().await else { return Told::Unreached };
        let Ok((mut sender, connection)) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await
        else {
            return Told::Unreached;
        };
        // Ends with the exchange, or with the wire.
        let connection = tokio::spawn(async move { drop(connection.await) });
        let told = match sender.send_request(self.signed(ask)).await {
            Ok(response) => {
                let (head, body) = response.into_parts();
                match body.collect().await {
                    Ok(body) => Told::Answer(Answer {
                        status: head.status,
                        headers: head.headers,
                        body: body.to_bytes(),
                    }),
                    Err(_) => Told::Cut,
                }
            }
            Err(_) => Told::Cut,
        };
        connection.abort();
        told
    }

    async fn connect(&self) -> Option<Box<dyn Stream>> {
        match &self.way {
            Way::Network => self.world.net.connect(&self.world, self.address).await.ok(),
            Way::Jail { calls, environment } => {
                let (ours, theirs) = tokio::io::duplex(BUFFER_BYTES);
                calls.try_send(Call { environment: *environment, stream: Box::new(theirs) }).ok()?;
                Some(Box::new(ours))
            }
        }
    }

    fn signed(&self, ask: Ask) -> Request<Full<Bytes>> {
        let mut request = Request::builder()
            .method(ask.method.clone())
            .uri(ask.path)
            .header("host", self.address.to_string());
        // hyper sends no length of an empty body, and S3 wants one.
        if ask.method == Method::PUT || ask.method == Method::POST {
            request = request.header("content-length", ask.body.len());
        }
        for (name, value) in ask.headers {
            request = request.header(name, value);
        }
        let (mut head, ()) =
            request.body(()).expect("requests of the simulation are well formed").into_parts();
        let payload = Payload::Hash(sha256_hex(&ask.body));
        let signer = Signer {
            credentials: &self.key,
            region: "us-east-1",
            service: ask.service,
            at: self.world.now(),
        };
        signer.sign(&mut head, &payload);
        Request::from_parts(head, Full::new(ask.body))
    }
}
