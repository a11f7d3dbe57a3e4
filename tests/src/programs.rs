//! The example binaries as their users run them.

use std::{
    path::PathBuf,
    process::{Command, Output},
    sync::Mutex,
};

/// An example binary as the workspace built it, or built now when only this package's tests were asked for.
///
/// # Panics
/// When it cannot be built.
pub fn example(name: &str) -> Command {
    static BUILDING: Mutex<()> = Mutex::new(());
    let _one = BUILDING.lock().unwrap();
    let test = std::env::current_exe().unwrap();
    let built: PathBuf = test.ancestors().nth(2).unwrap().join("examples").join(name);
    if !built.exists() {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let arguments = ["build", "--quiet", "-p", "canary-examples", "--example", name];
        assert!(Command::new(cargo).args(arguments).status().unwrap().success());
    }
    Command::new(built)
}

/// Exit status, standard output and standard error.
///
/// # Panics
/// When the program cannot be run or does not write text.
pub fn said(command: &mut Command) -> (Option<i32>, String, String) {
    let Output { status, stdout, stderr } = command.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (status.code(), text(stdout), text(stderr))
}
