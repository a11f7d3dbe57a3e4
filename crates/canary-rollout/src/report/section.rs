//! One run on a page: its facts, its verdict, its charts.

use std::{fmt::Write as _, time::Duration};

use super::{
    super::{
        counted::counted,
        evidence::Timestamp,
        plan::{Percent, Plan, Split},
        totals::Totals,
        verdict::Verdict,
    },
    chart::{Axis, Chart, duration, legend},
    escape::escape,
    gallery::{Disagreement, cards},
    guardrail::guardrail,
    history::{History, Moment},
};

/// A run, as a [`Report`](super::Report) shows it.
///
/// ```
/// use canary_core::{
///     evidence::Timestamp,
///     rollout::{Plan, report::{History, ReportedRun}},
/// };
///
/// let (plan, history) = (Plan::new("image-classifier", "resnet50", "resnet101"), History::new());
/// let run = ReportedRun::new("A release", &plan, &history).cluster("kind-models").began(Timestamp(1_796_016_000_000));
/// assert_eq!(run.title, "A release");
/// ```
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct ReportedRun<'a> {
    /// The heading of the run.
    pub title: &'a str,
    /// The plan that was run.
    pub plan: &'a Plan,
    /// The moments of the run.
    pub history: &'a History,
    /// When the run began.
    pub began: Option<Timestamp>,
    /// The cluster or the lab, by a name that readers know.
    pub cluster: Option<&'a str>,
    /// The verdict, where the run has one.
    pub verdict: Option<&'a Verdict>,
    /// The inputs on which the models disagreed.
    pub disagreements: &'a [Disagreement],
}

impl<'a> ReportedRun<'a> {
    /// A run without a verdict and without disagreements.
    pub fn new(title: &'a str, plan: &'a Plan, history: &'a History) -> Self {
        Self { title, plan, history, began: None, cluster: None, verdict: None, disagreements: &[] }
    }

    /// Sets the time at which it began.
    #[must_use]
    pub fn began(mut self, began: impl Into<Option<Timestamp>>) -> Self {
        self.began = began.into();
        self
    }

    /// Names the cluster.
    #[must_use]
    pub fn cluster(mut self, cluster: impl Into<Option<&'a str>>) -> Self {
        self.cluster = cluster.into();
        self
    }

    /// Sets the verdict.
    #[must_use]
    pub fn verdict(mut self, verdict: impl Into<Option<&'a Verdict>>) -> Self {
        self.verdict = verdict.into();
        self
    }

    /// Sets the inputs on which the models disagreed.
    #[must_use]
    pub fn disagreements(mut self, disagreements: &'a [Disagreement]) -> Self {
        self.disagreements = disagreements;
        self
    }

    /// The length of the run, as far as it is known.
    fn length(&self) -> Duration {
        self.history.moments().last().map_or(Duration::ZERO, |last| last.at)
    }

    /// The same in seconds.
    pub(super) fn seconds(&self) -> f64 {
        self.length().as_secs_f64()
    }

    /// The facts of the run, each with its name: the object, the plan, the counts and the exclusions. The values are
    /// fragments of HTML, escaped.
    pub fn facts(&self) -> Vec<(&'static str, String)> {
        let Plan { target, stable, canary, steps, alpha, .. } = self.plan;
        let mut facts = vec![("Object", escape(&target.state_object().to_string()))];
        facts.extend(self.cluster.map(|cluster| ("Cluster", escape(cluster))));
        facts.push(("Versions", format!("{} → {}", escape(stable), escape(canary))));
        facts.extend(self.began.map(|began| ("Date", dates(began, self.length()))));
        let weights: Vec<_> = steps.iter().map(|step| step.weight.to_string()).collect();
        let plan = format!("<code>{}</code>, α = {:.3} %", self.plan.hash(), alpha * 100.0)
            .replace(".000 %", " %");
        facts.push(("Plan", plan));
        facts.push(("Steps", format!("{} %", weights.join(" → "))));
        if let Some(last) = self.history.moments().last() {
            facts.extend(counts(last));
        }
        facts
    }

    /// The run as HTML.
    pub(super) fn to_html(self) -> String {
        let mut html = format!("<section><h2>{}</h2>{}", escape(self.title), verdict(self.verdict));
        html.push_str("<dl class=\"head\">");
        for (name, value) in self.facts() {
            let _ = write!(html, "<div><dt>{name}</dt><dd>{value}</dd></div>");
        }
        html.push_str("</dl>");
        html.push_str(&charts(Some(self.plan), self.history));
        html.push_str(&gallery(self.disagreements));
        html.push_str("</section>");
        html
    }
}

/// The verdict as a coloured line; empty where there is none.
pub(super) fn verdict(verdict: Option<&Verdict>) -> String {
    verdict.map_or_else(String::new, |verdict| {
        format!("<p class=\"verdict {}\">{}</p>", verdict.name(), escape(&verdict.to_string()))
    })
}

/// When the run began and ended; the day once where it is the same.
fn dates(began: Timestamp, length: Duration) -> String {
    let millis = u64::try_from(length.as_millis()).unwrap_or(u64::MAX);
    let ended = Timestamp(began.0.saturating_add(millis));
    let (from, to) = (began.to_string(), ended.to_string());
    let (from, to) = (from.trim_end_matches(" UTC"), to.trim_end_matches(" UTC"));
    let (day, time) = to.split_once(' ').unwrap_or(("", to));
    let to = if from.starts_with(day) { time } else { to };
    format!("{from} to {to} UTC ({})", duration(length.as_secs_f64()))
}

/// The counts of the requests, and what was left out of them.
fn counts(last: &Moment) -> Vec<(&'static str, String)> {
    let totals = &last.totals;
    let failed = |count: u64| if count > 0 { format!(" ({count} failed)") } else { String::new() };
    let requests = format!(
        "{} by the stable version{}, {} by the canary{}",
        counted(totals.stable, "requests"),
        failed(totals.stable_failed),
        totals.canary,
        failed(totals.canary_failed)
    );
    let mut facts = vec![("Observed", requests)];
    if totals.pairs > 0 {
        facts.push(("Compared", counted(totals.pairs, "pairs")));
    }
    if let Some(split) = last.readings.iter().find(|reading| reading.test == "observedSplit") {
        let counts: Vec<_> =
            split.counts.iter().map(|(what, count)| counted(*count, what)).collect();
        facts.push(("Divided by the weights", escape(&counts.join(", "))));
    }
    facts.push(("Not counted", not_counted(totals)));
    facts
}

/// Everything that was observed but is not used by a test, with the reason.
fn not_counted(totals: &Totals) -> String {
    let parts = [
        (totals.unknown, "requests of unknown version"),
        (totals.late, "observations sent before the step's weights had settled"),
        (totals.repeated, "pairs of inputs seen before"),
        (totals.duplicates, "observations that came twice"),
        (totals.refused, "observations with values out of range"),
        (totals.without_room, "pairs for whose label there was no room"),
        (totals.unlabelled, "pairs whose label did not come in time"),
        (totals.unmatched_labels, "labels that matched no pair"),
        (totals.beyond_room, "pairs of more inputs than are remembered"),
    ];
    let parts: Vec<_> = parts
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| format!("{count} {what}"))
        .collect();
    if parts.is_empty() { "nothing: every observation counts".to_owned() } else { parts.join(", ") }
}

/// The charts of a run: the canary's weight, and each guardrail's evidence beside its confidence sequence.
pub(super) fn charts(plan: Option<&Plan>, history: &History) -> String {
    let moments = history.moments();
    let Some(last) = moments.last().filter(|last| shows_something(moments, last)) else {
        return String::new();
    };
    let seconds = last.at.as_secs_f64();
    let mut html = format!(
        "<div class=\"pair\">{}{}</div>",
        weights(moments, seconds),
        requests(moments, seconds)
    );
    for reading in &last.readings {
        html.push_str(&guardrail(plan, moments, reading, seconds));
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

/// The canary's weight at each moment, in percent.
pub(super) fn weight_steps(moments: &[Moment]) -> Vec<(f64, f64)> {
    moments.iter().map(|moment| (moment.at.as_secs_f64(), f64::from(moment.split.canary))).collect()
}

fn weights(moments: &[Moment], seconds: f64) -> String {
    let mut chart = Chart::new(seconds, Axis::between(0.0, 100.0, " %"));
    let mut entries = vec![("weight", "weight".to_owned())];
    chart.steps("weight", &weight_steps(moments));
    if moments.iter().any(|moment| moment.split.mirror > 0) {
        let mirrored: Vec<_> = moments
            .iter()
            .map(|moment| (moment.at.as_secs_f64(), f64::from(moment.split.mirror)))
            .collect();
        chart.steps("mirror", &mirrored);
        entries.push(("mirror", "mirrored requests".to_owned()));
    }
    let last = moments.last().map_or(Percent::NONE, |moment| moment.split.canary);
    format!(
        "<figure><figcaption>The canary's weight</figcaption>{}{}</figure>",
        legend(&entries),
        chart.finish(&format!("The canary's weight over time; at the end {last} %"))
    )
}

fn requests(moments: &[Moment], seconds: f64) -> String {
    let line = |count: fn(&Totals) -> u64| -> Vec<(f64, f64)> {
        #[expect(clippy::cast_precision_loss, reason = "the height of a point")]
        moments
            .iter()
            .map(|moment| (moment.at.as_secs_f64(), count(&moment.totals) as f64))
            .collect()
    };
    let (stable, canary) = (line(|totals| totals.stable), line(|totals| totals.canary));
    let most = stable.iter().chain(&canary).map(|(_, count)| *count).fold(1.0, f64::max);
    let mut chart = Chart::new(seconds, Axis::between(0.0, most, ""));
    chart.line("stable", stable);
    chart.line("weight", canary);
    let totals = moments.last().map(|moment| moment.totals).unwrap_or_default();
    format!(
        "<figure><figcaption>Requests observed</figcaption>{}{}</figure>",
        legend(&[("stable", "stable version".to_owned()), ("weight", "canary".to_owned())]),
        chart.finish(&format!(
            "Requests observed over time; at the end {} by the stable version and {} by the canary",
            totals.stable, totals.canary
        ))
    )
}

fn gallery(disagreements: &[Disagreement]) -> String {
    if disagreements.is_empty() {
        return String::new();
    }
    format!(
        "<h3>Where the models disagree <span class=\"dim\">({})</span></h3>{}",
        counted(disagreements.len() as u64, "inputs"),
        cards(disagreements)
    )
}
