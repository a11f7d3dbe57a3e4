//! The servers of a release, the objects in the cluster, and a driver over both.

use std::time::Duration;

use canary_core::{
    Plan, Verdict,
    cluster::{Cluster, Control, ModelServers, ObjectRef, Progress, Rollout, Run},
    evidence::Sample,
    predict::{Client, Input},
    rollout::{Guardrail, Result, VersionLabels},
    serving::{
        ConfiguredServers, ModelConfig, ModelServerConfig, ServerSettings, VersionPolicy, Workload,
    },
};
use canary_lab::{
    model::Scripted,
    server::{Configured, Folders, ModelServer},
    store::Store,
};
use futures_util::{StreamExt, stream};
use serde_json::{Value, json};

pub(super) const PATH: &str = "/models/pets";

/// Two servers of the Deployment `classifiers-v1` behind the Service `classifiers`.
pub(super) struct Scene {
    pub(super) store: Store,
    pub(super) folders: Folders,
    pub(super) servers: Vec<ModelServer>,
    pub(super) plan: Plan,
}

/// The file before the release: another model, and version 41 of `pets` under the label `stable`.
pub(super) fn before() -> ModelServerConfig {
    let cars = ModelConfig::new("cars", "/models/cars").policy(VersionPolicy::All);
    let pets = ModelConfig::new("pets", PATH)
        .policy(VersionPolicy::Specific(vec![41]))
        .label("stable", 41);
    ModelServerConfig::new([cars, pets])
}

/// The file after the promotion.
pub(super) fn after() -> ModelServerConfig {
    let mut config = before();
    config.models[1].policy = VersionPolicy::Specific(vec![41, 42]);
    config.models[1].labels.insert("stable".to_owned(), 42);
    config
}

impl Scene {
    /// A scene whose version 42 is this model; none where the folder is missing.
    pub(super) async fn new(canary: Option<Scripted>) -> Self {
        let folders = Folders::default();
        folders.add("/models/cars", 1, Scripted::new("car", 0.9));
        folders.add(PATH, 41, Scripted::new("cat", 0.9));
        if let Some(canary) = canary {
            folders.add(PATH, 42, canary);
        }
        let mut servers = Vec::new();
        for _ in 0..2 {
            let settings = Configured::new(before(), folders.clone());
            servers.push(ModelServer::configured(settings).await.unwrap());
        }
        let target =
            VersionLabels::new("pets", 42).deployment("classifiers-v1").service("classifiers");
        let plan = Plan::version_labels(target, 30)
            .guardrail(Guardrail::agreement(0.9))
            .guardrail(Guardrail::pair_errors())
            .settle(Duration::ZERO)
            .startup_timeout(Duration::from_secs(3))
            .patience(Duration::from_secs(60));
        let scene = Self { store: Store::new(), folders, servers, plan };
        scene.apply_objects().await;
        scene
    }

    async fn apply_objects(&self) {
        let settings = ServerSettings { models: Some(before()), ..ServerSettings::default() };
        let workload = Workload::new("classifiers", "v1").settings(settings).replicas(2);
        for object in workload.objects().unwrap() {
            self.store.apply(&object).await.unwrap();
        }
        for place in 0..self.servers.len() {
            self.endpoint(place, true).await;
        }
    }

    /// Writes the endpoint of a server, as the controller of `EndpointSlice`s does.
    pub(super) async fn endpoint(&self, place: usize, ready: bool) {
        let address = self.servers[place].address();
        let slice = json!({
            "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
            "metadata": {
                "name": format!("classifiers-{place}"), "namespace": "default",
                "labels": {"kubernetes.io/service-name": "classifiers"},
            },
            "addressType": "IPv4",
            "ports": [{"name": "tf-serving-grpc", "port": address.port()}],
            "endpoints": [{
                "addresses": [address.ip().to_string()],
                "conditions": {"ready": ready},
                "targetRef": {"kind": "Pod", "name": format!("classifiers-v1-{place}")},
            }],
        });
        self.store.clone().force(true).apply(&slice).await.unwrap();
    }

    /// Starts a server again, from the file as it is in the cluster now.
    pub(super) async fn restart(&mut self, place: usize) {
        let address = self.servers[place].address();
        let config = self.file().await.parse().unwrap();
        drop(self.servers.remove(place));
        let settings = Configured::new(config, self.folders.clone()).address(address);
        let mut server = ModelServer::configured(settings.clone()).await;
        while server.is_err() {
            // The port is free when the task of the old server has ended.
            tokio::time::sleep(Duration::from_millis(5)).await;
            server = ModelServer::configured(settings.clone()).await;
        }
        self.servers.insert(place, server.unwrap());
    }

    /// The client of one server, over gRPC.
    pub(super) fn client(&self, place: usize) -> Client {
        let url = self.servers[place].url().replace("http://", "grpc://");
        Client::new(&url).unwrap().model("pets").signature("serving_preprocess")
    }

    pub(super) async fn config_map(&self) -> Value {
        let object = ObjectRef::new("v1", "ConfigMap", "default", "classifiers-v1-configs");
        self.store.get(&object).await.unwrap().unwrap()
    }

    /// The model config file.
    pub(super) async fn file(&self) -> String {
        let live = self.config_map().await;
        live["data"]["models.config"].as_str().unwrap().to_owned()
    }

    /// The versions of a label on each server.
    pub(super) async fn labels(&self, label: &str) -> Vec<Option<i64>> {
        let mut found = Vec::new();
        for place in 0..self.servers.len() {
            let metadata = self.client(place).label(label).metadata().await;
            found.push(metadata.ok().and_then(|metadata| metadata.version));
        }
        found
    }

    /// The rollout's inputs: each another one, so that each is a pair of its own.
    fn inputs() -> impl futures_core::Stream<Item = Result<Sample>> + Send {
        stream::iter(0_u64..).map(|number| {
            let bytes = number.to_le_bytes().to_vec();
            Ok(Sample::new(format!("input {number}"), Input::files([bytes])))
        })
    }

    /// Starts a driver on this cluster and these servers.
    pub(super) async fn start_on<C: Cluster + 'static>(
        &self,
        cluster: C,
        servers: impl ModelServers + 'static,
        client: Client,
    ) -> Result<(Run, Control)> {
        let probe = Sample::new("probe", Input::files([b"a photo".to_vec()]));
        Rollout::of(self.plan.clone())
            .requests(client, probe, Self::inputs())
            .model_servers(servers)
            .tick(Duration::from_millis(20))
            .on(cluster)?
            .holder("driver")
            .start()
            .await
    }

    pub(super) async fn start(&self) -> Result<(Run, Control)> {
        let client = self.client(0);
        self.start_on(self.store.clone(), ConfiguredServers::like(&client), client).await
    }

    /// A release to its verdict.
    pub(super) async fn verdict(&self) -> Verdict {
        let (run, _control) = self.start().await.unwrap();
        to_verdict(run, |_| {}).await
    }

    /// Checks that the servers, the file and the state are those of a promotion.
    pub(super) async fn assert_promoted(&self) {
        assert_eq!(self.labels("stable").await, vec![Some(42); self.servers.len()]);
        assert_eq!(self.file().await.parse::<ModelServerConfig>().unwrap(), after());
        self.assert_clean(2).await;
    }

    /// Checks that the servers, the file and the state are those from before the release.
    pub(super) async fn assert_rolled_back(&self) {
        assert_eq!(self.labels("stable").await, vec![Some(41); self.servers.len()]);
        assert_eq!(self.file().await, before().to_text(), "to the byte");
        self.assert_clean(1).await;
    }

    async fn assert_clean(&self, versions: usize) {
        assert_eq!(self.labels("canary").await, vec![None; self.servers.len()]);
        let annotations = self.config_map().await["metadata"]["annotations"].clone();
        let left = "canary-rs.github.io/model-config-before";
        assert!(annotations.get(left).is_none(), "{annotations}");
        for place in 0..self.servers.len() {
            let status = self.client(place).status().await.unwrap();
            let available =
                status.versions.iter().filter(|one| one.state.to_string() == "AVAILABLE");
            assert_eq!(available.count(), versions, "{status}");
            let cars = self.client(place).model("cars").status().await.unwrap();
            assert_eq!(cars.to_string(), "1 AVAILABLE", "the other model is left alone");
        }
    }
}

/// Runs a rollout to its verdict; `see` is called with every report.
pub(super) async fn to_verdict(mut run: Run, mut see: impl FnMut(&Progress)) -> Verdict {
    let ended = async {
        while let Some(progress) = run.next().await {
            let progress = progress.unwrap();
            see(&progress);
            if let Progress::Finished { verdict, .. } = progress {
                return verdict;
            }
        }
        panic!("the run ended without a verdict");
    };
    tokio::time::timeout(Duration::from_secs(60), ended).await.expect("the run ends")
}
