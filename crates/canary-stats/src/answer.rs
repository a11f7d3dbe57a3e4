//! The last answer: a promotion is checked after every observation, and few of them change the answer.

use std::sync::OnceLock;

use super::e_process::Alpha;

/// The answer to the first question since the data changed.
///
/// It is no part of a test's state: never written, forgotten by every observation that counts, and equal to any
/// other, so that a test that was asked is equal to one that was not.
#[derive(Debug, Clone, Default)]
pub(super) struct Answer(OnceLock<Given>);

#[derive(Debug, Clone, Copy)]
struct Given {
    margin: f64,
    alpha: Alpha,
    excluded: bool,
}

impl PartialEq for Answer {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Answer {
    /// The answer for this margin and α: as it was given, or by `work`.
    #[inline]
    pub(super) fn or(&self, margin: f64, alpha: Alpha, work: impl Fn() -> bool) -> bool {
        let given = self.0.get_or_init(|| Given { margin, alpha, excluded: work() });
        if given.margin == margin && given.alpha == alpha { given.excluded } else { work() }
    }

    /// The data have changed.
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
    fn the_same_question_is_worked_out_once() {
        let alpha = Alpha::new(0.05).unwrap();
        let mut answer = Answer::default();
        let times = Cell::new(0);
        let work = |excluded| {
            times.set(times.get() + 1);
            excluded
        };
        assert!(answer.or(1.5, alpha, || work(true)) && answer.or(1.5, alpha, || work(false)));
        assert_eq!(times.get(), 1);
        // Another question is answered for itself.
        assert!(!answer.or(1.2, alpha, || work(false)));
        assert!(!answer.or(1.5, alpha.half(), || work(false)));
        assert!(answer.or(1.5, alpha, || work(false)));
        assert_eq!(times.get(), 3);
        answer.forget();
        assert!(!answer.or(1.5, alpha, || work(false)));
        assert_eq!(answer, Answer::default());
    }
}
