//! Whole messages with descriptors over SEQPACKET sockets: how server, supervisor and jails speak.

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, SocketFlags, SocketType,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// The longest message. The kernel's default send buffer holds one of this size.
pub(crate) const BYTES_MAX: usize = 128 * 1024;

/// The most descriptors in one message.
const DESCRIPTORS_MAX: usize = 16;

/// A connected pair of message sockets.
///
/// # Errors
/// What the kernel says.
pub(crate) fn pair() -> io::Result<(OwnedFd, OwnedFd)> {
    Ok(rustix::net::socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)?)
}

/// Sends one message.
///
/// # Errors
/// `WouldBlock` on a full non-blocking socket, `InvalidInput` when the message is too long, else what the
/// kernel says.
pub(crate) fn send<M: Serialize>(
    socket: impl AsFd,
    message: &M,
    descriptors: &[BorrowedFd<'_>],
) -> io::Result<()> {
    let text = serde_json::to_vec(message)?;
    if text.len() > BYTES_MAX || descriptors.len() > DESCRIPTORS_MAX {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "the message is too long for its socket"));
    }
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(DESCRIPTORS_MAX))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if !descriptors.is_empty() {
        control.push(SendAncillaryMessage::ScmRights(descriptors));
    }
    rustix::io::retry_on_intr(|| {
        rustix::net::sendmsg(&socket, &[IoSlice::new(&text)], &mut control, SendFlags::NOSIGNAL)
    })?;
    Ok(())
}

/// Receives one message; `None` when the other end is gone.
///
/// # Errors
/// `WouldBlock` on an empty non-blocking socket, `InvalidData` when it is not such a message, else what the
/// kernel says.
pub(crate) fn receive<M: DeserializeOwned>(socket: impl AsFd) -> io::Result<Option<(M, Vec<OwnedFd>)>> {
    let mut text = vec![0; BYTES_MAX];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(DESCRIPTORS_MAX))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let got = rustix::io::retry_on_intr(|| {
        rustix::net::recvmsg(
            &socket,
            &mut [IoSliceMut::new(&mut text)],
            &mut control,
            RecvFlags::CMSG_CLOEXEC,
        )
    });
    let got = match got {
        Ok(got) => got,
        Err(rustix::io::Errno::CONNRESET) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let mut descriptors = Vec::new();
    for message in control.drain() {
        if let RecvAncillaryMessage::ScmRights(more) = message {
            descriptors.extend(more);
        }
    }
    if got.bytes == 0 && descriptors.is_empty() {
        return Ok(None);
    }
    if got.flags.intersects(ReturnFlags::TRUNC | ReturnFlags::CTRUNC) {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "a message was cut"));
    }
    Ok(Some((serde_json::from_slice(&text[..got.bytes])?, descriptors)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_carries_its_descriptors_and_an_end_is_seen() {
        let (left, right) = pair().expect("socket pairs can be had");
        let file = std::fs::File::open("/dev/null").expect("/dev/null is there");
        send(&left, &("hello", 7), &[file.as_fd(), left.as_fd()]).expect("it fits");
        let (message, descriptors) = receive::<(String, u32)>(&right).expect("read").expect("not ended");
        assert_eq!((message, descriptors.len()), (("hello".to_owned(), 7), 2));
        drop((left, descriptors));
        assert!(receive::<(String, u32)>(&right).expect("read").is_none());
    }

    #[test]
    fn what_is_too_long_is_refused() {
        let (left, _right) = pair().expect("socket pairs can be had");
        let error = send(&left, &"x".repeat(BYTES_MAX), &[]).expect_err("it is too long");
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
    }
}
