//! Holds the direction of the core's modules: each uses only what stands before it.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// The modules in the direction of the data, lowest first. Those on one row may not use each other
/// unless an earlier row holds them too.
const ORDER: &[&[&str]] = &[
    &["error", "finding", "stats"],
    &["tensor"],
    &["istio"],
    &["manifest"],
    &["validate"],
    &["analyze"],
    &["route"],
    &["serving"],
    &["image"],
    &["predict"],
    &["evidence"],
    &["rollout"],
    &["cluster"],
];

fn rank(module: &str) -> Option<usize> {
    ORDER.iter().position(|row| row.contains(&module))
}

fn rust_files(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            rust_files(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/canary-core/src")
}

/// The modules that a line of code names through `crate::`, documentation aside.
fn named_modules(line: &str) -> impl Iterator<Item = &str> {
    line.split("crate::").skip(1).map(|rest| {
        let inner = rest.strip_prefix('{').unwrap_or(rest);
        let end = inner
            .find(|character: char| !character.is_alphanumeric() && character != '_')
            .unwrap_or(inner.len());
        &inner[..end]
    })
}

#[test]
fn modules_use_only_what_stands_before_them() {
    let root = source();
    let mut files = Vec::new();
    rust_files(&root, &mut files);
    assert!(files.len() > 10, "the sources were not found at {}", root.display());
    let mut broken = Vec::new();
    for file in files {
        let relative = file.strip_prefix(&root).unwrap();
        let first = relative.components().next().unwrap().as_os_str().to_string_lossy();
        let module = first.trim_end_matches(".rs");
        let Some(own) = rank(module) else {
            assert_eq!(module, "lib", "{module} has no place in ORDER");
            continue;
        };
        let text = fs::read_to_string(&file).unwrap();
        for (number, line) in text.lines().enumerate() {
            let code = line.trim_start();
            if code.starts_with("//") {
                continue;
            }
            if code.starts_with("#[cfg(test)]") {
                break;
            }
            for named in named_modules(code) {
                if let Some(other) = rank(named)
                    && named != module
                    && other >= own
                    && own > 0
                {
                    broken.push(format!(
                        "{}:{}: {module} uses {named}",
                        relative.display(),
                        number + 1
                    ));
                }
                if own == 0 && rank(named).is_some_and(|other| other > 0) {
                    broken.push(format!(
                        "{}:{}: {module} uses {named}",
                        relative.display(),
                        number + 1
                    ));
                }
            }
        }
    }
    assert!(broken.is_empty(), "against the direction of the modules:\n{}", broken.join("\n"));
}
