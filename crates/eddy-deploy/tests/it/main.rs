//! Templates against aws-sam-translator, and deployments against a real front.

mod apply;
mod faults;
mod house;
mod refusals;
mod sam;
