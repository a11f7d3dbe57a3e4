//! Sends one input to both models, through the route that the weights divide and through the canary's header.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use super::{
    observation::{Answer, Arm, Request, Seen, Subsets},
    order::{Order, Place},
    predictor::{PredictionInput, PredictionRequest, PredictionRoute, Predictor, TopClass},
    problem,
    reach::{Reach, served},
};
use crate::{Error, Result, error::BoxError};

/// The number of requests sent to the divided route for a response of the stable model before an input goes without a
/// pair.
pub(super) const ATTEMPTS: u32 = 32;

/// The number of responses in a row by neither version after which the versions' names are taken to be wrong. A third
/// destination with 95 % of the traffic gives so many in one of thirty thousand runs of requests.
const ELSEWHERE: u32 = 200;

/// The number of failed requests of unknown version that an input may cost.
pub(super) const FAILURES: u32 = 3;

/// The pause after a request that was not accepted, so that an address that is away for a moment does not use up the
/// inputs; it doubles with each.
const PAUSE: Duration = Duration::from_millis(50);

/// Sends requests to both models.
///
/// Requests go to the divided route until the stable model has received one: each goes where the weights lead it, and
/// the first response or failure of either model is its half of the pair. The canary gets one request by the header
/// when the divided route has not led to it.
///
/// A request that fails without naming a subset, as by a timeout, may have been either model's. The canary then gets a
/// request by the header right away. Where it answers, the failure is the stable half; where it fails too, both are
/// tried again. So both halves get one attempt each: if one model were retried until it answers and the other were not,
/// timeouts of both would look like timeouts of the second one.
#[derive(Clone, Debug)]
pub(super) struct PairRequests<P> {
    predictor: P,
    /// The routes to both versions; where none leads to the canary no pairs are made.
    reach: Reach,
    pub(super) subsets: Subsets,
    /// The number of responses in a row that were by neither version.
    elsewhere: Arc<AtomicU32>,
}

/// The halves of a pair.
pub(super) struct Halves {
    pub(super) stable: Answer,
    pub(super) canary: Answer,
    /// The pair's place: that of the request which gave the stable half.
    pub(super) place: Option<Place<Seen>>,
}

/// The reason why an input has no pair.
#[derive(Debug)]
pub(super) enum NoPair {
    /// No pairs are wanted.
    Unwanted,
    /// The divided route led to the canary each time.
    NotStable,
    /// The header led to the stable model.
    HeaderIsStable,
    /// The header led to neither model.
    HeaderIsElsewhere,
    /// No model answered; the last failure.
    Unanswered(BoxError),
}

/// The result of a request.
struct Sent {
    arm: Arm,
    half: Answer,
    elapsed: Duration,
    error: Option<Failed>,
}

/// The failure of a request.
struct Failed {
    /// `true` when it may have reached a model.
    sent: bool,
    error: BoxError,
}

impl<P: Predictor> PairRequests<P> {
    /// Sends each request through `predictor` once: a repeated one would hide the failure that a test is to see.
    /// While no route leads to the canary, it sends no pairs.
    pub(super) fn new(predictor: &P, reach: Reach, subsets: Subsets) -> Self {
        Self { predictor: predictor.clone(), reach, subsets, elsewhere: Arc::default() }
    }

    /// Returns `true` when it can make pairs.
    pub(super) fn makes_pairs(&self) -> bool {
        self.reach.canary().is_some()
    }

    /// Sends one input. Each request of the divided route takes its place in `order` when it is sent.
    ///
    /// # Errors
    /// [`Error::Predictor`] when the input cannot be sent at all; [`Error::Plan`] when a response names none of the two
    /// subsets, or has a row for each of several inputs where a pair is wanted.
    pub(super) async fn send_pair(
        &self,
        input: &P::Input,
        name: &str,
        order: Option<&Order<Seen>>,
    ) -> Result<Result<Halves, NoPair>> {
        let (mut canary, mut failures) = (None, 0);
        for _ in 0..ATTEMPTS {
            let place = order.map(Order::begin_now);
            let sent = self.send(self.reach.stable(), input, name).await?;
            // Another destination of the rule answered, which has its share of the traffic: asked again.
            let Some(Sent { arm, half, elapsed, error }) = sent else { continue };
            let sent = error.as_ref().is_none_or(|failed| failed.sent);
            // Reserved before the request's own place is released, so that nothing sent later comes between the two.
            let pair = match (order, &place) {
                (Some(order), Some(place)) if sent && self.makes_pairs() => {
                    Some(order.begin(place.at()))
                }
                _ => None,
            };
            if let Some(place) = place {
                place.end(Seen::Request(request(arm, elapsed, &half)));
            }
            if !sent {
                tokio::time::sleep(PAUSE * 2_u32.pow(failures)).await;
            }
            if !self.makes_pairs() {
                return Ok(Err(NoPair::Unwanted));
            }
            match (arm, error) {
                (Arm::Canary, _) => {
                    canary.get_or_insert(half);
                }
                (Arm::Stable, _) => {
                    let canary = match canary {
                        Some(canary) => Ok(canary),
                        None => self.send_to_canary(input, name).await?,
                    };
                    return Ok(canary.map(|canary| Halves { stable: half, canary, place: pair }));
                }
                (Arm::Unknown, error) => {
                    if sent
                        && canary.is_none()
                        && let Ok(canary) = self.send_to_canary(input, name).await?
                        && !canary.failed
                    {
                        return Ok(Ok(Halves { stable: half, canary, place: pair }));
                    }
                    failures += 1;
                    if let Some(failed) = error.filter(|_| failures == FAILURES) {
                        return Ok(Err(NoPair::Unanswered(failed.error)));
                    }
                }
            }
        }
        Ok(Err(NoPair::NotStable))
    }

    /// The canary's half, by the header: no traffic that the weights divide, so so it only counts for the pair. A
    /// failure that names no subset is the canary's too, because the request was sent to it.
    async fn send_to_canary(&self, input: &P::Input, name: &str) -> Result<Result<Answer, NoPair>> {
        let Some(route) = self.reach.canary() else { return Ok(Err(NoPair::Unwanted)) };
        let Some(Sent { arm, half, error, .. }) = self.send(route, input, name).await? else {
            return Ok(Err(NoPair::HeaderIsElsewhere));
        };
        Ok(match (arm, error) {
            (Arm::Stable, _) => Err(NoPair::HeaderIsStable),
            // Both models are unreachable, which is not the canary's failure.
            (_, Some(failed)) if !failed.sent => Err(NoPair::Unanswered(failed.error)),
            _ => Ok(half),
        })
    }

    /// Checks that the header route leads to the canary.
    ///
    /// # Errors
    /// The reason why it does not.
    pub(super) async fn reach(&self, input: &P::Input) -> Result<()> {
        let Some(route) = self.reach.canary() else {
            return Err(NoPair::Unwanted.into_error(&self.subsets));
        };
        let Some(Sent { arm, half, error, .. }) = self.send(route, input, "the probe").await?
        else {
            return Err(NoPair::HeaderIsElsewhere.into_error(&self.subsets));
        };
        match (arm, error) {
            (_, Some(failed)) => Err(Error::Predictor(failed.error)),
            (Arm::Stable, None) => Err(NoPair::HeaderIsStable.into_error(&self.subsets)),
            (_, None) if half.failed => {
                let canary = &self.subsets.canary;
                Err(Error::Plan(format!("{canary} answers, and {}", half.class)))
            }
            (_, None) => Ok(()),
        }
    }

    /// Sends one request; `None` when it was answered by neither version, but by another one.
    async fn send(
        &self,
        route: PredictionRoute<'_>,
        input: &P::Input,
        name: &str,
    ) -> Result<Option<Sent>> {
        let classes = self.makes_pairs();
        let request = PredictionRequest { input, route, classes, repeat: false };
        let response = self.predictor.predict(request).await?;
        let elapsed = response.latency;
        let subset = served(route, response.subset.as_deref());
        match response.outcome {
            Ok(predicted) => {
                let Some(arm) = self.arm(subset)? else { return Ok(None) };
                let half = if classes {
                    top(predicted.classes, input, name)?
                } else {
                    Answer::new(String::new(), None)
                };
                Ok(Some(Sent { arm, half, elapsed, error: None }))
            }
            Err(failure) => Ok(Some(Sent {
                // A request that reached no server was neither version's.
                arm: self.subsets.arm(subset.filter(|_| failure.sent)),
                half: Answer::failure(problem::line(&failure.problem)),
                elapsed,
                error: Some(Failed { sent: failure.sent, error: failure.error }),
            })),
        }
    }

    /// The version that responded; `None` for another one, to which a rule with a third destination sends a share.
    ///
    /// # Errors
    /// A response that does not name one, because the comparison would be meaningless, and many in a row that are all by
    /// others: then the names are wrong.
    fn arm(&self, subset: Option<&str>) -> Result<Option<Arm>> {
        let arm = self.subsets.arm(subset);
        if arm != Arm::Unknown {
            self.elsewhere.store(0, Ordering::Relaxed);
            return Ok(Some(arm));
        }
        if subset.is_some() && self.elsewhere.fetch_add(1, Ordering::Relaxed) < ELSEWHERE {
            return Ok(None);
        }
        let found = subset.map_or_else(
            || {
                "names no subset: set the response header x-canary-subset on each destination"
                    .to_owned()
            },
            |subset| format!("is by subset {subset}"),
        );
        let Subsets { stable, canary } = &self.subsets;
        Err(Error::Plan(format!("expected a response of {stable} or {canary}; this one {found}")))
    }
}

impl NoPair {
    /// The error of a call that needs a pair.
    pub(super) fn into_error(self, subsets: &Subsets) -> Error {
        let Subsets { stable, canary } = subsets;
        match self {
            Self::Unanswered(error) => Error::Predictor(error),
            Self::NotStable => Error::Plan(format!(
                "{ATTEMPTS} requests without the header were answered by subset {canary} instead of {stable}; give the stable version some of the weight"
            )),
            Self::HeaderIsElsewhere => Error::Plan(format!(
                "the request with the header was answered by neither {stable} nor {canary}; check the header route"
            )),
            Self::HeaderIsStable => Error::Plan(format!(
                "the request with the header was answered by subset {stable} instead of {canary}; check the header route of the VirtualService"
            )),
            Self::Unwanted => {
                Error::Plan(format!("no header leads to {canary}, so there is no pair"))
            }
        }
    }
}

fn request(arm: Arm, elapsed: Duration, half: &Answer) -> Request {
    if !half.failed {
        return Request::served(arm, elapsed);
    }
    Request { latency: Some(elapsed), ..Request::failure(arm, half.class.as_str()) }
}

/// The top class of the response to one input; a response without one is a failure of the model that gave it.
///
/// # Errors
/// [`Error::Plan`] when the input is a batch of several and the response has a row for each: only one of them would be
/// compared.
fn top(
    rows: Result<Vec<Option<TopClass>>, String>,
    input: &impl PredictionInput,
    name: &str,
) -> Result<Answer> {
    let mut rows = match rows {
        Ok(rows) => rows,
        Err(error) => {
            let reason = format!("the response names no class: {error}");
            return Ok(Answer::failure(problem::line(&reason)));
        }
    };
    if rows.len() > 1 {
        if input.batch_len() == Some(1) {
            return Ok(Answer::failure(format!("{} rows for one input", rows.len())));
        }
        return Err(Error::Plan(format!(
            "the response to {name} has {} rows, but a pair compares single answers; pass each input in its own batch",
            rows.len()
        )));
    }
    Ok(match rows.pop().flatten() {
        Some((class, Some(score))) if score.is_nan() => {
            Answer::failure(problem::line(&format!("the probability of class {class} is NaN")))
        }
        Some((class, score)) => Answer::new(class, score),
        None => Answer::failure("the response names no class"),
    })
}
