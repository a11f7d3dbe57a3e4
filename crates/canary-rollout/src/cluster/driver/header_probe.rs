//! The usual probe of a driver: a prediction through the header route.

use std::sync::Arc;

use futures_util::future::BoxFuture;

use super::probe::Probe;
use crate::{
    HeaderRoute, Missing, Plan,
    evidence::{
        Predicted, PredictionInput as _, PredictionRequest, PredictionResponse, PredictionRoute,
        Predictor,
    },
};

const NO_SUBSET: &str =
    "the response names no subset; set the response header x-canary-subset on each destination";

/// Sends one input to the canary through its header route, and to the stable version before the rollout begins.
///
/// A gate's input is the name that [`Predictor::read`] takes: for the clients of `canary-serving` the path of an image
/// file.
///
/// ```
/// use canary_core::{Plan, cluster::{HeaderProbe, Probe}, predict::Client};
///
/// let plan = Plan::new("image-classifier", "resnet50", "resnet101").header("user-group", "canary");
/// let client = Client::new("http://127.0.0.1:8080")?.model("image_classifier");
/// let probe = HeaderProbe::new(&plan, &client, b"a photo".as_slice());
/// fn takes(_: impl Probe) {}
/// takes(probe);
/// # Ok::<(), canary_core::Error>(())
/// ```
#[derive(Debug)]
pub struct HeaderProbe<P: Predictor> {
    predictor: P,
    header: HeaderRoute,
    stable: String,
    canary: String,
    input: Arc<P::Input>,
    /// `true` when the rollout compares classes, so that a response without one is a failure.
    compares: bool,
}

impl<P: Predictor> Clone for HeaderProbe<P> {
    fn clone(&self) -> Self {
        Self {
            predictor: self.predictor.clone(),
            header: self.header.clone(),
            stable: self.stable.clone(),
            canary: self.canary.clone(),
            input: Arc::clone(&self.input),
            compares: self.compares,
        }
    }
}

impl<P: Predictor> HeaderProbe<P> {
    /// A probe for a plan through `predictor`, with `input`, such as the bytes of an image file or an array. The header
    /// is the plan's own, or the one that the driver makes a route for where the plan has none
    /// ([`Plan::probe_header`]).
    pub fn new(plan: &Plan, predictor: &P, input: impl Into<P::Input>) -> Self {
        Self::shared(plan, predictor, Arc::new(input.into().shared()))
    }

    /// [`HeaderProbe::new`] with an input that others send as well.
    pub(in crate::cluster) fn shared(plan: &Plan, predictor: &P, input: Arc<P::Input>) -> Self {
        Self {
            predictor: predictor.clone(),
            header: plan.probe_header(),
            stable: plan.stable.clone(),
            canary: plan.canary.clone(),
            input,
            compares: plan.needs_pairs(),
        }
    }

    /// Sends one request; the error is the reason why the input cannot be sent.
    async fn predict(
        &self,
        input: &P::Input,
        route: PredictionRoute<'_>,
        classes: bool,
    ) -> Result<PredictionResponse, String> {
        // The canary gets one attempt at a time. A single lost request on the divided route does not show that the
        // run's input is wrong.
        let repeat = matches!(route, PredictionRoute::Divided { .. });
        let request = PredictionRequest { input, route, classes, repeat };
        self.predictor.predict(request).await.map_err(|error| error.to_string())
    }

    /// Refuses a response that cannot be compared, where the rollout compares.
    fn check(&self, predicted: &Predicted) -> Result<(), String> {
        match &predicted.classes {
            Err(error) if self.compares => Err(format!("the response names no class: {error}")),
            _ => Ok(()),
        }
    }
}

impl<P: Predictor> Probe for HeaderProbe<P> {
    fn reach(&self) -> BoxFuture<'_, Result<(), Missing>> {
        Box::pin(async {
            let canary = &self.canary;
            let unanswered = |why: &str| format!("{canary} does not answer: {why}");
            let route = PredictionRoute::Header(&self.header);
            let response = self
                .predict(&self.input, route, self.compares)
                .await
                .map_err(|why| Missing::yet(unanswered(&why)))?;
            let subset = response.subset.as_deref();
            let predicted = response.outcome.map_err(|failure| {
                let why = unanswered(&failure.problem);
                if subset == Some(canary) { Missing::for_good(why) } else { Missing::yet(why) }
            })?;
            match subset {
                Some(subset) if subset == canary => self
                    .check(&predicted)
                    .map_err(|why| Missing::for_good(format!("{canary} answers, and {why}"))),
                Some(subset) => Err(Missing::yet(format!(
                    "the header route does not lead to {canary}: the response is by subset {subset}"
                ))),
                None => Err(Missing::for_good(NO_SUBSET)),
            }
        })
    }

    fn stable(&self) -> BoxFuture<'_, Result<(), String>> {
        Box::pin(async {
            let route = PredictionRoute::Divided { without: Some(&self.header) };
            let response = self.predict(&self.input, route, self.compares).await?;
            let predicted = response.outcome.map_err(|failure| failure.problem)?;
            match response.subset.as_deref() {
                Some(subset) if subset == self.stable => self.check(&predicted),
                Some(subset) => {
                    Err(format!("the response is by subset {subset}, not {}", self.stable))
                }
                None => Err(NO_SUBSET.to_owned()),
            }
        })
    }

    fn classify<'a>(&'a self, input: &'a str) -> BoxFuture<'a, Option<String>> {
        Box::pin(async move {
            let input = self.predictor.read(input).ok()?;
            let route = PredictionRoute::Header(&self.header);
            let response = self.predict(&input, route, true).await.ok()?;
            if response.subset.as_ref() != Some(&self.canary) {
                return None;
            }
            let classes = response.outcome.ok()?.classes.ok()?;
            Some(classes.into_iter().next()??.0)
        })
    }
}
