//! The page of a fixed release and of its comparison with another; `python/tests/test_report_looks.py` draws it in a browser.
//!
//! `CANARY_WRITE_LOOKS=1 cargo test -p canary-rollout report` writes it again.

use std::{fs, path::Path, time::Duration};

use canary_stats::Interval;

use super::{Disagreement, History, Moment, Report, ReportedRun};
use crate::{Cause, Guardrail, Hold, Plan, Reading, Split, Totals, Verdict, evidence::Timestamp};

/// The page, from the root of this crate.
const PAGE: &str = "tests/data/report.html";
/// 2026-11-30 09:30:00 UTC.
const BEGAN: Timestamp = Timestamp(1_796_031_000_000);
/// A moment each second.
const SECONDS: u32 = 90;

fn plan() -> Plan {
    Plan::new("image-classifier", "resnet50", "resnet101")
        .header("user-group", "canary")
        .weights([5, 30, 100], Hold::pairs(400))
        .guardrail(Guardrail::error_ratio(1.5))
        .guardrail(Guardrail::agreement(0.9))
}

fn reading(test: &str, quantity: &str, alpha: f64, e: f64, at: (f64, f64, f64)) -> Reading {
    let (estimate, low, high) = at;
    Reading {
        guardrail: test.to_owned(),
        test: test.to_owned(),
        quantity: quantity.to_owned(),
        e,
        p_value: 1.0 / e.max(1.0),
        alpha,
        proof_alpha: 0.05,
        alarm: e >= 1.0 / alpha,
        estimate: Some(estimate),
        interval: Interval { low, high },
        proven: None,
        counts: vec![("canary requests".to_owned(), 120), ("stable requests".to_owned(), 880)],
    }
}

/// A release that goes to 30 % and is judged there; `harm` is the growth of the evidence in each second.
fn history(harm: f64) -> History {
    let mut history = History::new();
    for second in 0..=SECONDS {
        let at = f64::from(second);
        let width = 1.2 / (at + 2.0).sqrt();
        let canary = if second < 30 { 5 } else { 30 };
        let share = f64::from(canary) / 100.0;
        let totals = Totals {
            stable: u64::from(second) * 14,
            canary: u64::from(second.saturating_sub(20)) * 4,
            canary_failed: u64::from(second / 30),
            pairs: u64::from(second) * 3,
            repeated: 12,
            late: 3,
            ..Totals::default()
        };
        let split = (share - 0.01, (share - width / 2.0).max(0.0), (share + width / 2.0).min(1.0));
        let ratio = (1.1, 0.4, 1.1 + 4.0 * width);
        let agreement = (0.82, (0.82 - width).max(0.0), (0.82 + width / 2.0).min(1.0));
        let readings = vec![
            reading("observedSplit", "share of the canary", 0.01, 0.9, split),
            reading("errorRatio", "rate ratio, canary / stable", 0.02, 0.4, ratio),
            reading("agreement", "agreement", 0.02, (harm * at).exp(), agreement),
        ];
        let split = Split::new(canary);
        history.push(Moment::new(Duration::from_secs(second.into()), split, totals, readings));
    }
    history
}

fn page() -> String {
    let plan = plan();
    let (bad, good) = (history(0.05), history(-0.02));
    let last = bad.moments().last().map(|last| last.readings[2].clone()).unwrap();
    let rollback = Verdict::Rollback {
        guardrail: "agreement".to_owned(),
        e: last.e,
        evidence: Cause::Alarm(last),
        exposure: 280,
        stable: 1260,
        pairs: 270,
        problem: None,
    };
    let last = good.moments().last().unwrap();
    let promote = Verdict::Promote {
        evidence: last.readings.clone(),
        exposure: last.totals.canary,
        stable: last.totals.stable,
        pairs: last.totals.pairs,
    };
    let disagreements: Vec<_> = ["tabby", "lynx", "tiger cat", "red fox", "Egyptian cat"]
        .into_iter()
        .enumerate()
        .map(|(number, class)| Disagreement {
            input: format!("photo {number}"),
            thumbnail: None,
            stable: (class.to_owned(), Some(0.91)),
            canary: ("Persian cat".to_owned(), Some(0.47)),
        })
        .collect();
    let second = ReportedRun::new("Second attempt", &plan, &bad)
        .began(BEGAN)
        .cluster("staging (https://10.0.0.1:6443)")
        .verdict(&rollback)
        .disagreements(&disagreements);
    let third = ReportedRun::new("Third attempt", &plan, &good)
        .began(Timestamp(BEGAN.0 + 86_400_000))
        .cluster("staging (https://10.0.0.1:6443)")
        .verdict(&promote);
    Report::new("Releases of image-classifier")
        .run(&second)
        .run(&third)
        .compare(&second, &third)
        .to_html()
}

#[test]
fn the_page_of_a_release_is_as_it_was() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(PAGE);
    let page = page();
    if std::env::var_os("CANARY_WRITE_LOOKS").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, &page).unwrap();
    }
    let golden = fs::read_to_string(&path).unwrap();
    assert!(golden == page, "{} is another page; write it again and look at it", path.display());
}

#[test]
fn the_head_says_what_when_and_where() {
    let page = page();
    for fact in [
        "VirtualService default/image-classifier",
        "staging (https://10.0.0.1:6443)",
        "2026-11-30 09:30:00 to 09:31:30 UTC (90 s)",
        "resnet50 → resnet101",
        "5 → 30 → 100 %",
        "12 pairs of inputs seen before",
        "3 observations sent before the step's weights had settled",
        &plan().hash(),
    ] {
        assert!(page.contains(fact), "{fact}");
    }
    // Every picture is described.
    assert_eq!(page.matches("<svg").count(), page.matches("role=\"img\" aria-label=\"").count());
}
