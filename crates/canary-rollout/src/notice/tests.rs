//! Each event of a run that has a notice, and those without one.

use std::time::Duration;

use super::*;
use crate::{OnAlarm, Reading, Why, cluster::Snapshot};

fn plan() -> Plan {
    Plan::new("pets", "v1", "v2").namespace("models")
}

fn split(canary: u32) -> Split {
    Split::new(canary)
}

fn started(stored: Option<Timestamp>) -> Progress {
    Progress::Started { resumed: false, step: 0, anew: None, stored }
}

fn inconclusive(stored: Option<Timestamp>) -> Progress {
    let why = Why::SourcesEnded { why: "no more inputs".to_owned() };
    Progress::Finished { verdict: Verdict::Inconclusive { why }, stored }
}

fn reading() -> Reading {
    serde_json::from_str(
        r#"{"guardrail": "errors", "test": "errorRatio", "quantity": "ratio", "e": 30.0, "pValue": 0.03,
            "alpha": 0.05, "proofAlpha": 0.05, "alarm": true, "interval": {"low": 1.5, "high": null}, "counts": []}"#,
    )
    .unwrap()
}

#[test]
fn each_kind_is_told_in_order_with_its_step_and_weight() {
    let mut notices = Notices::new(&plan()).link("https://reports.example/1");
    let course = [
        (started(None), Some(NoticeKind::Started), None),
        (Progress::Prepared, None, None),
        (Progress::Written { step: 0, split: split(10) }, Some(NoticeKind::Step), Some(10)),
        (
            Progress::Alarmed { reading: reading(), action: OnAlarm::Pause },
            Some(NoticeKind::Alarm),
            Some(10),
        ),
        (Progress::Paused, Some(NoticeKind::Paused), Some(10)),
        (Progress::Resumed, Some(NoticeKind::Resumed), Some(10)),
        (
            Progress::AwaitingApproval { step: 1, timeout: None },
            Some(NoticeKind::AwaitingApproval),
            Some(10),
        ),
        (
            Progress::ApprovalOverdue { step: 1, waited: Duration::from_secs(5) },
            Some(NoticeKind::AwaitingApproval),
            Some(10),
        ),
        (Progress::Written { step: 1, split: split(0) }, Some(NoticeKind::Step), Some(0)),
        (Progress::Written { step: 1, split: split(0) }, None, None),
        (Progress::Suspended { step: 1, split: None }, Some(NoticeKind::Suspended), Some(0)),
        (inconclusive(None), Some(NoticeKind::Verdict), Some(0)),
    ];
    let mut ids = std::collections::BTreeSet::new();
    for (index, (progress, kind, weight)) in course.into_iter().enumerate() {
        let notice = notices.of(&progress, Timestamp(index as u64));
        assert_eq!(notice.as_ref().map(|notice| notice.kind), kind, "{progress:?}");
        let Some(notice) = notice else { continue };
        assert_eq!(notice.weight, weight.map(u32::into), "{progress:?}");
        assert_eq!(notice.link.as_deref(), Some("https://reports.example/1"));
        assert_eq!(
            (notice.namespace.as_str(), notice.virtual_service.as_str()),
            ("models", "pets")
        );
        assert!(ids.insert(notice.id.clone()), "{} is there twice", notice.id);
        let text = serde_json::to_string(&notice).unwrap();
        assert_eq!(serde_json::from_str::<Notice>(&text).unwrap(), notice);
        match notice.kind {
            NoticeKind::Alarm => assert_eq!(notice.guardrail.as_deref(), Some("errors")),
            NoticeKind::Verdict => {
                assert_eq!(notice.verdict.as_deref(), Some("inconclusive"));
                assert_eq!(notice.cause.as_deref(), Some("sourcesEnded"));
            }
            _ => assert_eq!((notice.guardrail, notice.verdict), (None, None)),
        }
    }
}

#[test]
fn a_verdict_of_an_earlier_run_is_not_told_again() {
    let mut notices = Notices::new(&plan());
    assert_eq!(notices.of(&started(Some(Timestamp(5))), Timestamp(9)), None);
    assert_eq!(notices.of(&inconclusive(Some(Timestamp(5))), Timestamp(9)), None);
}

#[test]
fn a_run_that_goes_on_knows_its_weight_from_what_was_seen() {
    let mut notices = Notices::new(&plan());
    let seen = Progress::Seen(Snapshot {
        step: 2,
        split: Some(split(30)),
        desired: split(30),
        failures: 0,
        requests: 0,
        canary: 0,
        pairs: 0,
        awaiting_labels: 0,
        held: Duration::ZERO,
        totals: crate::Totals::default(),
        readings: Vec::new(),
        paused: false,
        awaits_approval: None,
    });
    assert_eq!(notices.of(&seen, Timestamp(0)), None);
    let paused = notices.of(&Progress::Paused, Timestamp(1)).unwrap();
    assert_eq!((paused.step, paused.weight), (Some(2), Some(30.into())));
    assert!(!paused.is_warning());
}
