//! A share in percent, exact to thousandths of a percent.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::{Error, Result};

/// Thousandths of a percent in one percent.
const IN_ONE: u64 = 1_000;

/// A share of the traffic in percent, exact to three decimals: the canary's weight, or the mirrored share.
///
/// Whole numbers are shares as they are (`5.into()`); others are checked by [`Percent::new`]. In YAML and JSON it is a
/// number. Shares above 100 can be written, so that [`Plan::validate`](crate::Plan::validate) can name them.
///
/// ```
/// use canary_core::rollout::Percent;
///
/// let weight = Percent::new(0.1)?;
/// assert_eq!(weight.to_string(), "0.1");
/// assert_eq!(weight.share(), 0.001);
/// assert_eq!(Percent::from(5), Percent::new(5.0)?);
/// assert!(Percent::new(0.0001).is_err(), "four decimals");
/// # Ok::<(), canary_core::rollout::Error>(())
/// ```
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Percent(u64);

impl Percent {
    /// No traffic.
    pub const NONE: Self = Self(0);
    /// All traffic.
    pub const ALL: Self = Self(100 * IN_ONE);

    /// A share in percent with at most three decimals.
    ///
    /// # Errors
    /// [`Error::Plan`] when it is negative, no number, larger than any share, or has more than three decimals.
    pub fn new(percent: f64) -> Result<Self> {
        if !(0.0..=f64::from(u32::MAX)).contains(&percent) {
            return Err(Error::Plan(format!(
                "the share {percent} % is none; expected a number from 0 to 100, such as 0.1 or 30"
            )));
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "from 0 to 2^32 thousands"
        )]
        let nearest = Self((percent * 1_000.0).round() as u64);
        if f64::from(nearest).to_bits() == percent.abs().to_bits() {
            return Ok(nearest);
        }
        Err(Error::Plan(format!(
            "the share {percent} % has more than three decimals; round it, such as to {}",
            nearest.max(Self(1))
        )))
    }

    /// A share in thousandths of a percent.
    ///
    /// ```
    /// use canary_core::rollout::Percent;
    ///
    /// assert_eq!(Percent::from_thousandths(500).to_string(), "0.5");
    /// assert_eq!(Percent::from(2).thousandths(), 2_000);
    /// ```
    pub const fn from_thousandths(thousandths: u64) -> Self {
        Self(thousandths)
    }

    /// The share in thousandths of a percent.
    pub const fn thousandths(self) -> u64 {
        self.0
    }

    /// The share in percent when it is a whole number.
    ///
    /// ```
    /// use canary_core::rollout::Percent;
    ///
    /// assert_eq!(Percent::from(30).whole(), Some(30));
    /// assert_eq!(Percent::new(0.5)?.whole(), None);
    /// # Ok::<(), canary_core::rollout::Error>(())
    /// ```
    pub const fn whole(self) -> Option<u64> {
        if self.0.is_multiple_of(IN_ONE) { Some(self.0 / IN_ONE) } else { None }
    }

    /// The share as a part of one: 0.001 for 0.1 %.
    pub fn share(self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "below 2^53")]
        let thousandths = self.0 as f64;
        thousandths / 100_000.0
    }

    /// Returns `true` when the share is some of the traffic and not all of it.
    ///
    /// ```
    /// use canary_core::rollout::Percent;
    ///
    /// assert!(Percent::new(0.001)?.is_part());
    /// assert!(!Percent::NONE.is_part() && !Percent::ALL.is_part());
    /// # Ok::<(), canary_core::rollout::Error>(())
    /// ```
    pub const fn is_part(self) -> bool {
        0 < self.0 && self.0 < Self::ALL.0
    }

    /// Returns `true` when there is no traffic.
    pub const fn is_none(&self) -> bool {
        self.0 == 0
    }

    /// The rest of 100; nothing for a share of all or more.
    ///
    /// ```
    /// use canary_core::rollout::Percent;
    ///
    /// assert_eq!(Percent::new(0.1)?.rest().to_string(), "99.9");
    /// # Ok::<(), canary_core::rollout::Error>(())
    /// ```
    #[must_use]
    pub const fn rest(self) -> Self {
        Self(Self::ALL.0.saturating_sub(self.0))
    }
}

impl From<u32> for Percent {
    fn from(percent: u32) -> Self {
        Self(u64::from(percent) * IN_ONE)
    }
}

impl TryFrom<f64> for Percent {
    type Error = Error;

    fn try_from(percent: f64) -> Result<Self> {
        Self::new(percent)
    }
}

/// The share in percent.
impl From<Percent> for f64 {
    fn from(percent: Percent) -> Self {
        #[expect(clippy::cast_precision_loss, reason = "below 2^53")]
        let thousandths = percent.0 as Self;
        thousandths / 1_000.0
    }
}

impl PartialEq<u32> for Percent {
    fn eq(&self, other: &u32) -> bool {
        *self == Self::from(*other)
    }
}

impl PartialOrd<u32> for Percent {
    fn partial_cmp(&self, other: &u32) -> Option<std::cmp::Ordering> {
        self.partial_cmp(&Self::from(*other))
    }
}

/// The shortest decimal: `30`, `0.1`.
impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, rest) = (self.0 / IN_ONE, self.0 % IN_ONE);
        let text = if rest == 0 {
            whole.to_string()
        } else {
            format!("{whole}.{rest:03}").trim_end_matches('0').to_owned()
        };
        f.pad_integral(true, "", &text)
    }
}

/// As a number, like [`Display`](fmt::Display).
impl fmt::Debug for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Percent {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let number = text.trim().parse().map_err(|_| {
            Error::Plan(format!(
                "{text:?} is no share in percent; expected a number such as 0.1 or 30"
            ))
        })?;
        Self::new(number)
    }
}

/// Written as a number, which is an integer where the share is whole.
impl Serialize for Percent {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.whole() {
            Some(whole) => serializer.serialize_u64(whole),
            None => serializer.serialize_f64(f64::from(*self)),
        }
    }
}

impl<'de> Deserialize<'de> for Percent {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // A binary format keeps integers and floats apart.
        deserializer.deserialize_any(Number)
    }
}

/// The reader of a share from a number.
struct Number;

impl de::Visitor<'_> for Number {
    type Value = Percent;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a share in percent, a number with at most three decimals such as 0.1 or 30")
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Percent, E> {
        let unfit = || E::invalid_value(de::Unexpected::Unsigned(number), &self);
        u32::try_from(number).map(Percent::from).map_err(|_| unfit())
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Percent, E> {
        let unfit = || E::invalid_value(de::Unexpected::Signed(number), &self);
        u32::try_from(number).map(Percent::from).map_err(|_| unfit())
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<Percent, E> {
        Percent::new(number).map_err(E::custom)
    }
}

#[cfg(test)]
mod tests;
