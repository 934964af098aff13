//! Answering requests: find the function, ask whether it may be invoked, invoke it, make HTTP of its answer.
//!
//! It goes in two steps, since a body must not be read for a request that nobody takes: [`Gateway::api`] and
//! [`Gateway::url`] look at the head and either answer or give a [`Call`], which wants the body.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use eddy_base::{Code, Fault, Id, Region, Scope};
use eddy_functions::function::Auth;
use eddy_functions::{Asked, Invoke, Invoked};
use eddy_identity::Caller;
use http::{Response, StatusCode};

use crate::cors::{self, Cors};
use crate::exchange::{Answer, Dialect, Front, Head, Refusal, Request, Target, Via};
use crate::limits;
use crate::live::{Live, Serving};
use crate::rows::{Format, Pairs};
use crate::{Gateway, path};

/// What is to be done about a request.
pub enum Plan {
    /// This goes back; the body is of no interest.
    Answer(Answer),
    /// A function is to be asked.
    Call(Box<Call>),
}

/// A request that has found its function.
pub struct Call {
    gateway: Gateway,
    head: Head,
    front: Front,
    id: String,
    scope: Scope,
    path: String,
    target: Target,
    within: Duration,
    cors: Option<Cors>,
    /// The way through an API; none through a function's URL.
    way: Option<Way>,
    signed: bool,
}

struct Way {
    stage: String,
    stage_variables: Pairs,
    route_key: String,
    resource: String,
    path_variables: Vec<(String, String)>,
    format: Format,
}

impl Gateway {
    /// Finds the route that takes a request to an API.
    pub fn api(&self, api: &str, head: Head) -> Plan {
        match self.inner.lives.get(&self.inner.store, api) {
            Ok(Some(live)) if !live.api.disabled => self.route(&live, head),
            Ok(_) => self.refuse(Front::Api, &head, None, Refusal::NotFound),
            Err(error) => {
                tracing::error!(%error, api, "an API cannot be read");
                self.refuse(Front::Api, &head, None, Refusal::Failed)
            }
        }
    }

    /// Finds the function that answers at a URL.
    pub fn url(&self, url: &str, head: Head) -> Plan {
        let Ok((name, known)) = self.inner.functions.url_by_id(url) else {
            return self.refuse(Front::Url, &head, None, Refusal::Forbidden);
        };
        let cors = known.cors.map(Cors::from);
        if let Some(cors) = cors.as_ref().filter(|_| cors::is_preflight(&head.method, &head.headers)) {
            return self.preflight(Front::Url, &head, cors, StatusCode::OK);
        }
        Plan::Call(Box::new(Call {
            gateway: self.clone(),
            front: Front::Url,
            id: url.to_owned(),
            scope: name.scope.clone(),
            path: head.path.clone(),
            target: Target { scope: name.scope, name: name.name, qualifier: None },
            within: limits::URL_WAIT_MAX,
            cors,
            way: None,
            signed: known.auth == Auth::Signed,
            head,
        }))
    }

    fn route(&self, live: &Arc<Live>, head: Head) -> Plan {
        let cors = live.api.cors.as_ref();
        if let Some(cors) = cors.filter(|_| cors::is_preflight(&head.method, &head.headers)) {
            return self.preflight(Front::Api, &head, cors, StatusCode::NO_CONTENT);
        }
        let Ok(path) = path::read(&head.path) else {
            return self.refuse(Front::Api, &head, cors, Refusal::Malformed);
        };
        let Some((serving, below)) = live.stage(&path) else {
            return self.refuse(Front::Api, &head, cors, Refusal::NotFound);
        };
        let Some((target, within, way)) = way(serving, head.method.as_str(), below) else {
            return self.refuse(Front::Api, &head, cors, Refusal::NotFound);
        };
        let Some(target) = target else {
            let trouble = format!("the integration of route {} names no function", way.route_key);
            return Plan::Answer(self.refusal(Front::Api, &head, cors, Refusal::Failed).because(trouble));
        };
        Plan::Call(Box::new(Call {
            gateway: self.clone(),
            front: Front::Api,
            id: live.api.id.clone(),
            scope: live.api.scope.clone(),
            path,
            target,
            within,
            cors: cors.cloned(),
            way: Some(way),
            signed: false,
            head,
        }))
    }

    fn preflight(&self, front: Front, head: &Head, cors: &Cors, status: StatusCode) -> Plan {
        let mut response = cors.preflight(status, &head.headers);
        (self.inner.dialect.stamp)(front, head.id, response.headers_mut());
        Plan::Answer(Answer { response, trouble: None, hint: None })
    }

    fn refuse(&self, front: Front, head: &Head, cors: Option<&Cors>, why: Refusal) -> Plan {
        Plan::Answer(self.refusal(front, head, cors, why))
    }

    fn refusal(&self, front: Front, head: &Head, cors: Option<&Cors>, why: Refusal) -> Answer {
        let response = (self.inner.dialect.refusal)(front, why);
        self.finished(front, head, cors, response)
    }

    fn finished(
        &self,
        front: Front,
        head: &Head,
        cors: Option<&Cors>,
        mut response: Response<Bytes>,
    ) -> Answer {
        if let Some(cors) = cors {
            // A function's own rules count beside those of its URL, but not beside those of an API.
            if front == Front::Api {
                Cors::take_over(response.headers_mut());
            }
            cors.mark(&head.headers, response.headers_mut());
        }
        (self.inner.dialect.stamp)(front, head.id, response.headers_mut());
        Answer { response, trouble: None, hint: None }
    }
}

/// The function, its time and the way to it, for a path below a stage.
fn way(serving: &Serving, method: &str, below: &str) -> Option<(Option<Target>, Duration, Way)> {
    let found = serving.find(method, below)?;
    let hop = found.route;
    let way = Way {
        stage: serving.stage.clone(),
        stage_variables: serving.variables.clone(),
        route_key: hop.route_key.clone(),
        resource: hop.resource.clone(),
        path_variables: found.variables.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
        format: hop.format,
    };
    Some((hop.target.clone(), hop.timeout, way))
}

impl Call {
    /// The largest body that the front takes, in bytes.
    pub fn body_bytes_max(&self) -> usize {
        match self.front {
            Front::Api => limits::API_BODY_BYTES_MAX,
            Front::Url => limits::URL_BODY_BYTES_MAX,
        }
    }

    /// Whether the request must be signed: then [`Call::run`] wants to know by whom.
    pub fn must_be_signed(&self) -> bool {
        self.signed
    }

    /// The function that is to be asked.
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// The region that a signature must be for.
    pub fn region(&self) -> &Region {
        &self.scope.region
    }

    /// The route's key; none for a function's URL.
    pub fn route_key(&self) -> Option<&str> {
        self.way.as_ref().map(|way| way.route_key.as_str())
    }

    /// The answer instead of a run: the body is too large, or the signature missing or wrong.
    pub fn refuse(self, why: Refusal) -> Answer {
        self.gateway.refusal(self.front, &self.head, self.cors.as_ref(), why)
    }

    /// Asks the function. `caller` is who signed the request, where it must be signed.
    pub async fn run(self, body: Bytes, caller: Option<&Caller>) -> Answer {
        if body.len() > self.body_bytes_max() {
            return self.refuse(Refusal::TooLarge);
        }
        // Whoever has not signed is nobody, also where somebody names them.
        let caller = caller.filter(|caller| self.signed && **caller != Caller::Anonymous);
        let Dialect { document, response, hint, .. } = self.gateway.inner.dialect;
        let request = self.request(&body, caller);
        if (self.signed && caller.is_none()) || !self.is_allowed(&request) {
            let trouble =
                format!("function {} does not allow it to be invoked by this request", self.target.name);
            let why = if self.front == Front::Api { Refusal::Failed } else { Refusal::Forbidden };
            return self.refuse_because(why, trouble);
        }
        let payload = document(&request);
        let invoked = match self.invoke(payload).await {
            Ok(invoked) => invoked,
            Err(fault) => return self.refuse_because(refusal_of(&fault), fault.message.into_owned()),
        };
        if invoked.error.is_some() {
            let hint = hint(&request);
            return Answer {
                hint,
                ..self.gateway.refusal(self.front, &self.head, self.cors.as_ref(), Refusal::Failed)
            };
        }
        match response(&request, &invoked.payload) {
            Ok(made) => self.gateway.finished(self.front, &self.head, self.cors.as_ref(), made),
            Err(malformed) => {
                let trouble = format!("what function {} answered is no HTTP: {malformed}", self.target.name);
                self.refuse_because(Refusal::Failed, trouble)
            }
        }
    }

    fn request<'a>(&'a self, body: &'a Bytes, caller: Option<&'a Caller>) -> Request<'a> {
        let via = match &self.way {
            Some(way) => Via::Api {
                stage: &way.stage,
                stage_variables: &way.stage_variables,
                route_key: &way.route_key,
                resource: &way.resource,
                path_variables: &way.path_variables,
                format: way.format,
            },
            None => Via::Url { caller },
        };
        let Call { head, id, scope, path, target, .. } = self;
        Request { head, body, scope, id, path, target, via }
    }

    fn is_allowed(&self, request: &Request<'_>) -> bool {
        (self.gateway.inner.dialect.permissions)(request).iter().all(|permission| {
            let asked = Asked {
                caller: &permission.caller,
                action: permission.action,
                resource: &permission.resource,
                context: &permission.context,
            };
            self.gateway.inner.functions.allows(&self.target.scope, &self.target.name, &asked)
        })
    }

    async fn invoke(&self, payload: Bytes) -> Result<Invoked, Fault> {
        let Target { scope, name, qualifier } = self.target.clone();
        let env = self.gateway.inner.store.env();
        let invoke = Invoke {
            scope,
            name,
            qualifier,
            payload,
            client_context: None,
            trace: Some(self.head.trace.clone()),
            cause: self.head.cause.below(self.head.id),
            request_id: Id::random(&**env),
            tail: false,
            by: Some(self.within),
        };
        self.gateway.inner.functions.invoke(invoke).await
    }

    fn refuse_because(&self, why: Refusal, trouble: String) -> Answer {
        self.gateway.refusal(self.front, &self.head, self.cors.as_ref(), why).because(trouble)
    }
}

impl Answer {
    fn because(self, trouble: String) -> Answer {
        Answer { trouble: Some(trouble), ..self }
    }
}

fn refusal_of(fault: &Fault) -> Refusal {
    match fault.code {
        Code::TimedOut => Refusal::Late,
        Code::TooLarge => Refusal::TooLarge,
        Code::Throttled => Refusal::Throttled,
        Code::Unavailable | Code::NoRoom => Refusal::Unavailable,
        Code::Denied | Code::Unauthenticated => Refusal::Forbidden,
        Code::Invalid
        | Code::Unsupported
        | Code::Missing
        | Code::Exists
        | Code::Conflict
        | Code::ConditionFailed
        | Code::NotEmpty
        | Code::LimitExceeded
        | Code::FunctionFailed
        | Code::Internal => Refusal::Failed,
    }
}
