//! Help texts: every subcommand has two examples, which run, and names its exit statuses from the one table.

use std::{path::Path, process::Command};

use canary_cli::Status;

use crate::folder::Folder;

/// Examples of other subcommands, `run` and `aa`, that need one.
const ALSO_ON_A_CLUSTER: usize = 2;

/// Subcommands whose examples need a cluster; those are run against an API server by the tests of the workspace.
const ON_A_CLUSTER: [&str; 8] =
    ["preflight", "apply", "status", "pause", "resume", "approve", "abort", "promote"];

fn subcommands() -> Vec<String> {
    canary_cli::command().get_subcommands().map(|one| one.get_name().to_owned()).collect()
}

fn examples(help: &str) -> Vec<&str> {
    let (_, after) = help.split_once("\nExamples:\n").unwrap_or_else(|| panic!("{help}"));
    after.lines().take_while(|line| line.starts_with("  ")).map(str::trim).collect()
}

#[test]
fn every_subcommand_has_two_examples_and_its_statuses() {
    let folder = Folder::new("help");
    for name in subcommands() {
        let (status, help, _) = folder.run(&[&name, "--help"]);
        assert_eq!(status, Some(0), "{name}");
        let examples = examples(&help);
        assert_eq!(examples.len(), 2, "{name}: {examples:?}");
        assert!(examples.iter().all(|one| one.contains(&format!("canary {name}"))), "{examples:?}");
        let (_, statuses) = help.split_once("\nExit status:\n").unwrap();
        let mut codes = statuses
            .lines()
            .take_while(|line| !line.is_empty())
            .filter_map(|line| line.trim_start().split(' ').next()?.parse::<u8>().ok());
        assert!(codes.all(|code| Status::ALL.iter().any(|one| one.code() == code)), "{help}");
        let (status, _, error) = folder.run(&[&name, "--no-such-option"]);
        assert_eq!(status, Some(2), "{name}: {error}");
    }
}

#[test]
fn the_whole_table_of_statuses_is_in_the_help() {
    let folder = Folder::new("table");
    let (_, help, _) = folder.run(&["--help"]);
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let help = words(&help);
    for status in Status::ALL {
        let row = format!("{} {}", status.code(), words(status.meaning()));
        assert!(help.contains(&row), "{row}");
    }
}

#[test]
fn the_page_of_the_command_has_these_tables() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/guide/command.md");
    let page = std::fs::read_to_string(page).unwrap();
    for command in canary_cli::command().get_subcommands() {
        let row = format!("| `{}` | {} |", command.get_name(), command.get_about().unwrap());
        assert!(page.contains(&row), "{row}");
    }
    let (_, table) = page.split_once("\n## Subcommands\n").unwrap();
    let (table, _) = table.split_once("\n## ").unwrap();
    let rows_of_commands = table.lines().filter(|line| line.starts_with("| `")).count();
    assert_eq!(rows_of_commands, subcommands().len());
    for status in Status::ALL {
        let row = format!("| {} | {} |", status.code(), status.meaning());
        assert!(page.contains(&row), "{row}");
    }
    let (_, after) = page.split_once("| status | |\n|---|---|\n").unwrap();
    assert_eq!(after.lines().take_while(|line| line.starts_with('|')).count(), Status::ALL.len());
}

/// The cases of the page hold for the mesh of the examples.
#[test]
fn the_cases_of_the_page_hold() {
    let folder = Folder::new("page");
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/guide/command.md");
    let page = std::fs::read_to_string(page).unwrap();
    let cases = page.split("```yaml\n").nth(1).unwrap().split("```").next().unwrap();
    folder.write("cases.yaml", cases);
    let (status, text, error) = folder.run(&["route", "mesh.yaml", "--test", "cases.yaml"]);
    assert_eq!(status, Some(0), "{text}{error}");
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples");
    let example = |name: &str| examples.join(name).to_str().unwrap().to_owned();
    let line = ["route", &example("mesh.yaml"), "--test", &example("cases.yaml")];
    let (status, text, error) = folder.run(&line);
    assert_eq!(status, Some(0), "{text}{error}");
}

#[test]
fn the_examples_run() {
    let program = Path::new(env!("CARGO_BIN_EXE_canary")).parent().unwrap();
    let search = std::env::var("PATH").unwrap();
    let mut ran = 0;
    for name in subcommands().iter().filter(|name| !ON_A_CLUSTER.contains(&name.as_str())) {
        let folder = Folder::new(&format!("example-{name}"));
        let (_, help, _) = folder.run(&[name, "--help"]);
        for example in examples(&help).into_iter().filter(|one| !one.contains(" --cluster")) {
            let mut shell = Command::new("sh");
            shell.args(["-c", example]).current_dir(folder.path());
            shell.env("PATH", format!("{}:{search}", program.display()));
            let output = shell.output().unwrap();
            // `diff` finds the difference that is there; the canary of `run` is bad. `aa` holds all of its steps.
            let expected = match name.as_str() {
                "diff" => 1,
                "run" => 3,
                _ => 0,
            };
            assert_eq!(output.status.code(), Some(expected), "{example}: {output:?}");
            ran += 1;
        }
    }
    assert_eq!(ran, 2 * (subcommands().len() - ON_A_CLUSTER.len()) - ALSO_ON_A_CLUSTER);
}

#[test]
fn the_version_and_the_pages_are_there() {
    let folder = Folder::new("pages");
    let (_, version, _) = folder.run(&["--version"]);
    assert_eq!(version.trim(), format!("canary {}", env!("CARGO_PKG_VERSION")));
    let (status, page, _) = folder.run(&["man"]);
    assert_eq!(status, Some(0));
    assert!(page.contains(".TH canary 1") && page.contains("Exit status"), "{page}");
    assert_eq!(folder.run(&["man", "--folder", "man1"]).0, Some(0));
    for name in subcommands() {
        let page = folder.read(&format!("man1/canary-{name}.1"));
        assert!(page.contains("Examples:"), "{name}");
    }
}

#[test]
fn completions_know_every_subcommand() {
    let folder = Folder::new("completions");
    for shell in ["bash", "zsh", "fish"] {
        let (status, script, _) = folder.run(&["completions", shell]);
        assert_eq!(status, Some(0));
        for name in subcommands() {
            assert!(script.contains(&name), "{shell} does not know {name}");
        }
    }
    // bash is everywhere: it reads the script and completes by it.
    let (_, script, _) = folder.run(&["completions", "bash"]);
    let ask = "COMP_WORDS=(canary val); COMP_CWORD=1; _canary canary val canary; printf '%s\\n' \"${COMPREPLY[@]}\"";
    let output = Command::new("bash").args(["-c", &format!("{script}\n{ask}")]).output().unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap().trim(), "validate");
}
