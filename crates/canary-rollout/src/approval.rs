//! A person's approval before a step.

use std::{fmt, time::Duration};

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{MapAccess, Visitor, value::MapAccessDeserializer},
    ser::SerializeMap,
};

/// A person's approval that a step waits for before its weight is written.
///
/// The step before it is held meanwhile: its weights stay, its guardrails keep watching, and the time counts neither for
/// its hold nor for [`Plan::patience`](crate::Plan::patience). In YAML it is `approve: true`, or its members:
///
/// ```
/// use canary_core::{Plan, rollout::{Approval, Otherwise}};
///
/// let plan = Plan::from_yaml("
/// target: {virtualService: pets}
/// stable: v1
/// canary: v2
/// steps:
/// - {weight: 10, hold: {requests: 400}}
/// - {weight: 50, hold: {requests: 400}, approve: true}
/// - {weight: 100, approve: {timeout: 4h, otherwise: rollback}}
/// ")?;
/// assert_eq!(plan.steps[1].approve, Some(Approval::new()));
/// let last = plan.steps[2].approve.unwrap();
/// assert_eq!((last.timeout.unwrap().as_secs(), last.otherwise), (4 * 3600, Otherwise::Rollback));
/// # Ok::<(), canary_core::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Approval {
    /// The longest time that the step waits, pauses and interruptions aside; without one it waits until somebody decides.
    pub timeout: Option<Duration>,
    /// The end of the waiting when nobody approved in time.
    pub otherwise: Otherwise,
}

/// The consequence of an approval that was not given in time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Otherwise {
    /// It is reported once, and the release continues to wait at its weights, with its guardrails.
    #[default]
    Hold,
    /// Everything goes back to the stable subset.
    Rollback,
}

impl Approval {
    /// An approval without a time limit.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the longest time that the step waits.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Sets the consequence of an approval that is not given in time.
    #[must_use]
    pub fn otherwise(mut self, otherwise: Otherwise) -> Self {
        self.otherwise = otherwise;
        self
    }

    /// Returns `true` when the approval is overdue after this time of waiting.
    pub(crate) fn is_overdue(&self, waited: Duration) -> bool {
        self.timeout.is_some_and(|timeout| waited >= timeout)
    }
}

/// The form with members.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Members {
    #[serde(default, with = "jiff::fmt::serde::unsigned_duration::friendly::compact::optional")]
    timeout: Option<Duration>,
    #[serde(default)]
    otherwise: Otherwise,
}

/// Reads and writes the member `approve` of a step.
pub(crate) mod member {
    use super::{
        Approval, Deserializer, Duration, MapAccess, MapAccessDeserializer, Members, Otherwise,
        Serialize, SerializeMap, Serializer, Visitor, fmt,
    };
    use serde::Deserialize as _;

    #[derive(Serialize)]
    struct Text(
        #[serde(with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required")]
        Duration,
    );

    #[expect(clippy::ref_option, reason = "the signature that serde calls")]
    pub(crate) fn serialize<S: Serializer>(
        approval: &Option<Approval>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let Some(Approval { timeout, otherwise }) = approval else {
            return serializer.serialize_bool(false);
        };
        if timeout.is_none() && *otherwise == Otherwise::default() {
            return serializer.serialize_bool(true);
        }
        let mut members = serializer.serialize_map(None)?;
        if let Some(timeout) = timeout {
            members.serialize_entry("timeout", &Text(*timeout))?;
        }
        if *otherwise != Otherwise::default() {
            members.serialize_entry("otherwise", otherwise)?;
        }
        members.end()
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Approval>, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = Option<Approval>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("true, or a mapping with timeout and otherwise")
            }

            fn visit_bool<E: serde::de::Error>(self, wanted: bool) -> Result<Self::Value, E> {
                Ok(wanted.then(Approval::new))
            }

            fn visit_unit<E: serde::de::Error>(self) -> Result<Self::Value, E> {
                Ok(None)
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                let Members { timeout, otherwise } =
                    Members::deserialize(MapAccessDeserializer::new(map))?;
                Ok(Some(Approval { timeout, otherwise }))
            }
        }
        deserializer.deserialize_any(Either)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Step;

    #[test]
    fn an_approval_is_a_bool_or_its_members() {
        let read = |text: &str| serde_json::from_str::<Step>(text);
        let hour = Duration::from_secs(3600);
        for (text, expected) in [
            (r#"{"weight":5}"#, None),
            (r#"{"weight":5,"approve":true}"#, Some(Approval::new())),
            (r#"{"weight":5,"approve":{"timeout":"1h"}}"#, Some(Approval::new().timeout(hour))),
            (
                r#"{"weight":5,"approve":{"timeout":"1h","otherwise":"rollback"}}"#,
                Some(Approval::new().timeout(hour).otherwise(Otherwise::Rollback)),
            ),
        ] {
            let step = read(text).unwrap();
            assert_eq!(step.approve, expected, "{text}");
            assert_eq!(serde_json::to_string(&step).unwrap(), text);
        }
        for text in ["false", "null"] {
            let step = read(&format!(r#"{{"weight":5,"approve":{text}}}"#)).unwrap();
            assert_eq!(step.approve, None, "{text}");
        }
        for (text, names) in [
            (r#"{"weight":5,"approve":"yes"}"#, "expected true, or a mapping"),
            (r#"{"weight":5,"approve":{"timeout":"1h","else":"hold"}}"#, "unknown field `else`"),
            (r#"{"weight":5,"approve":{"otherwise":"promote"}}"#, "expected `hold` or `rollback`"),
        ] {
            let error = read(text).unwrap_err().to_string();
            assert!(error.contains(names), "{text}: {error}");
        }
    }
}
