//! Requests as counts, and how many of the canary's are above each of several latencies.

use super::grid::{BOUND, NODES};
use crate::stream::Window;

/// The latencies with which a request of the canary is compared: one for each row of evidence, ascending, and that of
/// the promotion's margin.
pub(crate) const CUTS: usize = NODES + 1;

/// The canary's requests above each of these latencies.
pub(crate) type Above = [u64; CUTS];

/// The requests of a stretch of traffic.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Counts {
    pub(super) window: Window,
    /// All 0 where the rows of evidence differ in the ratio of the null.
    pub(super) above: Above,
}

impl Counts {
    /// Adds requests.
    #[inline]
    pub(super) fn add(&mut self, window: &Window, above: Option<&Above>) {
        self.window.add(window);
        for (sum, more) in self.above.iter_mut().zip(above.into_iter().flatten()) {
            *sum = sum.saturating_add(*more);
        }
    }

    /// The requests, of which the canary's are bad above one of the latencies.
    pub(super) fn at(&self, cut: usize) -> Window {
        Window { canary_bad: self.above[cut], ..self.window }
    }

    /// Returns true when no request is counted.
    pub(super) fn is_empty(&self) -> bool {
        self.window == Window::default()
    }

    /// Returns true when these can be counts of a test whose rows differ in the latency, or in the ratio.
    pub(super) fn are_possible(&self, levels: bool) -> bool {
        let Window { canary, canary_bad, stable, stable_bad } = self.window;
        let of_rows = &self.above[..NODES];
        let above = if levels {
            self.above[BOUND] == canary_bad
                && of_rows.windows(2).all(|pair| pair[0] >= pair[1])
                && self.above.iter().all(|above| *above <= canary)
        } else {
            self.above == Above::default()
        };
        canary_bad <= canary && stable_bad <= stable && above
    }

    /// The counts above each latency as they are stored: none where all are 0.
    pub(super) fn saved_above(&self) -> Vec<u64> {
        if self.above == Above::default() { Vec::new() } else { self.above.to_vec() }
    }

    /// The counts of what [`saved_above`](Self::saved_above) wrote; none when there are too many or too few.
    pub(super) fn restore(counts: [u64; 4], above: &[u64]) -> Option<Self> {
        let [canary, canary_bad, stable, stable_bad] = counts;
        let window = Window { canary, canary_bad, stable, stable_bad };
        let none = above.is_empty().then(Above::default);
        Some(Self { window, above: none.or_else(|| above.try_into().ok())? })
    }
}
