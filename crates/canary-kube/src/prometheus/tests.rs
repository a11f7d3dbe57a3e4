//! The parts: answers, counters, labels, edges, texts.

use std::{collections::BTreeSet, time::Duration};

use canary_rollout::evidence::{Counts, Subsets, Timestamp, Window};

use super::{
    Matcher, Metrics, NewTargets, Prometheus, Relation, Reporter, Unit,
    answer::{self, Refusal, Sample, Series},
    buckets,
    increase::{Increase, NotCounts, increases},
    promql,
    tally::{Span, tally},
};

/// A series of a pod, with samples at whole seconds.
fn series(labels: &[(&str, &str)], samples: &[(u64, f64)]) -> Series {
    let name = [("__name__", "istio_requests_total"), ("job", "pods"), ("instance", "a:15020")];
    let mut all: std::collections::BTreeMap<String, String> =
        name.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    all.extend(labels.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())));
    let samples = samples
        .iter()
        .map(|(second, value)| Sample { at: Timestamp(second * 1000), value: *value })
        .collect();
    Series { labels: all, samples }
}

fn code(version: &str, code: &str, samples: &[(u64, f64)]) -> Series {
    series(&[("destination_version", version), ("response_code", code)], samples)
}

/// The increase of each after `since` seconds, up to `until` seconds.
fn grown(series: &[Series], since: u64, until: u64) -> Vec<Increase> {
    let (since, until) = (Timestamp(since * 1000), Timestamp(until * 1000));
    increases(series, since, until, NewTargets::Baseline).unwrap()
}

fn amounts(series: &[Series], since: u64, until: u64) -> Vec<u64> {
    grown(series, since, until).iter().map(|grown| grown.amount).collect()
}

#[test]
fn a_counter_grows_by_the_differences_of_its_samples() {
    let one = [code("v1", "200", &[(15, 100.0), (30, 110.0), (45, 125.0), (60, 125.0)])];
    assert_eq!(amounts(&one, 20, 60), [25]);
    assert_eq!(grown(&one, 20, 60)[0].since, Some(Timestamp(15_000)));
    assert_eq!(grown(&one, 20, 60)[0].samples, 3);
    // The last stretch has no increase, so it does not narrow the time.
    assert_eq!(grown(&one, 45, 60)[0], Increase { amount: 0, since: None, samples: 1 });
    assert_eq!(grown(&one, 60, 90)[0].samples, 0);
}

#[test]
fn a_value_below_the_one_before_is_a_restart_from_zero() {
    let one = [code("v1", "200", &[(15, 100.0), (30, 4.0), (45, 9.0), (60, 2.0)])];
    assert_eq!(amounts(&one, 15, 60), [4 + 5 + 2]);
    let back_to_nothing = [code("v1", "200", &[(15, 100.0), (30, 0.0)])];
    assert_eq!(amounts(&back_to_nothing, 15, 60), [0]);
}

#[test]
fn a_gap_sets_the_beginning_back() {
    let one = [code("v1", "200", &[(15, 100.0), (30, 110.0), (120, 200.0)])];
    let grown = grown(&one, 60, 120);
    assert_eq!((grown[0].amount, grown[0].since), (90, Some(Timestamp(30_000))));
    // During the gap nothing is known.
    assert_eq!(amounts(&one, 30, 60), [0]);
}

#[test]
fn the_first_error_of_a_known_pod_is_counted() {
    let all = [
        code("v1", "200", &[(15, 100.0), (30, 110.0), (45, 120.0)]),
        code("v1", "503", &[(45, 1.0)]),
    ];
    assert_eq!(amounts(&all, 30, 45), [10, 1]);
    assert_eq!(grown(&all, 30, 45)[1].since, Some(Timestamp(30_000)));
}

#[test]
fn the_past_of_a_pod_that_was_never_scraped_is_not_counted() {
    let new = |first| series(&[("instance", "b:15020")], &[(45, first), (60, first + 7.0)]);
    let all = [code("v1", "200", &[(15, 1.0), (30, 1.0), (45, 1.0)]), new(5_000.0)];
    assert_eq!(amounts(&all, 30, 60), [0, 7]);
    let from_zero =
        increases(&all, Timestamp(30_000), Timestamp(60_000), NewTargets::FromZero).unwrap();
    assert_eq!((from_zero[1].amount, from_zero[1].since), (5_007, Some(Timestamp(30_000))));
}

#[test]
fn windows_add_up_to_the_whole_however_they_are_cut() {
    // Scrapes of two pods at odd times, with restarts, a gap, and series that come and go.
    let all = [
        code("v1", "200", &[(7, 3.0), (22, 9.0), (37, 2.0), (52, 12.0), (97, 40.0)]),
        code("v1", "500", &[(37, 2.0), (52, 2.0), (97, 3.0)]),
        series(&[("instance", "b:1")], &[(3, 5.0), (18, 6.0), (33, 6.0)]),
        series(&[("instance", "c:1")], &[(61, 80.0), (76, 81.0), (91, 1.0)]),
    ];
    let total = |cuts: &[u64]| -> u64 {
        cuts.windows(2).map(|cut| amounts(&all, cut[0], cut[1]).iter().sum::<u64>()).sum()
    };
    let whole = total(&[0, 100]);
    assert_eq!(whole, (6 + 2 + 10 + 28) + (2 + 1) + 1 + (1 + 1));
    for cuts in [&[0, 50, 100][..], &[0, 22, 37, 52, 100], &[0, 1, 36, 38, 62, 99, 100]] {
        assert_eq!(total(cuts), whole, "{cuts:?}");
    }
    let every_second: Vec<u64> = (0..=100).collect();
    assert_eq!(total(&every_second), whole);
}

#[test]
fn what_is_no_count_is_refused() {
    let rate = [code("v1", "200", &[(15, 0.5), (30, 1.75)])];
    let NotCounts::Fraction(which) =
        increases(&rate, Timestamp(0), Timestamp(60_000), NewTargets::Baseline).unwrap_err()
    else {
        panic!("a fraction was counted");
    };
    assert!(which.contains("response_code=\"200\""), "{which}");
    for copy in [("job", "other"), ("prometheus_replica", "prometheus-1")] {
        let mut second = code("v1", "200", &[(15, 1.0)]);
        second.labels.insert(copy.0.to_owned(), copy.1.to_owned());
        let both = [code("v1", "200", &[(15, 1.0)]), second];
        let refused = increases(&both, Timestamp(0), Timestamp(60_000), NewTargets::Baseline);
        assert!(matches!(refused, Err(NotCounts::Twice(_))), "{copy:?}");
    }
}

fn window(metrics: &Metrics, requests: &[Series], buckets: &[Series]) -> Option<Window> {
    let span = Span {
        since: Timestamp(15_000),
        until: Timestamp(60_000),
        new_targets: NewTargets::Baseline,
    };
    tally(metrics, &Subsets::new("v1", "v2"), requests, buckets, span).unwrap()
}

#[test]
fn series_become_the_counts_of_the_subsets() {
    let metrics = Metrics::istio("app", "default");
    let grows = |by: f64| vec![(15, 50.0), (30, 50.0 + by)];
    let labelled = |labels: &[(&str, &str)], by| series(labels, &grows(by));
    let requests = [
        code("v1", "200", &grows(70.0)),
        code("v1", "404", &grows(2.0)),
        code("v2", "200", &grows(20.0)),
        code("v2", "503", &grows(3.0)),
        // Nobody served these.
        code("unknown", "503", &grows(5.0)),
        labelled(&[("destination_version", "v2")], 1.0),
        // gRPC has its own status. A client that hung up had no response either.
        labelled(
            &[
                ("destination_version", "v2"),
                ("response_code", "200"),
                ("grpc_response_status", "14"),
            ],
            4.0,
        ),
        labelled(
            &[
                ("destination_version", "v1"),
                ("response_code", "200"),
                ("grpc_response_status", "5"),
            ],
            8.0,
        ),
        labelled(
            &[("destination_version", "v1"), ("response_code", "0"), ("response_flags", "DC")],
            16.0,
        ),
        labelled(
            &[("destination_version", "v1"), ("response_code", "0"), ("response_flags", "UF,URX")],
            32.0,
        ),
    ];
    let bucket =
        |version, edge, by| series(&[("destination_version", version), ("le", edge)], &grows(by));
    let buckets = [
        bucket("v1", "250", 60.0),
        bucket("v1", "+Inf", 70.0),
        bucket("v2", "250.0", 20.0),
        bucket("v2", "+Inf", 20.0),
    ];
    let window = window(&metrics, &requests, &buckets).unwrap();
    assert_eq!(window.stable, Counts { requests: 128, failed: 2 + 8 + 16 + 32, slow: 10 });
    assert_eq!(window.canary, Counts { requests: 27, failed: 7, slow: 0 });
    assert_eq!((window.unknown, window.unknown_failed), (6, 5));
    assert_eq!(window.since, Timestamp(15_000));
    assert!(!window.apart && window.ended);
}

#[test]
fn how_a_request_ended_is_what_its_client_saw() {
    let istio = Metrics::istio("app", "default");
    let failed = |labels: &[(&str, &str)]| istio.is_failure(&series(labels, &[]).labels);
    for (code, flags, grpc, expected) in [
        ("200", "-", None, Some(false)),
        ("204", "", Some(""), Some(false)),
        ("200", "-", Some("0"), Some(false)),
        ("200", "-", Some("3"), Some(true)),
        ("200", "-", Some("16"), Some(true)),
        ("301", "-", None, Some(true)),
        ("400", "-", None, Some(true)),
        ("404", "NR", None, Some(true)),
        ("503", "UH", None, Some(true)),
        ("503", "UF,URX", None, Some(true)),
        ("504", "UT", None, Some(true)),
        ("0", "UC", None, Some(true)),
        ("0", "DC", None, Some(true)),
        ("", "-", None, None),
        ("n/a", "UH", None, None),
    ] {
        let mut labels = vec![("response_code", code), ("response_flags", flags)];
        labels.extend(grpc.map(|grpc| ("grpc_response_status", grpc)));
        assert_eq!(failed(&labels), expected, "{labels:?}");
    }
    assert_eq!(failed(&[("response_flags", "UH")]), None, "no code is no outcome");

    let serving = Metrics::tensorflow_serving("m", "version");
    for (status, expected) in [("OK", false), ("NOT_FOUND", true), ("INTERNAL", true)] {
        let labels = series(&[("status", status)], &[]).labels;
        assert_eq!(serving.is_failure(&labels), Some(expected), "{status}");
    }
    assert_eq!(serving.is_failure(&series(&[], &[]).labels), None);
}

#[test]
fn a_canary_without_endpoints_is_unknown_and_failed() {
    let grows = [(15, 0.0), (30, 30.0)];
    let mut none = code("unknown", "503", &grows);
    none.labels.insert("response_flags".to_owned(), "UH".to_owned());
    // A series without an outcome is counted as unknown.
    let silent = series(&[("destination_version", "unknown")], &[(15, 0.0), (30, 4.0)]);
    let requests = [code("v1", "200", &[(15, 0.0), (30, 70.0)]), none, silent];
    let window = window(&Metrics::istio("app", "default"), &requests, &[]).unwrap();
    assert_eq!((window.stable, window.canary), (Counts::good(70), Counts::default()));
    assert_eq!((window.unknown, window.unknown_failed), (34, 30));
}

#[test]
fn tensorflow_servings_status_is_ok_or_a_failure() {
    let metrics = Metrics::tensorflow_serving("resnet", "version");
    let one = |version, status, by| {
        series(&[("version", version), ("status", status)], &[(15, 0.0), (30, by)])
    };
    let requests = [
        one("v1", "OK", 10.0),
        one("v1", "INVALID_ARGUMENT", 1.0),
        one("v2", "OK", 4.0),
        one("v2", "INTERNAL", 2.0),
    ];
    let window = window(&metrics, &requests, &[]).unwrap();
    assert_eq!(window.stable, Counts { requests: 11, failed: 1, slow: 0 });
    assert_eq!(window.canary, Counts { requests: 6, failed: 2, slow: 0 });
    assert!(window.apart, "the pods are scraped one after the other");
}

#[test]
fn nothing_scraped_is_nothing_known() {
    let metrics = Metrics::istio("app", "default");
    assert_eq!(window(&metrics, &[], &[]), None);
    assert_eq!(window(&metrics, &[code("v1", "200", &[(10, 5.0)])], &[]), None);
    let idle = window(&metrics, &[code("v1", "200", &[(10, 5.0), (30, 5.0)])], &[]).unwrap();
    assert_eq!((idle.stable, idle.canary), (Counts::default(), Counts::default()));
}

#[test]
fn an_error_names_the_address_and_the_reason() {
    let subsets = Subsets::new("v1", "v2");
    let metrics = Metrics::istio("app", "default");
    let nobody = Prometheus::new("http://127.0.0.1:1/prom", metrics, subsets).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let error = runtime.block_on(nobody.window(Timestamp(0), Timestamp(1))).unwrap_err();
    assert!(error.is_retryable());
    let said = error.to_string();
    for part in ["http://127.0.0.1:1/prom", "cannot connect: connection refused"] {
        assert!(said.contains(part), "{said}");
    }
}

#[test]
fn names_and_reporters_are_checked() {
    let istio = || Metrics::istio("app", "default");
    assert!(istio().check().is_ok());
    assert!(istio().reporter(Reporter::Destination).check().is_ok());
    assert!(Metrics::tensorflow_serving("m", "version").check().is_ok());
    let services = || Metrics::istio_services(["app-v1", "app-v2"], "default");
    assert!(services().check().is_ok());
    let versions = services().reporter(Reporter::Destination).subset_label("destination_version");
    assert!(versions.check().is_ok());
    for (metrics, word) in [
        (istio().with(Matcher::equal("reporter", "destination")), "exactly one"),
        (istio().with(Matcher::equal("destination_version", "v1")), "identifies the subsets"),
        (istio().with(Matcher::equal("a-b", "v1")), "a-b"),
        (istio().with(Matcher::equal("le", "1")), "le"),
        (istio().subset_label("1st"), "1st"),
        (services().reporter(Reporter::Destination), "does not identify the version"),
        (Metrics { requests: "a b".to_owned(), ..istio() }, "a b"),
    ] {
        let message = metrics.check().unwrap_err().to_string();
        assert!(message.contains(word), "{message}");
    }
}

#[test]
fn queries_are_escaped() {
    let matchers = [
        Matcher::equal("destination_service_name", "a\"} or vector(1) #\\\n"),
        Matcher { label: "pod".to_owned(), relation: Relation::NotRegex, value: "x.*".to_owned() },
    ];
    let edges = promql::one_of(["100", "100.0", "+Inf"]);
    assert_eq!(
        promql::range(":tf:x", &matchers, Some(&edges), Duration::from_millis(90_500)),
        r#"{__name__=":tf:x",destination_service_name="a\"} or vector(1) #\\\n",pod!~"x.*",le=~"100|100\\.0|\\+Inf"}[90500ms]"#
    );
}

#[test]
fn a_threshold_is_an_edge_or_nothing() {
    let edges: BTreeSet<String> =
        ["0.5", "100", "100.0", "2500", "+Inf"].map(str::to_owned).into_iter().collect();
    let at = |millis| buckets::at_edge(&edges, Unit::Milliseconds, Duration::from_micros(millis));
    assert_eq!(at(100_000).unwrap(), ["100", "100.0"]);
    assert_eq!(at(500).unwrap(), ["0.5"]);
    let known = at(120_000).unwrap_err();
    assert_eq!(known, [500, 100_000, 2_500_000].map(Duration::from_micros));
    // TensorFlow Serving's edges grow by 1.8 and are no whole nanoseconds.
    let edges: BTreeSet<String> = ["10", "18", "188.9568", "340.12224"].map(str::to_owned).into();
    let found = buckets::at_edge(&edges, Unit::Microseconds, Duration::from_nanos(340_122));
    assert_eq!(found.unwrap(), ["340.12224"]);
}

#[test]
fn answers_are_read_and_refused() {
    let body = |result: &str, rest: &str| {
        format!(
            r#"{{"status":"success","data":{{"resultType":"matrix","result":{result}}}{rest}}}"#
        )
    };
    let read = |text: &str| answer::series(text.as_bytes(), 2, false);
    assert_eq!(read(&body("[]", "")).unwrap(), []);
    let one = r#"[{"metric":{"a":"b"},"values":[[1700000000.123,"7"],[1700000015,"NaN"],[1700000030,"+Inf"],[1700000045.5,"8"]]}]"#;
    let series = read(&body(one, "")).unwrap();
    let seen: Vec<(u64, f64)> =
        series[0].samples.iter().map(|sample| (sample.at.0, sample.value)).collect();
    assert_eq!(seen, [(1_700_000_000_123, 7.0), (1_700_000_045_500, 8.0)]);
    // A native histogram has no values.
    let native = r#"[{"metric":{},"histograms":[[1700000000,{"count":"1"}]]}]"#;
    assert!(read(&body(native, "")).unwrap()[0].samples.is_empty());

    let partial = body(one, r#","warnings":["store 10.0.0.1 did not answer"]"#);
    assert!(matches!(read(&partial), Err(Refusal::Partial(_))));
    assert_eq!(answer::series(partial.as_bytes(), 2, true).unwrap().len(), 1);
    let three = body(r#"[{"metric":{}},{"metric":{}},{"metric":{}}]"#, "");
    assert_eq!(read(&three), Err(Refusal::TooMany(3)));
    let failed = r#"{"status":"error","errorType":"bad_data","error":"parse error"}"#;
    assert_eq!(read(failed), Err(Refusal::Failed("bad_data".into(), "parse error".into())));
    assert_eq!(answer::error(failed.as_bytes()), Some(("bad_data".into(), "parse error".into())));
    for text in [
        "<html>",
        "",
        r#"{"status":"success"}"#,
        r#"{"status":"success","data":{"resultType":"vector","result":[]}}"#,
        r#"{"status":"success","data":{"resultType":"matrix","result":[{"metric":{},"values":[[1,"x"]]}]}}"#,
        r#"{"status":"success","data":{"resultType":"matrix","result":[{"metric":{},"values":[[-1,"1"]]}]}}"#,
    ] {
        assert!(matches!(read(text), Err(Refusal::Unreadable(_))), "{text}");
    }
}
