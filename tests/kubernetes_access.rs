//! The least role of the driver on a real API server: with it everything works, without any verb a clear error says so.

use std::time::{Duration, Instant};

use canary_core::{
    Verdict,
    cluster::{
        Behind, Cluster, Kubernetes, ObjectRef, Outcome, PreflightOptions, Presence, Progress,
        missing, missing_for, preflight, role, role_binding, role_for,
    },
    rollout::Split,
    serving::Workload,
};
use canary_tests::apiserver::ApiServer;
use futures_util::StreamExt;
use serde_json::{Value, json};

use crate::{
    presence::pod,
    rollouts::{APP, driver, plan, set_up, silent, traffic, verdict, weights},
};

/// A service account with a role in a namespace, and a connection with its token.
pub(crate) async fn account(server: &ApiServer, namespace: &str, role: &Value) -> Kubernetes {
    server.namespace(namespace).await;
    let admin = server.connect("admin").await.unwrap().force(true);
    let metadata = json!({"name": "canary", "namespace": namespace});
    let account = json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata});
    let binding = serde_json::to_value(role_binding(namespace, "canary", "canary")).unwrap();
    for object in [&account, role, &binding] {
        admin.apply(object).await.unwrap();
    }
    let path = format!("/api/v1/namespaces/{namespace}/serviceaccounts/canary/token");
    let request =
        json!({"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}});
    let request = http::Request::post(path).body(request.to_string().into_bytes()).unwrap();
    let answer = admin.client().request::<Value>(request).await.unwrap();
    let token = answer["status"]["token"].as_str().unwrap();
    Kubernetes::from_kubeconfig(&server.kubeconfig_with_token(token), None).await.unwrap()
}

/// Waits until the server has taken note of a role.
pub(crate) async fn in_force(lacking: impl AsyncFn() -> Vec<String>, expected: &[String]) {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        let found = lacking().await;
        if found == expected {
            return;
        }
        assert!(Instant::now() < deadline, "{found:?}, not {expected:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn with_the_least_role_every_rollout_works() {
    let Some(server) = ApiServer::shared().await else { return };
    let admin = server.connect("admin").await.unwrap();
    for (namespace, named) in [("least-role", false), ("least-role-of-a-plan", true)] {
        let plan = plan(namespace);
        let role = if named { role_for(&plan, "canary") } else { role(namespace, "canary") };
        let cluster = account(server, namespace, &serde_json::to_value(role).unwrap()).await;
        in_force(
            async || {
                let missing = missing_for(&cluster, &plan).await.unwrap();
                missing.iter().map(ToString::to_string).collect()
            },
            &[],
        )
        .await;
        // The role of the plan permits nothing else.
        assert_eq!(missing(&cluster, namespace).await.unwrap().is_empty(), !named);
        let other = ObjectRef::virtual_service(namespace, "other");
        assert_eq!(cluster.get(&other).await.is_err(), named);
        let report =
            preflight(&cluster, &PreflightOptions::new("default").plan(&plan)).await.unwrap();
        let permissions = report.checks.iter().find(|check| check.name == "permissions").unwrap();
        assert_eq!(permissions.outcome, Outcome::Pass, "{report}");

        // The pods behind the canary can be read, by presence and by identity.
        deploy(&admin, namespace).await;
        let (presence, release) = behind(&cluster, namespace).await.unwrap();
        assert!(matches!(presence, Presence::Missing { hopeless: false, .. }), "{presence}");
        assert!(release.is_some());
        let pods = report.checks.iter().find(|check| check.name == "canary's pods").unwrap();
        assert_eq!(pods.outcome, Outcome::Fail, "{report}");
        serve(&admin, namespace).await;

        for (failing, expected) in [(4, Split::STABLE), (u64::MAX, Split::CANARY)] {
            set_up(&admin.clone().force(true), namespace).await;
            let driver = driver(cluster.clone(), namespace, traffic(failing)).anew();
            let (mut run, _control) = driver.start().await.unwrap();
            let verdict = verdict(&mut run).await;
            assert_eq!(
                matches!(verdict, Verdict::Promote { .. }),
                expected == Split::CANARY,
                "{verdict}"
            );
            assert_eq!(weights(&admin, namespace).await, expected);
        }
    }
}

/// Makes the objects of the canary, none of whose pods is there.
async fn deploy(admin: &Kubernetes, namespace: &str) {
    set_up(admin, namespace).await;
    let canary = Workload::new(APP, "lite1").model("model", "models/lite1").namespace(namespace);
    for object in canary.objects().unwrap() {
        admin.apply(&object).await.unwrap();
    }
}

/// Makes the ready pod of the canary that the Deployment's controller and a kubelet would make.
async fn serve(admin: &Kubernetes, namespace: &str) {
    let labels = json!({"app": APP, "version": "lite1"});
    let ready = json!({"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]});
    pod(admin, namespace, "canary", &labels, &ready).await;
}

/// The pods that an account finds behind the canary of a rollout.
async fn behind(
    cluster: &Kubernetes,
    namespace: &str,
) -> canary_core::rollout::Result<(Presence, Option<String>)> {
    let rule = ObjectRef::destination_rule(namespace, APP);
    let rule = cluster.get(&rule).await?.unwrap();
    let labels = plan(namespace).labels_of_canary();
    let mut behind = Behind::find(cluster, namespace, &rule, "lite1", Some(&labels)).await?;
    Ok((behind.presence().await?, behind.release_id().await?))
}

#[tokio::test]
async fn without_any_one_verb_the_error_names_it() {
    let Some(server) = ApiServer::shared().await else { return };
    let admin = server.connect("admin").await.unwrap();
    let whole = serde_json::to_value(role("any", "canary")).unwrap();
    let rules = whole["rules"].as_array().unwrap();
    let verbs = |rule: &Value| rule["verbs"].as_array().unwrap().len();
    let mut tried = 0;
    for (place, rule) in rules.iter().enumerate() {
        for index in 0..verbs(rule) {
            let namespace = format!("without-{place}-{index}");
            let mut less = whole.clone();
            less["metadata"]["namespace"] = json!(namespace);
            let verb = less["rules"][place]["verbs"].as_array_mut().unwrap().remove(index);
            // A rule without verbs is refused.
            if verbs(&less["rules"][place]) == 0 {
                less["rules"].as_array_mut().unwrap().remove(place);
            }
            let (verb, resource) = (verb.as_str().unwrap(), rule["resources"][0].as_str().unwrap());
            let cluster = account(server, &namespace, &less).await;
            let lacking = async || {
                let missing = missing(&cluster, &namespace).await.unwrap();
                missing.iter().map(ToString::to_string).collect()
            };
            in_force(lacking, &[format!("{verb} {resource}")]).await;
            deploy(&admin, &namespace).await;
            serve(&admin, &namespace).await;
            // The pods behind the canary are checked before any route is changed.
            let error = match behind(&cluster, &namespace).await {
                Err(error) => error.to_string(),
                Ok(_) => first_error(driver(cluster, &namespace, silent())).await,
            };
            let wanted =
                format!("grant the verb \"{verb}\" on {resource} in namespace {namespace} ");
            assert!(error.contains(&wanted), "without {verb} {resource}: {error}");
            tried += 1;
        }
    }
    assert_eq!(tried, 14, "verbs of the role");
}

/// The error with which a driver ends that cannot work, or which it reports while it watches a canary that has traffic.
async fn first_error(driver: canary_core::cluster::Driver<Kubernetes>) -> String {
    let (mut run, _control) = match driver.start().await {
        Ok(started) => started,
        Err(error) => return error.to_string(),
    };
    let deadline = Instant::now() + Duration::from_secs(20);
    while Instant::now() < deadline {
        match run.next().await.unwrap() {
            Err(error) => return error.to_string(),
            Ok(Progress::Waiting { problem, .. }) => return problem,
            Ok(Progress::Finished { verdict, .. }) => panic!("{verdict}"),
            Ok(_) => {}
        }
    }
    panic!("no error on {APP}");
}
