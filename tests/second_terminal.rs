//! A release in one process, and a person's commands to it from another, on a real API server.
//!
//! `CANARY_TRANSCRIPT=1 cargo test --test all second_terminal -- --nocapture` prints both terminals.

use std::{
    io::{BufRead, BufReader, Lines},
    process::{ChildStdout, Stdio},
};

use canary_tests::{apiserver::ApiServer, programs::output_of};
use serde_json::Value;

use crate::{
    rollouts::APP,
    stage::{Folder, Stage},
};

/// Prints a line of one of the terminals, where a transcript is wanted.
#[expect(clippy::print_stdout, reason = "a transcript for people")]
fn transcribe(terminal: u8, line: &str) {
    if std::env::var_os("CANARY_TRANSCRIPT").is_some() {
        println!("[{terminal}] {line}");
    }
}

/// Reads events until one has this name.
fn until(lines: &mut Lines<BufReader<ChildStdout>>, event: &str) -> Value {
    for line in lines.by_ref() {
        let line = line.unwrap();
        let found: Value = serde_json::from_str(&line).unwrap();
        if found["event"] != "seen" {
            transcribe(1, &line);
        }
        if found["event"] == event {
            return found;
        }
    }
    panic!("the run ended before {event}")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_release_is_paused_resumed_approved_and_aborted_from_a_second_terminal() {
    let Some(server) = ApiServer::shared().await else { return };
    let space = "second-terminal";
    let stage = Stage::new(server, space, 0.0).await;
    let folder = Folder::new(server, space, "admin");
    let plan = folder.file(
        "plan.yaml",
        &format!(
            "target: {{virtualService: {APP}, namespace: {space}}}\nstable: lite0\ncanary: lite1\n\
             header: {{name: user-group, value: canary}}\nsettle: 100ms\nbursts: none\nsteps:\n\
             - {{weight: 30, hold: {{requests: 30}}}}\n\
             - {{weight: 50, approve: true, hold: {{requests: 10000000}}}}\n- {{weight: 100}}\n\
             guardrails:\n- errorRatio: {{atMost: 1.0}}\n"
        ),
    );
    let photo = folder.file("photo.jpg", "a photo");
    let mut run = folder.command("run");
    run.arg(&plan).args(["--cluster", "-o", "json", "--tick", "50ms", "--model", "model"]);
    run.arg("--images").arg(&photo).args(["--gateway-url", &stage.gateway_url]);
    let act = |verb: &str, more: &[&str]| {
        let mut command = folder.command(verb);
        command.args([APP, "-n", space, "--by", "alice"]).args(more);
        transcribe(2, &format!("$ canary {verb} {APP} -n {space} --by alice {}", more.join(" ")));
        let (status, text, error) = output_of(&mut command);
        transcribe(2, &format!("{text}{error}(exit status {status:?})"));
        (status, text, error)
    };
    tokio::task::block_in_place(|| {
        let mut child = run.stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        until(&mut lines, "awaitingApproval");
        for verb in ["pause", "resume", "approve"] {
            let (status, text, error) = act(verb, &[]);
            assert_eq!(status, Some(0), "{verb}: {text}{error}");
            assert!(text.starts_with(&format!("{verb} by alice, ")), "{text}");
        }
        while until(&mut lines, "written")["split"]["canary"] != 50 {}
        // Nothing waits now.
        let (status, _, error) = act("approve", &[]);
        assert_eq!(status, Some(1), "{error}");
        let because = ["--because", "the labels are shifted", "-o", "json"];
        let (status, text, error) = act("abort", &because);
        assert_eq!(status, Some(0), "{error}");
        let record: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(
            (&record["by"], &record["outcome"]),
            (&"alice".into(), &"done".into()),
            "{record}"
        );
        let finished = until(&mut lines, "finished");
        assert_eq!(finished["verdict"]["verdict"], "rollback", "{finished}");
        assert_eq!(child.wait().unwrap().code(), Some(3), "{finished}");
        // The release is over: nobody can act on it.
        let (status, _, error) = act("pause", &[]);
        assert!(status == Some(1) && error.contains("the release is over"), "{error}");
    });
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_release_is_promoted_from_a_second_terminal() {
    let Some(server) = ApiServer::shared().await else { return };
    let space = "second-terminal-promotes";
    let stage = Stage::new(server, space, 0.0).await;
    let folder = Folder::new(server, space, "admin");
    let plan = folder.file(
        "plan.yaml",
        &format!(
            "target: {{virtualService: {APP}, namespace: {space}}}\nstable: lite0\ncanary: lite1\n\
             header: {{name: user-group, value: canary}}\nsettle: 100ms\nbursts: none\nsteps:\n\
             - {{weight: 50, hold: {{requests: 10000000}}}}\n- {{weight: 100}}\n\
             guardrails:\n- errorRatio: {{atMost: 1.0}}\n"
        ),
    );
    let photo = folder.file("photo.jpg", "a photo");
    let mut run = folder.command("run");
    run.arg(&plan).args(["--cluster", "-o", "json", "--tick", "50ms", "--model", "model"]);
    run.arg("--images").arg(&photo).args(["--gateway-url", &stage.gateway_url]);
    tokio::task::block_in_place(|| {
        let mut child = run.stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        while until(&mut lines, "seen")["canary"].as_u64().is_none_or(|served| served < 5) {}
        let mut command = folder.command("promote");
        command.args([APP, "-n", space, "--by", "alice", "--because", "judged offline"]);
        transcribe(
            2,
            &format!("$ canary promote {APP} -n {space} --by alice --because 'judged offline'"),
        );
        let (status, text, error) = output_of(&mut command);
        transcribe(2, &format!("{text}{error}(exit status {status:?})"));
        assert_eq!(status, Some(0), "{text}{error}");
        let finished = until(&mut lines, "finished");
        assert_eq!(finished["verdict"]["verdict"], "promotedByPerson", "{finished}");
        assert_eq!(finished["verdict"]["by"], "alice", "{finished}");
        assert_eq!(child.wait().unwrap().code(), Some(0), "{finished}");
    });
    stage.stop().await;
}
