//! The connection to an API server, and one bounded request over it.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use canary_http::milliseconds;
use http::Request;
use kube::{
    Client, Config,
    config::{KubeConfigOptions, Kubeconfig, KubeconfigError},
    core::Request as ApiRequest,
};
use serde_json::Value;

use canary_rollout::cluster::ObjectRef;

use crate::{
    Error, Result,
    api_error::{Verb, translate},
    credentials::Credentials,
    proxy,
    resource::{collection_path, unsafe_name},
};

/// The name under which this library's writes are recorded in `metadata.managedFields`.
pub const FIELD_MANAGER: &str = "canary";

/// A Kubernetes API server, with the credentials of a kubeconfig or of the pod it runs in.
///
/// Objects travel as raw JSON. Requests are bounded in time, TLS is verified, and credential plugins run as `kubectl`
/// runs them.
///
/// ```no_run
/// # async fn example() -> canary_core::Result<()> {
/// use canary_core::cluster::{Cluster, Kubernetes, ObjectRef};
///
/// let cluster = Kubernetes::connect().await?;
/// let live = cluster.get(&ObjectRef::virtual_service("default", "image-classifier")).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Kubernetes {
    client: Client,
    pub(crate) field_manager: String,
    pub(crate) force: bool,
    pub(crate) dry_run: bool,
    /// True when the configuration turns the verification of the server\'s certificate off.
    unverified: bool,
    server: Option<String>,
    credentials: Credentials,
}

impl std::fmt::Debug for Kubernetes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The client holds credentials.
        f.debug_struct("Kubernetes")
            .field("field_manager", &self.field_manager)
            .finish_non_exhaustive()
    }
}

impl Kubernetes {
    /// Connects as `kubectl` would: `KUBECONFIG`, then `~/.kube/config`, then the pod's service account.
    ///
    /// # Errors
    /// [`Error::Cluster`] when no configuration is found or it cannot be used.
    pub async fn connect() -> Result<Self> {
        let found = match Kubeconfig::read() {
            Ok(kubeconfig) => configuration(kubeconfig, None).await,
            Err(error) => Err(error),
        };
        match found {
            Ok(config) => Self::with_config(config),
            Err(kubeconfig) => {
                let config = Config::incluster().map_err(|_| Error::Cluster {
                    action: "connect".to_owned(),
                    reason: format!(
                        "no usable configuration ({}); set KUBECONFIG, or run in a pod with a service account",
                        without_secrets(&kubeconfig)
                    ),
                    retryable: false,
                    source: None,
                })?;
                Self::with_config(config)
            }
        }
    }

    /// Connects as [`Kubernetes::connect`] does, or with a kubeconfig file, and to one of its contexts when given.
    ///
    /// ```no_run
    /// # async fn example() -> canary_core::Result<()> {
    /// let cluster = canary_core::cluster::Kubernetes::open(None, Some("staging")).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Cluster`] when the file is no kubeconfig or has no such context.
    pub async fn open(kubeconfig: Option<&Path>, context: Option<&str>) -> Result<Self> {
        let read = match (kubeconfig, context) {
            (None, None) => return Self::connect().await,
            (None, _) => Kubeconfig::read(),
            (Some(path), _) => Kubeconfig::read_from(path),
        };
        Self::with_kubeconfig(read, context).await
    }

    async fn with_kubeconfig(
        read: Result<Kubeconfig, KubeconfigError>,
        context: Option<&str>,
    ) -> Result<Self> {
        let unusable = |error: KubeconfigError| Error::Cluster {
            action: "connect".to_owned(),
            reason: context.map_or_else(
                || format!("the kubeconfig cannot be used: {}", without_secrets(&error)),
                |context| {
                    let why = without_secrets(&error);
                    format!("the kubeconfig cannot be used with context {context:?}: {why}")
                },
            ),
            retryable: false,
            source: None,
        };
        let config = configuration(read.map_err(unusable)?, context).await.map_err(unusable)?;
        Self::with_config(config)
    }

    /// Connects with the text of a kubeconfig, to one of its contexts or to the current one.
    ///
    /// # Errors
    /// [`Error::Cluster`] when the text is no kubeconfig or has no such context.
    pub async fn from_kubeconfig(text: &str, context: Option<&str>) -> Result<Self> {
        Self::with_kubeconfig(Kubeconfig::from_yaml(text), context).await
    }

    /// Connects with kube's own configuration.
    ///
    /// # Errors
    /// [`Error::Cluster`] when the configuration's certificates or credentials cannot be used.
    pub fn with_config(mut config: Config) -> Result<Self> {
        // A call without a timeout could stop a rollout; watches have their own bound.
        config.connect_timeout.get_or_insert(Duration::from_secs(10));
        config.read_timeout.get_or_insert(Duration::from_secs(300));
        // kube uses the token unchanged and panics if it contains a line break.
        let auth = serde_json::to_value(&config.auth_info).unwrap_or_default();
        let sendable = |token: &str| token.bytes().all(|byte| (b' '..=b'~').contains(&byte));
        if auth["token"].as_str().is_some_and(|token| !sendable(token)) {
            return Err(Error::Cluster {
                action: "connect".to_owned(),
                reason: "the token has characters that HTTP forbids, such as a line break; copy it again"
                    .to_owned(),
                retryable: false,
                source: None,
            });
        }
        let unverified = config.accept_invalid_certs;
        if unverified {
            tracing::warn!(
                server = config.cluster_url.host(),
                "the certificate of the API server is not verified: insecure-skip-tls-verify is set"
            );
        }
        let server = address(&config.cluster_url);
        let credentials = Credentials::of(&config.auth_info);
        let client = Client::try_from(config).map_err(|error| {
            translate(Verb::Get, &ObjectRef::new("", "API server", "", ""), error)
        })?;
        Ok(Self { unverified, server, credentials, ..Self::new(client) })
    }

    /// Uses a client that already exists.
    pub fn new(client: Client) -> Self {
        Self {
            client,
            field_manager: FIELD_MANAGER.to_owned(),
            force: false,
            dry_run: false,
            unverified: false,
            server: None,
            credentials: Credentials::default(),
        }
    }

    /// `true` when the configuration turns the verification of the server's certificate off
    /// (`insecure-skip-tls-verify`): an attacker on the network can read the credentials and change the answers.
    pub fn is_unverified(&self) -> bool {
        self.unverified
    }

    /// The address of the API server, such as `https://10.0.0.1:6443`, for people to read; it holds no credentials. `None`
    /// for a client that was given.
    pub fn server(&self) -> Option<&str> {
        self.server.as_deref()
    }

    /// Records writes under another name than [`FIELD_MANAGER`].
    #[must_use]
    pub fn field_manager(mut self, name: impl Into<String>) -> Self {
        self.field_manager = name.into();
        self
    }

    /// Takes over the fields of other managers on apply instead of reporting a conflict.
    #[must_use]
    pub fn force(mut self, force: bool) -> Self {
        self.force = force;
        self
    }

    /// Lets the server check every write and store none.
    #[must_use]
    pub fn dry_run(mut self, dry_run: bool) -> Self {
        self.dry_run = dry_run;
        self
    }

    /// kube's client, for calls that this library does not offer.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// The requests of a kind's collection in a namespace.
    pub(crate) async fn collection(&self, object: &ObjectRef) -> Result<ApiRequest> {
        let (plural, namespaced) = self.resource(&object.api_version, &object.kind).await?;
        let namespace =
            (namespaced && !object.namespace.is_empty()).then_some(object.namespace.as_str());
        Ok(ApiRequest::new(collection_path(&object.api_version, &plural, namespace)))
    }

    /// [`Self::collection`] for a request that has the object's name in its path.
    pub(crate) async fn named(&self, object: &ObjectRef) -> Result<ApiRequest> {
        if let Some(reason) = unsafe_name(object) {
            return Err(Error::Cluster {
                action: object.to_string(),
                reason,
                retryable: false,
                source: None,
            });
        }
        self.collection(object).await
    }

    /// Plural name and scope, from the table or from the server's own list.
    async fn resource(&self, api_version: &str, kind: &str) -> Result<(String, bool)> {
        if let Some(plural) = ObjectRef::plural_of(kind) {
            return Ok((plural.to_owned(), !ObjectRef::is_cluster_wide(kind)));
        }
        let object = ObjectRef::new(api_version, kind, "", "");
        let resources = if api_version.contains('/') {
            self.client.list_api_group_resources(api_version).await
        } else {
            self.client.list_core_api_resources(api_version).await
        }
        .map_err(|error| self.failure(Verb::List, &object, error))?;
        resources
            .resources
            .into_iter()
            .find(|resource| resource.kind == kind && !resource.name.contains('/'))
            .map(|resource| (resource.name, resource.namespaced))
            .ok_or_else(|| Error::Unserved {
                action: format!("find {api_version} {kind}"),
                reason: "the cluster does not serve this kind; install its CRD".to_owned(),
            })
    }

    /// The error for a call that failed, without the credentials of this connection.
    pub(crate) fn failure(&self, verb: Verb, object: &ObjectRef, error: kube::Error) -> Error {
        translate(verb, object, self.credentials.redact(error))
    }

    /// Sends one request, bounded in time.
    pub(crate) async fn send(
        &self,
        verb: Verb,
        object: &ObjectRef,
        request: Request<Vec<u8>>,
    ) -> Result<Value> {
        const LIMIT: Duration = Duration::from_secs(60);
        let start = Instant::now();
        let sent = tokio::time::timeout(LIMIT, self.client.request::<Value>(request)).await;
        let outcome = match sent {
            Ok(answer) => answer.map_err(|error| self.failure(verb, object, error)),
            Err(_elapsed) => Err(Error::Cluster {
                action: format!("{} {object}", verb.as_str()),
                reason: format!(
                    "the API server did not answer in {} s, or only that it is busy (429, 503, 504)",
                    LIMIT.as_secs()
                ),
                retryable: true,
                source: None,
            }),
        };
        let (verb, duration_ms) = (verb.as_str(), milliseconds(start.elapsed()));
        match &outcome {
            Ok(_) => tracing::debug!(verb, %object, duration_ms, "API request"),
            Err(error) => {
                tracing::debug!(verb, %object, duration_ms, %error, "API request failed");
            }
        }
        outcome
    }
}

/// The configuration of a context, or of the current one.
async fn configuration(
    kubeconfig: Kubeconfig,
    context: Option<&str>,
) -> Result<Config, KubeconfigError> {
    let keeps_proxy = proxy::is_named(&kubeconfig, context);
    let options = KubeConfigOptions { context: context.map(str::to_owned), ..Default::default() };
    let mut config = Config::from_custom_kubeconfig(kubeconfig, &options).await?;
    if !keeps_proxy {
        proxy::settle(&mut config);
    }
    Ok(config)
}

/// The problem with a kubeconfig, without the text around the place: that may be a token.
fn without_secrets(error: &KubeconfigError) -> String {
    match error {
        KubeconfigError::Parse(error) => error.location().map_or_else(
            || "it is not YAML of the expected form".to_owned(),
            |at| {
                let (line, column) = (at.line(), at.column());
                format!("it is not YAML of the expected form at line {line}, column {column}")
            },
        ),
        KubeconfigError::ReadConfig(error, path) => {
            format!("{} cannot be read: {error}", path.display())
        }
        KubeconfigError::LoadContext(name) => format!("it has no context {name:?}"),
        KubeconfigError::LoadClusterOfContext(name) => format!("it has no cluster {name:?}"),
        KubeconfigError::CurrentContextNotSet => "it has no current context; name one".to_owned(),
        KubeconfigError::FindPath => "there is none".to_owned(),
        KubeconfigError::LoadCertificateAuthority(_) | KubeconfigError::ParseCertificates(_) => {
            "its certificate authority cannot be read".to_owned()
        }
        KubeconfigError::LoadClientCertificate(_) | KubeconfigError::LoadClientKey(_) => {
            "its client certificate or key cannot be read".to_owned()
        }
        KubeconfigError::MissingClusterUrl | KubeconfigError::ParseClusterUrl(_) => {
            "its cluster has no usable server address".to_owned()
        }
        KubeconfigError::ParseProxyUrl(_) => {
            "its proxy-url, or the environment variable HTTPS_PROXY, is not the address of a proxy"
                .to_owned()
        }
        KubeconfigError::ParseNoProxy(_) => {
            "the environment variable NO_PROXY is not a list of hosts and networks with commas"
                .to_owned()
        }
        _ => "its parts do not fit together".to_owned(),
    }
}

/// The address without user, password, path and query.
fn address(url: &http::Uri) -> Option<String> {
    let port = url.port_u16().map_or_else(String::new, |port| format!(":{port}"));
    Some(format!("{}://{}{port}", url.scheme_str()?, url.host()?))
}
