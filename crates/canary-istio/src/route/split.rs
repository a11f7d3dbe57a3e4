//! Weights: the choice of a destination by a random number.

/// The running sums of weights, in the order in which the destinations are listed.
#[derive(Clone, Debug)]
pub(super) struct Split {
    /// The end of each destination's half-open interval; equal to the previous one when its weight is 0.
    ends: Box<[u64]>,
}

impl Split {
    /// The split of the given weights. With a single destination the weight does not count.
    pub(super) fn new(weights: &[u32]) -> Self {
        if weights.len() == 1 {
            return Self { ends: Box::new([1]) };
        }
        let mut sum = 0;
        let ends = weights
            .iter()
            .map(|weight| {
                sum += u64::from(*weight);
                sum
            })
            .collect();
        Self { ends }
    }

    /// The sum of the weights.
    pub(super) fn total(&self) -> u64 {
        self.ends.last().copied().unwrap_or(0)
    }

    /// The weight of a destination.
    pub(super) fn weight(&self, index: usize) -> u64 {
        let before = index.checked_sub(1).map_or(0, |before| self.ends[before]);
        self.ends[index] - before
    }

    /// The destination that a random number falls on: the number modulo the total, then the first interval that
    /// holds it. `None` when every weight is 0.
    pub(super) fn pick(&self, random: u64) -> Option<usize> {
        if self.ends.len() == 1 {
            return Some(0);
        }
        let point = random.checked_rem(self.total())?;
        if self.ends.len() <= 8 {
            self.ends.iter().position(|end| point < *end)
        } else {
            Some(self.ends.partition_point(|end| *end <= point))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_residue_falls_where_the_weights_say() {
        for weights in [&[70, 30][..], &[0, 1, 0, 3], &[1; 12], &[5, 0, 0, 0, 0, 0, 0, 0, 0, 7]] {
            let split = Split::new(weights);
            let mut seen = vec![0u64; weights.len()];
            for random in 0..split.total() * 3 {
                seen[split.pick(random).unwrap()] += 1;
            }
            for (index, weight) in weights.iter().enumerate() {
                assert_eq!(seen[index], u64::from(*weight) * 3);
                assert_eq!(split.weight(index), u64::from(*weight));
            }
        }
    }

    #[test]
    fn one_destination_takes_all_and_none_takes_nothing() {
        assert_eq!(Split::new(&[0]).pick(u64::MAX), Some(0));
        assert_eq!(Split::new(&[0]).total(), 1);
        assert_eq!(Split::new(&[0, 0]).pick(3), None);
        assert_eq!(Split::new(&[]).pick(3), None);
    }
}
