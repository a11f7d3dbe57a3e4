//! Names, units and labels of every family, and the two formats.

use std::collections::BTreeSet;

use canary_metrics::{Family, Format, Kind, Metrics};
use canary_rollout::{cluster::Progress, evidence::Timestamp};

use crate::support::{plan, seen};

/// A run of which every family has samples.
fn whole() -> Metrics {
    let metrics = Metrics::new();
    let run = metrics.run(&plan());
    let started = Progress::Started { resumed: false, step: 0, anew: None, stored: None };
    run.record(&started, Timestamp(1_000));
    let mut snapshot = seen(&plan());
    snapshot.readings[1].estimate = Some(0.5);
    run.record(&Progress::Seen(snapshot), Timestamp(1_500));
    let command = canary_rollout::Command::new(canary_rollout::Verb::Pause, "1");
    let done = canary_rollout::CommandOutcome::Done;
    run.record(&Progress::Commanded(command.record(Timestamp(0), done)), Timestamp(1_600));
    run.notices(1, 0);
    metrics
}

#[test]
fn names_follow_prometheus_rules() {
    let mut names = BTreeSet::new();
    for family in Family::all() {
        let name = family.name();
        assert!(names.insert(name.clone()), "{name} is there twice");
        let allowed = |one: char| one.is_ascii_lowercase() || one == '_';
        assert!(name.starts_with("canary_") && name.chars().all(allowed), "{name}");
        let is_total = name.ends_with("_total");
        assert_eq!(is_total, family.kind() == Kind::Counter, "{name}");
        if let Some(unit) = family.unit() {
            let base = name.trim_end_matches("_total");
            assert!(base.ends_with(&format!("_{unit}")), "{name} in {unit}");
            assert!(matches!(unit, "seconds" | "ratio"), "{name} in {unit}: not a base unit");
        }
        for end in ["_count", "_sum", "_bucket", "_created"] {
            assert!(!name.ends_with(end), "{name}");
        }
        assert!(family.help().ends_with('.') && family.help().len() > 12, "{name}");
    }
}

#[test]
fn every_family_is_written_with_its_labels_and_nothing_else_is() {
    let metrics = whole();
    for format in [Format::OpenMetrics, Format::Text] {
        let text = metrics.text(format);
        let mut samples = text.lines().filter(|line| !line.starts_with('#'));
        let known: Vec<&Family> = Family::all().collect();
        for line in samples.by_ref() {
            let (name, rest) = line.split_once('{').unwrap();
            let base = ["_bucket", "_sum", "_count"];
            let base = base.iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name);
            let family = known.iter().find(|one| one.name() == base);
            let family = family.unwrap_or_else(|| panic!("{line}"));
            let labels = rest.split_once("} ").unwrap().0;
            let named: Vec<&str> = labels
                .split("\",")
                .map(|label| label.split_once('=').unwrap().0)
                .filter(|label| *label != "le")
                .collect();
            assert_eq!(named, family.labels(), "{line}");
        }
        for family in known {
            let name = family.name();
            let there = text.lines().any(|line| line.starts_with(&name));
            assert!(there, "{name} is not in {format:?}");
        }
    }
}

#[test]
fn each_format_is_what_its_readers_expect() {
    let metrics = whole();
    let open = metrics.text(Format::OpenMetrics);
    assert!(open.ends_with("\n# EOF\n"), "{open}");
    assert!(open.contains("# TYPE canary_rollout_writes counter\n"), "{open}");
    assert!(open.contains("# UNIT canary_rollout_held_seconds seconds\n"), "{open}");
    assert!(open.contains("# TYPE canary_rollout info\n"), "{open}");
    let text = metrics.text(Format::Text);
    assert!(text.contains("# TYPE canary_rollout_writes_total counter\n"), "{text}");
    assert!(text.contains("# TYPE canary_api_request_duration_seconds histogram\n"), "{text}");
    assert!(text.contains("le=\"+Inf\""), "{text}");
}

#[test]
fn names_of_a_plan_cannot_break_out_of_their_quotes() {
    let mut plan = plan();
    plan.guardrails[1].name = "a\"b\\c\nd".to_owned();
    let metrics = Metrics::new();
    metrics.run(&plan).record(&Progress::Seen(seen(&plan)), Timestamp(0));
    let text = metrics.text(Format::OpenMetrics);
    let line = "canary_rollout_evidence{namespace=\"default\",object=\"pets\",guardrail=\"a\\\"b\\\\c\\nd\"} ";
    assert!(text.lines().any(|one| one.starts_with(line)), "{text}");
}
