//! Draws from small sets, by a seed.

use canary_core::stats::Random;

/// Draws from small sets.
#[derive(Debug)]
pub struct Draw(pub Random);

impl Draw {
    /// One of several.
    pub fn one<'a, T: ?Sized>(&mut self, of: &[&'a T]) -> &'a T {
        of[usize::try_from(self.0.below(of.len() as u64)).unwrap()]
    }

    /// A number from 0 to `bound` − 1.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.0.below(bound)
    }

    /// True once in `n` times.
    pub fn once_in(&mut self, n: u64) -> bool {
        self.0.below(n) == 0
    }

    /// Something once in `n` times.
    pub fn maybe<T>(&mut self, n: u64, make: impl FnOnce(&mut Self) -> T) -> Option<T> {
        self.once_in(n).then(|| make(self))
    }

    /// `from` to `to` things, both included.
    pub fn several<T>(
        &mut self,
        from: u64,
        to: u64,
        mut make: impl FnMut(&mut Self) -> T,
    ) -> Vec<T> {
        (0..from + self.0.below(to - from + 1)).map(|_| make(self)).collect()
    }

    /// Some of several, each at most once, in their order.
    pub fn some_of(&mut self, n: u64, of: &[&str]) -> Vec<String> {
        of.iter().filter(|_| self.once_in(n)).map(|text| (*text).to_owned()).collect()
    }
}
