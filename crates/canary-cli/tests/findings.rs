//! `validate` and `analyze`: findings in every form.

use serde_json::{Value, json};

use crate::folder::{Folder, MESH};

fn wrong() -> String {
    MESH.replace("weight: 70", "wieght: 70").replace("weight: 30", "weight: -30")
}

#[test]
fn findings_are_shown_with_their_lines() {
    let folder = Folder::new("text");
    folder.write("wrong.yaml", &wrong());
    let (status, text, error) = folder.run(&["validate", "wrong.yaml"]);
    assert_eq!((status, error.as_str()), (Some(1), ""));
    assert!(text.contains("error[C301]: unknown field\n  --> wrong.yaml:25:87: "), "{text}");
    assert!(text.contains("= help: did you mean `weight`?"), "{text}");
    assert!(text.ends_with("3 objects, 2 errors, 0 warnings\n"), "{text}");
    let (status, text, _) = folder.run(&["validate", "mesh.yaml"]);
    assert_eq!((status, text.as_str()), (Some(0), "3 objects, 0 errors, 0 warnings\n"));
}

#[test]
fn warnings_are_errors_where_that_is_wanted() {
    let folder = Folder::new("warnings");
    folder.write("wrong.yaml", &MESH.replace("weight: 70", "wieght: 70"));
    let (status, text, _) = folder.run(&["validate", "wrong.yaml", "--lenient"]);
    assert_eq!(status, Some(0), "{text}");
    assert!(text.contains("warning[C301]"), "{text}");
    let (status, _, _) = folder.run(&["validate", "wrong.yaml", "--lenient", "--deny-warnings"]);
    assert_eq!(status, Some(1));
}

#[test]
fn sarif_has_what_its_schema_requires() {
    let folder = Folder::new("sarif");
    folder.write("a b.yaml", &wrong());
    let (status, text, _) = folder.run(&["validate", "a b.yaml", "-o", "sarif"]);
    assert_eq!(status, Some(1));
    let log: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(log["version"], "2.1.0");
    assert!(log["$schema"].as_str().unwrap().contains("sarif-2.1.0"));
    let run = &log["runs"][0];
    let driver = &run["tool"]["driver"];
    assert_eq!(driver["name"], "canary");
    assert_eq!(run["columnKind"], "unicodeCodePoints");
    let results = run["results"].as_array().unwrap();
    assert_eq!(results.len(), 2);
    for result in results {
        let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
        assert_eq!(driver["rules"][index]["id"], result["ruleId"]);
        assert!(driver["rules"][index]["shortDescription"]["text"].is_string());
        assert!(!result["message"]["text"].as_str().unwrap().is_empty());
        assert!(["error", "warning", "note"].contains(&result["level"].as_str().unwrap()));
        let place = &result["locations"][0]["physicalLocation"];
        assert_eq!(place["artifactLocation"]["uri"], "a%20b.yaml");
        assert!(place["region"]["startLine"].as_u64().unwrap() > 20);
        assert!(place["region"]["startColumn"].as_u64().unwrap() >= 1);
    }
    // Without findings the log still has a run.
    let (status, text, _) = folder.run(&["validate", "mesh.yaml", "-o", "sarif"]);
    let log: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((status, &log["runs"][0]["results"]), (Some(0), &json!([])));
}

#[test]
fn junit_counts_its_cases() {
    let folder = Folder::new("junit");
    folder.write("wrong.yaml", &wrong());
    let (status, text, _) = folder.run(&["validate", "mesh.yaml", "wrong.yaml", "-o", "junit"]);
    assert_eq!(status, Some(1));
    assert!(text.starts_with("<?xml version=\"1.0\" encoding=\"UTF-8\"?>"), "{text}");
    assert!(
        text.contains(r#"<testsuites name="canary" tests="3" failures="2" skipped="0">"#),
        "{text}"
    );
    assert_eq!(text.matches("<testcase ").count(), 3);
    assert_eq!(text.matches("<failure ").count(), 2);
    assert!(text.contains(r#"<testsuite name="mesh.yaml" tests="1" failures="0""#), "{text}");
}

#[test]
fn json_names_the_file_of_each_finding() {
    let folder = Folder::new("json");
    folder.write("wrong.yaml", &wrong());
    let (_, text, _) = folder.run(&["validate", "mesh.yaml", "wrong.yaml", "-o", "json"]);
    let report: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(report["objects"], 6);
    for finding in report["findings"].as_array().unwrap() {
        assert_eq!(finding["file"], "wrong.yaml");
        assert!(finding["code"].is_string() && finding["line"].is_u64(), "{finding}");
    }
}

#[test]
fn objects_are_held_against_each_other_across_files() {
    let folder = Folder::new("across");
    let [gateway, rule, service] = MESH.split("---\n").collect::<Vec<_>>().try_into().unwrap();
    folder.write("routes/gateway.yaml", gateway);
    folder.write(
        "routes/deep/service.yml",
        &service.replace("gateways: [gateway]", "gateways: [gatway]"),
    );
    folder.write("rule.json", rule);
    assert_eq!(folder.run(&["validate", "routes", "rule.json"]).0, Some(0));
    let (status, text, _) = folder.run(&["analyze", "routes", "rule.json"]);
    assert_eq!(status, Some(1), "{text}");
    assert!(text.contains("error[IST0101]") && text.contains("service.yml:6:14"), "{text}");
    assert!(text.contains("questions left open"), "{text}");
    // A host without a Service is known to be missing only when all Services are known.
    let (status, text, _) = folder.run(&["analyze", "mesh.yaml"]);
    assert_eq!(status, Some(0), "{text}");
    let (status, text, _) = folder.run(&["analyze", "mesh.yaml", "--complete"]);
    assert_eq!(status, Some(1), "{text}");
    assert!(text.contains("image-classifier"), "{text}");
}

#[test]
fn a_text_that_is_not_yaml_is_a_finding() {
    let folder = Folder::new("broken");
    folder.write("broken.yaml", "kind: [\n");
    let (status, text, _) = folder.run(&["validate", "broken.yaml", "-o", "json"]);
    let report: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((status, &report["findings"][0]["code"]), (Some(1), &json!("C300")));
}
