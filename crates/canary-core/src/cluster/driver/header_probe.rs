//! The probe that most drivers want: a prediction through the header route.

use std::sync::Arc;

use futures_util::future::BoxFuture;

use super::Probe;
use crate::{
    predict::{Answer, Client, Input, Retry},
    rollout::{HeaderRoute, Missing, Plan},
};

const NO_SUBSET: &str =
    "the response names no subset; set the response header x-canary-subset on each destination";

/// Asks the canary for a prediction through its header route, once for each question, and the stable version for one
/// before the rollout begins.
///
/// A gate's input is the path of an image file.
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
#[derive(Clone, Debug)]
pub struct HeaderProbe {
    /// Asks without the header, and again where that may help: one lost request says nothing of the run's question.
    divided: Client,
    client: Client,
    stable: String,
    canary: String,
    input: Arc<Input<'static>>,
    /// Whether the rollout compares classes, so that a response without one is no right one.
    compares: bool,
}

impl HeaderProbe {
    /// A probe for a plan through `client`, which asks about `input`, such as the bytes of an image file or an array.
    /// The header is the plan's own, or the one that the driver makes a route for where the plan has none
    /// ([`Plan::probe_header`]).
    pub fn new(plan: &Plan, client: &Client, input: impl Into<Input<'static>>) -> Self {
        let HeaderRoute { name, value } = plan.probe_header();
        let divided = client.clone().without_header(&name);
        let once = divided.clone().retry(Retry::default().attempts(1));
        Self {
            divided,
            client: once.header(&name, &value),
            stable: plan.stable.clone(),
            canary: plan.canary.clone(),
            input: Arc::new(input.into().shared()),
            compares: plan.needs_pairs(),
        }
    }

    /// Whether a response can be compared, where the rollout does.
    fn check(&self, answer: &Answer) -> Result<(), String> {
        match answer.top() {
            Err(error) if self.compares => Err(format!("the response names no class: {error}")),
            _ => Ok(()),
        }
    }
}

/// The error with its causes in one line, as `connection refused` stands at the end of them.
fn whole(error: &crate::Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        let said = inner.to_string();
        if !text.contains(&said) {
            text = format!("{text}: {said}");
        }
        cause = inner.source();
    }
    text
}

impl Probe for HeaderProbe {
    fn reach(&self) -> BoxFuture<'_, Result<(), Missing>> {
        Box::pin(async {
            let answer = match self.client.predict(&*self.input).await {
                Ok(answer) => answer,
                Err(error) => {
                    let by_canary = matches!(&error, crate::Error::Predict(refused)
                        if refused.subset.as_ref() == Some(&self.canary));
                    let why = format!("{} does not answer: {}", self.canary, whole(&error));
                    return Err(if by_canary { Missing::for_good(why) } else { Missing::yet(why) });
                }
            };
            match answer.subset() {
                Some(subset) if subset == self.canary => self.check(&answer).map_err(|why| {
                    Missing::for_good(format!("{} answers, and {why}", self.canary))
                }),
                Some(subset) => Err(Missing::yet(format!(
                    "the header route does not lead to {}: the response is by subset {subset}",
                    self.canary
                ))),
                None => Err(Missing::for_good(NO_SUBSET)),
            }
        })
    }

    fn stable(&self) -> BoxFuture<'_, Result<(), String>> {
        Box::pin(async {
            let answer = self.divided.predict(&*self.input).await.map_err(|error| whole(&error))?;
            match answer.subset() {
                Some(subset) if subset == self.stable => self.check(&answer),
                Some(subset) => {
                    Err(format!("the response is by subset {subset}, not {}", self.stable))
                }
                None => Err(NO_SUBSET.to_owned()),
            }
        })
    }

    fn classify<'a>(&'a self, input: &'a str) -> BoxFuture<'a, Option<String>> {
        Box::pin(async move {
            let file = std::fs::read(input).ok()?;
            let answer = self.client.predict(&file[..]).await.ok()?;
            if answer.subset() != Some(&self.canary) {
                return None;
            }
            Some(answer.top().ok()?.into_iter().next()?.0)
        })
    }
}
