//! The inputs of a run: read from a Python iterable in a separate thread, or generated.

use std::{
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll},
    time::SystemTime,
};

use canary_core::{evidence::Sample, rollout::Result, stats::Random};
use futures_util::Stream;
use pyo3::{exceptions::PyValueError, prelude::*, types::PyIterator};

use super::{
    feed::Feed,
    queue::Queue,
    raised::{Raised, lock},
};
use crate::input;

/// Inputs that are read ahead.
const AHEAD: usize = 3;

/// Bytes of a random input.
const BYTES: usize = 64;

/// A stream of inputs. Its clones share the inputs: a run that is resumed continues with the next one.
///
/// A thread iterates over a caller's iterable from the second input on, and begins when that input is wanted: an
/// iterable that waits, such as a queue or a camera, delays neither the clock of the run nor its lock. An exception of
/// the iterable ends the inputs, and is raised by the run.
#[derive(Clone)]
pub(crate) struct Samples(Arc<Shared>);

struct Shared {
    first: Mutex<Option<Sample>>,
    items: Items,
}

enum Items {
    Given(Given),
    /// The generator, and the number of inputs that it has generated.
    Random(Mutex<(Random, usize)>),
    Again(Sample),
}

/// The inputs given by a caller.
struct Given {
    /// The iterator until the thread has it.
    iterator: Mutex<Option<Py<PyIterator>>>,
    pairs: bool,
    queue: Arc<Queue<Sample>>,
    raised: Raised,
}

impl Drop for Given {
    fn drop(&mut self) {
        self.queue.close();
    }
}

impl Given {
    /// Has a thread iterate from now on, where none does yet.
    fn start(&self) {
        let Some(iterator) = lock(&self.iterator).take() else { return };
        // At the very end the interpreter no longer exists, and there is nothing to iterate.
        let started = Python::try_attach(|py| {
            let items = iterator.into_bound(py).into_any();
            {
                let pairs = self.pairs;
                Feed::start(&items, &self.queue, 1, move |item, number| {
                    input::sample(item, number, pairs)
                })
            }
        });
        if let Some(Err(error)) = started {
            self.raised.keep(error);
            self.queue.end(None);
        }
    }

    fn poll(&self, context: &mut Context<'_>) -> Poll<Option<Sample>> {
        self.start();
        self.queue.next(context).map(|next| match next? {
            Ok(sample) => Some(sample),
            Err(error) => {
                self.raised.keep(error);
                None
            }
        })
    }
}

impl Samples {
    fn of(first: Sample, items: Items) -> (Self, Sample) {
        let shared = Shared { first: Mutex::new(Some(first.clone())), items };
        (Self(Arc::new(shared)), first)
    }

    /// The inputs of an iterable, or the entries of an array, and the first of them. Where pairs are needed, an input
    /// is no batch.
    pub(crate) fn new(
        inputs: &Bound<'_, PyAny>,
        pairs: bool,
        raised: Raised,
    ) -> PyResult<(Self, Sample)> {
        let mut iterator = input::iterate(inputs)?;
        let Some(first) = iterator.next() else {
            return Err(PyValueError::new_err("inputs is empty; a run needs inputs to send"));
        };
        let first = input::sample(&first?, 0, pairs)?;
        let iterator = Mutex::new(Some(iterator.unbind()));
        let given = Given { iterator, pairs, queue: Arc::new(Queue::new(AHEAD)), raised };
        Ok(Self::of(first, Items::Given(given)))
    }

    /// Random bytes without end, others at every call.
    pub(crate) fn random() -> (Self, Sample) {
        let nanos = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default().as_nanos();
        #[expect(
            clippy::cast_possible_truncation,
            reason = "the low bits are the ones that differ"
        )]
        let mut random = Random::new(nanos as u64);
        let first = made(&mut random, 0);
        Self::of(first, Items::Random(Mutex::new((random, 1))))
    }

    /// The same input without end.
    pub(crate) fn again_and_again(sample: Sample) -> (Self, Sample) {
        Self::of(sample.clone(), Items::Again(sample))
    }

    /// The run is over: the thread ends when the iterable gives its next input.
    pub(crate) fn close(&self) {
        if let Items::Given(given) = &self.0.items {
            given.queue.close();
        }
    }
}

fn made(random: &mut Random, number: usize) -> Sample {
    let bytes: Vec<u8> = (0..BYTES / 8).flat_map(|_| random.bits().to_le_bytes()).collect();
    Sample::new(format!("random bytes {number}"), bytes)
}

impl Stream for Samples {
    type Item = Result<Sample>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if let Some(first) = lock(&self.0.first).take() {
            return Poll::Ready(Some(Ok(first)));
        }
        let next = match &self.0.items {
            Items::Given(given) => return given.poll(context).map(|next| next.map(Ok)),
            Items::Random(random) => {
                let (random, taken) = &mut *lock(random);
                *taken += 1;
                made(random, *taken - 1)
            }
            Items::Again(sample) => sample.clone(),
        };
        Poll::Ready(Some(Ok(next)))
    }
}
