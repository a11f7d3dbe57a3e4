//! The course of a run over time, in bounded memory.

use std::time::Duration;

use super::super::{machine::Machine, plan::Split, reading::Reading, state::State, totals::Totals};

/// The maximum number of moments; when it is reached, every other one is dropped.
const MOST: usize = 600;

/// A run at one moment.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Moment {
    /// The time since the rollout began.
    pub at: Duration,
    /// The split in force.
    pub split: Split,
    /// The counts so far.
    pub totals: Totals,
    /// The reading of each guardrail.
    pub readings: Vec<Reading>,
}

impl Moment {
    /// A moment from its parts.
    pub fn new(at: Duration, split: Split, totals: Totals, readings: Vec<Reading>) -> Self {
        Self { at, split, totals, readings }
    }

    /// The moment that a state describes.
    pub fn of(machine: &Machine, state: &State) -> Self {
        Self {
            at: state.now().since(state.began()),
            split: state.split().unwrap_or(Split::STABLE),
            totals: state.totals(),
            readings: state.readings(machine.plan()),
        }
    }
}

/// The moments of a run, thinned out evenly so that a run of any length fits a picture.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct History {
    moments: Vec<Moment>,
    /// One in `stride` moments is kept.
    stride: usize,
    seen: usize,
}

impl History {
    /// No moment yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a moment. A change of the split is always kept.
    pub fn push(&mut self, moment: Moment) {
        let stride = self.stride.max(1);
        self.seen += 1;
        let changed = self.moments.last().is_none_or(|last| last.split != moment.split);
        if !changed && !self.seen.is_multiple_of(stride) {
            return;
        }
        self.moments.push(moment);
        if self.moments.len() >= MOST {
            let mut place = 0;
            let splits: Vec<_> = self.moments.iter().map(|moment| moment.split).collect();
            self.moments.retain(|_| {
                let keep = place % 2 == 0 || splits[place] != splits[place - 1];
                place += 1;
                keep
            });
            self.stride = stride * 2;
        }
    }

    /// The moments that were kept, in order.
    pub fn moments(&self) -> &[Moment] {
        &self.moments
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_run_is_thinned_out_but_keeps_every_change_of_the_split() {
        let mut history = History::new();
        for second in 0..100_000_u64 {
            let canary = if second < 33_333 { 5 } else { 30 };
            history.push(Moment {
                at: Duration::from_secs(second),
                split: Split::new(canary),
                totals: Totals::default(),
                readings: Vec::new(),
            });
        }
        let moments = history.moments();
        assert!(moments.len() < MOST && moments.len() > MOST / 4, "{}", moments.len());
        assert!(moments.windows(2).all(|pair| pair[0].at < pair[1].at));
        assert!(moments.iter().any(|moment| moment.at.as_secs() == 33_333));
    }
}
