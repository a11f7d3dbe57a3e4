//! The texts of the metrics, by Prometheus' own check, and the page that lists them.

use std::{
    fs,
    io::Write,
    process::{Command, Stdio},
};

use canary_core::metrics::{Family, Format};
use canary_tests::{
    parts::{real_program, root},
    prometheus::UNTESTED,
};
use tokio::task::spawn_blocking;

use super::stage::{after_a_run, lab};

/// The findings of `promtool check metrics` in a text.
fn checked(text: &str) -> Option<()> {
    let promtool = real_program("promtool", "prometheus", UNTESTED)?;
    let mut child = Command::new(promtool)
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success() && said.is_empty(), "{said}\n{text}");
    Some(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn promtool_finds_nothing_wrong_with_a_runs_metrics() {
    let text = after_a_run().await.text(Format::Text);
    // Neither an address nor an answer is in a label.
    for foreign in ["127.0.0.1", "http", "military uniform", "user-group"] {
        assert!(!text.contains(foreign), "{foreign} is in {text}");
    }
    checked(&text);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn promtool_reads_the_labs_metrics() {
    let lab = lab("good", 0.0).await;
    checked(&lab.metrics_text());
    spawn_blocking(move || drop(lab)).await.unwrap();
}

/// The rows of the page, each with its cells.
fn rows() -> Vec<Vec<String>> {
    let page = fs::read_to_string(root().join("docs/reference/metrics.md")).unwrap();
    let rows = page.lines().filter(|line| line.starts_with("| `canary_"));
    rows.map(|row| row.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect())
        .collect()
}

#[test]
fn the_page_of_the_metrics_lists_each_as_it_is() {
    let code = |text: &str| format!("`{text}`");
    let expected: Vec<Vec<String>> = Family::all()
        .map(|family| {
            // Those that every sample has are said once.
            let labels: Vec<String> = family.labels()[2..].iter().map(|one| code(one)).collect();
            vec![
                code(&family.name()),
                family.kind().name().to_owned(),
                family.unit().unwrap_or_default().to_owned(),
                labels.join(", "),
                family.help().to_owned(),
            ]
        })
        .collect();
    let of_the_lab = |row: &Vec<String>| row[0].starts_with("`canary_lab_");
    let (lab, driver): (Vec<_>, Vec<_>) = rows().into_iter().partition(of_the_lab);
    for (row, family) in driver.iter().zip(&expected) {
        assert_eq!(row, family);
    }
    assert_eq!(driver.len(), expected.len());
    assert_eq!(lab.len(), 1, "{lab:?}");
}
