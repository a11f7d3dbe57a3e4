//! Traffic that the rollout makes: each input goes through the route that the weights divide and, for pairs, to both
//! models.

mod drive;

use std::sync::Arc;

use futures_core::Stream;
use tokio::task::JoinSet;

use self::drive::{Driving, Listener};
use super::{
    observation::{Kind, Pair, Subsets},
    order::Order,
    pair_requests::{self, PairRequests},
    predictor::Predictor,
    reach::Reach,
    sample::{Sample, Samples},
    source::{Observations, OwnRequests, Source},
};
use crate::{HeaderRoute, Result};

/// A source that makes the traffic it observes: requests of the divided route, and pairs.
///
/// Each input is sent without the header until the stable model has answered it or failed; every one of these requests
/// is observed with the subset that served it, its outcome and its latency. The decision to stop depends only on past
/// results, so it is a stopping time and the tests stay valid (Ville's inequality). The canary gets a request by the
/// header when the divided route has not led to it meanwhile; this request is not divided by the weights and only
/// counts for the pair.
///
/// A failure is evidence: an error status, 4xx included, a timeout, a connection that broke, a response that cannot be
/// read or, where pairs are wanted, names no class. A pair contains its failed half ([`super::Answer::failure`]). Each
/// half gets one attempt:
///
/// - the first response or failure of a model that the divided route led to is that model's half;
/// - a failure of the request with the header is the canary's, unless no connection was established;
/// - a failure of the divided route that names no subset, such as a timeout, may be either's. The canary then gets a
///   request by the header. Where it answers, the failure is the stable half; where it fails too, both are tried again,
///   up to three times. So timeouts that affect both models are attributed to both.
///
/// An input without a stable half gives no pair. An input that cannot be sent at all is neither model's failure and
/// ends the source with the error that says why; so does a response that names none of the two subsets.
///
/// At most `concurrency` inputs are under way. The next one is read only when the rollout polls for observations, so
/// nothing piles up. Observations come in the order in which their requests were sent: none before every earlier one
/// has ended, which takes as long as the client's timeout at most. The tasks run on the tokio runtime in which the
/// rollout is polled.
///
/// ```
/// use canary_core::{evidence::{Kind, Sample, Source, Subsets, Traffic}, predict::Client};
///
/// let client = Client::new("http://127.0.0.1:8080")?.model("image_classifier");
/// let photos = futures_util::stream::iter([Ok(Sample::new("cat.jpg", b"...".as_slice()))]);
/// let subsets = Subsets::new("resnet50", "resnet101");
/// let traffic = Traffic::new("photos", &client, ("user-group", "canary"), subsets, photos).concurrency(4);
/// assert!(traffic.provides().contains(&Kind::Pairs));
/// # Ok::<(), canary_core::Error>(())
/// ```
pub struct Traffic<P: Predictor> {
    name: Arc<str>,
    pair_requests: PairRequests<P>,
    listener: Option<Listener<P::Input>>,
    samples: Samples<P::Input>,
    concurrency: usize,
    labelled: bool,
    pairs_only: bool,
}

impl<P: Predictor> std::fmt::Debug for Traffic<P> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Traffic")
            .field("name", &self.name)
            .field("concurrency", &self.concurrency)
            .finish_non_exhaustive()
    }
}

impl<P: Predictor> Traffic<P> {
    /// The most requests of the divided route for one input; without a response of the stable version among them the
    /// input goes without a pair.
    pub const ATTEMPTS: u32 = pair_requests::ATTEMPTS;

    /// The most failures of unknown version for one input.
    pub const FAILURES: u32 = pair_requests::FAILURES;

    /// Traffic of these inputs through `predictor`, with the header that leads to the canary.
    ///
    /// Requests are sent once and not again: a repeated request would hide the failure that a test is to see.
    pub fn new(
        name: impl Into<Arc<str>>,
        predictor: &P,
        header: (&str, &str),
        subsets: Subsets,
        samples: impl Stream<Item = Result<Sample<P::Input>>> + Send + 'static,
    ) -> Self {
        let header = HeaderRoute { name: header.0.to_owned(), value: header.1.to_owned() };
        Self::through(
            name.into(),
            PairRequests::new(predictor, Reach::Header(header), subsets),
            samples,
        )
    }

    /// Traffic of these inputs by the routes of a plan.
    pub(crate) fn by(
        name: impl Into<Arc<str>>,
        predictor: &P,
        reach: Reach,
        subsets: Subsets,
        samples: impl Stream<Item = Result<Sample<P::Input>>> + Send + 'static,
    ) -> Self {
        Self::through(name.into(), PairRequests::new(predictor, reach, subsets), samples)
    }

    /// Traffic without pairs: one request for each input, through the route that the weights divide. It needs no
    /// header; only the subset of a readable response is used.
    ///
    /// ```
    /// use canary_core::{evidence::{Kind, Sample, Source, Subsets, Traffic}, predict::Client};
    ///
    /// let client = Client::new("http://127.0.0.1:8080")?.model("image_classifier");
    /// let photos = futures_util::stream::iter([Ok(Sample::new("cat.jpg", b"...".as_slice()))]);
    /// let subsets = Subsets::new("resnet50", "resnet101");
    /// let traffic = Traffic::requests("photos", &client, subsets, photos);
    /// assert_eq!(traffic.provides(), [Kind::Requests, Kind::Latency]);
    /// # Ok::<(), canary_core::Error>(())
    /// ```
    pub fn requests(
        name: impl Into<Arc<str>>,
        predictor: &P,
        subsets: Subsets,
        samples: impl Stream<Item = Result<Sample<P::Input>>> + Send + 'static,
    ) -> Self {
        Self::through(name.into(), PairRequests::new(predictor, Reach::Divided, subsets), samples)
    }

    fn through(
        name: Arc<str>,
        pair_requests: PairRequests<P>,
        samples: impl Stream<Item = Result<Sample<P::Input>>> + Send + 'static,
    ) -> Self {
        Self {
            name,
            pair_requests,
            listener: None,
            samples: Box::pin(samples),
            concurrency: 4,
            labelled: false,
            pairs_only: false,
        }
    }

    /// Sets the maximum number of inputs under way; 4 by default, at least 1.
    #[must_use]
    pub fn concurrency(mut self, inputs: usize) -> Self {
        self.concurrency = inputs.max(1);
        self
    }

    /// Declares that the samples have labels, so that the accuracy can be tested.
    #[must_use]
    pub fn labelled(mut self) -> Self {
        self.labelled = true;
        self
    }

    /// Reports the pairs and not the requests: for traffic that another source counts, such as `Prometheus`.
    #[must_use]
    pub fn pairs_only(mut self) -> Self {
        self.pairs_only = true;
        self
    }

    /// Calls a function with every pair and its input, for a gallery of disagreements; pairs with a failed half too.
    #[must_use]
    pub fn on_pair(
        mut self,
        listener: impl Fn(&Sample<P::Input>, &Pair) + Send + Sync + 'static,
    ) -> Self {
        self.listener = Some(Arc::new(listener));
        self
    }
}

impl<P: Predictor> Source for Traffic<P> {
    fn name(&self) -> &str {
        &self.name
    }

    fn provides(&self) -> Vec<Kind> {
        let mut kinds = Vec::new();
        if !self.pairs_only {
            kinds.extend([Kind::Requests, Kind::Latency]);
        }
        if !self.pair_requests.makes_pairs() {
            return kinds;
        }
        kinds.extend([Kind::Pairs, Kind::Scores]);
        if self.labelled {
            kinds.push(Kind::Labels);
        }
        kinds
    }

    fn own_requests(&self) -> OwnRequests {
        if self.pairs_only { OwnRequests::SendsPairs } else { OwnRequests::Reports }
    }

    fn observations(self: Box<Self>, after: Option<u64>) -> Observations {
        let Self { name, pair_requests, listener, samples, concurrency, pairs_only, .. } = *self;
        Box::pin(Driving {
            name,
            requests: Arc::new(pair_requests),
            listener,
            samples,
            concurrency,
            pairs_only,
            // The traffic is new after an interruption, so its numbers continue where they stopped.
            next: after.map_or(0, |last| last + 1),
            order: Order::default(),
            under_way: JoinSet::new(),
            dry: false,
        })
    }
}
