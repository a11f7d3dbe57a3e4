//! The consequence of a guardrail's alarm.

use serde::{Deserialize, Serialize};

/// The level of all guardrails together that pause, and of each one that warns.
pub(crate) const ASIDE_ALPHA: f64 = 0.05;

/// The consequence of a guardrail's alarm; `action` in YAML.
///
/// Only guardrails that roll back share the plan's α, so that a warning costs them nothing. Those that pause share 5 %
/// among them, and each that warns has 5 % of its own.
///
/// ```
/// use canary_core::rollout::{Guardrail, OnAlarm};
///
/// let guardrail = Guardrail::slow_ratio(1.2).on_alarm(OnAlarm::Pause);
/// let text = serde_json::to_string(&guardrail)?;
/// assert!(text.contains(r#""action":"pause""#), "{text}");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum OnAlarm {
    /// All traffic goes back to the stable version.
    #[default]
    Rollback,
    /// The weights stay as they are, and a person decides: `resume` continues, `abort` rolls back.
    Pause,
    /// The alarm is reported, and nothing else happens.
    Warn,
}

impl OnAlarm {
    /// Its name: `rollback`, `pause` or `warn`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Rollback => "rollback",
            Self::Pause => "pause",
            Self::Warn => "warn",
        }
    }
}
