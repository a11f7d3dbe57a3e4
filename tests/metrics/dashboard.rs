//! The dashboard as a file: what Grafana needs of it, and the queries in it.

use std::{collections::BTreeSet, fs};

use canary_tests::parts::root;
use serde_json::{Value, json};

/// The dashboard of the examples.
pub(super) fn dashboard() -> Value {
    let file = root().join("examples/grafana-dashboard.json");
    serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap()
}

fn panels(dashboard: &Value) -> &Vec<Value> {
    dashboard["panels"].as_array().unwrap()
}

/// Each query with the title of its panel.
pub(super) fn queries(dashboard: &Value) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for panel in panels(dashboard) {
        for target in panel["targets"].as_array().into_iter().flatten() {
            let title = panel["title"].as_str().unwrap().to_owned();
            found.push((title, target["expr"].as_str().unwrap().to_owned()));
        }
    }
    assert!(found.len() > 40, "{}", found.len());
    found
}

/// The queries of the variables: the metric, with its conditions, and the label.
pub(super) fn variables(dashboard: &Value) -> Vec<(String, String)> {
    let all = dashboard["templating"]["list"].as_array().unwrap();
    let queries = all.iter().filter(|variable| variable["type"] == "query");
    queries
        .map(|variable| {
            let query = variable["query"]["query"].as_str().unwrap();
            assert_eq!(variable["definition"], *query);
            let inside = query.strip_prefix("label_values(").unwrap().strip_suffix(')').unwrap();
            let (metric, label) = inside.rsplit_once(", ").unwrap();
            (metric.to_owned(), label.to_owned())
        })
        .collect()
}

#[test]
fn it_is_one_that_grafana_imports() {
    let dashboard = dashboard();
    assert!(dashboard["schemaVersion"].as_u64().unwrap() >= 36);
    assert_eq!(dashboard["uid"], "canary-rollout");
    assert!(dashboard.get("id").is_none(), "an id belongs to one Grafana");
    assert!(dashboard.get("__inputs").is_none(), "the data source is a variable");
    let list = dashboard["templating"]["list"].as_array().unwrap();
    let names: Vec<&str> = list.iter().map(|one| one["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["datasource", "namespace", "object", "service"]);
    assert_eq!((&list[0]["type"], &list[0]["query"]), (&json!("datasource"), &json!("prometheus")));
    let source = json!({"type": "prometheus", "uid": "${datasource}"});
    assert!(list[1..].iter().all(|variable| variable["datasource"] == source));
    let mut ids = BTreeSet::new();
    for panel in panels(&dashboard) {
        let title = panel["title"].as_str().unwrap();
        assert!(ids.insert(panel["id"].as_u64().unwrap()), "{title}");
        if panel["type"] == "row" {
            continue;
        }
        assert_eq!(panel["datasource"], source, "{title}");
        assert!(panel["description"].as_str().is_some_and(|text| text.ends_with('.')), "{title}");
        assert!(panel["fieldConfig"]["defaults"]["unit"].is_string(), "{title}");
        let mut references = BTreeSet::new();
        for target in panel["targets"].as_array().unwrap() {
            assert_eq!(target["datasource"], source, "{title}");
            assert!(references.insert(target["refId"].as_str().unwrap()), "{title}");
            assert!(!target["legendFormat"].as_str().unwrap().is_empty(), "{title}");
        }
        assert!(!references.is_empty(), "{title}");
    }
}

#[test]
fn no_panel_lies_over_another() {
    let dashboard = dashboard();
    let mut taken = BTreeSet::new();
    for panel in panels(&dashboard) {
        let at = |key: &str| panel["gridPos"][key].as_u64().unwrap();
        let (x, y, w, h) = (at("x"), at("y"), at("w"), at("h"));
        assert!(w > 0 && h > 0 && x + w <= 24, "{}", panel["title"]);
        for column in x..x + w {
            for line in y..y + h {
                assert!(taken.insert((column, line)), "{}", panel["title"]);
            }
        }
    }
}

#[test]
fn evidence_is_on_a_logarithmic_scale_beside_its_threshold() {
    let dashboard = dashboard();
    let panel = panels(&dashboard)
        .iter()
        .find(|panel| panel["title"] == "Evidence against the canary")
        .unwrap();
    let scale = &panel["fieldConfig"]["defaults"]["custom"]["scaleDistribution"];
    assert_eq!(*scale, json!({"type": "log", "log": 10}));
    let text = panel["targets"].to_string();
    assert!(text.contains("canary_rollout_evidence{") && text.contains("_threshold{"), "{text}");
}
