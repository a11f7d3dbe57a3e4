//! Joins the records of both sides by id, in bounded memory.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use super::super::{
    logged::{Logged, LoggedOutcome},
    observation::{Answer, Arm, Pair, Timestamp},
    order::{Order, Place},
    problem,
};

/// The problem of a response without a class when the other model's response had none either, or failed.
const NO_CLASS: &str = "a response that names no class";

/// Counts of the pairs that a [`super::Mirrored`] source has formed and of the records that it has left out.
#[derive(Clone, Debug, Default)]
pub struct MirrorTally(Arc<Counters>);

#[derive(Debug, Default)]
struct Counters {
    pairs: AtomicU64,
    unmatched: AtomicU64,
    duplicates: AtomicU64,
    unknown: AtomicU64,
    stable_failed: AtomicU64,
    missing: AtomicU64,
    no_class: AtomicU64,
}

impl MirrorTally {
    /// Pairs formed, those with a failed half among them.
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

    /// Pairs whose stable half failed.
    pub fn stable_failed(&self) -> u64 {
        self.0.stable_failed.load(Ordering::Relaxed)
    }

    /// Pairs whose canary half failed because the canary had logged nothing in time ([`super::Mirrored::all_mirrored`]).
    pub fn missing(&self) -> u64 {
        self.0.missing.load(Ordering::Relaxed)
    }

    /// Requests left out because neither response named a class.
    pub fn no_class(&self) -> u64 {
        self.0.no_class.load(Ordering::Relaxed)
    }
}

fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

/// A record without its other half.
#[derive(Debug)]
struct Waiting {
    /// Its place in the order of arrival.
    arrived: u64,
    record: Logged,
    /// The place of its pair, where a record without another half is a failure: later pairs wait for it.
    place: Option<Place<(Arc<str>, Pair)>>,
}

/// Records that wait for their other half.
#[derive(Debug)]
pub(super) struct Join {
    pub(super) capacity: usize,
    pub(super) within: Duration,
    pub(super) all_mirrored: bool,
    waiting: HashMap<Arc<str>, Waiting>,
    by_arrival: BTreeMap<u64, Arc<str>>,
    arrived: u64,
    newest: Timestamp,
    /// Only one of 2 to this power of the ids is used.
    thinned: u32,
    made: Order<(Arc<str>, Pair)>,
    pub(super) tally: MirrorTally,
}

impl Join {
    pub(super) fn new(capacity: usize, within: Duration) -> Self {
        Self {
            capacity,
            within,
            all_mirrored: false,
            waiting: HashMap::new(),
            by_arrival: BTreeMap::new(),
            arrived: 0,
            newest: Timestamp(0),
            thinned: 0,
            made: Order::default(),
            tally: MirrorTally::default(),
        }
    }

    /// The next pair, and when its request was answered; the end once there are no more records.
    pub(super) fn poll_next(&self, context: &Context<'_>) -> Poll<Option<(Timestamp, Pair)>> {
        self.made.poll_next(context).map(|made| made.map(|(at, (_, pair))| (at, pair)))
    }

    /// Adds a record.
    pub(super) fn take(&mut self, record: Logged) {
        let counters = Arc::clone(&self.tally.0);
        if record.arm == Arm::Unknown {
            return count(&counters.unknown);
        }
        self.newest = self.newest.max(record.at);
        if !is_looked_at(&record.id, self.thinned) {
            return count(&counters.unmatched);
        }
        let other = match self.waiting.get(&record.id) {
            Some(known) if known.record.arm == record.arm => return count(&counters.duplicates),
            Some(_) => self.waiting.remove(&record.id),
            None => None,
        };
        let Some(Waiting { arrived, record: other, place }) = other else {
            return self.wait(record);
        };
        self.by_arrival.remove(&arrived);
        let at = if self.all_mirrored { None } else { Some(record.at.max(other.at)) };
        let (stable, canary) =
            if record.arm == Arm::Stable { (record, other) } else { (other, record) };
        let id = Arc::clone(&stable.id);
        let at = at.unwrap_or(stable.at);
        let Some(pair) = pair(stable, canary) else { return count(&counters.no_class) };
        self.count_pair(&pair);
        match place {
            Some(place) => place.end((id, pair)),
            None => self.made.add(at, (id, pair)),
        }
    }

    /// Ends the records; those that wait are left out.
    pub(super) fn finish(&mut self) {
        for _ in self.waiting.drain() {
            count(&self.tally.0.unmatched);
        }
        self.by_arrival.clear();
        self.made.finish();
    }

    fn count_pair(&self, pair: &Pair) {
        count(&self.tally.0.pairs);
        if pair.stable.failed {
            count(&self.tally.0.stable_failed);
        }
    }

    /// Queues a record, and drops those that have waited too long.
    fn wait(&mut self, record: Logged) {
        if self.is_late(&record) {
            return count(&self.tally.0.unmatched);
        }
        self.by_arrival.insert(self.arrived, Arc::clone(&record.id));
        let judged = self.all_mirrored && record.arm == Arm::Stable;
        let place = judged.then(|| self.made.begin(record.at));
        let waiting = Waiting { arrived: self.arrived, record, place };
        self.waiting.insert(Arc::clone(&waiting.record.id), waiting);
        self.arrived += 1;
        while let Some(first) = self.by_arrival.first_entry() {
            let late = self
                .waiting
                .get(first.get())
                .is_none_or(|one| one.record.at.plus(self.within) < self.newest);
            if !late && (self.all_mirrored || self.waiting.len() <= self.capacity) {
                break;
            }
            if let Some(waiting) = self.waiting.remove(&first.remove()) {
                self.give_up(waiting);
            }
        }
        while self.all_mirrored && self.held() > self.capacity {
            self.thin_out();
        }
    }

    fn is_late(&self, record: &Logged) -> bool {
        record.at.plus(self.within) < self.newest
    }

    /// Settles a record whose other half did not come in time.
    fn give_up(&self, Waiting { record, place, .. }: Waiting) {
        let Some(place) = place else { return count(&self.tally.0.unmatched) };
        let missing = Answer::failure(format!("no record of the canary within {:?}", self.within));
        let id = Arc::clone(&record.id);
        let canary = Logged::answer(Arc::clone(&id), record.at, Arm::Canary, missing);
        if let Some(pair) = pair(record, canary) {
            self.count_pair(&pair);
            count(&self.tally.0.missing);
            place.end((id, pair));
        }
    }

    fn held(&self) -> usize {
        self.waiting.len() + self.made.waiting()
    }

    /// Uses half as many ids from now on. The choice depends only on the id and is the same on both sides, so it is
    /// independent of the answers.
    fn thin_out(&mut self) {
        self.thinned += 1;
        let (before, thinned) = (self.held(), self.thinned);
        self.waiting.retain(|id, _| is_looked_at(id, thinned));
        self.by_arrival.retain(|_, id| is_looked_at(id, thinned));
        self.made.retain(|(id, _)| is_looked_at(id, thinned));
        let left_out = u64::try_from(before - self.held()).unwrap_or(u64::MAX);
        self.tally.0.unmatched.fetch_add(left_out, Ordering::Relaxed);
    }

    #[cfg(test)]
    pub(super) fn size(&self) -> usize {
        assert_eq!(self.by_arrival.len(), self.waiting.len());
        self.held()
    }

    #[cfg(test)]
    pub(super) fn waits(&self, id: &str) -> bool {
        self.waiting.contains_key(id)
    }
}

fn is_looked_at(id: &str, thinned: u32) -> bool {
    Pair::digest(id.as_bytes()).trailing_zeros() >= thinned
}

/// The pair of two records; none where neither response names a class.
fn pair(stable: Logged, canary: Logged) -> Option<Pair> {
    use LoggedOutcome::{Answer as Answered, NoClass};
    if matches!((&stable.outcome, &canary.outcome), (NoClass, NoClass)) {
        return None;
    }
    let names_class =
        |record: &Logged| matches!(&record.outcome, Answered(answer) if !answer.failed);
    let (stable_names, canary_names) = (names_class(&stable), names_class(&canary));
    Some(Pair {
        input: stable.input.or(canary.input),
        name: stable.name.or(canary.name),
        label: stable.label.or(canary.label),
        stable: half(stable.outcome, canary_names),
        canary: half(canary.outcome, stable_names),
    })
}

/// One half. A response without a class is a failure where the other model names one; otherwise the request did not
/// require one, and was served.
fn half(outcome: LoggedOutcome, other_names_class: bool) -> Answer {
    match outcome {
        LoggedOutcome::Answer(answer) => answer,
        LoggedOutcome::Failed(status) => Answer::failure(problem::of_status(status)),
        LoggedOutcome::NoClass if other_names_class => Answer::failure(NO_CLASS),
        LoggedOutcome::NoClass => Answer::new(NO_CLASS, None),
    }
}
