//! Mirrored traffic: pairs of answers out of the access logs of both sides, joined by request id.

use std::{
    collections::{BTreeMap, HashMap},
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use futures_core::Stream;

use super::{
    Timestamp,
    observation::{Answer, Arm, Kind, Observation, Pair, Seen},
    source::{Observations, Source},
};
use crate::Result;

/// Records taken in a row without a pair before the rest of the program has its turn.
const IN_A_ROW: u32 = 256;

/// What the access log of one side says of one request.
#[derive(Clone, Debug, PartialEq)]
pub struct Logged {
    /// The request's id, the same on both sides: the value of `x-request-id`, which Envoy sets before it mirrors.
    pub id: Arc<str>,
    /// When the request was answered, by the log's clock.
    pub at: Timestamp,
    /// Whose log it is.
    pub arm: Arm,
    /// What came of it.
    pub outcome: LoggedOutcome,
    /// A digest of the input ([`Pair::digest`]), where the log knows it; a repeated input is one observation.
    pub input: Option<u64>,
    /// The input in words, for the gallery of disagreements.
    pub name: Option<Arc<str>>,
    /// The true class, where it is known.
    pub label: Option<String>,
}

/// What came of a logged request.
#[derive(Clone, Debug, PartialEq)]
pub enum LoggedOutcome {
    /// The model answered.
    Answer(Answer),
    /// It did not; the HTTP status.
    Failed(u16),
}

impl Logged {
    /// A record of an answer, without what only some logs know.
    pub fn answer(id: impl Into<Arc<str>>, at: Timestamp, arm: Arm, answer: Answer) -> Self {
        Self::new(id.into(), at, arm, LoggedOutcome::Answer(answer))
    }

    /// A record of a failure.
    pub fn failure(id: impl Into<Arc<str>>, at: Timestamp, arm: Arm, status: u16) -> Self {
        Self::new(id.into(), at, arm, LoggedOutcome::Failed(status))
    }

    fn new(id: Arc<str>, at: Timestamp, arm: Arm, outcome: LoggedOutcome) -> Self {
        Self { id, at, arm, outcome, input: None, name: None, label: None }
    }
}

/// A source of pairs out of mirrored traffic ([`crate::rollout::Step::mirror`]), for rollouts that begin with a shadow.
///
/// Envoy sends the copy and throws its answer away ("fire and forget"), so no client and no gateway can compare the
/// two. What the mirrored canary answered stands in the canary's own log: a prediction log of TensorFlow Serving, or an
/// access log of the canary's sidecar that writes `x-request-id`. This source takes the records of both logs, merged
/// into one stream in about the order of time (`futures_util::stream::select` of two logs does), and joins them by id.
///
/// - A pair is made of the stable answer and the canary's record of the same request. Where the canary failed and the
///   stable model did not, its class is `error` with the status: the models do not agree.
/// - Where the stable model failed there is nothing to compare, and the request is left out.
/// - A record whose other half has not come [`Mirrored::within`] 30 seconds, by the log's clock, or that is pushed
///   out by newer ones ([`Mirrored::capacity`]) is left out. That a record is missing says nothing of the answer in it.
///
/// What is left out is counted in [`Mirrored::tally`]. The memory is bounded by the capacity, and records are taken
/// only when the rollout asks for observations.
///
/// Reference: <https://istio.io/latest/docs/tasks/traffic-management/mirroring/>.
///
/// ```
/// use canary_core::evidence::{Answer, Arm, Kind, Logged, Mirrored, Source, Timestamp};
///
/// let stable = Logged::answer("7f", Timestamp(1_000), Arm::Stable, Answer::new("suit", 0.9));
/// let canary = Logged::answer("7f", Timestamp(1_020), Arm::Canary, Answer::new("gown", 0.6));
/// let records = futures_util::stream::iter([Ok(stable), Ok(canary)]);
/// let source = Mirrored::new("mirror", records);
/// assert_eq!(source.provides(), [Kind::Pairs, Kind::Scores]);
/// ```
pub struct Mirrored {
    name: Arc<str>,
    records: Pin<Box<dyn Stream<Item = Result<Logged>> + Send>>,
    join: Join,
    labelled: bool,
    live: bool,
}

impl std::fmt::Debug for Mirrored {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Mirrored")
            .field("name", &self.name)
            .field("capacity", &self.join.capacity)
            .field("within", &self.join.within)
            .finish_non_exhaustive()
    }
}

impl Mirrored {
    /// A source out of the records of both sides' logs.
    ///
    /// The pairs are numbered from 0 in the order in which they are completed, so that a rollout which is interrupted
    /// and begun again with the same logs counts none of them twice; see [`Mirrored::live`].
    pub fn new(
        name: impl Into<Arc<str>>,
        records: impl Stream<Item = Result<Logged>> + Send + 'static,
    ) -> Self {
        let join = Join::new(4_096, Duration::from_secs(30));
        Self { name: name.into(), records: Box::pin(records), join, labelled: false, live: false }
    }

    /// Sets how many records may wait for their other half; 4096 by default, at least 1.
    #[must_use]
    pub fn capacity(mut self, records: usize) -> Self {
        self.join.capacity = records.max(1);
        self
    }

    /// Sets how long a record waits for its other half, by the log's clock; 30 seconds by default.
    #[must_use]
    pub fn within(mut self, time: Duration) -> Self {
        self.join.within = time;
        self
    }

    /// Says that the records carry labels, so that the accuracy can be tested.
    #[must_use]
    pub fn labelled(mut self) -> Self {
        self.labelled = true;
        self
    }

    /// Says that the log is followed live and does not begin at its start again after an interruption; its numbers then
    /// go on where they stopped.
    #[must_use]
    pub fn live(mut self) -> Self {
        self.live = true;
        self
    }

    /// Counts of what was paired and what was left out; it goes on counting while the source is used.
    pub fn tally(&self) -> MirrorTally {
        self.join.tally.clone()
    }
}

/// What a [`Mirrored`] source has paired and left out.
#[derive(Clone, Debug, Default)]
pub struct MirrorTally(Arc<Counters>);

#[derive(Debug, Default)]
struct Counters {
    pairs: AtomicU64,
    unmatched: AtomicU64,
    duplicates: AtomicU64,
    unknown: AtomicU64,
    stable_failed: AtomicU64,
}

impl MirrorTally {
    /// Pairs given.
    pub fn pairs(&self) -> u64 {
        self.0.pairs.load(Ordering::Relaxed)
    }

    /// Records left out because their other half did not come in time, or too many waited.
    pub fn unmatched(&self) -> u64 {
        self.0.unmatched.load(Ordering::Relaxed)
    }

    /// Records of an id that the same side had logged before.
    pub fn duplicates(&self) -> u64 {
        self.0.duplicates.load(Ordering::Relaxed)
    }

    /// Records of neither side.
    pub fn unknown(&self) -> u64 {
        self.0.unknown.load(Ordering::Relaxed)
    }

    /// Requests left out because the stable model had failed.
    pub fn stable_failed(&self) -> u64 {
        self.0.stable_failed.load(Ordering::Relaxed)
    }
}

fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

/// Joins records by id in bounded memory.
#[derive(Debug)]
struct Join {
    capacity: usize,
    within: Duration,
    /// Records without their other half, each with its place in the order of arrival.
    waiting: HashMap<Arc<str>, (u64, Logged)>,
    order: BTreeMap<u64, Arc<str>>,
    arrived: u64,
    newest: Timestamp,
    tally: MirrorTally,
}

impl Join {
    fn new(capacity: usize, within: Duration) -> Self {
        Self {
            capacity,
            within,
            waiting: HashMap::new(),
            order: BTreeMap::new(),
            arrived: 0,
            newest: Timestamp(0),
            tally: MirrorTally::default(),
        }
    }

    /// Takes a record in; the pair that it completes, and when.
    fn take(&mut self, record: Logged) -> Option<(Timestamp, Pair)> {
        let MirrorTally(counters) = self.tally.clone();
        if record.arm == Arm::Unknown {
            count(&counters.unknown);
            return None;
        }
        self.newest = self.newest.max(record.at);
        let other = match self.waiting.get(&record.id) {
            Some((_, known)) if known.arm == record.arm => {
                count(&counters.duplicates);
                return None;
            }
            Some(_) => self.waiting.remove(&record.id),
            None => None,
        };
        let Some((place, other)) = other else {
            self.wait(record);
            return None;
        };
        self.order.remove(&place);
        let at = record.at.max(other.at);
        let (stable, canary) =
            if record.arm == Arm::Stable { (record, other) } else { (other, record) };
        let LoggedOutcome::Answer(answered) = stable.outcome else {
            count(&counters.stable_failed);
            return None;
        };
        count(&counters.pairs);
        let pair = Pair {
            input: stable.input.or(canary.input),
            name: stable.name.or(canary.name),
            label: stable.label.or(canary.label),
            stable: answered,
            canary: match canary.outcome {
                LoggedOutcome::Answer(answer) => answer,
                LoggedOutcome::Failed(status) => Answer::new(format!("error {status}"), None),
            },
        };
        Some((at, pair))
    }

    /// Lets a record wait, and gives up those that have waited too long.
    fn wait(&mut self, record: Logged) {
        if record.at.plus(self.within) < self.newest {
            count(&self.tally.0.unmatched);
            return;
        }
        self.order.insert(self.arrived, Arc::clone(&record.id));
        self.waiting.insert(Arc::clone(&record.id), (self.arrived, record));
        self.arrived += 1;
        while let Some(first) = self.order.first_entry() {
            let late = self
                .waiting
                .get(first.get())
                .is_none_or(|(_, record)| record.at.plus(self.within) < self.newest);
            if self.waiting.len() <= self.capacity && !late {
                break;
            }
            self.waiting.remove(&first.remove());
            count(&self.tally.0.unmatched);
        }
    }
}

impl Source for Mirrored {
    fn name(&self) -> &str {
        &self.name
    }

    fn provides(&self) -> Vec<Kind> {
        let mut kinds = vec![Kind::Pairs, Kind::Scores];
        if self.labelled {
            kinds.push(Kind::Labels);
        }
        kinds
    }

    fn observations(self: Box<Self>, after: Option<u64>) -> Observations {
        let Self { name, records, join, live, .. } = *self;
        let next = after.filter(|_| live).map_or(0, |last| last + 1);
        Box::pin(Joined { name, records, join, next, in_a_row: 0 })
    }
}

/// The pairs of a [`Mirrored`] source.
struct Joined {
    name: Arc<str>,
    records: Pin<Box<dyn Stream<Item = Result<Logged>> + Send>>,
    join: Join,
    next: u64,
    in_a_row: u32,
}

impl Stream for Joined {
    type Item = Result<Observation>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        loop {
            this.in_a_row += 1;
            if this.in_a_row >= IN_A_ROW {
                this.in_a_row = 0;
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            let record = match this.records.as_mut().poll_next(cx) {
                Poll::Ready(Some(Ok(record))) => record,
                Poll::Ready(Some(Err(error))) => return Poll::Ready(Some(Err(error))),
                Poll::Ready(None) => return Poll::Ready(None),
                Poll::Pending => {
                    this.in_a_row = 0;
                    return Poll::Pending;
                }
            };
            if let Some((at, pair)) = this.join.take(record) {
                this.in_a_row = 0;
                let (source, sequence) = (Arc::clone(&this.name), Some(this.next));
                this.next += 1;
                let what = Seen::Pair(pair);
                return Poll::Ready(Some(Ok(Observation { source, sequence, at, what })));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::{StreamExt, stream};

    use super::*;

    fn record(id: u64, arm: Arm, class: &str) -> Logged {
        Logged::answer(id.to_string(), Timestamp(id * 10), arm, Answer::new(class, 0.9))
    }

    fn block_on<T>(future: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
    }

    fn pairs(source: Mirrored, after: Option<u64>) -> Vec<(Option<u64>, Pair)> {
        let seen = Box::new(source).observations(after).map(|item| {
            let Observation { sequence, what: Seen::Pair(pair), .. } = item.unwrap() else {
                panic!("a mirror gives pairs only")
            };
            (sequence, pair)
        });
        block_on(seen.collect())
    }

    #[test]
    fn answers_are_paired_by_id_in_whatever_order_they_come() {
        let mut named = record(3, Arm::Stable, "suit");
        (named.input, named.label) = (Some(9), Some("suit".to_owned()));
        let records = [
            record(1, Arm::Stable, "suit"),
            record(2, Arm::Canary, "gown"),
            record(2, Arm::Stable, "suit"),
            record(1, Arm::Stable, "again"),
            record(3, Arm::Canary, "suit"),
            record(1, Arm::Canary, "suit"),
            named,
            record(4, Arm::Unknown, "suit"),
            record(5, Arm::Canary, "suit"),
        ];
        let source = Mirrored::new("mirror", stream::iter(records.map(Ok))).labelled();
        assert!(source.provides().contains(&Kind::Labels));
        let tally = source.tally();
        let found = pairs(source, None);
        let agree: Vec<_> = found.iter().map(|(number, pair)| (*number, pair.agrees())).collect();
        assert_eq!(agree, [(Some(0), false), (Some(1), true), (Some(2), true)]);
        assert_eq!((found[2].1.input, found[2].1.label.as_deref()), (Some(9), Some("suit")));
        assert_eq!(found[1].1.stable.class, "suit", "the first record of an id counts");
        assert_eq!((tally.pairs(), tally.duplicates(), tally.unknown()), (3, 1, 1));
    }

    #[test]
    fn a_failure_of_the_canary_is_a_disagreement_and_one_of_the_stable_model_is_nothing() {
        let failed = |id: u64, arm| Logged::failure(id.to_string(), Timestamp(0), arm, 503);
        let records = [
            record(1, Arm::Stable, "suit"),
            failed(1, Arm::Canary),
            failed(2, Arm::Stable),
            record(2, Arm::Canary, "suit"),
            failed(3, Arm::Stable),
            failed(3, Arm::Canary),
        ];
        let source = Mirrored::new("mirror", stream::iter(records.map(Ok)));
        let tally = source.tally();
        let found = pairs(source, None);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].1.canary, Answer::new("error 503", None));
        assert_eq!(tally.stable_failed(), 2);
    }

    #[test]
    fn memory_is_bounded_by_number_and_by_time() {
        let mut join = Join::new(100, Duration::from_secs(1));
        for id in 0..10_000 {
            assert!(join.take(record(id, Arm::Stable, "suit")).is_none());
            assert!(join.waiting.len() <= 100 && join.order.len() == join.waiting.len());
        }
        assert_eq!(join.tally.unmatched(), 9_900);
        assert!(join.take(record(9_999, Arm::Canary, "suit")).is_some());
        assert!(join.take(record(5, Arm::Canary, "suit")).is_none(), "it had waited too long");
        assert!(!join.waiting.contains_key("5"), "a late half does not wait in its turn");

        let mut slow = Join::new(1_000_000, Duration::from_secs(1));
        for id in 0..10_000 {
            slow.take(record(id, Arm::Canary, "suit"));
            assert!(slow.waiting.len() <= 102, "a second holds a hundred records of 10 ms");
        }
        // A clock that jumps back pushes nothing out.
        slow.take(Logged { at: Timestamp(0), ..record(20_000, Arm::Canary, "suit") });
        assert!(slow.waiting.len() > 90 && !slow.waiting.contains_key("20000"));
    }

    #[test]
    fn a_log_read_again_keeps_its_numbers_and_a_live_one_goes_on() {
        let records = || {
            let both = |id| [record(id, Arm::Stable, "suit"), record(id, Arm::Canary, "suit")];
            stream::iter((0..3).flat_map(both).map(Ok))
        };
        let numbers = |source, after| -> Vec<_> {
            pairs(source, after).into_iter().filter_map(|(number, _)| number).collect()
        };
        assert_eq!(numbers(Mirrored::new("mirror", records()), Some(1)), [0, 1, 2]);
        assert_eq!(numbers(Mirrored::new("mirror", records()).live(), Some(1)), [2, 3, 4]);
    }

    #[test]
    fn records_are_taken_only_when_asked_for_and_never_too_many_in_a_row() {
        let taken = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&taken);
        let records = stream::iter((0..).map(move |id| {
            counted.fetch_add(1, Ordering::Relaxed);
            Ok(record(id, Arm::Stable, "suit"))
        }));
        let mut source = Box::new(Mirrored::new("mirror", records)).observations(None);
        assert_eq!(taken.load(Ordering::Relaxed), 0);
        let mut context = Context::from_waker(std::task::Waker::noop());
        assert!(source.as_mut().poll_next(&mut context).is_pending());
        assert!(taken.load(Ordering::Relaxed) < 256);
    }
}
