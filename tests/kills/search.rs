//! Kills and faults on the lab's store, by a clock that jumps: the same seed is the same rollout.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use canary_core::{
    Verdict,
    cluster::{Cluster, ObjectRef},
    rollout::Cause,
    stats::Random,
};
use canary_lab::store::Store;
use canary_tests::chaos::{Call, Fault, Faults, Refusal, Verb};
use futures_util::FutureExt;

use crate::{
    clock::Jumping,
    life::{APP, Death, Ended, Surroundings, is_split, plan},
    statistics::bound,
    users::Service,
};

/// The kind of a search.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Of {
    Kills,
    Faults,
    Both,
}

/// The result of a search.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally {
    pub(crate) runs: u64,
    pub(crate) kills: u64,
    pub(crate) faults: u64,
    /// Lives that ended with an error, after which another began.
    pub(crate) errors: u64,
    pub(crate) promoted: u64,
    pub(crate) rolled_back: u64,
    /// Rollouts of canaries that are no worse, and how many of them were rolled back.
    pub(crate) good: u64,
    pub(crate) blamed: u64,
    /// Rollouts that a person aborted.
    pub(crate) aborted: u64,
    /// Rollouts that ended because the split looked wrong, which it never is.
    pub(crate) split: u64,
    pub(crate) writes: usize,
    /// The problems, with the seed.
    pub(crate) problems: Vec<String>,
}

impl Tally {
    pub(crate) fn add(&mut self, other: Self) {
        self.runs += other.runs;
        self.kills += other.kills;
        self.faults += other.faults;
        self.errors += other.errors;
        self.promoted += other.promoted;
        self.rolled_back += other.rolled_back;
        self.good += other.good;
        self.blamed += other.blamed;
        self.aborted += other.aborted;
        self.split += other.split;
        self.writes += other.writes;
        self.problems.extend(other.problems);
    }

    /// Counts the end of a rollout with a canary that is bad or no worse, and the problems at that end.
    pub(crate) fn conclude(
        &mut self,
        seed: u64,
        bad: bool,
        verdict: &Verdict,
        problems: Vec<String>,
    ) {
        let of_seed = |problem: String| format!("seed {seed}: {problem}");
        self.problems.extend(problems.into_iter().map(of_seed));
        let promoted = matches!(verdict, Verdict::Promote { .. });
        if bad && promoted {
            self.problems.push(of_seed(format!("a bad canary is promoted: {verdict}")));
        }
        let rolled_back = matches!(verdict, Verdict::Rollback { .. });
        if matches!(verdict, Verdict::Rollback { evidence: Cause::Asked(_), .. }) {
            self.aborted += 1;
            return;
        }
        self.promoted += u64::from(promoted);
        self.rolled_back += u64::from(rolled_back);
        self.good += u64::from(!bad);
        self.blamed += u64::from(!bad && rolled_back);
        self.split += u64::from(is_split(verdict));
    }

    /// The summary of a search.
    pub(crate) fn line(&self, title: &str) -> String {
        format!(
            "{title}: {} kills and {} faults in {} rollouts; {} promoted, {} rolled back ({} of {} that are no worse), {} \
             aborted by a person, {} ended by the split's test, {} lives ended by errors; {} writes of routes, {} wrong",
            self.kills,
            self.faults,
            self.runs,
            self.promoted,
            self.rolled_back,
            self.blamed,
            self.good,
            self.aborted,
            self.split,
            self.errors,
            self.writes,
            self.problems.len()
        )
    }
}

/// The faults of a rollout, for all of its drivers.
pub(crate) struct Weather {
    random: Random,
    /// Until when every call is refused, and how.
    outage: Option<(u64, Refusal)>,
    pub(crate) faults: u64,
}

impl Weather {
    pub(crate) fn new(seed: u64) -> Self {
        Self { random: Random::of_run(23, seed), outage: None, faults: 0 }
    }

    /// The fault of a call at a moment; the second value is `true` when the Lease is deleted before it.
    pub(crate) fn next(&mut self, now: u64, verb: Verb) -> (Fault, bool) {
        if let Some((until, refusal)) = self.outage {
            if now < until {
                self.faults += 1;
                return (Fault::Before(refusal), false);
            }
            self.outage = None;
        }
        if verb == Verb::Watch {
            let broken = self.random.bernoulli(0.05);
            self.faults += u64::from(broken);
            let refusal = self.any(&[Refusal::Expired, Refusal::Reset]);
            return (if broken { Fault::Before(refusal) } else { Fault::None }, false);
        }
        let stolen = self.random.bernoulli(0.004);
        self.faults += u64::from(stolen);
        if self.random.bernoulli(0.008) {
            // A certificate has run out, a role is gone, etcd has no leader.
            let refusals =
                [Refusal::Unauthorized, Refusal::Forbidden, Refusal::Reset, Refusal::Timeout];
            self.outage = Some((now + 200 + self.random.below(6_000), self.any(&refusals)));
        }
        if !self.random.bernoulli(0.08) {
            return (Fault::None, stolen);
        }
        self.faults += 1;
        let writes = matches!(verb, Verb::Apply | Verb::Patch | Verb::Delete);
        // The response is lost after the write. A client that retries by itself then meets its own write, or another
        // refusal, and reports that as the response to the write.
        if writes && self.random.bernoulli(0.5) {
            let refusals = [
                Refusal::Timeout,
                Refusal::Reset,
                Refusal::Conflict,
                Refusal::Invalid,
                Refusal::Forbidden,
            ];
            return (Fault::After(self.any(&refusals)), stolen);
        }
        let reads = [
            Refusal::Unauthorized,
            Refusal::Forbidden,
            Refusal::Busy,
            Refusal::Timeout,
            Refusal::Reset,
        ];
        let refusal = if writes { self.any(&Refusal::OF_CALLS) } else { self.any(&reads) };
        (Fault::Before(refusal), stolen)
    }

    fn any(&mut self, refusals: &[Refusal]) -> Refusal {
        refusals[usize::try_from(self.random.below(refusals.len() as u64)).unwrap()]
    }
}

fn faults(
    clock: &Jumping,
    store: &Store,
    weather: Option<Arc<Mutex<Weather>>>,
    death: Death,
) -> Arc<dyn Faults> {
    let (clock, store) = (clock.clone(), store.clone());
    let name = format!("canary-rollout-{APP}");
    let lease = ObjectRef::new("coordination.k8s.io/v1", "Lease", "default", name);
    Arc::new(move |call: &Call<'_>| {
        let now = clock.millis();
        if let Some(fault) = death.meets(now).filter(|_| call.verb != Verb::Watch) {
            clock.kill();
            return fault;
        }
        let Some(weather) = &weather else { return Fault::None };
        let (fault, stolen) = weather.lock().unwrap().next(now, call.verb);
        if stolen {
            store.delete(&lease).now_or_never().unwrap().unwrap();
        }
        fault
    })
}

/// One rollout of the lab's store.
pub(crate) fn run(seed: u64, of: Of) -> Tally {
    let mut random = Random::of_run(29, seed);
    let bad = random.bernoulli(0.5);
    let service = Service { stable: 0.02, canary: if bad { 0.25 } else { 0.02 }, rate: 20.0 };
    let mean_life = Duration::from_secs([5, 15, 40][usize::try_from(random.below(3)).unwrap()]);
    let store = Store::new();
    let surroundings = Surroundings::new(store.clone(), plan("default", [60, 400]), service);
    let weather = (of != Of::Kills).then(|| Arc::new(Mutex::new(Weather::new(seed))));
    let mut tally = Tally { runs: 1, ..Tally::default() };
    let mut aborted = false;
    for life in 0..10_000 {
        let death = match of {
            Of::Faults => Death::never(),
            _ => Death::of(&mut random, surroundings.clock.millis(), mean_life),
        };
        // People give commands between two lives: two at once, of which the later one wins, or an abort.
        match seed % 5 {
            3 => drop(surroundings.command(&format!("pause {life}p\nresume {life}r"))),
            4 if life % 4 == 2 => aborted |= surroundings.command(&format!("abort {life}a enough")),
            _ => {}
        }
        let faults = faults(&surroundings.clock, &store, weather.clone(), death);
        match surroundings.live(faults, death.anyhow(), random.bits()) {
            Ended::Killed => {
                tally.kills += 1;
                surroundings.clock.revive(Duration::from_millis(500));
            }
            Ended::Error(error) => {
                if of == Of::Kills {
                    tally.problems.push(format!("seed {seed}: {error}"));
                }
                tally.errors += 1;
                surroundings.clock.revive(Duration::from_secs(2));
            }
            Ended::Verdict(verdict) => {
                let mut problems = surroundings.problems(&verdict);
                if aborted && !matches!(verdict, Verdict::Rollback { .. }) {
                    problems.push(format!("an abort was given, and the verdict is: {verdict}"));
                }
                tally.conclude(seed, bad, &verdict, problems);
                tally.faults = weather.map_or(0, |weather| weather.lock().unwrap().faults);
                tally.writes = surroundings.ledger.writes();
                return tally;
            }
        }
    }
    tally.problems.push(format!("seed {seed}: no verdict after 10 000 lives"));
    tally
}

/// Results that chance alone cannot explain.
pub(crate) fn beyond_chance(tally: &Tally) -> Vec<String> {
    let mut found = Vec::new();
    for (what, count, runs, alpha) in [
        ("rolled back without harm", tally.blamed, tally.good, 0.05),
        // Each of the two weights has its own α.
        ("ended by the split's test", tally.split, 2 * tally.runs, 0.01),
    ] {
        let most = bound(runs, alpha);
        if count > most {
            found.push(format!("{count} of {runs} are {what}, {most} at the most at α = {alpha}"));
        }
    }
    found
}

/// Rollouts until there were so many kills and faults, from the first seed on.
pub(crate) fn search(of: Of, kills: u64, faults: u64) -> Tally {
    let mut tally = Tally::default();
    let mut seed = 0;
    while tally.kills < kills || tally.faults < faults {
        tally.add(run(seed, of));
        seed += 1;
    }
    tally
}
