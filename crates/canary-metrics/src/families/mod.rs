//! All families of metrics, by topic.

mod evidence;
mod observations;
mod outside;
mod rollout;
mod waits;

use canary_rollout::{Percent, evidence::Timestamp};

use crate::family::{Family, Sample, Value};

/// Every family.
pub(crate) static ALL: [&[Family]; 5] = [
    rollout::FAMILIES,
    waits::FAMILIES,
    observations::FAMILIES,
    evidence::FAMILIES,
    outside::FAMILIES,
];

/// A sample without labels of its own.
fn one(value: impl Into<Value>) -> Vec<Sample> {
    vec![(Vec::new(), value.into())]
}

/// A sample with one label.
fn labelled(label: &str, value: impl Into<Value>) -> Sample {
    (vec![label.to_owned()], value.into())
}

/// One sample for each of the values that a label can have, 1 for the one that applies.
fn one_of(all: impl IntoIterator<Item = &'static str>, now: &str) -> Vec<Sample> {
    all.into_iter().map(|one| labelled(one, one == now)).collect()
}

/// The seconds since the Unix epoch; nothing where the moment is not known.
fn seconds_of(at: Option<Timestamp>) -> Vec<Sample> {
    at.map(|Timestamp(millis)| one(large(millis) / 1e3)).unwrap_or_default()
}

#[expect(clippy::cast_precision_loss, reason = "counts and times are far below 2^53")]
fn large(count: u64) -> f64 {
    count as f64
}

impl From<u64> for Value {
    fn from(count: u64) -> Self {
        Self::Whole(count)
    }
}

impl From<u32> for Value {
    fn from(count: u32) -> Self {
        Self::Whole(u64::from(count))
    }
}

impl From<Percent> for Value {
    fn from(percent: Percent) -> Self {
        percent.whole().map_or_else(|| Self::Real(percent.into()), Self::Whole)
    }
}

impl From<usize> for Value {
    fn from(count: usize) -> Self {
        Self::Whole(u64::try_from(count).unwrap_or(u64::MAX))
    }
}

impl From<f64> for Value {
    fn from(number: f64) -> Self {
        Self::Real(number)
    }
}
