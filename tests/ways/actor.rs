//! Models that behave badly, from their first answer on or later.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use canary_core::tensor::{Tensor, TensorData};
use canary_lab::model::{Code, Latency, Model, ModelError, Scripted, Signature, Tensors};

/// The class that the stable version names.
pub(crate) const CLASS: &str = "suit";

/// The behaviour of a model.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Acts {
    /// As the stable version does.
    Well,
    /// So large a share of the requests fails, with this code.
    Fails(f64, Code),
    /// So large a share of the answers names another class.
    Disagrees(f64),
    /// Each answer takes so long.
    Takes(Duration),
    /// Nothing is answered.
    Hangs,
    /// The response has no class in it, but numbers of another name.
    NamesNoClass,
    /// The probability of the class is not a number.
    Unsure,
}

/// A model that acts in one way first, and in another from some answer on.
#[derive(Debug)]
pub(crate) struct Actor {
    first: (Acts, Scripted),
    later: (Acts, Scripted),
    /// The number of answers of the first kind.
    answers: u64,
    given: AtomicU64,
}

impl Actor {
    /// A model that acts so after so many good answers.
    pub(crate) fn new(acts: Acts, after: u64, seed: u64) -> Self {
        let script = |acts: Acts| {
            let script = Scripted::new(CLASS, 0.9).seed(seed);
            let script = match acts {
                Acts::Fails(share, code) => script.errors(share).error_code(code),
                Acts::Disagrees(share) => script.disagree(share, "gown"),
                Acts::Takes(time) => script.latency(Latency::Fixed(time)),
                Acts::Hangs => script.latency(Latency::Fixed(Duration::from_secs(3_600))),
                Acts::Well | Acts::NamesNoClass | Acts::Unsure => script,
            };
            (acts, script)
        };
        let (first, later) = (script(Acts::Well), script(acts));
        Self { first, later, answers: after, given: AtomicU64::new(0) }
    }

    fn now(&self) -> &(Acts, Scripted) {
        if self.given.load(Ordering::Relaxed) < self.answers { &self.first } else { &self.later }
    }
}

impl Model for Actor {
    fn signatures(&self) -> &[Signature] {
        self.first.1.signatures()
    }

    fn predict(&self, signature: &str, inputs: Tensors) -> Result<Tensors, ModelError> {
        let (acts, script) = self.now();
        self.given.fetch_add(1, Ordering::Relaxed);
        let mut outputs = script.predict(signature, inputs)?;
        match acts {
            Acts::NamesNoClass => {
                let numbers = Tensor::new(vec![1, 2], TensorData::Float(vec![0.5, 0.25]));
                outputs = vec![("embedding".to_owned(), numbers.unwrap())];
            }
            Acts::Unsure => {
                let nothing = Tensor::new(vec![1, 5], TensorData::Float(vec![f32::NAN; 5]));
                outputs[1].1 = nothing.unwrap();
            }
            _ => {}
        }
        Ok(outputs)
    }

    fn wait(&self) -> Duration {
        self.now().1.wait()
    }

    fn is_heavy(&self) -> bool {
        false
    }
}
