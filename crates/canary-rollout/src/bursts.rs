//! The plan's guard against bursts.

use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

/// The shortest window of the guard that is chosen by itself.
const SHORTEST: Duration = Duration::from_secs(15);

/// The treatment of bursts of failures, such as those of one failing pod.
///
/// The tests of error and latency ratios assume that failures come one by one. The guard limits the evidence that the
/// requests of a single window of time can add, so that a burst at one version is not taken for harm. Lasting harm is
/// still found, after three windows or more. In YAML it is `none` or a duration such as `30s`.
///
/// ```
/// use canary_core::{Plan, rollout::Bursts};
///
/// let plan = Plan::new("image-classifier", "resnet50", "resnet101");
/// assert_eq!(plan.burst_window().map(|window| window.as_secs()), Some(15));
/// let plan = plan.bursts(Bursts::None);
/// assert_eq!(plan.burst_window(), None);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Bursts {
    /// Windows of 15 s, or of the plan's request timeout where that is longer.
    #[default]
    Auto,
    /// Windows of this length. It has to be as long as a burst: spread over three windows or more, bursts pass.
    Window(Duration),
    /// No guard: for traffic whose failures are known to come one by one, such as a simulation's. One burst may then
    /// roll a healthy canary back.
    None,
}

impl Bursts {
    /// The length of the windows; none without a guard.
    pub(crate) fn window(self, request_timeout: Duration) -> Option<Duration> {
        match self {
            Self::Auto => Some(SHORTEST.max(request_timeout)),
            Self::Window(window) => Some(window),
            Self::None => None,
        }
    }

    pub(crate) fn is_auto(&self) -> bool {
        *self == Self::Auto
    }
}

impl Serialize for Bursts {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Auto => serializer.serialize_str("auto"),
            Self::None => serializer.serialize_str("none"),
            Self::Window(window) => {
                jiff::fmt::serde::unsigned_duration::friendly::compact::required::serialize(
                    window, serializer,
                )
            }
        }
    }
}

impl<'de> Deserialize<'de> for Bursts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        match text.as_str() {
            "auto" => return Ok(Self::Auto),
            "none" => return Ok(Self::None),
            _ => {}
        }
        let parsed = jiff::fmt::friendly::SpanParser::new().parse_unsigned_duration(&text);
        parsed.map(Self::Window).map_err(|_| {
            D::Error::custom(format!(
                "bursts is {text:?}, expected auto, none or a duration such as 30s"
            ))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_read_as_it_is_written() {
        for (bursts, text) in [
            (Bursts::Auto, r#""auto""#),
            (Bursts::None, r#""none""#),
            (Bursts::Window(Duration::from_secs(90)), r#""1m30s""#),
        ] {
            assert_eq!(serde_json::from_str::<Bursts>(text).unwrap(), bursts);
            let written = serde_json::to_string(&bursts).unwrap();
            assert_eq!(serde_json::from_str::<Bursts>(&written).unwrap(), bursts, "{written}");
        }
        let error = serde_json::from_str::<Bursts>(r#""never""#).unwrap_err().to_string();
        assert!(error.contains("auto, none or a duration"), "{error}");
    }

    #[test]
    fn a_window_is_as_long_as_the_longest_request() {
        let auto = |seconds| Bursts::Auto.window(Duration::from_secs(seconds)).unwrap().as_secs();
        assert_eq!((auto(5), auto(60)), (15, 60));
    }
}
