//! Gates: agreed answers that the canary must give before it gets any traffic.

use serde::{Deserialize, Serialize};

/// Golden images that the canary must answer as expected, sent through the header route before a step begins.
///
/// ```
/// use canary_core::rollout::{Gate, GateOutcome};
///
/// let gate = Gate::new("golden").image("grace_hopper.jpg", "military uniform");
/// let outcome = gate.judge(&[Some("military uniform".to_owned())]);
/// assert_eq!(outcome, GateOutcome::Passed { right: 1, of: 1 });
///
/// let outcome = gate.judge(&[Some("academic gown".to_owned())]);
/// assert!(outcome.to_string().contains("grace_hopper.jpg"));
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Gate {
    /// The name by which steps refer to it.
    pub name: String,
    /// The inputs and their agreed answers.
    pub golden: Vec<Golden>,
    /// The share of them that must be answered as expected, from 0 to 1.
    #[serde(default = "all")]
    pub at_least: f64,
}

/// One input and the answer that was expected for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Golden {
    /// The input: a file, or any name that the plan's predictor understands.
    pub input: String,
    /// The top class that the canary must give.
    pub answer: String,
}

/// The outcome of a gate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "outcome")]
#[non_exhaustive]
pub enum GateOutcome {
    /// Enough answers were as expected.
    Passed {
        /// The number of answers as expected.
        right: usize,
        /// Answers in all.
        of: usize,
    },
    /// Too few answers were as expected: the canary is not to get traffic.
    Failed {
        /// The number of answers as expected.
        right: usize,
        /// Answers in all.
        of: usize,
        /// The first of the wrong answers, in words.
        wrong: Vec<String>,
    },
    /// Some inputs got no answer, and the other answers do not decide the gate. Missing data is not a failure.
    Unanswered {
        /// The missing thing.
        why: String,
    },
}

/// Wrong answers named by a failed gate.
const NAMED: usize = 5;

impl Gate {
    /// A gate without images that requires every answer to be right.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), golden: Vec::new(), at_least: 1.0 }
    }

    /// Adds an input with its agreed answer.
    #[must_use]
    pub fn image(mut self, input: impl Into<String>, answer: impl Into<String>) -> Self {
        self.golden.push(Golden { input: input.into(), answer: answer.into() });
        self
    }

    /// Sets the part of the answers that must be right, from 0 to 1.
    #[must_use]
    pub fn at_least(mut self, share: f64) -> Self {
        self.at_least = share;
        self
    }

    /// Judges the canary's answers, one for each of [`Gate::golden`] in order; `None` where no answer came.
    ///
    /// Missing answers do not count: the gate passes when enough answers are right without them, and fails when too few
    /// would be right even with them.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the number of golden images is small and not negative"
    )]
    pub fn judge(&self, answers: &[Option<String>]) -> GateOutcome {
        let of = self.golden.len();
        // Slightly less than the product, so that 0.9 of 10 requires 9 in spite of rounding.
        let needed = (self.at_least * of as f64 - 1e-9).ceil().max(0.0) as usize;
        let mut right = 0;
        let mut missing = Vec::new();
        let mut wrong = Vec::new();
        for (index, golden) in self.golden.iter().enumerate() {
            match answers.get(index).and_then(Option::as_ref) {
                None => missing.push(golden.input.as_str()),
                Some(answer) if *answer == golden.answer => right += 1,
                Some(answer) => wrong.push(format!(
                    "{}: answered {answer}, expected {}",
                    golden.input, golden.answer
                )),
            }
        }
        if right >= needed {
            GateOutcome::Passed { right, of }
        } else if right + missing.len() < needed {
            wrong.truncate(NAMED);
            GateOutcome::Failed { right, of, wrong }
        } else {
            missing.truncate(NAMED);
            GateOutcome::Unanswered { why: format!("no answer for {}", missing.join(", ")) }
        }
    }
}

impl std::fmt::Display for GateOutcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Passed { right, of } => write!(f, "{right} of {of} answers as expected"),
            Self::Failed { right, of, wrong } => {
                write!(f, "{right} of {of} answers as expected; {}", wrong.join("; "))
            }
            Self::Unanswered { why } => f.write_str(why),
        }
    }
}

fn all() -> f64 {
    1.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ten(at_least: f64) -> Gate {
        (0..10)
            .fold(Gate::new("golden"), |gate, n| gate.image(format!("{n}.jpg"), "cat"))
            .at_least(at_least)
    }

    fn answers(right: usize, wrong: usize) -> Vec<Option<String>> {
        let mut answers = vec![Some("cat".to_owned()); right];
        answers.extend(vec![Some("dog".to_owned()); wrong]);
        answers.resize(10, None);
        answers
    }

    #[test]
    fn a_share_of_the_answers_is_enough() {
        assert_eq!(ten(0.9).judge(&answers(9, 1)), GateOutcome::Passed { right: 9, of: 10 });
        assert!(matches!(ten(0.9).judge(&answers(8, 2)), GateOutcome::Failed { right: 8, .. }));
    }

    #[test]
    fn missing_answers_neither_pass_nor_fail() {
        assert!(matches!(ten(1.0).judge(&answers(9, 0)), GateOutcome::Unanswered { .. }));
        assert!(matches!(ten(1.0).judge(&answers(8, 1)), GateOutcome::Failed { .. }));
        assert!(matches!(ten(0.5).judge(&answers(5, 0)), GateOutcome::Passed { .. }));
        assert!(matches!(ten(1.0).judge(&[]), GateOutcome::Unanswered { .. }));
    }
}
