//! Calls from inside: a template is carried out through the operations that an SDK calls, as JSON by the names of
//! the model, whichever protocol a service speaks outside. Validated, authorized and counted as any request is.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};

use eddy_base::{Cause, Id, Region, Scope};
use eddy_wire::{Error, Protocol, read_plain, schema, validate, write_plain};
use serde_json::Value;

use super::{Front, fault};
use crate::operation::{Failure, Run};
use crate::{Cx, Op, table};

/// What made the call, in its `User-Agent`.
const AGENT: &str = "eddy";
/// Errors are worded as in this one.
const PROTOCOL: Protocol = Protocol::AwsJson10;

impl Front {
    /// Calls an operation as root in a region. `cause` is why: a request of its own when there is none.
    ///
    /// # Errors
    /// The service's error, by its name in the model.
    ///
    /// # Panics
    /// When the model has no such operation: calls from inside name what there is.
    pub async fn call(
        &self,
        service: &'static str,
        operation: &'static str,
        region: &Region,
        input: &Value,
    ) -> Result<Value, Error> {
        let (op, run) = self.read(service, operation, region, input)?;
        let answer = (op.run)(run).await.map_err(|failure| worded(service, failure))?;
        Ok(write_plain(&answer.document))
    }

    /// Says what [`Front::call`] would refuse of this input whatever exists, and changes nothing.
    ///
    /// # Errors
    /// As [`Front::call`].
    ///
    /// # Panics
    /// As [`Front::call`].
    pub async fn rehearse(
        &self,
        service: &'static str,
        operation: &'static str,
        region: &Region,
        input: &Value,
    ) -> Result<(), Error> {
        let (op, run) = self.read(service, operation, region, input)?;
        (op.rehearse)(run).await.map_err(|failure| worded(service, failure))
    }

    fn read(
        &self,
        service: &'static str,
        operation: &'static str,
        region: &Region,
        input: &Value,
    ) -> Result<(&'static Op, Run), Error> {
        let model = schema::service(service).and_then(|service| service.operation(operation));
        let model = model.expect("calls from inside name operations of the model");
        let op = table::service(service).and_then(|service| service.operation(operation));
        let op = op.ok_or_else(|| super::unserved::operation(model.facts, PROTOCOL, operation))?;
        let document = read_plain(model, input)?;
        validate(model, &document)?;
        Ok((op, Run { operation: model, document, cx: self.inside(region) }))
    }

    fn inside(&self, region: &Region) -> Cx {
        let engines = self.inner.engines.clone();
        let id = Id::random(engines.store.env().as_ref());
        Cx {
            scope: Scope { account: engines.identity.account().clone(), region: region.clone() },
            caller: engines.identity.root_caller(),
            engines,
            request_id: id,
            cause: Cause::root(id),
            host: self.host.clone(),
            source_ip: IpAddr::V4(Ipv4Addr::LOCALHOST),
            user_agent: AGENT.into(),
            protocol: PROTOCOL,
            incoming: Arc::new(Mutex::new(None)),
            asked: Arc::new(AtomicBool::new(false)),
        }
    }
}

fn worded(service: &'static str, failure: Failure) -> Error {
    match failure {
        Failure::Wire(error) => error,
        Failure::Fault(why) => {
            let facts = schema::service(service).expect("a call has named it").facts;
            fault::worded(table::service(service), facts, PROTOCOL, why)
        }
    }
}
