//! Which part of eddy answers a request: the APIs, an HTTP API or function URL, or the house itself.

use std::sync::Arc;

use bytes::Bytes;
use eddy_aws::{Peer, Plane, http_event};
use eddy_wire::{Incoming, Outgoing};
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body::Body;

use super::admin::{self, json_response};
use crate::assemble::App;

/// Bodies of requests to the house itself.
const BODY_BYTES_MAX: u64 = 64 * 1024;

/// Answers one request.
pub async fn answer<B>(app: &Arc<App>, request: Request<B>, peer: Peer) -> Response<Outgoing>
where
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let (head, body) = request.into_parts();
    if let Some(door) = http_event::door(&app.front, &head) {
        return http_event::serve(&app.front, door, Request::from_parts(head, body), peer).await;
    }
    match app.front.plane(&head) {
        Plane::House => {
            let mut response = house(app, head, body, peer).await;
            response.headers_mut().insert(header::SERVER, HeaderValue::from_static("eddy"));
            response
        }
        // The data planes had their door; what is left is a service's.
        Plane::Service | Plane::Api { .. } | Plane::FunctionUrl { .. } => {
            app.front.serve(Request::from_parts(head, body), peer).await
        }
    }
}

/// `/_eddy/...`: health, metrics, links to packages, and what the verbs ask.
async fn house<B>(app: &Arc<App>, head: http::request::Parts, body: B, peer: Peer) -> Response<Outgoing>
where
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let path = head.uri.path().to_owned();
    if path.starts_with(eddy_aws::lambda::package_url::PREFIX) {
        return eddy_aws::lambda::package_url::serve(&app.engines, &head);
    }
    if path.starts_with(admin::PREFIX) {
        let mut body = Incoming::new(&head, body).impatient(app.engines.store.env());
        let Ok(body) = body.collect(BODY_BYTES_MAX).await else {
            return text(StatusCode::PAYLOAD_TOO_LARGE, "the body is too large or cut off");
        };
        return match app.front.caller(admin::SERVICE, None, &head, &body, peer) {
            Ok(caller) => admin::answer(app, &head, &body, &caller).await,
            Err(error) => {
                let document = serde_json::json!({ "code": error.code, "message": error.message });
                json_response(StatusCode::FORBIDDEN, &document)
            }
        };
    }
    match (&head.method, path.as_str()) {
        (&Method::GET, "/_eddy/health") => app.health.answer(app).await,
        (&Method::GET, "/_eddy/metrics") => metrics(app),
        _ => text(StatusCode::NOT_FOUND, "there is nothing here; try /_eddy/health"),
    }
}

fn metrics(app: &App) -> Response<Outgoing> {
    let mut response = text(StatusCode::OK, app.engines.telemetry.metrics().text());
    let kind = HeaderValue::from_static("application/openmetrics-text; version=1.0.0; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}

fn text(status: StatusCode, text: impl Into<String>) -> Response<Outgoing> {
    let mut response = Response::new(Outgoing::from(Bytes::from(text.into())));
    *response.status_mut() = status;
    let kind = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}
