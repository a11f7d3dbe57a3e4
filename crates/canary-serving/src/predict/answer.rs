//! The answer to a prediction.

use std::{fmt, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};

use super::{attempts::Trace, response::Outputs, top};
use crate::{
    error::{Error, Result},
    tensor::Tensor,
};

/// The answer of a model: its outputs by name, and the details of the response.
///
/// ```no_run
/// # async fn run() -> canary_core::Result<()> {
/// use canary_core::predict::Client;
///
/// let client = Client::new("http://127.0.0.1:8501")?
///     .model("image_classifier")
///     .signature("serving_preprocess");
/// # let photo = vec![0_u8];
/// let answer = client.predict(photo).await?;
/// for (label, probability) in answer.top()? {
///     println!("{label}: {:.0} %", probability * 100.0);
/// }
/// println!("answered by {:?} in {:?}", answer.subset(), answer.elapsed());
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Answer {
    pub(crate) outputs: Outputs,
    pub(crate) body: Bytes,
    pub(crate) headers: HeaderMap,
    pub(crate) subset: Option<String>,
    pub(crate) version: Option<String>,
    pub(crate) trace: Trace,
}

/// The parts from which an answer is made: for stored answers, and for tests of code that reads answers.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AnswerParts {
    /// The outputs by name, in their order.
    pub outputs: Vec<(String, Tensor)>,
    /// The body as received.
    pub body: Vec<u8>,
    /// The headers.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The subset that answered.
    pub subset: Option<String>,
    /// The version of the model that answered.
    pub version: Option<String>,
    /// The time from the first attempt to the whole answer.
    pub elapsed: Duration,
    /// The number of times that the request was sent.
    pub attempts: u32,
    /// The reason for which each earlier attempt was repeated.
    pub repeated: Vec<String>,
}

impl Answer {
    /// An answer of these parts.
    ///
    /// ```
    /// use canary_core::{predict::{Answer, AnswerParts}, tensor::{Tensor, TensorData}};
    ///
    /// let scores = Tensor::new(vec![2], TensorData::Float(vec![0.25, 0.75]))?;
    /// let outputs = vec![("scores".to_owned(), scores)];
    /// let answer = Answer::from_parts(AnswerParts { outputs, ..AnswerParts::default() })?;
    /// assert_eq!(answer.single()?.shape(), [2]);
    /// # Ok::<(), canary_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Input`] when HTTP has no such header.
    pub fn from_parts(parts: AnswerParts) -> Result<Self> {
        let mut headers = HeaderMap::new();
        for (name, value) in &parts.headers {
            let wrong = |reason: String| Error::Input { what: format!("header {name:?}"), reason };
            let key = HeaderName::try_from(name).map_err(|error| wrong(error.to_string()))?;
            let value = HeaderValue::from_bytes(value).map_err(|error| wrong(error.to_string()))?;
            headers.append(key, value);
        }
        let AnswerParts { outputs, body, subset, version, elapsed, attempts, repeated, .. } = parts;
        let trace = Trace { attempts, elapsed, repeated, deadline: None };
        Ok(Self { outputs, body: body.into(), headers, subset, version, trace })
    }

    /// The output of that name.
    ///
    /// # Errors
    /// [`Error::NotFound`] when the answer has no such output; the error lists those it has.
    pub fn output(&self, name: &str) -> Result<&Tensor> {
        self.get(name).ok_or_else(|| Error::NotFound {
            object: format!("output {name:?}"),
            help: format!("the answer has {}", self.names()),
        })
    }

    /// The output of that name, or `None`.
    pub fn get(&self, name: &str) -> Option<&Tensor> {
        self.outputs.iter().find(|(known, _)| known == name).map(|(_, tensor)| tensor)
    }

    /// The only output, independently of its name.
    ///
    /// REST names no output when there is one: it is called `predictions` (row form) or `outputs` (column form).
    ///
    /// # Errors
    /// [`Error::NotFound`] when there are several outputs.
    pub fn single(&self) -> Result<&Tensor> {
        match self.outputs.as_slice() {
            [(_, tensor)] => Ok(tensor),
            _ => Err(Error::NotFound {
                object: "single output".to_owned(),
                help: format!("the answer has {}; select one by name", self.names()),
            }),
        }
    }

    fn names(&self) -> String {
        let names: Vec<_> = self.outputs.iter().map(|(name, _)| format!("{name:?}")).collect();
        if names.is_empty() { "no output".to_owned() } else { names.join(", ") }
    }

    /// Every output with its name, in the order of the answer.
    pub fn outputs(&self) -> impl ExactSizeIterator<Item = (&str, &Tensor)> {
        self.outputs.iter().map(|(name, tensor)| (name.as_str(), tensor))
    }

    /// Every output with its name, without a copy.
    pub fn into_outputs(self) -> Vec<(String, Tensor)> {
        self.outputs
    }

    /// The body as received: JSON over REST, a `PredictResponse` over gRPC.
    pub fn raw(&self) -> &[u8] {
        &self.body
    }

    /// The subset that answered, when the answer named it in the header of [`super::Client::subset_header`].
    pub fn subset(&self) -> Option<&str> {
        self.subset.as_deref()
    }

    /// The version of the model that answered, as the server writes it, such as `42` (TensorFlow Serving) or `v10`
    /// (MLServer).
    ///
    /// TensorFlow Serving names it over gRPC alone (`model_spec.version`), and servers of the Open Inference Protocol in
    /// `model_version`; `None` where the answer names none, as over TensorFlow Serving's REST and from KServe.
    ///
    /// ```
    /// use canary_core::{predict::{Answer, AnswerParts}, tensor::{Tensor, TensorData}};
    ///
    /// let outputs = vec![("y".to_owned(), Tensor::new(vec![1], TensorData::Float(vec![0.5]))?)];
    /// let parts = AnswerParts { outputs, version: Some("42".to_owned()), ..AnswerParts::default() };
    /// assert_eq!(Answer::from_parts(parts)?.version(), Some("42"));
    /// # Ok::<(), canary_core::Error>(())
    /// ```
    pub fn version(&self) -> Option<&str> {
        self.version.as_deref()
    }

    /// The headers of the answer (over gRPC, its metadata).
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// The time from the first attempt to the whole answer, pauses included.
    pub fn elapsed(&self) -> Duration {
        self.trace.elapsed
    }

    /// The number of times that the request was sent.
    pub fn attempts(&self) -> u32 {
        self.trace.attempts
    }

    /// The reason for which each earlier attempt was repeated, in order.
    pub fn repeated(&self) -> &[String] {
        &self.trace.repeated
    }

    /// The labels and probabilities of the first row, most probable first, from the outputs `labels` and
    /// `probabilities`, or `classes` and `scores` of [`super::Client::classify`].
    ///
    /// # Errors
    /// [`Error::NotFound`] when these outputs are missing, [`Error::Input`] when their shapes or types do not fit.
    pub fn top(&self) -> Result<Vec<(String, f32)>> {
        Ok(self.top_rows()?.into_iter().next().unwrap_or_default())
    }

    /// [`Answer::top`] of every row of the batch.
    ///
    /// # Errors
    /// As [`Answer::top`].
    pub fn top_rows(&self) -> Result<Vec<Vec<(String, f32)>>> {
        if let (Some(classes), Some(scores)) = (self.get("classes"), self.get("scores")) {
            return top::of_labels(classes, scores);
        }
        top::of_labels(self.output("labels")?, self.output("probabilities")?)
    }

    /// The `count` most probable classes of every row, when the only output (or the one called `logits`) has one
    /// logit for each class. The names are the classes in the model's order; the probabilities are the softmax.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is no such output, [`Error::Input`] when it has another shape than
    /// `[rows, names]` or another type than float.
    pub fn top_of_logits<N: AsRef<str>>(
        &self,
        names: &[N],
        count: usize,
    ) -> Result<Vec<Vec<(String, f32)>>> {
        let logits = match self.get("logits") {
            Some(logits) => logits,
            None => self.single()?,
        };
        top::of_logits(logits, names, count)
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let outputs: Vec<_> = self
            .outputs
            .iter()
            .map(|(name, tensor)| format!("{name}: {}{:?}", tensor.dtype(), tensor.shape()))
            .collect();
        f.debug_struct("Answer")
            .field("outputs", &outputs)
            .field("subset", &self.subset)
            .field("version", &self.version)
            .field("attempts", &self.trace.attempts)
            .field("elapsed", &self.trace.elapsed)
            .finish_non_exhaustive()
    }
}
