//! The data of a run's live view and of its table.

use canary_core::rollout::{
    Reading,
    report::{Moment, cards},
};
use pyo3::prelude::*;
use serde_json::{Value, json};

use super::{disagreements::disagreements, drive::Drive, raised::lock};
use crate::convert::{plain, value};

/// Points of a line in a live view.
const POINTS: usize = 60;
/// Disagreements in a live view.
const SHOWN: usize = 6;

/// The data of a view, as plain values.
pub(crate) fn of<'py>(py: Python<'py>, run: &Drive) -> PyResult<Bound<'py, PyAny>> {
    let cards = cards(&disagreements(py, run, SHOWN)?);
    let count = run.recipe.disagreements.pairs().len();
    let verdict = run
        .verdict()
        .map(|verdict| json!({"name": verdict.core.name(), "sentence": verdict.sentence()}));
    let log = lock(&run.log);
    let moments = log.history().moments();
    let stride = moments.len().div_ceil(POINTS).max(1);
    let trace = |place: usize| -> Vec<f64> {
        moments
            .iter()
            .step_by(stride)
            .filter_map(|moment| Some(moment.readings.get(place)?.e.max(1e-12).log10()))
            .collect()
    };
    let (title, place) = (run.title(), run.recipe.place.title());
    let facts = log.reported(&title, &run.recipe.plan).cluster(place.as_str()).facts();
    let last = log.last();
    let weight = last.map(|last| last.split.canary);
    let readings = last.map_or(&[][..], |last| &last.readings);
    let readings: Vec<Value> = readings
        .iter()
        .enumerate()
        .map(|(place, reading)| {
            json!({
                "guardrail": reading.guardrail, "test": reading.test, "quantity": reading.quantity,
                "e": reading.e, "alpha": reading.alpha, "alarm": reading.alarm,
                "estimate": reading.estimate, "low": reading.interval.low, "high": reading.interval.high,
                "bound": run.recipe.plan.bound_of(reading, weight), "trace": trace(place),
            })
        })
        .collect();
    let totals = last.map(|last| last.totals).unwrap_or_default();
    let view = json!({
        "title": title,
        "facts": facts,
        "plan": value::json(&run.recipe.plan)?,
        "seconds": last.map_or(0.0, |last| last.at.as_secs_f64()),
        "weight": weight,
        "requests": totals.stable + totals.canary,
        "served": totals.canary,
        "pairs": totals.pairs,
        "readings": readings,
        "disagreements": count,
        "cards": if count == 0 { String::new() } else { cards },
        "verdict": verdict,
    });
    drop(log);
    plain::to_python(py, &view)
}

/// The readings of each guardrail at each moment that was kept, as rows.
pub(super) fn history<'py>(py: Python<'py>, run: &Drive) -> PyResult<Bound<'py, PyAny>> {
    let log = lock(&run.log);
    let row = |moment: &Moment, reading: Option<&Reading>| {
        json!({
            "seconds": moment.at.as_secs_f64(),
            "weight": moment.split.canary, "mirror": moment.split.mirror,
            "requests": moment.totals.stable + moment.totals.canary,
            "served": moment.totals.canary, "pairs": moment.totals.pairs,
            "guardrail": reading.map(|one| &one.guardrail),
            "quantity": reading.map(|one| &one.quantity),
            "e": reading.map(|one| one.e), "alpha": reading.map(|one| one.alpha),
            "estimate": reading.and_then(|one| one.estimate),
            "low": reading.map(|one| one.interval.low), "high": reading.map(|one| one.interval.high),
            "alarm": reading.map(|one| one.alarm),
        })
    };
    let rows: Vec<Value> = log
        .history()
        .moments()
        .iter()
        .flat_map(|moment| {
            let none = moment.readings.is_empty().then(|| row(moment, None));
            none.into_iter().chain(moment.readings.iter().map(|one| row(moment, Some(one))))
        })
        .collect();
    drop(log);
    plain::to_python(py, &Value::Array(rows))
}
