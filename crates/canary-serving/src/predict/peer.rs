//! The protocol that a server speaks, once it was asked.

use std::sync::Arc;

use tokio::sync::OnceCell;

use super::{
    config::Config,
    protocol::{Encoding, Protocol, open},
};

/// A server's protocol.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) protocol: Protocol,
    /// The form of arrays that suits the server.
    pub(crate) encoding: Encoding,
    /// The name and version of its program, where it tells them.
    pub(crate) server: String,
    /// The gRPC service of the Open Inference Protocol.
    pub(crate) service: &'static str,
}

impl Found {
    pub(super) fn new(protocol: Protocol) -> Self {
        Self {
            protocol,
            encoding: Encoding::default(),
            server: String::new(),
            service: open::SERVICES[0],
        }
    }

    /// A server of the Open Inference Protocol with this name and these extensions.
    pub(super) fn open(server: String, extensions: &[String]) -> Self {
        let name = server.to_ascii_lowercase();
        let encoding = if name.starts_with("mlserver") {
            Encoding::Base64
        } else if name.starts_with("torchserve") {
            Encoding::Lists
        } else if extensions.iter().any(|extension| extension == "binary_tensor_data") {
            Encoding::Raw
        } else {
            Encoding::Automatic
        };
        Self { encoding, server, ..Self::new(Protocol::OpenInference) }
    }

    /// Sets the settings of a client that talks to this server.
    pub(crate) fn apply(self, config: &mut Config) {
        config.protocol = self.protocol;
        config.encoding = self.encoding;
        config.service = self.service.into();
    }

    /// The server in words, such as `mlserver 1.7.1 speaks the Open Inference Protocol (V2)`.
    pub(super) fn sentence(&self) -> String {
        let server = if self.server.is_empty() { "the server" } else { self.server.as_str() };
        format!("{server} speaks {}", self.protocol.title())
    }
}

/// The protocol that a server was found to speak; shared by the clones of a client, which ask at most once. `None` for a client that
/// sends no request of its own accord.
#[derive(Clone, Debug)]
pub(crate) struct Peer(Option<Arc<OnceCell<Option<Found>>>>);

impl Default for Peer {
    fn default() -> Self {
        Self(Some(Arc::default()))
    }
}

impl Peer {
    /// Never asks.
    #[cfg(feature = "rollout")]
    pub(crate) fn never() -> Self {
        Self(None)
    }

    /// The place of the answer; `None` where nobody is to ask.
    pub(super) fn found(&self) -> Option<&OnceCell<Option<Found>>> {
        self.0.as_deref()
    }
}
