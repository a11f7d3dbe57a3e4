//! Pairs of answers: the same input to both models, the canary reached through the header route.

use std::sync::Arc;

use super::{
    asker::{Asker, Halves},
    observation::{Pair, Subsets},
    predictor::{PredictionInput, Predictor},
};
use crate::{Error, HeaderRoute, Result};

/// Asks both models the same, through one address.
///
/// The stable model is reached by the route that the weights divide: a response from the canary there is its half of
/// the pair, and the stable model is asked for again. The canary is otherwise reached by the plan's header. Who
/// answered is read from the response's subset header, and a response that does not name its subset is an error,
/// because nobody could tell what was compared. A model that fails gives a half that says so
/// ([`super::Answer::failed`]), and each request is sent once: a repeated one would hide the failure.
#[derive(Clone, Debug)]
pub struct Pairing<P>(Asker<P>);

impl<P: Predictor> Pairing<P> {
    /// Pairs through `predictor`, with the header that leads to the canary.
    pub fn new(predictor: &P, header: &str, value: &str, subsets: Subsets) -> Self {
        let header = HeaderRoute { name: header.to_owned(), value: value.to_owned() };
        Self(Asker::new(predictor, Some(header), subsets))
    }

    /// Asks both models with an input: an image file, or arrays of a batch of one. `name` and `label` go into the pair.
    ///
    /// # Errors
    /// [`Error::Predictor`] when the input cannot be sent, or nobody answers and nobody says who failed;
    /// [`Error::Plan`] when a response does not come from the model that was asked, names no subset, or has a
    /// row for each of several inputs.
    pub async fn ask(
        &self,
        input: impl Into<P::Input>,
        name: &str,
        label: Option<&str>,
    ) -> Result<Pair> {
        let Self(asker) = self;
        let input = &input.into();
        let halves = asker.ask(input, name, None).await?;
        let Halves { stable, canary, .. } = halves.map_err(|why| why.into_error(&asker.subsets))?;
        Ok(Pair {
            input: Some(input.digest().map_err(Error::Predictor)?),
            name: Some(Arc::from(name)),
            stable,
            canary,
            label: label.map(str::to_owned),
        })
    }

    /// Whether the header route answers from the canary; what stands in the way otherwise. The answer of a driver's
    /// probe.
    ///
    /// # Errors
    /// A line that says what came instead.
    pub async fn reach(&self, input: impl Into<P::Input>) -> Result<(), String> {
        self.0.reach(&input.into()).await.map_err(|error| error.to_string())
    }
}
