//! The reasons why metrics cannot be served.

use std::net::SocketAddr;

/// `Result` with the [`enum@Error`] of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The reason why metrics cannot be served.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The text is not an IP address with a port.
    #[error(
        "{text:?} is not an address to serve metrics at: expected an IP address and a port, such as 127.0.0.1:9464, or \
         0.0.0.0:9464 in a pod"
    )]
    Address {
        /// The text.
        text: String,
    },
    /// The server cannot listen at the address.
    #[error("cannot serve metrics at {address}{}", remedy(source))]
    Listen {
        /// The address.
        address: SocketAddr,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
}

/// The usual cause and its remedy.
fn remedy(error: &std::io::Error) -> &'static str {
    match error.kind() {
        std::io::ErrorKind::AddrInUse => {
            ", where another program listens: stop it, or name another port"
        }
        std::io::ErrorKind::AddrNotAvailable => ", which is not an address of this machine",
        std::io::ErrorKind::PermissionDenied => ": name a port above 1023",
        _ => "",
    }
}
