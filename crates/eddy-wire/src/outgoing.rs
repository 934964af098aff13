//! A response's body while it flows.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::Stream;
use http_body::{Body, Frame, SizeHint};

/// Why a body broke off. The client sees the connection end.
pub type Error = Box<dyn std::error::Error + Send + Sync>;

type Pieces = Pin<Box<dyn Stream<Item = Result<Bytes, Error>> + Send>>;

/// A body on its way out: nothing, bytes in hand, or a stream of them.
pub struct Outgoing(Kind);

enum Kind {
    Whole(Bytes),
    Stream {
        pieces: Pieces,
        /// Bytes still to come, where known; a stream that ends elsewhere is an error.
        left: Option<u64>,
    },
}

impl std::fmt::Debug for Outgoing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Outgoing").field(&self.length()).finish()
    }
}

impl Outgoing {
    pub fn empty() -> Outgoing {
        Outgoing(Kind::Whole(Bytes::new()))
    }

    /// A body that comes in pieces. `length`: its bytes, where known, which becomes the `Content-Length`.
    pub fn stream(
        pieces: impl Stream<Item = Result<Bytes, Error>> + Send + 'static,
        length: Option<u64>,
    ) -> Outgoing {
        Outgoing(Kind::Stream { pieces: Box::pin(pieces), left: length })
    }

    /// Bytes still to come, where known.
    pub fn length(&self) -> Option<u64> {
        match &self.0 {
            Kind::Whole(bytes) => Some(bytes.len() as u64),
            Kind::Stream { left, .. } => *left,
        }
    }
}

impl From<Bytes> for Outgoing {
    fn from(bytes: Bytes) -> Outgoing {
        Outgoing(Kind::Whole(bytes))
    }
}

impl Body for Outgoing {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        match &mut self.0 {
            Kind::Whole(bytes) if bytes.is_empty() => Poll::Ready(None),
            Kind::Whole(bytes) => Poll::Ready(Some(Ok(Frame::data(std::mem::take(bytes))))),
            Kind::Stream { pieces, left } => {
                let Poll::Ready(piece) = pieces.as_mut().poll_next(context) else { return Poll::Pending };
                Poll::Ready(count(piece, left).transpose().map(|piece| piece.map(Frame::data)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.0 {
            Kind::Whole(bytes) => bytes.is_empty(),
            Kind::Stream { left, .. } => *left == Some(0),
        }
    }

    fn size_hint(&self) -> SizeHint {
        self.length().map(SizeHint::with_exact).unwrap_or_default()
    }
}

/// Holds a stream against its declared length, so that no client takes half a body for a whole one.
fn count(piece: Option<Result<Bytes, Error>>, left: &mut Option<u64>) -> Result<Option<Bytes>, Error> {
    match (piece.transpose()?, left) {
        (Some(piece), Some(left)) => {
            *left = left.checked_sub(piece.len() as u64).ok_or("the body is longer than was said")?;
            Ok(Some(piece))
        }
        (None, Some(left)) if *left > 0 => Err("the body is shorter than was said".into()),
        (piece, _) => Ok(piece),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::stream;
    use http_body_util::BodyExt;

    fn pieces(length: Option<u64>) -> Outgoing {
        Outgoing::stream(stream::iter([Ok(Bytes::from_static(b"ab")), Ok(Bytes::from_static(b"c"))]), length)
    }

    #[tokio::test]
    async fn a_stream_keeps_its_word() {
        for (length, whole) in [(None, true), (Some(3), true), (Some(4), false), (Some(2), false)] {
            let collected = pieces(length).collect().await;
            assert_eq!(collected.is_ok(), whole, "{length:?}");
            if let Ok(collected) = collected {
                assert_eq!(collected.to_bytes(), "abc");
            }
        }
        assert_eq!(pieces(Some(3)).size_hint().exact(), Some(3));
        assert_eq!(Outgoing::from(Bytes::from_static(b"abcd")).size_hint().exact(), Some(4));
    }
}
