//! `run` on the lab: its events, its verdicts and their statuses, Ctrl-C.

use std::{
    io::{BufRead, BufReader},
    path::PathBuf,
    process::{Child, Command, Output, Stdio},
};

use serde_json::Value;

use crate::folder::Folder;

/// A folder with a plan of its own in it.
struct Plan(Folder);

impl Plan {
    fn new(name: &str, requests: u64) -> Self {
        let folder = Folder::new(name);
        let plan = format!(
            "target: {{virtualService: image-classifier}}\nstable: resnet50\ncanary: resnet101\n\
             header: {{name: user-group, value: canary}}\nsettle: 0s\nsteps:\n\
             - {{weight: 30, hold: {{requests: {requests}, pairs: 100}}}}\n- {{weight: 100}}\n\
             guardrails:\n- observedSplit: {{}}\n- errorRatio: {{atMost: 1.0}}\n\
             - agreement: {{atLeast: 0.9}}\n"
        );
        folder.write("plan.yaml", &plan);
        Self(folder)
    }

    fn run(&self, arguments: &[&str]) -> Command {
        let mut command = self.0.command(&["run", "plan.yaml", "-o", "json", "--tick", "20ms"]);
        command.args(arguments);
        command
    }

    fn lab(&self) -> PathBuf {
        self.0.path().join("plan.lab.json")
    }
}

fn events(output: &Output) -> Vec<Value> {
    let text = std::str::from_utf8(&output.stdout).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn a_good_canary_is_promoted_and_the_report_written() {
    let folder = Plan::new("good", 300);
    let page = folder.0.path().join("report.html");
    let output = folder.run(&["--report", page.to_str().unwrap()]).output().unwrap();
    let events = events(&output);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert_eq!(events[0]["event"], "started");
    let weights: Vec<u64> = events
        .iter()
        .filter(|event| event["event"] == "written")
        .map(|event| event["split"]["canary"].as_u64().unwrap())
        .collect();
    assert_eq!(weights, [30, 100, 100]);
    let last = events.last().unwrap();
    assert_eq!(last["verdict"]["verdict"], "promote", "{last}");
    assert!(last["verdict"]["sentence"].as_str().unwrap().starts_with("promoted: "), "{last}");
    assert!(last["seconds"].as_f64().unwrap() > 0.0);
    let page = std::fs::read_to_string(page).unwrap();
    assert!(page.contains("errorRatio") && page.contains("resnet101"));
    assert!(!folder.lab().exists(), "nothing is kept of a run that is over");
}

#[test]
fn bad_canaries_are_rolled_back_by_a_guardrail_that_sees_them() {
    // A half that failed agrees with nothing, so failures are seen by both; other classes by one alone.
    for (law, guardrails, fails) in [
        ("--canary-errors=0.5", &["errorRatio", "agreement"][..], true),
        ("--canary-disagree=0.5", &["agreement"], false),
    ] {
        let folder = Plan::new(law.trim_start_matches('-'), 20_000);
        let output = folder.run(&[law, "--stable-errors=0.01"]).output().unwrap();
        assert_eq!(output.status.code(), Some(3), "{output:?}");
        let events = events(&output);
        let verdict = &events.last().unwrap()["verdict"];
        let guardrail = verdict["guardrail"].as_str().unwrap();
        assert!(guardrails.contains(&guardrail), "{verdict}");
        assert!(verdict["problem"].is_string() || !fails, "{verdict}");
    }
}

#[test]
fn too_few_inputs_and_wrong_plans_have_their_own_exit_status() {
    let folder = Plan::new("few", 300);
    let output = folder.run(&["--inputs", "20"]).output().unwrap();
    assert_eq!(output.status.code(), Some(4), "{output:?}");
    let output = folder.run(&["--canary-errors", "2"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    folder.0.write("plan.yaml", "stable: a\n");
    let output = folder.run(&[]).output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    let help = folder.run(&["--help"]).output().unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    for part in ["--canary-errors", "--report", "--output", "Exit status", "Ctrl-C"] {
        assert!(help.contains(part), "{part} is not in {help}");
    }
}

/// Starts, waits until requests were seen, presses Ctrl-C; the events.
#[cfg(unix)]
fn interrupted(mut command: Command) -> (Vec<Value>, Option<i32>) {
    let mut child: Child = command.stdout(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let (mut events, mut pressed) = (Vec::<Value>::new(), false);
    for line in lines {
        let event: Value = serde_json::from_str(&line.unwrap()).unwrap();
        // The first requests may all have gone to the stable version.
        let seen = event["totals"]["canary"].as_u64().unwrap_or(0) > 0;
        events.push(event);
        if seen && !pressed {
            pressed = true;
            let pid = child.id().to_string();
            assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
        }
    }
    (events, child.wait().unwrap().code())
}

#[cfg(unix)]
#[test]
fn ctrl_c_pauses_and_the_same_command_goes_on() {
    let folder = Plan::new("paused", 10_000_000);
    let (first, status) = interrupted(folder.run(&[]));
    assert_eq!(status, Some(130), "{first:?}");
    let paused = first.last().unwrap();
    assert_eq!((&paused["event"], &paused["split"]["canary"]), (&"suspended".into(), &30.into()));
    let kept = std::fs::read_to_string(folder.lab()).unwrap();
    assert!(kept.contains("canary.rollout") || kept.contains("annotations"), "{kept}");
    let seen = |events: &[Value], place: fn(&mut dyn Iterator<Item = u64>) -> Option<u64>| {
        let mut all = events.iter().filter_map(|event| event["totals"]["canary"].as_u64());
        place(&mut all).unwrap()
    };
    let before = seen(&first, |all| all.last());
    assert!(before > 0);

    let (second, status) = interrupted(folder.run(&[]));
    assert_eq!(status, Some(130), "{second:?}");
    assert_eq!((&second[0]["event"], &second[0]["resumed"]), (&"started".into(), &true.into()));
    let after = seen(&second, |all| all.next());
    assert!(after >= before, "{after} requests by the canary, {before} before the pause");
    let repeated = second.iter().filter_map(|event| event["totals"]["repeated"].as_u64());
    assert!(repeated.max().unwrap() <= 20, "the inputs of the second run are new ones");

    let output = folder.run(&["--anew", "--inputs", "10"]).output().unwrap();
    assert_eq!(events(&output)[0]["resumed"], false, "{output:?}");
}
