//! What there is: every service, and in it every operation, that stands.

use crate::{Op, Service, apigatewayv2, iam, lambda, logs, s3, sts};

/// All services with at least one operation.
pub static SERVICES: &[&Service] =
    &[&apigatewayv2::SERVICE, &iam::SERVICE, &lambda::SERVICE, &logs::SERVICE, &s3::SERVICE, &sts::SERVICE];

/// A service by the name of its schema.
pub fn service(name: &str) -> Option<&'static Service> {
    SERVICES.iter().copied().find(|service| service.name == name)
}

impl Service {
    /// An operation by its name in the model.
    pub fn operation(&self, name: &str) -> Option<&'static Op> {
        self.operations.iter().find(|op| op.name == name)
    }
}
