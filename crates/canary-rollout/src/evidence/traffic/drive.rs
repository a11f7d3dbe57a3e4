//! Inputs under way, and their observations in the order in which the requests were sent.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use futures_core::Stream;
use tokio::task::JoinSet;
use tracing::Instrument;

use super::super::{
    observation::{Observation, Pair, Seen},
    order::Order,
    pair_requests::{Halves, PairRequests},
    predictor::Predictor,
    sample::{Sample, Samples},
};
use crate::{Error, Result};

/// The number of observations that may wait for an earlier request to end before no further input is read.
const WAITING: usize = 1_024;

/// The callback for every pair.
pub(super) type Listener<I> = Arc<dyn Fn(&Sample<I>, &Pair) + Send + Sync>;

/// The observations of the source's own traffic.
pub(super) struct Driving<P: Predictor> {
    pub(super) name: Arc<str>,
    pub(super) requests: Arc<PairRequests<P>>,
    pub(super) listener: Option<Listener<P::Input>>,
    pub(super) samples: Samples<P::Input>,
    pub(super) concurrency: usize,
    pub(super) pairs_only: bool,
    /// The number of the next observation.
    pub(super) next: u64,
    pub(super) order: Order<Seen>,
    /// A task for each input under way, so that a latency does not contain the time in which the rollout is not polled.
    pub(super) under_way: JoinSet<Result<()>>,
    pub(super) dry: bool,
}

impl<P: Predictor> Driving<P> {
    /// Takes inputs as long as there is room for them.
    fn fill(&mut self, context: &mut Context<'_>) -> Result<()> {
        while !self.dry && self.under_way.len() < self.concurrency && self.order.waiting() < WAITING
        {
            match self.samples.as_mut().poll_next(context) {
                Poll::Ready(Some(sample)) => {
                    let (requests, listener) = (Arc::clone(&self.requests), self.listener.clone());
                    let sent = send_pair(requests, listener, sample?, self.order.clone());
                    // With the step of the rollout that polls, which the task would not know.
                    self.under_way.spawn(sent.in_current_span());
                }
                Poll::Ready(None) => self.dry = true,
                Poll::Pending => break,
            }
        }
        Ok(())
    }
}

impl<P: Predictor> Stream for Driving<P> {
    type Item = Result<Observation>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        loop {
            if let Poll::Ready(Some((at, what))) = this.order.poll_next(context) {
                if this.pairs_only && !matches!(what, Seen::Pair(_)) {
                    continue;
                }
                let (source, sequence) = (Arc::clone(&this.name), Some(this.next));
                this.next += 1;
                return Poll::Ready(Some(Ok(Observation { source, sequence, at, what })));
            }
            if let Err(error) = this.fill(context) {
                return Poll::Ready(Some(Err(error)));
            }
            match this.under_way.poll_join_next(context) {
                Poll::Ready(Some(Ok(Ok(())))) => {}
                Poll::Ready(Some(Ok(Err(error)))) => return Poll::Ready(Some(Err(error))),
                Poll::Ready(Some(Err(error))) => {
                    let error = Error::Plan(format!("a request ended early: {error}"));
                    return Poll::Ready(Some(Err(error)));
                }
                // The results of these tasks were released above, after the last of them had ended.
                Poll::Ready(None) if this.dry => return Poll::Ready(None),
                Poll::Ready(None) | Poll::Pending => return Poll::Pending,
            }
        }
    }
}

/// Sends one input; its results go into `order`.
async fn send_pair<P: Predictor>(
    requests: Arc<PairRequests<P>>,
    listener: Option<Listener<P::Input>>,
    sample: Sample<P::Input>,
    order: Order<Seen>,
) -> Result<()> {
    let halves = requests.send_pair(&sample.input, &sample.name, Some(&order)).await?;
    let Ok(Halves { stable, canary, place }) = halves else { return Ok(()) };
    let pair = Pair {
        input: Some(sample.digest()?),
        name: Some(Arc::clone(&sample.name)),
        stable,
        canary,
        label: sample.label.clone(),
    };
    if let Some(listener) = listener {
        listener(&sample, &pair);
    }
    if let Some(place) = place {
        place.end(Seen::Pair(pair));
    }
    Ok(())
}
