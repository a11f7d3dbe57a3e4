//! The real programs that some tests run against, and the message when one of them is missing.

use std::path::PathBuf;

/// The root of the project.
pub fn root() -> PathBuf {
    let manifest = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    manifest.parent().map_or_else(|| manifest.clone(), PathBuf::from)
}

/// A program that the project's scripts have put into `.cache/bin`, or `None` after saying what is left untested.
///
/// With `CANARY_REAL_PARTS=required`, as in continuous integration, a missing part fails the test.
///
/// # Panics
/// When the part is missing although it is required.
pub fn real_part(program: &str, script: &str, untested: &str) -> Option<PathBuf> {
    let path = root().join(".cache/bin").join(program);
    if path.is_file() {
        return Some(path);
    }
    let required = std::env::var("CANARY_REAL_PARTS").is_ok_and(|value| value == "required");
    assert!(!required, "{program} is missing; run scripts/real/{script}");
    println!("left out: {untested} ({program} is missing; run scripts/real/{script})");
    None
}

/// A program of a system package, or `None` after saying what is left untested; required as [`real_part`] says.
///
/// # Panics
/// When the program is missing although it is required.
pub fn real_program(program: &str, package: &str, untested: &str) -> Option<PathBuf> {
    let folders = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&folders).map(|one| one.join(program)).find(|p| p.is_file());
    if found.is_none() {
        let required = std::env::var("CANARY_REAL_PARTS").is_ok_and(|value| value == "required");
        assert!(!required, "{program} is missing; install the package {package}");
        println!("left out: {untested} ({program} is missing; apt-get install {package})");
    }
    found
}
