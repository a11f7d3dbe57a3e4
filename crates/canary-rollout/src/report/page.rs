//! The page itself: self-contained HTML for light and dark, without scripts, everything escaped.

use super::{
    compare::comparison,
    escape::escape,
    history::History,
    section::{ReportedRun, charts},
};

/// A run, or several, as one page.
///
/// ```
/// use canary_core::rollout::{Plan, report::{History, Report, ReportedRun}};
///
/// let (plan, history) = (Plan::new("image-classifier", "resnet50", "resnet101"), History::new());
/// let page = Report::new("A release").run(&ReportedRun::new("resnet101", &plan, &history)).to_html();
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

    /// Adds a run: its plan, its course, its verdict, and the disagreements of the models. It is one page in print.
    #[must_use]
    pub fn run(mut self, run: &ReportedRun<'_>) -> Self {
        self.sections.push_str(&run.to_html());
        self
    }

    /// Adds two runs side by side: their facts, their weights, and the evidence of the guardrails that both have.
    #[must_use]
    pub fn compare(mut self, one: &ReportedRun<'_>, other: &ReportedRun<'_>) -> Self {
        self.sections.push_str("<section>");
        self.sections.push_str(&comparison([one, other]));
        self.sections.push_str("</section>");
        self
    }

    /// The page.
    pub fn to_html(&self) -> String {
        let title = escape(&self.title);
        format!(
            "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
             <meta name=\"viewport\" content=\"width=device-width\"><title>{title}</title>\
             <style>{}</style></head><body><header><h1>{title}</h1></header><main>{}</main>{FOOTER}</body></html>",
            include_str!("report.css"),
            self.sections
        )
    }
}

const FOOTER: &str = "<footer><p>E measures the evidence against the canary. If the canary is no worse, E reaches 1/α \
    with a probability of at most α, however often one looks (Ville's inequality). The confidence sequence holds at all \
    moments at once, with the probability that the plan states.</p></footer>";

/// The charts of a run: the canary's weight, the requests, and each guardrail's evidence beside its confidence sequence. A
/// fragment of HTML, escaped and without style, as in the page of a [`Report`]; empty when there is nothing to draw.
///
/// ```
/// use canary_core::rollout::report::{History, figures};
///
/// assert!(figures(&History::new()).is_empty());
/// ```
pub fn figures(history: &History) -> String {
    charts(None, history)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{
        super::{
            super::{
                plan::{Plan, Split},
                totals::Totals,
            },
            gallery::Disagreement,
            history::Moment,
        },
        *,
    };

    #[test]
    fn a_run_that_has_seen_nothing_has_no_empty_pictures() {
        let plan = Plan::new("s", "a", "b");
        let page = |split: Split, totals: Totals| {
            let mut history = History::new();
            history.push(Moment::new(Duration::from_secs(1), split, totals, Vec::new()));
            Report::new("x").run(&ReportedRun::new("y", &plan, &history)).to_html()
        };
        let canary = Split::new(5);
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
        let history = History::new();
        let run = ReportedRun::new(hostile, &plan, &history)
            .cluster(hostile)
            .disagreements(&disagreements);
        let page = Report::new(hostile).run(&run).compare(&run, &run).to_html();
        assert!(
            !page.contains("<script") && !page.contains("example.com") && !page.contains("onload")
        );
        assert_eq!(page.matches("<img").count(), 1);
    }
}
