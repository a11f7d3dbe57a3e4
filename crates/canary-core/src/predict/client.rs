//! The client and its settings.

use std::{fmt, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Uri, header};
use http_body_util::Full;

use super::{
    address::{Address, ModelVersion, Scheme, model_path},
    answer::Answer,
    call::{self, Limits, Trace},
    failure::{self, Failure},
    http::{Http, Reply},
    input::Input,
    request::{Form, write_predict},
    response::{Bad, Outputs, Read, read_predict},
    retry::{Budget, Retry},
};
use crate::error::{Error, Origin, PredictError, Result};

/// A client of one model server, or of a gateway in front of several.
///
/// Clones share their connections and their retry budget; settings are made by consuming setters, so that a variation
/// is `client.clone().version(2)`. It must be used within a tokio runtime with I/O and time enabled.
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
    pub(crate) http: Http,
    pub(crate) config: Arc<Config>,
    pub(crate) budget: Arc<Budget>,
}

/// The settings of a client.
#[derive(Clone)]
pub(crate) struct Config {
    pub(crate) address: Address,
    pub(crate) model: String,
    pub(crate) version: ModelVersion,
    pub(crate) signature: String,
    pub(crate) form: Form,
    pub(crate) headers: HeaderMap,
    pub(crate) subset_header: String,
    pub(crate) limits: Limits,
    pub(crate) connect_timeout: Duration,
    pub(crate) max_answer_bytes: usize,
    pub(crate) doubles: bool,
    /// The first setting that is not valid; reported by the next call.
    pub(crate) problem: Option<String>,
}

/// A request in wire form, to be sent any number of times.
#[derive(Clone, Debug)]
pub struct Prepared {
    url: String,
    uri: Uri,
    body: Bytes,
}

impl Prepared {
    /// The address that will be asked.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The body that will be sent.
    pub fn body(&self) -> &[u8] {
        &self.body
    }
}

/// The settings that a new client has.
impl Client {
    /// The header in which a gateway names the subset that answered.
    pub const SUBSET_HEADER: &'static str = "x-canary-subset";

    /// A client of the server at `http://host:port`.
    ///
    /// A path in the address is put in front of `/v1/…`. No connection is made yet.
    ///
    /// # Errors
    /// [`Error::Predict`] with [`Origin::Request`] when the address cannot be used; the message says why.
    pub fn new(address: &str) -> Result<Self> {
        let address = Address::parse(address)?;
        if address.scheme != Scheme::Http {
            return Err(PredictError::new(
                Origin::Request,
                address.text(),
                "this build speaks http:// only",
            )
            .into());
        }
        let connect_timeout = Duration::from_secs(5);
        Ok(Self {
            http: Http::new(connect_timeout),
            config: Arc::new(Config {
                address,
                model: String::new(),
                version: ModelVersion::Latest,
                signature: String::new(),
                form: Form::Row,
                headers: HeaderMap::new(),
                subset_header: Self::SUBSET_HEADER.to_owned(),
                limits: Limits {
                    timeout: Duration::from_secs(60),
                    attempt_timeout: None,
                    hedge: None,
                    retry: Retry::default(),
                },
                connect_timeout,
                max_answer_bytes: 64 << 20,
                doubles: false,
                problem: None,
            }),
            budget: Arc::default(),
        })
    }

    fn set(mut self, change: impl FnOnce(&mut Config)) -> Self {
        change(Arc::make_mut(&mut self.config));
        self
    }

    /// The model that is asked.
    #[must_use]
    pub fn model(self, name: impl Into<String>) -> Self {
        self.set(|config| config.model = name.into())
    }

    /// The signature that is asked; without one the server takes `serving_default`.
    #[must_use]
    pub fn signature(self, name: impl Into<String>) -> Self {
        self.set(|config| config.signature = name.into())
    }

    /// Asks that version of the model, in place of a label.
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

    /// Asks the version that the server gives this label, in place of a number.
    #[must_use]
    pub fn label(self, label: impl Into<String>) -> Self {
        self.set(|config| config.version = ModelVersion::Label(label.into()))
    }

    /// Asks the newest version, as a new client does.
    #[must_use]
    pub fn latest(self) -> Self {
        self.set(|config| config.version = ModelVersion::Latest)
    }

    /// The JSON form of requests and answers; see [`Form`].
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

    /// Leaves out a header set before.
    #[must_use]
    pub fn without_header(self, name: &str) -> Self {
        self.set(|config| {
            config.headers.remove(name);
        })
    }

    /// The host that the request names (`Host`), when it is not the address: a gateway routes by it.
    #[must_use]
    pub fn host(self, host: impl AsRef<str>) -> Self {
        self.header("host", host)
    }

    /// The header of answers that names the subset; [`Client::SUBSET_HEADER`] unless set.
    #[must_use]
    pub fn subset_header(self, name: impl Into<String>) -> Self {
        self.set(|config| config.subset_header = name.into())
    }

    /// The time for one call in total: all attempts, the pauses between them, and reading the answer. Default 60 s.
    #[must_use]
    pub fn timeout(self, timeout: Duration) -> Self {
        self.set(|config| config.limits.timeout = timeout)
    }

    /// The time for one attempt; one that takes longer is given up and repeated. Default: none of its own.
    #[must_use]
    pub fn attempt_timeout(self, timeout: Duration) -> Self {
        self.set(|config| config.limits.attempt_timeout = Some(timeout))
    }

    /// The time in which a connection must come about. Default 5 s. The clone gets connections of its own.
    #[must_use]
    pub fn connect_timeout(self, timeout: Duration) -> Self {
        let mut client = self.set(|config| config.connect_timeout = timeout);
        client.http = Http::new(timeout);
        client
    }

    /// When and how often requests are repeated.
    #[must_use]
    pub fn retry(self, retry: Retry) -> Self {
        self.set(|config| config.limits.retry = retry)
    }

    /// Sends the request a second time when no answer came after this time, and takes the first answer.
    ///
    /// It draws from the budget of [`Retry`] and needs at least two attempts there. Default: not done.
    #[must_use]
    pub fn hedge(self, after: Duration) -> Self {
        self.set(|config| config.limits.hedge = Some(after))
    }

    /// The largest answer that is read, in bytes. Default 64 MiB.
    #[must_use]
    pub fn max_answer_bytes(self, bytes: usize) -> Self {
        self.set(|config| config.max_answer_bytes = bytes)
    }

    /// Reads fractions of answers as 64-bit floats: for models whose outputs are `DT_DOUBLE`, which JSON does not say.
    #[must_use]
    pub fn doubles(self, doubles: bool) -> Self {
        self.set(|config| config.doubles = doubles)
    }
}

/// Calls.
impl Client {
    /// Asks the model: the bytes of an image file, a tensor, or named inputs; see [`Input`].
    ///
    /// # Errors
    /// [`Error::Predict`]: its origin says whether the model server, the mesh or the network failed, or whether the
    /// input could not be sent or the answer not be read.
    pub async fn predict<'a>(&self, input: impl Into<Input<'a>>) -> Result<Answer> {
        let prepared = self.prepare(input)?;
        self.send(&prepared).await
    }

    /// The request for these inputs in wire form, to be sent several times or to see what is sent.
    ///
    /// # Errors
    /// [`Error::Predict`] with [`Origin::Request`] when the inputs or the settings cannot be sent.
    pub fn prepare<'a>(&self, input: impl Into<Input<'a>>) -> Result<Prepared> {
        let (url, uri) = self.target(":predict")?;
        let mut body = Vec::new();
        write_predict(&mut body, &self.config.signature, self.config.form, &input.into())
            .map_err(|error| request_error(&url, error))?;
        Ok(Prepared { url, uri, body: body.into() })
    }

    /// Sends a prepared request.
    ///
    /// # Errors
    /// As [`Client::predict`].
    pub async fn send(&self, prepared: &Prepared) -> Result<Answer> {
        let Prepared { url, uri, body } = prepared;
        let (reply, trace) = self.call(Method::POST, url, uri, body).await?;
        self.answer(url, reply, trace, read_predict)
    }

    /// The answer in a reply, as `read` reads its outputs.
    pub(crate) fn answer(
        &self,
        url: &str,
        reply: Reply,
        trace: Trace,
        read: impl FnOnce(&[u8], bool) -> Read<Outputs>,
    ) -> Result<Answer> {
        let subset = self.subset_of(&reply.headers);
        match read(&reply.body, self.config.doubles) {
            Ok(outputs) => {
                Ok(Answer { outputs, body: reply.body, headers: reply.headers, subset, trace })
            }
            Err(bad) => Err(self.unreadable(url, &reply, &trace, &bad).into()),
        }
    }

    /// A body that was written, or the reason why not as an error of the call.
    pub(crate) fn written(&self, url: &str, body: Result<Vec<u8>>) -> Result<Bytes> {
        let body = body.map_err(|error| request_error(url, error))?;
        Ok(body.into())
    }

    pub(crate) fn subset_of(&self, headers: &HeaderMap) -> Option<String> {
        let value = headers.get(self.config.subset_header.as_str())?;
        Some(String::from_utf8_lossy(value.as_bytes()).into_owned())
    }

    /// The address of a call, as text and as URI.
    pub(crate) fn target(&self, suffix: &str) -> Result<(String, Uri)> {
        let config = &self.config;
        let path = model_path(&config.address.prefix, &config.model, &config.version);
        let url = format!("http://{}{path}{suffix}", config.address.authority);
        let refuse = |message: &str, help: &str| {
            let mut error = PredictError::new(Origin::Request, url.clone(), message);
            help.clone_into(&mut error.help);
            Error::from(error)
        };
        if let Some(problem) = &config.problem {
            return Err(refuse(problem, ""));
        }
        if config.model.is_empty() {
            return Err(refuse("no model is named", "name one with .model(\"…\")"));
        }
        match url.parse() {
            Ok(uri) => Ok((url, uri)),
            Err(_) => Err(refuse("this is not a valid URL", "")),
        }
    }

    /// One call with its repeats; the answer has a status of 2xx.
    pub(crate) async fn call(
        &self,
        method: Method,
        url: &str,
        uri: &Uri,
        body: &Bytes,
    ) -> Result<(Reply, Trace)> {
        let config = &self.config;
        let attempt = || async {
            let mut request = Request::new(Full::new(body.clone()));
            *request.method_mut() = method.clone();
            *request.uri_mut() = uri.clone();
            *request.headers_mut() = config.headers.clone();
            if method == Method::POST {
                let json = HeaderValue::from_static("application/json");
                request.headers_mut().entry(header::CONTENT_TYPE).or_insert(json);
            }
            let reply = self
                .http
                .send(request, config.max_answer_bytes)
                .await
                .map_err(|broken| failure::of_network(url, broken, config.max_answer_bytes))?;
            if reply.status.is_success() {
                return Ok(reply);
            }
            let mut failure: Failure = failure::of_status(url, &reply);
            failure.error.subset = self.subset_of(&reply.headers);
            Err(failure)
        };
        Ok(call::run(url, &config.limits, &self.budget, attempt).await?)
    }

    /// The error for an answer of status 2xx that is not what was asked for.
    pub(crate) fn unreadable(
        &self,
        url: &str,
        reply: &Reply,
        trace: &Trace,
        bad: &Bad,
    ) -> PredictError {
        let start = bad.at.saturating_sub(20).min(reply.body.len());
        let end = (bad.at + 20).min(reply.body.len());
        let near = String::from_utf8_lossy(&reply.body[start..end]);
        let message = if reply.body.is_empty() {
            "it is empty".to_owned()
        } else {
            format!("{} at byte {} (near {near:?})", bad.reason, bad.at)
        };
        let mut error = PredictError::new(Origin::Answer, url, message);
        let text = String::from_utf8_lossy(&reply.body[..reply.body.len().min(64)]);
        if failure::looks_like_html(&reply.headers, text.trim_start()) {
            "a web page was answered: check the address and the port".clone_into(&mut error.help);
        }
        error.status = Some(reply.status.as_u16());
        error.subset = self.subset_of(&reply.headers);
        error.attempts = trace.attempts;
        error.elapsed = trace.elapsed;
        error
    }
}

/// Turns an input that cannot be written into an error of the call.
fn request_error(url: &str, error: Error) -> Error {
    match error {
        Error::Image { reason, .. } => PredictError::new(Origin::Request, url, reason).into(),
        other => other,
    }
}

impl fmt::Debug for Client {
    /// Names headers without their values, which may be secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let headers: Vec<&str> = self.config.headers.keys().map(HeaderName::as_str).collect();
        f.debug_struct("Client")
            .field("address", &self.config.address.text())
            .field("model", &self.config.model)
            .field("version", &self.config.version)
            .field("signature", &self.config.signature)
            .field("headers", &headers)
            .finish_non_exhaustive()
    }
}
