//! The wire engine from outside: requests and answers of real services, in every protocol.

mod answers;
mod constraints;
mod garbage;
mod oracle;
mod requests;
mod structs;
