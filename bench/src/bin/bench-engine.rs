//! Measurements without a peer: routing decisions, analysis, observations and simulated traffic. One line of JSON for
//! each.
//!
//! `bench-engine [seconds for each operation]`

#![allow(clippy::cast_precision_loss, reason = "counts become averages")]

use std::{error::Error, hint::black_box, sync::Arc, time::Duration};

use canary_bench::{least, report};
use canary_core::{
    DestinationRule, Gateway, Mesh, Plan, Request, VirtualService,
    analyze::{Inventory, Subject, analyze},
    evidence::{
        Answer, Arm, Observation, Pair, Request as SeenRequest, ScoreValue, Seen, Timestamp,
    },
    istio::{HttpMatchRequest, StringMatch},
    rollout::{Action, Event, Guardrail, Hold, Machine, Phase, Scenario, State},
};

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

fn main() -> Outcome {
    let seconds: f64 = std::env::args().nth(1).map_or(Ok(0.3), |text| text.parse())?;
    let budget = Duration::from_secs_f64(seconds);
    for rules in [50, 100, 200, 400] {
        routing(rules, budget)?;
    }
    for count in [1_000, 10_000, 100_000] {
        analysis(count, budget)?;
    }
    observation(budget)?;
    for climbing in [false, true] {
        every_guardrail(climbing, budget)?;
    }
    simulation(budget)
}

/// Rules on a header, a path, or a method and the query, a third each, before one for all the rest: the request
/// passes every one of them.
fn routing(rules: usize, budget: Duration) -> Outcome {
    let gateway = Gateway::http("edge", 80, ["*"]);
    let subsets = DestinationRule::subsets("models", ["resnet50", "resnet101"]);
    let mut split = VirtualService::weighted("models", [("resnet50", 70), ("resnet101", 30)])
        .hosts(["*"])
        .gateway("edge")
        .port(8501);
    let last = split.spec.http.take().and_then(|mut http| http.pop()).ok_or("no route")?;
    let mut http: Vec<_> = (0..rules - 1)
        .map(|index| {
            let mut matches = HttpMatchRequest::default();
            let text = |text: String| StringMatch::exact(text);
            match index % 3 {
                0 => {
                    let header = ("user-group".to_owned(), text(format!("group-{index}")));
                    matches.headers = Some([header].into());
                }
                1 => matches.uri = Some(StringMatch::prefix(format!("/v1/models/model-{index}"))),
                _ => {
                    matches.method = Some(StringMatch::exact("POST"));
                    let variant = ("variant".to_owned(), text(index.to_string()));
                    matches.query_params = Some([variant].into());
                }
            }
            let mut rule = last.clone();
            rule.matches = Some(vec![matches]);
            rule
        })
        .collect();
    http.push(last);
    split.spec.http = Some(http);
    let mesh = Mesh::new([&gateway, &subsets, &split])?;
    let mut request =
        Request::post("http://203.0.113.7/v1/models/image_classifier:predict?trace=on")
            .header("content-type", "application/json")
            .header("accept-encoding", "gzip")
            .header("user-agent", "canary")
            .header("x-request-id", "00000000-0000-0000-0000-000000000000")
            .header("user-group", "staff");
    let mut canary = 0_u64;
    let mut sent = 0_u64;
    let nanoseconds = least(budget, || {
        request.random = sent;
        sent += 1;
        let decision = mesh.route(black_box(&request));
        let subset = decision.cluster().and_then(|cluster| cluster.subset.as_deref());
        canary += u64::from(subset == Some("resnet101"));
    });
    let share = canary as f64 / sent as f64;
    if (share - 0.3).abs() > 0.02 {
        return Err(format!("{share} of the requests went to the canary, expected 0.3").into());
    }
    report("routing", nanoseconds, &[("size", rules.into())])?;
    Ok(())
}

/// Services with rules, and a gateway for ten of them, all of them different.
fn analysis(count: usize, budget: Duration) -> Outcome {
    let mut gateways = Vec::new();
    let mut services = Vec::new();
    let mut rules = Vec::new();
    for number in 0..count * 10 / 21 {
        let (name, namespace) = (format!("s{number}"), format!("n{}", number % 100));
        let host = format!("{name}.{namespace}.svc.cluster.local");
        let metadata = serde_json::json!({"name": name, "namespace": namespace});
        let edge = number / 10 * 10;
        let to = |subset: &str| serde_json::json!({"host": host, "subset": subset});
        services.push(serde_json::from_value::<VirtualService>(serde_json::json!({
            "metadata": metadata,
            "spec": {"hosts": [host], "gateways": ["mesh", format!("n{}/s{edge}", edge % 100)], "http": [
                {"match": [{"uri": {"prefix": "/v1/models/"}, "headers": {"user-group": {"exact": "canary"}}}],
                 "route": [{"destination": to("v2")}], "timeout": "30s"},
                {"route": [{"destination": to("v1"), "weight": 90}, {"destination": to("v2"), "weight": 10}]},
            ]},
        }))?);
        rules.push(serde_json::from_value::<DestinationRule>(serde_json::json!({
            "metadata": metadata,
            "spec": {"host": host, "subsets": [
                {"name": "v1", "labels": {"version": "v1"}}, {"name": "v2", "labels": {"version": "v2"}}]},
        }))?);
        if number % 10 == 0 {
            let hosts = [format!("*/*.h{number}.com"), "*/*.svc.cluster.local".to_owned()];
            let mut gateway = Gateway::http(&name, 80, hosts);
            gateway.metadata.namespace = Some(namespace);
            gateways.push(gateway);
        }
    }
    let total = gateways.len() + services.len() + rules.len();
    let nanoseconds = least(budget, || {
        let subjects = gateways.iter().map(Subject::from).chain(services.iter().map(Subject::from));
        let subjects = subjects.chain(rules.iter().map(Subject::from));
        analyze(subjects, &Inventory::default()).findings.len()
    });
    report("analysis", nanoseconds, &[("size", total.into())])?;
    Ok(())
}

fn plan() -> Plan {
    Plan::new("image-classifier", "resnet50", "resnet101")
        .alpha(0.05)
        .weights([10, 100], Hold::total_requests(1_000_000_000))
        .settle(Duration::ZERO)
        .guardrail(Guardrail::error_ratio(1.0))
        .guardrail(Guardrail::slower_than(Duration::from_millis(250), 1.0))
}

/// A run of the plan in its first hold.
fn holding(machine: &Machine) -> Outcome<State> {
    let mut state = machine.begin(Timestamp(0))?;
    let mut actions = Vec::new();
    machine.advance(&mut state, Event::Started(Timestamp(0)), &mut actions);
    while let Some(action) = actions.pop() {
        let event = match action {
            Action::Inspect => Event::Inspected(Ok(())),
            Action::Prepare => Event::Prepared { header_route: true },
            Action::Probe => Event::Probed(Ok(())),
            Action::Write { .. } => Event::Written,
            _ => continue,
        };
        machine.advance(&mut state, event, &mut actions);
    }
    if *state.phase() != Phase::Holding {
        return Err(format!("the run is in phase {:?}, expected a hold", state.phase()).into());
    }
    Ok(state)
}

/// Requests of which one in a hundred fails and one in twenty is slow, into a split, an error and a slow guardrail.
fn observation(budget: Duration) -> Outcome {
    let machine = Machine::new(plan())?;
    let fresh = holding(&machine)?;
    let source: Arc<str> = "bench".into();
    let block: Vec<Observation> = (0_u64..1_000)
        .map(|number| Observation {
            source: Arc::clone(&source),
            sequence: None,
            at: Timestamp(1),
            what: Seen::Request(SeenRequest {
                failed: number % 101 == 0,
                ..SeenRequest::served(
                    if number % 10 == 0 { Arm::Canary } else { Arm::Stable },
                    Duration::from_millis(if number % 21 == 0 { 300 } else { 30 }),
                )
            }),
        })
        .collect();
    let mut actions = Vec::new();
    let nanoseconds = least(budget, || {
        let mut state = fresh.clone();
        for seen in &block {
            machine.advance(&mut state, Event::Observed(seen.clone()), &mut actions);
        }
        state.totals()
    });
    report("observation", nanoseconds / block.len() as f64, &[("guardrails", 3.into())])?;
    Ok(())
}

/// Requests into the guardrails of traffic and pairs into those of answers; a canary without harm, or one against which
/// the evidence climbs at nearly every observation. α is so small that the run continues nevertheless.
fn every_guardrail(climbing: bool, budget: Duration) -> Outcome {
    let plan = plan()
        .alpha(1e-250)
        .header("user-group", "canary")
        .guardrail(Guardrail::agreement(0.95))
        .guardrail(Guardrail::accuracy())
        .guardrail(Guardrail::numeric_drift(0.02))
        .guardrail(Guardrail::custom("sure", 0.6));
    let machine = Machine::new(plan)?;
    let fresh = holding(&machine)?;
    let source: Arc<str> = "bench".into();
    let seen = |what| {
        let source = Arc::clone(&source);
        Observation { source, sequence: None, at: Timestamp(1), what }
    };
    let request = |number: u64| {
        let canary = number.is_multiple_of(10);
        // Half of the canary's requests: one that fails most of them ends the run without any guardrail.
        let bad = if climbing { number.is_multiple_of(20) } else { number.is_multiple_of(101) };
        seen(Seen::Request(SeenRequest {
            failed: bad,
            ..SeenRequest::served(
                if canary { Arm::Canary } else { Arm::Stable },
                Duration::from_millis(if bad { 300 } else { 30 }),
            )
        }))
    };
    let every = if climbing { 3 } else { 100 };
    let pair = |number: u64| {
        let class = if number.is_multiple_of(every) { "dog" } else { "cat" };
        seen(Seen::Pair(Pair {
            input: None,
            name: None,
            stable: Answer::new("cat", 0.9),
            canary: Answer::new(class, if climbing { 0.6 } else { 0.9 }),
            label: Some("cat".to_owned()),
        }))
    };
    let score = |number: u64| {
        let value = if climbing && number.is_multiple_of(2) { 0.2 } else { 0.9 };
        seen(Seen::Score(ScoreValue { guardrail: "sure".into(), value, given: None }))
    };
    let kinds: [(&str, u64, Vec<Observation>); 3] = [
        ("request", 3, (0..200).map(request).collect()),
        ("pair", 3, (0..200).map(pair).collect()),
        ("score", 1, (0..200).map(score).collect()),
    ];
    for (kind, guardrails, block) in kinds {
        let run = |block: Vec<Observation>| {
            let (mut state, mut actions) = (fresh.clone(), Vec::new());
            for seen in block {
                machine.advance(&mut state, Event::Observed(seen), &mut actions);
            }
            state
        };
        let ended = run(block.clone());
        if ended.is_decided() {
            return Err(format!("{}: nothing was timed", ended.verdict()).into());
        }
        // An observation is passed by value, so the time of the copies is measured separately.
        let copies = least(budget, || block.clone());
        let both = least(budget, || run(block.clone()));
        let each = (both - copies).max(0.0) / block.len() as f64;
        let name = format!("{kind}, {}", if climbing { "evidence climbs" } else { "no harm" });
        report("guardrail", each, &[("kind", name.into()), ("guardrails", guardrails.into())])?;
    }
    Ok(())
}

/// Whole runs of a plan without harm, whose tests see every bad request.
fn simulation(budget: Duration) -> Outcome {
    let mut plan = plan();
    plan.guardrails.retain(|guardrail| guardrail.check.kind() != "observedSplit");
    for step in &mut plan.steps {
        step.hold = Hold::total_requests(500_000);
    }
    let scenario = Scenario::new(1_000.0).errors(0.01, 0.01);
    let once = plan.simulate(&scenario, 4, 7)?;
    let requests = once.requests.mean * 4.0;
    let nanoseconds = least(budget, || plan.simulate(&scenario, 4, 7).map(|done| done.runs));
    report("simulation", nanoseconds / requests, &[("requests", requests.into())])?;
    Ok(())
}
