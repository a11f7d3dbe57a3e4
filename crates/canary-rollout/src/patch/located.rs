//! The place of a plan's rule in a live object.

use super::super::plan::Split;

/// The place of one of the plan's rules, and how it shares the traffic now.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Located {
    /// The index of the rule: in `spec.http` of a `VirtualService`, in `spec.rules` of the Gateway API.
    pub rule: usize,
    /// The index of the stable version among the rule's destinations.
    pub stable: usize,
    /// The index of the canary among the rule's destinations, when it is there.
    pub canary: Option<usize>,
    /// The shares in percent of what both versions have together, when they are whole thousandths of a percent.
    pub split: Option<Split>,
    /// The weights as the mesh reads them, in the order of the destinations.
    pub weights: Vec<u64>,
}

impl Located {
    /// `true` when neither version has a weight.
    pub(crate) fn carries_nothing(&self) -> bool {
        self.weights.iter().sum::<u64>() == self.others()
    }

    /// The weight of the destinations that are neither version, which keep their share.
    pub(super) fn others(&self) -> u64 {
        let own = self.weights[self.stable] + self.canary.map_or(0, |place| self.weights[place]);
        self.weights.iter().sum::<u64>() - own
    }
}
