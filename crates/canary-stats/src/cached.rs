//! A cached decision: a promotion is checked after every observation, and few of them change the result.

use std::sync::OnceLock;

use super::e_process::Alpha;

/// The decision about the first margin that was tested since the data changed.
///
/// It is not part of a test's state: never serialised, cleared by every observation that counts, and equal to any
/// other, so that reading a test does not change its equality.
#[derive(Debug, Clone, Default)]
pub(super) struct Cached(OnceLock<Decision>);

#[derive(Debug, Clone, Copy)]
struct Decision {
    margin: f64,
    alpha: Alpha,
    excluded: bool,
}

impl PartialEq for Cached {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Cached {
    /// The decision for this margin and α: the cached one, or that of `work`.
    #[inline]
    pub(super) fn or(&self, margin: f64, alpha: Alpha, work: impl Fn() -> bool) -> bool {
        let known = self.0.get_or_init(|| Decision { margin, alpha, excluded: work() });
        if known.margin == margin && known.alpha == alpha { known.excluded } else { work() }
    }

    /// Clears the cache, because the data have changed.
    #[inline]
    pub(super) fn forget(&mut self) {
        self.0.take();
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[test]
    fn the_same_question_is_computed_once() {
        let alpha = Alpha::new(0.05).unwrap();
        let mut cached = Cached::default();
        let times = Cell::new(0);
        let work = |excluded| {
            times.set(times.get() + 1);
            excluded
        };
        assert!(cached.or(1.5, alpha, || work(true)) && cached.or(1.5, alpha, || work(false)));
        assert_eq!(times.get(), 1);
        // Another margin is computed again.
        assert!(!cached.or(1.2, alpha, || work(false)));
        assert!(!cached.or(1.5, alpha.half(), || work(false)));
        assert!(cached.or(1.5, alpha, || work(false)));
        assert_eq!(times.get(), 3);
        cached.forget();
        assert!(!cached.or(1.5, alpha, || work(false)));
        assert_eq!(cached, Cached::default());
    }
}
