//! Findings about the objects of files, and the forms in which they are shown.

mod junit;
mod sarif;
mod text;

use std::path::PathBuf;

use anyhow::Result;
use canary_core::{
    Finding, Findings, Manifest, Object, Severity,
    analyze::{Inventory, Subject, Unjudged, analyze},
    validate::{Options, Validate},
};
use serde_json::{Value, json};

use crate::{
    input::{self, Text},
    output::{self, Report},
    status::Status,
};

/// A file as it was read.
pub(crate) struct Source {
    pub(crate) name: String,
    text: String,
    pub(crate) manifest: Manifest,
}

/// A finding with the file it is in.
struct Found {
    source: usize,
    finding: Finding,
}

/// The files of a command, and what was found in them.
#[derive(Default)]
pub(crate) struct Checked {
    pub(crate) sources: Vec<Source>,
    found: Vec<Found>,
    unjudged: Vec<Unjudged>,
    /// `true` when a file could not be read, which has been reported already.
    unreadable: bool,
}

impl Checked {
    /// Reads the files; one that cannot be read is reported, and the others are still checked.
    ///
    /// # Errors
    /// When a folder has no file of manifests in it.
    pub(crate) fn read(paths: &[PathBuf], lenient: bool) -> Result<Self> {
        let mut checked = Self::default();
        for path in input::files(paths)? {
            match input::text(&path) {
                Ok(text) => checked.add(text, lenient),
                Err(error) => {
                    output::error(&error);
                    checked.unreadable = true;
                }
            }
        }
        Ok(checked)
    }

    fn add(&mut self, Text { name, text }: Text, lenient: bool) {
        let strict = |name: &str| Manifest::read_with_findings(name, &text).ok();
        // For a text that is neither YAML nor JSON, the lenient reader reports the position as a finding.
        let read = if lenient { None } else { strict(&name) };
        let (manifest, findings) = read.unwrap_or_else(|| Manifest::read_lenient(&text));
        let source = self.sources.len();
        self.sources.push(Source { name, text, manifest });
        self.extend(source, findings);
    }

    fn extend(&mut self, source: usize, findings: Findings) {
        self.found.extend(findings.into_iter().map(|finding| Found { source, finding }));
    }

    /// Checks the rules of each object.
    pub(crate) fn validate(&mut self, options: &Options) {
        for source in 0..self.sources.len() {
            let findings = self.sources[source].manifest.validate_with(options);
            self.extend(source, findings);
        }
    }

    /// Checks the rules across objects; those of each object are checked by [`Checked::validate`].
    pub(crate) fn analyze(&mut self, inventory: &Inventory, namespace: &str) {
        let subjects = self.objects().filter_map(|(_, _, object)| Subject::of(object));
        let analysis = analyze(subjects, inventory);
        for mut finding in analysis.findings {
            // The rules of single objects have been checked already.
            if finding.code.starts_with("C0")
                || finding.code.starts_with(['G', 'S'])
                || matches!(finding.code.as_str(), "IST0106" | "IST0133")
            {
                continue;
            }
            let origin = self.objects().find(|(_, _, object)| {
                let space = object.namespace().unwrap_or(namespace);
                finding.object == format!("{} {space}/{}", object.kind(), object.name())
            });
            let Some((source, position, _)) = origin else { continue };
            if let Some(places) = self.sources[source].manifest.source(position) {
                places.locate(&mut finding);
            }
            self.found.push(Found { source, finding });
        }
        self.unjudged = analysis.unjudged;
    }

    /// Every object, with the numbers of its file and of its place in it.
    pub(crate) fn objects(&self) -> impl Iterator<Item = (usize, usize, &Object)> {
        self.sources.iter().enumerate().flat_map(|(number, source)| {
            source.manifest.iter().enumerate().map(move |(at, object)| (number, at, object))
        })
    }

    /// Writes the findings in the order of the files and of their lines, and gives the exit status.
    ///
    /// # Errors
    /// As of writing.
    pub(crate) fn report(mut self, form: Report, deny_warnings: bool) -> Result<Status> {
        self.found.sort_by_key(|found| (found.source, found.finding.line, found.finding.column));
        match form {
            Report::Text => output::print(&text::of(&self))?,
            Report::Json => output::json(&self.to_json())?,
            Report::Sarif => output::json(&sarif::of(&self))?,
            Report::Junit => output::print(&junit::of(&self)?)?,
        }
        let least = if deny_warnings { Severity::Warning } else { Severity::Error };
        Ok(if self.unreadable {
            Status::Unusable
        } else if self.found.iter().any(|found| found.finding.severity >= least) {
            Status::Failed
        } else {
            Status::Done
        })
    }

    fn to_json(&self) -> Value {
        let with_file = |found: &Found| {
            let mut value = serde_json::to_value(&found.finding).unwrap_or_default();
            value["file"] = self.sources[found.source].name.as_str().into();
            value
        };
        let findings: Vec<Value> = self.found.iter().map(with_file).collect();
        json!({
            "objects": self.objects().count(),
            "findings": findings,
            "unjudged": self.unjudged,
        })
    }

    fn count(&self, severity: Severity) -> usize {
        self.found.iter().filter(|found| found.finding.severity == severity).count()
    }
}
