//! Users in their windows, restarts, damaged states, and the validity of users as units.

use super::*;
use crate::{
    Alpha, EProcess, MeanDifference, Random,
    portable::{exp, ln_1p, ln_sum_exp},
    prior::{PRIOR, Prior, SIZES},
};

/// Adds one request: its user, time, share and version, and whether it failed.
fn observe(
    units: &mut UserUnits,
    (user, at, share, canary): (u64, u64, f64, bool),
    failed: bool,
) -> Result<bool> {
    units.observe(user, at, share, canary, |user| user.add(failed))
}

fn released(units: &mut UserUnits, now: u64) -> Vec<(u64, f64, bool, u32)> {
    let outcome = |one: UserOutcome| (one.user, one.share, one.canary, one.result.0);
    units.release(now).map(outcome).collect()
}

#[test]
fn a_user_is_one_observation_with_the_share_of_the_first_contact() {
    let mut units = UserUnits::new(100, 10).unwrap();
    let mut take = |user, at, share, canary, failed| {
        observe(&mut units, (user, at, share, canary), failed).unwrap();
    };
    take(7, 0, 0.1, true, false);
    take(3, 10, 0.1, false, false);
    take(9, 10, 0.2, false, true);
    take(7, 99, 0.3, true, true); // within the window
    take(3, 110, 0.3, false, true); // no longer
    take(9, 50 + 61, 0.3, true, true); // the window is over: not noticed
    assert_eq!(units.waiting(), 3);
    assert_eq!(released(&mut units, 99), []);
    // Users that the iterator did not return stay.
    assert_eq!(units.release(1_000).next().map(|one| one.user), Some(7));
    assert_eq!((units.waiting(), units.users()), (2, 3));
    assert_eq!(released(&mut units, 1_000), [(3, 0.1, false, 0), (9, 0.2, false, 1)]);
    // Stays known.
    observe(&mut units, (7, 2_000, 0.5, true), true).unwrap();
    assert_eq!((units.waiting(), released(&mut units, 9_000)), (0, vec![]));
}

#[test]
fn a_failure_does_not_come_before_an_earlier_user() {
    let mut units = UserUnits::new(100, 10).unwrap();
    observe(&mut units, (1, 0, 0.1, true), false).unwrap();
    observe(&mut units, (2, 5, 0.1, true), true).unwrap();
    observe(&mut units, (1, 60, 0.1, true), true).unwrap();
    assert_eq!(released(&mut units, 104), [(1, 0.1, true, 1)]);
    assert_eq!(released(&mut units, 105), [(2, 0.1, true, 1)]);
}

#[test]
fn users_in_both_arms_are_left_out_and_counted() {
    let mut units = UserUnits::new(100, 10).unwrap();
    for (user, canary) in [(1, true), (2, false), (1, false), (1, true), (2, false)] {
        observe(&mut units, (user, 0, 0.1, canary), true).unwrap();
    }
    assert_eq!(units.in_both_arms(), 0, "its window is not over");
    assert_eq!(released(&mut units, 100), [(2, 0.1, false, 2)]);
    assert_eq!((units.in_both_arms(), units.users()), (1, 2));
}

#[test]
fn at_the_limit_no_new_user_is_taken() {
    let mut units = UserUnits::new(100, 2).unwrap();
    for user in [1, 2, 3, 3, 1] {
        observe(&mut units, (user, 0, 0.1, true), user == 1).unwrap();
    }
    assert_eq!((units.users(), units.not_taken()), (2, 2));
    assert_eq!(released(&mut units, 100), [(1, 0.1, true, 2), (2, 0.1, true, 0)]);
    // Those who are known keep their places.
    observe(&mut units, (4, 200, 0.1, true), false).unwrap();
    assert_eq!((units.users(), units.not_taken(), units.waiting()), (2, 3, 0));
}

#[test]
fn scores_fall_by_a_tenth_a_failure() {
    let score = |failures| Failures(failures).score();
    assert_eq!((score(0), score(3), score(10), score(500)), (1.0, 0.7, 0.0, 0.0));
}

#[test]
fn after_a_restart_nobody_is_counted_twice_and_those_in_their_window_are_left_out() {
    let mut random = Random::new(101);
    let mut units = UserUnits::<Failures>::new(50, 300).unwrap();
    let mut counted = std::collections::BTreeSet::new();
    let mut left_out = 0;
    for at in 0..3_000 {
        let user = random.below(at / 5 + 5).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let (share, canary) = (random.uniform(), user.is_multiple_of(3) || at % 97 == 0);
        let failed = random.bernoulli(0.2);
        observe(&mut units, (user, at, share, canary), failed).unwrap();
        if random.bernoulli(0.02) {
            let text = serde_json::to_string(&units).unwrap();
            left_out += units.waiting();
            units = serde_json::from_str(&text).unwrap();
            assert_eq!((units.waiting(), serde_json::to_string(&units).unwrap()), (0, text));
        }
        if random.bernoulli(0.1) {
            for one in units.release(at) {
                assert!(counted.insert(one.user) && at - one.since >= 50, "{one:?}");
            }
        }
    }
    let counted = counted.len() as u64;
    assert_eq!(units.users(), counted + left_out + units.waiting() + units.in_both_arms());
    assert!(counted > 50 && left_out > 20 && units.not_taken() > 0);
}

#[test]
fn what_is_wrong_is_named() {
    assert_eq!(UserUnits::<Failures>::new(0, 1).unwrap_err().name, "window_millis");
    assert_eq!(UserUnits::<Failures>::new(1, 0).unwrap_err().name, "limit");
    let mut units = UserUnits::new(100, 2).unwrap();
    observe(&mut units, (0xa, 50, 0.1, true), false).unwrap();
    let before = units.clone();
    assert_eq!(observe(&mut units, (1, 49, 0.1, true), true).unwrap_err().name, "at_millis");
    assert_eq!(observe(&mut units, (1, 51, 1.1, true), true).unwrap_err().name, "share");
    assert_eq!(units, before);
    let whole = serde_json::to_string(&units).unwrap();
    for (from, to) in [
        (r#""window_millis":100"#, r#""window_millis":0"#),
        (r#""room":2"#, r#""room":0"#),
        (r#""taken":1"#, r#""taken":3"#),
    ] {
        let damaged = whole.replace(from, to);
        assert!(damaged != whole, "{whole}");
        assert!(serde_json::from_str::<UserUnits>(&damaged).is_err(), "{damaged}");
    }
}

/// ln E of the null "no more failures in the canary", from failures alone: each is the canary's with probability ρ.
struct Rates([f64; SIZES]);

impl Rates {
    fn observe(&mut self, share: f64, canary: bool) -> f64 {
        let Prior { d, ln_weight } = &*PRIOR;
        for (sum, d) in self.0.iter_mut().zip(d) {
            let y = if canary { *d } else { 0.0 };
            *sum += y - ln_1p(share * (exp(*d) - 1.0));
        }
        let terms: [f64; SIZES] = std::array::from_fn(|k| ln_weight[k] + self.0[k]);
        ln_sum_exp(&terms)
    }
}

/// Two equal versions, users who stay on theirs, and one user in fifty whose requests fail half of the time: a
/// test of each request takes such a user for many observations, one of each user does not.
#[test]
fn sticky_users_mislead_tests_of_requests_and_not_those_of_users() {
    let alpha = Alpha::new(0.05).unwrap();
    let (runs, share, users) = (30, 0.3, 1_000_u64);
    let mut alarms = [0; 3];
    for run in 0..runs {
        let mut random = Random::of_run(102, run);
        let mut units = UserUnits::<Failures>::new(10_000, 5_000).unwrap();
        let mut by_request = Rates([0.0; SIZES]);
        let mut by_user = Rates([0.0; SIZES]);
        let mut by_score = MeanDifference::new(0.0, 0.0, 1.0).unwrap();
        // One user comes every 100 ms, and of those before each of the last 40 sends a request in between.
        let kinds: Vec<(bool, f64)> = (0..users)
            .map(|_| {
                let fails = if random.bernoulli(0.02) { 0.5 } else { 0.001 };
                (random.bernoulli(share), fails)
            })
            .collect();
        let mut found = [false; 3];
        for newest in 0..users {
            let at = 100 * newest;
            for user in newest.saturating_sub(40)..=newest {
                let (canary, fails) = kinds[user as usize];
                let failed = random.bernoulli(fails);
                observe(&mut units, (user, at, share, canary), failed).unwrap();
                if failed {
                    found[0] |= by_request.observe(share, canary) >= alpha.ln_threshold();
                }
            }
            for one in units.release(at) {
                if one.result.any() {
                    found[1] |= by_user.observe(one.share, one.canary) >= alpha.ln_threshold();
                }
                by_score.observe(one.share, one.canary, one.result.score()).unwrap();
            }
        }
        found[2] = by_score.alarm(alpha);
        for (alarms, found) in alarms.iter_mut().zip(found) {
            *alarms += u32::from(found);
        }
    }
    // One or two expected at most where the unit is the user, and three standard deviations.
    assert!(alarms[0] > 15 && alarms[1] <= 5 && alarms[2] <= 5, "{alarms:?} of {runs}");
}
