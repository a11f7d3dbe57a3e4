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
mod tests;
