//! The rules of each object, under the codes of the analyzers: IST0002, IST0106, IST0130, IST0131 and IST0133.

use super::{index::Index, overlap, report::Report};
use crate::{
    finding::{Findings, Severity},
    validate::{Options, Validate},
};

pub(super) fn analyze(index: &Index<'_>, report: &mut Report) {
    let options = Options::default();
    let mut work = overlap::Work::until(index.stop());
    for item in index.gateways() {
        add(item.object.validate_with(&options), report);
    }
    for item in index.destination_rules() {
        add(item.object.validate_with(&options), report);
    }
    for item in index.virtual_services() {
        add(item.object.validate_with(&options), report);
        for (rule, route) in item.object.spec.http.iter().flatten().enumerate() {
            let delay = route.fault.as_ref().and_then(|fault| fault.delay.as_ref());
            if delay.and_then(|delay| delay.percent).unwrap_or(0) > 0 {
                let path = format!("spec.http[{rule}].fault.delay.percent");
                report
                    .add(Severity::Warning, "IST0002", &item.id, path, "percent is deprecated")
                    .help = Some("use `percentage: {value: …}`".to_owned());
            }
        }
        work.quarter(|part| overlap::report(item, report, part));
    }
}

/// Adds the findings of one object, except those about unused matches, which [`overlap`] decides exactly.
fn add(findings: Findings, report: &mut Report) {
    for mut finding in findings {
        if finding.code.starts_with("IST") && finding.path.starts_with("spec.http") {
            continue;
        }
        if !finding.code.starts_with('C') && !finding.code.starts_with("IST") {
            finding.message = format!("{}: {}", finding.code, finding.message);
            let code = if finding.severity == Severity::Error { "IST0106" } else { "IST0133" };
            code.clone_into(&mut finding.code);
        }
        report.push(finding);
    }
}
