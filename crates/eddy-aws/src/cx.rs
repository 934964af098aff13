//! Everything an operation may use.

use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use eddy_base::{Account, Cause, Code, Env, Fault, Id, Scope, Subject};
use eddy_functions::Functions;
use eddy_gateway::Gateway;
use eddy_identity::policy::{Context, Document};
use eddy_identity::{Caller, Identity, Question, account_of};
use eddy_objects::Objects;
use eddy_store::Store;
use eddy_telemetry::Telemetry;
use eddy_wire::{Incoming, Protocol};

use crate::serve::Auth;

/// What is behind all services.
pub struct Engines {
    pub store: Store,
    pub identity: Identity,
    pub telemetry: Telemetry,
    pub objects: Objects,
    pub functions: Functions,
    pub gateway: Gateway,
    pub settings: Settings,
}

/// How this front is set up.
#[derive(Debug, Clone)]
pub struct Settings {
    pub auth: Auth,
    /// Domains, beside `localhost` and addresses, whose sub-domains are buckets, APIs and function URLs.
    pub domains: Vec<String>,
    /// The region of requests that name none (SigV2, forms, unsigned).
    pub region: eddy_base::Region,
}

/// One request's view of the house. Cheap to clone.
#[derive(Clone)]
pub struct Cx {
    pub engines: Arc<Engines>,
    /// The caller's account, and the region of the signature.
    pub scope: Scope,
    pub caller: Caller,
    /// What the client is told, and the request's id in the trace.
    pub request_id: Id,
    /// Why whatever this request does happens. Stage it into every event.
    pub cause: Cause,
    /// `host:port` as the client wrote it, for the addresses in answers.
    pub host: Arc<str>,
    pub source_ip: IpAddr,
    pub user_agent: Arc<str>,
    pub(crate) protocol: Protocol,
    pub(crate) incoming: Arc<Mutex<Option<Incoming>>>,
    pub(crate) asked: Arc<AtomicBool>,
}

impl std::fmt::Debug for Cx {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cx")
            .field("request_id", &self.request_id)
            .field("caller", &self.caller)
            .finish_non_exhaustive()
    }
}

impl Cx {
    /// The body of an input that streams. It is there once.
    ///
    /// # Panics
    /// When the operation's model has no streaming input, or asks twice.
    pub fn incoming(&self) -> Incoming {
        let mut incoming = self.incoming.lock().unwrap_or_else(PoisonError::into_inner);
        incoming.take().expect("a streaming operation takes its body once")
    }

    /// Gives back a body that is not read to its end, because the request fails: what is still to come is taken in
    /// behind the answer, so that the client gets to read it.
    pub fn leave(&self, body: Incoming) {
        *self.incoming.lock().unwrap_or_else(PoisonError::into_inner) = Some(body);
    }

    pub fn env(&self) -> &Arc<dyn Env> {
        self.engines.store.env()
    }

    /// The caller's account.
    pub fn account(&self) -> &Account {
        &self.scope.account
    }

    /// May the caller do this? `policy` is that of the resource, where it has one.
    ///
    /// # Errors
    /// `Denied`, in AWS's words.
    pub fn allow(&self, action: &str, resource: &str, policy: Option<&Document>) -> Result<(), Fault> {
        self.asked.store(true, Ordering::Relaxed);
        let owner = account_of(resource).and_then(|account| Account::new(account).ok());
        // Only policies have conditions, so nothing is gathered for them where there is no policy.
        let context = if policy.is_some() { self.context() } else { Context::new() };
        let question = Question {
            caller: &self.caller,
            action,
            resource,
            owner: owner.as_ref(),
            policy,
            context: &context,
        };
        let decision = self.engines.identity.decide(&question);
        if decision.allowed {
            return Ok(());
        }
        let message = match self.caller {
            Caller::Anonymous => "Access Denied".to_owned(),
            Caller::Root { .. } | Caller::Session(_) | Caller::Service(_) => format!(
                "User: {} is not authorized to perform: {action} on resource: {resource} {}",
                self.caller.arn(),
                decision.why
            ),
        };
        Err(Fault::new(Code::Denied, Subject::Request, message))
    }

    pub(crate) fn was_asked(&self) -> bool {
        self.asked.load(Ordering::Relaxed)
    }

    /// The global condition keys of this request.
    fn context(&self) -> Context {
        let now = self.env().now();
        let mut context = Context::new()
            .with("aws:SourceIp", self.source_ip.to_string())
            .with("aws:UserAgent", &*self.user_agent)
            .with("aws:CurrentTime", now.iso8601())
            .with("aws:EpochTime", now.seconds().to_string())
            .with("aws:RequestedRegion", self.scope.region.as_str())
            .with("aws:SecureTransport", "false");
        if let Some(account) = self.caller.account() {
            let kind = if matches!(self.caller, Caller::Root { .. }) { "Account" } else { "AssumedRole" };
            let arn = match &self.caller {
                Caller::Session(session) => session.role.clone(),
                Caller::Root { .. } | Caller::Service(_) | Caller::Anonymous => self.caller.arn(),
            };
            context = context
                .with("aws:PrincipalArn", arn)
                .with("aws:PrincipalAccount", account.as_str())
                .with("aws:PrincipalType", kind);
        }
        context
    }
}
