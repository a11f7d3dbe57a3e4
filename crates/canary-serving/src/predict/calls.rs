//! The calls of a client.

use std::{
    borrow::Cow,
    time::{Duration, Instant},
};

use canary_http::Response;
#[cfg(feature = "grpc")]
use canary_http::server_text;
use futures_core::Stream;
use futures_util::{StreamExt, stream};

use super::{
    answer::Answer,
    client::Client,
    config::Config,
    detect,
    examples::Examples,
    input::Input,
    many::Answers,
    metadata::{Metadata, Wiring},
    protocol::{self, Call, Dialect, Protocol},
    response::{Parsed, Reading},
    send::{self, Prepared},
    status::ModelStatus,
    wait::{self, Waiting},
};
use crate::error::{Error, Origin, PredictError, Result};
#[cfg(feature = "grpc")]
use crate::{
    predict::{grpc, protocol::Payload},
    workload::ModelServerConfig,
};

/// gRPC's `FAILED_PRECONDITION`, with which a server refuses a label of a version that is not available.
#[cfg(feature = "grpc")]
const FAILED_PRECONDITION: i32 = 9;

/// The error of a reload, with the remedy.
#[cfg(feature = "grpc")]
fn reload_refused(mut error: PredictError) -> PredictError {
    if error.grpc_code == Some(FAILED_PRECONDITION) {
        "a label can only be given to a version that is AVAILABLE: load the version by a reload of its own, wait until \
         its status says so, and label it by a second reload"
            .clone_into(&mut error.help);
    } else if error.timed_out {
        "the server may complete the reload after the deadline: read the model's status before the next reload"
            .clone_into(&mut error.help);
    }
    error
}

/// Calls.
impl Client {
    /// A client of the server at that address, in the protocol that the server is found to speak; see
    /// [`Client::detected`].
    ///
    /// ```no_run
    /// use canary_core::predict::{Client, Protocol};
    ///
    /// # async fn run() -> canary_core::Result<()> {
    /// let client = Client::detect("http://mlserver:8080").await?.model("mix");
    /// assert_eq!(client.spoken(), Protocol::OpenInference);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`crate::Error::Predict`] as for [`Client::new`] and [`Client::detected`].
    pub async fn detect(address: &str) -> Result<Self> {
        Self::new(address)?.detected().await
    }

    /// The same client in the protocol that its server is found to speak, with the [`Encoding`](super::Encoding) that
    /// suits the server. It asks for the server's and the model's descriptions, with the client's headers and within its
    /// timeout; nothing is predicted.
    ///
    /// # Errors
    /// [`crate::Error::Predict`] when the server cannot be reached, or speaks none of the protocols.
    pub async fn detected(self) -> Result<Self> {
        detect::detected(self).await
    }

    fn dialect(&self) -> &'static dyn Dialect {
        protocol::of(&self.config)
    }

    /// Sends inputs to the model: the bytes of an image file, a tensor, or named inputs; see [`Input`].
    ///
    /// Over gRPC and over the Open Inference Protocol an input without a name gets the name of the model's only input,
    /// which is read from the server once.
    ///
    /// # Errors
    /// [`crate::Error::Predict`]: its origin says whether the model server, the mesh or the network failed, or whether
    /// the input could not be sent or the response not be read.
    pub async fn predict<'a>(&self, input: impl Into<Input<'a>>) -> Result<Answer> {
        self.predict_input(input.into()).await
    }

    /// The request for these inputs in wire form, to be sent several times or to see what is sent.
    ///
    /// # Errors
    /// [`crate::Error::Predict`] with [`Origin::Request`](crate::error::Origin::Request) when the inputs or the settings
    /// cannot be sent; over gRPC and the Open Inference Protocol also when an input has no name.
    pub fn prepare<'a>(&self, input: impl Into<Input<'a>>) -> Result<Prepared> {
        let payload = self.dialect().write_predict(&self.config, input.into());
        send::prepare(&self.config, Call::Predict, payload)
    }

    /// Sends a prepared request.
    ///
    /// # Errors
    /// As [`Client::predict`].
    pub async fn send(&self, prepared: &Prepared) -> Result<Answer> {
        let dialect = self.dialect();
        self.answer(prepared, |config, response, deadline| {
            dialect.read_predict(config, response, deadline)
        })
        .await
    }

    /// Sends a request for each item, with at most `concurrency` requests in flight (at least one), and gives the
    /// answers in the order of the items.
    ///
    /// An item is read from the iterator and encoded only when its turn comes, so that at most `concurrency` requests
    /// and answers are in memory, for any number of items. An item that fails gives its error in its place; the others
    /// continue.
    ///
    /// ```no_run
    /// # async fn run(photos: Vec<Vec<u8>>) -> canary_core::Result<()> {
    /// let client = canary_core::predict::Client::new("http://34.1.2.3")?.model("image_classifier");
    /// let mut answers = client.predict_many(photos, 32);
    /// while let Some(answer) = answers.next().await {
    ///     match answer {
    ///         Ok(answer) => println!("{:?}", answer.top()?),
    ///         Err(error) => println!("{error}"),
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn predict_many<'a, I>(&self, items: I, concurrency: usize) -> Answers<'a>
    where
        I: IntoIterator,
        I::IntoIter: Send + 'a,
        I::Item: Into<Input<'a>> + Send + 'a,
    {
        self.predict_stream(stream::iter(items), concurrency)
    }

    /// [`Client::predict_many`] for items that arrive one after the other.
    pub fn predict_stream<'a, S>(&self, items: S, concurrency: usize) -> Answers<'a>
    where
        S: Stream + Send + 'a,
        S::Item: Into<Input<'a>> + Send + 'a,
    {
        let client = self.clone();
        let answers = items.map(move |item| {
            let client = client.clone();
            async move { client.predict_input(item.into()).await }
        });
        Answers(answers.buffered(concurrency.max(1)).boxed())
    }

    /// Classifies examples (`…:classify`).
    ///
    /// The answer has the outputs `classes` (`DT_STRING`) and `scores` (`DT_FLOAT`), one row for each example;
    /// [`Answer::top_rows`] reads them.
    ///
    /// # Errors
    /// [`crate::Error::Predict`] as for [`Client::predict`].
    pub async fn classify(&self, examples: impl Into<Examples>) -> Result<Answer> {
        let dialect = self.dialect();
        let payload = dialect.write_examples(&self.config, &examples.into());
        let prepared = send::prepare(&self.config, Call::Classify, payload)?;
        self.answer(&prepared, |config, response, deadline| {
            dialect.read_classify(config, response, deadline)
        })
        .await
    }

    /// Regresses examples (`…:regress`): the answer's only output, `outputs`, has one float for each example.
    ///
    /// # Errors
    /// [`crate::Error::Predict`] as for [`Client::predict`].
    pub async fn regress(&self, examples: impl Into<Examples>) -> Result<Answer> {
        let dialect = self.dialect();
        let payload = dialect.write_examples(&self.config, &examples.into());
        let prepared = send::prepare(&self.config, Call::Regress, payload)?;
        self.answer(&prepared, |config, response, deadline| {
            dialect.read_regress(config, response, deadline)
        })
        .await
    }

    /// Reads the signatures of the model: names, element types and shapes of inputs and outputs.
    ///
    /// # Errors
    /// [`crate::Error::Predict`] as for [`Client::predict`].
    pub async fn metadata(&self) -> Result<Metadata> {
        let dialect = self.dialect();
        let payload = dialect.write_metadata(&self.config);
        let prepared = send::prepare(&self.config, Call::Metadata, Ok(payload))?;
        let read =
            |config: &Config, response: &Response, _| dialect.read_metadata(config, response);
        Ok(send::send(self, &prepared, read).await?.0)
    }

    /// Reads the signature from the server and compares inputs with it; nothing is predicted.
    ///
    /// To check many inputs, read [`Client::metadata`] once and use [`Signature::check`](super::Signature::check).
    ///
    /// # Errors
    /// [`Error::Invalid`](canary_istio::Error::Invalid) with one finding for each name, element type or shape that does
    /// not fit; [`crate::Error::NotFound`] when the model has no such signature; [`crate::Error::Predict`] when the
    /// metadata cannot be read.
    pub async fn check<'a>(&self, input: impl Into<Input<'a>>) -> Result<()> {
        let input = input.into();
        let metadata = self.metadata().await?;
        let wire = if self.dialect().is_typed() { Wiring::Typed } else { Wiring::Json };
        let signature = metadata.signature(&self.config.signature)?;
        if signature.inputs.is_empty() && self.config.protocol == Protocol::OpenInference {
            return Err(Error::NotFound {
                object: format!("description of the inputs of model {:?}", self.config.model),
                help: "its server lists none, so there is nothing to check against; MLServer and KServe list inputs \
                       only where the model declares them"
                    .to_owned(),
            });
        }
        let findings = signature.check_over(&input, wire);
        if findings.is_empty() {
            Ok(())
        } else {
            Err(canary_istio::Error::Invalid(findings).into())
        }
    }

    /// Reads the states of the model's versions, or of the one that this client selects.
    ///
    /// The server responds also while no version is available: see [`ModelStatus::ready`].
    ///
    /// # Errors
    /// [`crate::Error::Predict`], of origin server with status 404 when the server does not know the model.
    pub async fn status(&self) -> Result<ModelStatus> {
        let dialect = self.dialect();
        let payload = dialect.write_status(&self.config);
        let prepared = send::prepare(&self.config, Call::Status, Ok(payload))?;
        let read = |config: &Config, response: &Response, _| dialect.read_status(config, response);
        let status = match send::send(self, &prepared, read).await {
            Ok((status, ..)) => status,
            Err(error) => return dialect.not_ready(&error).ok_or(error),
        };
        if self.config.protocol == Protocol::OpenInference && status.ready() {
            return Ok(status.with_versions(&self.metadata().await?.versions));
        }
        Ok(status)
    }

    /// Returns true when a version of the model is available: a server that cannot be reached, or does not know the
    /// model yet, is not ready.
    ///
    /// # Errors
    /// [`crate::Error::Predict`] of origin request, when the request itself cannot be sent.
    pub async fn is_ready(&self) -> Result<bool> {
        match self.status().await {
            Ok(status) => Ok(status.ready()),
            Err(Error::Predict(error)) if error.origin != Origin::Request => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Waits until a version of the model is available, and calls `progress` after each poll of its status.
    ///
    /// A server that cannot be reached, or does not know the model yet, is polled again: every 100 ms at first, every
    /// second later.
    ///
    /// # Errors
    /// [`crate::Error::Predict`] when no version is ready in time, or when every version failed to load: the message
    /// has the last status or error, and its origin is that of the last error, or the server.
    pub async fn wait(
        &self,
        timeout: Duration,
        progress: impl FnMut(Waiting<'_>) + Send,
    ) -> Result<ModelStatus> {
        let (url, _) = self.config.target(Call::Status)?;
        wait::until_ready(self, url, timeout, progress).await
    }

    /// Replaces the models, versions and labels of a running TensorFlow Serving by these (`HandleReloadConfigRequest`),
    /// over gRPC.
    ///
    /// The server checks the whole configuration, gives the labels, and then begins to load: a success says that the
    /// configuration is accepted, and [`Client::status`] tells when a version is `AVAILABLE`. A label can only be given
    /// to a version that is available already, so a new version is loaded by one reload and labelled by a second one.
    /// A model that the configuration leaves out is unloaded. The client's timeout is the deadline; the server may complete a
    /// reload after it.
    ///
    /// ```no_run
    /// use canary_core::{predict::Client, serving::{ModelConfig, ModelServerConfig, VersionPolicy}};
    ///
    /// # async fn run() -> canary_core::Result<()> {
    /// let pets = ModelConfig::new("pets", "/models/pets")
    ///     .policy(VersionPolicy::Specific(vec![41, 42]))
    ///     .label("stable", 41);
    /// let client = Client::new("grpc://10.0.0.7:8500")?;
    /// client.reload(&ModelServerConfig::new([pets])).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Invalid`](canary_istio::Error::Invalid) for a configuration that a server would refuse, among them one
    /// without models, which would unload all; [`crate::Error::Predict`] when the server refuses it (origin server), or
    /// cannot be reached.
    #[cfg(feature = "grpc")]
    pub async fn reload(&self, config: &ModelServerConfig) -> Result<()> {
        config.validate().into_result()?;
        let payload = grpc::reload(config).map(Payload::Message);
        let prepared = send::prepare(&self.config, Call::Reload, payload)?;
        let read = |_: &Config, response: &Response, _| grpc::read_reload(&response.body);
        let refusal = match send::send(self, &prepared, read).await {
            Ok((Ok(()), ..)) => return Ok(()),
            Ok((Err((code, message)), ..)) => {
                let text = server_text(message.trim()).into_owned();
                let mut error = PredictError::new(Origin::Server, prepared.url(), text);
                error.grpc_code = Some(code);
                error
            }
            Err(Error::Predict(error)) => *error,
            Err(error) => return Err(error),
        };
        Err(reload_refused(refusal).into())
    }

    async fn predict_input(&self, input: Input<'_>) -> Result<Answer> {
        let input = self.with_name(input).await?;
        self.send(&self.prepare(input)?).await
    }

    async fn answer(
        &self,
        prepared: &Prepared,
        read: impl Fn(&Config, &Response, Option<Instant>) -> Parsed<Reading>,
    ) -> Result<Answer> {
        let (reading, response, trace) = send::send(self, prepared, read).await?;
        let subset = self.config.subset_of(&response.headers);
        let Reading { outputs, version } = reading;
        let (body, headers) = (response.body, response.headers);
        Ok(Answer { outputs, body, headers, subset, version, trace })
    }

    /// The inputs, with the name of the model's only input in place of an empty one where the protocol needs it.
    async fn with_name<'a>(&self, mut input: Input<'a>) -> Result<Input<'a>> {
        let config = &self.config;
        let unnamed = matches!(input.values.as_slice(), [(name, _)] if name.is_empty());
        if !self.dialect().names_inputs() || !unnamed {
            return Ok(input);
        }
        let key = format!("{:?} {:?} {:?}", config.model, config.version, config.signature);
        let cell = self.names.cell(key);
        let name = cell.get_or_try_init(|| self.only_input()).await?.clone();
        if let Some((empty, _)) = input.values.first_mut() {
            *empty = Cow::Owned(name);
        }
        Ok(input)
    }

    /// The name of the model's only input, as the server's metadata has it.
    async fn only_input(&self) -> Result<String> {
        let metadata = self.metadata().await?;
        let signature = metadata.signature(&self.config.signature)?;
        let mut inputs = signature.inputs.keys();
        if let (Some(name), None) = (inputs.next(), inputs.next()) {
            return Ok(name.clone());
        }
        let names: Vec<_> = signature.inputs.keys().map(String::as_str).collect();
        let url = self.config.address.text();
        if names.is_empty() {
            let message = "the input has no name, and the server does not list the model's inputs";
            let mut error = PredictError::new(Origin::Request, url, message);
            "give the inputs by name".clone_into(&mut error.help);
            return Err(error.into());
        }
        let message = format!("the input has no name; the signature has {}", names.join(", "));
        Err(PredictError::new(Origin::Request, url, message).into())
    }
}
