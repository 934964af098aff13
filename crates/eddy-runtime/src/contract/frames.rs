//! Frames between eddy and its own bootstraps, over an inherited stream socket.
//!
//! A frame is the length of what follows (4 bytes, big endian), a kind (1 byte) and a body. One event is under way
//! at a time, so an answer needs no name. The guest may write anything into the socket: whatever is not a frame
//! that is expected is [`Answer::Garbled`], and nothing is read beyond the limits.

use std::io;

use bytes::{Buf, BufMut, Bytes, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

use super::{Answer, error_type};
use crate::limits::{ERROR_BYTES_MAX, RESPONSE_BYTES_MAX};
use crate::{Event, Reply};

/// Our end of the channel.
#[derive(Debug)]
pub(crate) struct Frames {
    stream: UnixStream,
    read: BytesMut,
}

/// Bodies up to this size are copied behind their head and leave in one write.
const COPIED_BYTES_MAX: usize = 64 * 1024;

impl Frames {
    pub(crate) fn new(stream: UnixStream) -> Frames {
        Frames { stream, read: BytesMut::new() }
    }

    /// Hands over an event.
    ///
    /// # Errors
    /// When the guest has closed its end.
    pub(crate) async fn send(&mut self, event: &Event) -> io::Result<()> {
        let mut frame = head(event);
        if event.payload.len() <= COPIED_BYTES_MAX {
            frame.extend_from_slice(&event.payload);
            return self.stream.write_all(&frame).await;
        }
        self.stream.write_all(&frame).await?;
        self.stream.write_all(&event.payload).await
    }

    /// The guest's next word.
    pub(crate) async fn answer(&mut self) -> Answer {
        loop {
            match take(&mut self.read) {
                Ok(Some(answer)) => return answer,
                Ok(None) => {}
                Err(Garbled) => return Answer::Garbled,
            }
            match self.stream.read_buf(&mut self.read).await {
                Ok(0) | Err(_) => return Answer::Gone,
                Ok(_) => {}
            }
        }
    }

    /// Has the guest said something that nobody asked for?
    pub(crate) fn has_unread(&self) -> bool {
        let mut one = [0; 1];
        !self.read.is_empty() || matches!(self.stream.try_read(&mut one), Ok(1))
    }
}

/// All of an event's frame but its payload.
fn head(event: &Event) -> BytesMut {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let fields = [
        event.request.to_string(),
        event.deadline.millis().to_string(),
        event.function_arn.clone(),
        text(&event.trace),
        text(&event.client_context),
        text(&event.identity),
        text(&event.tenant),
    ];
    // The separator cannot stand in a field: then it would be two.
    let fields = fields.map(|field| field.replace('\0', "")).join("\0");
    let size = 1 + 4 + fields.len() + event.payload.len();
    let mut frame = BytesMut::with_capacity(4 + size.min(COPIED_BYTES_MAX * 2));
    frame.put_u32(u32::try_from(size).expect("events and their heads are limited to a few megabytes"));
    frame.put_u8(b'I');
    frame.put_u32(u32::try_from(fields.len()).expect("heads are limited to a few kilobytes"));
    frame.put_slice(fields.as_bytes());
    frame
}

/// Not a frame of this contract.
#[derive(Debug, PartialEq, Eq)]
struct Garbled;

/// Takes one whole frame off the buffer, if it is there.
fn take(buffer: &mut BytesMut) -> Result<Option<Answer>, Garbled> {
    if buffer.len() < 5 {
        return Ok(None);
    }
    let size = u32::from_be_bytes([buffer[0], buffer[1], buffer[2], buffer[3]]) as usize;
    let kind = buffer[4];
    let limit = match kind {
        b'J' | b'B' => RESPONSE_BYTES_MAX,
        b'E' | b'F' => ERROR_BYTES_MAX,
        b'R' => 0,
        b'L' => 8,
        _ => return Err(Garbled),
    };
    let body = size.checked_sub(1).filter(|body| *body <= limit).ok_or(Garbled)?;
    if buffer.len() < 5 + body {
        buffer.reserve(5 + body - buffer.len());
        return Ok(None);
    }
    buffer.advance(5);
    let body = buffer.split_to(body).freeze();
    answer(kind, body).map(Some)
}

fn answer(kind: u8, body: Bytes) -> Result<Answer, Garbled> {
    let reply =
        |payload, content_type: &str| Answer::Reply(Reply { payload, content_type: content_type.to_owned() });
    Ok(match kind {
        b'J' => reply(body, "application/json"),
        b'B' => reply(body, "application/unknown"),
        b'E' => Answer::Raised { error_type: error_type(&body), payload: body },
        b'F' => Answer::InitFailed { error_type: error_type(&body), payload: body },
        b'R' => Answer::Ready,
        b'L' => Answer::TooLarge { bytes: u64::from_be_bytes(body[..].try_into().map_err(|_| Garbled)?) },
        _ => return Err(Garbled),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn frame(kind: u8, body: &[u8]) -> BytesMut {
        let mut frame = BytesMut::new();
        frame.put_u32(1 + body.len() as u32);
        frame.put_u8(kind);
        frame.put_slice(body);
        frame
    }

    #[test]
    fn frames_are_read_or_refused() {
        let said = |mut buffer: BytesMut| format!("{:?}", take(&mut buffer));
        let table = [
            (frame(b'R', b""), "Ok(Some(Ready))"),
            (frame(b'R', b"x"), "Err(Garbled)"),
            (frame(b'L', &7_000_000u64.to_be_bytes()), "Ok(Some(TooLarge { bytes: 7000000 }))"),
            (frame(b'L', b"123"), "Err(Garbled)"),
            (frame(b'Q', b""), "Err(Garbled)"),
            (BytesMut::from(&[0xff, 0xff, 0xff, 0xff, b'J'][..]), "Err(Garbled)"),
            (BytesMut::from(&[0, 0, 0, 0, b'J'][..]), "Err(Garbled)"),
            (BytesMut::from(&[0, 0, 0, 9, b'J', 1][..]), "Ok(None)"),
        ];
        for (buffer, expected) in table {
            assert_eq!(said(buffer), expected);
        }
    }

    proptest! {
        /// Whatever a guest writes: no panic, and never more kept than was written.
        #[test]
        fn any_bytes_are_survived(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let mut buffer = BytesMut::from(&bytes[..]);
            while let Ok(Some(_)) = take(&mut buffer) {}
            prop_assert!(buffer.len() <= bytes.len());
        }

        /// A frame is found whole, however it is cut.
        #[test]
        fn frames_survive_being_cut(body in proptest::collection::vec(any::<u8>(), 0..300), at in 0usize..305) {
            let whole = frame(b'J', &body);
            let at = at.min(whole.len());
            let mut buffer = BytesMut::from(&whole[..at]);
            if at < whole.len() {
                prop_assert!(matches!(take(&mut buffer), Ok(None)));
            }
            buffer.extend_from_slice(&whole[at..]);
            match take(&mut buffer) {
                Ok(Some(Answer::Reply(reply))) => prop_assert_eq!(&reply.payload[..], &body[..]),
                other => prop_assert!(false, "{:?}", other),
            }
        }
    }
}
