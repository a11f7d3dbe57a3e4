use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    path::{Path, PathBuf},
};

use regex::Regex;

use super::*;

/// The areas with the heading of their table.
const AREAS: [(Area, &str); 8] = [
    (Area::Object, "One object"),
    (Area::Objects, "Across objects"),
    (Area::Routing, "Routing"),
    (Area::Reading, "Reading"),
    (Area::Plan, "Plans"),
    (Area::Workload, "Workloads"),
    (Area::Prediction, "Predictions"),
    (Area::Cluster, "Clusters"),
];

#[test]
fn each_code_has_one_entry_and_a_remedy() {
    let mut seen = BTreeSet::new();
    for rule in CATALOGUE {
        assert!(seen.insert(rule.code), "{} is listed twice", rule.code);
        assert!(!rule.text.is_empty() && !rule.remedy.is_empty(), "{}", rule.code);
        assert!(rule.lesser.is_none_or(|lesser| lesser < rule.severity), "{}", rule.code);
        assert!(AREAS.iter().any(|(area, _)| *area == rule.area), "{}", rule.code);
        assert_eq!(find(rule.code), Some(rule));
    }
    assert_eq!(find("V0"), None);
}

fn severities(rule: &Rule) -> String {
    match rule.lesser {
        Some(lesser) => format!("{}, {lesser}", rule.severity),
        None => rule.severity.to_string(),
    }
}

/// Compares a part of a file with the expected text; `UPDATE_DOCS=1` writes it.
fn check(path: &Path, begin: &str, end: &str, expected: &str) {
    let Ok(text) = std::fs::read_to_string(path) else {
        // A packaged crate has no documentation beside it.
        return;
    };
    let start = text.find(begin).expect("the file has the beginning of the table");
    let stop = start + text[start..].find(end).expect("the file has the end of the table");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(path, format!("{}{expected}{}", &text[..start], &text[stop..])).unwrap();
    } else {
        let hint = "run UPDATE_DOCS=1 cargo test -p canary-istio catalogue";
        assert_eq!(&text[start..stop], expected, "{}: {hint}", path.display());
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

#[test]
fn the_documentation_lists_the_catalogue() {
    let begin = "<!-- codes: written by the tests of canary-istio -->";
    let mut tables = format!("{begin}\n");
    for (area, heading) in AREAS {
        writeln!(tables, "\n## {heading}\n").unwrap();
        let meaning = if area == Area::Object { "rule" } else { "meaning" };
        writeln!(tables, "| code | severity | source | {meaning} | remedy |").unwrap();
        writeln!(tables, "| --- | --- | --- | --- | --- |").unwrap();
        for rule in CATALOGUE.iter().filter(|rule| rule.area == area) {
            let Rule { code, source, text, remedy, .. } = rule;
            writeln!(tables, "| {code} | {} | {source} | {text} | {remedy} |", severities(rule))
                .unwrap();
        }
    }
    check(&root().join("docs/validation.md"), begin, "\n<!-- end of codes -->", &tables);
}

#[test]
fn the_table_of_the_analyzers_is_the_catalogue_s() {
    let mut table = String::from("//! | code | level | what it says |\n//! | --- | --- | --- |\n");
    let given = |rule: &&Rule| rule.area == Area::Objects || rule.code.starts_with("IST");
    for rule in CATALOGUE.iter().filter(given) {
        writeln!(table, "//! | {} | {} | {} |", rule.code, severities(rule), rule.text).unwrap();
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/analyze/mod.rs");
    check(&path, "//! | code |", "\nmod ", &table);
}

/// Every literal in `folder` that looks like a code, with a file that has it.
fn literals(folder: &Path, pattern: &Regex, found: &mut BTreeMap<String, PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            literals(&path, pattern, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = std::fs::read_to_string(&path).unwrap();
            for code in pattern.captures_iter(&text) {
                found.entry(code[1].to_owned()).or_insert_with(|| path.clone());
            }
        }
    }
}

#[test]
fn codes_in_the_source_are_in_the_catalogue() {
    let pattern = Regex::new(r#""([A-Z]{1,3}[0-9]{3,4})""#).unwrap();
    let mut found = BTreeMap::new();
    let crates = root().join("crates");
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    // A packaged crate stands alone.
    let packaged = !crates.join("canary-rollout/src").is_dir();
    if packaged {
        literals(&own, &pattern, &mut found);
    } else {
        for entry in std::fs::read_dir(crates).unwrap() {
            literals(&entry.unwrap().path().join("src"), &pattern, &mut found);
        }
        literals(&root().join("python/src"), &pattern, &mut found);
    }
    for (code, path) in &found {
        assert!(find(code).is_some(), "{code} in {} is not in the catalogue", path.display());
    }
    let unused = |rule: &&Rule| !found.contains_key(rule.code) && !packaged;
    let unused: Vec<_> = CATALOGUE.iter().filter(unused).map(|rule| rule.code).collect();
    assert!(unused.is_empty(), "no source gives {unused:?}");
}
