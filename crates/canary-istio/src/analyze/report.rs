//! The result of an analysis.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use crate::finding::{Finding, Findings, Severity, catalogue};

/// The findings, and the questions that could not be judged.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Analysis {
    /// The findings, object by object.
    pub findings: Findings,
    /// The questions that could not be judged, with the reasons.
    pub unjudged: Vec<Unjudged>,
}

/// A question that the objects and the inventory leave open.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Unjudged {
    /// The code of the finding that could not be decided.
    pub code: String,
    /// The object, as `Kind namespace/name`; empty when it concerns all of them.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub object: String,
    /// The question, and the missing knowledge.
    pub reason: String,
}

/// The collector of the analyzers' findings.
#[derive(Default)]
pub(super) struct Report {
    findings: Vec<Finding>,
    unjudged: Vec<Unjudged>,
    /// The codes and reasons of the questions about all objects.
    general: HashSet<(String, String)>,
}

impl Report {
    pub(super) fn add(
        &mut self,
        severity: Severity,
        code: &str,
        object: &str,
        path: impl Into<String>,
        message: impl Into<String>,
    ) -> &mut Finding {
        debug_assert!(
            catalogue::find(code).is_some_and(|rule| rule.has(severity)),
            "{severity} {code} is not in the catalogue"
        );
        self.findings.push(Finding::new(severity, code, path, message).object(object));
        let last = self.findings.len() - 1;
        &mut self.findings[last]
    }

    pub(super) fn push(&mut self, finding: Finding) {
        self.findings.push(finding);
    }

    /// Records that something could not be judged for any object; once for each code and reason.
    pub(super) fn unjudged(&mut self, code: &str, reason: &str) {
        if self.general.insert((code.to_owned(), reason.to_owned())) {
            self.unjudged_for(code, "", reason);
        }
    }

    /// Records that something could not be judged for one object.
    pub(super) fn unjudged_for(&mut self, code: &str, object: &str, reason: impl Into<String>) {
        let (code, object) = (code.to_owned(), object.to_owned());
        self.unjudged.push(Unjudged { code, object, reason: reason.into() });
    }

    pub(super) fn finish(mut self) -> Analysis {
        // The sort is stable: findings about one object keep their order.
        self.findings.sort_by(|one, other| one.object.cmp(&other.object));
        Analysis { findings: Findings(self.findings), unjudged: self.unjudged }
    }
}
