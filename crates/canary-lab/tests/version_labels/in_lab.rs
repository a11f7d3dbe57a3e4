//! The lab runs a Deployment with a model config file, and tells where its servers are.

use std::time::Duration;

use canary_core::{
    Plan, Verdict,
    cluster::{Replica, Rollout, replicas_of},
    evidence::Sample,
    predict::{Client, Input},
    rollout::{Guardrail, VersionLabels},
    serving::{ConfiguredServers, ServerSettings, Workload},
};
use canary_lab::{Lab, model::Scripted};
use futures_util::{StreamExt, stream};

use super::scene::{before, to_verdict};

fn workload() -> Workload {
    let settings = ServerSettings { models: Some(before()), ..ServerSettings::default() };
    Workload::new("classifiers", "v1").settings(settings).replicas(2)
}

fn target() -> VersionLabels {
    VersionLabels::new("pets", 42).deployment("classifiers-v1").service("classifiers")
}

fn lab() -> Lab {
    Lab::builder()
        .model("/models/cars/1", Scripted::new("car", 0.9))
        .model("/models/pets/41", Scripted::new("cat", 0.9))
        .model("/models/pets/42", Scripted::new("cat", 0.8))
        .start()
        .unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_release_by_labels_runs_in_the_lab() {
    let lab = lab();
    for object in workload().objects().unwrap() {
        lab.apply(&object).unwrap();
    }
    lab.wait_ready(Duration::from_secs(10)).unwrap();
    let cluster = lab.cluster().clone();
    let servers = async {
        loop {
            let found: Vec<Replica> = replicas_of(&cluster, &target()).await.unwrap();
            if found.len() == 2 {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let servers = tokio::time::timeout(Duration::from_secs(10), servers).await.unwrap();
    assert_ne!(servers[0].address, servers[1].address);
    assert!(servers.iter().all(|server| server.ready), "{servers:?}");
    let client = Client::new(&format!("grpc://{}", servers[0].address)).unwrap();
    let client = client.model("pets").signature("serving_preprocess");
    let plan = Plan::version_labels(target(), 30).guardrail(Guardrail::agreement(0.9));
    let inputs = stream::iter(0_u64..).map(|number| {
        Ok(Sample::new(number.to_string(), Input::files([number.to_le_bytes().to_vec()])))
    });
    let probe = Sample::new("probe", Input::files([b"a photo".to_vec()]));
    let (run, _control) = Rollout::of(plan.settle(Duration::ZERO))
        .requests(client.clone(), probe, inputs)
        .model_servers(ConfiguredServers::like(&client))
        .tick(Duration::from_millis(20))
        .on(cluster)
        .unwrap()
        .start()
        .await
        .unwrap();
    let verdict = to_verdict(run, |_| {}).await;
    assert!(matches!(verdict, Verdict::Promote { .. }), "{verdict}");
    for server in servers {
        let client = Client::new(&format!("grpc://{}", server.address)).unwrap().model("pets");
        let metadata = client.label("stable").metadata().await.unwrap();
        assert_eq!(metadata.version, Some(42));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_a_server_would_not_start_with_is_the_deployments_problem() {
    for (flag, said) in [
        (Some("--allow_version_labels_for_unavailable_models=false"), "ends at its start"),
        (Some("--model_config_file=/elsewhere/models.config"), "where no ConfigMap is mounted"),
    ] {
        let lab = lab();
        for mut object in workload().objects().unwrap() {
            if let Some(args) = object
                .pointer_mut("/spec/template/spec/containers/0/args")
                .and_then(|args| args.as_array_mut())
            {
                let name = flag.unwrap().split('=').next().unwrap();
                args.retain(|arg| !arg.as_str().unwrap().starts_with(name));
                args.push(flag.unwrap().into());
            }
            lab.apply(&object).unwrap();
        }
        let error = lab.wait_ready(Duration::from_secs(10)).unwrap_err();
        assert!(error.to_string().contains(said), "{said}: {error}");
    }
}
