//! Findings in the Static Analysis Results Interchange Format, version 2.1.0.

use canary_core::{Finding, Severity, finding::catalogue};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use serde_json::{Value, json};

use super::{Checked, Found};

/// Characters that may not stand in the path of a URI.
const PATH: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'%')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'[')
    .add(b'\\')
    .add(b']')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}')
    .add(b':');

/// One run with the rules that were broken and where.
pub(super) fn of(checked: &Checked) -> Value {
    let mut codes: Vec<&str> =
        checked.found.iter().map(|found| found.finding.code.as_str()).collect();
    codes.sort_unstable();
    codes.dedup();
    let rules: Vec<Value> = codes.iter().map(|code| rule(code)).collect();
    let results: Vec<Value> = checked
        .found
        .iter()
        .map(|Found { source, finding }| {
            let index = codes.binary_search(&finding.code.as_str()).ok();
            result(&checked.sources[*source].name, finding, index)
        })
        .collect();
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "canary",
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": rules,
            }},
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    })
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        _ => "note",
    }
}

fn rule(code: &str) -> Value {
    let Some(rule) = catalogue::find(code) else { return json!({"id": code}) };
    json!({
        "id": code,
        "shortDescription": {"text": rule.text},
        "help": {"text": rule.remedy},
        "defaultConfiguration": {"level": level(rule.severity)},
    })
}

fn result(file: &str, finding: &Finding, rule: Option<usize>) -> Value {
    let mut message = finding.message.clone();
    if let Some(help) = &finding.help {
        message = format!("{message}; {help}");
    }
    // A path of Windows becomes a URI with slashes.
    let uri = file.replace('\\', "/");
    let mut physical =
        json!({"artifactLocation": {"uri": utf8_percent_encode(&uri, PATH).to_string()}});
    if let Some(line) = finding.line {
        physical["region"] = json!({"startLine": line, "startColumn": finding.column.unwrap_or(1)});
    }
    let logical = format!("{} {}", finding.object, finding.path);
    let mut location = json!({"physicalLocation": physical});
    if !logical.trim().is_empty() {
        location["logicalLocations"] = json!([{"fullyQualifiedName": logical.trim()}]);
    }
    json!({
        "ruleId": finding.code,
        "ruleIndex": rule,
        "level": level(finding.severity),
        "message": {"text": message},
        "locations": [location],
    })
}
