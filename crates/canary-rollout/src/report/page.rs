//! The page itself: self-contained HTML for light and dark, without scripts, everything escaped.

use std::fmt::Write as _;

use super::{
    super::{
        counted::counted,
        plan::{Plan, Split},
        reading::Reading,
        totals::Totals,
        verdict::Verdict,
    },
    chart::{Chart, time},
    escape::escape,
    gallery::{Disagreement, cards},
    history::{History, Moment},
};
use canary_stats::Interval;

/// A run, or several, as one page.
///
/// ```
/// use canary_core::rollout::{Plan, report::{History, Report}};
///
/// let plan = Plan::new("image-classifier", "resnet50", "resnet101");
/// let page = Report::new("A release").run("resnet101", &plan, &History::new(), None, &[]).to_html();
/// assert!(page.starts_with("<!doctype html>") && !page.contains("<script"));
/// ```
#[derive(Clone, Debug)]
pub struct Report {
    title: String,
    sections: String,
}

impl Report {
    /// A page with that title and nothing else yet.
    pub fn new(title: impl Into<String>) -> Self {
        Self { title: title.into(), sections: String::new() }
    }

    /// Adds a run: its plan, its course, its verdict, and the disagreements of the models.
    #[must_use]
    pub fn run(
        mut self,
        title: &str,
        plan: &Plan,
        history: &History,
        verdict: Option<&Verdict>,
        disagreements: &[Disagreement],
    ) -> Self {
        let html = &mut self.sections;
        let _ = write!(html, "<section><h2>{}</h2>", escape(title));
        if let Some(verdict) = verdict {
            let _ = write!(
                html,
                "<p class=\"verdict {}\">{}</p>",
                verdict.name(),
                escape(&verdict.to_string())
            );
        }
        let moments = history.moments();
        if let Some(last) = moments.last() {
            html.push_str(&facts(plan, last));
            html.push_str(&figures(history));
        }
        html.push_str(&gallery(disagreements));
        html.push_str("</section>");
        self
    }

    /// The page.
    pub fn to_html(&self) -> String {
        let title = escape(&self.title);
        format!(
            "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
             <meta name=\"viewport\" content=\"width=device-width\"><title>{title}</title>\
             <style>{}</style></head><body><h1>{title}</h1>{}{LEGEND}</body></html>",
            include_str!("report.css"),
            self.sections
        )
    }
}

const LEGEND: &str = "<footer><p>E is the evidence against the canary: a canary that is no worse reaches 1/α with \
    probability at most α, however long one looks (Ville's inequality). The band is the confidence sequence, which \
    holds at every moment at once.</p></footer>";

/// The charts of a run: the canary's weight, and each guardrail's evidence beside its confidence sequence. A fragment of
/// HTML, escaped and without style, as in the page of a [`Report`]; empty when there is nothing to draw.
///
/// ```
/// use canary_core::rollout::report::{History, figures};
///
/// assert!(figures(&History::new()).is_empty());
/// ```
pub fn figures(history: &History) -> String {
    let moments = history.moments();
    let Some(last) = moments.last().filter(|last| shows_something(moments, last)) else {
        return String::new();
    };
    let seconds = last.at.as_secs_f64();
    let mut html = weights(moments, seconds);
    for (place, reading) in last.readings.iter().enumerate() {
        html.push_str(&guardrail(moments, place, reading, seconds));
    }
    html
}

/// Returns `true` when there is anything to draw: a canary that was refused before its first weight has neither weights
/// nor evidence.
fn shows_something(moments: &[Moment], last: &Moment) -> bool {
    let Totals { stable, canary, unknown, pairs, .. } = last.totals;
    stable + canary + unknown + pairs > 0
        || moments.iter().any(|moment| moment.split != Split::STABLE)
}

fn facts(plan: &Plan, last: &Moment) -> String {
    let totals = &last.totals;
    let whole = last.at.as_secs_f64();
    format!(
        "<p class=\"facts\"><b>{}</b> → <b>{}</b> · {} · {}, {} of them by the canary · {}{}</p>",
        escape(&plan.stable),
        escape(&plan.canary),
        time(whole, whole),
        counted(totals.stable + totals.canary, "requests"),
        totals.canary,
        counted(totals.pairs, "pairs"),
        if totals.repeated > 0 {
            format!(" ({} left out)", counted(totals.repeated, "repeated inputs"))
        } else {
            String::new()
        }
    )
}

fn weights(moments: &[Moment], seconds: f64) -> String {
    let mut chart = Chart::new(seconds, 0.0, 100.0, |value| format!("{value:.0} %"));
    let points: Vec<_> = moments
        .iter()
        .map(|moment| (moment.at.as_secs_f64(), f64::from(moment.split.canary)))
        .collect();
    chart.steps("weight", &points);
    format!(
        "<figure><figcaption>the canary's weight</figcaption>{}</figure>",
        chart.finish("the canary's weight over time")
    )
}

/// One guardrail: its evidence on a logarithmic scale beside its confidence sequence.
fn guardrail(moments: &[Moment], place: usize, last: &Reading, seconds: f64) -> String {
    let series = || {
        moments.iter().filter_map(move |moment| {
            let reading = moment.readings.get(place)?;
            Some((moment.at.as_secs_f64(), moment, reading))
        })
    };
    let needed = (1.0 / last.alpha).log10();
    let top =
        series().map(|(_, _, reading)| reading.e.log10()).fold(needed, f64::max).min(needed + 6.0);
    let mut evidence =
        Chart::new(seconds, -2.0, top + 0.5, |value| format!("10{}", superscript(value)));
    evidence.level("threshold", needed, &format!("1/α = {:.0}", 1.0 / last.alpha));
    evidence.line("e", series().map(|(at, _, reading)| (at, reading.e.max(1e-12).log10())));

    let known: Vec<_> = series()
        .filter(|(_, _, reading)| reading.counts.iter().any(|(_, count)| *count > 0))
        .collect();
    let (low, high) =
        range(&known.iter().map(|(_, _, reading)| (&reading.interval, reading.estimate)));
    // Within a narrow range two decimals do not distinguish the lines.
    let label: fn(f64) -> String =
        if high - low < 0.05 { |value| format!("{value:.4}") } else { figure };
    let mut sequence = Chart::new(seconds, low, high, label);
    let band: Vec<_> = known
        .iter()
        .map(|(at, _, reading)| (*at, reading.interval.low, reading.interval.high))
        .collect();
    sequence.band("band", &band);
    if last.test == "observedSplit" {
        // At 0 and 100 nothing is divided.
        let divided = known.iter().filter(|(_, moment, _)| (1..100).contains(&moment.split.canary));
        let configured: Vec<_> =
            divided.map(|(at, moment, _)| (*at, f64::from(moment.split.canary) / 100.0)).collect();
        sequence.steps("threshold", &configured);
    }
    if known.is_empty() {
        sequence.note(match last.test.as_str() {
            "errorRatio" => "no request has failed",
            "slowRatio" => "no request was slow",
            _ => "nothing was observed",
        });
    }
    let estimates = known.iter().filter_map(|(at, _, reading)| Some((*at, reading.estimate?)));
    sequence.line("estimate", estimates);

    let name = escape(&last.guardrail);
    let quantity = escape(&last.quantity);
    let state = if last.alarm { " <b class=\"alarm\">alarm</b>" } else { "" };
    format!(
        "<h3>{name}{state}</h3><p class=\"facts\">{}</p><div class=\"pair\">\
         <figure><figcaption>evidence against the canary, E</figcaption>{}</figure>\
         <figure><figcaption>{quantity}, with its confidence sequence</figcaption>{}</figure></div>",
        escape(&last.to_string()),
        evidence.finish(&format!("evidence of {name} over time")),
        sequence.finish(&format!("{quantity} over time"))
    )
}

/// The range to show of a quantity: the later estimates and intervals, not the first wide ones.
fn range<'a>(
    readings: &(impl DoubleEndedIterator<Item = (&'a Interval, Option<f64>)> + Clone),
) -> (f64, f64) {
    let count = readings.clone().count();
    let later = || readings.clone().skip(count / 10);
    let finite = |value: &f64| value.is_finite();
    let mut highs: Vec<f64> = later().map(|(interval, _)| interval.high).filter(finite).collect();
    highs.sort_by(f64::total_cmp);
    let mut lows: Vec<f64> = later().map(|(interval, _)| interval.low).filter(finite).collect();
    lows.sort_by(f64::total_cmp);
    let estimates = || later().filter_map(|(_, estimate)| estimate).filter(finite);
    let high = highs.get(highs.len() / 2).copied().unwrap_or(1.0);
    let low = lows.get(lows.len() / 2).copied().unwrap_or(0.0);
    let high = estimates().fold(high, f64::max);
    let low = estimates().fold(low, f64::min);
    let margin = (high - low).max(1e-3) * 0.25;
    (if low >= 0.0 { (low - margin).max(0.0) } else { low - margin }, high + margin)
}

fn figure(value: f64) -> String {
    if value.abs() >= 10.0 { format!("{value:.0}") } else { format!("{value:.2}") }
}

/// A whole exponent in raised digits.
fn superscript(value: f64) -> String {
    format!("{value:.0}")
        .chars()
        .map(|digit| match digit {
            '-' => '⁻',
            '0' => '⁰',
            '1' => '¹',
            '2' => '²',
            '3' => '³',
            '4' => '⁴',
            '5' => '⁵',
            '6' => '⁶',
            '7' => '⁷',
            '8' => '⁸',
            '9' => '⁹',
            other => other,
        })
        .collect()
}

fn gallery(disagreements: &[Disagreement]) -> String {
    if disagreements.is_empty() {
        return String::new();
    }
    format!(
        "<h3>where the models disagree <span class=\"dim\">({})</span></h3>{}",
        counted(disagreements.len() as u64, "inputs"),
        cards(disagreements)
    )
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_run_that_has_seen_nothing_has_no_empty_pictures() {
        let plan = Plan::new("s", "a", "b");
        let page = |split: Split, totals: Totals| {
            let mut history = History::new();
            history.push(Moment::new(Duration::from_secs(1), split, totals, Vec::new()));
            Report::new("x").run("y", &plan, &history, None, &[]).to_html()
        };
        let canary = Split { canary: 5, mirror: 0 };
        assert!(!page(Split::STABLE, Totals::default()).contains("<svg"));
        assert!(page(canary, Totals::default()).contains("<svg"));
        assert!(page(Split::STABLE, Totals { pairs: 1, ..Totals::default() }).contains("<svg"));
    }

    #[test]
    fn hostile_names_and_pictures_stay_text() {
        let hostile = "<script>alert(1)</script>\"'";
        let plan = Plan::new("s", "a", "b");
        let one = |thumbnail: &str| Disagreement {
            input: hostile.to_owned(),
            thumbnail: Some(thumbnail.to_owned()),
            stable: (hostile.to_owned(), Some(0.5)),
            canary: ("b".to_owned(), None),
        };
        let disagreements = [
            one("https://example.com/x.png"),
            one("data:image/svg+xml;base64,AAAA"),
            one("data:image/png;base64,AAAA\" onload=\"x"),
            one("data:image/png;base64,AAAA"),
        ];
        let page = Report::new(hostile)
            .run(hostile, &plan, &History::new(), None, &disagreements)
            .to_html();
        assert!(
            !page.contains("<script") && !page.contains("example.com") && !page.contains("onload")
        );
        assert_eq!(page.matches("<img").count(), 1);
    }
}
