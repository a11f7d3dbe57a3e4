//! The command `canary` as its users run it.

use std::{
    path::PathBuf,
    process::{Command, Output},
    sync::OnceLock,
};

use crate::parts::root;

/// A subcommand of `canary`, built from the sources as they are.
///
/// Cargo builds the program before a `cargo test` of the whole workspace and finds nothing to do here; when only this
/// package's tests run, it has not built it, and an older one must not be mistaken for the present one.
///
/// # Panics
/// When it cannot be built.
pub fn canary(subcommand: &str) -> Command {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    let program = PROGRAM.get_or_init(|| {
        // target/PROFILE/deps/all-…
        let test = std::env::current_exe().unwrap();
        let profile = test.ancestors().nth(2).unwrap();
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut build = Command::new(cargo);
        // With the examples, so that the dependencies have the features that they have for the tests.
        let targets = ["build", "--quiet", "--bin", "canary", "--examples", "--target-dir"];
        build.current_dir(root()).args(targets);
        build.arg(profile.parent().unwrap());
        if profile.ends_with("release") {
            build.arg("--release");
        }
        assert!(build.status().unwrap().success(), "the command cannot be built");
        profile.join("canary")
    });
    let mut command = Command::new(program);
    command.arg(subcommand);
    command
}

/// Exit status, standard output and standard error.
///
/// # Panics
/// When the program cannot be run or does not write text.
pub fn output_of(command: &mut Command) -> (Option<i32>, String, String) {
    let Output { status, stdout, stderr } = command.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (status.code(), text(stdout), text(stderr))
}
