//! Files, folders, standard input and streams of several documents.

use crate::folder::{Folder, MESH};

/// A stream as `helm template` prints it: comments, empty documents, and objects of other kinds.
fn rendered() -> String {
    let others = "\
---
# Source: models/templates/empty.yaml
---
# Source: models/templates/service.yaml
apiVersion: v1
kind: Service
metadata: {name: image-classifier}
spec: {ports: [{name: http-rest, port: 8501}], selector: {app: image-classifier}}
---
# Source: models/templates/mesh.yaml
";
    format!("{others}{MESH}---\n")
}

#[test]
fn rendered_streams_pipe_in() {
    let folder = Folder::new("stream");
    let (status, text, error) = folder.piped(&rendered(), &["validate", "-"]);
    assert_eq!((status, text.as_str()), (Some(0), "4 objects, 0 errors, 0 warnings\n"), "{error}");
    let (status, text, error) = folder.piped(&rendered(), &["analyze", "-", "--complete"]);
    assert_eq!(status, Some(1), "{text}{error}");
    assert!(!text.contains("host image-classifier"), "the Service is among them: {text}");
    let (status, text, error) = folder.piped(&rendered(), &["route", "-", "--test", "cases.yaml"]);
    assert_eq!(status, Some(0), "{text}{error}");
    let (status, text, error) = folder.piped(&rendered(), &["diff", "mesh.yaml", "-"]);
    assert_eq!(status, Some(0), "{text}{error}");
    let plan = folder.read("plan.yaml");
    let (status, _, error) = folder.piped(&plan, &["simulate", "-", "--runs", "5"]);
    assert_eq!(status, Some(0), "{error}");
}

#[test]
fn what_cannot_be_read_is_named_and_has_its_status() {
    let folder = Folder::new("unreadable");
    std::fs::create_dir(folder.path().join("empty")).unwrap();
    std::fs::write(folder.path().join("latin.yaml"), b"name: \xe9\n").unwrap();
    folder.write("plan-without-steps.yaml", "stable: a\n");
    for (arguments, part) in [
        (&["validate", "gone.yaml"][..], "cannot read gone.yaml"),
        (&["validate", "empty"], "empty has no .yaml, .yml or .json file in it"),
        (&["validate", "latin.yaml"], "latin.yaml: it is not UTF-8 text"),
        (&["route", "plan.yaml", "--url", "http://any/"], "plan.yaml"),
        (&["route", "mesh.yaml", "--test", "plan.yaml"], "plan.yaml"),
        (&["diff", "-", "-"], "standard input cannot be both sides"),
        (&["simulate", "plan-without-steps.yaml"], "plan-without-steps.yaml"),
        (&["power", "plan.yaml"], "no harm is stated"),
        (&["run", "gone.yaml"], "gone.yaml"),
        (&["run", "plan.yaml", "--prometheus", "http://localhost:1"], "needs --cluster"),
        (&["in-cluster", "gone.yaml", "--image", "x"], "gone.yaml"),
        (&["copy-model", "ftp://a/1", "b/2"], "ftp://"),
        (&["status", "a", "--prometheus", "http://localhost:1"], "--plan"),
    ] {
        let (status, text, error) = folder.run(arguments);
        assert_eq!(status, Some(2), "{arguments:?}: {text}{error}");
        assert!(error.contains(part), "{arguments:?}: {error}");
    }
    // The other files are still checked.
    let (status, text, _) = folder.run(&["validate", "gone.yaml", "mesh.yaml"]);
    assert_eq!((status, text.as_str()), (Some(2), "3 objects, 0 errors, 0 warnings\n"));
}

#[test]
fn a_reader_that_leaves_early_is_no_error() {
    let folder = Folder::new("pipe");
    let program = env!("CARGO_BIN_EXE_canary");
    let line = format!("{{ '{program}' validate mesh.yaml -o json; echo status $? >&2; }} | true");
    let output = std::process::Command::new("sh")
        .args(["-c", &line])
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "status 0\n");
}
