//! The network of a jail: a loopback interface, and on it the two sockets of eddy.
//!
//! The listeners are made here and handed to the server, which keeps them: so the server listens inside a
//! network that it cannot be reached from in any other way, and knows which jail calls by which socket did.

use std::net::{SocketAddr, TcpListener};
use std::os::fd::AsFd;

use rustix::net::{AddressFamily, SocketFlags, SocketType};

use super::Refused;
use crate::sys;

/// Brings the loopback interface up and listens.
pub(super) fn open(ports: &[SocketAddr]) -> Result<Vec<TcpListener>, Refused> {
    raise().map_err(Refused::at("bring the loopback interface up"))?;
    ports
        .iter()
        .map(|port| TcpListener::bind(port).map_err(Refused::at(format!("listen on {port} in the jail"))))
        .collect()
}

/// Brings the loopback interface of this network namespace up.
///
/// # Errors
/// What the kernel says.
pub(crate) fn raise() -> std::io::Result<()> {
    let socket =
        rustix::net::socket_with(AddressFamily::INET, SocketType::DGRAM, SocketFlags::CLOEXEC, None)?;
    sys::raise_loopback(socket.as_fd())
}
