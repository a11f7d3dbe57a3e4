//! The probe that most drivers want: a prediction through the header route.

use std::sync::Arc;

use futures_util::future::BoxFuture;

use super::Probe;
use crate::{
    Error,
    evidence::problem,
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

/// The reason in one line: the status and the text of a response, or `connection refused` with the address.
fn reason(error: &Error) -> String {
    match error {
        Error::Predict(error) => problem::of_request(error),
        other => problem::of_causes(other),
    }
}

impl Probe for HeaderProbe {
    fn reach(&self) -> BoxFuture<'_, Result<(), Missing>> {
        Box::pin(async {
            let answer = match self.client.predict(&*self.input).await {
                Ok(answer) => answer,
                Err(error) => {
                    let by_canary = matches!(&error, Error::Predict(refused)
                        if refused.subset.as_ref() == Some(&self.canary));
                    let why = format!("{} does not answer: {}", self.canary, reason(&error));
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
            let answer =
                self.divided.predict(&*self.input).await.map_err(|error| reason(&error))?;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::test_server::{Reply, serve};

    fn run<T>(future: impl Future<Output = T>) -> T {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.unwrap().block_on(future)
    }

    fn plan() -> Plan {
        Plan::new("image-classifier", "resnet50", "resnet101").header("user-group", "canary")
    }

    #[test]
    fn an_address_that_refuses_connections_is_named() {
        let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let client = Client::new(&format!("http://{closed}")).unwrap().model("m");
        let probe = HeaderProbe::new(&plan(), &client, b"x".as_slice());
        run(async {
            let refused = format!("connection refused ({closed})");
            assert_eq!(probe.stable().await.unwrap_err(), refused);
            let missing = probe.reach().await.unwrap_err();
            assert_eq!(missing.why, format!("resnet101 does not answer: {refused}"));
            assert!(missing.may_come);
        });
    }

    #[test]
    fn a_refusal_of_the_canary_is_told_by_its_status() {
        let (client, _) = serve(|_, with_header| {
            if with_header { Reply::failed(404, "resnet101") } else { Reply::by("resnet50", "cat") }
        });
        let probe = HeaderProbe::new(&plan(), &client, b"x".as_slice());
        run(async {
            assert_eq!(probe.stable().await, Ok(()));
            let missing = probe.reach().await.unwrap_err();
            assert!(missing.why.starts_with("resnet101 does not answer: 404"), "{}", missing.why);
            assert!(!missing.may_come);
        });
    }
}
