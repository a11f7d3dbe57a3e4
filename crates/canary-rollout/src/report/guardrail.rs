//! The pictures of one guardrail: its evidence over time, and its estimate with the confidence sequence.

use super::{
    super::{
        plan::{Percent, Plan},
        reading::Reading,
    },
    chart::{Axis, Chart, legend},
    escape::escape,
    history::Moment,
};

/// The smallest range of an axis, where estimate and interval are one point.
const LEAST_RANGE: f64 = 1e-3;

/// The part of an axis within which its bound is near.
const NEAR: f64 = 0.25;

/// The readings of one guardrail: when, at which weight of the canary, and the reading.
type Series<'a> = Vec<(f64, Percent, &'a Reading)>;

/// One guardrail: its evidence on a logarithmic scale beside its confidence sequence.
pub(super) fn guardrail(
    plan: Option<&Plan>,
    moments: &[Moment],
    last: &Reading,
    seconds: f64,
) -> String {
    let series = series(moments, &last.guardrail);
    let name = escape(&last.guardrail);
    let state = if last.alarm { " <b class=\"alarm\">alarm</b>" } else { "" };
    format!(
        "<div class=\"guardrail\"><h3>{name}{state}</h3><p class=\"facts\">{}</p><div class=\"pair\">{}{}</div></div>",
        escape(&last.to_string()),
        evidence(&series, last, seconds),
        sequence(plan, &series, last, seconds),
    )
}

/// The readings of the guardrail of that name.
pub(super) fn series<'a>(moments: &'a [Moment], guardrail: &str) -> Series<'a> {
    let reading = |moment: &'a Moment| {
        let reading = moment.readings.iter().find(|reading| reading.guardrail == guardrail)?;
        Some((moment.at.as_secs_f64(), moment.split.canary, reading))
    };
    moments.iter().filter_map(reading).collect()
}

/// The chart's line of the evidence: the power of ten of E at each moment.
pub(super) fn exponents(series: &Series<'_>) -> Vec<(f64, f64)> {
    series.iter().map(|(at, _, reading)| (*at, reading.e.max(1e-12).log10())).collect()
}

/// The axis on which all of these lines and the threshold are seen.
pub(super) fn evidence_axis(alpha: f64, lines: &[&[(f64, f64)]]) -> Axis {
    let needed = (1.0 / alpha).log10();
    let highest = lines.iter().flat_map(|line| line.iter()).map(|(_, e)| *e).fold(needed, f64::max);
    Axis::powers_of_ten(-2.0, highest.min(needed + 6.0) + 0.5)
}

fn evidence(series: &Series<'_>, last: &Reading, seconds: f64) -> String {
    let line = exponents(series);
    let mut chart = Chart::new(seconds, evidence_axis(last.alpha, &[&line]));
    chart.level("threshold", (1.0 / last.alpha).log10());
    chart.line("e", line);
    let threshold = format!("alarm at 1/α = {:.0}", 1.0 / last.alpha);
    let description = format!(
        "Evidence against the canary by {} over time; at the end E is {:.3}, {threshold}",
        escape(&last.guardrail),
        last.e
    );
    format!(
        "<figure><figcaption>Evidence against the canary</figcaption>{}{}</figure>",
        legend(&[("e", "E".to_owned()), ("threshold", threshold)]),
        chart.finish(&description)
    )
}

fn sequence(plan: Option<&Plan>, series: &Series<'_>, last: &Reading, seconds: f64) -> String {
    let known: Vec<_> = series
        .iter()
        .filter(|(_, _, reading)| reading.counts.iter().any(|(_, count)| *count > 0))
        .collect();
    let bounds: Vec<_> = known
        .iter()
        .filter_map(|(at, weight, reading)| Some((*at, plan?.bound_of(reading, Some(*weight))?)))
        .collect();
    let (low, high) = range(&last.test, &known, &bounds);
    let mut chart = Chart::new(seconds, Axis::between(low, high, ""));
    let band: Vec<_> = known
        .iter()
        .map(|(at, _, reading)| (*at, reading.interval.low, reading.interval.high))
        .collect();
    chart.band("band", &band);
    chart.steps("bound", &bounds);
    if known.is_empty() {
        chart.note(match last.test.as_str() {
            "errorRatio" => "no request has failed",
            "slowRatio" => "no request was slow",
            _ => "nothing was observed",
        });
    }
    chart.line(
        "estimate",
        known.iter().filter_map(|(at, _, reading)| Some((*at, reading.estimate?))),
    );
    let quantity = escape(&last.quantity);
    let mut entries =
        vec![("estimate", "estimate".to_owned()), ("band", "confidence sequence".to_owned())];
    if !bounds.is_empty() {
        let split = last.test == "observedSplit";
        entries.push((
            "bound",
            if split { "configured weight" } else { "bound of the test" }.to_owned(),
        ));
    }
    let estimate = last.estimate.map_or_else(String::new, |value| format!(" {value:.3},"));
    let description = format!(
        "{quantity} over time; at the end{estimate} between {:.3} and {:.3}",
        last.interval.low, last.interval.high
    );
    format!(
        "<figure><figcaption>{}</figcaption>{}{}</figure>",
        capitalized(&quantity),
        legend(&entries),
        chart.finish(&description)
    )
}

fn capitalized(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// The values that a quantity can have.
fn domain(test: &str) -> (f64, f64) {
    match test {
        "observedSplit" | "agreement" | "errorRate" | "custom" => (0.0, 1.0),
        "errorRatio" | "slowRatio" | "quantileRatio" => (0.0, f64::INFINITY),
        "pairErrors" | "accuracy" => (-1.0, 1.0),
        _ => (f64::NEG_INFINITY, f64::INFINITY),
    }
}

/// The range of values to show: the later estimates and intervals, not the first wide ones, and no impossible values.
fn range(test: &str, known: &[&(f64, Percent, &Reading)], bounds: &[(f64, f64)]) -> (f64, f64) {
    let later = || known.iter().skip(known.len() / 10).map(|(_, _, reading)| *reading);
    let finite = |value: &f64| value.is_finite();
    let middle = |mut values: Vec<f64>, otherwise: f64| {
        values.sort_by(f64::total_cmp);
        values.get(values.len() / 2).copied().unwrap_or(otherwise)
    };
    let high = middle(later().map(|one| one.interval.high).filter(finite).collect(), 1.0);
    let low = middle(later().map(|one| one.interval.low).filter(finite).collect(), 0.0);
    let shown = || {
        let estimates = later().filter_map(|one| one.estimate).filter(finite);
        estimates.chain(bounds.iter().map(|(_, bound)| *bound))
    };
    let (low, high) = (shown().fold(low, f64::min), shown().fold(high, f64::max));
    let margin = (high - low).max(LEAST_RANGE) * 0.1;
    let (least, most) = domain(test);
    // An axis that comes near a bound ends there.
    let near = (high - low) * NEAR;
    let low = if low - least < near { least } else { (low - margin).max(least) };
    let high = if most - high < near { most } else { (high + margin).min(most) };
    (low, high)
}
