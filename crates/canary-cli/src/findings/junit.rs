//! Findings as tests of the files: one for each finding, and one for each file without an error.

use anyhow::Result;
use canary_core::{Finding, Severity};

use super::Checked;
use crate::junit::{Case, End, Suite, document};

/// One suite for each file.
pub(super) fn of(checked: &Checked) -> Result<String> {
    let suites: Vec<Suite> = checked
        .sources
        .iter()
        .enumerate()
        .map(|(number, source)| {
            let found = checked.found.iter().filter(|found| found.source == number);
            let mut cases: Vec<Case> = found.map(|found| case(&found.finding)).collect();
            if !cases.iter().any(|case| matches!(case.end, End::Failed(..))) {
                let objects = source.manifest.objects.len();
                cases.push(Case { name: format!("{objects} objects"), end: End::Passed });
            }
            Suite { name: source.name.clone(), cases }
        })
        .collect();
    document(&suites)
}

fn case(finding: &Finding) -> Case {
    let name = format!("[{}] {} {}", finding.code, finding.object, finding.path);
    let end = match finding.severity {
        Severity::Error => End::Failed(finding.message.clone(), finding.to_string()),
        _ => End::Noted(finding.to_string()),
    };
    Case { name: name.trim().to_owned(), end }
}
