//! The servers of a rollout by labels, over TensorFlow Serving's gRPC.

use canary_rollout::{
    Error as RolloutError, Result as RolloutResult,
    cluster::{ModelLabels, ModelServers, Replica, ServedVersion},
};
use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use futures_util::future::BoxFuture;

use crate::{
    Error, Result,
    error::{Origin, PredictError},
    predict::{Client, Protocol, State},
    workload::{ModelServerConfig, VersionPolicy},
};

/// The servers of a rollout by labels ([`VersionLabels`](canary_rollout::VersionLabels)), each reached at its own address
/// over TensorFlow Serving's gRPC.
///
/// The client gives the settings of the calls: its timeout, its retries and its TLS; not its address and its headers. Calls
/// on a server are plain gRPC (`grpc://`) unless the client's own address is `https://` or `grpcs://`.
///
/// ```
/// use canary_core::{Plan, predict::Client, rollout::VersionLabels, serving::ConfiguredServers};
///
/// let client = Client::new("http://classifiers.models:8501")?.model("pets");
/// let servers = ConfiguredServers::like(&client);
/// # let _ = servers;
/// # Ok::<(), canary_core::Error>(())
/// ```
#[derive(Debug)]
pub struct ConfiguredServers {
    client: Client,
    /// A client for each address, which keeps its connection.
    known: Mutex<BTreeMap<String, Client>>,
}

impl ConfiguredServers {
    /// Servers that are reached with the settings of this client.
    pub fn like(client: &Client) -> Self {
        let client = client.clone().latest().protocol(Protocol::TensorFlow).signature("");
        Self { client: client.outputs([""; 0]), known: Mutex::default() }
    }

    /// The client of one server.
    fn client(&self, server: &Replica, model: &str) -> Result<Client> {
        let scheme = if self.client.is_encrypted() { "grpcs" } else { "grpc" };
        let address = format!("{scheme}://{}", server.address);
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let client = match known.get(&address) {
            Some(client) => client.clone(),
            None => {
                known.entry(address.clone()).or_insert(self.client.clone().at(&address)?).clone()
            }
        };
        Ok(client.model(model))
    }
}

/// gRPC's `INVALID_ARGUMENT`.
const INVALID_ARGUMENT: i32 = 3;
/// gRPC's `NOT_FOUND`.
const NOT_FOUND: i32 = 5;

/// True when the model server itself returned this code.
fn has_code(error: &PredictError, code: i32) -> bool {
    error.origin == Origin::Server && error.grpc_code == Some(code)
}

/// The error of a call on one server.
fn failed(action: String, error: &Error) -> RolloutError {
    let retryable = error.is_retryable()
        || matches!(error, Error::Predict(error) if error.origin == Origin::Network);
    RolloutError::Cluster { action, reason: error.to_string(), retryable, source: None }
}

/// The configuration in a text.
fn parsed(text: &str) -> RolloutResult<ModelServerConfig> {
    Ok(text.parse::<ModelServerConfig>()?)
}

impl ModelServers for ConfiguredServers {
    fn read(&self, text: &str, model: &str) -> RolloutResult<ModelLabels> {
        let config = parsed(text)?;
        let model = config.model(model)?;
        let versions = model.named_versions()?;
        Ok(ModelLabels { versions: versions.to_vec(), labels: model.labels.clone() })
    }

    fn write(&self, text: &str, model: &str, labels: &ModelLabels) -> RolloutResult<String> {
        let mut config = parsed(text)?;
        config.model(model)?.named_versions()?;
        for one in config.models.iter_mut().filter(|one| one.name == model) {
            one.policy = VersionPolicy::Specific(labels.versions.clone());
            one.labels.clone_from(&labels.labels);
        }
        Ok(config.to_text())
    }

    fn versions<'a>(
        &'a self,
        server: &'a Replica,
        model: &'a str,
    ) -> BoxFuture<'a, RolloutResult<Vec<ServedVersion>>> {
        Box::pin(async move {
            let action = || format!("read the versions of model {model} on server {server}");
            let client = self.client(server, model).map_err(|error| failed(action(), &error))?;
            let status = match client.status().await {
                Ok(status) => status,
                Err(Error::Predict(error)) if has_code(&error, NOT_FOUND) => return Ok(Vec::new()),
                Err(error) => return Err(failed(action(), &error)),
            };
            let all = status.versions.into_iter().map(|one| {
                let ended = one.state == State::End;
                let failed = ended && !matches!(one.error_code.as_str(), "" | "OK");
                let mut state = one.state.to_string();
                if failed {
                    state = format!("{state} ({}: {})", one.error_code, one.error_message);
                }
                let available = one.state == State::Available;
                ServedVersion { version: one.version, available, ended, failed, state }
            });
            Ok(all.collect())
        })
    }

    fn labelled<'a>(
        &'a self,
        server: &'a Replica,
        model: &'a str,
        label: &'a str,
    ) -> BoxFuture<'a, RolloutResult<Option<i64>>> {
        Box::pin(async move {
            let action = || format!("read label {label} of model {model} on server {server}");
            let client = self.client(server, model).map_err(|error| failed(action(), &error))?;
            match client.label(label).metadata().await {
                Ok(metadata) => Ok(metadata.version),
                // An unknown label is an invalid argument, one of a version that is not loaded is not found.
                Err(Error::Predict(error))
                    if has_code(&error, INVALID_ARGUMENT) || has_code(&error, NOT_FOUND) =>
                {
                    Ok(None)
                }
                Err(error) => Err(failed(action(), &error)),
            }
        })
    }

    fn reload<'a>(
        &'a self,
        server: &'a Replica,
        text: &'a str,
    ) -> BoxFuture<'a, RolloutResult<()>> {
        Box::pin(async move {
            let action = || format!("reload the models of server {server}");
            let config = parsed(text)?;
            let client = self.client(server, "").map_err(|error| failed(action(), &error))?;
            client.reload(&config).await.map_err(|error| failed(action(), &error))
        })
    }
}
