use super::*;
use crate::{Guardrail, Hold, Percent};

/// One weight for 20 000 requests, tested by the error ratio alone.
fn errors_only() -> Plan {
    let mut plan = Plan::new("image-classifier", "resnet50", "resnet101")
        .weights([10, 100], Hold::total_requests(20_000))
        .settle(Duration::ZERO)
        .bursts(crate::Bursts::None)
        .guardrail(Guardrail::error_ratio(1.0));
    plan.guardrails.remove(0);
    plan
}

#[test]
fn the_known_figures_of_the_error_ratio_are_reached() {
    let run = |canary| {
        errors_only().simulate(&Scenario::new(100.0).errors(0.01, canary), 1_000, 1).unwrap()
    };
    let healthy = run(0.01);
    assert!(healthy.rollback.p <= 0.05, "false rollbacks: {}", healthy.rollback);
    assert!(healthy.rollback.p > 0.0, "no test without power");
    let doubled = run(0.02);
    assert!(doubled.rollback.p >= 0.80, "{}", doubled.rollback);
    let broken = run(0.05);
    assert_eq!(broken.rollback.p, 1.0);
    let median = broken.requests_to_rollback.median;
    assert!((800.0..1_100.0).contains(&median), "{median}");
    assert!((0.07 * median..0.13 * median).contains(&broken.exposure.median));
}

#[test]
fn a_wrong_split_is_inconclusive_and_a_right_one_is_not() {
    let plan = Plan::new("a", "b", "c")
        .weights([30, 100], Hold::total_requests(20_000))
        .settle(Duration::ZERO)
        .guardrail(Guardrail::error_ratio(1.0));
    let right = plan.simulate(&Scenario::new(100.0).errors(0.01, 0.01), 200, 2).unwrap();
    assert!(right.inconclusive.p <= 0.02, "{}", right.inconclusive);
    let scenario = Scenario { split_error: -10.0, ..Scenario::new(100.0).errors(0.01, 0.05) };
    let wrong = plan.simulate(&scenario, 200, 2).unwrap();
    assert!(wrong.inconclusive_because["split"] > 150, "{wrong:?}");
    let quiet = plan
        .simulate(&Scenario { errors: super::super::Rates::default(), ..scenario }, 200, 2)
        .unwrap();
    assert_eq!(quiet.inconclusive.p, 1.0);
    assert!((200.0..400.0).contains(&quiet.requests.median), "{}", quiet.requests);
}

#[test]
fn pairs_catch_what_rates_do_not_see() {
    let plan = Plan::new("a", "b", "c")
        .header("user-group", "canary")
        .weights([10, 100], Hold::total_requests(2_000).and_pairs(2_000))
        .guardrail(Guardrail::agreement(0.95));
    let run =
        |agreement| plan.simulate(&Scenario::new(50.0).pairs(50.0, agreement), 60, 3).unwrap();
    assert!(run(0.95).rollback.p <= 0.05);
    let bad = run(0.90);
    assert_eq!((bad.rollback.p, bad.rolled_back_by["agreement"]), (1.0, 60));
}

#[test]
fn every_guardrail_can_be_simulated() {
    let base = Plan::new("a", "b", "c")
        .header("user-group", "canary")
        .weights([20, 100], Hold::total_requests(4_000));
    let scenario = Scenario::new(100.0).pairs(20.0, 1.0);
    let caught = |guardrail: Guardrail, scenario: Scenario| {
        let name = guardrail.name.clone();
        let simulation = base.clone().guardrail(guardrail).simulate(&scenario, 20, 4).unwrap();
        assert_eq!(simulation.rolled_back_by.get(&name), Some(&20), "{name}: {simulation:?}");
    };
    caught(Guardrail::slow_ratio(1.0), scenario.slow(0.05, 0.3));
    let only_right = super::super::Rates::new(0.2, 0.02);
    caught(Guardrail::accuracy(), Scenario { only_right, ..scenario });
    caught(
        Guardrail::numeric_drift(0.02),
        Scenario { drift: -0.15, drift_deviation: 0.2, ..scenario },
    );
    caught(Guardrail::custom("sure", 0.9), Scenario { custom: 0.7, ..scenario });
}

#[test]
fn halves_of_pairs_fail_as_often_as_requests_do() {
    let plan = Plan::new("a", "b", "c")
        .header("user-group", "canary")
        .weights([20, 100], Hold::total_requests(4_000).and_pairs(800));
    let scenario = |stable, canary| Scenario::new(100.0).pairs(20.0, 1.0).errors(stable, canary);
    let run = |guardrail: Guardrail, scenario: &Scenario| {
        plan.clone().guardrail(guardrail).simulate(scenario, 200, 4).unwrap()
    };
    let broken = run(Guardrail::pair_errors(), &scenario(0.01, 0.3));
    assert!(broken.rolled_back_by["pairErrors"] > 190, "{broken:?}");
    // No more than its α where the canary is no worse.
    let alike = run(Guardrail::pair_errors(), &scenario(0.1, 0.1));
    assert!(alike.rollback.p <= 0.1, "{alike:?}");
    // A failed half agrees with nothing and scores nothing; where the stable half fails too, there is no comparison.
    let disagrees = run(Guardrail::agreement(0.9), &scenario(0.01, 0.3));
    assert!(disagrees.rolled_back_by["agreement"] > 190, "{disagrees:?}");
    let scores = run(Guardrail::custom("sure", 0.9), &scenario(0.01, 0.3));
    assert!(scores.rolled_back_by["sure"] > 190, "{scores:?}");
    let stable_fails = run(Guardrail::custom("sure", 0.9), &scenario(0.3, 0.0));
    assert_eq!(stable_fails.rolled_back_by.get("sure"), None, "{stable_fails:?}");
}

/// Beyond the hold a run waits for the proof alone: for a narrower margin longer, at most as long as its patience.
#[test]
fn proofs_are_waited_for() {
    let run = |bound, canary| {
        let mut plan = errors_only().patience(Duration::from_secs(1_200));
        plan.guardrails[0] = Guardrail::error_ratio(1.0).proven(bound);
        plan.steps[0].weight = 30.into();
        plan.steps[0].hold = Hold::requests(1_000);
        plan.simulate(&Scenario::new(100.0).errors(0.01, canary), 100, 9).unwrap()
    };
    let (wide, narrow) = (run(3.0, 0.01), run(1.7, 0.01));
    assert!(wide.promote.p >= 0.9 && narrow.promote.p >= 0.8, "{wide:?} {narrow:?}");
    assert!(wide.requests.median > 1_500.0, "{}", wide.requests);
    assert!(narrow.requests.median > 2.0 * wide.requests.median, "{}", narrow.requests);
    // A proof is seldom false, and a run without one ends with the patience.
    let harmful = run(1.7, 0.017);
    assert!(harmful.promote.p <= 0.1, "{harmful:?}");
    let waiting = run(1.01, 0.01);
    assert!(waiting.promote.p <= 0.05, "{waiting:?}");
    let unproven = waiting.inconclusive_because["harmNotExcluded"];
    assert!(unproven >= 90 && (120_000.0..120_300.0).contains(&waiting.requests.median));
}

#[test]
fn without_traffic_nothing_is_decided() {
    let plan = errors_only().patience(Duration::from_secs(600));
    let simulation = plan.simulate(&Scenario::new(0.0), 3, 1).unwrap();
    assert_eq!(simulation.inconclusive_because["notEnoughData"], 3);
    assert_eq!(simulation.seconds.median, 600.0);
    let slow = plan.simulate(&Scenario::new(0.01), 3, 1).unwrap();
    assert_eq!((slow.inconclusive.p, slow.requests.max), (1.0, 6.0));
}

#[test]
fn holds_of_time_take_that_time() {
    let mut plan = errors_only();
    plan.steps[0].hold = Hold::time(Duration::from_secs(300));
    let simulation = plan.simulate(&Scenario::new(7.0), 2, 1).unwrap();
    assert_eq!(simulation.promote.p, 1.0);
    assert!((300.0..301.0).contains(&simulation.seconds.median), "{}", simulation.seconds);
    assert!((2_098.0..2_102.0).contains(&simulation.requests.median), "{}", simulation.requests);
}

#[test]
fn a_seed_says_everything() {
    let scenario = Scenario::new(100.0).errors(0.01, 0.02);
    let run = |seed| errors_only().simulate(&scenario, 20, seed).unwrap();
    assert_eq!(run(5), run(5));
    assert_ne!(run(5).requests, run(6).requests);
    // Part of the contract: the same on every platform and in every release, unless the changelog states a change.
    let Simulation { rollback, requests, .. } = run(5);
    assert_eq!((rollback.p, requests.median, requests.mean), (0.7, 14_068.0, 12_323.65));
}

#[test]
fn bad_numbers_are_named() {
    let message = |scenario: Scenario, runs| {
        errors_only().simulate(&scenario, runs, 1).unwrap_err().to_string()
    };
    assert!(message(Scenario::new(f64::NAN), 1).contains("rate is NaN"));
    assert!(message(Scenario::new(1.0).errors(0.1, 1.5), 1).contains("errors.canary is 1.5"));
    assert!(message(Scenario::default(), 0).contains("0 runs"));
    let invalid = errors_only().alpha(0.0).simulate(&Scenario::default(), 1, 1);
    assert!(matches!(invalid, Err(Error::Istio(_))));
    let harmless = errors_only().power(&Scenario::new(100.0), 0.9, 5, 1).unwrap_err().to_string();
    assert!(harmless.contains("guardrail"), "{harmless}");
}

#[test]
fn a_tenth_of_a_percent_is_some_traffic() {
    let tenth = Percent::new(0.1).unwrap();
    let plan = Plan::new("a", "b", "c")
        .weights([tenth, 10.into(), 100.into()], Hold::requests(30))
        .settle(Duration::ZERO)
        .bursts(crate::Bursts::None)
        .guardrail(Guardrail::error_ratio(1.0));
    let run = |canary| plan.simulate(&Scenario::new(10_000.0).errors(0.01, canary), 60, 4).unwrap();
    let healthy = run(0.01);
    assert!(healthy.promote.p >= 0.9, "{healthy:?}");
    assert!((25_000.0..35_000.0).contains(&healthy.requests.median), "{}", healthy.requests);
    let dead = run(1.0);
    // The observed split alarms falsely once in a hundred runs.
    assert!(dead.rollback.p >= 0.95 && dead.promote.p == 0.0, "{dead:?}");
    assert!(dead.exposure.max < 30.0, "all in the first step: {}", dead.exposure);
    // A mesh that gives the canary no request, and one that gives it ten times its share.
    for points in [-0.1, 0.9] {
        let scenario = Scenario { split_error: points, ..Scenario::new(10_000.0) };
        let wrong = plan.simulate(&scenario, 20, 4).unwrap();
        assert_eq!(wrong.promote.p, 0.0, "{points}: {wrong:?}");
    }
}
