//! A model server that is started with a model config file.

use std::net::SocketAddr;

use canary_core::{
    rollout::{Error, Result},
    serving::ModelServerConfig,
};

use super::folders::Folders;

/// The flags and the disk of a server that is started with a model config file (`--model_config_file`).
///
/// ```
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// use canary_core::{predict::Client, serving::{ModelConfig, ModelServerConfig, VersionPolicy}};
/// use canary_lab::{model::Scripted, server::{Configured, Folders, ModelServer}};
///
/// let folders = Folders::default();
/// folders.add("/models/pets", 41, Scripted::new("cat", 0.9));
/// let pets = ModelConfig::new("pets", "/models/pets")
///     .policy(VersionPolicy::Specific(vec![41]))
///     .label("stable", 41);
/// let config = ModelServerConfig::new([pets]);
/// let server = ModelServer::configured(Configured::new(config, folders)).await?;
/// let client = Client::new(&server.url())?.model("pets").label("stable");
/// assert_eq!(client.metadata().await?.version, Some(41));
/// # Ok::<(), canary_core::Error>(())
/// # }).unwrap();
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Configured {
    /// The file.
    pub config: ModelServerConfig,
    /// The version folders.
    pub folders: Folders,
    /// `--allow_version_labels_for_unavailable_models`; true unless set. Without it a server whose file has labels
    /// ends at its start.
    pub allows_unavailable: bool,
    /// The address on loopback to listen on; a free port unless set.
    pub address: Option<SocketAddr>,
}

impl Configured {
    /// A server with this file and these folders, which allows labels of versions that are not loaded yet.
    pub fn new(config: ModelServerConfig, folders: Folders) -> Self {
        Self { config, folders, allows_unavailable: true, address: None }
    }

    /// Sets `--allow_version_labels_for_unavailable_models`.
    #[must_use]
    pub fn allows_unavailable(mut self, allows: bool) -> Self {
        self.allows_unavailable = allows;
        self
    }

    /// Listens on this address, as a container does that is started again in its pod.
    #[must_use]
    pub fn address(mut self, address: SocketAddr) -> Self {
        self.address = Some(address);
        self
    }

    /// The error of a start that fails for good.
    pub(super) fn failed(reason: impl std::fmt::Display) -> Error {
        Error::Cluster {
            action: "start a model server".to_owned(),
            reason: format!("it ends at its start: {reason}"),
            retryable: false,
            source: None,
        }
    }

    /// The outcome of a start.
    pub(super) fn checked(outcome: Result<(), crate::model::ModelError>) -> Result<()> {
        outcome.map_err(|error| Self::failed(error.message))
    }
}
