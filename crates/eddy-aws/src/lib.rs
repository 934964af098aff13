//! Amazon's dialect: its services, each a folder of operations, over engines that know nothing of Amazon.
//!
//! An operation is a struct ([`Operation`]): its input by the names of Amazon's model, what its caller must be
//! allowed to do, and what it does. [`serve`] is the one path from a request to an operation and back;
//! [`table`] lists what there is. Whatever a model has and the table lacks is refused by name.

mod apigatewayv2;
pub mod coverage;
mod cx;
pub mod http_event;
mod iam;
pub mod lambda;
pub mod limits;
mod logs;
mod needs;
mod operation;
mod page_token;
mod reply;
pub mod s3;
pub mod serve;
mod sts;
mod system_tags;
pub mod table;

pub use coverage::coverage;
pub use cx::{Cx, Engines, Settings};
pub use needs::Needs;
pub use operation::{Answer, Failure, Op, Operation, Service, op};
pub use reply::Reply;
pub use serve::{Auth, Front, Peer, Plane};
