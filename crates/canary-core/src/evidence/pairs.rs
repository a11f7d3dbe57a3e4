//! Pairs of answers: the same input to both models, the canary reached through the header route.

use std::sync::Arc;

use super::observation::{Answer, Pair, Subsets};
use crate::{Error, Result, predict::Client};

/// How often the stable model is asked before it is given up: the weights send some of the requests to the canary.
const ATTEMPTS: u32 = 32;

/// Asks both models the same, through one address.
///
/// The canary is reached by the plan's header, the stable model by the route that the weights divide: an answer from
/// the canary there is asked for again. Who answered is read from the answers' subset header, and an answer that does
/// not name its subset is an error, because nobody could tell what was compared.
#[derive(Clone, Debug)]
pub struct Pairing {
    stable: Client,
    canary: Client,
    subsets: Subsets,
}

impl Pairing {
    /// Pairs through `client`, with the header that leads to the canary.
    pub fn new(client: &Client, header: &str, value: &str, subsets: Subsets) -> Self {
        Self {
            stable: client.clone().without_header(header),
            canary: client.clone().header(header, value),
            subsets,
        }
    }

    /// Asks both models with the bytes of an image file; `name` and `label` go into the pair.
    ///
    /// # Errors
    /// [`Error::Predict`] when a model cannot be asked; [`Error::Plan`] when an answer does not come from the model that
    /// was asked, or names no class.
    pub async fn ask(&self, input: &[u8], name: &str, label: Option<&str>) -> Result<Pair> {
        let canary = self.answer(&self.canary, input, &self.subsets.canary, 1).await?;
        let stable = self.answer(&self.stable, input, &self.subsets.stable, ATTEMPTS).await?;
        Ok(Pair {
            input: Some(Pair::digest(input)),
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
    pub async fn reach(&self, input: &[u8]) -> Result<(), String> {
        let asked = self.answer(&self.canary, input, &self.subsets.canary, 1).await;
        asked.map(|_| ()).map_err(|error| error.to_string())
    }

    async fn answer(
        &self,
        client: &Client,
        input: &[u8],
        wanted: &str,
        attempts: u32,
    ) -> Result<Answer> {
        let mut found = None;
        for _ in 0..attempts {
            let answer = client.predict(input).await?;
            if answer.subset() == Some(wanted) {
                let top = answer.top()?;
                let first = top.into_iter().next();
                let (class, score) =
                    first.ok_or_else(|| Error::Plan(format!("{wanted} named no class")))?;
                return Ok(Answer::new(class, f64::from(score)));
            }
            found = answer.subset().map(str::to_owned);
            if found.is_none() {
                break;
            }
        }
        let found = found.map_or_else(
            || "no subset: set the response header that names it on each destination".to_owned(),
            |found| format!("subset {found}"),
        );
        Err(Error::Plan(format!("asked for an answer of {wanted}, and the answer names {found}")))
    }
}
