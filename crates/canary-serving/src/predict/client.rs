//! The client and its settings.

use std::{borrow::Cow, fmt, sync::Arc, time::Duration};

use canary_http::{Proxy, Settings};
use http::{HeaderMap, HeaderName, HeaderValue};

use super::{
    address::{Address, ModelVersion, Scheme},
    attempts::Limits,
    config::Config,
    failure,
    names::Names,
    peer::Peer,
    prediction::Prediction,
    protocol::{Encoding, Protocol},
    request::Form,
    retry::{Budget, Retry},
    transport::Transport,
};
use crate::error::Result;

/// A client of one model server, or of a gateway in front of several: TensorFlow Serving, or a server of another
/// [`Protocol`].
///
/// Clones share their connections and their retry budget; setters consume the client, so that a variation is
/// `client.clone().version(2)`. It must be used within a tokio runtime with I/O and time enabled.
///
/// ```no_run
/// use canary_core::predict::Client;
///
/// # async fn run() -> canary_core::Result<()> {
/// let client = Client::new("http://34.1.2.3")?
///     .model("image_classifier")
///     .signature("serving_preprocess")
///     .header("user-group", "canary");
/// # let photo: Vec<u8> = Vec::new();
/// let answer = client.predict(&photo).await?;
/// println!("{:?} from {:?}", answer.top()?, answer.subset());
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Client {
    pub(crate) transport: Transport,
    pub(crate) config: Arc<Config>,
    pub(crate) budget: Arc<Budget>,
    /// The names of models' only inputs, where the protocol needs them.
    pub(crate) names: Names,
    /// The protocol of the server, asked for once, when it does not know a call of the client's own protocol.
    pub(crate) peer: Peer,
}

/// Settings.
impl Client {
    /// The response header in which a gateway names the subset that served the request.
    pub const SUBSET_HEADER: &'static str = "x-canary-subset";

    /// A client of the server at `http://host:port`.
    ///
    /// `https://` needs the feature `tls`, `grpc://` the feature `grpc`, `grpcs://` both. A path in the address is put
    /// in front of `/v1/…` or `/v2/…`. No connection is opened yet.
    ///
    /// # Errors
    /// [`crate::Error::Predict`] with [`crate::error::Origin::Request`] when the address cannot be used; the message says why.
    pub fn new(address: &str) -> Result<Self> {
        let address = Address::parse(address)?;
        let http = Settings::default();
        Ok(Self {
            transport: Transport::new(&address, &http)?,
            config: Arc::new(Config {
                address,
                protocol: Protocol::default(),
                encoding: Encoding::default(),
                service: super::protocol::open::SERVICES[0].into(),
                model: String::new(),
                version: ModelVersion::Latest,
                signature: String::new(),
                outputs: Vec::new(),
                prediction: Prediction::default(),
                form: Form::Row,
                headers: HeaderMap::new(),
                subset_header: Self::SUBSET_HEADER.to_owned(),
                limits: Limits {
                    timeout: Duration::from_secs(60),
                    attempt_timeout: None,
                    hedge: None,
                    retry: Retry::default(),
                },
                http,
                max_answer_bytes: 64 << 20,
                doubles: false,
                cleartext: false,
                problem: None,
            }),
            budget: Arc::default(),
            names: Names::default(),
            peer: Peer::default(),
        })
    }

    pub(super) fn set(mut self, change: impl FnOnce(&mut Config)) -> Self {
        change(Arc::make_mut(&mut self.config));
        self
    }

    /// The same settings for the server at another address, as for one replica of several. Headers are not sent there, since
    /// they may be meant for a gateway. The clone gets connections of its own.
    ///
    /// ```
    /// use canary_core::predict::Client;
    ///
    /// let service = Client::new("http://classifiers.models:8501")?.model("pets").host("pets.example.com");
    /// let replica = service.at("grpc://10.0.0.7:8500")?;
    /// # let _ = replica;
    /// # Ok::<(), canary_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Client::new`].
    pub fn at(self, address: &str) -> Result<Self> {
        let address = Address::parse(address)?;
        let transport = Transport::new(&address, &self.config.http)?;
        let client = self.set(|config| {
            config.address = address;
            config.headers = HeaderMap::new();
        });
        Ok(Self { transport, names: Names::default(), peer: Peer::default(), ..client })
    }

    /// True when its address is `https://` or `grpcs://`.
    pub fn is_encrypted(&self) -> bool {
        matches!(self.config.address.scheme, Scheme::Https | Scheme::Grpcs)
    }

    /// Sets the protocol of the server; TensorFlow Serving's unless set. [`Client::detect`] finds it out.
    ///
    /// ```
    /// use canary_core::predict::{Client, Protocol};
    ///
    /// let triton = Client::new("http://triton:8000")?.protocol(Protocol::OpenInference).model("mix");
    /// # let _ = triton;
    /// # Ok::<(), canary_core::Error>(())
    /// ```
    #[must_use]
    pub fn protocol(self, protocol: Protocol) -> Self {
        self.set(|config| config.protocol = protocol)
    }

    /// The protocol that it speaks.
    pub fn spoken(&self) -> Protocol {
        self.config.protocol
    }

    /// The form of arrays in its requests of the Open Inference Protocol.
    pub fn encoded(&self) -> Encoding {
        self.config.encoding
    }

    /// Sets the gRPC service of the Open Inference Protocol, `inference.GRPCInferenceService` unless set: TorchServe has the
    /// same messages under `org.pytorch.serve.grpc.openinference.GRPCInferenceService`. [`Client::detect`] finds it out.
    ///
    /// ```
    /// use canary_core::predict::{Client, Protocol};
    ///
    /// let client = Client::new("grpc://torchserve:7070")?
    ///     .protocol(Protocol::OpenInference)
    ///     .grpc_service("org.pytorch.serve.grpc.openinference.GRPCInferenceService");
    /// assert!(client.service_name().starts_with("org.pytorch"));
    /// # Ok::<(), canary_core::Error>(())
    /// ```
    #[must_use]
    pub fn grpc_service(self, name: impl Into<String>) -> Self {
        self.set(|config| config.service = Cow::Owned(name.into()))
    }

    /// The gRPC service of the Open Inference Protocol that it calls.
    pub fn service_name(&self) -> &str {
        &self.config.service
    }

    /// Sets the form of arrays in requests of the Open Inference Protocol; see [`Encoding`]. Other protocols have one
    /// form alone.
    #[must_use]
    pub fn encoding(self, encoding: Encoding) -> Self {
        self.set(|config| config.encoding = encoding)
    }

    /// Asks for these outputs in place of those that the model gives by itself: over the Open Inference Protocol, and
    /// over TensorFlow Serving's gRPC.
    ///
    /// Some models give an output only when it is asked for, as `predict_proba` of MLServer's scikit-learn models.
    #[must_use]
    pub fn outputs<N: Into<String>>(self, names: impl IntoIterator<Item = N>) -> Self {
        self.set(|config| config.outputs = names.into_iter().map(Into::into).collect())
    }

    /// Sets the part of an answer that a rollout compares; the most probable label unless set.
    #[must_use]
    pub fn prediction(self, prediction: Prediction) -> Self {
        self.set(|config| config.prediction = prediction)
    }

    /// Sets the model's name.
    #[must_use]
    pub fn model(self, name: impl Into<String>) -> Self {
        self.set(|config| config.model = name.into())
    }

    /// Sets the signature; without one the server takes `serving_default`.
    #[must_use]
    pub fn signature(self, name: impl Into<String>) -> Self {
        self.set(|config| config.signature = name.into())
    }

    /// Selects a version of the model by its number, in place of a label.
    #[must_use]
    pub fn version(self, version: u64) -> Self {
        self.set(|config| {
            config.version = ModelVersion::Number(version);
            if i64::try_from(version).is_err() {
                let problem = format!("version {version} does not fit into 63 bits");
                config.problem.get_or_insert(problem);
            }
        })
    }

    /// Selects the version that the server gives this label, in place of a number. Over the Open Inference Protocol,
    /// which has no labels, it is the text of a version, such as MLServer's `v10`.
    #[must_use]
    pub fn label(self, label: impl Into<String>) -> Self {
        self.set(|config| config.version = ModelVersion::Label(label.into()))
    }

    /// Selects the newest version, as a new client does.
    #[must_use]
    pub fn latest(self) -> Self {
        self.set(|config| config.version = ModelVersion::Latest)
    }

    /// Sets the JSON form of requests and responses; see [`Form`].
    #[must_use]
    pub fn form(self, form: Form) -> Self {
        self.set(|config| config.form = form)
    }

    /// Sends a header with each request, as header routing needs it; it replaces an earlier one of the same name.
    ///
    /// A name or value that HTTP does not allow is reported by the next call.
    #[must_use]
    pub fn header(self, name: impl AsRef<str>, value: impl AsRef<str>) -> Self {
        let (name, value) = (name.as_ref(), value.as_ref());
        let parsed = (HeaderName::try_from(name), HeaderValue::try_from(value));
        self.set(|config| match parsed {
            (Ok(name), Ok(mut value)) => {
                value.set_sensitive(true);
                config.headers.insert(name, value);
            }
            (Err(_), _) => {
                config.problem.get_or_insert(format!("{name:?} is not the name of a header"));
            }
            // The value may be a secret: it is not repeated.
            (_, Err(_)) => {
                let problem = format!("the value of header {name} holds bytes that HTTP refuses");
                config.problem.get_or_insert(problem);
            }
        })
    }

    /// Removes a header set before.
    #[must_use]
    pub fn without_header(self, name: &str) -> Self {
        self.set(|config| {
            config.headers.remove(name);
        })
    }

    /// Sets the host that requests name (`Host`) in place of the address's: a gateway routes by it.
    #[must_use]
    pub fn host(self, host: impl AsRef<str>) -> Self {
        self.header("host", host)
    }

    /// Sets the header of responses that names the subset; [`Client::SUBSET_HEADER`] unless set.
    #[must_use]
    pub fn subset_header(self, name: impl Into<String>) -> Self {
        self.set(|config| config.subset_header = name.into())
    }

    /// Sets the time for one call in total: all attempts, the pauses between them, and reading the response. Default
    /// 60 s.
    #[must_use]
    pub fn timeout(self, timeout: Duration) -> Self {
        self.set(|config| config.limits.timeout = timeout)
    }

    /// Sets the time for one attempt; one that takes longer is given up and repeated. Default: no separate limit.
    #[must_use]
    pub fn attempt_timeout(self, timeout: Duration) -> Self {
        self.set(|config| config.limits.attempt_timeout = Some(timeout))
    }

    /// Sets the time for opening a connection. Default 5 s. The clone gets connections of its own.
    #[must_use]
    pub fn connect_timeout(self, timeout: Duration) -> Self {
        self.reconnecting(|settings| settings.connect_timeout = timeout)
    }

    /// Sends requests over REST through the proxy at `http://host:port`, whatever their host; also `https://` and
    /// `socks5://`. A user name and a password may precede the host. The clone gets connections of its own.
    ///
    /// Without this setting the proxy comes from the environment: `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY`, and
    /// `NO_PROXY` for the hosts that are reached directly, among which the loopback always is. gRPC uses no proxy.
    ///
    /// # Errors
    /// [`crate::Error::Predict`] with [`crate::error::Origin::Request`] when this is not the URL of a proxy. The error
    /// does not repeat it.
    pub fn proxy(self, url: &str) -> Result<Self> {
        let proxy = Proxy::at(url)
            .map_err(|error| failure::of_network(&self.config.address.text(), error).error)?;
        Ok(self.reconnecting(|settings| settings.proxy = proxy))
    }

    /// Uses no proxy, whatever the environment says. The clone gets connections of its own.
    #[must_use]
    pub fn no_proxy(self) -> Self {
        self.reconnecting(|settings| settings.proxy = Proxy::direct())
    }

    /// Sets the certificate authorities to trust and the client's own certificate, on `https://` and `grpcs://`. The
    /// clone gets connections of its own.
    ///
    /// # Errors
    /// [`crate::Error::Predict`] with [`crate::error::Origin::Request`] when a certificate or key is not valid.
    #[cfg(feature = "tls")]
    pub fn tls(self, tls: canary_http::Tls) -> Result<Self> {
        let mut client = self.set(|config| config.http.tls = tls);
        client.transport = Transport::new(&client.config.address, &client.config.http)?;
        Ok(client)
    }

    /// Opens connections with changed settings; a setting that cannot be used is reported by the next call.
    fn reconnecting(self, change: impl FnOnce(&mut Settings)) -> Self {
        let mut client = self.set(|config| change(&mut config.http));
        match Transport::new(&client.config.address, &client.config.http) {
            Ok(transport) => client.transport = transport,
            Err(error) => {
                let problem = error.to_string();
                client = client.set(|config| {
                    config.problem.get_or_insert(problem);
                });
            }
        }
        client
    }

    /// Sets when and how often requests are repeated.
    #[must_use]
    pub fn retry(self, retry: Retry) -> Self {
        self.set(|config| config.limits.retry = retry)
    }

    /// Sends the request a second time when no response came after this time, and takes the first response.
    ///
    /// It draws from the budget of [`Retry`] and needs at least two attempts there. Default: not done.
    #[must_use]
    pub fn hedge(self, after: Duration) -> Self {
        self.set(|config| config.limits.hedge = Some(after))
    }

    /// Sets the largest response that is read, in bytes. Default 64 MiB.
    #[must_use]
    pub fn max_answer_bytes(self, bytes: usize) -> Self {
        self.set(|config| config.max_answer_bytes = bytes)
    }

    /// Reads fractions of responses as 64-bit floats: for models whose outputs are `DT_DOUBLE`, which JSON does not
    /// indicate.
    #[must_use]
    pub fn doubles(self, doubles: bool) -> Self {
        self.set(|config| config.doubles = doubles)
    }

    /// Sends headers with credentials by `http://` and `grpc://` too, for networks that are encrypted themselves, such
    /// as a mesh. Without it the next call is refused, unless the server is on this machine.
    ///
    /// ```
    /// use canary_core::predict::Client;
    ///
    /// let client = Client::new("http://image-classifier.models:8501")?.header("authorization", "Bearer hunter2");
    /// let in_a_mesh = client.allow_cleartext(true);
    /// # let _ = in_a_mesh;
    /// # Ok::<(), canary_core::Error>(())
    /// ```
    #[must_use]
    pub fn allow_cleartext(self, allow: bool) -> Self {
        self.set(|config| config.cleartext = allow)
    }
}

impl fmt::Debug for Client {
    /// Names headers without their values, which may be secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let headers: Vec<&str> = self.config.headers.keys().map(HeaderName::as_str).collect();
        f.debug_struct("Client")
            .field("address", &self.config.address.text())
            .field("protocol", &self.config.protocol)
            .field("model", &self.config.model)
            .field("version", &self.config.version)
            .field("signature", &self.config.signature)
            .field("headers", &headers)
            .finish_non_exhaustive()
    }
}
