//! The client as the predictor of a rollout's traffic, pairs and probe.

use canary_rollout::evidence::{
    Pair, Predicted, PredictionFailure, PredictionInput, PredictionRequest, PredictionResponse,
    PredictionRoute, Predictor,
};
use xxhash_rust::xxh3::Xxh3;

use crate::{
    Error, Result,
    error::{BoxError, Origin, PredictError},
    predict::{Answer, Client, Input, Peer, Retry, Value},
    problem,
    tensor::DataView,
};

/// An input of a rollout: anything that [`Client::predict`] takes, with its name and its label.
pub type Sample = canary_rollout::evidence::Sample<Input<'static>>;

/// The digest is XXH3 (64 bits) of a file's bytes; else of names, element types, shapes and elements together, whatever
/// the order of named inputs.
impl PredictionInput for Input<'static> {
    fn digest(&self) -> Result<u64, BoxError> {
        Ok(digest(self)?)
    }

    fn batch_len(&self) -> Option<usize> {
        self.batch_len()
    }

    fn shared(self) -> Self {
        self.shared()
    }

    fn file(&self) -> Option<&[u8]> {
        file(self)
    }
}

impl Predictor for Client {
    type Input = Input<'static>;

    async fn predict(
        &self,
        request: PredictionRequest<'_, Input<'static>>,
    ) -> canary_rollout::Result<PredictionResponse> {
        let client = on_route(self, request.route, request.repeat);
        let answer = client.predict(request.input).await;
        let answer = answer.and_then(|answer| with_values(&client, request.input, answer));
        match answer.and_then(|answer| of_version(&client, request.route, answer)) {
            Ok(answer) => {
                let prediction = &client.config.prediction;
                let classes = match request.classes.then(|| prediction.of(&answer)) {
                    None => Ok(Vec::new()),
                    Some(Ok(rows)) => Ok(rows),
                    // The caller's function is at fault, and not the model.
                    Some(Err(error)) if prediction.is_function() => return Err(error.into()),
                    Some(Err(error)) => Err(error.to_string()),
                };
                Ok(PredictionResponse {
                    subset: answer.subset().map(str::to_owned),
                    latency: answer.elapsed(),
                    outcome: Ok(Predicted { classes }),
                })
            }
            Err(Error::Predict(error)) if error.origin != Origin::Request => {
                Ok(PredictionResponse {
                    subset: error.subset.clone(),
                    latency: error.elapsed,
                    outcome: Err(PredictionFailure {
                        problem: problem::of_request(&error),
                        sent: problem::was_sent(&error) && !is_of_neither(request.route, &error),
                        error: Error::Predict(error).into(),
                    }),
                })
            }
            Err(error) => Err(error.into()),
        }
    }

    fn read(&self, name: &str) -> Result<Input<'static>, String> {
        std::fs::read(name).map(Input::from).map_err(|error| format!("cannot read {name}: {error}"))
    }
}

impl From<Error> for canary_rollout::Error {
    fn from(error: Error) -> Self {
        match error {
            Error::Istio(error) => Self::Istio(error),
            other => Self::Predictor(other.into()),
        }
    }
}

/// The client for a route, which repeats failed requests or not.
fn on_route(client: &Client, route: PredictionRoute<'_>, repeat: bool) -> Client {
    let client = client.clone();
    let client = match route {
        PredictionRoute::Divided { without: None } => client,
        PredictionRoute::Divided { without: Some(header) } => client.without_header(&header.name),
        PredictionRoute::Header(header) => client.header(&header.name, &header.value),
        PredictionRoute::Label { label, .. } => client.label(label),
    };
    if repeat {
        return client;
    }
    // The requests of evidence are counted: none is sent beside them, to explain a failure either.
    Client { peer: Peer::never(), ..client.retry(Retry::never()) }
}

/// True when a label led to no version or to another one than it should: as on a server that was started anew, and so has
/// the labels of its file alone. Such a failure is of neither version.
fn is_of_neither(route: PredictionRoute<'_>, error: &PredictError) -> bool {
    if !matches!(route, PredictionRoute::Label { .. }) {
        return false;
    }
    let without_version = ["servable version label", "Servable not found"]
        .iter()
        .any(|words| error.message.contains(words));
    error.origin == Origin::Server && without_version
        || error.origin == Origin::Answer && !error.sent
}

/// The answer, unless it names another version than the label should lead to: it is then evidence of neither version.
fn of_version(client: &Client, route: PredictionRoute<'_>, answer: Answer) -> Result<Answer> {
    let PredictionRoute::Label { label, version: Some(expected) } = route else {
        return Ok(answer);
    };
    match answer.version() {
        Some(found) if found != expected.to_string() => {
            let message = format!(
                "label {label} was answered by version {found}, expected version {expected}"
            );
            let mut error =
                PredictError::new(Origin::Answer, client.config.address.text(), message);
            (error.sent, error.attempts, error.elapsed) =
                (false, answer.attempts(), answer.elapsed());
            Err(error.into())
        }
        _ => Ok(answer),
    }
}

/// The answer, unless none of its outputs has a value although the input has some: a model that answers every input
/// with empty lists predicts nothing, even with a good status.
fn with_values(client: &Client, input: &Input<'_>, answer: Answer) -> Result<Answer> {
    let has_values = answer.outputs().any(|(_, output)| !output.data().is_empty());
    if has_values || input.batch_len() == Some(0) {
        return Ok(answer);
    }
    let url = client.config.address.text();
    let mut error = PredictError::new(Origin::Answer, url, "its outputs have no values");
    error.status = (!client.config.is_grpc()).then_some(200);
    error.subset = answer.subset().map(str::to_owned);
    error.attempts = answer.attempts();
    error.elapsed = answer.elapsed();
    Err(error.into())
}

fn file<'a>(input: &'a Input<'_>) -> Option<&'a [u8]> {
    let [(_, value)] = input.values.as_slice() else { return None };
    match value {
        Value::Files(files) => match files.as_slice() {
            [file] => Some(file),
            _ => None,
        },
        _ => None,
    }
}

/// The digest of any input, XXH3 (64 bits); the order of named inputs does not count.
fn digest(input: &Input<'_>) -> Result<u64> {
    if let Some(file) = file(input) {
        return Ok(Pair::digest(file));
    }
    let mut views = input.views()?;
    views.sort_by_key(|(name, _)| *name);
    let mut hash = Xxh3::new();
    for (name, view) in views {
        // Each part is preceded by its length, so that different inputs have different encodings.
        text(&mut hash, name.as_bytes());
        text(&mut hash, view.dtype().as_str().as_bytes());
        number(&mut hash, view.shape().len());
        for &dimension in view.shape() {
            number(&mut hash, dimension);
        }
        elements(&mut hash, view.data());
    }
    Ok(hash.digest())
}

fn number(hash: &mut Xxh3, value: usize) {
    hash.update(&(value as u64).to_le_bytes());
}

fn text(hash: &mut Xxh3, bytes: &[u8]) {
    number(hash, bytes.len());
    hash.update(bytes);
}

/// Numbers as little-endian bytes, the same on every platform; strings each with its length.
fn elements(hash: &mut Xxh3, data: DataView<'_>) {
    match data {
        DataView::String(values) => values.iter().for_each(|value| text(hash, value)),
        DataView::Bytes(values) => values.iter().for_each(|value| text(hash, value)),
        numbers => hash.update(&numbers.little_endian()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tensor::{Tensor, TensorData};

    fn array(shape: &[usize], values: &[f32]) -> Tensor {
        Tensor::new(shape.to_vec(), TensorData::Float(values.to_vec())).unwrap()
    }

    fn of(input: impl Into<Input<'static>>) -> u64 {
        Sample::new("x", input).digest().unwrap()
    }

    #[test]
    fn a_file_has_the_digest_of_its_bytes_by_whatever_name_it_goes() {
        assert_eq!(of(b"photo".as_slice()), Pair::digest(b"photo"));
        assert_eq!(of(Input::named([("raw_images", b"photo".as_slice())])), Pair::digest(b"photo"));
        let two = Sample::new("x", Input::files([b"a".as_slice(), b"b".as_slice()]));
        assert_eq!(two.file(), None);
    }

    #[test]
    fn arrays_differ_by_elements_shape_type_and_name() {
        let one = || array(&[1, 4], &[1.0, 2.0, 3.0, 4.0]);
        let same = of(one());
        assert_eq!(same, of(one()));
        let ints = Tensor::new(vec![1, 4], TensorData::Int32(vec![0x3f80_0000; 4])).unwrap();
        let others = [
            of(array(&[1, 4], &[1.0, 2.0, 3.0, 5.0])),
            of(array(&[1, 2, 2], &[1.0, 2.0, 3.0, 4.0])),
            of(Input::named([("x", one())])),
            of(Input::named([("y", one())])),
            of(Input::named([("x", one()), ("y", one())])),
            of(array(&[1, 4], &[1.0; 4])),
            of(ints),
            of(Input::files([b"ab".as_slice(), b"c".as_slice()])),
            of(Input::files([b"a".as_slice(), b"bc".as_slice()])),
        ];
        let mut all: Vec<u64> = others.into_iter().chain([same]).collect();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), 10);
    }

    #[test]
    fn the_order_of_named_inputs_and_how_memory_is_held_do_not_count() {
        let (a, b) = (array(&[1], &[1.0]), array(&[1], &[2.0]));
        let forth = Input::named([("a", a.clone()), ("b", b.clone())]);
        let back = Input::named([("b", b), ("a", a)]);
        assert_eq!(of(forth), of(back));
        let texts = TensorData::String(vec![b"a".to_vec(), b"b".to_vec()]);
        let texts = Tensor::new(vec![2], texts).unwrap();
        assert_eq!(of(texts), of(Input::files([b"a".as_slice(), b"b".as_slice()])));
    }

    #[test]
    fn every_element_of_a_long_array_counts() {
        let mut long = vec![0.5; 3000];
        let one = of(array(&[1, 3000], &long));
        long[2999] = 0.25;
        assert_ne!(one, of(array(&[1, 3000], &long)));
    }

    #[test]
    fn an_input_given_twice_is_refused() {
        let twice = Input::named([("x", array(&[1], &[1.0])), ("x", array(&[1], &[1.0]))]);
        assert!(Sample::new("x", twice).digest().unwrap_err().to_string().contains("given twice"));
    }
}
