//! Amazon's wire formats, knowing no service.
//!
//! [`schema`] holds the tables that Amazon publishes of every service; everything else here is one engine that
//! reads them. A request is [`route`]d to an operation, [`decode`]d to a [`Document`], [`validate`]d with
//! Amazon's texts, and handed to a plain struct by [`from_document`]; [`to_document`] holds what the struct of
//! the answer says against the model, and [`encode`] or [`encode_error`] write it. No operation, and no service,
//! is known here by name; what the tables lack stands in `schema/supplement.json`. [`sign`] says who asks;
//! [`Incoming`] and [`Outgoing`] are bodies that flow.

mod bridge;
pub mod checksum;
pub mod chunked;
mod codec;
mod document;
mod error;
pub mod event_stream;
pub mod incoming;
mod inflate;
pub mod limits;
pub mod outgoing;
mod plain;
mod route;
pub mod schema;
pub mod sign;
mod time;
mod validate;

pub use bridge::{Blob, Coded, Time, check_fields, from_document, lacking_members, to_document};
pub use codec::{decode, encode, encode_error};
pub use document::{Document, Struct};
pub use error::Error;
pub use incoming::Incoming;
pub use inflate::inflate;
pub use outgoing::Outgoing;
pub use plain::{read_plain, write_plain};
pub use route::{Routed, route};
pub use schema::Protocol;
pub use validate::validate;
