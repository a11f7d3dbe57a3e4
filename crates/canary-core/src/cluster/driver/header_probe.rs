//! The probe that most drivers want: a prediction through the header route.

use std::sync::Arc;

use futures_util::future::BoxFuture;

use super::Probe;
use crate::{
    predict::{Client, Input, Retry},
    rollout::{HeaderRoute, Plan},
};

/// Asks the canary for a prediction through the plan's header route, once for each question.
///
/// A gate's input is the path of an image file.
///
/// ```
/// use canary_core::{Plan, cluster::{HeaderProbe, Probe}, predict::Client};
///
/// let plan = Plan::new("image-classifier", "resnet50", "resnet101").header("user-group", "canary");
/// let client = Client::new("http://127.0.0.1:8080")?.model("image_classifier");
/// let probe = HeaderProbe::new(&plan, &client, b"a photo".as_slice()).unwrap();
/// fn takes(_: impl Probe) {}
/// takes(probe);
/// # Ok::<(), canary_core::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct HeaderProbe {
    client: Client,
    canary: String,
    input: Arc<Input<'static>>,
}

impl HeaderProbe {
    /// A probe for a plan through `client`, which asks about `input`, such as the bytes of an image file or an array;
    /// `None` when the plan has no header and so no route to ask.
    pub fn new(plan: &Plan, client: &Client, input: impl Into<Input<'static>>) -> Option<Self> {
        let HeaderRoute { name, value } = plan.header.as_ref()?;
        let once = client.clone().retry(Retry::default().attempts(1));
        let client = once.header(name, value);
        Some(Self { client, canary: plan.canary.clone(), input: Arc::new(input.into().shared()) })
    }
}

impl Probe for HeaderProbe {
    fn reach(&self) -> BoxFuture<'_, Result<(), String>> {
        Box::pin(async {
            let asked = self.client.predict(&*self.input).await;
            let answer = asked.map_err(|error| error.to_string())?;
            match answer.subset() {
                Some(subset) if subset == self.canary => Ok(()),
                Some(subset) => Err(format!("the answer is by subset {subset}")),
                None => Err("the answer names no subset; set the response header x-canary-subset on each destination"
                    .to_owned()),
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
