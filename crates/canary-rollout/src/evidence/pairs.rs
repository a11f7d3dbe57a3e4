//! Pairs of answers: the same input to both models, the canary reached through the header route.

use std::sync::Arc;

use super::{
    observation::{Pair, Subsets},
    pair_requests::{Halves, PairRequests},
    predictor::{PredictionInput, Predictor},
    reach::Reach,
};
use crate::{Error, HeaderRoute, Result};

/// Sends the same input to both models, through one address.
///
/// The stable model is reached by the route that the weights divide: a response from the canary there is its half of
/// the pair, and another request is sent for the stable model's. The canary is otherwise reached by the plan's header.
/// The subset that responded is read from the response's subset header, and a response that does not name its subset is
/// an error, because the comparison would be meaningless. A model that fails gives a half that says so
/// ([`super::Answer::failed`]), and each request is sent once: a repeated one would hide the failure.
#[derive(Clone, Debug)]
pub struct Pairing<P>(PairRequests<P>);

impl<P: Predictor> Pairing<P> {
    /// Pairs through `predictor`, with the header that leads to the canary.
    pub fn new(predictor: &P, header: &str, value: &str, subsets: Subsets) -> Self {
        let header = HeaderRoute { name: header.to_owned(), value: value.to_owned() };
        Self(PairRequests::new(predictor, Reach::Header(header), subsets))
    }

    /// Sends an input to both models: an image file, or arrays of a batch of one. `name` and `label` go into the pair.
    ///
    /// # Errors
    /// [`Error::Predictor`] when the input cannot be sent, or when a request fails and the failed subset is unknown;
    /// [`Error::Plan`] when a response does not come from the model that the request was for, names no subset, or has a
    /// row for each of several inputs.
    pub async fn send(
        &self,
        input: impl Into<P::Input>,
        name: &str,
        label: Option<&str>,
    ) -> Result<Pair> {
        let Self(requests) = self;
        let input = &input.into();
        let halves = requests.send_pair(input, name, None).await?;
        let Halves { stable, canary, .. } =
            halves.map_err(|why| why.into_error(&requests.subsets))?;
        Ok(Pair {
            input: Some(input.digest().map_err(Error::Predictor)?),
            name: Some(Arc::from(name)),
            stable,
            canary,
            label: label.map(str::to_owned),
        })
    }

    /// Checks that the header route answers from the canary, as a driver's probe does; otherwise returns the reason.
    ///
    /// # Errors
    ///
    /// One line with the response that came instead.
    pub async fn reach(&self, input: impl Into<P::Input>) -> Result<(), String> {
        self.0.reach(&input.into()).await.map_err(|error| error.to_string())
    }
}
