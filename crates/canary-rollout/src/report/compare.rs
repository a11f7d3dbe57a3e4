//! Two runs side by side.

use std::fmt::Write as _;

use super::{
    super::reading::Reading,
    chart::{Axis, Chart, legend},
    escape::escape,
    guardrail::{evidence_axis, exponents, series},
    section::{ReportedRun, verdict, weight_steps},
};

/// The classes of the lines of the first run and of the second.
const LINES: [&str; 2] = ["estimate", "weight"];

/// A guardrail of two runs: its name, and the last reading of each run that had it.
struct Compared {
    guardrail: String,
    readings: [Option<Reading>; 2],
}

/// The guardrails of two runs: those of the first in its order, then those that only the second has.
fn compared(runs: [&ReportedRun<'_>; 2]) -> Vec<Compared> {
    let [first, mut second] = runs.map(|run| {
        run.history.moments().last().map(|last| last.readings.clone()).unwrap_or_default()
    });
    let mut all: Vec<_> = first
        .into_iter()
        .map(|reading| {
            let same = second.iter().position(|other| other.guardrail == reading.guardrail);
            Compared {
                guardrail: reading.guardrail.clone(),
                readings: [Some(reading), same.map(|place| second.remove(place))],
            }
        })
        .collect();
    all.extend(second.into_iter().map(|reading| Compared {
        guardrail: reading.guardrail.clone(),
        readings: [None, Some(reading)],
    }));
    all
}

/// Two runs side by side, as a fragment of HTML that is escaped and without style.
pub(super) fn comparison(runs: [&ReportedRun<'_>; 2]) -> String {
    let names = runs.map(|run| escape(run.title));
    let guardrails = compared(runs);
    let mut html = format!("<h2>{} and {}</h2>", names[0], names[1]);
    html.push_str(&facts(runs, &names));
    html.push_str(&table(&guardrails, &names));
    let seconds = runs[0].seconds().max(runs[1].seconds());
    if seconds > 0.0 {
        html.push_str("<div class=\"pair\">");
        html.push_str(&weights(runs, &names, seconds));
        for guardrail in &guardrails {
            html.push_str(&evidence(runs, &names, guardrail, seconds));
        }
        html.push_str("</div>");
    }
    html
}

/// The facts and the verdicts, a row each.
fn facts(runs: [&ReportedRun<'_>; 2], names: &[String; 2]) -> String {
    let of = runs.map(ReportedRun::facts);
    let mut order: Vec<&str> = of[0].iter().map(|(name, _)| *name).collect();
    order.extend(
        of[1]
            .iter()
            .map(|(name, _)| *name)
            .filter(|name| of[0].iter().all(|(known, _)| known != name)),
    );
    let mut html = head(&["", &names[0], &names[1]]);
    let verdicts =
        runs.map(|run| run.verdict.map_or_else(|| "–".to_owned(), |one| verdict(Some(one))));
    let _ = write!(
        html,
        "<tr><th scope=\"row\">Verdict</th><td>{}</td><td>{}</td></tr>",
        verdicts[0], verdicts[1]
    );
    for name in order {
        let values = [&of[0], &of[1]].map(|facts| {
            facts.iter().find(|(known, _)| *known == name).map_or("–", |(_, value)| value)
        });
        let _ = write!(
            html,
            "<tr><th scope=\"row\">{name}</th><td>{}</td><td>{}</td></tr>",
            values[0], values[1]
        );
    }
    html.push_str("</tbody></table></div>");
    html
}

/// The last reading of each guardrail.
fn table(guardrails: &[Compared], names: &[String; 2]) -> String {
    if guardrails.is_empty() {
        return String::new();
    }
    let mut html = head(&["Guardrail", "Quantity", &names[0], &names[1]]);
    for Compared { guardrail, readings } in guardrails {
        let quantity = readings.iter().flatten().next().map_or("", |reading| &reading.quantity);
        let _ = write!(
            html,
            "<tr><th scope=\"row\">{}</th><td>{}</td><td>{}</td><td>{}</td></tr>",
            escape(guardrail),
            escape(quantity),
            shown(readings[0].as_ref()),
            shown(readings[1].as_ref())
        );
    }
    html.push_str("</tbody></table></div>");
    html
}

fn head(columns: &[&str]) -> String {
    let mut html = String::from("<div class=\"wide\" tabindex=\"0\"><table><thead><tr>");
    for column in columns {
        let _ = write!(html, "<th scope=\"col\">{column}</th>");
    }
    html.push_str("</tr></thead><tbody>");
    html
}

/// Estimate, confidence sequence and evidence.
fn shown(reading: Option<&Reading>) -> String {
    let Some(reading) = reading else { return "–".to_owned() };
    let estimate = reading.estimate.map_or_else(|| "–".to_owned(), |value| format!("{value:.3}"));
    let high = reading.interval.high;
    let high = if high.is_finite() { format!("{high:.3}") } else { "∞".to_owned() };
    let alarm = if reading.alarm { " <b class=\"alarm\">alarm</b>" } else { "" };
    format!(
        "<b>{estimate}</b> [{:.3}, {high}]<br>evidence {:.3} (alarm at {:.0}){alarm}",
        reading.interval.low,
        reading.e,
        1.0 / reading.alpha
    )
}

fn weights(runs: [&ReportedRun<'_>; 2], names: &[String; 2], seconds: f64) -> String {
    let mut chart = Chart::new(seconds, Axis::between(0.0, 100.0, " %"));
    for (class, run) in LINES.into_iter().zip(runs) {
        chart.steps_to(class, &weight_steps(run.history.moments()), run.seconds());
    }
    format!(
        "<figure><figcaption>The canary's weight since the run began</figcaption>{}{}</figure>",
        key(names),
        chart.finish(&format!("The canary's weight over time, of {} and {}", names[0], names[1]))
    )
}

fn evidence(
    runs: [&ReportedRun<'_>; 2],
    names: &[String; 2],
    guardrail: &Compared,
    seconds: f64,
) -> String {
    let Compared { guardrail, readings } = guardrail;
    let lines = runs.map(|run| exponents(&series(run.history.moments(), guardrail)));
    // Two plans may divide their α in other ways: each threshold is drawn.
    let alphas: Vec<f64> = readings.iter().flatten().map(|reading| reading.alpha).collect();
    let least = alphas.iter().copied().fold(1.0, f64::min);
    let mut chart = Chart::new(seconds, evidence_axis(least, &[&lines[0], &lines[1]]));
    for alpha in &alphas {
        chart.level("threshold", (1.0 / alpha).log10());
    }
    let [first, second] = lines;
    chart.line(LINES[0], first);
    chart.line(LINES[1], second);
    let name = escape(guardrail);
    format!(
        "<figure><figcaption>{name}: evidence against the canary, E</figcaption>{}{}</figure>",
        key(names),
        chart.finish(&format!("E of {name} over time, of {} and {}", names[0], names[1]))
    )
}

fn key(names: &[String; 2]) -> String {
    legend(&[(LINES[0], names[0].clone()), (LINES[1], names[1].clone())])
}
