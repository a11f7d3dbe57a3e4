//! The data of a run's pictures and tables.

use canary_core::{
    evidence::DisagreeingPair,
    rollout::{
        self,
        report::{Disagreement, Moment, cards},
    },
};
use pyo3::prelude::*;
use serde_json::{Value, json};

use crate::{
    drive::{Drive, lock},
    json, pair,
};

/// Points of a line in a live view.
const POINTS: usize = 60;
/// Disagreements in a live view.
const SHOWN: usize = 6;

impl Drive {
    /// The data of a view, as plain values.
    pub(crate) fn view<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let cards = cards(&self.disagreements(py, SHOWN)?);
        let disagreements = self.recipe.disagreements.pairs().len();
        let verdict = self
            .verdict()
            .map(|verdict| json!({"name": verdict.core.name(), "sentence": verdict.sentence()}));
        let log = lock(&self.log);
        let moments = log.history().moments();
        let stride = moments.len().div_ceil(POINTS).max(1);
        let trace = |place: usize| -> Vec<f64> {
            moments
                .iter()
                .step_by(stride)
                .filter_map(|moment| Some(moment.readings.get(place)?.e.max(1e-12).log10()))
                .collect()
        };
        let last = log.last();
        let readings = last.map_or(&[][..], |last| &last.readings);
        let readings: Vec<Value> = readings
            .iter()
            .enumerate()
            .map(|(place, reading)| {
                json!({
                    "guardrail": reading.guardrail, "test": reading.test, "quantity": reading.quantity,
                    "e": reading.e, "alpha": reading.alpha, "alarm": reading.alarm,
                    "estimate": reading.estimate, "low": reading.interval.low, "high": reading.interval.high,
                    "trace": trace(place),
                })
            })
            .collect();
        let totals = last.map(|last| last.totals).unwrap_or_default();
        let view = json!({
            "title": self.title(),
            "plan": json::value(&self.recipe.plan)?,
            "seconds": last.map_or(0.0, |last| last.at.as_secs_f64()),
            "weight": last.map(|last| last.split.canary),
            "requests": totals.stable + totals.canary,
            "served": totals.canary,
            "pairs": totals.pairs,
            "failed": {"stable": totals.stable_failed, "canary": totals.canary_failed, "unknown": totals.unknown_failed},
            "readings": readings,
            "disagreements": disagreements,
            "cards": if disagreements == 0 { String::new() } else { cards },
            "verdict": verdict,
        });
        drop(log);
        json::to_python(py, &view)
    }

    /// The readings of each guardrail at each moment that was kept, as rows.
    pub(crate) fn history<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let log = lock(&self.log);
        let row = |moment: &Moment, reading: Option<&rollout::Reading>| {
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
        json::to_python(py, &Value::Array(rows))
    }

    /// The first disagreements with small pictures of their inputs.
    pub(crate) fn disagreements(&self, py: Python<'_>, most: usize) -> PyResult<Vec<Disagreement>> {
        let picture = py.import("canary._html")?.getattr("thumbnail_url")?;
        let pairs = self.recipe.disagreements.pairs().into_iter().take(most);
        let shown = pairs.map(|DisagreeingPair { pair, file }| {
            let thumbnail = match file {
                Some(file) => picture.call1((&file[..],))?.extract()?,
                None => None,
            };
            Ok(Disagreement {
                input: pair.name.as_deref().unwrap_or_default().to_owned(),
                thumbnail,
                stable: (pair::described(&pair.stable), pair.stable.score),
                canary: (pair::described(&pair.canary), pair.canary.score),
            })
        });
        shown.collect()
    }
}
