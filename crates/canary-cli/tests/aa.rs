//! `aa` on the lab, and `replay` by an A/A plan.

use serde_json::Value;

use crate::folder::Folder;

const PLAN: &str = "target: {virtualService: image-classifier}
stable: resnet50
canary: resnet50-again
settle: 0s
steps:
- {weight: 20, hold: {totalRequests: 300}}
- {weight: 50, hold: {totalRequests: 300}}
- {weight: 100}
guardrails:
- observedSplit: {}
- errorRatio: {atMost: 1.0}
";

#[test]
fn a_service_is_measured_and_left_at_the_stable_version() {
    let folder = Folder::new("aa");
    folder.write("plan.yaml", PLAN);
    let both =
        ["--stable-errors=0.05", "--canary-errors=0.05", "--tick=20ms", "--store=seen.jsonl"];
    let (status, text, error) = folder.run(&[&["aa", "plan.yaml"], &both[..]].concat());
    assert_eq!(status, Some(0), "{text}{error}");
    assert!(text.starts_with("inconclusive: an A/A run promotes nothing; "), "{text}");
    assert!(text.contains("errorRatio: φ") && text.contains("over 15s"), "{text}");
    let output = folder.command(&["aa", "plan.yaml", "-o", "json", "--anew"]).output().unwrap();
    let lines = String::from_utf8(output.stdout).unwrap();
    let events: Vec<Value> =
        lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let written = events.iter().filter(|event| event["event"] == "written");
    let written: Vec<u64> = written.filter_map(|one| one["split"]["canary"].as_u64()).collect();
    assert_eq!(written, [20, 50, 0], "{lines}");
    let verdict = &events.last().unwrap()["verdict"];
    assert_eq!(verdict["why"]["cause"], "aa", "{verdict}");
    assert_eq!(verdict["why"]["report"]["advice"]["window"], "15s", "{verdict}");
    // The plan with the field is run by `run`, whose status says that nothing was promoted.
    folder.write("plan.yaml", &format!("{PLAN}aa: true\n"));
    let (status, text, error) = folder.run(&["run", "plan.yaml", "--tick=20ms"]);
    assert_eq!(status, Some(4), "{text}{error}");
    let (status, text, error) = folder.run(&["replay", "seen.jsonl", "--plan", "plan.yaml"]);
    assert_eq!(status, Some(4), "{text}{error}");
    assert!(text.contains("errorRatio: φ"), "{text}");
    let (status, text, _) = folder.run(&["simulate", "plan.yaml", "--runs", "20"]);
    assert_eq!(status, Some(0), "{text}");
}

#[test]
fn an_early_end_and_a_broken_canary_have_their_own_status() {
    let folder = Folder::new("aa-early");
    folder.write("plan.yaml", PLAN);
    let (status, text, _) = folder.run(&["aa", "plan.yaml", "--inputs", "50"]);
    assert_eq!(status, Some(4), "{text}");
    assert!(text.contains("it ended before all of its steps were held"), "{text}");
    let (status, text, _) = folder.run(&["aa", "plan.yaml", "--canary-errors=1"]);
    assert_eq!(status, Some(3), "{text}");
    let (status, _, error) = folder.run(&["aa", "plan.yaml", "--prometheus", "http://localhost"]);
    assert_eq!(status, Some(2), "{error}");
}
