//! `ramp --cluster --prometheus` and `status --prometheus`: objects on a real API server, requests of users through the
//! lab's gateway, and a real Prometheus that scrapes it.

use std::{
    path::PathBuf,
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use canary_core::predict::{Client, Input, Retry};
use canary_tests::{
    apiserver::ApiServer,
    programs::output_of,
    prometheus::{Prometheus, Setup},
};
use serde_json::Value;

use crate::{
    rollouts::APP,
    stage::{Folder, Stage},
};

/// bcrypt of `hunter2`.
const HASHED: &str = "$2b$04$JWXKg44H6cBBCWehnOMV7.Ii2SGB6c/yxUMGpQasAWSAzzmxWGrj2";
const PASSWORD: &str = "hunter2";

/// Sends requests of users, until it is stopped.
fn users(gateway: &str) -> Arc<AtomicBool> {
    let stop = Arc::new(AtomicBool::new(false));
    for _ in 0..2 {
        let client = Client::new(gateway).unwrap().model("model").signature("serving_preprocess");
        let (client, stop) = (client.retry(Retry::never()), Arc::clone(&stop));
        tokio::spawn(async move {
            while !stop.load(Ordering::Relaxed) {
                let _ = client.predict(Input::files([b"an image".as_slice()])).await;
                tokio::time::sleep(Duration::from_millis(4)).await;
            }
        });
    }
    stop
}

fn plan(folder: &Folder, space: &str, more: &str) -> PathBuf {
    folder.file(
        "plan.yaml",
        &format!(
            "target: {{virtualService: {APP}, namespace: {space}}}\nstable: lite0\ncanary: lite1\nsettle: 100ms\nbursts: none\n\
             patience: 60s\nsteps:\n- {{weight: 50, hold: {{requests: 400}}}}\n- {{weight: 100}}\n{more}"
        ),
    )
}

const GUARDRAILS: &str = "guardrails:\n- observedSplit: {}\n- errorRatio: {atMost: 1.0}\n";

/// The program with the options of the Prometheus, whose password is in the environment.
fn with_prometheus(mut command: Command, prometheus: &Prometheus) -> Command {
    command.args(["--prometheus", &prometheus.url(), "--prometheus-user", "me"]);
    command.args(["--every", "250ms", "--lag", "150ms", "--only", "job=gateway"]);
    command.env("CANARY_PROMETHEUS_PASSWORD", PASSWORD);
    command
}

async fn run(mut command: Command) -> (Option<i32>, String, String) {
    let output = tokio::task::spawn_blocking(move || output_of(&mut command)).await.unwrap();
    assert!(!output.1.contains(PASSWORD) && !output.2.contains(PASSWORD), "{output:?}");
    output
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plan_on_a_cluster_is_judged_by_what_prometheus_counts() {
    let Some(server) = ApiServer::shared().await else { return };
    for (space, errors, code, verdict) in
        [("metered", 0.0, 0, "promote"), ("metered-bad", 0.6, 3, "rollback")]
    {
        let Some(setup) = Setup::new() else { return };
        let stage = Stage::new(server, space, errors).await;
        let prometheus = setup
            .scrape(&stage.metrics_url(), Duration::from_millis(100))
            .web(format!("basic_auth_users:\n  me: '{HASHED}'\n"))
            .start()
            .await;
        let stop = users(&stage.gateway_url);
        let folder = Folder::new(server, space, "admin");
        let plan = plan(&folder, space, GUARDRAILS);
        // No input, and no gateway: it sends nothing itself.
        let mut ramp = with_prometheus(folder.command("run"), &prometheus);
        ramp.arg(&plan).args(["--cluster", "-o", "json", "--tick", "50ms"]);
        let (status, text, error) = run(ramp).await;
        let last = text.lines().last().unwrap_or_default();
        assert_eq!(status, Some(code), "{last}\n{error}");
        let last: Value = serde_json::from_str(last).unwrap();
        assert_eq!(last["verdict"]["verdict"], verdict, "{last}");
        let seen = text.lines().filter_map(|line| {
            let event: Value = serde_json::from_str(line).unwrap();
            event["totals"]["stable"].as_u64()
        });
        assert!(seen.max().unwrap() > 0, "{last}");

        // The observed split now, and its source.
        tokio::time::sleep(Duration::from_millis(1_500)).await;
        let mut command = with_prometheus(folder.command("status"), &prometheus);
        command.arg(APP).args(["-n", space, "--plan"]).arg(&plan);
        let (status, text, error) = run(command).await;
        assert_eq!(status, Some(0), "{error}");
        let by = format!("observed by Prometheus at {}, over the last ", prometheus.url());
        assert!(text.contains(&by) && text.contains("of which"), "{text}");
        let mut command = with_prometheus(folder.command("status"), &prometheus);
        command.arg(APP).args(["-n", space, "-o", "json", "--plan"]).arg(&plan);
        let (_, text, _) = run(command).await;
        let status: Value = serde_json::from_str(&text).unwrap();
        // The window begins at the last scrape before the last weight, so a few requests are of before.
        let share = status["observed"]["share"][0].as_f64().unwrap();
        assert!(if code == 0 { share > 0.8 } else { share < 0.2 }, "{status}");
        stop.store(true, Ordering::Relaxed);
        stage.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_prometheus_would_count_wrongly_is_refused() {
    let Some(server) = ApiServer::shared().await else { return };
    let Some(setup) = Setup::new() else { return };
    let space = "metered-refused";
    let stage = Stage::new(server, space, 0.0).await;
    let web = format!("basic_auth_users:\n  me: '{HASHED}'\n");
    let prometheus =
        setup.scrape(&stage.metrics_url(), Duration::from_millis(100)).web(web).start().await;
    let folder = Folder::new(server, space, "admin");
    let pairs = "header: {name: user-group, value: canary}\nguardrails:\n- errorRatio: {atMost: 1.0}\n\
                 - agreement: {atLeast: 0.9}\n";
    let plan = plan(&folder, space, pairs);
    let photo = folder.file("photo.jpg", "a photo");
    let ramp = |more: &[&str]| {
        let mut ramp = with_prometheus(folder.command("run"), &prometheus);
        ramp.arg(&plan).args(["--cluster", "--model", "model"]).args(more);
        ramp.args(["--gateway-url", &stage.gateway_url]).arg("--images").arg(&photo);
        ramp
    };
    // The pairs' own requests would be taken for traffic of the weights.
    let (status, _, error) = run(ramp(&[])).await;
    assert_eq!(status, Some(1), "{error}");
    assert!(
        error.contains("the sources inputs and prometheus") && error.contains("mark"),
        "{error}"
    );
    // They are to be left out by a mark that nobody makes.
    let (status, _, error) = run(ramp(&["--unmarked"])).await;
    assert_eq!(status, Some(1), "{error}");
    assert!(
        error.contains("canary_header") && error.contains("canary in-cluster --telemetry"),
        "{error}"
    );
    let mut wrong = ramp(&["--counted-apart"]);
    wrong.env("CANARY_PROMETHEUS_PASSWORD", "a-wrong-one");
    let (status, text, error) = run(wrong).await;
    assert!(status != Some(0) && !error.contains("a-wrong-one"), "{text}{error}");
    assert!(format!("{text}{error}").contains("credentials are missing or wrong"), "{text}{error}");
    // A mistake on the command line is not an error of the cluster.
    let mut lab = folder.command("run");
    lab.arg(&plan).args(["--prometheus", "http://localhost:1"]);
    let (status, _, error) = run(lab).await;
    assert_eq!(status, Some(2), "{error}");
    let mut status = folder.command("status");
    status.args([APP, "--prometheus", "http://localhost:1"]);
    let (status, _, error) = run(status).await;
    assert!(status == Some(2) && error.contains("--plan"), "{error}");
    stage.stop().await;
}
