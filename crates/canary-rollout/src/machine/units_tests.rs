//! Users as observations, values of requests, limits beside ratios, planned looks, and the proof of the last step.

use super::{
    tests::{Run, plan},
    *,
};
use crate::{
    Bursts, Check, Guardrail, Hold, ProvenOn, Sequential,
    evidence::{Answer, Arm, Observation, Pair, Request, Seen},
};
use canary_stats::Random;

const MINUTE: Duration = Duration::from_secs(60);

impl Run {
    /// A request of a user, `millis` milliseconds after the last event.
    fn user(&mut self, millis: u64, user: u64, canary: bool, failed: bool) {
        let at = self.state.now.plus(Duration::from_millis(millis));
        let arm = if canary { Arm::Canary } else { Arm::Stable };
        let request = Request { failed, ..Request::served(arm, None) }.user(user.to_string());
        let (source, what) = ("test".into(), Seen::Request(request));
        let observation = Observation { source, sequence: None, at, what };
        // In place: these tests take many of them.
        for event in [Event::Tick(at), Event::Observed(observation)] {
            self.machine.advance(&mut self.state, event, &mut self.actions);
        }
    }

    fn judged(&self, name: &str) -> (u64, u64) {
        let of = self.machine.plan().guardrails.iter().position(|one| one.name == name).unwrap();
        let judged = self.state.monitors[of].judged();
        (judged.stable, judged.canary)
    }
}

fn by_users() -> Plan {
    plan().weights([30, 100], Hold::total_requests(1_000_000)).users_within(MINUTE)
}

#[test]
fn a_user_is_one_observation_when_its_time_is_over() {
    let mut run = Run::holding(by_users());
    for n in 0..40 {
        run.user(100, 1, true, n == 3);
    }
    run.user(0, 2, false, false);
    assert_eq!(run.judged("errorRatio"), (0, 0));
    assert_eq!(run.judged("observedSplit"), (1, 1), "the division is that of the users");
    assert_eq!(run.state.awaiting_users(), 2);
    run.handle_raw(Event::Tick(run.state.now.plus(Duration::from_secs(55))));
    assert_eq!(run.judged("errorRatio"), (0, 0));
    // Requests that are under way may take the plan's timeout.
    run.handle_raw(Event::Tick(run.state.now.plus(Duration::from_secs(17))));
    assert_eq!(run.judged("errorRatio"), (0, 1));
    run.handle_raw(Event::Tick(run.state.now.plus(Duration::from_secs(20))));
    assert_eq!((run.judged("errorRatio"), run.state.awaiting_users()), ((1, 1), 0));
    run.user(0, 1, true, true);
    assert_eq!(run.state.awaiting_users(), 0, "known for good");
    assert_eq!(run.state.totals().canary, 41);
}

#[test]
fn a_restart_leaves_users_in_their_time_out_and_counts_nobody_twice() {
    let mut run = Run::holding(by_users());
    for user in 0..50 {
        run.user(10, user, user % 3 == 0, false);
    }
    let text = run.state.encode().unwrap();
    run.state = State::decode(&text, run.machine.plan()).unwrap();
    for user in 0..60 {
        run.user(10, user, user % 3 == 0, user % 5 == 0);
    }
    assert_eq!(run.state.awaiting_users(), 10);
}

#[test]
fn a_user_first_met_under_another_weight_is_left_out() {
    let mut run = Run::holding(by_users().settle(Duration::from_secs(2)));
    run.user(100, 1, true, true);
    run.user(3_000, 1, true, true);
    run.user(0, 2, true, true);
    assert_eq!((run.state.awaiting_users(), run.state.totals().late), (1, 1));
}

/// Users stay on their version, and one in fifty has requests that fail half of the time.
#[test]
fn sticky_users_roll_back_healthy_canaries_by_requests_and_not_by_users() {
    let rolled_back = |plan: &Plan| {
        let runs = 20;
        let ended = (0..runs).filter(|run| {
            let mut random = Random::of_run(31, *run);
            let mut run = Run::holding(plan.clone());
            let users: Vec<(bool, f64)> = (0..900)
                .map(|_| {
                    let fails = if random.bernoulli(0.02) { 0.5 } else { 0.001 };
                    (random.bernoulli(0.3), fails)
                })
                .collect();
            for newest in 0..users.len() {
                let first = newest.saturating_sub(30);
                for (user, &(canary, fails)) in
                    users.iter().enumerate().take(newest + 1).skip(first)
                {
                    let millis = if user == newest { 200 } else { 0 };
                    run.user(millis, user as u64, canary, random.bernoulli(fails));
                }
                if run.state.is_decided() {
                    break;
                }
            }
            run.state.verdict().name() == "rollback"
        });
        ended.count()
    };
    let mut by_users = by_users().users_within(Duration::from_secs(10));
    // By requests the split would alarm first.
    by_users.guardrails.retain(|one| !matches!(one.check, Check::ObservedSplit(_)));
    let by_requests = Plan { users: None, ..by_users.clone() };
    let found = (rolled_back(&by_requests), rolled_back(&by_users));
    assert!(found.0 > 8 && found.1 <= 3, "{found:?} of 20");
}

fn revenue(run: &mut Run, canary: bool, value: f64) {
    let arm = if canary { Arm::Canary } else { Arm::Stable };
    run.observe_raw(Seen::Request(Request::served(arm, None).value(value)));
}

#[test]
fn a_lower_mean_rolls_back_and_an_equal_one_is_proven() {
    for (of_canary, ends) in [(0.2, "rollback"), (0.4, "promote")] {
        let guardrail = Guardrail::mean("revenue", 0.0, 100.0, 0.0).proven(8.0);
        let mut run =
            Run::holding(plan().weights([30, 100], Hold::total_requests(100)).guardrail(guardrail));
        let mut random = Random::new(41);
        for _ in 0..20_000 {
            let canary = random.bernoulli(0.3);
            let buys = random.bernoulli(if canary { of_canary } else { 0.4 });
            revenue(&mut run, canary, if buys { 60.0 } else { 0.0 });
            if !run.actions.is_empty() {
                break;
            }
        }
        if ends == "promote" {
            run.handle(Event::Written);
            run.tick(1);
        }
        assert_eq!(run.state.verdict().name(), ends, "{}", run.state.verdict());
        let text = run.state.verdict().to_string();
        assert!(ends == "promote" || text.contains("revenue"), "{text}");
    }
}

#[test]
fn values_outside_the_range_end_the_rollout_and_say_so() {
    let mut run = Run::holding(plan().guardrail(Guardrail::mean("revenue", 0.0, 100.0, 0.0)));
    for _ in 0..10 {
        revenue(&mut run, true, 250.0);
    }
    let text = run.state.verdict().to_string();
    assert!(text.contains("revenue got 10 invalid scores, the last one 250"), "{text}");
    assert!(text.contains("from 0 to 100"), "{text}");
}

/// An outage that both versions have: the limit alone alarms, and not with the ratio beside it. A canary that is worse
/// than both is found.
#[test]
fn a_limit_with_a_ratio_beside_it_does_not_accuse_the_canary_of_an_outage() {
    let alarms = |guardrail: &Guardrail, stable: f64, canary: f64| {
        let mut plan = plan().weights([30, 100], Hold::total_requests(1_000_000));
        plan.guardrails = vec![guardrail.clone()];
        let mut run = Run::holding(plan);
        let mut random = Random::new(43);
        for _ in 0..3_000 {
            let by_canary = random.bernoulli(0.3);
            let failed = random.bernoulli(if by_canary { canary } else { stable });
            run.request_raw(if by_canary { Arm::Canary } else { Arm::Stable }, failed);
            let reading = run.state.readings(run.machine.plan()).remove(0);
            assert_eq!(reading.alarm, reading.interval.low > 0.02, "{reading:?}");
        }
        let told = run.state.told().len();
        run.state.verdict().name() == "rollback" || told > 0
    };
    let (limit, both) = (Guardrail::error_rate(0.02), Guardrail::error_rate_and_worse(0.02, 1.0));
    assert!(alarms(&limit, 0.2, 0.2) && !alarms(&both, 0.2, 0.2));
    assert!(alarms(&both, 0.01, 0.2));
    assert!(!alarms(&both, 0.001, 0.01), "worse, and within the limit");
}

#[test]
fn a_limit_with_a_ratio_beside_it_needs_requests_of_both_versions() {
    let mut plan = plan().weights([30, 100], Hold::time(Duration::from_secs(1)));
    plan.guardrails = vec![Guardrail::error_rate_and_worse(0.02, 1.0)];
    let mut run = Run::holding(plan);
    for _ in 0..40 {
        run.request(Arm::Canary, false);
    }
    run.tick(10);
    assert_eq!(run.actions, [], "{:?}", run.actions);
    let missing = lacking::in_words(&run.machine, &run.state).unwrap();
    assert!(missing.contains("0 of 20 requests of the stable version for errorRate"), "{missing}");
}

/// The guard holds the ratio back, and with it the alarm of a limit beside it; the step must not end in the meantime.
#[test]
fn a_limit_with_a_ratio_beside_it_waits_until_a_burst_is_told_from_harm() {
    let mut plan = plan()
        .weights([50, 100], Hold::total_requests(400))
        .bursts(Bursts::Window(Duration::from_secs(15)));
    plan.guardrails = vec![Guardrail::error_rate_and_worse(0.02, 1.0)];
    let mut run = Run::holding(plan);
    // All within one window: every fourth request of the canary fails.
    for n in 0..2_000 {
        let canary = n % 2 == 0;
        run.request_raw(if canary { Arm::Canary } else { Arm::Stable }, n % 8 == 0);
        assert_eq!(run.actions, [], "after {n} requests");
    }
    let missing = lacking::in_words(&run.machine, &run.state).unwrap();
    assert!(missing.contains("windows to tell a burst from harm for errorRate"), "{missing}");
}

fn at_looks() -> Plan {
    let plan = plan().weights([50, 100], Hold::total_requests(4_000));
    plan.sequential(Sequential::default()).bursts(Bursts::None)
}

/// Until harm is found, or the planned requests were seen; and then a dead canary.
#[test]
fn looks_find_harm_and_what_begins_after_the_last_one_is_found_too() {
    let mut found = [0; 2];
    for (place, canary) in [(0, 0.02), (1, 0.08)] {
        for run in 0..20 {
            let mut random = Random::of_run(45, run);
            let mut run = Run::holding(at_looks().patience(1_000 * MINUTE));
            // A guardrail that never has enough holds the step.
            run.state.paused = true;
            for _ in 0..4_000 {
                let by_canary = random.bernoulli(0.5);
                let failed = random.bernoulli(if by_canary { canary } else { 0.02 });
                run.request_raw(if by_canary { Arm::Canary } else { Arm::Stable }, failed);
            }
            let of = run.machine.plan().guardrails.iter().position(|one| one.name == "errorRatio");
            let reading = run.state.readings(run.machine.plan()).remove(of.unwrap());
            assert_eq!(reading.alarm, reading.interval.low > 1.0, "{reading:?}");
            found[place] += u32::from(run.state.is_decided());
            if run.state.is_decided() {
                continue;
            }
            for _ in 0..4_000 {
                let by_canary = random.bernoulli(0.5);
                run.request_raw(
                    if by_canary { Arm::Canary } else { Arm::Stable },
                    by_canary && random.bernoulli(0.4),
                );
            }
            assert_eq!(run.state.verdict().name(), "rollback");
        }
    }
    assert!(found[0] <= 4 && found[1] == 20, "{found:?}");
}

#[test]
fn a_proof_of_the_last_step_takes_no_evidence_of_an_earlier_one() {
    let proven = |proven_on| {
        let mut plan = plan()
            .weights([30, 50, 100], Hold::total_requests(3_000))
            .guardrail(Guardrail::mean("value", 0.0, 1.0, 0.0).proven(0.2))
            .proven_on(proven_on);
        plan.guardrails.retain(|one| !matches!(one.check, Check::ErrorRatio(_)));
        plan.steps[1].hold = Hold::total_requests(60);
        let mut run = Run::holding(plan);
        let mut random = Random::new(47);
        for _ in 0..3_060 {
            let canary = random.bernoulli(run.state.split().unwrap().canary.share());
            let value = f64::from(u8::from(random.bernoulli(0.5)));
            let arm = if canary { Arm::Canary } else { Arm::Stable };
            run.observe_raw(Seen::Request(Request::served(arm, None).value(value)));
            if let [Action::Write { split, .. }] = run.actions[..] {
                if split.canary == 100 {
                    return true;
                }
                run.handle(Event::Written);
            }
        }
        false
    };
    assert!(proven(ProvenOn::AllSteps));
    assert!(!proven(ProvenOn::LastStep));
}

#[test]
fn more_pairs_than_a_rollout_remembers_are_not_judged_and_a_canary_that_fails_is_noticed() {
    let mut run = Run::holding(plan().weights([10, 100], Hold::pairs(100)));
    let room = run.state.inputs.room();
    assert_eq!(room, 5_000, "sized by the plan");
    run.state.paused = true;
    let answers = |canary: Answer, input| {
        Seen::Pair(Pair {
            input: Some(input),
            name: None,
            stable: Answer::new("cat", None),
            canary,
            label: None,
        })
    };
    for input in 0..room + 20 {
        run.observe_raw(answers(Answer::new("cat", None), Pair::digest(&input.to_le_bytes())));
    }
    let totals = run.state.totals();
    assert!(totals.pairs <= room && totals.beyond_room > 0, "{totals:?}");
    run.state.paused = false;
    run.state.health.begin_step();
    for input in room + 20..room + 200 {
        run.observe_raw(answers(Answer::failure("503"), Pair::digest(&input.to_le_bytes())));
    }
    assert_eq!(run.state.verdict().name(), "rollback", "{}", run.state.verdict());
}

#[test]
fn plans_that_cannot_count_users_or_look_are_refused_with_the_remedy() {
    let wrong = [
        (by_users().users_within(Duration::ZERO), "C129"),
        (by_users().sequential(Sequential::default()).bursts(Bursts::None), "C130"),
        (at_looks().bursts(Bursts::Auto), "C130"),
        (at_looks().weights([50, 100], Hold::requests(500)), "C130"),
        (at_looks().sequential(Sequential { looks: 0, ..Sequential::default() }), "C130"),
        (plan().guardrail(Guardrail::mean("m", 1.0, 0.0, 0.0)), "C117"),
        (plan().guardrail(Guardrail::mean("m", 0.0, 1.0, 1.0)), "C117"),
        (plan().guardrail(Guardrail::mean("m", 0.0, 1.0, 0.2).proven(0.1)), "C117"),
        (plan().guardrail(Guardrail::error_rate_and_worse(0.02, 0.0)), "C117"),
    ];
    for (plan, code) in wrong {
        let findings = plan.validate();
        let errors: Vec<_> = findings.errors().collect();
        assert!(errors.iter().all(|one| one.code == code) && !errors.is_empty(), "{findings}");
    }
    let mut many = by_users();
    if let Some(users) = &mut many.users {
        users.at_most = 30_000;
    }
    assert!(many.validate().to_string().contains("C129"));
}
