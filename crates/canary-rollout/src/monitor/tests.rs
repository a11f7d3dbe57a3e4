//! The test of a guardrail on requests, pairs and scores.

use super::*;
use crate::evidence::{Arm, Pair, Request, Timestamp};

fn plan_of(guardrail: &Guardrail) -> Plan {
    let plan = Plan::new("s", "a", "b").weights([50, 100], crate::Hold::requests(100));
    plan.guardrail(guardrail.clone())
}

#[test]
fn a_threshold_is_learned_from_the_stable_subset_and_then_stays() {
    let guardrail = Guardrail::slow_ratio(1.0);
    let mut monitor = Monitor::new(&plan_of(&guardrail), &guardrail).unwrap();
    let see = |monitor: &mut Monitor, arm, millis: f64| {
        let latency = std::time::Duration::from_secs_f64(millis / 1e3);
        monitor.request(&guardrail, (Timestamp(0), 0.5), &Request::served(arm, latency));
    };
    for n in 0..499 {
        see(&mut monitor, Arm::Canary, 900.0);
        see(&mut monitor, Arm::Stable, 100.0 + f64::from(n) / 5.0);
    }
    assert!(matches!(monitor.threshold, Some(Threshold::Learning(_))));
    see(&mut monitor, Arm::Stable, 150.0);
    let Some(Threshold::Frozen(micros)) = monitor.threshold else { panic!("not frozen") };
    assert!((195e3..206e3).contains(&micros), "{micros}");
    let bad = |monitor: &Monitor| monitor.test.counts()[0].1;
    assert_eq!(bad(&monitor), 0, "nothing is counted before the threshold is frozen");
    see(&mut monitor, Arm::Canary, 190.0);
    see(&mut monitor, Arm::Canary, 250.0);
    see(&mut monitor, Arm::Stable, 1_000.0);
    assert_eq!((bad(&monitor), monitor.test.counts()[1].1), (1, 1));
    let text = serde_json::to_string(&monitor).unwrap();
    assert_eq!(serde_json::from_str::<Monitor>(&text).unwrap(), monitor);
}

#[test]
fn a_custom_score_is_read_in_its_own_unit() {
    let guardrail = Guardrail::custom("sure", 0.8).proven(0.5);
    let mut monitor = Monitor::new(&plan_of(&guardrail), &guardrail).unwrap();
    assert!(!monitor.score(1.5) && !monitor.score(f64::NAN));
    for n in 0..400 {
        assert!(monitor.score(if n % 10 == 0 { 0.0 } else { 1.0 }));
    }
    let reading = monitor.reading(&guardrail, 0.05, 0.05);
    assert!((reading.estimate.unwrap() - 0.9).abs() < 1e-9);
    assert!(reading.interval.contains(0.9) && reading.interval.high <= 1.0);
    assert_eq!((reading.alarm, reading.proven), (false, Some(true)));
    for _ in 0..400 {
        monitor.score(0.2);
    }
    assert!(monitor.reading(&guardrail, 0.05, 0.05).alarm);
}

#[test]
fn a_pair_reaches_the_tests_it_is_for() {
    use crate::evidence::Answer;
    let pair = |label: Option<&str>| Pair {
        input: None,
        name: None,
        stable: Answer::new("cat", 0.9),
        canary: Answer::new("dog", 0.4),
        label: label.map(str::to_owned),
    };
    let run = |guardrail: Guardrail, label| {
        let mut monitor = Monitor::new(&plan_of(&guardrail), &guardrail).unwrap();
        for _ in 0..100 {
            assert!(monitor.pair(&guardrail.check, &pair(label)));
        }
        monitor.reading(&guardrail, 0.05, 0.05).alarm
    };
    assert!(run(Guardrail::agreement(0.9), None));
    assert!(run(Guardrail::numeric_drift(0.1), None));
    assert!(run(Guardrail::accuracy(), Some("cat")));
    assert!(!run(Guardrail::accuracy(), Some("dog")));
    assert!(!run(Guardrail::accuracy(), None), "an unlabelled pair says nothing of accuracy");
}
