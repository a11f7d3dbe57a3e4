//! Are these manifests right? Checks them as Istio would admit them and prints findings as a compiler does.
//!
//! `cargo run -p canary-examples --example validate -- FILE… [--analyze] [--json] [--lenient] [--istio-version 1.14]`
//!
//! A file `-` is standard input. The exit status is 0 without errors, 1 with errors, 2 when a file cannot be read.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command line tool speaks to its user"
)]

use std::{
    io::{IsTerminal, Read},
    process::ExitCode,
};

use canary_core::{
    Finding, Findings, Manifest, Severity,
    analyze::{Inventory, Subject, analyze},
    manifest::Error,
    validate::{IstioVersion, Options, Validate},
};
use clap::Parser;

/// Checks Istio manifests: Gateway, `VirtualService` and `DestinationRule`.
#[derive(Parser)]
struct Arguments {
    /// YAML or JSON files; `-` for standard input.
    #[arg(required = true)]
    files: Vec<String>,
    /// Check the objects against each other too, as the whole of the mesh.
    #[arg(long)]
    analyze: bool,
    /// Print findings as JSON, one list for all files.
    #[arg(long)]
    json: bool,
    /// Report unknown fields as warnings and read on.
    #[arg(long)]
    lenient: bool,
    /// The version of the control plane, such as 1.14; the newest known by default.
    #[arg(long)]
    istio_version: Option<IstioVersion>,
    /// The namespace of objects that name none.
    #[arg(long, default_value = "default")]
    namespace: String,
}

/// A finding with the file it is in.
struct Found {
    file: usize,
    finding: Finding,
}

/// A file as it was read.
struct Source {
    name: String,
    text: String,
    manifest: Manifest,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let mut sources = Vec::new();
    let mut found = Vec::new();
    let mut unreadable = false;
    for name in &arguments.files {
        match read(name, arguments.lenient) {
            Ok((source, findings)) => {
                let file = sources.len();
                found.extend(findings.into_iter().map(|finding| Found { file, finding }));
                sources.push(source);
            }
            Err(error) => {
                eprintln!("error: {error}");
                unreadable = true;
            }
        }
    }
    let mut options = Options::default().namespace(&arguments.namespace);
    options.istio_version = arguments.istio_version;
    check(&sources, &options, &mut found);
    if arguments.analyze {
        analyze_all(&sources, &arguments.namespace, &mut found);
    }
    if arguments.json {
        let list: Vec<_> = found.iter().map(|found| with_file(found, &sources)).collect();
        println!("{}", serde_json::to_string_pretty(&list).unwrap_or_default());
    } else {
        print(&found, &sources);
    }
    if unreadable {
        ExitCode::from(2)
    } else if found.iter().any(|found| found.finding.severity == Severity::Error) {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    }
}

fn read(name: &str, lenient: bool) -> Result<(Source, Findings), Error> {
    let unreadable = |error: &std::io::Error| Error::Manifest {
        what: name.to_owned(),
        reason: error.to_string(),
    };
    let mut text = String::new();
    if name == "-" {
        std::io::stdin().read_to_string(&mut text).map_err(|error| unreadable(&error))?;
    } else {
        text = std::fs::read_to_string(name).map_err(|error| unreadable(&error))?;
    }
    let (manifest, findings) = if lenient {
        Manifest::read_lenient(&text)
    } else {
        // The objects that can be read are checked all the same.
        Manifest::read_with_findings(name, &text)?
    };
    Ok((Source { name: name.to_owned(), text, manifest }, findings))
}

/// The rules of each object, with the lines they are broken in.
fn check(sources: &[Source], options: &Options, found: &mut Vec<Found>) {
    for (file, source) in sources.iter().enumerate() {
        let findings = source.manifest.validate_with(options);
        found.extend(findings.into_iter().map(|finding| Found { file, finding }));
    }
}

/// The rules across objects; those of each object are reported already.
fn analyze_all(sources: &[Source], namespace: &str, found: &mut Vec<Found>) {
    let all = || {
        sources.iter().flat_map(|source| {
            let objects = source.manifest.iter().enumerate();
            objects.map(move |(position, object)| (source, position, object))
        })
    };
    let subjects = all().filter_map(|(_, _, object)| Subject::of(object));
    let analysis = analyze(subjects, &Inventory::default());
    for mut finding in analysis.findings {
        if finding.code.starts_with("C0") || matches!(finding.code.as_str(), "IST0106" | "IST0133")
        {
            continue;
        }
        let origin = all().find(|(_, _, object)| {
            let space = object.namespace().unwrap_or(namespace);
            finding.object == format!("{} {space}/{}", object.kind(), object.name())
        });
        let Some((source, position, _)) = origin else { continue };
        if let Some(places) = source.manifest.source(position) {
            places.locate(&mut finding);
        }
        let file = sources.iter().position(|one| std::ptr::eq(one, source)).unwrap_or_default();
        found.push(Found { file, finding });
    }
}

fn with_file(found: &Found, sources: &[Source]) -> serde_json::Value {
    let mut value = serde_json::to_value(&found.finding).unwrap_or_default();
    value["file"] = sources[found.file].name.as_str().into();
    value
}

fn print(found: &[Found], sources: &[Source]) {
    let colour = std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let paint = |code: &str, text: &str| {
        if colour { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    };
    let mut ordered: Vec<&Found> = found.iter().collect();
    ordered.sort_by_key(|found| (found.file, found.finding.line, found.finding.column));
    for Found { file, finding } in ordered {
        let code = match finding.severity {
            Severity::Error => "1;31",
            Severity::Warning => "1;33",
            _ => "1;36",
        };
        let head = format!("{}[{}]", finding.severity, finding.code);
        println!("{}: {}", paint(code, &head), finding.message);
        let source = &sources[*file];
        let (Some(line), Some(column)) = (finding.line, finding.column) else {
            println!("  --> {}: {} {}\n", source.name, finding.object, finding.path);
            continue;
        };
        println!("  --> {}:{line}:{column}: {} {}", source.name, finding.object, finding.path);
        if let Some(text) = source.text.lines().nth(line - 1) {
            let number = line.to_string();
            let margin = " ".repeat(number.len());
            let before: String =
                text.chars().take(column - 1).map(|c| if c == '\t' { '\t' } else { ' ' }).collect();
            let carets = "^".repeat(width(text, column));
            println!("{margin} |\n{number} | {text}\n{margin} | {before}{}", paint(code, &carets));
        }
        if let Some(help) = &finding.help {
            println!("  = help: {help}");
        }
        println!();
    }
    let count = |severity| found.iter().filter(|found| found.finding.severity == severity).count();
    let objects: usize = sources.iter().map(|source| source.manifest.objects.len()).sum();
    println!(
        "{objects} objects, {} errors, {} warnings",
        count(Severity::Error),
        count(Severity::Warning)
    );
}

/// The number of characters of the value that begins at `column`.
fn width(text: &str, column: usize) -> usize {
    let rest: String = text.chars().skip(column - 1).collect();
    let value = match rest.chars().next() {
        Some(quote @ ('"' | '\'')) => rest[1..].find(quote).map_or(rest.len(), |end| end + 2),
        _ => rest.find([',', '}', ']', ' ', ':']).unwrap_or(rest.len()),
    };
    rest.get(..value).map_or(1, |value| value.chars().count()).max(1)
}
