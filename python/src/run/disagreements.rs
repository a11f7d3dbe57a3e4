//! The inputs on which the models disagree, and the report that shows them.

use canary_core::{
    evidence::DisagreeingPair,
    rollout::report::{Disagreement, Report},
};
use pyo3::prelude::*;

use super::{drive::Drive, raised::lock};
use crate::rollout::pair::described;

/// The first disagreements with small pictures of their inputs.
pub(super) fn disagreements(
    py: Python<'_>,
    run: &Drive,
    most: usize,
) -> PyResult<Vec<Disagreement>> {
    let picture = py.import("canary._html")?.getattr("thumbnail_url")?;
    let pairs = run.recipe.disagreements.pairs().into_iter().take(most);
    let shown = pairs.map(|DisagreeingPair { pair, file }| {
        let thumbnail = match file {
            Some(file) => picture.call1((&file[..],))?.extract()?,
            None => None,
        };
        Ok(Disagreement {
            input: pair.name.as_deref().unwrap_or_default().to_owned(),
            thumbnail,
            stable: (described(&pair.stable), pair.stable.score),
            canary: (described(&pair.canary), pair.canary.score),
        })
    });
    shown.collect()
}

/// Adds a run to a report.
pub(super) fn add(py: Python<'_>, report: Report, run: &Drive, title: &str) -> PyResult<Report> {
    let disagreements = disagreements(py, run, usize::MAX)?;
    let stored = run.verdict().and_then(|verdict| verdict.stored);
    let title = stored.map_or_else(
        || title.to_owned(),
        |at| format!("{title} (the verdict of an earlier run, {at})"),
    );
    let (log, place) = (lock(&run.log), run.recipe.place.title());
    let shown = log.reported(&title, &run.recipe.plan).cluster(place.as_str());
    Ok(report.run(&shown.disagreements(&disagreements)))
}

/// Adds the comparison of two runs to a report. The same run twice is compared with itself.
pub(super) fn compared(report: Report, one: (&str, &Drive), other: (&str, &Drive)) -> Report {
    // One lock at a time: the second run may be the first.
    let logs = [lock(&one.1.log).clone(), lock(&other.1.log).clone()];
    let places = [one.1.recipe.place.title(), other.1.recipe.place.title()];
    report.compare(
        &logs[0].reported(one.0, &one.1.recipe.plan).cluster(places[0].as_str()),
        &logs[1].reported(other.0, &other.1.recipe.plan).cluster(places[1].as_str()),
    )
}
