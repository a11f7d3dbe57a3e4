use super::*;

const TEXT: &str = "
target: {virtualService: image-classifier, namespace: vision, route: predict}
stable: resnet50
canary: resnet101
header: {name: user-group, value: canary}
steps:
- weight: 0
  mirror: 50
  hold: {pairs: 300, time: 1m 30s}
  gates: [golden]
- {weight: 30, hold: {requests: 4000}}
- weight: 100
guardrails:
- observedSplit: {}
- errorRatio: {atMost: 1.0, provenBelow: 1.5}
  share: 2
- {name: latency, slowRatio: {atMost: 1.1, threshold: 250ms}}
- agreement: {atLeast: 0.95}
gates:
- name: golden
  golden: [{input: grace_hopper.jpg, answer: military uniform}]
patience: 2h
onInconclusive: rollback
";

#[test]
fn a_plan_reads_as_people_write_it() {
    let plan = Plan::from_yaml(TEXT).unwrap();
    assert!(plan.validate().is_empty(), "{}", plan.validate());
    let mut same = Plan::new("image-classifier", "resnet50", "resnet101")
        .namespace("vision")
        .route("predict")
        .header("user-group", "canary")
        .step(
            Step::new(0)
                .mirror(50)
                .hold(Hold::pairs(300).and_time(Duration::from_secs(90)))
                .gate("golden"),
        )
        .step(Step::new(30).hold(Hold::requests(4_000)))
        .step(Step::new(100))
        .guardrail(Guardrail::error_ratio(1.0).proven(1.5).share(2.0))
        .guardrail(Guardrail::slower_than(Duration::from_millis(250), 1.1).named("latency"))
        .guardrail(Guardrail::agreement(0.95))
        .gate(Gate::new("golden").image("grace_hopper.jpg", "military uniform"))
        .patience(Duration::from_secs(7_200));
    same.on_inconclusive = OnInconclusive::Rollback;
    assert_eq!(plan, same);
    assert_eq!(Plan::from_yaml(&plan.to_yaml().unwrap()).unwrap(), plan);
    assert_eq!(Plan::from_json(&serde_json::to_string(&plan).unwrap()).unwrap(), plan);
}

#[test]
fn unknown_fields_are_errors_that_say_where() {
    let error = Plan::from_yaml(&TEXT.replace("weight: 0", "wieght: 0")).unwrap_err().to_string();
    assert!(error.contains("wieght") && error.contains("line 7"), "{error}");
    let error = Plan::from_yaml(&TEXT.replace("{atLeast: 0.95}", "{atMost: 0.95}")).unwrap_err();
    assert!(error.to_string().contains("atMost"), "{error}");
}

#[test]
fn the_hash_is_of_the_meaning_and_never_changes() {
    let plan = Plan::from_yaml(TEXT).unwrap();
    let reordered = Plan::from_yaml(&TEXT.replace("patience: 2h", "patience: 120m")).unwrap();
    assert_eq!(plan.hash(), reordered.hash());
    assert_ne!(plan.hash(), plan.clone().alpha(0.01).hash());
    // Part of the contract: states in clusters refer to it.
    let small = Plan::new("a", "b", "c").weights([100], Hold::default());
    assert_eq!(small.hash(), "f7e1442b8297b7c5c18f81aeeb89362a");
}
