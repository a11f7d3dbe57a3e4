//! Shares of requests: percentages with Envoy's precision, and faults that apply to a share.

use std::time::Duration;

use serde::Serialize;

use super::request::derive;
use crate::networking::{Abort, Delay, ErrorType, HttpDelayType, HttpFaultInjection, Percent};

/// A share of requests in parts of a million, the precision of a percentage in Envoy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Chance(u32);

impl Chance {
    /// Every request.
    pub const ALWAYS: Self = Self(Self::PARTS);
    /// No request.
    pub const NEVER: Self = Self(0);
    /// The number of parts of the whole.
    pub const PARTS: u32 = 1_000_000;

    /// The share of a percentage: truncated to a ten-thousandth of a percent, and limited to 0 to 100 percent. An
    /// absent value is 0.
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "held within 0 and a million before the cast; NaN becomes 0"
    )]
    pub(super) fn percent(percent: &Percent) -> Self {
        let parts = percent.value.map_or(0.0, crate::networking::Double::get) * 10_000.0;
        Self(parts.clamp(0.0, f64::from(Self::PARTS)) as u32)
    }

    /// The share of a whole percentage.
    pub(super) fn whole_percent(percent: u32) -> Self {
        Self(percent.min(100) * 10_000)
    }

    /// The share in parts of a million.
    pub fn parts_per_million(self) -> u32 {
        self.0
    }

    /// Returns true when a random number falls within the share.
    pub fn hits(self, random: u64) -> bool {
        random % u64::from(Self::PARTS) < u64::from(self.0)
    }
}

impl std::fmt::Display for Chance {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} %", f64::from(self.0) / 10_000.0)
    }
}

/// The salts for the random draws of a request; each purpose has its own.
const DELAY: u64 = 0;
const ABORT: u64 = 1;
const MIRRORS: u64 = 2;

/// The random number of a mirror of a request.
pub(super) fn mirror_draw(random: u64, index: usize) -> u64 {
    derive(random, MIRRORS.saturating_add(u64::try_from(index).unwrap_or(u64::MAX)))
}

/// An answer that a fault gives in place of the destination.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct FaultAbort {
    /// The HTTP status; 200 when the error is gRPC's.
    pub status: u16,
    /// The gRPC status, such as `UNAVAILABLE`, when the rule names one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grpc_status: Option<Box<str>>,
}

/// The compiled faults of a rule.
#[derive(Clone, Debug, Default)]
pub(super) struct Fault {
    pub(super) delay: Option<(Duration, Chance)>,
    pub(super) abort: Option<(FaultAbort, Chance)>,
}

impl Fault {
    /// Istio drops an abort without an error, HTTP/2 errors and exponential delays; so does this.
    pub(super) fn new(written: &HttpFaultInjection) -> Self {
        Self {
            delay: written.delay.as_ref().and_then(delay),
            abort: written.abort.as_ref().and_then(abort),
        }
    }

    /// The delay of a request.
    pub(super) fn delays(&self, random: u64) -> Option<Duration> {
        let (duration, chance) = self.delay.as_ref()?;
        chance.hits(derive(random, DELAY)).then_some(*duration)
    }

    /// The abort of a request.
    pub(super) fn aborts(&self, random: u64) -> Option<&FaultAbort> {
        let (abort, chance) = self.abort.as_ref()?;
        chance.hits(derive(random, ABORT)).then_some(abort)
    }
}

fn delay(written: &Delay) -> Option<(Duration, Chance)> {
    let Some(HttpDelayType::FixedDelay(duration)) = &written.http_delay_type else {
        return None;
    };
    let chance = match &written.percentage {
        Some(percentage) => Chance::percent(percentage),
        // The deprecated whole percentage counts only beside no other.
        None => Chance::whole_percent(written.percent.unwrap_or(0).try_into().unwrap_or(0)),
    };
    Some((duration.as_std()?, chance))
}

fn abort(written: &Abort) -> Option<(FaultAbort, Chance)> {
    let answer = match written.error_type.as_ref()? {
        ErrorType::HttpStatus(status) => {
            FaultAbort { status: u16::try_from(*status).ok()?, grpc_status: None }
        }
        ErrorType::GrpcStatus(status) => {
            FaultAbort { status: 200, grpc_status: Some(status.as_str().into()) }
        }
        ErrorType::Http2Error(_) => return None,
    };
    // Without a percentage no request is aborted.
    let chance = written.percentage.as_ref().map_or(Chance::NEVER, Chance::percent);
    Some((answer, chance))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn percent(value: f64) -> Percent {
        Percent { value: Some(value.into()) }
    }

    #[test]
    fn percentages_are_cut_to_a_millionth() {
        assert_eq!(Chance::percent(&percent(0.000_19)).parts_per_million(), 1);
        assert_eq!(Chance::percent(&percent(100.0)), Chance::ALWAYS);
        assert_eq!(Chance::percent(&percent(250.0)), Chance::ALWAYS);
        assert_eq!(Chance::percent(&percent(-1.0)), Chance::NEVER);
        assert_eq!(Chance::percent(&percent(f64::NAN)), Chance::NEVER);
        assert_eq!(Chance::percent(&Percent::default()), Chance::NEVER);
        assert_eq!(Chance::whole_percent(30).to_string(), "30 %");
    }

    #[test]
    fn a_share_is_met_exactly_over_every_residue() {
        let share = Chance::percent(&percent(12.5));
        let hits = (0..u64::from(Chance::PARTS)).filter(|random| share.hits(*random)).count();
        assert_eq!(hits, 125_000);
    }

    #[test]
    fn faults_without_a_percentage_befall_nothing() {
        let written = HttpFaultInjection {
            delay: Some(Delay {
                percent: None,
                http_delay_type: Some(HttpDelayType::FixedDelay("2s".parse().unwrap())),
                percentage: None,
            }),
            abort: Some(Abort { error_type: Some(ErrorType::HttpStatus(503)), percentage: None }),
        };
        let fault = Fault::new(&written);
        assert!((0..1000).all(|random| fault.delays(random).is_none()));
        assert!((0..1000).all(|random| fault.aborts(random).is_none()));
    }

    #[test]
    fn a_deprecated_percent_counts_when_alone() {
        let mut written = HttpFaultInjection {
            delay: Some(Delay {
                percent: Some(100),
                http_delay_type: Some(HttpDelayType::FixedDelay("2s".parse().unwrap())),
                percentage: None,
            }),
            abort: None,
        };
        assert_eq!(Fault::new(&written).delays(5), Some(Duration::from_secs(2)));
        if let Some(delay) = &mut written.delay {
            delay.percentage = Some(percent(0.0));
        }
        assert_eq!(Fault::new(&written).delays(5), None);
    }
}
