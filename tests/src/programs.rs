//! The example binaries as their users run them.

use std::{
    path::PathBuf,
    process::{Command, Output},
    sync::OnceLock,
};

use crate::parts::root;

/// An example binary, built from the sources as they are.
///
/// Cargo builds the examples before a `cargo test` of the whole workspace and finds nothing to do here; when only this
/// package's tests run, it has not built them, and older ones must not be mistaken for the present ones.
///
/// # Panics
/// When it cannot be built.
pub fn example(name: &str) -> Command {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    let folder = FOLDER.get_or_init(|| {
        // target/PROFILE/deps/all-…
        let test = std::env::current_exe().unwrap();
        let profile = test.ancestors().nth(2).unwrap();
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut build = Command::new(cargo);
        build.current_dir(root()).args(["build", "--quiet", "--examples", "--target-dir"]);
        build.arg(profile.parent().unwrap());
        if profile.ends_with("release") {
            build.arg("--release");
        }
        assert!(build.status().unwrap().success(), "the examples cannot be built");
        profile.join("examples")
    });
    Command::new(folder.join(name))
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
