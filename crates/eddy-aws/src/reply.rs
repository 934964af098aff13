//! The two ways to answer.

use eddy_store::{Durable, Pos};
use eddy_wire::Outgoing;
use http::{HeaderName, HeaderValue, StatusCode};

/// What an operation answers. It cannot be made from a bare value: either the change is durable, or what was
/// read has a position.
#[derive(Debug)]
pub struct Reply<T> {
    pub(crate) output: T,
    pub(crate) pos: Pos,
    pub(crate) status: Option<StatusCode>,
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
    pub(crate) body: Option<Outgoing>,
}

impl<T> Reply<T> {
    /// Something changed, and is on disk.
    pub fn after(durable: Durable<T>) -> Reply<T> {
        let (output, committed) = durable.into_parts();
        Reply::read(output, committed.pos)
    }

    /// Nothing changed; `output` is as of `pos`.
    pub fn read(output: T, pos: Pos) -> Reply<T> {
        Reply { output, pos, status: None, headers: Vec::new(), body: None }
    }

    /// Another status than the model's.
    #[must_use]
    pub fn status(mut self, status: StatusCode) -> Reply<T> {
        self.status = Some(status);
        self
    }

    /// A header that no member of the output carries.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Reply<T> {
        self.headers.push((name, value));
        self
    }

    /// The body of an output that streams.
    #[must_use]
    pub fn body(mut self, body: Outgoing) -> Reply<T> {
        self.body = Some(body);
        self
    }
}
