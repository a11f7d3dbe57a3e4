//! `run`, `demo`, `lab` and `copy-model` on this machine.

use serde_json::Value;

use crate::folder::Folder;

#[test]
fn results_and_progress_go_their_own_ways() {
    let folder = Folder::new("run");
    let (status, text, progress) = folder.run(&["run", "plan.yaml"]);
    assert_eq!(status, Some(0), "{text}{progress}");
    assert!(text.starts_with("promoted: ") && text.lines().count() == 1, "{text}");
    assert!(
        progress.contains("written: 70/30") && progress.contains("written: 0/100"),
        "{progress}"
    );
    assert!(!folder.path().join("plan.lab.json").exists(), "nothing is kept of a run that is over");
}

#[test]
fn a_canary_that_is_deployed_wrongly_is_refused() {
    let folder = Folder::new("refused");
    let plan = folder.read("plan.yaml") + "startupTimeout: 1s\n";
    folder.write("plan.yaml", &plan);
    let (status, text, _) = folder.run(&["run", "plan.yaml", "--canary-model", "other"]);
    assert_eq!(status, Some(3), "{text}");
    assert!(text.contains("refused before its first weight"), "{text}");
}

#[test]
fn the_demo_shows_three_endings() {
    let folder = Folder::new("demo");
    let (status, text, error) = folder.run(&["demo", "--report", "demo.html"]);
    assert_eq!(status, Some(0), "{text}{error}");
    let verdicts: Vec<&str> = text.lines().map(|line| line.split(':').next().unwrap()).collect();
    assert_eq!(verdicts, ["promoted", "rolled back", "rolled back"]);
    let page = folder.read("demo.html");
    for title in ["a good canary", "a bad canary", "a canary that is deployed wrongly"] {
        assert!(page.contains(title) && error.contains(title), "{title}");
    }
}

#[test]
fn the_lab_tells_its_addresses() {
    let folder = Folder::new("lab");
    let arguments = ["lab", "mesh.yaml", "--model", "models/v1=cat", "--for", "10ms", "-o", "json"];
    let (status, text, error) = folder.run(&arguments);
    assert_eq!(status, Some(0), "{error}");
    let addresses: Value = serde_json::from_str(&text).unwrap();
    assert!(addresses["gateway"].as_str().unwrap().starts_with("http://127.0.0.1:"), "{addresses}");
    folder.write(
        "wrong.yaml",
        "apiVersion: networking.istio.io/v1\nkind: Gateway\nmetadata: {}\nspec: {}\n",
    );
    assert_eq!(folder.run(&["lab", "wrong.yaml", "--for", "10ms"]).0, Some(1));
}

#[test]
fn a_model_is_copied_with_its_checksums() {
    let folder = Folder::new("copy");
    let copy = ["copy-model", "resnet_101/1", "served/2", "-o", "json"];
    let (status, text, error) = folder.run(&copy);
    assert_eq!(status, Some(0), "{error}");
    let copied: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(copied["files"].as_array().unwrap().len(), 2, "{copied}");
    assert_eq!(folder.read("served/2/saved_model.pb"), "\x08\x01\x12\x03abc");
    let (_, text, _) = folder.run(&copy[..3]);
    assert!(text.contains("already complete"), "{text}");
}

/// The arguments of the Job are a command line of `canary run`.
#[test]
fn the_job_starts_the_command() {
    let folder = Folder::new("job");
    let job =
        ["in-cluster", "plan.yaml", "--image", "canary:1.0", "--", "--images", "/photos/a.jpg"];
    let (status, text, error) = folder.run(&job);
    assert_eq!(status, Some(0), "{error}");
    let (_, args) = text.split_once("- args:\n").unwrap();
    let args = args.lines().map_while(|line| line.trim_start().strip_prefix("- "));
    let line = ["canary", "run"].into_iter().chain(args);
    canary_cli::command().try_get_matches_from(line).unwrap();
    let (status, _, error) =
        folder.run(&["in-cluster", "plan.yaml", "--image", "x", "--telemetry"]);
    assert_eq!(status, Some(0), "{error}");
    let without = folder
        .read("plan.yaml")
        .replace("header: {name: user-group, value: canary}\n", "")
        .replace(", pairs: 60", "")
        .replace("- agreement: {atLeast: 0.95}\n", "");
    folder.write("plan.yaml", &without);
    let (status, _, error) =
        folder.run(&["in-cluster", "plan.yaml", "--image", "x", "--telemetry"]);
    assert!(status == Some(2) && error.contains("no header to mark"), "{error}");
}
