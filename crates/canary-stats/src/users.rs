//! Users as the units of a test, where a user stays on one version.
//!
//! The requests of one user fail or succeed together far more often than those of different users. If a user is
//! assigned to a version once, by a hash, and stays there, the requests are not divided individually, and a test that
//! treats each request as an observation counts one unlucky user many times. The user is the randomised unit, so the
//! user has to be the unit of analysis (R. Kohavi, D. Tang, Y. Xu, *Trustworthy Online Controlled Experiments*, 2020,
//! chapter 14).
//!
//! The observation is what happens within a window after the user's first request, with the share of the canary in
//! force at that request. Observations are returned when their window is over, in the order of first contact, so that
//! outcomes that are known early, such as failures, do not come before those that take longer.

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};

use super::{
    error::{Result, StatsError, check, closed_unit},
    known::{Known, Taken},
};

/// The failures from which on a user's score is 0.
const WORST: u32 = 10;

/// One user whose window is over.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct UserOutcome<T = Failures> {
    /// The user's digest.
    pub user: u64,
    /// The time of the first request, in milliseconds.
    pub since: u64,
    /// The canary's share of the traffic at the first request.
    pub share: f64,
    /// True when the canary served the user.
    pub canary: bool,
    /// The result of the user's requests within the window.
    pub result: T,
}

/// The failed requests of one user.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Failures(pub u32);

impl Failures {
    /// Adds one request.
    pub fn add(&mut self, failed: bool) {
        self.0 = self.0.saturating_add(u32::from(failed));
    }

    /// Returns true when any request failed: an observation of a test of rates.
    pub fn any(&self) -> bool {
        self.0 > 0
    }

    /// 1 − min(failures, 10)/10: an observation of [`MeanDifference`](super::MeanDifference), higher is better.
    pub fn score(&self) -> f64 {
        1.0 - f64::from(self.0.min(WORST)) / f64::from(WORST)
    }
}

/// Turns requests with a user key into one observation for each user.
///
/// A user is identified by a 64-bit digest of the key. Every user counts once: one who comes back after the window is
/// [`Known`]. The memory is bounded by a limit of users in all; when it is reached, no *new* users are taken, which does
/// not depend on any outcome, and those who are known continue as before. A user whom both versions serve within the window
/// is left out and counted; after the window this is not noticed.
///
/// The saved form has the known users and the counts. The users in their window are not in it: after a restart they are
/// left out, whatever became of them, because a restart does not depend on their outcomes.
///
/// `T` is the result of a user's requests: [`Failures`], or a type of the caller's.
///
/// ```
/// use canary_core::stats::users::{Failures, UserUnits};
///
/// let half_an_hour = 30 * 60 * 1000;
/// let mut units = UserUnits::<Failures>::new(half_an_hour, 20_000)?;
/// let mut fails = |at, share| units.observe(17, at, share, false, |user| user.add(true));
/// fails(0, 0.1)?; // user 17 gets an error from the stable version
/// fails(5_000, 0.2)?; // and another one: still one user, divided at a share of 0.1
/// assert_eq!(units.release(60_000).count(), 0); // the half hour is not over
/// let outcomes: Vec<_> = units.release(half_an_hour).collect();
/// assert_eq!((outcomes.len(), outcomes[0].share), (1, 0.1));
/// assert!(outcomes[0].result.any() && outcomes[0].result.score() == 0.8);
/// # Ok::<(), canary_core::stats::StatsError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Saved", into = "Saved", bound = "T: Clone")]
pub struct UserUnits<T = Failures> {
    window_millis: u64,
    known: Known,
    /// The time of the latest request.
    latest: u64,
    /// The users in their window, in order of first contact.
    open: VecDeque<Open<T>>,
    /// The place of each of them, counted from the first user ever.
    places: BTreeMap<u64, u64>,
    /// The users who have left `open`.
    released: u64,
    in_both_arms: u64,
    not_taken: u64,
}

/// A user in the window.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Open<T> {
    user: u64,
    since: u64,
    share: f64,
    canary: bool,
    result: T,
    both: bool,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Saved {
    window_millis: u64,
    latest: u64,
    known: Known,
    in_both_arms: u64,
    not_taken: u64,
}

impl<T> From<UserUnits<T>> for Saved {
    fn from(units: UserUnits<T>) -> Self {
        let UserUnits { window_millis, latest, known, in_both_arms, not_taken, .. } = units;
        Self { window_millis, latest, known, in_both_arms, not_taken }
    }
}

impl<T> TryFrom<Saved> for UserUnits<T> {
    type Error = StatsError;

    fn try_from(saved: Saved) -> Result<Self> {
        let Saved { window_millis, latest, known, in_both_arms, not_taken } = saved;
        let units = Self::new(window_millis, known.room())?;
        Ok(Self { known, latest, in_both_arms, not_taken, ..units })
    }
}

impl<T> UserUnits<T> {
    /// No user yet; a user's window is `window_millis` milliseconds, and `limit` is the most users that are ever taken.
    ///
    /// # Errors
    /// When `window_millis` is 0, or `limit` not from 1 to [`Known::CAPACITY`].
    pub fn new(window_millis: u64, limit: u64) -> Result<Self> {
        check("window_millis", window_millis as f64, "at least 1", window_millis > 0)?;
        let holds = (1..=Known::CAPACITY).contains(&limit);
        check("limit", limit as f64, "a number from 1 to 26000", holds)?;
        Ok(Self {
            window_millis,
            known: Known::with_room_for(limit),
            latest: 0,
            open: VecDeque::new(),
            places: BTreeMap::new(),
            released: 0,
            in_both_arms: 0,
            not_taken: 0,
        })
    }

    /// Leaves a user out for good who is not known yet, such as one whose first contact was not seen.
    pub fn exclude(&mut self, user: u64) {
        if !self.places.contains_key(&user) && self.known.insert(user) == Taken::Full {
            self.not_taken = self.not_taken.saturating_add(1);
        }
    }

    /// The users in their window.
    pub fn waiting(&self) -> u64 {
        self.open.len() as u64
    }

    /// All users who were taken.
    pub fn users(&self) -> u64 {
        self.known.taken()
    }

    /// The users who were left out because both versions served them within their window, of those whose window is over.
    pub fn in_both_arms(&self) -> u64 {
        self.in_both_arms
    }

    /// The requests of new users that were not taken because the limit was reached.
    pub fn not_taken(&self) -> u64 {
        self.not_taken
    }

    /// The users whose window is over at `now_millis`, in order of first contact; each is given out once.
    ///
    /// All requests sent before `now_millis` must have been taken in: with requests in flight, `now_millis` is the time of
    /// sending of the oldest of them. Users that the iterator did not return are returned the next time.
    pub fn release(&mut self, now_millis: u64) -> impl Iterator<Item = UserOutcome<T>> {
        std::iter::from_fn(move || {
            loop {
                let first = self.open.front()?;
                if now_millis.saturating_sub(first.since) < self.window_millis {
                    return None;
                }
                let Open { user, since, share, canary, result, both } = self.open.pop_front()?;
                self.places.remove(&user);
                self.released += 1;
                if !both {
                    return Some(UserOutcome { user, since, share, canary, result });
                }
                self.in_both_arms = self.in_both_arms.saturating_add(1);
            }
        })
    }
}

impl<T: Default> UserUnits<T> {
    /// Takes in one request, in order of sending: the digest of its user, the time of sending in milliseconds, the
    /// canary's share at that time and whether the canary served it; `add` puts it into the user's result.
    ///
    /// A user's first request fixes the share and the version; only requests within the window count. Returns true when
    /// it is the first one of a user who is taken.
    ///
    /// # Errors
    /// When `at_millis` is before that of the request before it, or `share` is not from 0 to 1; then nothing is added.
    pub fn observe(
        &mut self,
        user: u64,
        at_millis: u64,
        share: f64,
        canary: bool,
        add: impl FnOnce(&mut T),
    ) -> Result<bool> {
        let ordered = at_millis >= self.latest;
        check("at_millis", at_millis as f64, "no earlier than the last request", ordered)?;
        closed_unit("share", share)?;
        self.latest = at_millis;
        if let Some(place) = self.places.get(&user) {
            let index = place.wrapping_sub(self.released) as usize;
            if let Some(open) = self.open.get_mut(index)
                && at_millis - open.since < self.window_millis
            {
                open.both |= open.canary != canary;
                add(&mut open.result);
            }
            return Ok(false);
        }
        match self.known.insert(user) {
            Taken::Seen => Ok(false),
            Taken::Full => {
                self.not_taken = self.not_taken.saturating_add(1);
                Ok(false)
            }
            Taken::New => {
                self.places.insert(user, self.released + self.waiting());
                let mut result = T::default();
                add(&mut result);
                let since = at_millis;
                self.open.push_back(Open { user, since, share, canary, result, both: false });
                Ok(true)
            }
        }
    }
}

#[cfg(test)]
mod tests;
