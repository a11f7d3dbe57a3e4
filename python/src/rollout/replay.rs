//! `Plan.replay`: stored observations, judged by another plan.

use std::{fs::File, io::BufReader, path::PathBuf, sync::Arc};

use canary_core::{
    evidence::{Score, Seen, SendingOrder, Stored, Timestamp, Uses, scored},
    rollout::{self, Percent, Split},
};
use pyo3::{
    exceptions::{PyTypeError, PyValueError},
    prelude::*,
};

use super::{
    observation::{Observation, moment, timestamp},
    scores::Scores,
    verdict::Verdict,
};
use crate::{
    convert::{given::kind, percent},
    error::IntoPy,
    input::unreadable,
    run::{Raised, own_scores},
};

/// The name of the source in messages.
const SOURCE: &str = "observations";

/// Judges a file that a run has stored, or observations with the weights that were in force.
pub(super) fn replay(
    py: Python<'_>,
    plan: &rollout::Plan,
    scores: &Scores,
    given: &Bound<'_, PyAny>,
    weights: Option<&Bound<'_, PyAny>>,
) -> PyResult<Verdict> {
    let replay = if let Ok(path) = given.extract::<PathBuf>() {
        if weights.is_some() {
            return Err(PyTypeError::new_err(
                "a stored file has its weights in it; leave weights out",
            ));
        }
        let file = File::open(&path).map_err(|error| unreadable(&path, &error))?;
        py.detach(|| plan.replay(Stored::read(BufReader::new(file)))).py()?
    } else {
        let lines = lines(plan, scores, given, weights)?;
        py.detach(|| plan.replay(lines.into_iter().map(Ok))).py()?
    };
    Ok(Verdict { core: replay.verdict, stored: None })
}

/// The observations of an iterable, and the splits between them.
fn lines(
    plan: &rollout::Plan,
    scores: &Scores,
    given: &Bound<'_, PyAny>,
    weights: Option<&Bound<'_, PyAny>>,
) -> PyResult<Vec<Stored>> {
    let weights = weights.ok_or_else(|| {
        PyTypeError::new_err(
            "give weights=, the canary's percent of the traffic when the observations were made: a number, or a list \
             of (since, percent)",
        )
    })?;
    let mut splits = splits(weights)?.into_iter().peekable();
    let (subsets, uses, mut order) = (plan.subsets(), Uses::of(plan), SendingOrder::new(SOURCE));
    let raised = Raised::default();
    let scores: Vec<(Arc<str>, Box<dyn Score>)> =
        own_scores(plan, scores, &raised, uses.are_scored())
            .into_iter()
            .map(|(name, score)| (name, Box::new(score) as Box<dyn Score>))
            .collect();
    let mut lines = Vec::new();
    let items = given.try_iter().map_err(|_| {
        PyTypeError::new_err(format!(
            "observations is {}; give the file that a run has stored, or a list of canary.Observation",
            kind(given)
        ))
    })?;
    for (number, item) in items.enumerate() {
        let item = item?;
        let observation = item.cast::<Observation>().map_err(|_| {
            PyTypeError::new_err(format!(
                "observation {number} of {SOURCE} is {}; give canary.Observation(arm, sent_at, ...)",
                kind(&item)
            ))
        })?;
        let wrong = |reason: String| {
            PyValueError::new_err(format!("observation {number} of {SOURCE} {reason}"))
        };
        let (at, request) = observation.get().request(&subsets).map_err(wrong)?;
        uses.check(&request).map_err(wrong)?;
        while let Some((since, split)) =
            splits.next_if(|(since, _)| since.is_none_or(|since| since <= at))
        {
            lines.push(Stored::Split { at: since.unwrap_or(at), split });
        }
        let taken = order.take(at, Seen::Request(request), Timestamp::now());
        let mut taken = taken.map_err(|error| PyValueError::new_err(error.to_string()))?;
        let values = scored(&scores, plan, &mut taken);
        raised.check()?;
        lines.push(Stored::Observed(taken));
        lines.extend(values.into_iter().map(Stored::Observed));
    }
    Ok(lines)
}

/// The splits with the moments since which they were in force; of a single one, since the first observation.
fn splits(weights: &Bound<'_, PyAny>) -> PyResult<Vec<(Option<Timestamp>, Split)>> {
    let split = |given: &Bound<'_, PyAny>| match percent::read(given) {
        Some(percent) if percent <= Percent::ALL => Ok(Split::new(percent)),
        _ => Err(PyValueError::new_err(format!(
            "a weight is {given}; give a percent from 0 to 100 with at most three decimals"
        ))),
    };
    if weights.extract::<f64>().is_ok() {
        return Ok(vec![(None, split(weights)?)]);
    }
    let mut splits = Vec::new();
    for item in weights.try_iter()? {
        let (since, percent): (Bound<'_, PyAny>, Bound<'_, PyAny>) = item?.extract()?;
        splits.push((Some(timestamp(moment(&since)?)), split(&percent)?));
    }
    if !splits.is_sorted_by_key(|(since, _)| *since) {
        return Err(PyValueError::new_err("weights are not in the order of time"));
    }
    Ok(splits)
}
