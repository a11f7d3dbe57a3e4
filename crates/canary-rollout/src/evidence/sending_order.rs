//! The order of sending: it determines the numbers of observations; observations out of order are refused.

use std::{sync::Arc, time::Duration};

use super::{
    Timestamp,
    observation::{Observation, Seen},
};
use crate::{Error, Result};

/// The maximum time by which the clock of the observations may be ahead of this machine's.
const AHEAD: Duration = Duration::from_secs(5);

/// Numbers that one millisecond has.
const A_MILLISECOND: u64 = 1 << 20;

/// Numbers the observations of a caller's source, which are in the order of sending.
///
/// An observation's number ([`Observation::sequence`]) is its moment in milliseconds times 2²⁰, and its place among those
/// of that moment. So a source that starts again gives the same numbers, and a source that continues gives higher ones.
///
/// ```
/// use canary_core::evidence::{Arm, Request, Seen, SendingOrder, Timestamp};
///
/// let mut order = SendingOrder::new("log");
/// let now = Timestamp::now();
/// let served = || Seen::Request(Request::served(Arm::Stable, None));
/// assert!(order.take(now, served(), now).is_ok());
/// let earlier = Timestamp(now.0 - 1);
/// let error = order.take(earlier, served(), now).unwrap_err();
/// assert!(error.to_string().starts_with("observation 1 of log was sent at"));
/// ```
#[derive(Clone, Debug)]
pub struct SendingOrder {
    source: Arc<str>,
    /// The number of the next observation in the order given, from 0.
    next: u64,
    last: Option<(Timestamp, u64)>,
}

impl SendingOrder {
    /// The order of the source of that name, which has given nothing yet.
    pub fn new(source: impl Into<Arc<str>>) -> Self {
        Self { source: source.into(), next: 0, last: None }
    }

    /// The next observation.
    ///
    /// # Errors
    /// [`Error::Observation`] when it was sent before the last one, or more than five seconds after `now`.
    pub fn take(&mut self, at: Timestamp, what: Seen, now: Timestamp) -> Result<Observation> {
        if at > now.plus(AHEAD) {
            return Err(self
                .refuse(&what, &format!("was sent at {at}, which is in the future: it is {now}")));
        }
        let first = at.0.saturating_mul(A_MILLISECOND);
        let sequence = match self.last {
            Some((last, _)) if at < last => {
                let (at, last) = (exact(at), exact(last));
                let reason = format!(
                    "was sent at {at}, before the one that came before it ({last}); give them in the order of sending"
                );
                return Err(self.refuse(&what, &reason));
            }
            Some((_, number)) => first.max(number.saturating_add(1)),
            None => first,
        };
        self.last = Some((at, sequence));
        self.next += 1;
        Ok(Observation { source: Arc::clone(&self.source), sequence: Some(sequence), at, what })
    }

    /// The number of the next observation in the order given, from 0.
    pub fn next_number(&self) -> u64 {
        self.next
    }

    fn refuse(&self, what: &Seen, reason: &str) -> Error {
        let id = match what {
            Seen::Request(request) => request.id.as_deref(),
            _ => None,
        };
        let id = id.map_or_else(String::new, |id| format!("(id {id:?}) "));
        let (source_name, number) = (self.source.to_string(), self.next);
        Error::Observation { source_name, number, reason: format!("{id}{reason}") }
    }
}

/// The moment to the millisecond, as in RFC 3339.
fn exact(at: Timestamp) -> String {
    let millis = i64::try_from(at.0).unwrap_or(i64::MAX);
    jiff::Timestamp::from_millisecond(millis).unwrap_or(jiff::Timestamp::MAX).to_string()
}
