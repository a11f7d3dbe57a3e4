//! The collector of the rules' findings.

use serde::Serialize;

use super::options::Options;
use crate::finding::{Finding, Findings, Severity, catalogue};
use crate::path::Path;

/// Collects the findings about one object.
pub(crate) struct Sink<'o> {
    findings: Vec<Finding>,
    pub(crate) options: &'o Options,
    /// The namespace of the object.
    pub(crate) namespace: &'o str,
    /// True when Istio drops the warnings of this place.
    lost: bool,
}

impl<'o> Sink<'o> {
    pub(crate) fn new(options: &'o Options, namespace: &'o str) -> Self {
        Self { findings: Vec::new(), options, namespace, lost: false }
    }

    /// Adds an error: the webhook or the API server refuses the object.
    pub(crate) fn error(
        &mut self,
        code: &'static str,
        path: &Path<'_>,
        message: impl Into<String>,
    ) -> Note<'_> {
        self.push(Severity::Error, code, path, message.into())
    }

    /// Adds a warning; if Istio would drop it, under this library's own code.
    pub(crate) fn warning(
        &mut self,
        code: &'static str,
        path: &Path<'_>,
        message: impl Into<String>,
    ) -> Note<'_> {
        let code = if self.lost && !code.starts_with('C') { "C003" } else { code };
        self.push(Severity::Warning, code, path, message.into())
    }

    /// Adds a note.
    pub(crate) fn info(
        &mut self,
        code: &'static str,
        path: &Path<'_>,
        message: impl Into<String>,
    ) -> Note<'_> {
        self.push(Severity::Info, code, path, message.into())
    }

    fn push(
        &mut self,
        severity: Severity,
        code: &'static str,
        path: &Path<'_>,
        message: String,
    ) -> Note<'_> {
        debug_assert!(
            catalogue::find(code).is_some_and(|rule| rule.has(severity)),
            "{severity} {code} is not in the catalogue"
        );
        let index = self.findings.len();
        self.findings.push(Finding::new(severity, code, path.to_string(), message));
        Note(&mut self.findings[index])
    }

    /// Runs `check` where Istio drops warnings.
    pub(crate) fn where_warnings_are_lost(&mut self, check: impl FnOnce(&mut Self)) {
        let before = std::mem::replace(&mut self.lost, true);
        check(self);
        self.lost = before;
    }

    /// The number of errors so far.
    pub(crate) fn errors(&self) -> usize {
        self.findings.iter().filter(|finding| finding.severity == Severity::Error).count()
    }

    /// Everything found, with the object named by `object`.
    pub(crate) fn finish(self, object: impl FnOnce() -> String) -> Findings {
        let mut findings = self.findings;
        if !findings.is_empty() {
            let object = object();
            for finding in &mut findings {
                finding.object.clone_from(&object);
            }
        }
        Findings(findings)
    }
}

/// The last finding, to add details.
pub(crate) struct Note<'s>(&'s mut Finding);

impl Note<'_> {
    /// Sets the value found.
    #[allow(clippy::needless_pass_by_value, reason = "most values are small and copied")]
    pub(crate) fn found(self, value: impl Serialize) -> Self {
        self.0.found = serde_json::to_string(&value).ok();
        self
    }

    /// Sets the remedy.
    pub(crate) fn help(self, help: impl Into<String>) {
        self.0.help = Some(help.into());
    }
}
