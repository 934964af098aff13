//! A client that does as little as a client can, so that what is measured is the server: one connection, kept
//! open, requests signed as any SDK signs them.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use eddy_base::{Env, System};
use eddy_wire::sign::{self, Credentials};
use http::{HeaderName, HeaderValue, Method, StatusCode, header};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Incoming};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

/// One open connection.
pub struct Connection {
    address: SocketAddr,
    key: Arc<Credentials>,
    env: Arc<System>,
    sender: SendRequest<UnsyncBoxBody<Bytes, Infallible>>,
    driver: JoinHandle<()>,
}

pub struct Answer {
    pub status: StatusCode,
    pub body: Bytes,
    pub error_type: Option<String>,
}

impl Connection {
    /// # Errors
    /// When nothing listens.
    #[expect(clippy::disallowed_methods, reason = "an experiment is no part of what is simulated")]
    pub async fn open(address: SocketAddr, key: Arc<Credentials>) -> Result<Connection, String> {
        let stream = TcpStream::connect(address).await.map_err(|why| why.to_string())?;
        stream.set_nodelay(true).map_err(|why| why.to_string())?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await.map_err(|why| why.to_string())?;
        let driver = tokio::spawn(async move { drop(connection.await) });
        Ok(Connection { address, key, env: Arc::new(System::default()), sender, driver })
    }

    /// One signed request and its whole answer.
    ///
    /// # Errors
    /// When the connection breaks before the answer is whole: what became of the request is unknown.
    pub async fn ask(
        &mut self,
        service: &str,
        method: Method,
        path: &str,
        headers: &[(&'static str, &str)],
        body: Bytes,
    ) -> Result<Answer, String> {
        let payload = sign::Payload::Hash(sign::sha256_hex(&body));
        let head = self.sign(service, method, path, headers, &payload)?;
        self.send(http::Request::from_parts(head, Full::new(body))).await
    }

    /// One request of S3 whose bodies flow both ways: what is sent is not hashed beforehand, and the answer's is the
    /// caller's to read.
    ///
    /// # Errors
    /// As [`Connection::ask`].
    pub async fn flow(
        &mut self,
        method: Method,
        path: &str,
        body: impl Body<Data = Bytes, Error = Infallible> + Send + 'static,
    ) -> Result<http::Response<Incoming>, String> {
        let head = self.sign("s3", method, path, &[], &sign::Payload::Unsigned)?;
        self.sender.ready().await.map_err(|why| why.to_string())?;
        let request = http::Request::from_parts(head, body.boxed_unsync());
        self.sender.send_request(request).await.map_err(|why| why.to_string())
    }

    fn sign(
        &self,
        service: &str,
        method: Method,
        path: &str,
        headers: &[(&'static str, &str)],
        payload: &sign::Payload,
    ) -> Result<http::request::Parts, String> {
        let mut request =
            http::Request::builder().method(method).uri(path).header(header::HOST, self.address.to_string());
        for (name, value) in headers {
            let value = HeaderValue::from_str(value).map_err(|why| why.to_string())?;
            request = request.header(HeaderName::from_static(name), value);
        }
        let (mut head, ()) = request.body(()).map_err(|why| why.to_string())?.into_parts();
        let signer =
            sign::Signer { credentials: &self.key, region: "us-east-1", service, at: self.env.now() };
        signer.sign(&mut head, payload);
        Ok(head)
    }

    /// One request as it is.
    ///
    /// # Errors
    /// As [`Connection::ask`].
    pub async fn send(&mut self, request: http::Request<Full<Bytes>>) -> Result<Answer, String> {
        self.sender.ready().await.map_err(|why| why.to_string())?;
        let response = self.sender.send_request(request.map(BodyExt::boxed_unsync)).await;
        let (head, body) = response.map_err(|why| why.to_string())?.into_parts();
        let body = body.collect().await.map_err(|why| why.to_string())?.to_bytes();
        let error_type = head.headers.get("x-amz-function-error").and_then(|value| value.to_str().ok());
        Ok(Answer { status: head.status, body, error_type: error_type.map(str::to_owned) })
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.driver.abort();
    }
}
