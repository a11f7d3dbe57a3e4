use std::time::Duration;

use canary_istio::Findings;

use crate::{Approval, Check, Gate, Guardrail, Hold, Otherwise, Percent, Plan};

fn good() -> Plan {
    Plan::new("image-classifier", "resnet50", "resnet101")
        .header("user-group", "canary")
        .weights([5, 30, 100], Hold::total_requests(1_000))
        .guardrail(Guardrail::error_ratio(1.0))
        .guardrail(Guardrail::agreement(0.95))
}

/// The paths of the errors.
fn paths(plan: &Plan) -> Vec<String> {
    plan.validate().errors().map(|finding| finding.path.clone()).collect()
}

#[test]
fn a_good_plan_has_no_findings() {
    assert_eq!(good().validate(), Findings::new());
}

#[test]
fn weights_only_rise() {
    assert_eq!(
        paths(&good().weights([5, 30, 10, 100], Hold::total_requests(90))),
        ["steps[2].weight"]
    );
    assert_eq!(
        paths(&good().weights([5, 130, 100], Hold::total_requests(90))),
        ["steps[1].weight", "steps[1].hold", "steps[2].weight"]
    );
    let twice = good().weights([5, 5, 100], Hold::total_requests(90)).validate();
    assert_eq!(twice.warnings().count(), 1);
    assert_eq!(
        paths(&good().weights([Percent::ALL; 0], Hold::total_requests(90)).blue_green(0)),
        ["steps[0].hold.pairs", "guardrails[0].errorRatio"]
    );
}

#[test]
fn a_weight_below_one_percent_divides_the_traffic() {
    let steps = |weights: &[f64]| {
        let weights: Vec<_> = weights.iter().map(|weight| Percent::new(*weight).unwrap()).collect();
        good().weights(weights, Hold::total_requests(90_000))
    };
    assert_eq!(steps(&[0.1, 0.101, 99.999, 100.0]).validate(), Findings::new());
    assert_eq!(steps(&[0.001, 100.0]).validate(), Findings::new());
    assert_eq!(paths(&steps(&[0.2, 0.1, 100.0])), ["steps[1].weight"]);
    let over = steps(&[0.1, 100.001]).validate();
    let found = over.errors().map(|one| (&*one.path, one.found.as_deref()));
    assert_eq!(found.collect::<Vec<_>>()[0], ("steps[1].weight", Some("100.001")));
    // Nearly all is not all.
    assert_eq!(paths(&steps(&[0.1, 99.999])), ["steps[1].weight"]);
}

#[test]
fn a_hold_shows_something() {
    let zero = Hold {
        requests: Some(0),
        total_requests: Some(0),
        pairs: Some(0),
        time: Some(Duration::ZERO),
    };
    let plan = good().weights([5, 100], zero);
    assert_eq!(
        paths(&plan),
        [
            "steps[0].hold.requests",
            "steps[0].hold.totalRequests",
            "steps[0].hold.pairs",
            "steps[0].hold.time"
        ]
    );
    assert_eq!(paths(&good().weights([5, 100], Hold::default())), ["steps[0].hold"]);
    assert_eq!(
        paths(&good().weights([5, 50], Hold::default())),
        ["steps[0].hold", "steps[1].hold", "steps[1].weight"]
    );
    let long = good().weights([5, 100], Hold::time(Duration::from_secs(7200)));
    assert_eq!(paths(&long), ["steps[0].hold.time"]);
}

#[test]
fn alpha_is_a_probability_and_every_guardrail_has_some() {
    for alpha in [0.0, 1.0, -0.1, f64::NAN] {
        assert_eq!(paths(&good().alpha(alpha)), ["alpha"], "{alpha}");
    }
    assert_eq!(good().alpha(0.5).validate().warnings().count(), 1);
    for share in [0.0, -1.0, f64::INFINITY, f64::NAN] {
        let plan = good().guardrail(Guardrail::accuracy().share(share));
        assert_eq!(paths(&plan), ["guardrails[3].share"], "{share}");
    }
}

#[test]
fn alpha_is_shared_by_weight_and_the_split_pays_for_itself() {
    let plan = good().guardrail(Guardrail::accuracy().share(2.0));
    let spent: f64 =
        plan.guardrails.iter().filter(|g| g.check.spends_alpha()).map(|g| plan.alpha_of(g)).sum();
    assert!((spent - 0.05).abs() < 1e-15);
    assert!((plan.alpha_of(&plan.guardrails[3]) - 0.025).abs() < 1e-15);
    assert!((plan.alpha_of(&plan.guardrails[0]) - 0.01).abs() < 1e-15);
}

#[test]
fn a_guardrail_without_its_evidence_is_refused() {
    let mut headless = good();
    headless.header = None;
    assert_eq!(paths(&headless), ["guardrails[2].agreement"]);
    let undivided = good().weights([0, 100], Hold::time(Duration::from_secs(1)));
    assert_eq!(paths(&undivided), ["guardrails[0].observedSplit", "guardrails[1].errorRatio"]);
    let shadow = headless.shadow_first(50, 200, [5, 100], Hold::total_requests(90));
    assert_eq!(shadow.validate(), Findings::new(), "a mirror gives pairs without a header");
    let mut pairs = good().weights([5, 100], Hold::pairs(20));
    pairs.guardrails.truncate(2);
    pairs.header = None;
    assert_eq!(paths(&pairs), ["steps[0].hold.pairs"]);
}

#[test]
fn the_bounds_of_the_tests_are_ordered() {
    let learned = |quantile, warmup| {
        let mut guardrail = Guardrail::slow_ratio(1.0);
        if let Check::SlowRatio(check) = &mut guardrail.check {
            (check.quantile, check.warmup) = (quantile, warmup);
        }
        guardrail
    };
    let bad = [
        Guardrail::error_ratio(0.0).named("a"),
        Guardrail::error_ratio(1.2).proven(1.1).named("b"),
        Guardrail::agreement(1.0).named("c"),
        Guardrail::agreement(0.9).proven(0.95).named("d"),
        Guardrail::accuracy().proven(0.6).named("e"),
        Guardrail::numeric_drift(-0.1).named("f"),
        Guardrail::numeric_drift(0.1).proven(-0.05).named("g"),
        Guardrail::custom("h", 0.0),
        Guardrail::slower_than(Duration::ZERO, 1.0).named("i"),
        Guardrail::error_ratio(f64::NAN).named("j"),
        learned(0.95, 19).named("k"),
        learned(0.999, 500).named("l"),
        learned(1.0, 500).named("m"),
    ];
    for guardrail in bad {
        let plan = good().guardrail(guardrail.clone());
        assert!(!paths(&plan).is_empty(), "{guardrail:?}: {}", plan.validate());
    }
    let fine = good().guardrail(Guardrail::numeric_drift(0.02).proven(-0.1));
    assert_eq!(paths(&fine), [""; 0]);
}

#[test]
fn names_are_unique_and_gates_are_defined() {
    assert_eq!(paths(&good().guardrail(Guardrail::agreement(0.9))), ["guardrails[3].name"]);
    assert_eq!(
        paths(&good().guardrail(Guardrail::observed_split().named("x"))),
        ["guardrails[3].name"]
    );
    let mut plan = good();
    plan.steps[0].gates.push("golden".into());
    assert_eq!(paths(&plan), ["steps[0].gates"]);
    assert_eq!(paths(&plan.clone().gate(Gate::new("golden"))), ["gates[0].golden"]);
    let plan = plan.gate(Gate::new("golden").image("a.jpg", "cat"));
    assert_eq!(paths(&plan), [""; 0]);
    assert_eq!(paths(&Plan { canary: "resnet50".into(), ..good() }), ["canary"]);
    assert_eq!(paths(&Plan { canary: "ResNet".into(), ..good() }), ["canary"]);
    assert_eq!(paths(&good().header("User-Group", "")), ["header.name", "header.value"]);
}

#[test]
fn the_presets_are_valid() {
    let minute = Duration::from_secs(60);
    let base = good;
    let hold = Hold::total_requests(500);
    for plan in [
        base().header_first("user-group", "canary", minute, hold),
        base().linear(20, hold),
        base().exponential(1, 3, hold),
        base().shadow_first(50, 200, [10, 100], hold),
    ] {
        assert_eq!(plan.validate(), Findings::new(), "{plan:?}");
    }
    let blue_green = Plan::new("a", "blue", "green")
        .header("user-group", "canary")
        .guardrail(Guardrail::agreement(0.95))
        .blue_green(300);
    assert_eq!(blue_green.validate(), Findings::new());
}

#[test]
fn a_plan_ends_at_100_and_sees_the_canary_before() {
    let fifty = good().weights([10, 50], Hold::requests(50));
    let findings = fifty.validate();
    let found = findings.errors().next().unwrap();
    assert_eq!((found.code.as_str(), found.path.as_str()), ("C122", "steps[1].weight"));
    assert!(found.to_string().contains("add a last step of weight 100"), "{found}");

    let mut blind = good().weights([0, 100], Hold::time(Duration::from_secs(1)));
    blind.guardrails.clear();
    assert!(blind.validate().errors().any(|finding| finding.code == "C123"));
    let mut at_once = good().weights([100], Hold::default());
    at_once.guardrails.clear();
    assert!(at_once.validate().errors().any(|finding| finding.code == "C123"));
    let mut paired = good().blue_green(300);
    paired.guardrails.remove(0);
    assert_eq!(paired.validate(), Findings::new());
}

#[test]
fn a_hold_below_the_least_number_of_observations_is_refused() {
    let few = good().weights([5, 30, 100], Hold::requests(19));
    assert_eq!(paths(&few), ["steps[0].hold.requests", "steps[1].hold.requests"]);
    let mut stated = few;
    for guardrail in &mut stated.guardrails {
        guardrail.minimum = 10;
    }
    assert_eq!(paths(&stated), Vec::<String>::new());
    assert_eq!(paths(&good().weights([5, 100], Hold::pairs(19))), ["steps[0].hold.pairs"]);
    let none = good().guardrail(Guardrail::pair_errors().minimum(0));
    assert_eq!(paths(&none), ["guardrails[3].minimum"]);
    let at_zero = good().weights([0, 5, 100], Hold::requests(100));
    assert_eq!(paths(&at_zero), ["steps[0].hold.requests"]);
}

#[test]
fn no_more_pairs_than_a_rollout_remembers_are_required() {
    let many = good().weights([5, 50, 100], Hold::pairs(13_001));
    assert_eq!(paths(&many), ["steps"]);
    assert_eq!(paths(&good().weights([5, 50, 100], Hold::pairs(13_000))), Vec::<String>::new());
}

#[test]
fn what_is_slow_has_ended_by_the_request_timeout() {
    let slow = Guardrail::slower_than(Duration::from_secs(20), 1.0);
    let plan = good().guardrail(slow);
    assert_eq!(paths(&plan), ["guardrails[3].slowRatio.threshold"]);
    let raised = plan.request_timeout(Duration::from_secs(30));
    assert_eq!(paths(&raised), Vec::<String>::new());
    let impatient = raised.patience(Duration::from_secs(20));
    assert_eq!(impatient.validate().warnings().count(), 1);
}

#[test]
fn an_approval_that_is_overdue_has_a_time() {
    let with = |approval: Approval| {
        let mut plan = good();
        plan.steps[2].approve = Some(approval);
        paths(&plan)
    };
    let hour = Duration::from_secs(3_600);
    assert_eq!(with(Approval::new()), [""; 0]);
    assert_eq!(with(Approval::new().timeout(hour).otherwise(Otherwise::Rollback)), [""; 0]);
    assert_eq!(with(Approval::new().timeout(Duration::ZERO)), ["steps[2].approve.timeout"]);
    assert_eq!(
        with(Approval::new().otherwise(Otherwise::Rollback)),
        ["steps[2].approve.otherwise"]
    );
}
