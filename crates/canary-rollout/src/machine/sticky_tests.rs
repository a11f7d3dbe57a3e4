//! Users who stay with a version while the weights stay, and are drawn again when they move.

use canary_stats::Random;

use super::{
    tests::{Run, plan},
    *,
};
use crate::{
    Check, Hold, Sticky,
    evidence::{Arm, Observation, Request, Seen},
};

const WITHIN: Duration = Duration::from_secs(60);

fn sticky() -> Plan {
    plan()
        .weights([30, 60, 100], Hold::total_requests(1_000_000))
        .users_within(WITHIN)
        .sticky(Sticky::cookie("pets"))
}

impl Run {
    /// A request of a user at the moment of the last event.
    fn of_user(&mut self, user: u64, canary: bool, failed: bool) {
        let at = self.state.now;
        let arm = if canary { Arm::Canary } else { Arm::Stable };
        let request = Request { failed, ..Request::served(arm, None) }.user(user.to_string());
        let (source, what) = ("test".into(), Seen::Request(request));
        let event = Event::Observed(Observation { source, sequence: None, at, what });
        self.machine.advance(&mut self.state, event, &mut self.actions);
    }

    fn pass_seconds(&mut self, seconds: u64) {
        let now = self.state.now.plus(Duration::from_secs(seconds));
        self.machine.advance(&mut self.state, Event::Tick(now), &mut self.actions);
    }

    /// Writes the weights of the next step, as when a person has approved it.
    fn move_on(&mut self) {
        self.state.step += 1;
        self.state.phase = Phase::Writing;
        self.handle_raw(Event::Written);
        assert_eq!(self.state.phase, Phase::Holding);
    }

    fn counted(&self, name: &str) -> (u64, u64) {
        let of = self.machine.plan().guardrails.iter().position(|one| one.name == name).unwrap();
        let judged = self.state.monitors[of].judged();
        (judged.stable, judged.canary)
    }
}

#[test]
fn a_user_drawn_again_counts_in_both_draws_with_the_version_of_each() {
    let mut run = Run::holding(sticky());
    run.of_user(1, true, false);
    run.pass_seconds(80);
    assert_eq!(run.counted("errorRatio"), (0, 1));
    run.of_user(1, true, false);
    assert_eq!(run.state.awaiting_users(), 0, "known in this draw");
    run.move_on();
    run.of_user(1, false, true);
    assert_eq!(run.state.awaiting_users(), 1, "another observation in the next one");
    run.pass_seconds(80);
    // The counts are those of the step.
    assert_eq!((run.counted("errorRatio"), run.counted("observedSplit")), ((1, 0), (1, 0)));
}

#[test]
fn an_observation_never_has_requests_of_two_draws() {
    let mut run = Run::holding(sticky());
    // The stable version's failure before the change is not one of the canary after it.
    run.of_user(1, false, true);
    run.of_user(2, false, false);
    run.pass_seconds(30);
    run.move_on();
    assert_eq!(run.state.awaiting_users(), 0, "their time was not over");
    run.of_user(1, true, false);
    run.pass_seconds(40);
    assert_eq!(run.counted("errorRatio"), (0, 0));
    run.pass_seconds(40);
    assert_eq!(run.counted("errorRatio"), (0, 1));
    // Without the cookie a user stays with the version, and the observation continues.
    let mut run = Run::holding(Plan { sticky: None, ..sticky() });
    run.of_user(1, false, true);
    run.pass_seconds(30);
    run.move_on();
    assert_eq!(run.state.awaiting_users(), 1);
    run.pass_seconds(50);
    assert_eq!(run.counted("errorRatio"), (1, 0));
}

#[test]
fn requests_while_the_weights_settle_take_no_user_out_of_the_draw() {
    let late = |plan: Plan| {
        let mut run = Run::holding(plan.settle(Duration::from_secs(5)));
        run.of_user(1, false, true);
        run.pass_seconds(6);
        run.of_user(1, true, false);
        (run.state.totals().late, run.state.awaiting_users())
    };
    assert_eq!(late(sticky()), (1, 1), "the version of the new draw counts");
    assert_eq!(late(Plan { sticky: None, ..sticky() }), (1, 0), "the share was another one");
}

#[test]
fn a_restart_counts_nobody_of_a_draw_twice() {
    let mut run = Run::holding(sticky());
    run.of_user(1, true, false);
    run.move_on();
    run.of_user(2, true, false);
    let text = run.state.encode().unwrap();
    run.state = State::decode(&text, run.machine.plan()).unwrap();
    run.of_user(1, true, false);
    run.of_user(2, true, false);
    assert_eq!(run.state.awaiting_users(), 1, "user 2 was known before the restart");
}

/// Runs in which the same users come back at every step, each drawn again; some have requests that fail half of the time.
/// Returns how many roll back, of 20.
fn rolled_back(plan: &Plan, seed: u64, harm: f64) -> usize {
    let of_run = |run: u64| {
        let mut random = Random::of_run(seed, run);
        let fails: Vec<f64> =
            (0..400).map(|_| if random.bernoulli(0.04) { 0.5 } else { 0.001 }).collect();
        let mut run = Run::holding(plan.clone());
        for step in 0..3 {
            let share = run.state.split().unwrap().canary.share();
            let drawn: Vec<bool> = fails.iter().map(|_| random.bernoulli(share)).collect();
            // Each comes for half a minute: twenty requests, between those of the others.
            for second in 0..100_usize {
                for turn in 0..5 {
                    let newest = second * 4 + turn;
                    for user in newest.saturating_sub(100).min(400)..newest.min(400) {
                        if (user + newest).is_multiple_of(5) {
                            let worse = if drawn[user] { harm } else { 0.0 };
                            let failed = random.bernoulli(fails[user] + worse);
                            run.of_user(user as u64, drawn[user], failed);
                        }
                    }
                }
                run.pass_seconds(1);
                if run.state.is_decided() {
                    return run.state.verdict().name() == "rollback";
                }
            }
            run.pass_seconds(60);
            run.pass_seconds(20);
            if step < 2 && !run.state.is_decided() {
                run.move_on();
            }
        }
        run.state.verdict().name() == "rollback"
    };
    (0..20).filter(|run| of_run(*run)).count()
}

#[test]
fn a_healthy_canary_of_sticky_users_is_kept_and_a_bad_one_is_rolled_back() {
    let mut by_users = sticky().weights([20, 40, 70, 100], Hold::total_requests(1_000_000));
    let by_requests = {
        let mut plan = Plan { sticky: None, users: None, ..by_users.clone() };
        // By requests the split would alarm first.
        plan.guardrails.retain(|one| !matches!(one.check, Check::ObservedSplit(_)));
        plan
    };
    by_users = by_users.users_within(Duration::from_secs(40));
    let found = (rolled_back(&by_requests, 51, 0.0), rolled_back(&by_users, 51, 0.0));
    // α is 5 % and that of the split 1 % a weight: more than four of twenty have a chance of 1 in 100.
    assert!(found.0 >= 8 && found.1 <= 4, "{found:?} of 20");
    let bad = rolled_back(&by_users, 52, 0.02);
    assert!(bad >= 18, "{bad} of 20");
}
