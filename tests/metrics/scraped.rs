//! Two runs, scraped by a real Prometheus: each query of the dashboard has data, and the numbers are those of the run.

use std::time::Duration;

use canary_core::{
    Verdict,
    cluster::{Cluster, ObjectRef},
    metrics::Metrics,
};
use canary_lab::Lab;
use canary_tests::prometheus::{Prometheus, Setup};
use tokio::task::spawn_blocking;

use super::{
    dashboard::{dashboard, queries, variables},
    stage::{APP, End, lab, plan, run},
};

/// The weights of the `VirtualService`, the canary's first.
async fn weights(lab: &Lab, namespace: &str) -> [f64; 2] {
    let live = lab.cluster().get(&ObjectRef::virtual_service(namespace, APP)).await.unwrap();
    let routes = live.unwrap()["spec"]["http"].as_array().unwrap().clone();
    let of = |subset: &str| {
        let entries = routes.iter().flat_map(|route| route["route"].as_array().unwrap());
        let found = entries.filter(|entry| entry["destination"]["subset"] == subset);
        found.filter_map(|entry| entry["weight"].as_f64()).sum::<f64>()
    };
    [of("v2"), of("v1")]
}

/// A query with the dashboard's variables in it.
fn substituted(expr: &str, namespace: &str) -> String {
    let expr = expr.replace("$namespace", namespace).replace("$object", APP);
    let expr = expr.replace("$service", APP).replace("$__rate_interval", "5m");
    assert!(!expr.contains('$') || expr.contains("\"$1\""), "{expr}");
    expr
}

/// A namespace on a Prometheus.
struct Asked<'a> {
    prometheus: &'a Prometheus,
    namespace: &'static str,
}

impl Asked<'_> {
    /// The value of the one sample of a metric with these labels.
    async fn one(&self, metric: &str, labels: &str) -> f64 {
        let namespace = self.namespace;
        let query = format!("{metric}{{namespace=\"{namespace}\",object=\"{APP}\",{labels}}}");
        let samples = self.prometheus.query(&query).await;
        let [sample] = &samples[..] else { panic!("{query}: {samples:?}") };
        sample.value
    }

    #[track_caller]
    fn close(found: f64, expected: f64, what: &str) {
        assert!((found - expected).abs() < 1e-6, "{what} is {found}, not {expected}");
    }

    /// Waits until the verdict is scraped, and the weight of the canary that it leaves at the gateway.
    async fn until_over(&self, weight: u32) {
        let namespace = self.namespace;
        let ended =
            format!("canary_rollout_state{{namespace=\"{namespace}\",state=\"ended\"}} == 1");
        let route = format!("namespace=\"{namespace}\",object=\"{APP}\",subset=\"v2\"");
        let in_force = format!("canary_lab_route_weight{{{route}}} == {weight}");
        for query in [ended, in_force] {
            let mut looks = 0;
            while self.prometheus.query(&query).await.is_empty() {
                looks += 1;
                assert!(looks < 600, "{query}: {:?}", self.prometheus.query("up").await);
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }

    /// Every query of the dashboard has data, over the time that a panel shows.
    async fn every_panel_has_data(&self) {
        let dashboard = dashboard();
        for (metric, label) in variables(&dashboard) {
            let metric = substituted(&metric, self.namespace);
            let samples = self.prometheus.query(&format!("count by ({label}) ({metric})")).await;
            let values: Vec<&str> = samples.iter().map(|one| one.label(&label)).collect();
            let expected = if label == "namespace" { self.namespace } else { APP };
            assert!(values.contains(&expected), "{metric}: {values:?}");
        }
        for (title, expr) in queries(&dashboard) {
            let expr = substituted(&expr, self.namespace);
            let shown = format!("last_over_time(({expr})[5m:200ms])");
            let samples = self.prometheus.query(&shown).await;
            assert!(!samples.is_empty(), "{title}: {expr} has no data");
            let sensible = |value: f64| value.is_nan() || value >= -1.0;
            assert!(samples.iter().all(|one| sensible(one.value)), "{title}: {samples:?}");
            // A percentile of requests that there were is a number; of those that there were none, it is none.
            let numbers = samples.iter().filter(|one| !one.value.is_nan()).count();
            assert!(numbers > 0, "{title}: {expr} gives {samples:?}");
        }
    }

    /// The scraped values are those that the run has reported, and those in the mesh.
    async fn is_as_it_ended(&self, lab: &Lab, end: &End) {
        let [canary, stable] = weights(lab, self.namespace).await;
        for metric in ["canary_rollout_weight", "canary_rollout_desired_weight"] {
            Self::close(self.one(metric, "subset=\"v2\"").await, canary, metric);
            Self::close(self.one(metric, "subset=\"v1\"").await, stable, metric);
        }
        #[expect(clippy::cast_precision_loss, reason = "small counts")]
        for (metric, labels, count) in [
            ("canary_rollout_requests_total", "subset=\"v1\"", end.last.totals.stable),
            ("canary_rollout_requests_total", "subset=\"v2\"", end.last.totals.canary),
            (
                "canary_rollout_failed_requests_total",
                "subset=\"v2\"",
                end.last.totals.canary_failed,
            ),
            ("canary_rollout_pairs_total", "", end.last.totals.pairs),
        ] {
            Self::close(self.one(metric, labels).await, count as f64, metric);
        }
        // The refusal of the busy server, and that its action was tried again.
        let refused = "verb=\"patch\",result=\"unavailable\"";
        Self::close(self.one("canary_api_requests_total", refused).await, 1.0, refused);
        Self::close(self.one("canary_rollout_retries_total", "").await, 1.0, "retries");
        // No request is observed that was not sent; what was still under way at the end is not observed.
        let sent =
            self.one("canary_prediction_requests_total", "route=\"weights\",result=\"ok\"").await;
        let failed = "route=\"weights\",result=\"failed\"";
        let failed = self.one("canary_prediction_requests_total", failed).await;
        let totals = end.last.totals;
        #[expect(clippy::cast_precision_loss, reason = "small counts")]
        let observed = (totals.stable + totals.canary) as f64;
        assert!(sent + failed >= observed, "{sent} and {failed} of {observed}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_prometheus_sees_a_promotion_and_a_rollback() {
    let Some(setup) = Setup::new() else { return };
    let metrics = Metrics::new();
    let server = metrics.serve("127.0.0.1:0").await.unwrap();
    let (good, bad) = (lab("good", 0.0).await, lab("bad", 0.2).await);
    let every = Duration::from_millis(100);
    let prometheus = setup
        .scrape_as("canary", &server.url(), every)
        .scrape_as("good", &good.metrics_url(), every)
        .scrape_as("bad", &bad.metrics_url(), every)
        .start()
        .await;
    let promoted = Asked { prometheus: &prometheus, namespace: "good" };
    let rolled_back = Asked { prometheus: &prometheus, namespace: "bad" };
    let [of_good, of_bad] =
        [&promoted, &rolled_back].map(|one| (plan(one.namespace), one.namespace));
    let (run_of_good, run_of_bad) = (metrics.run(&of_good.0), metrics.run(&of_bad.0));
    // A rate needs a sample of before.
    while prometheus.query("canary_rollout_state{state=\"pending\"} == 1").await.len() < 2 {
        tokio::time::sleep(every).await;
    }

    let end = run(&good, &run_of_good, &of_good.0).await;
    assert!(matches!(end.verdict, Verdict::Promote { .. }), "{}", end.verdict);
    promoted.until_over(100).await;
    promoted.every_panel_has_data().await;
    promoted.is_as_it_ended(&good, &end).await;
    Asked::close(promoted.one("canary_rollout_weight", "subset=\"v2\"").await, 100.0, "weight");
    Asked::close(
        promoted.one("canary_rollout_verdict", "verdict=\"promoted\"").await,
        1.0,
        "verdict",
    );
    Asked::close(promoted.one("canary_rollout_step", "").await, 1.0, "step");
    let alarms = prometheus.query("canary_rollout_alarm{namespace=\"good\"} == 1").await;
    assert!(alarms.is_empty(), "{alarms:?}");
    // It was scraped on its way too: at the first step's weight, and held there.
    for query in [
        "max_over_time(canary_rollout_state{namespace=\"good\",state=\"running\"}[5m])",
        "max_over_time(canary_rollout_waiting{namespace=\"good\",reason=\"hold\"}[5m])",
        "count_over_time((canary_rollout_weight{namespace=\"good\",subset=\"v2\"} == 30)[5m:100ms]) > bool 0",
        "canary_rollout_waited_seconds_total{namespace=\"good\",reason=\"hold\"} > bool 0.5",
    ] {
        let samples = prometheus.query(query).await;
        let [sample] = &samples[..] else { panic!("{query}: {samples:?}") };
        Asked::close(sample.value, 1.0, query);
    }

    let end = run(&bad, &run_of_bad, &of_bad.0).await;
    let Verdict::Rollback { guardrail, .. } = &end.verdict else { panic!("{}", end.verdict) };
    rolled_back.until_over(0).await;
    rolled_back.every_panel_has_data().await;
    rolled_back.is_as_it_ended(&bad, &end).await;
    Asked::close(rolled_back.one("canary_rollout_weight", "subset=\"v2\"").await, 0.0, "weight");
    let verdict = rolled_back.one("canary_rollout_verdict", "verdict=\"rolled_back\"").await;
    Asked::close(verdict, 1.0, "verdict");
    let of = format!("guardrail=\"{guardrail}\"");
    let evidence = rolled_back.one("canary_rollout_evidence", &of).await;
    let threshold = rolled_back.one("canary_rollout_evidence_threshold", &of).await;
    assert!(evidence >= threshold && threshold > 1.0, "{evidence} of {threshold}");
    Asked::close(rolled_back.one("canary_rollout_alarm", &of).await, 1.0, "alarm");
    assert!(rolled_back.one("canary_rollout_failed_requests_total", "subset=\"v2\"").await > 0.0);
    // The other run's last values are still there.
    Asked::close(
        promoted.one("canary_rollout_verdict", "verdict=\"promoted\"").await,
        1.0,
        "verdict",
    );
    spawn_blocking(move || drop((good, bad))).await.unwrap();
}
