//! The usual probe of a driver: a prediction through the header route, or by the canary's label.

use std::sync::Arc;

use futures_util::future::BoxFuture;

use super::probe::Probe;
use crate::{
    Missing, Plan,
    evidence::{
        Predicted, PredictionInput as _, PredictionRequest, PredictionResponse, PredictionRoute,
        Predictor, Reach, served,
    },
};

const NO_SUBSET: &str =
    "the response names no subset; set the response header x-canary-subset on each destination";

/// The number of requests for a response of the stable version, where the rule has a third destination.
const ATTEMPTS: u32 = 200;

/// Sends one input to the canary through its header route, and to the stable version before the rollout begins. Where
/// both versions are in the same servers, it reaches each by its label.
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
    reach: Reach,
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
            reach: self.reach.clone(),
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
            reach: Reach::probing(plan),
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
        let repeat = route == self.reach.stable();
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
            let Some(route) = self.reach.canary() else {
                return Err(Missing::for_good(format!("no route leads to {canary}")));
            };
            let response = self
                .predict(&self.input, route, self.compares)
                .await
                .map_err(|why| Missing::yet(unanswered(&why)))?;
            let subset = served(route, response.subset.as_deref());
            let predicted = response.outcome.map_err(|failure| {
                let why = unanswered(&failure.problem);
                let refused = failure.sent && subset == Some(canary);
                if refused { Missing::for_good(why) } else { Missing::yet(why) }
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
            let route = self.reach.stable();
            let mut attempts = 0;
            loop {
                attempts += 1;
                let response = self.predict(&self.input, route, self.compares).await?;
                let predicted = response.outcome.map_err(|failure| failure.problem)?;
                match served(route, response.subset.as_deref()) {
                    Some(subset) if subset == self.stable => return self.check(&predicted),
                    // A third destination of the rule has its share of the requests.
                    Some(subset) if subset != self.canary && attempts < ATTEMPTS => {}
                    Some(subset) => {
                        return Err(format!(
                            "the response is by subset {subset}, not {}",
                            self.stable
                        ));
                    }
                    None => return Err(NO_SUBSET.to_owned()),
                }
            }
        })
    }

    fn classify<'a>(&'a self, input: &'a str) -> BoxFuture<'a, Option<String>> {
        Box::pin(async move {
            let input = self.predictor.read(input).ok()?;
            let route = self.reach.canary()?;
            let response = self.predict(&input, route, true).await.ok()?;
            if served(route, response.subset.as_deref()) != Some(&self.canary) {
                return None;
            }
            let classes = response.outcome.ok()?.classes.ok()?;
            Some(classes.into_iter().next()??.0)
        })
    }
}
