//! Restored states: identical to the last bit, with the same continuation.

use std::time::Duration;

use super::{
    Action, Bursts, Event, Guardrail, Hold, Machine, Plan, ProvenOn, State, Verdict,
    guardrail::Check, monitor::Monitor,
};
use crate::evidence::{
    Answer, Arm, Counts, Observation, Pair, Request, ScoreValue, Seen, Timestamp, Window,
};
use canary_stats::Random;

fn guardrails() -> Vec<Guardrail> {
    let mut frozen = Guardrail::slow_ratio(1.1).named("slow over 0.3 s").proven(2.0);
    if let Check::SlowRatio(check) = &mut frozen.check {
        check.threshold = Some(Duration::from_millis(300));
    }
    vec![
        Guardrail::observed_split(),
        Guardrail::error_ratio(1.0).proven(1.5),
        Guardrail::slow_ratio(1.0).proven(1.7),
        frozen,
        Guardrail::agreement(0.9).proven(0.85),
        Guardrail::accuracy().proven(-0.05),
        Guardrail::numeric_drift(0.01).proven(-0.04),
        Guardrail::custom("sure", 0.8).proven(0.75),
        Guardrail::error_rate(0.12).proven(0.3),
        Guardrail::error_rate_and_worse(0.12, 1.0).named("worse than 12 %"),
        Guardrail::mean("revenue", 0.0, 60.0, 0.5).proven(15.0),
    ]
}

/// The plan of these guardrails, whose guard has short windows.
fn plan_of(guardrail: &Guardrail) -> Plan {
    Plan::new("s", "a", "b")
        .weights([30, 50, 100], Hold::requests(100))
        .guardrail(guardrail.clone())
        .bursts(Bursts::Window(Duration::from_millis(1)))
}

/// Something that was seen, with numbers of many digits.
fn seen(random: &mut Random, harm: f64, since: Timestamp) -> Seen {
    let arm = if random.bernoulli(0.3) { Arm::Canary } else { Arm::Stable };
    let worse = if arm == Arm::Canary { harm } else { 1.0 };
    match random.below(10) {
        0 => {
            let mut counts = |requests, worse: f64| {
                let failed = random.binomial(requests, 0.1 * worse);
                Counts { requests, failed, slow: random.binomial(requests, 0.05 * worse) }
            };
            let (stable, canary) = (counts(70, 1.0), counts(30, harm));
            Seen::Window(Window { since, stable, canary, ..Window::default() })
        }
        1..4 => {
            let label = if random.bernoulli(0.5 + 0.1 * (2.0 - harm)) { "cat" } else { "dog" };
            let agrees = random.bernoulli(1.0 - 0.08 * harm);
            let stable = random.uniform();
            let canary = (stable + 0.05 * random.normal() - 0.02 * (harm - 1.0)).clamp(0.0, 1.0);
            let canary = Answer::new(if agrees { "cat" } else { "dog" }, canary);
            let stable = Answer::new("cat", stable);
            let label = random.bernoulli(0.5).then(|| label.to_owned());
            Seen::Pair(Pair { input: Some(random.bits()), name: None, stable, canary, label })
        }
        4 => Seen::Score(ScoreValue {
            guardrail: "sure".into(),
            value: random.beta(9.0, harm),
            given: None,
        }),
        _ => {
            let latency = Some(Duration::from_secs_f64(random.log_normal(-2.0, 0.6)));
            let failed = random.bernoulli(0.1 * worse);
            let value = 60.0 * random.beta(3.0, 2.0 * worse);
            Seen::Request(Request { failed, ..Request::served(arm, latency).value(value) })
        }
    }
}

fn observe(monitor: &mut Monitor, of: &Guardrail, seen: &Seen) {
    match seen {
        Seen::Request(request) => assert!(monitor.request(of, (Timestamp(0), 0.3), request)),
        Seen::Window(window) => monitor.window(&of.check, 0.3, window),
        Seen::Pair(pair) => assert!(monitor.pair(&of.check, pair)),
        Seen::Score(score) => {
            monitor.score(score.value);
        }
    }
}

/// Written and read back: the same value, and the same text again.
fn restored(monitor: &Monitor) -> Monitor {
    let text = serde_json::to_string(monitor).unwrap();
    let read: Monitor = serde_json::from_str(&text).unwrap();
    assert_eq!(&read, monitor, "{text}");
    assert_eq!(serde_json::to_string(&read).unwrap(), text);
    read
}

#[test]
fn a_restored_monitor_shows_the_same_bits_for_ever() {
    for (kind, guardrail) in guardrails().into_iter().enumerate() {
        for (run, harm) in [(0, 1.0), (1, 1.5)] {
            let mut random = Random::of_run(71, 10 * kind as u64 + run);
            let mut straight = Monitor::new(&plan_of(&guardrail), &guardrail).unwrap();
            straight.set_share(0.3);
            let mut killed = straight.clone();
            let (mut counted, mut proven) = (0, [false; 2]);
            for i in 0..2000 {
                let seen = seen(&mut random, harm, Timestamp(0));
                observe(&mut straight, &guardrail, &seen);
                observe(&mut killed, &guardrail, &seen);
                if random.bernoulli(0.05) {
                    killed = restored(&killed);
                }
                assert_eq!(straight.max_ln_e().to_bits(), killed.max_ln_e().to_bits(), "{i}");
                proven[0] |= straight.proven(&guardrail.check, 0.05) == Some(true);
                if random.bernoulli(0.02) {
                    proven[1] |= killed.proven(&guardrail.check, 0.05) == Some(true);
                    let (a, b) = (
                        straight.reading(&guardrail, 0.05, 0.05),
                        killed.reading(&guardrail, 0.05, 0.05),
                    );
                    // Text distinguishes what equality does not: 0 and −0.
                    assert_eq!(format!("{a:?}"), format!("{b:?}"), "{i}");
                    counted += a.counts.iter().map(|(_, count)| count).sum::<u64>();
                }
            }
            assert_eq!(straight, restored(&killed));
            assert!(counted > 0 && proven[0] >= proven[1], "{guardrail:?}");
        }
    }
}

/// A threshold that was learned has all its digits, wherever it lies.
#[test]
fn a_learned_threshold_survives_with_all_its_digits() {
    let guardrail = Guardrail::slow_ratio(1.0);
    let mut random = Random::new(72);
    for _ in 0..100 {
        let scale = random.log_normal(8.0, 3.0);
        let mut monitor = Monitor::new(&plan_of(&guardrail), &guardrail).unwrap();
        for _ in 0..500 {
            let micros = scale * random.log_normal(0.0, 0.3);
            let latency = Duration::from_secs_f64(micros / 1e6);
            monitor.request(
                &guardrail,
                (Timestamp(0), 0.3),
                &Request::served(Arm::Stable, latency),
            );
        }
        assert!(serde_json::to_string(&monitor).unwrap().contains("frozen"));
        restored(&monitor);
    }
}

/// The event that a driver would report back for an action.
fn done(action: &Action) -> Option<Event> {
    match action {
        Action::Inspect => Some(Event::Inspected(Ok(()))),
        Action::Prepare => Some(Event::Prepared { header_route: true }),
        Action::Probe => Some(Event::Probed(Ok(()))),
        Action::Write { .. } => Some(Event::Written),
        Action::RemoveSubset => Some(Event::SubsetRemoved),
        _ => None,
    }
}

/// The same events for both, but one is killed and restored after many of them.
#[test]
fn a_killed_run_ends_in_the_bytes_of_one_that_was_not() {
    let mut ends = std::collections::BTreeMap::<String, u32>::new();
    for (run, harm) in [1.0, 1.6, 0.5, 0.5, 1.6, 1.0].into_iter().enumerate() {
        let mut plan = Plan::new("cats", "v1", "v2")
            .header("user-group", "canary")
            .weights([30, 100], Hold::requests(600).and_pairs(50))
            .settle(Duration::ZERO)
            .patience(Duration::from_secs(4_000));
        // All of them together do not fit a state.
        let of_old = |place: &usize| *place < 8;
        let of_both_arms = |place: &usize| [0, 1, 5, 8, 9, 10].contains(place);
        let kept = |place: &usize| if run % 2 == 0 { of_old(place) } else { of_both_arms(place) };
        plan.guardrails = guardrails()
            .into_iter()
            .enumerate()
            .filter(|(place, _)| kept(place))
            .map(|(_, guardrail)| guardrail)
            .collect();
        if run % 2 == 1 {
            plan.proven_on = ProvenOn::LastStep;
        }
        let machine = Machine::new(plan).unwrap();
        let mut random = Random::of_run(73, run as u64);
        let mut straight = machine.begin(Timestamp(0)).unwrap();
        let mut killed = straight.clone();
        let mut pending = vec![Event::Started(Timestamp(0))];
        let mut now = 0;
        for sequence in 0..20_000 {
            let event = pending.pop().unwrap_or_else(|| {
                now += 100;
                let at = Timestamp(now);
                if sequence % 2 == 0 {
                    return Event::Tick(at);
                }
                let what = seen(&mut random, harm, at);
                if run % 2 == 1 && matches!(what, Seen::Score(_)) {
                    return Event::Tick(at);
                }
                let sequence = Some(sequence);
                Event::Observed(Observation { source: "test".into(), sequence, at, what })
            });
            let (next, actions) = machine.step(straight, event.clone());
            let (twin, same) = machine.step(killed, event);
            (straight, killed) = (next, twin);
            assert_eq!(actions, same);
            pending.extend(actions.iter().rev().filter_map(done));
            if straight.is_decided() || random.bernoulli(0.03) {
                let text = killed.encode().unwrap();
                killed = State::decode(&text, machine.plan()).unwrap();
                assert_eq!(killed, straight);
                assert_eq!(killed.encode().unwrap(), text);
                assert_eq!(straight.encode().unwrap(), text);
            }
            if straight.is_done() {
                break;
            }
        }
        *ends.entry(straight.verdict().name().to_owned()).or_default() += 1;
        let readings = |state: &State| match state.verdict() {
            Verdict::Promote { evidence, .. } => format!("{evidence:?}"),
            verdict => format!("{verdict:?}"),
        };
        assert_eq!(readings(&straight), readings(&killed));
    }
    assert!(ends.contains_key("promote") && ends.contains_key("rollback"), "{ends:?}");
}
