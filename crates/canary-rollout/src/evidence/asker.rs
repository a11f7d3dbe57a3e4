//! Asks both models about one input, through the route that the weights divide and through the canary's header.

use std::time::Duration;

use super::{
    observation::{Answer, Arm, Request, Seen, Subsets},
    order::{Order, Place},
    predictor::{PredictionInput, PredictionRequest, PredictionRoute, Predictor},
    problem,
};
use crate::{Error, HeaderRoute, Result, error::BoxError};

/// How often the divided route is asked for a response of the stable model before an input goes without a pair.
pub(super) const ATTEMPTS: u32 = 32;

/// How many failed requests of unknown version an input takes.
pub(super) const FAILURES: u32 = 3;

/// The pause after a request that nobody took, so that an address that is away for a moment does not use up the inputs;
/// it doubles with each.
const PAUSE: Duration = Duration::from_millis(50);

/// How both models are asked.
///
/// The divided route is asked until the stable model has been: each of these requests goes where the weights lead it,
/// and the first response or failure of either model is its half of the pair. The canary is asked by the header when
/// the divided route has not led to it, once.
///
/// A request that fails without naming a subset, as by a timeout, may have been either model's. The canary is then
/// asked by the header right away. Where it answers, the failure is the stable half; where it fails too, both are asked
/// again. So both halves have one try each: with a model that is asked again until it answers, and another that is not,
/// timeouts that are common to both would look like the second one's.
#[derive(Clone, Debug)]
pub(super) struct Asker<P> {
    predictor: P,
    /// Leads to the canary; without it no pairs are made.
    header: Option<HeaderRoute>,
    pub(super) subsets: Subsets,
}

/// The halves of a pair.
pub(super) struct Halves {
    pub(super) stable: Answer,
    pub(super) canary: Answer,
    /// The pair's place: that of the request which gave the stable half.
    pub(super) place: Option<Place<Seen>>,
}

/// Why an input has no pair.
#[derive(Debug)]
pub(super) enum NoPair {
    /// No pairs are wanted.
    Unwanted,
    /// The divided route led to the canary each time.
    NotStable,
    /// The header led to the stable model.
    HeaderIsStable,
    /// Nobody answered: the last failure.
    Unanswered(BoxError),
}

/// What a request has shown.
struct Asked {
    arm: Arm,
    half: Answer,
    elapsed: Duration,
    error: Option<Failed>,
}

/// The failure of a request.
struct Failed {
    /// Whether it may have reached a model.
    sent: bool,
    error: BoxError,
}

impl<P: Predictor> Asker<P> {
    /// Sends each request through `predictor` once: a repeated one would hide the failure that a test is to see.
    /// Without a header no pairs are made.
    pub(super) fn new(predictor: &P, header: Option<HeaderRoute>, subsets: Subsets) -> Self {
        Self { predictor: predictor.clone(), header, subsets }
    }

    /// Whether it can make pairs.
    pub(super) fn makes_pairs(&self) -> bool {
        self.header.is_some()
    }

    /// Asks about one input. Each request of the divided route takes its place in `order` when it is sent.
    ///
    /// # Errors
    /// [`Error::Predictor`] when the input cannot be sent at all; [`Error::Plan`] when a response names none of the two
    /// subsets, or has a row for each of several inputs where a pair is wanted.
    pub(super) async fn ask(
        &self,
        input: &P::Input,
        name: &str,
        order: Option<&Order<Seen>>,
    ) -> Result<Result<Halves, NoPair>> {
        let (mut canary, mut failures) = (None, 0);
        for _ in 0..ATTEMPTS {
            let place = order.map(Order::begin_now);
            let Asked { arm, half, elapsed, error } =
                self.send(self.divided(), input, name).await?;
            let sent = error.as_ref().is_none_or(|failed| failed.sent);
            // Taken before the request's own is given up: nothing sent later comes between the two.
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
                        None => self.ask_canary(input, name).await?,
                    };
                    return Ok(canary.map(|canary| Halves { stable: half, canary, place: pair }));
                }
                (Arm::Unknown, error) => {
                    if sent
                        && canary.is_none()
                        && let Ok(canary) = self.ask_canary(input, name).await?
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

    /// The canary's half, asked by the header: no traffic that the weights divide, so it counts for the pair alone. A
    /// failure that names no subset is the canary's too, because it was the one asked.
    async fn ask_canary(&self, input: &P::Input, name: &str) -> Result<Result<Answer, NoPair>> {
        let Some(route) = self.by_header() else { return Ok(Err(NoPair::Unwanted)) };
        let Asked { arm, half, error, .. } = self.send(route, input, name).await?;
        Ok(match (arm, error) {
            (Arm::Stable, _) => Err(NoPair::HeaderIsStable),
            // The way to both models is cut, which is not the canary's failure.
            (_, Some(failed)) if !failed.sent => Err(NoPair::Unanswered(failed.error)),
            _ => Ok(half),
        })
    }

    /// Whether the canary answers what the header leads to.
    ///
    /// # Errors
    /// What stands in the way.
    pub(super) async fn reach(&self, input: &P::Input) -> Result<()> {
        let Some(route) = self.by_header() else {
            return Err(NoPair::Unwanted.into_error(&self.subsets));
        };
        let Asked { arm, half, error, .. } = self.send(route, input, "the probe").await?;
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

    fn divided(&self) -> PredictionRoute<'_> {
        PredictionRoute::Divided { without: self.header.as_ref() }
    }

    fn by_header(&self) -> Option<PredictionRoute<'_>> {
        self.header.as_ref().map(PredictionRoute::Header)
    }

    async fn send(
        &self,
        route: PredictionRoute<'_>,
        input: &P::Input,
        name: &str,
    ) -> Result<Asked> {
        let classes = self.makes_pairs();
        let request = PredictionRequest { input, route, classes, repeat: false };
        let response = self.predictor.predict(request).await?;
        let (subset, elapsed) = (response.subset.as_deref(), response.latency);
        match response.outcome {
            Ok(predicted) => {
                let arm = self.arm(subset)?;
                let half = if classes {
                    top(predicted.classes, input, name)?
                } else {
                    Answer::new(String::new(), None)
                };
                Ok(Asked { arm, half, elapsed, error: None })
            }
            Err(failure) => Ok(Asked {
                arm: self.subsets.arm(subset),
                half: Answer::failure(problem::line(&failure.problem)),
                elapsed,
                error: Some(Failed { sent: failure.sent, error: failure.error }),
            }),
        }
    }

    /// Who answered; a response that does not say so is an error, because nobody could tell what is compared.
    fn arm(&self, subset: Option<&str>) -> Result<Arm> {
        let arm = self.subsets.arm(subset);
        if arm != Arm::Unknown {
            return Ok(arm);
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
    /// The error for whoever wanted a pair.
    pub(super) fn into_error(self, subsets: &Subsets) -> Error {
        let Subsets { stable, canary } = subsets;
        match self {
            Self::Unanswered(error) => Error::Predictor(error),
            Self::NotStable => Error::Plan(format!(
                "asked {ATTEMPTS} times for a response of {stable} without the header, and each was of subset {canary}; \
                 give the stable version some of the weight"
            )),
            Self::HeaderIsStable => Error::Plan(format!(
                "asked for a response of {canary} by the header, and the response is of subset {stable}; see the header \
                 route of the VirtualService"
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
/// [`Error::Plan`] when the input is a batch of several and the response has a row for each: all but one would go
/// unseen.
fn top(
    rows: Result<Vec<Option<(String, f64)>>, String>,
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
            "the response to {name} has {} rows, and a pair compares one with one; give each input in a batch of its own",
            rows.len()
        )));
    }
    Ok(match rows.pop().flatten() {
        Some((class, score)) if score.is_nan() => {
            Answer::failure(problem::line(&format!("the probability of class {class} is NaN")))
        }
        Some((class, score)) => Answer::new(class, score),
        None => Answer::failure("the response names no class"),
    })
}
