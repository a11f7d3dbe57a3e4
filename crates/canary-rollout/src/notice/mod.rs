//! Notices: the events of a run for people and programs outside of it.

#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

use crate::{
    Percent, Plan, Split, Verdict,
    cluster::{ObjectRef, Progress},
    evidence::Timestamp,
};

/// The kind of a notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum NoticeKind {
    /// A run began, or continues after an interruption.
    Started,
    /// A weight was written.
    Step,
    /// A step waits for a person's approval, or has waited longer than the plan allows.
    AwaitingApproval,
    /// A person or a guardrail paused the rollout; its guardrails continue.
    Paused,
    /// A person resumed it.
    Resumed,
    /// The run was suspended: nothing watches the canary until the plan is run again.
    Suspended,
    /// A guardrail alarmed whose consequence is not a rollback.
    Alarm,
    /// After a promotion: the old version's `Deployment` waits for its scale-down, was scaled down, or is unchanged.
    ScaleDown,
    /// The rollout is over.
    Verdict,
}

impl NoticeKind {
    /// Its name, such as `started` or `awaitingApproval`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Started => "started",
            Self::Step => "step",
            Self::AwaitingApproval => "awaitingApproval",
            Self::Paused => "paused",
            Self::Resumed => "resumed",
            Self::Suspended => "suspended",
            Self::Alarm => "alarm",
            Self::ScaleDown => "scaleDown",
            Self::Verdict => "verdict",
        }
    }
}

/// One thing that happened in a rollout, for people and programs outside of the run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Notice {
    /// The id of this notice; a repeated notice has the same id.
    pub id: String,
    /// The kind.
    pub kind: NoticeKind,
    /// The time of the event, in milliseconds since the Unix epoch.
    pub at: Timestamp,
    /// The namespace of the object that holds the state.
    pub namespace: String,
    /// The name of the object that holds the state: the `VirtualService`, or what [`Notice::object`] names.
    pub virtual_service: String,
    /// The object that holds the state, where it is no `VirtualService`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object: Option<ObjectRef>,
    /// The stable subset.
    pub stable: String,
    /// The canary's subset.
    pub canary: String,
    /// The step, from 0, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<usize>,
    /// The canary's weight in percent; none before the first one is written or read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight: Option<Percent>,
    /// The guardrail that alarmed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guardrail: Option<String>,
    /// The verdict's name, such as `promote` ([`Verdict::name`]).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verdict: Option<String>,
    /// The cause of a rollback or of an inconclusive end, such as `alarm` ([`Verdict::cause`]).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// The event in one sentence, without the names of the object and of the versions.
    pub sentence: String,
    /// The address of a report or a dashboard, if the user gave one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
}

impl Notice {
    /// The object that the notice is about: the one that holds the state of the rollout.
    pub fn about(&self) -> ObjectRef {
        let named = || ObjectRef::virtual_service(&self.namespace, &self.virtual_service);
        self.object.clone().unwrap_or_else(named)
    }

    /// The moment as RFC 3339 writes it, in UTC, such as `2026-11-30T01:06:09.25Z`.
    pub fn time(&self) -> String {
        let millis = i64::try_from(self.at.0).unwrap_or(i64::MAX);
        jiff::Timestamp::from_millisecond(millis).unwrap_or(jiff::Timestamp::MAX).to_string()
    }

    /// Returns `true` where a person should look: an alarm, and a verdict other than a promotion.
    pub fn is_warning(&self) -> bool {
        match self.kind {
            NoticeKind::Alarm => true,
            NoticeKind::Verdict => {
                !matches!(self.verdict.as_deref(), Some("promote" | "promotedByPerson"))
            }
            _ => false,
        }
    }
}

/// Makes the notices of one run from its [`Progress`].
///
/// ```
/// use canary_core::{Plan, cluster::Progress, evidence::Timestamp, rollout::{NoticeKind, Notices, Split}};
///
/// let mut notices = Notices::new(&Plan::new("pets", "v1", "v2").namespace("models"));
/// let written = Progress::Written { step: 0, split: Split::new(10) };
/// let notice = notices.of(&written, Timestamp(1_000)).unwrap();
/// assert_eq!((notice.kind, notice.weight), (NoticeKind::Step, Some(10.into())));
/// assert_eq!(notice.sentence, "step 0: weights 90/10");
/// assert_eq!(notice.time(), "1970-01-01T00:00:01Z");
/// // The weights are the same: there is nothing to tell.
/// assert_eq!(notices.of(&written, Timestamp(2_000)), None);
/// ```
#[derive(Clone, Debug)]
pub struct Notices {
    experiment: String,
    namespace: String,
    virtual_service: String,
    object: Option<ObjectRef>,
    stable: String,
    canary: String,
    link: Option<String>,
    /// The step and the split as they were reported last.
    step: Option<usize>,
    split: Option<Split>,
}

impl Notices {
    /// For the runs of a plan.
    pub fn new(plan: &Plan) -> Self {
        Self {
            experiment: plan.hash(),
            namespace: plan.target.namespace().to_owned(),
            virtual_service: plan.target.name().to_owned(),
            object: Some(plan.target.state_object())
                .filter(|object| object.kind != "VirtualService"),
            stable: plan.stable.clone(),
            canary: plan.canary.clone(),
            link: None,
            step: None,
            split: None,
        }
    }

    /// Gives every notice the address of a report or a dashboard.
    #[must_use]
    pub fn link(mut self, link: impl Into<String>) -> Self {
        self.link = Some(link.into());
        self
    }

    /// The notice of an event that happened at this moment.
    ///
    /// `None` for the events that only a log needs, for a write that leaves the weights as they are, and for a verdict
    /// that an earlier run gave: it was reported then.
    pub fn of(&mut self, progress: &Progress, at: Timestamp) -> Option<Notice> {
        let split = self.split;
        self.follow(progress);
        let kind = match progress {
            Progress::Started { stored: None, .. } => NoticeKind::Started,
            Progress::Written { split: now, .. } if split != Some(*now) => NoticeKind::Step,
            Progress::AwaitingApproval { .. } | Progress::ApprovalOverdue { .. } => {
                NoticeKind::AwaitingApproval
            }
            Progress::Paused => NoticeKind::Paused,
            Progress::Resumed => NoticeKind::Resumed,
            Progress::Suspended { .. } => NoticeKind::Suspended,
            Progress::Alarmed { .. } => NoticeKind::Alarm,
            Progress::ScaleDownAwaited { .. } | Progress::ScaledDown { .. } => {
                NoticeKind::ScaleDown
            }
            Progress::Finished { stored: None, .. } => NoticeKind::Verdict,
            _ => return None,
        };
        let sentence = match progress {
            Progress::Suspended { .. } => {
                "suspended: nothing watches the canary until the plan is run again".to_owned()
            }
            _ => progress.to_string(),
        };
        let verdict = match progress {
            Progress::Finished { verdict, .. } => Some(verdict),
            _ => None,
        };
        let guardrail = match progress {
            Progress::Alarmed { reading, .. } => Some(reading.guardrail.clone()),
            Progress::Finished { verdict: Verdict::Rollback { guardrail, .. }, .. } => {
                Some(guardrail.clone())
            }
            _ => None,
        };
        let named = format!("{} {} {} {sentence}", self.experiment, kind.name(), at.0);
        Some(Notice {
            id: format!("{:032x}", xxhash_rust::xxh3::xxh3_128(named.as_bytes())),
            kind,
            at,
            namespace: self.namespace.clone(),
            virtual_service: self.virtual_service.clone(),
            object: self.object.clone(),
            stable: self.stable.clone(),
            canary: self.canary.clone(),
            step: self.step,
            weight: self.split.map(|split| split.canary),
            guardrail,
            verdict: verdict.map(|verdict| verdict.name().to_owned()),
            cause: verdict.and_then(Verdict::cause).map(str::to_owned),
            sentence,
            link: self.link.clone(),
        })
    }

    /// Remembers the step and the split that an event states.
    fn follow(&mut self, progress: &Progress) {
        let (step, split) = match progress {
            Progress::Started { step, .. }
            | Progress::AwaitingApproval { step, .. }
            | Progress::ApprovalOverdue { step, .. } => (*step, self.split),
            Progress::Written { step, split } => (*step, Some(*split)),
            Progress::Suspended { step, split } => (*step, split.or(self.split)),
            Progress::Seen(seen) => (seen.step, seen.split.or(self.split)),
            _ => return,
        };
        (self.step, self.split) = (Some(step), split);
    }
}
