//! The alerts of the examples: read by Prometheus' own check, and fired by what they are meant for.

use std::{fs, process::Command};

use canary_core::metrics::Family;
use canary_tests::{
    parts::{real_program, root},
    prometheus::UNTESTED,
};
use serde_json::{Value, json};

fn alerts() -> std::path::PathBuf {
    root().join("examples/alerts.yaml")
}

/// Each rule's name and query.
fn rules() -> Vec<(String, String)> {
    let text = fs::read_to_string(alerts()).unwrap();
    let file: Value = serde_saphyr::from_str(&text).unwrap();
    let groups = file["groups"].as_array().unwrap();
    let rules = groups.iter().flat_map(|group| group["rules"].as_array().unwrap());
    let text = |rule: &Value, key: &str| rule[key].as_str().unwrap().to_owned();
    rules.map(|rule| (text(rule, "alert"), text(rule, "expr"))).collect()
}

#[test]
fn promtool_takes_the_rules() {
    let Some(promtool) = real_program("promtool", "prometheus", UNTESTED) else { return };
    let output = Command::new(promtool).args(["check", "rules"]).arg(alerts()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn the_rules_name_metrics_that_there_are() {
    let known: Vec<String> = Family::all().map(Family::name).collect();
    for (alert, query) in rules() {
        let words = query.split(|one: char| !one.is_ascii_alphanumeric() && one != '_');
        let named: Vec<&str> = words.filter(|word| word.starts_with("canary_")).collect();
        assert!(!named.is_empty(), "{alert}");
        for name in named {
            assert!(known.iter().any(|known| known == name), "{alert}: {name}");
        }
    }
}

/// Series of one run, each with its labels and its values minute by minute, and the alerts that fire after 15 minutes.
fn case(series: &[(&str, &str, &str)], alerts: &[&str]) -> Value {
    case_at("1m", "15m", series, alerts)
}

/// The same with values at an interval, and the alerts that fire at a time.
fn case_at(every: &str, at: &str, series: &[(&str, &str, &str)], alerts: &[&str]) -> Value {
    let input = series.iter().map(|(name, labels, values)| {
        let labels = format!("namespace=\"models\",object=\"pets\"{labels}");
        json!({"series": format!("{name}{{{labels}}}"), "values": values})
    });
    let checks = rules().into_iter().map(|(name, _)| {
        let fires = alerts.contains(&name.as_str());
        json!({"eval_time": at, "alertname": name, "fires": fires})
    });
    json!({"interval": every, "input_series": input.collect::<Vec<_>>(), "checks": checks.collect::<Vec<_>>()})
}

/// The number of alerts of each name that fire, as a rule test of `promtool` asserts it.
fn tested(cases: &[Value]) -> Value {
    let tests = cases.iter().map(|case| {
        let expressions = case["checks"].as_array().unwrap().iter().map(|check| {
            let name = check["alertname"].as_str().unwrap();
            let fires = check["fires"].as_bool().unwrap();
            json!({
                "expr": format!("count(ALERTS{{alertname=\"{name}\",alertstate=\"firing\"}}) or vector(0)"),
                "eval_time": check["eval_time"],
                "exp_samples": [{"value": u8::from(fires)}],
            })
        });
        json!({
            "interval": case["interval"],
            "input_series": case["input_series"],
            "promql_expr_test": expressions.collect::<Vec<_>>(),
        })
    });
    json!({
        "rule_files": [alerts()],
        "evaluation_interval": "1m",
        "tests": tests.collect::<Vec<_>>(),
    })
}

#[test]
fn each_alert_fires_for_its_reason_and_for_no_other() {
    let Some(promtool) = real_program("promtool", "prometheus", UNTESTED) else { return };
    let state = |state: &str| format!(",state=\"{state}\"");
    let (running, suspended, failed) = (state("running"), state("suspended"), state("failed"));
    let looked = "canary_rollout_last_look_timestamp_seconds";
    let cases = [
        // A run that is not over: it looks every minute and waits for its hold.
        case(
            &[
                ("canary_rollout_state", &running, "1x20"),
                (looked, "", "0+60x20"),
                ("canary_rollout_waiting", ",reason=\"hold\"", "1x20"),
                ("canary_rollout_waiting", ",reason=\"evidence\"", "0x20"),
                ("canary_api_requests_total", ",verb=\"patch\",result=\"ok\"", "0+100x20"),
                ("canary_api_requests_total", ",verb=\"get\",result=\"not_found\"", "0+100x20"),
            ],
            &[],
        ),
        // It hangs.
        case(
            &[("canary_rollout_state", &running, "1x20"), (looked, "", "0+60x5 300x15")],
            &["CanaryRolloutStuck"],
        ),
        // It has gone.
        case(
            &[("canary_rollout_state", &running, "1x5 stale"), (looked, "", "0+60x5 stale")],
            &["CanaryRolloutAbandoned"],
        ),
        // It has ended, and its process with it.
        case(
            &[
                ("canary_rollout_state", &running, "1 1 0x3 stale"),
                (looked, "", "0 60 60x3 stale"),
                ("canary_rollout_verdict", ",verdict=\"promoted\"", "0 0 1x3 stale"),
            ],
            &[],
        ),
        case(&[("canary_rollout_state", &suspended, "1x20")], &["CanaryRolloutInterrupted"]),
        case(&[("canary_rollout_state", &failed, "1x20")], &["CanaryRolloutInterrupted"]),
        case(
            &[
                ("canary_rollout_alarm", ",guardrail=\"errorRatio\"", "0x10 1x10"),
                ("canary_rollout_verdict", ",verdict=\"rolled_back\"", "0x10 1x10"),
            ],
            &["CanaryGuardrailAlarm", "CanaryRolledBack"],
        ),
        case(
            &[("canary_rollout_waiting", ",reason=\"cluster\"", "1x20")],
            &["CanaryClusterUnavailable"],
        ),
        case(
            &[("canary_api_requests_total", ",verb=\"patch\",result=\"forbidden\"", "0+3x20")],
            &["CanaryApiErrors"],
        ),
        case_at(
            "4m",
            "150m",
            &[
                ("canary_rollout_waiting", ",reason=\"evidence\"", "1x60"),
                ("canary_rollout_waiting", ",reason=\"approval\"", "0x10 1x50"),
            ],
            &["CanaryRolloutWithoutEvidence", "CanaryRolloutAwaitsApproval"],
        ),
        case(&[("canary_notices_total", ",result=\"failed\"", "0+1x20")], &["CanaryNoticesLost"]),
    ];
    let folder = std::env::temp_dir().join(format!("canary-alerts-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    // JSON is YAML.
    let file = folder.join("alerts_test.yaml");
    fs::write(&file, tested(&cases).to_string()).unwrap();
    let output = Command::new(promtool).args(["test", "rules"]).arg(&file).output().unwrap();
    fs::remove_dir_all(&folder).unwrap();
    let said = [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap());
    assert!(output.status.success(), "{}", said.concat());
}
