//! The pairs in which the two versions disagreed, with the files that they are about.

use std::sync::{Arc, Mutex, PoisonError};

use super::{Answer, Pair, PredictionInput, Sample};
use crate::report::Disagreement;

/// A pair whose halves differ.
#[derive(Clone, Debug)]
pub struct DisagreeingPair {
    /// The pair.
    pub pair: Pair,
    /// The bytes of the input, when it is a file of at most [`Disagreements::MAX_FILE_BYTES`].
    pub file: Option<Arc<[u8]>>,
}

/// The first disagreements of a run about distinct inputs. Clones share them.
///
/// ```
/// use canary_core::evidence::{Answer, Disagreements, Pair, Sample};
///
/// let seen = Disagreements::default();
/// let (stable, canary) = (Answer::new("cat", 0.9), Answer::new("dog", 0.8));
/// let pair = Pair { input: Some(7), name: Some("a.jpg".into()), stable, canary, label: None };
/// seen.observe(&Sample::new("a.jpg", b"bytes".as_slice()), &pair);
/// assert_eq!(seen.pairs().len(), 1);
/// assert_eq!(seen.for_report()[0].input, "a.jpg");
/// ```
#[derive(Clone, Debug, Default)]
pub struct Disagreements(Arc<Mutex<Vec<DisagreeingPair>>>);

impl Disagreements {
    /// The most pairs that are kept.
    pub const MAX_PAIRS: usize = 24;
    /// The largest file that is kept with its pair.
    pub const MAX_FILE_BYTES: usize = 1 << 20;

    /// Keeps the pair if its halves differ, there is room, and no kept pair is about the same input.
    pub fn observe<I: PredictionInput>(&self, sample: &Sample<I>, pair: &Pair) {
        if pair.agrees() {
            return;
        }
        let mut pairs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if pairs.len() < Self::MAX_PAIRS && !pairs.iter().any(|one| one.pair.input == pair.input) {
            let small = sample.file().filter(|file| file.len() <= Self::MAX_FILE_BYTES);
            pairs.push(DisagreeingPair { pair: pair.clone(), file: small.map(Arc::from) });
        }
    }

    /// The pairs so far.
    pub fn pairs(&self) -> Vec<DisagreeingPair> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The pairs as a report shows them, without pictures.
    pub fn for_report(&self) -> Vec<Disagreement> {
        let shown = |DisagreeingPair { pair, .. }| Disagreement {
            input: pair.name.as_deref().unwrap_or_default().to_owned(),
            thumbnail: None,
            stable: class(&pair.stable),
            canary: class(&pair.canary),
        };
        self.pairs().into_iter().map(shown).collect()
    }
}

/// The class of a half and its probability, or the reason why there is none.
fn class(half: &Answer) -> (String, Option<f64>) {
    let class = if half.failed { format!("failed: {}", half.class) } else { half.class.clone() };
    (class, half.score)
}
