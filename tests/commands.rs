//! The subcommands of `canary` for clusters, as their users run them, against a real API server.

use std::{io::Write, path::Path, process::Stdio};

use canary_core::cluster::{Cluster, ObjectRef};
use canary_tests::{
    apiserver::ApiServer,
    parts::root,
    programs::{canary, output_of},
};
use serde_json::{Value, json};

use crate::{
    rollouts::APP,
    stage::{Folder, Stage},
};

/// The examples of the help texts, with what each has to end with on a server without Istio.
#[tokio::test]
async fn the_examples_of_the_help_run() {
    let Some(server) = ApiServer::shared().await else { return };
    let folder = Folder::new(server, "help", "admin");
    for file in ["mesh.yaml", "plan.yaml"] {
        folder.file(file, &std::fs::read_to_string(root().join("examples").join(file)).unwrap());
    }
    server.namespace("default").await;
    let program = canary("--version");
    let place = Path::new(program.get_program()).parent().unwrap();
    let search = std::env::var("PATH").unwrap();
    // A check fails where there is no Istio. What is applied in the second step is found by the third. No release is under
    // way that a person could act on.
    let hands = ["pause", "resume", "approve", "abort", "promote"].map(|name| (name, 1));
    for (name, expected) in [("preflight", 1), ("apply", 0), ("status", 0)].into_iter().chain(hands)
    {
        let (_, help, _) = output_of(canary(name).arg("--help"));
        let (_, after) = help.split_once("\nExamples:\n").unwrap();
        for example in after.lines().take_while(|line| line.starts_with("  ")) {
            let mut shell = std::process::Command::new("sh");
            shell.args(["-c", example]).current_dir(&folder.0);
            shell.env("PATH", format!("{}:{search}", place.display()));
            let (status, text, error) = output_of(shell.env("KUBECONFIG", "kubeconfig"));
            assert_eq!(status, Some(expected), "{example}: {text}{error}");
        }
    }
}

#[test]
fn a_cluster_that_is_not_there_is_reported() {
    let nowhere = std::env::temp_dir().join("no-such-kubeconfig");
    let at = |name: &str| {
        let mut command = canary(name);
        command.arg("--kubeconfig").arg(&nowhere);
        command
    };
    let (status, out, error) = output_of(&mut at("preflight"));
    assert_eq!((status, out.as_str()), (Some(1), ""));
    assert!(error.contains("no-such-kubeconfig cannot be read"), "{error}");
    let (status, _, error) = output_of(at("status").arg("image-classifier"));
    assert_eq!(status, Some(1), "{error}");
    let (status, _, error) = output_of(at("apply").arg(root().join("examples/mesh.yaml")));
    assert_eq!(status, Some(1), "{error}");
}

#[tokio::test]
async fn preflight_prints_text_json_and_html() {
    let Some(server) = ApiServer::shared().await else { return };
    server.namespace("command-preflight").await;
    let folder = Folder::new(server, "preflight", "admin");
    let run = |arguments: &[&str]| {
        let mut command = folder.command("preflight");
        command.args(["--namespace", "command-preflight"]).args(arguments);
        output_of(&mut command)
    };
    let (status, text, error) = run(&[]);
    assert_eq!(status, Some(1), "there is no Istio: {text}{error}");
    for part in ["ok       API server", "FAIL     control plane", "→ install Istio", "permissions"]
    {
        assert!(text.contains(part), "{part}: {text}");
    }
    let (status, text, _) = run(&["--output", "json", "--requests", "3,4Gi", "--replicas", "2"]);
    let report: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((status, &report["ready"]), (Some(1), &json!(false)));
    let names: Vec<_> = report["checks"]
        .as_array()
        .unwrap()
        .iter()
        .map(|check| check["name"].as_str().unwrap())
        .collect();
    assert!(names.contains(&"quota") && names.contains(&"gateway's address"), "{names:?}");
    let (_, html, _) = run(&["--output", "html"]);
    assert!(html.starts_with("<table>") && html.contains("control plane"), "{html}");
    let (_, xml, _) = run(&["--output", "junit"]);
    assert!(xml.contains("<testsuite name=\"preflight of namespace command-preflight\""), "{xml}");
    assert!(xml.contains("<failure message="), "{xml}");
    let plan = root().join("examples/plan.yaml");
    let (_, text, _) = run(&["--plan", plan.to_str().unwrap()]);
    assert!(text.contains("owner"), "{text}");
}

#[tokio::test]
async fn apply_checks_applies_and_shows_conflicts() {
    let Some(server) = ApiServer::shared().await else { return };
    let space = "command-apply";
    server.namespace(space).await;
    let cluster = server.connect("admin").await.unwrap();
    let folder = Folder::new(server, "apply", "admin");
    let mesh = root().join("examples/mesh.yaml");
    let run = |file: &Path, arguments: &[&str]| {
        let mut command = folder.command("apply");
        command.arg(file).args(["-n", space]).args(arguments);
        output_of(&mut command)
    };
    let target = ObjectRef::virtual_service(space, APP);

    let (status, text, error) = run(&mesh, &["--dry-run"]);
    assert_eq!(status, Some(0), "{error}");
    assert!(
        text.contains("created   VirtualService command-apply/image-classifier (dry run"),
        "{text}"
    );
    assert_eq!(cluster.get(&target).await.unwrap(), None);

    let (status, text, error) = run(&mesh, &[]);
    assert_eq!(status, Some(0), "{error}");
    let kinds: Vec<_> = text.lines().map(|line| line.split_whitespace().nth(1).unwrap()).collect();
    assert_eq!(kinds, ["Gateway", "DestinationRule", "VirtualService"], "routes come last");
    let (_, text, _) = run(&mesh, &[]);
    assert!(text.lines().all(|line| line.starts_with("unchanged ")), "{text}");

    // Somebody else's weights are not overwritten, and the message names them.
    let mut theirs = cluster.get(&target).await.unwrap().unwrap();
    theirs["metadata"] = json!({"name": APP, "namespace": space});
    theirs["spec"]["http"][1]["route"][1]["weight"] = json!(31);
    cluster.clone().field_manager("gitops").force(true).apply(&theirs).await.unwrap();
    let (status, _, error) = run(&mesh, &[]);
    assert_eq!(status, Some(5), "{error}");
    assert!(
        error.contains("spec.http") && error.contains("gitops") && error.contains("--force"),
        "{error}"
    );
    let (status, text, error) = run(&mesh, &["--force"]);
    assert_eq!(status, Some(0), "{error}");
    assert!(text.contains("changed   VirtualService"), "{text}");

    // A mistake is found before anything is sent.
    let text = std::fs::read_to_string(&mesh).unwrap();
    let wrong = folder.file(
        "wrong.yaml",
        &text
            .replace("weight: 70", "weight: -70")
            .replace("name: image-classifier}", "name: second}"),
    );
    let (status, out, error) = run(&wrong, &[]);
    assert_eq!((status, out.as_str()), (Some(1), ""));
    assert!(error.contains("spec.http[1].route[0].weight"), "{error}");
    assert_eq!(cluster.get(&ObjectRef::virtual_service(space, "second")).await.unwrap(), None);
    let (status, _, error) = run(Path::new("no-such-file.yaml"), &[]);
    assert_eq!(status, Some(2), "{error}");

    // An account without permissions gets the verb that it lacks.
    let folder = Folder::new(server, "apply-other", "other");
    let (status, _, error) = output_of(folder.command("apply").arg(&mesh).args(["-n", space]));
    assert_eq!(status, Some(1), "{error}");
    assert!(
        error.contains("grant the verb \"get\" on gateways in namespace command-apply"),
        "{error}"
    );
}

/// The manifests of the Job are admitted by the server, with strict checking of fields.
#[tokio::test]
async fn the_manifests_of_the_job_are_admitted() {
    let Some(server) = ApiServer::shared().await else { return };
    let space = "command-job";
    server.namespace(space).await;
    let cluster = server.connect("admin").await.unwrap();
    // The strictest of Kubernetes' standards for pods.
    let label = serde_json::from_value(
        json!([{"op": "add", "path": "/metadata/labels/pod-security.kubernetes.io~1enforce",
        "value": "restricted"}]),
    )
    .unwrap();
    cluster.patch(&ObjectRef::new("v1", "Namespace", "", space), &label).await.unwrap();
    let folder = Folder::new(server, "job", "admin");
    let plan = std::fs::read_to_string(root().join("examples/plan.yaml")).unwrap();
    let plan = plan.replace(
        "{virtualService: image-classifier}",
        "{virtualService: image-classifier, namespace: command-job}",
    );
    let plan = folder.file("plan.yaml", &plan);
    let (status, manifests, error) = output_of(
        canary("in-cluster")
            .arg(&plan)
            .args(["--image", "registry.example.com/canary:1.0"])
            .args([
                "--mount",
                "claim/photos:/photos",
                "--mount",
                "secret/prometheus:/etc/prometheus",
            ])
            .args(["--mount", "configmap/authority:/etc/authority"])
            .args(["--telemetry", "--gateway-namespace", space])
            .args(["--", "--gateway-url", "http://gateway.istio-system"]),
    );
    assert_eq!(status, Some(0), "{error}");
    // The cluster has Istio's own definition of Telemetry.
    let definitions = ApiServer::definitions().unwrap();
    let telemetry = definitions
        .iter()
        .find(|one| one["metadata"]["name"] == "telemetries.telemetry.istio.io")
        .unwrap();
    cluster.apply(telemetry).await.unwrap();
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(30);
    while cluster.list("telemetry.istio.io/v1", "Telemetry", Some(space)).await.is_err() {
        assert!(std::time::Instant::now() < deadline, "Telemetry is not served");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    let mut apply = folder.command("apply");
    let mut child = apply.arg("-").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(manifests.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{text}\n{manifests}");
    assert_eq!(text.matches("created").count(), 6, "{text}");
    let mark = ObjectRef::new("telemetry.istio.io/v1", "Telemetry", space, "canary-header");
    let mark = cluster.get(&mark).await.unwrap().unwrap();
    assert_eq!(mark["spec"]["selector"]["matchLabels"], json!({"istio": "ingressgateway"}));
    let job = ObjectRef::new("batch/v1", "Job", space, "canary-image-classifier");
    let job = cluster.get(&job).await.unwrap().unwrap();
    let spec = &job["spec"]["template"]["spec"];
    assert_eq!(
        spec["containers"][0]["args"],
        json!([
            "/etc/canary/plan.yaml",
            "--cluster",
            "--output=json",
            "--plain-status",
            "--gateway-url",
            "http://gateway.istio-system"
        ])
    );
    let mounted: Vec<_> = spec["containers"][0]["volumeMounts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|mount| (mount["mountPath"].as_str().unwrap(), mount["readOnly"] == true))
        .collect();
    let expected = ["/etc/canary", "/photos", "/etc/prometheus", "/etc/authority"];
    assert_eq!(mounted, expected.map(|path| (path, true)));
    assert_eq!(spec["volumes"][1]["persistentVolumeClaim"]["claimName"], "photos");
    assert_eq!(spec["volumes"][2]["secret"]["secretName"], "prometheus");
    assert_eq!(spec["volumes"][3]["configMap"]["name"], "authority");
    // A pod of that template is admitted under the standard, which looks at pods and only warns of Jobs.
    let mut pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "driver", "namespace": space}, "spec": spec});
    pod["metadata"]["labels"] = job["spec"]["template"]["metadata"]["labels"].clone();
    if let Some(labels) = pod["metadata"]["labels"].as_object_mut() {
        labels.retain(|name, _| !name.contains("controller-uid") && !name.contains("job-name"));
    }
    cluster.clone().dry_run(true).apply(&pod).await.unwrap();
    // The plan in the ConfigMap is the plan.
    let map = ObjectRef::new("v1", "ConfigMap", space, "canary-image-classifier");
    let map = cluster.get(&map).await.unwrap().unwrap();
    let stored = canary_core::Plan::from_yaml(map["data"]["plan.yaml"].as_str().unwrap()).unwrap();
    let text = std::fs::read_to_string(plan).unwrap();
    assert_eq!(
        stored.hash(),
        canary_core::Plan::from_yaml(&text).unwrap().validated().unwrap().hash()
    );
}

/// Objects on a real API server, traffic through the lab's gateway, which follows them: `canary run --cluster` and `canary status`.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn run_takes_a_plan_to_its_verdict_on_a_cluster() {
    let Some(server) = ApiServer::shared().await else { return };
    for (space, errors, code, verdict) in
        [("command-ramp", 0.0, 0, "promote"), ("command-ramp-bad", 0.6, 3, "rollback")]
    {
        let stage = Stage::new(server, space, errors).await;
        let folder = Folder::new(server, space, "admin");
        let plan = folder.file(
            "plan.yaml",
            &format!(
                "target: {{virtualService: {APP}, namespace: {space}}}\nstable: lite0\ncanary: lite1\n\
                 header: {{name: user-group, value: canary}}\nsettle: 500ms\nbursts: none\nsteps:\n\
                 - {{weight: 30, hold: {{requests: 300}}}}\n- {{weight: 100}}\nguardrails:\n- errorRatio: {{atMost: 1.0}}\n"
            ),
        );
        let photo = folder.file("photo.jpg", "a photo");
        let ramp = async |more: &[&str]| {
            let mut ramp = folder.command("run");
            ramp.args(more).arg(&plan).args([
                "--cluster",
                "--output",
                "json",
                "--tick",
                "50ms",
                "--model",
                "model",
            ]);
            ramp.arg("--images").arg(&photo).args(["--gateway-url", &stage.gateway_url]);
            let run = tokio::task::spawn_blocking(move || output_of(&mut ramp));
            let (status, text, error) = run.await.unwrap();
            let last = text.lines().last().unwrap_or_else(|| panic!("{error}"));
            (status, serde_json::from_str::<Value>(last).unwrap(), format!("{text}\n{error}"))
        };
        let (status, last, text) = ramp(&[]).await;
        assert_eq!(status, Some(code), "{text}");
        assert_eq!(last["verdict"]["verdict"], verdict, "{last}");
        assert_eq!(last["stored"], Value::Null);
        if verdict == "promote" {
            // The same release with the weights as they were left: no request is sent, and the status says so.
            let (status, last, text) = ramp(&[]).await;
            assert_eq!(status, Some(10), "{text}");
            assert_eq!(last["verdict"]["verdict"], verdict, "{last}");
            assert!(last["stored"].is_string(), "{last}");
            assert!(!text.contains("\"written\""), "{text}");
            // A promotion must not look like a failure to Kubernetes: a Job completes with 0 alone.
            let (status, last, text) = ramp(&["--plain-status"]).await;
            assert_eq!(status, Some(0), "{text}");
            assert!(last["stored"].is_string(), "{last}");
        }

        let mut command = folder.command("status");
        command.arg(APP).args(["-n", space, "--plan"]).arg(&plan);
        let (status, text, error) = output_of(&mut command);
        assert_eq!(status, Some(0), "{error}");
        let said = if verdict == "promote" { "promoted" } else { "rolled back" };
        assert!(text.contains(&format!("verdict so far: {said}")), "{text}");
        assert!(text.contains("no driver runs it") && text.contains("errorRatio"), "{text}");
        assert!(text.contains("observed by the driver's stored state"), "{text}");
        let (_, text, _) =
            output_of(folder.command("status").arg(APP).args(["-n", space, "-o", "json"]));
        let status: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(status["rollout"]["verdict"]["verdict"], verdict, "{status}");
        stage.stop().await;
    }
}
