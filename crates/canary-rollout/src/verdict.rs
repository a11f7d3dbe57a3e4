//! The result of a rollout: numbers, one sentence, JSON.

use serde::{Deserialize, Serialize};

use super::{
    aa::AaReport,
    counted::counted,
    gate::GateOutcome,
    patch::Differences,
    plan::Split,
    reading::{Reading, excluded},
    tally::Tally,
};

/// The result of the evidence at a moment.
///
/// ```
/// use canary_core::{Verdict, rollout::{Split, Why}};
///
/// let verdict = Verdict::Inconclusive {
///     why: Why::NotEnoughData { step: 1, missing: "1200 of 4000 requests".into() },
/// };
/// assert_eq!(verdict.to_string(), "inconclusive: step 1 observed only 1200 of 4000 requests");
/// assert_eq!(verdict.to_json()["verdict"], "inconclusive");
/// assert!(verdict.is_final());
///
/// let verdict = Verdict::Continue { step: 0, split: Split::new(5) };
/// assert!(!verdict.is_final());
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "verdict", rename_all = "camelCase")]
#[non_exhaustive]
pub enum Verdict {
    /// Nothing is decided yet.
    Continue {
        /// The step, from 0.
        step: usize,
        /// The split in force.
        split: Split,
    },
    /// No guardrail alarmed, and each had its evidence in each step.
    Promote {
        /// The reading of each guardrail at the end.
        evidence: Vec<Reading>,
        /// Requests that the canary served meanwhile.
        exposure: u64,
        /// Requests that the stable version served meanwhile.
        stable: u64,
        /// Pairs that were compared.
        pairs: u64,
    },
    /// A person ended the release with all traffic at the canary, before its evidence was complete. It is not a verdict of
    /// the statistics.
    PromotedByPerson {
        /// The person.
        by: String,
        /// The person's reason; may be empty.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        why: String,
        /// The step at which it was decided, from 0.
        step: usize,
        /// The observations that the step still lacked, in words.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        missing: Option<String>,
        /// The reading of each guardrail at the moment of the decision.
        evidence: Vec<Reading>,
        /// Requests that the canary served meanwhile.
        exposure: u64,
        /// Requests that the stable version served meanwhile.
        stable: u64,
        /// Pairs that were compared.
        pairs: u64,
    },
    /// The canary is worse, or did not pass its gate.
    Rollback {
        /// The guardrail or gate that decided.
        guardrail: String,
        /// The evidence against the canary, E; the largest finite number where it is beyond all bounds.
        e: f64,
        /// The cause.
        evidence: Cause,
        /// Requests that the canary served meanwhile.
        exposure: u64,
        /// Requests that the stable version served meanwhile.
        #[serde(default)]
        stable: u64,
        /// Pairs that were compared.
        #[serde(default)]
        pairs: u64,
        /// The reason of the canary's last failure, where it failed any.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        problem: Option<String>,
    },
    /// The evidence does not decide. Missing data is never failure and never success.
    Inconclusive {
        /// The missing or wrong thing.
        why: Why,
    },
    /// Somebody else changed what the rollout had written; nothing was overwritten.
    ExternalEdit {
        /// Field by field, what was written and what is there.
        diff: Differences,
    },
}

/// The cause of a rollback.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum Cause {
    /// A guardrail's evidence reached 1/α.
    Alarm(Reading),
    /// Without the guard against bursts the evidence reached 1/α, and the step or the sources ended before there were
    /// enough windows to distinguish a burst from harm.
    Unconfirmed(Reading),
    /// A gate was answered wrongly.
    Gate(GateOutcome),
    /// A person requested it.
    Asked(String),
    /// The next step was not approved in time.
    NotApproved {
        /// The step that waited, from 0.
        step: usize,
        /// The time for which it waited.
        #[serde(with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required")]
        waited: std::time::Duration,
    },
    /// The canary was not ready for its first weight: no ready pod, or no right response; what is missing. It was given
    /// no traffic.
    NotReady(String),
    /// The canary had traffic or copies of it, or may have had them because the write of its first weight got no response,
    /// and was not ready for its next weight: its pods have gone, it no longer answers, or the mesh refuses the route; what
    /// is missing.
    NoLongerReady(String),
    /// The canary fails most of its requests while the stable version serves.
    CanaryFails {
        /// The canary's requests or halves of pairs at the step.
        canary: Tally,
        /// The stable version's requests or halves of pairs at the step.
        stable: Tally,
        /// `requests` or `pairs`.
        of: String,
        /// The reason of the last failure, where one is known.
        problem: Option<String>,
    },
    /// The canary's share of the traffic is missing, and requests of unknown version fail: it cannot be reached.
    Unreachable {
        /// Requests of unknown version that failed at the step.
        failed: u64,
        /// Requests that the canary served at the step.
        canary: u64,
        /// Requests that the stable version served at the step.
        stable: u64,
        /// The reason of the last failure, where one is known.
        problem: Option<String>,
    },
}

/// The cause of an inconclusive end.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "cause")]
#[non_exhaustive]
pub enum Why {
    /// A step did not see what its hold requires in the time that the plan allows.
    NotEnoughData {
        /// The step, from 0.
        step: usize,
        /// The counts that were reached, of those required.
        missing: String,
    },
    /// The mesh does not split the traffic as configured, so the rates are not valid.
    Split {
        /// The split's test.
        reading: Reading,
    },
    /// Harm of the size that the plan wants excluded could not be excluded in the time that the plan allows.
    HarmNotExcluded {
        /// The guardrails that could not.
        guardrails: Vec<Reading>,
    },
    /// A gate got too few answers.
    GateUnanswered {
        /// The gate.
        gate: String,
        /// The missing thing.
        why: String,
    },
    /// The canary could not be reached through the header route before its first weight.
    Unreachable {
        /// The result of the last probe.
        why: String,
    },
    /// The service as a whole fails: the stable version fails more than half of its requests, or no request is served by
    /// a known version.
    ServiceFails {
        /// The requests or halves of pairs that were counted.
        failed: Tally,
        /// `requests` or `pairs`.
        of: String,
        /// The reason of the last failure, where one is known.
        problem: Option<String>,
    },
    /// The plan's own function gave invalid scores.
    InvalidScores {
        /// The custom guardrail.
        guardrail: String,
        /// The number of them.
        count: u64,
        /// The last one.
        last: String,
        /// The least and the largest score that is valid.
        #[serde(default = "unit_range")]
        range: [f64; 2],
    },
    /// The inputs repeat themselves; each counts once.
    InputsRepeat {
        /// The step, from 0.
        step: usize,
        /// The number of distinct inputs in the whole rollout.
        distinct: u64,
    },
    /// More pairs are needed than inputs are remembered.
    InputsBeyondRoom {
        /// The step, from 0.
        step: usize,
        /// The number of inputs that the rollout remembers.
        room: u64,
    },
    /// Every source of observations ended before the rollout did.
    SourcesEnded {
        /// The last reason of each of them.
        why: String,
    },
    /// The plan was an A/A plan, which promotes nothing and has measured the service.
    Aa {
        /// The measurement.
        report: Box<AaReport>,
    },
}

impl Verdict {
    /// Returns `true` when the rollout is over.
    pub fn is_final(&self) -> bool {
        !matches!(self, Self::Continue { .. })
    }

    /// The verdict's name: `continue`, `promote`, `promotedByPerson`, `rollback`, `inconclusive` or `externalEdit`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Continue { .. } => "continue",
            Self::Promote { .. } => "promote",
            Self::PromotedByPerson { .. } => "promotedByPerson",
            Self::Rollback { .. } => "rollback",
            Self::Inconclusive { .. } => "inconclusive",
            Self::ExternalEdit { .. } => "externalEdit",
        }
    }

    /// The readings that decided; none where no guardrail did.
    pub fn readings(&self) -> &[Reading] {
        match self {
            Self::Promote { evidence, .. } | Self::PromotedByPerson { evidence, .. } => evidence,
            Self::Rollback {
                evidence: Cause::Alarm(reading) | Cause::Unconfirmed(reading),
                ..
            }
            | Self::Inconclusive { why: Why::Split { reading } } => std::slice::from_ref(reading),
            Self::Inconclusive { why: Why::HarmNotExcluded { guardrails } } => guardrails,
            _ => &[],
        }
    }

    /// The measurement of an A/A run.
    pub fn aa(&self) -> Option<&AaReport> {
        match self {
            Self::Inconclusive { why: Why::Aa { report } } => Some(report),
            _ => None,
        }
    }

    /// The verdict with its numbers and its sentence.
    pub fn to_json(&self) -> serde_json::Value {
        let mut json = serde_json::to_value(self).unwrap_or_default();
        if let Some(members) = json.as_object_mut() {
            members.insert("sentence".to_owned(), self.to_string().into());
        }
        json
    }
}

/// The verdict in one sentence.
impl std::fmt::Display for Verdict {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Continue { step, split } => write!(f, "continue: step {step} at {split}"),
            Self::Promote { evidence, exposure, stable, pairs } => {
                f.write_str("promoted: no guardrail alarmed; ")?;
                let excluded = excluded(evidence);
                if excluded.is_empty() {
                    f.write_str("the evidence excludes no size of harm")?;
                } else {
                    f.write_str(&excluded.join(", "))?;
                }
                served(f, *exposure, *stable, *pairs)
            }
            Self::PromotedByPerson { by, why, step, missing, exposure, stable, pairs, .. } => {
                write!(f, "promoted by {by}, not by the evidence")?;
                because(f, Some(why.as_str()).filter(|why| !why.is_empty()))?;
                if let Some(missing) = missing {
                    write!(f, ": step {step} observed only {missing}")?;
                }
                served(f, *exposure, *stable, *pairs)
            }
            Self::Rollback { guardrail, evidence, exposure, stable, pairs, problem, .. } => {
                match evidence {
                    Cause::Alarm(reading) => write!(f, "rolled back: {reading}")?,
                    Cause::Unconfirmed(reading) => write!(
                        f,
                        "rolled back: the failures are harm or a burst, and there were too few windows to tell which: \
                         {reading}"
                    )?,
                    Cause::Gate(outcome) => write!(f, "rolled back: gate {guardrail}: {outcome}")?,
                    Cause::Asked(why) => write!(f, "rolled back on request: {why}")?,
                    Cause::NotApproved { step, waited } => write!(
                        f,
                        "rolled back: nobody approved step {step} within {} s",
                        waited.as_secs()
                    )?,
                    Cause::NotReady(why) => {
                        return write!(
                            f,
                            "rolled back: the canary was refused before its first weight: {why}"
                        );
                    }
                    Cause::NoLongerReady(why) => write!(
                        f,
                        "rolled back: the canary is not ready for its next weight: {why}"
                    )?,
                    Cause::CanaryFails { canary, stable, of, problem } => {
                        write!(
                            f,
                            "rolled back: the canary failed {} of its {} at this step",
                            canary.failed,
                            counted(canary.requests, of)
                        )?;
                        because(f, problem.as_deref())?;
                        write!(f, ", the stable version {} of {}", stable.failed, stable.requests)?;
                    }
                    Cause::Unreachable { failed: 0, canary, stable, .. } => write!(
                        f,
                        "rolled back: the canary cannot be reached: it serves nothing of its share, while the stable version \
                         served {} and the canary {canary} at this step",
                        counted(*stable, "requests")
                    )?,
                    Cause::Unreachable { failed, canary, stable, problem } => {
                        write!(
                            f,
                            "rolled back: the canary cannot be reached: {} failed without a version",
                            counted(*failed, "requests")
                        )?;
                        because(f, problem.as_deref())?;
                        write!(
                            f,
                            " while the stable version served {stable} and the canary {canary}"
                        )?;
                    }
                }
                served(f, *exposure, *stable, *pairs)?;
                match problem {
                    Some(problem)
                        if matches!(evidence, Cause::Alarm(_) | Cause::Unconfirmed(_)) =>
                    {
                        write!(f, "; the canary's last failure: {problem}")
                    }
                    _ => Ok(()),
                }
            }
            Self::Inconclusive { why } => write!(f, "inconclusive: {why}"),
            Self::ExternalEdit { diff } => {
                write!(f, "external edit: {diff}")?;
                match diff.gitops() {
                    Some(tool) => write!(f, "; to prevent this: {}", tool.remedy()),
                    None => Ok(()),
                }
            }
        }
    }
}

fn unit_range() -> [f64; 2] {
    [0.0, 1.0]
}

impl Why {
    /// The cause's name, as in JSON: `notEnoughData`, `split`, `harmNotExcluded`, …
    pub fn name(&self) -> &'static str {
        match self {
            Self::NotEnoughData { .. } => "notEnoughData",
            Self::Split { .. } => "split",
            Self::HarmNotExcluded { .. } => "harmNotExcluded",
            Self::GateUnanswered { .. } => "gateUnanswered",
            Self::Unreachable { .. } => "unreachable",
            Self::SourcesEnded { .. } => "sourcesEnded",
            Self::ServiceFails { .. } => "serviceFails",
            Self::InvalidScores { .. } => "invalidScores",
            Self::InputsRepeat { .. } => "inputsRepeat",
            Self::InputsBeyondRoom { .. } => "inputsBeyondRoom",
            Self::Aa { .. } => "aa",
        }
    }
}

impl std::fmt::Display for Why {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NotEnoughData { step, missing } => {
                write!(f, "step {step} observed only {missing}")
            }
            Self::Split { reading } => {
                write!(f, "the mesh does not split traffic as its weights say: {reading}")
            }
            Self::HarmNotExcluded { guardrails } => {
                let names: Vec<&str> =
                    guardrails.iter().map(|one| one.guardrail.as_str()).collect();
                write!(f, "harm could not be excluded by {}", names.join(", "))
            }
            Self::GateUnanswered { gate, why } => write!(f, "gate {gate}: {why}"),
            Self::Unreachable { why } => {
                write!(f, "the canary cannot be reached through the header route: {why}")
            }
            Self::SourcesEnded { why } => write!(f, "every source of observations ended: {why}"),
            Self::ServiceFails { failed, of, problem } => {
                write!(
                    f,
                    "the service fails, whichever version serves: {} of {} failed",
                    failed.failed,
                    counted(failed.requests, of)
                )?;
                because(f, problem.as_deref())
            }
            Self::InvalidScores { guardrail, count, last, range: [low, high] } => write!(
                f,
                "{guardrail} got {}, the last one {last}; a score is a number from {low} to {high}",
                counted(*count, "invalid scores")
            ),
            Self::InputsBeyondRoom { step, room } => write!(
                f,
                "step {step} still needs pairs, but the rollout can track at most {}; hold its steps by fewer pairs",
                counted(*room, "inputs")
            ),
            Self::Aa { report } => {
                write!(f, "an A/A run promotes nothing; {}", report.sentence())
            }
            Self::InputsRepeat { step, distinct } => write!(
                f,
                "step {step} ran out of distinct inputs: it repeated {}, and each counts once; give more",
                counted(*distinct, "inputs")
            ),
        }
    }
}

/// The numbers of requests of each version, and of the pairs.
fn served(
    f: &mut std::fmt::Formatter<'_>,
    canary: u64,
    stable: u64,
    pairs: u64,
) -> std::fmt::Result {
    write!(f, "; the canary served {}, the stable version {stable}", counted(canary, "requests"))?;
    match pairs {
        0 => Ok(()),
        1 => f.write_str("; 1 pair was compared"),
        pairs => write!(f, "; {pairs} pairs were compared"),
    }
}

/// The reason of a failure, in parentheses.
fn because(f: &mut std::fmt::Formatter<'_>, problem: Option<&str>) -> std::fmt::Result {
    problem.map_or(Ok(()), |problem| write!(f, " ({problem})"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_no_plural() {
        assert_eq!(counted(1, "bad canary requests"), "1 bad canary request");
        assert_eq!(counted(0, "pairs"), "0 pairs");
        assert_eq!(counted(1, "same"), "1 same");
        let verdict = Verdict::Promote { evidence: Vec::new(), exposure: 1, stable: 0, pairs: 1 };
        assert_eq!(
            verdict.to_string(),
            "promoted: no guardrail alarmed; the evidence excludes no size of harm; the canary served 1 request, the stable \
             version 0; 1 pair was compared"
        );
    }
}
