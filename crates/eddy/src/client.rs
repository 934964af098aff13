//! The verbs' client: signed requests to the server of a data folder, as root.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use eddy_base::{Env, Region, System, Timestamp};
use eddy_identity::RootKey;
use eddy_wire::sign;
use http::{HeaderName, HeaderValue, Method, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

/// An answer of one document is at most this large; logs and payloads stay far below.
const ANSWER_BYTES_MAX: usize = 32 * 1024 * 1024;

/// Everything but the unreserved characters of RFC 3986.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// A text as one segment of a path, or one value of a query.
pub fn escape(text: &str) -> String {
    utf8_percent_encode(text, ESCAPED).to_string()
}

/// Why a request brought no answer, or not the one that was hoped for.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("cannot reach eddy at {address}: {why}")]
    Unreachable { address: SocketAddr, why: String },
    #[error("{code}: {message}")]
    Refused { code: String, message: String },
    #[error("an answer that is not understood: {0}")]
    Garbled(String),
    #[error("{0}")]
    Key(String),
}

/// What a verb asks.
pub struct Request {
    service: &'static str,
    method: Method,
    path_and_query: String,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
}

impl Request {
    pub fn get(service: &'static str, path_and_query: impl Into<String>) -> Request {
        Request::new(service, Method::GET, path_and_query.into())
    }

    pub fn post(service: &'static str, path_and_query: impl Into<String>) -> Request {
        Request::new(service, Method::POST, path_and_query.into())
    }

    /// An operation of a JSON service, by its target.
    pub fn target(service: &'static str, target: &'static str, document: &Value) -> Request {
        Request::post(service, "/")
            .header("x-amz-target", target)
            .header("content-type", "application/x-amz-json-1.1")
            .body(document.to_string().into_bytes())
    }

    pub fn new(service: &'static str, method: Method, path_and_query: String) -> Request {
        Request { service, method, path_and_query, headers: Vec::new(), body: Vec::new() }
    }

    #[must_use]
    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Request {
        self.headers.push((name, value.into()));
        self
    }

    #[must_use]
    pub fn body(mut self, body: Vec<u8>) -> Request {
        self.body = body;
        self
    }
}

/// A whole answer.
pub struct Answer {
    pub status: StatusCode,
    pub headers: http::HeaderMap,
    pub body: Bytes,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    pub fn json(&self) -> Result<Value, Error> {
        serde_json::from_slice(&self.body).map_err(|why| Error::Garbled(why.to_string()))
    }

    /// Itself when it is a success, else the error that it carries, whichever protocol it is in.
    pub fn checked(self) -> Result<Answer, Error> {
        if self.status.is_success() {
            return Ok(self);
        }
        let document: Value = serde_json::from_slice(&self.body).unwrap_or_default();
        let named =
            |names: &[&str]| names.iter().find_map(|name| document[*name].as_str()).map(str::to_owned);
        let code =
            self.header("x-amzn-errortype").map(str::to_owned).or_else(|| named(&["__type", "code", "Code"]));
        let message = named(&["message", "Message"]);
        Err(Error::Refused {
            code: code.unwrap_or_else(|| self.status.to_string()),
            message: message.unwrap_or_else(|| String::from_utf8_lossy(&self.body).into_owned()),
        })
    }
}

/// Lines of an answer that goes on.
pub struct Lines {
    body: Incoming,
    rest: BytesMut,
}

impl Lines {
    /// The next line, without its end; nothing when the server ends the answer.
    pub async fn next(&mut self) -> Result<Option<Bytes>, Error> {
        loop {
            if let Some(end) = self.rest.iter().position(|byte| *byte == b'\n') {
                let line = self.rest.split_to(end + 1);
                return Ok(Some(line.freeze().slice(..end)));
            }
            match self.body.frame().await {
                None => return Ok(None),
                Some(Ok(frame)) => self.rest.extend_from_slice(&frame.into_data().unwrap_or_default()),
                Some(Err(why)) => return Err(Error::Garbled(why.to_string())),
            }
        }
    }
}

/// A client with root's key.
pub struct Client {
    address: SocketAddr,
    region: Region,
    key: sign::Credentials,
    env: System,
}

impl Client {
    /// # Errors
    /// When the folder's key cannot be read.
    pub fn of_folder(folder: &Path, address: SocketAddr, region: Region) -> Result<Client, Error> {
        let key = RootKey::read(folder).map_err(|why| Error::Key(why.to_string()))?;
        let key = key.ok_or_else(|| Error::Key(format!("{} has no key", folder.display())))?;
        let key = sign::Credentials { access_key: key.access_key, secret_key: key.secret_key, token: None };
        Ok(Client { address, region, key, env: System::default() })
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    pub fn now(&self) -> Timestamp {
        self.env.now()
    }

    /// What SDKs need to find and to trust this server.
    pub fn variables(&self) -> Vec<(&'static str, String)> {
        vec![
            ("AWS_ENDPOINT_URL", format!("http://{}", self.address)),
            ("AWS_ACCESS_KEY_ID", self.key.access_key.clone()),
            ("AWS_SECRET_ACCESS_KEY", self.key.secret_key.clone()),
            ("AWS_DEFAULT_REGION", self.region.to_string()),
            ("AWS_REGION", self.region.to_string()),
            // Host prefixes such as `sync-127.0.0.1` resolve nowhere.
            ("AWS_DISABLE_HOST_PREFIX_INJECTION", "true".to_owned()),
            // The metadata service of a cloud machine is not asked when the key is here.
            ("AWS_EC2_METADATA_DISABLED", "true".to_owned()),
        ]
    }

    /// A URL that lets whoever has it do one thing with one object for `seconds`.
    pub fn presign(&self, method: Method, path: &str, seconds: u32) -> Result<String, Error> {
        let uri = format!("http://{}{path}", self.address)
            .parse()
            .map_err(|why| Error::Garbled(format!("{path}: {why}")))?;
        Ok(self.signer("s3").presign(method, &uri, Duration::from_secs(seconds.into())))
    }

    fn signer(&self, service: &'static str) -> sign::Signer<'_> {
        sign::Signer { credentials: &self.key, region: self.region.as_str(), service, at: self.env.now() }
    }

    /// Sends a request and reads the answer whole.
    pub async fn send(&self, request: Request) -> Result<Answer, Error> {
        let (head, body) = self.open(request).await?.into_parts();
        let body = http_body_util::Limited::new(body, ANSWER_BYTES_MAX).collect().await;
        let body = body.map_err(|why| Error::Garbled(why.to_string()))?.to_bytes();
        Ok(Answer { status: head.status, headers: head.headers, body })
    }

    /// Sends a request whose answer comes line by line.
    pub async fn stream(&self, request: Request) -> Result<Lines, Error> {
        let response = self.open(request).await?;
        if response.status().is_success() {
            return Ok(Lines { body: response.into_body(), rest: BytesMut::new() });
        }
        let (head, body) = response.into_parts();
        let body = body.collect().await.map_err(|why| Error::Garbled(why.to_string()))?.to_bytes();
        let answer = Answer { status: head.status, headers: head.headers, body };
        answer.checked().and(Err(Error::Garbled("a success that is none".to_owned())))
    }

    async fn open(&self, request: Request) -> Result<http::Response<Incoming>, Error> {
        let unreachable =
            |why: &dyn std::fmt::Display| Error::Unreachable { address: self.address, why: why.to_string() };
        let stream = tokio::net::TcpStream::connect(self.address).await.map_err(|why| unreachable(&why))?;
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
            .await
            .map_err(|why| unreachable(&why))?;
        // Ends with the answer's body.
        self.env.spawn("client connection", Box::pin(async move { drop(connection.await) })).detach();
        sender.send_request(self.signed(request)?).await.map_err(|why| unreachable(&why))
    }

    fn signed(&self, request: Request) -> Result<http::Request<Full<Bytes>>, Error> {
        let service = request.service;
        let mut signed = http::Request::builder()
            .method(request.method)
            .uri(request.path_and_query)
            .header(header::HOST, self.address.to_string());
        for (name, value) in request.headers {
            let value = HeaderValue::try_from(value).map_err(|why| Error::Garbled(why.to_string()))?;
            signed = signed.header(HeaderName::from_static(name), value);
        }
        let signed = signed.body(()).map_err(|why| Error::Garbled(why.to_string()))?;
        let (mut head, ()) = signed.into_parts();
        let payload = sign::Payload::Hash(sign::sha256_hex(&request.body));
        self.signer(service).sign(&mut head, &payload);
        Ok(http::Request::from_parts(head, Full::new(Bytes::from(request.body))))
    }
}
