//! A release in one process, and a person's commands to it from another: on the lab, and on a real API server.
//!
//! `CANARY_TRANSCRIPT=1 cargo test -p canary-tests --test all second_terminal -- --nocapture --test-threads 1` prints both
//! terminals.

use std::{
    io::{BufRead, BufReader, Lines},
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Stdio},
};

use canary_tests::{
    apiserver::ApiServer,
    programs::{canary, output_of},
};
use serde_json::Value;

use crate::{
    rollouts::APP,
    stage::{Folder, Stage},
};

/// The first terminal, in which a release runs, and the way to it from the second.
struct Terminals {
    run: Child,
    lines: Lines<BufReader<ChildStdout>>,
    kubeconfig: PathBuf,
    space: String,
}

/// Prints a line of one of the terminals, where a transcript is wanted.
#[expect(clippy::print_stdout, reason = "a transcript for people")]
fn transcribe(terminal: u8, line: &str) {
    if std::env::var_os("CANARY_TRANSCRIPT").is_some() {
        println!("[{terminal}] {line}");
    }
}

/// The command as a person types it, without the paths of this machine.
fn typed(command: &Command) -> String {
    let words = command.get_args().map(|word| {
        let name = Path::new(word).file_name().unwrap_or(word).to_string_lossy().into_owned();
        if name.contains(' ') { format!("'{name}'") } else { name }
    });
    format!("$ canary {}", words.collect::<Vec<_>>().join(" "))
}

impl Terminals {
    fn start(mut run: Command, kubeconfig: PathBuf, space: &str) -> Self {
        transcribe(1, &typed(&run));
        let mut run = run.stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(run.stdout.take().unwrap()).lines();
        Self { run, lines, kubeconfig, space: space.to_owned() }
    }

    /// Reads events until one has this name.
    fn until(&mut self, event: &str) -> Value {
        for line in self.lines.by_ref() {
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

    /// Gives a command in the second terminal.
    fn act(&self, verb: &str, more: &[&str]) -> (Option<i32>, String, String) {
        let mut command = canary(verb);
        command.args([APP, "-n", &self.space, "--by", "alice"]).args(more);
        command.arg("--kubeconfig").arg(&self.kubeconfig);
        transcribe(2, &typed(&command));
        let (status, text, error) = output_of(&mut command);
        transcribe(2, &format!("{text}{error}(exit status {status:?})"));
        (status, text, error)
    }

    fn exit_status(&mut self) -> Option<i32> {
        self.run.wait().unwrap().code()
    }
}

/// A plan of three steps, the second of which needs approval and is held for long.
fn with_approval(space: &str) -> String {
    plan(
        space,
        "- {weight: 30, hold: {requests: 30}}\n\
         - {weight: 50, approve: true, hold: {requests: 10000000}}\n- {weight: 100}\n",
    )
}

/// A plan whose first step is held for long.
fn held(space: &str) -> String {
    plan(space, "- {weight: 50, hold: {requests: 10000000}}\n- {weight: 100}\n")
}

fn plan(space: &str, steps: &str) -> String {
    format!(
        "target: {{virtualService: {APP}, namespace: {space}}}\nstable: lite0\ncanary: lite1\n\
         header: {{name: user-group, value: canary}}\nsettle: 100ms\nbursts: none\nsteps:\n{steps}\
         guardrails:\n- errorRatio: {{atMost: 1.0}}\n"
    )
}

fn is_paused_resumed_approved_and_aborted(terminals: &mut Terminals) {
    terminals.until("awaitingApproval");
    for verb in ["pause", "resume", "approve"] {
        let (status, text, error) = terminals.act(verb, &[]);
        assert_eq!(status, Some(0), "{verb}: {text}{error}");
        assert!(text.starts_with(&format!("{verb} by alice, ")), "{text}");
    }
    while terminals.until("written")["split"]["canary"] != 50 {}
    // Nothing waits now.
    let (status, _, error) = terminals.act("approve", &[]);
    assert_eq!(status, Some(1), "{error}");
    let because = ["--because", "the labels are shifted", "-o", "json"];
    let (status, text, error) = terminals.act("abort", &because);
    assert_eq!(status, Some(0), "{error}");
    let record: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((&record["by"], &record["outcome"]), (&"alice".into(), &"done".into()), "{record}");
    let finished = terminals.until("finished");
    assert_eq!(finished["verdict"]["verdict"], "rollback", "{finished}");
}

fn is_promoted(terminals: &mut Terminals) {
    while terminals.until("seen")["canary"].as_u64().is_none_or(|served| served < 5) {}
    let (status, text, error) = terminals.act("promote", &["--because", "judged offline"]);
    assert_eq!(status, Some(0), "{text}{error}");
    let finished = terminals.until("finished");
    assert_eq!(finished["verdict"]["verdict"], "promotedByPerson", "{finished}");
    assert_eq!(finished["verdict"]["by"], "alice", "{finished}");
}

/// A run of a plan in the lab of its own process.
fn on_the_lab(folder: &Path, plan: &str) -> Terminals {
    std::fs::create_dir_all(folder).unwrap();
    std::fs::write(folder.join("plan.yaml"), plan).unwrap();
    let kubeconfig = folder.join("lab.kubeconfig");
    let mut run = canary("run");
    run.arg(folder.join("plan.yaml")).args(["-o", "json", "--tick", "50ms"]);
    run.arg("--lab-kubeconfig").arg(&kubeconfig);
    Terminals::start(run, kubeconfig, "default")
}

/// A folder of a test's own, which is removed.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        Self(std::env::temp_dir().join(format!("canary-{name}-{}", std::process::id())))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[test]
fn a_release_on_the_lab_is_paused_resumed_approved_and_aborted_from_a_second_terminal() {
    let folder = Scratch::new("second-terminal");
    let mut terminals = on_the_lab(&folder.0, &with_approval("default"));
    is_paused_resumed_approved_and_aborted(&mut terminals);
    assert_eq!(terminals.exit_status(), Some(3));
    // The lab has ended with its process, and its kubeconfig is gone.
    assert!(!terminals.kubeconfig.exists());
}

#[test]
fn a_release_on_the_lab_is_promoted_from_a_second_terminal() {
    let folder = Scratch::new("second-terminal-promotes");
    let mut terminals = on_the_lab(&folder.0, &held("default"));
    is_promoted(&mut terminals);
    assert_eq!(terminals.exit_status(), Some(0));
}

/// A run of a plan on a cluster.
fn on_a_cluster(stage: &Stage, folder: &Folder, space: &str, plan: &str) -> Terminals {
    let plan = folder.file("plan.yaml", plan);
    let photo = folder.file("photo.jpg", "a photo");
    let mut run = folder.command("run");
    run.arg(&plan).args(["--cluster", "-o", "json", "--tick", "50ms", "--model", "model"]);
    run.arg("--images").arg(&photo).args(["--gateway-url", &stage.gateway_url]);
    Terminals::start(run, folder.0.join("kubeconfig"), space)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_release_on_a_cluster_is_paused_resumed_approved_and_aborted_from_a_second_terminal() {
    let Some(server) = ApiServer::shared().await else { return };
    let space = "second-terminal";
    let stage = Stage::new(server, space, 0.0).await;
    let folder = Folder::new(server, space, "admin");
    tokio::task::block_in_place(|| {
        let mut terminals = on_a_cluster(&stage, &folder, space, &with_approval(space));
        is_paused_resumed_approved_and_aborted(&mut terminals);
        assert_eq!(terminals.exit_status(), Some(3));
        // The release is over: nobody can act on it.
        let (status, _, error) = terminals.act("pause", &[]);
        assert!(status == Some(1) && error.contains("the release is over"), "{error}");
    });
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_release_on_a_cluster_is_promoted_from_a_second_terminal() {
    let Some(server) = ApiServer::shared().await else { return };
    let space = "second-terminal-promotes";
    let stage = Stage::new(server, space, 0.0).await;
    let folder = Folder::new(server, space, "admin");
    tokio::task::block_in_place(|| {
        let mut terminals = on_a_cluster(&stage, &folder, space, &held(space));
        is_promoted(&mut terminals);
        assert_eq!(terminals.exit_status(), Some(0));
    });
    stage.stop().await;
}
