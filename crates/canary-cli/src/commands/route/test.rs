//! Files of cases against a mesh.

use std::path::PathBuf;

use anyhow::Result;
use canary_core::{Mesh, manifest::read_document};
use serde_json::json;

use super::cases::CasesFile;
use crate::{
    input::{self, Text},
    junit::{self, End, Suite},
    output::{self, Cases, ERROR, GOOD, styled},
    status::Status,
};

/// A case with its outcome.
struct Judged {
    file: usize,
    name: String,
    broken: Vec<String>,
    why: String,
}

/// Checks every case of the files and writes the result.
pub(super) fn run(mesh: &Mesh, files: &[PathBuf], form: Cases) -> Result<Status> {
    let (mut names, mut judged) = (Vec::new(), Vec::new());
    for file in files {
        let Text { name, text } = input::text(file)?;
        let read: CasesFile = read_document(&name, &text).map_err(input::Unusable::error)?;
        if read.cases.is_empty() {
            return Err(input::Unusable::error(format!("{name}: cases is empty")));
        }
        for (number, case) in read.cases.iter().enumerate() {
            if let Some(problem) = case.problem() {
                return Err(input::Unusable::error(format!("{name}: cases[{number}]: {problem}")));
            }
            let (broken, why) = case.judge(mesh);
            judged.push(Judged { file: names.len(), name: case.name(), broken, why });
        }
        names.push(name);
    }
    let failed = judged.iter().filter(|case| !case.broken.is_empty()).count();
    match form {
        Cases::Text => output::print(&text(&judged, failed))?,
        Cases::Json => output::json(&as_json(&judged, failed, &names))?,
        Cases::Junit => output::print(&as_junit(&judged, &names)?)?,
    }
    Ok(if failed == 0 { Status::Done } else { Status::Failed })
}

fn text(judged: &[Judged], failed: usize) -> String {
    let mut lines = Vec::new();
    for Judged { name, broken, why, .. } in judged {
        if broken.is_empty() {
            lines.push(format!("{} {name}", styled(GOOD, "ok  ")));
            continue;
        }
        lines.push(format!("{} {name}", styled(ERROR, "FAIL")));
        lines.extend(broken.iter().map(|line| format!("     {line}")));
        lines.extend(why.lines().map(|line| format!("     | {line}")));
    }
    lines.push(format!("{} cases, {failed} failed", judged.len()));
    lines.join("\n")
}

fn as_json(judged: &[Judged], failed: usize, files: &[String]) -> serde_json::Value {
    let cases: Vec<_> = judged
        .iter()
        .map(|Judged { file, name, broken, why }| {
            json!({
                "file": files[*file], "name": name, "passed": broken.is_empty(), "broken": broken, "why": why,
            })
        })
        .collect();
    json!({"passed": judged.len() - failed, "failed": failed, "cases": cases})
}

fn as_junit(judged: &[Judged], files: &[String]) -> Result<String> {
    let mut suites: Vec<Suite> =
        files.iter().map(|name| Suite { name: name.clone(), cases: Vec::new() }).collect();
    for Judged { file, name, broken, why } in judged {
        let end = match broken.first() {
            None => End::Passed,
            Some(first) => End::Failed(first.clone(), format!("{}\n{why}", broken.join("\n"))),
        };
        suites[*file].cases.push(junit::Case { name: name.clone(), end });
    }
    junit::document(&suites)
}
