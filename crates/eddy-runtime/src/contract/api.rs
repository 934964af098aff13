//! The Runtime API: HTTP on a socket inside the jail, for official runtime clients and `bootstrap` executables.
//!
//! One invocation is under way at a time. The first `next` says that the init is over. Response streaming and the
//! calls of extensions and snapshots are refused by name.

use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard};

use bytes::Bytes;
use eddy_base::{Env, Id};
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::sync::{Notify, Semaphore};

use super::{Answer, error_type};
use crate::limits::{ACCEPT_AGAIN, API_CONNECTIONS_MAX, ERROR_BYTES_MAX, RESPONSE_BYTES_MAX};
use crate::{Event, Reply};

/// The state of one guest's conversation.
#[derive(Debug, Default)]
pub(crate) struct Api {
    state: Mutex<State>,
    event: Notify,
    answer: Notify,
}

#[derive(Debug, Default)]
struct State {
    /// Has `next` been called?
    ready: bool,
    /// Handed to the next `next`.
    pending: Option<Event>,
    /// Handed out, not answered yet.
    running: Option<Id>,
    /// For whoever waits in [`Api::answer`].
    said: Option<Answer>,
}

type Body = Full<Bytes>;

impl Api {
    /// Puts an event where `next` finds it.
    pub(crate) fn send(&self, event: Event) {
        let mut state = self.state();
        state.said = None;
        state.pending = Some(event);
        drop(state);
        self.event.notify_one();
    }

    /// What the guest says next. Never [`Answer::Gone`]: only the end of the process tells that.
    pub(crate) async fn answer(&self) -> Answer {
        loop {
            let answered = self.answer.notified();
            if let Some(said) = self.state().said.take() {
                return said;
            }
            answered.await;
        }
    }

    /// Serves the guest until the task is dropped.
    pub(crate) async fn serve(self: Arc<Api>, env: Arc<dyn Env>, listener: TcpListener) {
        let connections = Arc::new(Semaphore::new(API_CONNECTIONS_MAX));
        loop {
            let Ok(permit) = connections.clone().acquire_owned().await else { return };
            let Ok((stream, _)) = listener.accept().await else {
                // A connection that was broken off, or no descriptors left for a while.
                env.sleep(ACCEPT_AGAIN).await;
                continue;
            };
            // Events are small and awaited: no reason to hold them back.
            let _ = stream.set_nodelay(true);
            let api = self.clone();
            let connection = async move {
                let _permit = permit;
                let service = service_fn(move |request| {
                    let api = api.clone();
                    async move { Ok::<_, Infallible>(api.handle(request).await) }
                });
                // A guest that breaks its connection off has made its own trouble.
                let _ = hyper::server::conn::http1::Builder::new()
                    .serve_connection(TokioIo::new(stream), service)
                    .await;
            };
            env.spawn("runtime api", Box::pin(connection)).detach();
        }
    }

    async fn handle(&self, request: Request<Incoming>) -> Response<Body> {
        let path = request.uri().path().to_owned();
        let Some(call) = path.strip_prefix("/2018-06-01/") else {
            return refusal(
                StatusCode::NOT_FOUND,
                "Unsupported",
                "eddy serves the Runtime API of 2018-06-01 only",
            );
        };
        let parts: Vec<&str> = call.split('/').collect();
        match (request.method(), parts.as_slice()) {
            (&Method::GET, ["ping"]) => text(StatusCode::OK, "pong"),
            (&Method::GET, ["runtime", "invocation", "next"]) => self.next().await,
            (&Method::POST, ["runtime", "invocation", id, "response"]) => {
                let id = (*id).to_owned();
                self.response(&id, request).await
            }
            (&Method::POST, ["runtime", "invocation", id, "error"]) => {
                let id = (*id).to_owned();
                self.error(&id, request).await
            }
            (&Method::POST, ["runtime", "init", "error"]) => self.init_error(request).await,
            _ => refusal(StatusCode::NOT_FOUND, "Unsupported", "eddy has no such call in its Runtime API"),
        }
    }

    async fn next(&self) -> Response<Body> {
        {
            let mut state = self.state();
            if state.running.is_some() {
                return refusal(
                    StatusCode::FORBIDDEN,
                    "InvalidStateTransition",
                    "Transition from Invoking to Ready is not allowed before the invocation is answered",
                );
            }
            if !state.ready {
                state.ready = true;
                self.say(&mut state, Answer::Ready);
            }
        }
        loop {
            let arrived = self.event.notified();
            if let Some(event) = self.take_event() {
                return event_response(event);
            }
            arrived.await;
        }
    }

    fn take_event(&self) -> Option<Event> {
        let mut state = self.state();
        let event = state.pending.take()?;
        state.running = Some(event.request);
        Some(event)
    }

    async fn response(&self, id: &str, request: Request<Incoming>) -> Response<Body> {
        if !self.is_running(id) {
            return no_such_request();
        }
        if request.headers().contains_key("lambda-runtime-function-response-mode") {
            return refusal(
                StatusCode::BAD_REQUEST,
                "InvalidFunctionResponseMode",
                "eddy does not stream responses yet",
            );
        }
        let content_type = header(request.headers(), "content-type").unwrap_or("application/json").to_owned();
        match collect(request, RESPONSE_BYTES_MAX).await {
            Ok(payload) => self.finish(id, Answer::Reply(Reply { payload, content_type }), accepted()),
            Err(Cut::TooLong(bytes)) => self.finish(
                id,
                Answer::TooLarge { bytes },
                refusal(StatusCode::PAYLOAD_TOO_LARGE, "RequestEntityTooLarge", "the response is too large"),
            ),
            Err(Cut::Short) => self.finish(
                id,
                Answer::Garbled,
                refusal(StatusCode::BAD_REQUEST, "TruncatedHTTPRequest", "the response was cut off"),
            ),
        }
    }

    async fn error(&self, id: &str, request: Request<Incoming>) -> Response<Body> {
        if !self.is_running(id) {
            return no_such_request();
        }
        match reported(request).await {
            Ok((error_type, payload)) => self.finish(id, Answer::Raised { error_type, payload }, accepted()),
            Err(refused) => refused,
        }
    }

    async fn init_error(&self, request: Request<Incoming>) -> Response<Body> {
        if self.state().ready {
            return refusal(StatusCode::FORBIDDEN, "InvalidStateTransition", "the init is over");
        }
        match reported(request).await {
            Ok((error_type, payload)) => {
                self.say(&mut self.state(), Answer::InitFailed { error_type, payload });
                accepted()
            }
            Err(refused) => refused,
        }
    }

    /// Answers the invocation, if it is still the one under way.
    fn finish(&self, id: &str, answer: Answer, response: Response<Body>) -> Response<Body> {
        let mut state = self.state();
        if state.running.is_none_or(|running| running.to_string() != id) {
            return no_such_request();
        }
        state.running = None;
        self.say(&mut state, answer);
        response
    }

    fn say(&self, state: &mut State, answer: Answer) {
        state.said = Some(answer);
        self.answer.notify_one();
    }

    fn is_running(&self, id: &str) -> bool {
        self.state().running.is_some_and(|running| running.to_string() == id)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nothing panics while it is held")
    }
}

/// The error document of a request, and its type: from the header, else from the document.
async fn reported(request: Request<Incoming>) -> Result<(String, Bytes), Response<Body>> {
    let named = header(request.headers(), "lambda-runtime-function-error-type").map(str::to_owned);
    let payload = collect(request, ERROR_BYTES_MAX).await.map_err(|_| {
        refusal(
            StatusCode::PAYLOAD_TOO_LARGE,
            "RequestEntityTooLarge",
            "the error is too large or was cut off",
        )
    })?;
    Ok((named.unwrap_or_else(|| error_type(&payload)), payload))
}

enum Cut {
    TooLong(u64),
    Short,
}

async fn collect(request: Request<Incoming>, most: usize) -> Result<Bytes, Cut> {
    let announced = header(request.headers(), "content-length").and_then(|length| length.parse::<u64>().ok());
    match Limited::new(request.into_body(), most).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<http_body_util::LengthLimitError>() => {
            Err(Cut::TooLong(announced.unwrap_or(most as u64 + 1)))
        }
        Err(_) => Err(Cut::Short),
    }
}

fn event_response(event: Event) -> Response<Body> {
    let mut response = Response::builder()
        .header("content-type", "application/json")
        .header("lambda-runtime-aws-request-id", event.request.to_string())
        .header("lambda-runtime-deadline-ms", event.deadline.millis().to_string())
        .header("lambda-runtime-invoked-function-arn", &event.function_arn);
    let optional = [
        ("lambda-runtime-trace-id", &event.trace),
        ("lambda-runtime-client-context", &event.client_context),
        ("lambda-runtime-cognito-identity", &event.identity),
        ("lambda-runtime-aws-tenant-id", &event.tenant),
    ];
    for (name, value) in optional {
        if let Some(value) = value {
            response = response.header(name, value);
        }
    }
    response.body(Full::new(event.payload)).unwrap_or_else(|_| {
        refusal(
            StatusCode::INTERNAL_SERVER_ERROR,
            "Sandbox.Failure",
            "the event cannot be written as headers",
        )
    })
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

fn accepted() -> Response<Body> {
    json(StatusCode::ACCEPTED, &serde_json::json!({ "status": "OK" }))
}

fn no_such_request() -> Response<Body> {
    refusal(StatusCode::BAD_REQUEST, "InvalidRequestID", "Invalid request ID")
}

fn refusal(status: StatusCode, error_type: &str, message: &str) -> Response<Body> {
    json(status, &serde_json::json!({ "errorType": error_type, "errorMessage": message }))
}

fn json(status: StatusCode, document: &serde_json::Value) -> Response<Body> {
    let mut response = text(status, &document.to_string());
    response.headers_mut().insert("content-type", http::HeaderValue::from_static("application/json"));
    response
}

fn text(status: StatusCode, text: &str) -> Response<Body> {
    let mut response = Response::new(Full::new(Bytes::copy_from_slice(text.as_bytes())));
    *response.status_mut() = status;
    response
}
