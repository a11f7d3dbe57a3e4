//! The models of a rollout, as used by its traffic, its pairs and its probe.

use std::{future::Future, time::Duration};

use crate::{HeaderRoute, Result, error::BoxError};

/// An input of a model.
pub trait PredictionInput: Send + Sync + 'static {
    /// A number that distinguishes this input from others, the same on every platform; equal inputs of a rollout are
    /// one observation of a pair. For a file: [`super::Pair::digest`] of its bytes.
    ///
    /// # Errors
    /// The reason why this is not an input.
    fn digest(&self) -> Result<u64, BoxError>;

    /// The number of examples in it: a pair compares one response with one. `None` when it is unknown.
    fn batch_len(&self) -> Option<usize>;

    /// The same input in memory that several requests share, for one that is sent more than once.
    #[must_use]
    fn shared(self) -> Self
    where
        Self: Sized,
    {
        self
    }

    /// The bytes of the file, when the input is one file.
    fn file(&self) -> Option<&[u8]> {
        None
    }
}

/// The route of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PredictionRoute<'a> {
    /// The route that the weights divide: without the canary's header, even where the predictor sets it itself.
    Divided {
        /// The header that is left out, if the rollout has one.
        without: Option<&'a HeaderRoute>,
    },
    /// The header route, which leads to the canary.
    Header(&'a HeaderRoute),
    /// The version with this label on servers that serve both versions
    /// ([`VersionLabels`](crate::VersionLabels)), whatever version the predictor selects itself.
    Label {
        /// The label.
        label: &'a str,
        /// The version that the label should lead to, where that is known. A response that names another version is a
        /// failure that was not sent: it is of neither model.
        version: Option<i64>,
    },
}

/// The route of a request, and the parts of its response that the rollout needs.
#[derive(Clone, Copy, Debug)]
pub struct PredictionRequest<'a, I> {
    /// The input.
    pub input: &'a I,
    /// The route.
    pub route: PredictionRoute<'a>,
    /// `true` when [`Predicted::classes`] is needed.
    pub classes: bool,
    /// `true` when the predictor may repeat a request that failed. For evidence it must be `false`: a repeated request
    /// hides a failure from the tests.
    pub repeat: bool,
}

/// The response to a request, or its failure.
#[derive(Debug)]
pub struct PredictionResponse {
    /// The subset that served the request, where the response names it.
    pub subset: Option<String>,
    /// The time from sending the request to its complete response or its failure.
    pub latency: Duration,
    /// The prediction, or the failure.
    pub outcome: Result<Predicted, PredictionFailure>,
}

/// The top class of a response and its probability, where the model gives one. A class is any text that two models can agree
/// on: a label, a number, an answer.
pub type TopClass = (String, Option<f64>);

/// A response that a model gave.
#[derive(Debug)]
pub struct Predicted {
    /// The top class of each row, `None` for a row without classes; the reason when the response names no classes at all.
    /// Empty where [`PredictionRequest::classes`] is `false`.
    pub classes: Result<Vec<Option<TopClass>>, String>,
}

/// A request that got no response of a model: an error status, a timeout, a reset, an unreadable response.
#[derive(Debug)]
pub struct PredictionFailure {
    /// The reason, such as `404 Servable not found` or `connection refused (127.0.0.1:8501)`.
    pub problem: String,
    /// `true` when the request may have reached a model; `false` when no connection was established.
    pub sent: bool,
    /// The predictor's own error.
    pub error: BoxError,
}

/// A client of the models of a rollout: the prediction client of `canary-serving`, or one of your own.
///
/// ```
/// use std::time::Duration;
/// use canary_core::evidence::{
///     Pair, Predicted, PredictionInput, PredictionRequest, PredictionResponse, PredictionRoute, Predictor,
/// };
///
/// struct Text(String);
///
/// impl PredictionInput for Text {
///     fn digest(&self) -> Result<u64, Box<dyn std::error::Error + Send + Sync>> {
///         Ok(Pair::digest(self.0.as_bytes()))
///     }
///     fn batch_len(&self) -> Option<usize> {
///         Some(1)
///     }
/// }
///
/// #[derive(Clone)]
/// struct Mood;
///
/// impl Predictor for Mood {
///     type Input = Text;
///     async fn predict(
///         &self,
///         request: PredictionRequest<'_, Text>,
///     ) -> canary_core::rollout::Result<PredictionResponse> {
///         let canary = matches!(request.route, PredictionRoute::Header(_));
///         let class = if request.input.0.contains('!') { "glad" } else { "calm" };
///         Ok(PredictionResponse {
///             subset: Some(if canary { "v2" } else { "v1" }.to_owned()),
///             latency: Duration::from_millis(3),
///             outcome: Ok(Predicted { classes: Ok(vec![Some((class.to_owned(), Some(0.9)))]) }),
///         })
///     }
/// }
/// ```
pub trait Predictor: Clone + Send + Sync + 'static {
    /// The inputs that it takes.
    type Input: PredictionInput;

    /// Sends a request and waits for its response; a failure is in [`PredictionResponse::outcome`].
    ///
    /// # Errors
    /// [`crate::Error::Predictor`] when this input cannot be sent at all, which is not a model's failure.
    fn predict(
        &self,
        request: PredictionRequest<'_, Self::Input>,
    ) -> impl Future<Output = Result<PredictionResponse>> + Send;

    /// The input of a gate, by its name in the plan; the clients of `canary-serving` read the image file of that path.
    /// Without this method a gate gets no response, and a plan with gates is inconclusive.
    ///
    /// # Errors
    /// The reason why there is no such input.
    fn read(&self, name: &str) -> Result<Self::Input, String> {
        Err(format!("this predictor cannot read {name}"))
    }
}
