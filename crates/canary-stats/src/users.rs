//! Users as the units of a test, where a user stays on one version.
//!
//! The requests of one user fail or succeed together far more often than those of different users. Where a user is sent
//! to a version once, by a hash, and stays there, the requests are not divided anew each time: a test that takes each of
//! them for an observation takes one unlucky user for many. The user is what was divided, so the user is the
//! observation: a randomised unit is also the unit of analysis (R. Kohavi, D. Tang, Y. Xu, *Trustworthy Online
//! Controlled Experiments*, 2020, chapter 14).
//!
//! The observation is what happens within a window after the user's first request, with the share of the canary in
//! force at that request. It is given out once the window is over, in order of first contact: an outcome that is known
//! early, such as a failure, must not come before one that takes its time.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde::{Deserialize, Serialize};

use super::{
    error::{Result, StatsError, check, closed_unit},
    exact,
};

/// The failures from which on a user's score is 0.
const WORST: u32 = 10;

/// The hexadecimal digits of a digest.
const DIGITS: usize = 16;

/// What became of one user within the window.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct UserOutcome {
    /// The user's digest.
    pub user: u64,
    /// The canary's share of the traffic at the first request.
    pub share: f64,
    /// True when the canary served the user.
    pub canary: bool,
    /// The requests that failed.
    pub failures: u32,
}

impl UserOutcome {
    /// Returns true when any request failed: an observation of a test of rates.
    pub fn failed(&self) -> bool {
        self.failures > 0
    }

    /// 1 − min(failures, 10)/10: an observation of [`MeanDifference`](super::MeanDifference), higher is better.
    pub fn score(&self) -> f64 {
        1.0 - f64::from(self.failures.min(WORST)) / f64::from(WORST)
    }
}

/// Turns requests with a user key into one observation for each user.
///
/// A user is identified by a 64-bit digest of the key. Every user counts once: one who comes back after the window is
/// known for good, with eight bytes. The memory is bounded by a limit of users in all; when it is reached, no *new* users
/// are taken, which does not depend on any outcome, and those who are known go on as before. A user whom both
/// versions serve within the window is left out and counted; after the window this is not noticed.
///
/// ```
/// use canary_core::stats::users::UserUnits;
///
/// let mut units = UserUnits::new(30 * 60 * 1000, 100_000)?;
/// units.observe(17, 0, 0.1, false, true)?; // user 17 gets an error from the stable version
/// units.observe(17, 5_000, 0.2, false, true)?; // and another one: still one user, divided at a share of 0.1
/// assert_eq!(units.release(60_000).count(), 0); // the half hour is not over
/// let outcomes: Vec<_> = units.release(30 * 60 * 1000).collect();
/// assert_eq!(outcomes.len(), 1);
/// assert!(outcomes[0].failed() && outcomes[0].share == 0.1 && outcomes[0].score() == 0.8);
/// # Ok::<(), canary_core::stats::StatsError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Saved", into = "Saved")]
pub struct UserUnits {
    window_millis: u64,
    limit: usize,
    /// The time of the latest request.
    latest: u64,
    /// The users in their window, in order of first contact.
    open: VecDeque<Open>,
    /// The place of each of them, counted from the first user ever.
    places: BTreeMap<u64, u64>,
    /// The users whose window is over.
    done: BTreeSet<u64>,
    in_both_arms: u64,
    not_taken: u64,
}

/// A user in the window.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Open {
    #[serde(with = "digest")]
    user: u64,
    since: u64,
    #[serde(with = "exact")]
    share: f64,
    canary: bool,
    failures: u32,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    both: bool,
}

/// A digest as hexadecimal text: not every reader of JSON keeps 64 bits of a number.
mod digest {
    use serde::{Deserialize, Deserializer, Serializer, de};

    pub(super) fn serialize<S: Serializer>(user: &u64, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(&format_args!("{user:x}"))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<u64, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(from)?;
        u64::from_str_radix(&text, 16).map_err(de::Error::custom)
    }
}

#[derive(Serialize, Deserialize)]
struct Saved {
    window_millis: u64,
    limit: usize,
    latest: u64,
    open: Vec<Open>,
    /// The digests in ascending order, sixteen hexadecimal digits each.
    done: String,
    in_both_arms: u64,
    not_taken: u64,
}

impl From<UserUnits> for Saved {
    fn from(units: UserUnits) -> Self {
        let UserUnits { window_millis, limit, latest, in_both_arms, not_taken, .. } = units;
        let open = units.open.into();
        let digits = |user: u64| (0..DIGITS).rev().map(move |at| (user >> (4 * at)) & 0xf);
        let digits = units.done.into_iter().flat_map(digits);
        let done = digits.filter_map(|digit| char::from_digit(digit as u32, 16)).collect();
        Self { window_millis, limit, latest, open, done, in_both_arms, not_taken }
    }
}

impl TryFrom<Saved> for UserUnits {
    type Error = StatsError;

    fn try_from(saved: Saved) -> Result<Self> {
        let mut units = Self::new(saved.window_millis, saved.limit)?;
        let count = saved.done.len() / DIGITS;
        let done = |expected, holds| check("done", count as f64, expected, holds);
        let (digests, rest) = saved.done.as_bytes().as_chunks::<DIGITS>();
        done("sixteen digits for each user", rest.is_empty())?;
        for digits in digests {
            let digits = std::str::from_utf8(digits).unwrap_or_default();
            let user = u64::from_str_radix(digits, 16);
            let new = user.is_ok_and(|user| units.done.insert(user));
            done("hexadecimal digits, each user once", new)?;
        }
        for (place, open) in saved.open.iter().enumerate() {
            closed_unit("share", open.share)?;
            let holds = units.latest <= open.since && open.since <= saved.latest;
            check("since", open.since as f64, "in order, up to `latest`", holds)?;
            units.latest = open.since;
            let place = (count + place) as u64;
            let new = units.places.insert(open.user, place).is_none();
            done("users whose window is over", new && !units.done.contains(&open.user))?;
        }
        units.open = saved.open.into();
        check("limit", saved.limit as f64, "at least the users", units.users() <= saved.limit)?;
        units.latest = saved.latest;
        (units.in_both_arms, units.not_taken) = (saved.in_both_arms, saved.not_taken);
        Ok(units)
    }
}

impl UserUnits {
    /// No user yet; a user's window is `window_millis` milliseconds, and `limit` is the most users that are ever taken.
    ///
    /// # Errors
    /// When `window_millis` or `limit` is 0.
    pub fn new(window_millis: u64, limit: usize) -> Result<Self> {
        check("window_millis", window_millis as f64, "at least 1", window_millis > 0)?;
        check("limit", limit as f64, "at least 1", limit > 0)?;
        Ok(Self {
            window_millis,
            limit,
            latest: 0,
            open: VecDeque::new(),
            places: BTreeMap::new(),
            done: BTreeSet::new(),
            in_both_arms: 0,
            not_taken: 0,
        })
    }

    /// Takes in one request, in order of sending: the digest of its user, the time of sending in milliseconds, the
    /// canary's share at that time, whether the canary served it and whether it failed.
    ///
    /// A user's first request fixes the share and the version; only failures within the window count.
    ///
    /// # Errors
    /// When `at_millis` is before that of the request before it, or `share` is not from 0 to 1; nothing is taken in then.
    pub fn observe(
        &mut self,
        user: u64,
        at_millis: u64,
        share: f64,
        canary: bool,
        failed: bool,
    ) -> Result<()> {
        let ordered = at_millis >= self.latest;
        check("at_millis", at_millis as f64, "no earlier than the last request", ordered)?;
        closed_unit("share", share)?;
        self.latest = at_millis;
        if let Some(place) = self.places.get(&user) {
            let index = place.wrapping_sub(self.released()) as usize;
            if let Some(open) = self.open.get_mut(index)
                && at_millis - open.since < self.window_millis
            {
                open.both |= open.canary != canary;
                open.failures = open.failures.saturating_add(u32::from(failed));
            }
        } else if self.done.contains(&user) {
            // Counted once already.
        } else if self.users() >= self.limit {
            self.not_taken = self.not_taken.saturating_add(1);
        } else {
            self.places.insert(user, self.users() as u64);
            let failures = u32::from(failed);
            self.open.push_back(Open {
                user,
                since: at_millis,
                share,
                canary,
                failures,
                both: false,
            });
        }
        Ok(())
    }

    /// The users whose window is over at `now_millis`, in order of first contact; each is given out once.
    ///
    /// All requests sent before `now_millis` must have been taken in: with requests in flight, `now_millis` is the time of
    /// sending of the oldest of them. Users whom the iterator was not asked for are given out the next time.
    pub fn release(&mut self, now_millis: u64) -> impl Iterator<Item = UserOutcome> {
        std::iter::from_fn(move || {
            loop {
                let first = self.open.front()?;
                if now_millis.saturating_sub(first.since) < self.window_millis {
                    return None;
                }
                let Open { user, share, canary, failures, both, .. } = self.open.pop_front()?;
                self.places.remove(&user);
                self.done.insert(user);
                if !both {
                    return Some(UserOutcome { user, share, canary, failures });
                }
                self.in_both_arms = self.in_both_arms.saturating_add(1);
            }
        })
    }

    /// The users whose window is over.
    fn released(&self) -> u64 {
        self.done.len() as u64
    }

    /// All users taken, at most the limit.
    pub fn users(&self) -> usize {
        self.open.len() + self.done.len()
    }

    /// The users whose window is not over.
    pub fn waiting(&self) -> usize {
        self.open.len()
    }

    /// The users left out because both versions served them within their window, of those whose window is over.
    pub fn in_both_arms(&self) -> u64 {
        self.in_both_arms
    }

    /// The requests of new users that were not taken because the limit was reached.
    pub fn not_taken(&self) -> u64 {
        self.not_taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Alpha, EProcess, MeanDifference, Random,
        portable::{exp, ln_1p, ln_sum_exp},
        prior::{PRIOR, Prior, SIZES},
    };

    fn released(units: &mut UserUnits, now: u64) -> Vec<(u64, f64, bool, u32)> {
        let outcome = |one: UserOutcome| (one.user, one.share, one.canary, one.failures);
        units.release(now).map(outcome).collect()
    }

    #[test]
    fn a_user_is_one_observation_with_the_share_of_the_first_contact() {
        let mut units = UserUnits::new(100, 10).unwrap();
        let mut take = |user, at, share, canary, failed| {
            units.observe(user, at, share, canary, failed).unwrap();
        };
        take(7, 0, 0.1, true, false);
        take(3, 10, 0.1, false, false);
        take(9, 10, 0.2, false, true);
        take(7, 99, 0.3, true, true); // within the window
        take(3, 110, 0.3, false, true); // no longer
        take(9, 50 + 61, 0.3, true, true); // the window is over: not noticed
        assert_eq!(units.waiting(), 3);
        assert_eq!(released(&mut units, 99), []);
        // One at a time: what the iterator was not asked for stays.
        assert_eq!(units.release(1_000).next().map(|one| one.user), Some(7));
        assert_eq!((units.waiting(), units.users()), (2, 3));
        assert_eq!(released(&mut units, 1_000), [(3, 0.1, false, 0), (9, 0.2, false, 1)]);
        // Known for good.
        units.observe(7, 2_000, 0.5, true, true).unwrap();
        assert_eq!((units.waiting(), released(&mut units, 9_000)), (0, vec![]));
    }

    #[test]
    fn a_failure_does_not_come_before_an_earlier_user() {
        let mut units = UserUnits::new(100, 10).unwrap();
        units.observe(1, 0, 0.1, true, false).unwrap();
        units.observe(2, 5, 0.1, true, true).unwrap();
        units.observe(1, 60, 0.1, true, true).unwrap();
        assert_eq!(released(&mut units, 104), [(1, 0.1, true, 1)]);
        assert_eq!(released(&mut units, 105), [(2, 0.1, true, 1)]);
    }

    #[test]
    fn users_in_both_arms_are_left_out_and_counted() {
        let mut units = UserUnits::new(100, 10).unwrap();
        for (user, canary) in [(1, true), (2, false), (1, false), (1, true), (2, false)] {
            units.observe(user, 0, 0.1, canary, true).unwrap();
        }
        assert_eq!(units.in_both_arms(), 0, "its window is not over");
        assert_eq!(released(&mut units, 100), [(2, 0.1, false, 2)]);
        assert_eq!((units.in_both_arms(), units.users()), (1, 2));
    }

    #[test]
    fn at_the_limit_no_new_user_is_taken() {
        let mut units = UserUnits::new(100, 2).unwrap();
        for user in [1, 2, 3, 3, 1] {
            units.observe(user, 0, 0.1, true, user == 1).unwrap();
        }
        assert_eq!((units.users(), units.not_taken()), (2, 2));
        assert_eq!(released(&mut units, 100), [(1, 0.1, true, 2), (2, 0.1, true, 0)]);
        // Those who are known keep their places.
        units.observe(4, 200, 0.1, true, false).unwrap();
        assert_eq!((units.users(), units.not_taken(), units.waiting()), (2, 3, 0));
    }

    #[test]
    fn scores_fall_by_a_tenth_a_failure() {
        let score = |failures| UserOutcome { user: 1, share: 0.1, canary: true, failures }.score();
        assert_eq!((score(0), score(3), score(10), score(500)), (1.0, 0.7, 0.0, 0.0));
    }

    #[test]
    fn restored_at_random_the_outcomes_are_the_same() {
        let mut random = Random::new(101);
        let mut straight = UserUnits::new(50, 300).unwrap();
        let mut killed = straight.clone();
        let mut outcomes = 0;
        for at in 0..3_000 {
            let user = random.below(at / 5 + 5).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            let (share, canary) = (random.uniform(), user.is_multiple_of(3) || at % 97 == 0);
            let failed = random.bernoulli(0.2);
            for units in [&mut straight, &mut killed] {
                units.observe(user, at, share, canary, failed).unwrap();
            }
            if random.bernoulli(0.05) {
                let text = serde_json::to_string(&killed).unwrap();
                killed = serde_json::from_str(&text).unwrap();
                assert_eq!(serde_json::to_string(&killed).unwrap(), text);
            }
            if random.bernoulli(0.1) {
                let found = released(&mut straight, at);
                assert_eq!(found, released(&mut killed, at));
                outcomes += found.len();
            }
            assert_eq!(straight, killed);
        }
        assert!(outcomes > 100 && straight.in_both_arms() > 0 && straight.not_taken() > 0);
    }

    #[test]
    fn what_is_wrong_is_named() {
        assert_eq!(UserUnits::new(0, 1).unwrap_err().name, "window_millis");
        assert_eq!(UserUnits::new(1, 0).unwrap_err().name, "limit");
        let mut units = UserUnits::new(100, 2).unwrap();
        units.observe(0xa, 50, 0.1, true, false).unwrap();
        let before = units.clone();
        assert_eq!(units.observe(1, 49, 0.1, true, true).unwrap_err().name, "at_millis");
        assert_eq!(units.observe(1, 51, 1.1, true, true).unwrap_err().name, "share");
        assert_eq!(units, before);
        let whole = serde_json::to_string(&units).unwrap();
        for (from, to) in [
            (r#""limit":2"#, r#""limit":0"#),
            (r#""since":50"#, r#""since":51"#),
            (r#""share":"0.1""#, r#""share":"2""#),
            (r#""user":"a""#, r#""user":"g""#),
            (r#""done":"""#, r#""done":"000000000000000a""#), // user a, whose window is not over
            (r#""done":"""#, r#""done":"00000000000000010000000000000001""#), // one user twice
            (r#""done":"""#, r#""done":"00000000000000010000000000000002""#), // three in all
            (r#""done":"""#, r#""done":"1""#),
            (r#""done":"""#, r#""done":"000000000000000x""#),
        ] {
            let damaged = whole.replace(from, to);
            assert!(damaged != whole, "{whole}");
            assert!(serde_json::from_str::<UserUnits>(&damaged).is_err(), "{damaged}");
        }
    }

    /// ln E of the null "no more failures in the canary", from failures alone: each is the canary's with probability ρ.
    struct Failures([f64; SIZES]);

    impl Failures {
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

    /// Two equal versions, users who stay on theirs, and one user in fifty whose requests fail a third of the time: a
    /// test of each request takes such a user for many observations, one of each user does not.
    #[test]
    fn sticky_users_mislead_tests_of_requests_and_not_those_of_users() {
        let alpha = Alpha::new(0.05).unwrap();
        let (runs, share, users) = (60, 0.3, 1_500_u64);
        let mut alarms = [0; 3];
        for run in 0..runs {
            let mut random = Random::of_run(102, run);
            let mut units = UserUnits::new(10_000, 5_000).unwrap();
            let mut by_request = Failures([0.0; SIZES]);
            let mut by_user = Failures([0.0; SIZES]);
            let mut by_score = MeanDifference::new(0.0, 0.0, 1.0).unwrap();
            // One user comes every 100 ms, and of those before each of the last 40 sends a request in between.
            let kinds: Vec<(bool, f64)> = (0..users)
                .map(|_| {
                    let fails = if random.bernoulli(0.02) { 0.33 } else { 0.001 };
                    (random.bernoulli(share), fails)
                })
                .collect();
            let mut found = [false; 3];
            for newest in 0..users {
                let at = 100 * newest;
                for user in newest.saturating_sub(40)..=newest {
                    let (canary, fails) = kinds[user as usize];
                    let failed = random.bernoulli(fails);
                    units.observe(user, at, share, canary, failed).unwrap();
                    if failed {
                        found[0] |= by_request.observe(share, canary) >= alpha.ln_threshold();
                    }
                }
                for one in units.release(at) {
                    if one.failed() {
                        found[1] |= by_user.observe(one.share, one.canary) >= alpha.ln_threshold();
                    }
                    by_score.observe(one.share, one.canary, one.score()).unwrap();
                }
            }
            found[2] = by_score.alarm(alpha);
            for (alarms, found) in alarms.iter_mut().zip(found) {
                *alarms += u32::from(found);
            }
        }
        // Three expected at most of each kind of unit, and three standard deviations.
        assert!(alarms[0] > 30 && alarms[1] <= 8 && alarms[2] <= 8, "{alarms:?} of {runs}");
    }
}
