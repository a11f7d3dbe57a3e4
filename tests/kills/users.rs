//! Users whose requests go where the weights in force lead them.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use canary_core::{
    evidence::{Arm, Kind, Observation, Observations, Request, Seen, Source, Timestamp},
    rollout::Result,
    stats::Random,
};
use canary_tests::chaos::Ledger;
use futures_util::Stream;

use crate::clock::Jumping;

/// The failure rate of each version, and the number of requests in a second.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Service {
    pub(crate) stable: f64,
    pub(crate) canary: f64,
    pub(crate) rate: f64,
}

impl Service {
    /// One request while the canary has this weight.
    pub(crate) fn request(self, weight: u64, random: &mut Random) -> Request {
        let by_canary = random.below(100) < weight;
        let arm = if by_canary { Arm::Canary } else { Arm::Stable };
        let failed = random.bernoulli(if by_canary { self.canary } else { self.stable });
        Request { failed, ..Request::served(arm, None) }
    }

    /// The time to the next request, in milliseconds.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "seconds")]
    pub(crate) fn pause(self, random: &mut Random) -> u64 {
        (-random.open_uniform().ln() / self.rate * 1e3) as u64
    }
}

/// Requests at random moments. What a process has not seen before it dies is lost, and what comes later is new.
pub(crate) struct Users {
    pub(crate) clock: Jumping,
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) service: Service,
    pub(crate) random: Random,
    /// The number of the next request, and when it is sent.
    pub(crate) next: (u64, u64),
}

impl Users {
    pub(crate) fn new(clock: &Jumping, ledger: &Arc<Ledger>, service: Service, seed: u64) -> Self {
        let random = Random::new(seed);
        let next = (0, clock.millis());
        Self { clock: clock.clone(), ledger: Arc::clone(ledger), service, random, next }
    }
}

impl Source for Users {
    fn name(&self) -> &'static str {
        "users"
    }

    fn provides(&self) -> Vec<Kind> {
        vec![Kind::Requests]
    }

    fn observations(mut self: Box<Self>, after: Option<u64>) -> Observations {
        self.next.0 = after.map_or(0, |after| after + 1);
        Box::pin(*self)
    }
}

impl Stream for Users {
    type Item = Result<Observation>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        let (number, at) = this.next;
        if this.clock.is_dead() {
            return Poll::Pending;
        }
        if this.clock.millis() < at {
            this.clock.wake_at(at, context);
            return Poll::Pending;
        }
        this.next = (number + 1, at + this.service.pause(&mut this.random));
        let weight = this.ledger.weights().map_or(0, |weights| weights.canary);
        let what = Seen::Request(this.service.request(weight, &mut this.random));
        let (source, sequence, at) = ("users".into(), Some(number), Timestamp(at));
        Poll::Ready(Some(Ok(Observation { source, sequence, at, what })))
    }
}
