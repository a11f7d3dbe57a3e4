//! `--log`, `--log-format` and `CANARY_LOG`: what happens on standard error, and nothing without them.

use serde_json::Value;

use crate::folder::Folder;

/// The standard error of a run with these arguments and this environment.
fn logged(folder: &Folder, arguments: &[&str], environment: Option<&str>) -> (Option<i32>, String) {
    let line = ["run", "plan.yaml", "--output", "json", "--tick", "20ms"];
    let mut command = folder.command(&line);
    command.args(arguments).env_remove("CANARY_LOG");
    if let Some(level) = environment {
        command.env("CANARY_LOG", level);
    }
    let output = command.output().unwrap();
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

#[test]
fn nothing_is_logged_unless_it_is_asked_for() {
    let folder = Folder::new("log-none");
    for environment in [None, Some(""), Some("off")] {
        assert_eq!(logged(&folder, &[], environment), (Some(0), String::new()));
    }
}

#[test]
fn a_level_is_that_of_the_option_or_of_the_environment() {
    let folder = Folder::new("log-text");
    for (arguments, environment) in
        [(&["--log", "info"][..], None), (&[], Some("info")), (&["--log", "info"], Some("trace"))]
    {
        let (status, text) = logged(&folder, arguments, environment);
        assert_eq!(status, Some(0), "{text}");
        let line = text.lines().find(|line| line.contains("weights written step=0 weight=30"));
        let line = line.unwrap_or_else(|| panic!("{text}"));
        assert!(line.contains(" INFO rollout{"), "{line}");
        assert!(line.contains("virtual_service=\"image-classifier\""), "{line}");
        assert!(text.contains("verdict verdict=\"promote\""), "{text}");
        assert!(!text.contains("DEBUG") && !text.contains("TRACE"), "{text}");
    }
}

#[test]
fn levels_by_target_and_lines_of_json() {
    let folder = Folder::new("log-json");
    let arguments = ["--log", "warn,canary_http=debug", "--log-format", "json"];
    let (status, text) = logged(&folder, &arguments, None);
    assert_eq!(status, Some(0), "{text}");
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(lines.len() > 100, "{text}");
    for line in &lines {
        assert_eq!(
            (&line["level"], &line["target"]),
            (&"DEBUG".into(), &"canary_http::client".into())
        );
        assert_eq!(
            (&line["message"], &line["status"]),
            (&"response".into(), &200.into()),
            "{line}"
        );
        let request = line["spans"].as_array().unwrap().last().unwrap();
        assert_eq!(
            (&request["name"], &request["method"]),
            (&"request".into(), &"POST".into()),
            "{line}"
        );
    }
}

#[test]
fn a_level_that_is_none_is_refused() {
    let folder = Folder::new("log-wrong");
    for (arguments, environment, part) in [
        (&["--log", "loud"][..], None, "--log: \"loud\" is not a level; write off, error"),
        (&[], Some("canary_http"), "CANARY_LOG: \"canary_http\" is not a level"),
        (&["--log-format", "xml"], None, "invalid value 'xml' for '--log-format <FORM>'"),
    ] {
        let (status, text) = logged(&folder, arguments, environment);
        assert_eq!(status, Some(2), "{text}");
        assert!(text.contains(part), "{text}");
    }
}
