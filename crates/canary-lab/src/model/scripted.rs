//! A model whose latency, errors and disagreements follow a script; fast enough for load tests.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use canary_core::tensor::{Tensor, TensorData};

use super::{Code, Model, ModelError, PREPROCESS_SIGNATURE, Signature, Tensors};
use crate::mix::mix;

/// The distribution of the latency.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Latency {
    /// A constant.
    Fixed(Duration),
    /// Uniform between the two.
    Uniform(Duration, Duration),
    /// Log-normal, as service times usually are: the median, and the standard deviation of the logarithm.
    LogNormal {
        /// The median.
        median: Duration,
        /// The spread; 0.3 is typical, 1.0 has a long tail.
        sigma: f64,
    },
}

impl Latency {
    /// The value at a point of the distribution; `u` and `v` are uniform in [0, 1).
    fn draw(self, u: f64, v: f64) -> Duration {
        match self {
            Self::Fixed(duration) => duration,
            Self::Uniform(low, high) => low + high.saturating_sub(low).mul_f64(u),
            Self::LogNormal { median, sigma } => {
                // Box and Muller, "A note on the generation of random normal deviates" (1958).
                let normal = (-2.0 * (1.0 - u).ln()).sqrt() * (std::f64::consts::TAU * v).cos();
                let factor = (sigma * normal).exp().clamp(0.0, 1e6);
                Duration::try_from_secs_f64(median.as_secs_f64() * factor).unwrap_or(median)
            }
        }
    }
}

/// A model with the signatures of an image classifier whose responses follow a script.
///
/// It does not decode images: any bytes count as one. The n-th response depends on the seed and on n alone.
///
/// ```
/// use std::time::Duration;
/// use canary_lab::model::{Latency, Scripted};
///
/// let slow_and_wrong = Scripted::new("military uniform", 0.45)
///     .latency(Latency::LogNormal { median: Duration::from_millis(20), sigma: 0.3 })
///     .disagree(0.10, "academic gown")
///     .errors(0.02)
///     .seed(7);
/// # drop(slow_and_wrong);
/// ```
#[derive(Debug)]
pub struct Scripted {
    label: String,
    probability: f64,
    latency: Latency,
    errors: f64,
    code: Code,
    other: String,
    disagree: f64,
    drift: f64,
    seed: u64,
    signatures: Vec<Signature>,
    answered: AtomicU64,
    waited: AtomicU64,
}

impl Scripted {
    /// A model that gives this label with this probability, at once and without errors.
    pub fn new(label: impl Into<String>, probability: f64) -> Self {
        Self {
            label: label.into(),
            probability: probability.clamp(0.0, 1.0),
            latency: Latency::Fixed(Duration::ZERO),
            errors: 0.0,
            code: Code::Internal,
            other: "academic gown".to_owned(),
            disagree: 0.0,
            drift: 0.0,
            seed: 0,
            signatures: Signature::image_classifier(224, 1001),
            answered: AtomicU64::new(0),
            waited: AtomicU64::new(0),
        }
    }

    /// Sets the latency.
    #[must_use]
    pub fn latency(mut self, latency: Latency) -> Self {
        self.latency = latency;
        self
    }

    /// Sets the share of requests that fail, in [0, 1]; with 500 unless [`Scripted::error_code`] is set.
    #[must_use]
    pub fn errors(mut self, rate: f64) -> Self {
        self.errors = rate;
        self
    }

    /// Sets the code of the failures.
    #[must_use]
    pub fn error_code(mut self, code: Code) -> Self {
        self.code = code;
        self
    }

    /// Sets the share of responses, in [0, 1], with the label `other` instead.
    #[must_use]
    pub fn disagree(mut self, rate: f64, other: impl Into<String>) -> Self {
        self.disagree = rate;
        self.other = other.into();
        self
    }

    /// Sets the amount by which the share of other labels grows with every response: 0.0001 adds 0.1 after 1000.
    #[must_use]
    pub fn drift(mut self, per_answer: f64) -> Self {
        self.drift = per_answer;
        self
    }

    /// Sets the seed of everything random.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    fn uniform(&self, count: u64, stream: u64) -> f64 {
        let mixed = mix(self.seed ^ mix(count.wrapping_mul(8).wrapping_add(stream)));
        #[allow(clippy::cast_precision_loss)]
        let upper = (mixed >> 11) as f64;
        upper * 2f64.powi(-53)
    }

    #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation)]
    fn answer(&self, signature: &str, rows: usize) -> Result<Tensors, ModelError> {
        let failed =
            |error: canary_core::serving::Error| ModelError::new(Code::Internal, error.to_string());
        let count = self.answered.fetch_add(1, Ordering::Relaxed);
        if self.uniform(count, 0) < self.errors {
            return Err(ModelError::new(self.code, "the script says that this request fails"));
        }
        let other = self.uniform(count, 1) < self.disagree + self.drift * count as f64;
        let label = if other { &self.other } else { &self.label };
        let rest = (1.0 - self.probability) / 4.0;
        if signature == PREPROCESS_SIGNATURE {
            let mut labels = vec![label.as_bytes().to_vec()];
            labels.extend(
                RUNNERS_UP.iter().filter(|name| *name != label).take(4).map(|name| (*name).into()),
            );
            let mut probabilities = vec![self.probability as f32];
            // Each gets half of the remaining probability, so that the order is strict: 1/2, 1/4, 1/8, 1/16.
            probabilities.extend((1..=4).map(|place| (4.0 * rest / f64::from(1 << place)) as f32));
            Ok(vec![
                (
                    "labels".to_owned(),
                    Tensor::new(vec![rows, 5], TensorData::String(repeat(&labels, rows)))
                        .map_err(failed)?,
                ),
                (
                    "probabilities".to_owned(),
                    Tensor::new(vec![rows, 5], TensorData::Float(repeat(&probabilities, rows)))
                        .map_err(failed)?,
                ),
            ])
        } else {
            let class = if other { MILITARY_UNIFORM + 1 } else { MILITARY_UNIFORM };
            let mut logits = vec![(rest / 250.0).max(1e-9).ln() as f32; 1001];
            logits[class] = self.probability.max(1e-9).ln() as f32;
            let data = TensorData::Float(repeat(&logits, rows));
            Ok(vec![("logits".to_owned(), Tensor::new(vec![rows, 1001], data).map_err(failed)?)])
        }
    }
}

/// Place of the class *military uniform* among 1001 logits, *background* being the first.
const MILITARY_UNIFORM: usize = 653;
const RUNNERS_UP: [&str; 5] = ["suit", "Windsor tie", "bow tie", "mortarboard", "pickelhaube"];

fn repeat<T: Clone>(row: &[T], rows: usize) -> Vec<T> {
    std::iter::repeat_n(row, rows).flatten().cloned().collect()
}

impl Model for Scripted {
    fn signatures(&self) -> &[Signature] {
        &self.signatures
    }

    fn predict(&self, signature: &str, inputs: Tensors) -> Result<Tensors, ModelError> {
        let rows = inputs.first().and_then(|(_, tensor)| tensor.shape().first().copied());
        self.answer(signature, rows.unwrap_or(1))
    }

    fn wait(&self) -> Duration {
        if self.latency == Latency::Fixed(Duration::ZERO) {
            return Duration::ZERO;
        }
        let count = self.waited.fetch_add(1, Ordering::Relaxed);
        self.latency.draw(self.uniform(count, 2), self.uniform(count, 3))
    }

    fn is_heavy(&self) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shares(model: &Scripted, requests: usize) -> (usize, usize) {
        let (mut failed, mut other) = (0, 0);
        for _ in 0..requests {
            match model.answer(PREPROCESS_SIGNATURE, 1) {
                Err(error) => {
                    assert_eq!(error.code, Code::Internal);
                    failed += 1;
                }
                Ok(answer) => {
                    other += usize::from(matches!(
                        answer[0].1.data(),
                        TensorData::String(labels) if labels[0] == b"academic gown"
                    ));
                }
            }
        }
        (failed, other)
    }

    #[test]
    fn the_script_is_followed_and_repeatable() {
        let script =
            || Scripted::new("cat", 0.5).errors(0.1).disagree(0.2, "academic gown").seed(3);
        let found = shares(&script(), 10_000);
        assert_eq!(found, shares(&script(), 10_000));
        // Five standard deviations around 1000 of 10 000 and 1800 of 9000.
        assert!(found.0.abs_diff(1000) < 150 && found.1.abs_diff(1800) < 200, "{found:?}");
    }

    #[test]
    fn drift_makes_answers_worse_with_time() {
        let model = Scripted::new("cat", 0.5).drift(0.0001);
        let (early, late) = (shares(&model, 1000).1, shares(&model, 1000).1);
        assert!(early < 90 && late > 100, "{early} then {late}");
    }

    #[test]
    fn latencies_follow_their_law() {
        let median = Duration::from_millis(20);
        let model = Scripted::new("cat", 0.5).latency(Latency::LogNormal { median, sigma: 0.5 });
        let mut waits: Vec<_> = (0..2001).map(|_| model.wait()).collect();
        waits.sort();
        let (middle, p84) = (waits[1000].as_secs_f64(), waits[1682].as_secs_f64());
        assert!((middle / 0.020 - 1.0).abs() < 0.1, "{middle}");
        assert!((p84 / middle - 0.5f64.exp()).abs() < 0.2, "{p84}");
        let fixed = Scripted::new("cat", 0.5).latency(Latency::Fixed(median));
        assert_eq!(fixed.wait(), median);
    }

    #[test]
    fn a_batch_gets_a_row_for_each_image() {
        let model = Scripted::new("cat", 0.5);
        let input = Tensor::new(vec![3], TensorData::String(vec![Vec::new(); 3])).unwrap();
        let answer =
            model.predict(PREPROCESS_SIGNATURE, vec![("raw_images".to_owned(), input)]).unwrap();
        assert_eq!(answer[0].1.shape(), [3, 5]);
        let TensorData::Float(probabilities) = answer[1].1.data() else { panic!("no floats") };
        assert_eq!(probabilities[..5], [0.5, 0.25, 0.125, 0.0625, 0.03125]);
    }
}
