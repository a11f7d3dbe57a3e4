//! Without a subscriber nothing is written.

use std::process::Command;

use crate::scenes;

/// Runs in a process of its own, where no other test has made a subscriber.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "run by the test below"]
async fn a_rollout_in_silence() {
    assert_eq!(scenes::rollout(0.5).await.name(), "rollback");
}

#[test]
fn nothing_is_written_without_a_subscriber() {
    let mut test = Command::new(std::env::current_exe().unwrap());
    test.args(["--exact", "silent::a_rollout_in_silence", "--ignored", "--nocapture"]);
    let output = test.output().unwrap();
    let (stdout, stderr) =
        (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert!(output.status.success(), "{stdout}{stderr}");
    assert_eq!(stderr, "");
    // What the harness of tests writes, and nothing beside it.
    let lines: Vec<&str> = stdout.lines().filter(|line| !line.is_empty()).collect();
    assert_eq!(lines.len(), 3, "{lines:?}");
    assert_eq!(lines[..2], ["running 1 test", "test silent::a_rollout_in_silence ... ok"]);
    assert!(lines[2].starts_with("test result: ok. 1 passed"), "{lines:?}");
}
