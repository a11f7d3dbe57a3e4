use super::*;
use crate::{
    Hold, Scenario, Split,
    evidence::{Arm, Observation, Request, Seen, Stored, Timestamp},
};

fn plan() -> Plan {
    Plan::new("image-classifier", "resnet50", "resnet50-again")
        .weights([50, 100], Hold::total_requests(40_000))
        .guardrail(Guardrail::error_ratio(1.0))
        .bursts(Bursts::Window(Duration::from_secs(2)))
        .settle(Duration::ZERO)
        .aa()
}

/// φ at T = 15 s, 4T and 16T, each with the number of windows.
fn measured(levels: [(f64, u64); 3]) -> AaGuardrail {
    let windows = [15, 60, 240].map(Duration::from_secs);
    let level = |(window, (phi, windows))| AaLevel { window, phi, windows };
    let levels = windows.into_iter().zip(levels).map(level).collect();
    AaGuardrail { guardrail: "errorRatio".to_owned(), levels }
}

fn advice(guardrails: &[AaGuardrail]) -> (u64, bool, Option<bool>) {
    let AaAdvice { window, enough, none } = AaAdvice::of(Duration::from_secs(15), guardrails);
    (window.as_secs(), enough, none)
}

#[test]
fn the_window_is_the_shortest_one_after_which_the_dispersion_grows_no_more() {
    for (levels, expected) in [
        ([(1.1, 400), (1.1, 100), (1.2, 25)], (15, true, Some(true))),
        ([(1.1, 400), (1.2, 100), (1.25, 25)], (15, true, Some(false))),
        ([(3.0, 400), (3.9, 100), (9.0, 25)], (15, true, Some(false))),
        ([(3.0, 400), (4.0, 100), (4.5, 25)], (60, true, Some(false))),
        ([(3.0, 400), (4.0, 100), (8.0, 25)], (240, false, Some(false))),
        // Too few windows: the result is unknown.
        ([(1.0, 400), (1.0, 100), (1.0, 19)], (15, true, None)),
        ([(1.0, 40), (1.0, 19), (1.0, 5)], (15, false, None)),
        ([(3.0, 90), (9.0, 30), (9.0, 9)], (60, false, Some(false))),
        ([(1.0, 0), (1.0, 0), (1.0, 0)], (15, false, None)),
    ] {
        assert_eq!(advice(&[measured(levels)]), expected, "{levels:?}");
    }
    // The longest window that any guardrail needs; if one is unknown, the result is unknown.
    let short = measured([(1.0, 400), (1.0, 100), (1.0, 25)]);
    let long = measured([(3.0, 400), (4.0, 100), (4.5, 25)]);
    assert_eq!(advice(&[short.clone(), long]), (60, true, Some(false)));
    let unknown = measured([(1.0, 40), (1.0, 10), (1.0, 2)]);
    assert_eq!(advice(&[short, unknown]), (15, false, None));
}

#[test]
fn the_report_says_it_in_words() {
    let report = |levels, alarms| {
        let guardrails = vec![measured(levels)];
        let advice = AaAdvice::of(Duration::from_secs(15), &guardrails);
        AaReport { guardrails, alarms, advice, early: None }
    };
    let text = report([(3.0, 400), (4.0, 100), (4.5, 25)], Vec::new()).to_string();
    assert!(
        text.contains("errorRatio: φ 3.00 over 15s (400 windows), 4.00 over 1m (100"),
        "{text}"
    );
    assert!(text.contains("bursts: 1m is long enough"), "{text}");
    assert!(text.contains("none is not possible") && text.contains("no guardrail alarmed"));
    let alarm = AaAlarm { guardrail: "errorRatio".to_owned(), e: 31.25, threshold: 20.0 };
    let again = report([(3.0, 400), (4.0, 100), (8.0, 25)], vec![alarm]);
    assert_eq!(
        again.sentence(),
        "bursts need windows of at least 4m: run A/A again with bursts: 4m; alarmed: errorRatio (evidence 31.2, alarm at 20)"
    );
    let few = AaReport {
        early: Some("step 0 observed only 3 of 40 requests".to_owned()),
        ..report([(1.0, 4), (1.0, 1), (1.0, 0)], Vec::new())
    };
    let text = few.to_string();
    assert!(
        text.contains("run A/A longer") && text.contains("bursts: none is not known"),
        "{text}"
    );
    assert!(text.ends_with("observed only 3 of 40 requests"), "{text}");
    let json = serde_json::to_string(&few).unwrap();
    assert!(json.contains(r#""window":"15s""#), "{json}");
    assert_eq!(serde_json::from_str::<AaReport>(&json).unwrap(), few);
}

#[test]
fn a_plan_without_it_is_written_as_before_and_nothing_is_measured() {
    let other = Plan { aa: false, ..plan() };
    assert!(!other.to_yaml().unwrap().contains("aa"));
    assert_eq!(other.clone().aa(), plan());
    assert_eq!(Plan::from_yaml(&plan().to_yaml().unwrap()).unwrap(), plan());
    let state = crate::Machine::new(other.clone()).unwrap().begin(Timestamp(0)).unwrap();
    assert_eq!(state.aa(&other), None);
    // Without a guard it is measured over the windows that there would be.
    let off = plan().bursts(Bursts::None).request_timeout(Duration::from_secs(40));
    assert_eq!(window(&off), Duration::from_secs(40));
}

#[test]
fn a_plan_that_measures_nothing_is_refused_and_a_proof_is_told() {
    let findings = |plan: Plan| -> Vec<String> {
        let of = |finding: &canary_istio::Finding| {
            (finding.code == "C128").then(|| finding.path.clone())
        };
        plan.validate().iter().filter_map(of).collect()
    };
    assert!(findings(plan()).is_empty() && !plan().validate().has_errors());
    assert_eq!(findings(plan().header("a", "b").blue_green(100)), ["steps"]);
    let mut pairs = plan().header("a", "b");
    pairs.guardrails = vec![Guardrail::observed_split(), Guardrail::agreement(0.9)];
    assert_eq!(findings(pairs), ["guardrails"]);
    let mut proven = plan();
    proven.guardrails[1] = Guardrail::error_ratio(1.0).proven(1.5);
    assert_eq!(findings(proven.clone()), ["guardrails[1].errorRatio"]);
    assert!(!proven.validate().has_errors());
    assert!(findings(Plan { aa: false, ..proven }).is_empty());
}

/// A request every 10 ms; each fifth second has a burst of the canary's, or of the stable version's.
fn stored(requests: u64) -> Vec<crate::Result<Stored>> {
    let split = Split::new(50);
    let mut lines = vec![Ok(Stored::Split { at: Timestamp(0), split })];
    let mut random = canary_stats::Random::new(12);
    let mut arm = Arm::Stable;
    for number in 0..requests {
        let at = Timestamp(1 + number * 10);
        if number % 500 == 0 {
            arm = if random.bernoulli(0.5) { Arm::Canary } else { Arm::Stable };
        }
        let served = if random.bernoulli(0.5) { Arm::Canary } else { Arm::Stable };
        let failed = number % 500 < 20 && served == arm;
        let what = Seen::Request(Request { failed, ..Request::served(served, None) });
        let (source, sequence) = ("log".into(), Some(number));
        lines.push(Ok(Stored::Observed(Observation { source, sequence, at, what })));
    }
    lines
}

#[test]
fn stored_observations_are_measured_by_a_replay() {
    let replay = plan().replay(stored(40_001)).unwrap();
    assert_eq!(replay.verdict.cause(), Some("aa"), "{replay}");
    let report = replay.aa.clone().unwrap();
    assert!(report.is_complete());
    assert_eq!(Some(&report), replay.verdict.aa());
    let [short, middle, _] = report.guardrails[0].levels[..] else { panic!("{report}") };
    // Bursts of about ten failures, whole in nearly every window of two seconds.
    assert!((7.0..14.0).contains(&short.phi) && short.windows >= 79, "{report}");
    assert!(middle.phi <= 1.3 * short.phi, "{report}");
    assert_eq!(
        report.advice,
        AaAdvice { window: Duration::from_secs(2), enough: true, none: Some(false) }
    );
    assert!(replay.to_string().contains("bursts: 2s is long enough"), "{replay}");
    // A run that ends early reports what it measured and that it is incomplete.
    let replay = plan().replay(stored(10_000)).unwrap();
    let report = replay.aa.unwrap();
    assert!(report.early.unwrap().contains("stored observations end"), "{}", replay.verdict);
    assert_eq!(Plan { aa: false, ..plan() }.replay(stored(10)).unwrap().aa, None);
}

#[test]
fn a_simulation_of_it_rolls_nothing_back_and_promotes_nothing() {
    let scenario = Scenario::new(100.0).errors(0.02, 0.04);
    let simulation = plan().simulate(&scenario, 20, 7).unwrap();
    assert_eq!(simulation.inconclusive_because, [("aa".to_owned(), 20)].into());
    assert!(plan().power(&scenario, 0.9, 20, 7).unwrap_err().to_string().contains("A/A"));
}
