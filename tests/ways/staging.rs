//! Sets a trial up: its lab, its users, and the run on it.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use canary_core::{
    cluster::{Driver, HeaderProbe},
    evidence::{
        Mirrored, Observation, Sample, Traffic,
        prometheus::{Metrics, Prometheus, Reporter},
    },
    predict::{Client, Input, Retry},
    rollout::{Check, Error, Result},
    serving::Workload,
    tensor::{Tensor, TensorData},
};
use canary_lab::{Lab, model::Code};
use canary_tests::chaos::{Faulty, Ledger, calm};
use futures_util::{Stream, StreamExt, stream};
use tokio::task::spawn_blocking;

use super::{
    actor::{Actor, Acts},
    front::Front,
    gauge::{Fails, Gauge},
    kind::Kind,
    objects::{Objects, Server},
    scene::{Deployed, Evidence, HEADER, Inputs, Scene},
    stage::{APP, MODEL, Stage},
};

/// The longest time that the record of a copy is waited for.
const WITHIN: Duration = Duration::from_millis(500);

impl Stage {
    /// Starts the lab and applies the objects.
    pub(crate) async fn new(scene: &Scene, seed: u64) -> Self {
        let actor = |deployed: &Deployed, seed| Actor::new(deployed.acts, deployed.after, seed);
        let builder = Lab::builder()
            .seed(seed)
            .model("models/v1", actor(&scene.stable, seed))
            .model("models/v2", actor(&scene.canary, seed + 1))
            .model("models/bad", Actor::new(Acts::Fails(1.0, Code::NotFound), 0, seed + 2));
        let mut objects = Vec::new();
        for (version, deployed) in [("v1", &scene.stable), ("v2", &scene.canary)] {
            let workload = Workload::new(APP, version)
                .model(deployed.model, deployed.path)
                .replicas(deployed.replicas);
            if deployed.applied {
                objects.extend(workload.objects().unwrap());
            }
        }
        objects.push(scene.kind.gateway());
        objects.extend(scene.definitions.iter().chain([&scene.object]).cloned());
        let lab = spawn_blocking(move || {
            let lab = builder.start().unwrap();
            for object in objects {
                lab.apply(&object).unwrap();
            }
            // The canary may be one that never gets ready.
            let _ = lab.wait_ready(Duration::from_secs(5));
            lab
        });
        let lab = Arc::new(lab.await.unwrap());
        let (objects, control_plane) = match &scene.space {
            None => (Objects::Lab(lab.cluster().clone()), None),
            Some(space) => {
                let (server, control_plane) =
                    Server::of(lab.cluster(), space.clone()).await.unwrap();
                (Objects::Server(Box::new(server)), Some(control_plane))
            }
        };
        let front = match scene.front {
            Some((spoils, after)) => Some(Front::start(&lab.gateway_url(), spoils, after).await),
            None => None,
        };
        let gauge = if scene.evidence == Evidence::Prometheus {
            let lab = Arc::downgrade(&lab);
            let page = move || lab.upgrade().map(|lab| lab.metrics().to_prometheus());
            let page = move || page().unwrap_or_default();
            Some(Gauge::start(scene.gauge.unwrap_or(Fails::Never), page).await)
        } else {
            None
        };
        Self {
            kind: scene.kind,
            others: objects.by("kubectl"),
            objects,
            control_plane,
            lab,
            front,
            gauge,
            ledger: Arc::new(Ledger::new(&scene.plan)),
            users: Mutex::default(),
            stop: Arc::default(),
        }
    }

    fn client(&self, scene: &Scene) -> Client {
        let client = Client::new(&self.url()).unwrap().model(MODEL).signature("serving_preprocess");
        client.timeout(scene.timeout).retry(Retry::never())
    }

    /// Lets users send requests until the end.
    pub(crate) fn serve_users(&self, scene: &Scene) {
        let number = Arc::new(AtomicU64::new(0));
        let mut users = self.users.lock().unwrap_or_else(PoisonError::into_inner);
        for _ in 0..4 {
            let (client, stop) = (self.client(scene), Arc::clone(&self.stop));
            let (number, alike) = (Arc::clone(&number), scene.users_alike);
            users.spawn(async move {
                while !stop.load(Ordering::Relaxed) {
                    let number = number.fetch_add(u64::from(!alike), Ordering::Relaxed);
                    let photo = number.to_le_bytes();
                    let _ = client.predict(Input::files([photo.as_slice()])).await;
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
            });
        }
    }

    /// The number of so many requests of users that are answered with a class.
    pub(crate) async fn served(&self, scene: &Scene, requests: u64) -> u64 {
        let client = self.client(scene);
        let send = |number: u64| {
            let client = client.clone();
            async move {
                let photo = (number + (1 << 40)).to_le_bytes();
                let answer = client.predict(Input::files([photo.as_slice()])).await;
                answer.is_ok_and(|answer| answer.top().is_ok())
            }
        };
        let answers = stream::iter(0..requests).map(send).buffer_unordered(16);
        answers.fold(0, async |served, ok| served + u64::from(ok)).await
    }

    /// The run of the trial.
    ///
    /// # Errors
    /// The error with which the plan or a source is refused.
    pub(crate) fn driver(&self, scene: &Scene) -> Result<Driver<Faulty<Objects>>> {
        let faults = scene.faults.clone().unwrap_or_else(calm);
        let cluster = Faulty::new(self.objects.clone(), faults, Arc::clone(&self.ledger));
        let driver = Driver::new(cluster, scene.plan.clone())?
            .tick(Duration::from_millis(20))
            .lease(Duration::from_secs(1))
            .holder("run");
        let url = scene.url.clone().unwrap_or_else(|| self.url());
        let client = Client::new(&url)?.model(scene.model).signature(scene.signature);
        let client = client.timeout(scene.timeout).retry(Retry::default().attempts(2));
        let samples = samples(scene.inputs);
        let probe = HeaderProbe::new(&scene.plan, &client, input(scene.inputs, 0));
        let driver = match scene.evidence {
            Evidence::Requests => {
                let traffic = Traffic::requests("own", &client, scene.subsets(), samples);
                driver.probe(probe).source(traffic)
            }
            Evidence::Pairs => {
                let mut traffic = Traffic::new("own", &client, HEADER, scene.subsets(), samples);
                if scene.says_labelled {
                    traffic = traffic.labelled();
                }
                driver.probe(probe).source(traffic)
            }
            Evidence::Mirror => {
                let log = self.lab.mirror_log(scene.subsets(), 4_096);
                let mut mirror = Mirrored::new("mirror", log).live().all_mirrored().within(WITHIN);
                if scene.says_labelled {
                    mirror = mirror.labelled();
                }
                driver.source(mirror)
            }
            Evidence::Prometheus => driver.source(self.prometheus(scene)?),
        };
        Ok(match scene.score.clone() {
            Some(gives) => driver.score("score", move |seen: &Observation| gives(seen)),
            None => driver,
        })
    }

    fn prometheus(&self, scene: &Scene) -> Result<Prometheus> {
        let url = scene.url.clone().or_else(|| self.gauge.as_ref().map(Gauge::url));
        let url = url.ok_or_else(|| Error::Plan("no Prometheus runs".to_owned()))?;
        let by_subset = scene.kind == Kind::Subsets;
        let mut metrics = if by_subset {
            Metrics::istio(APP, "default")
        } else {
            Metrics::istio_services(["v1", "v2"], "default")
        };
        if scene.gauge == Some(Fails::ByDestination) {
            metrics = metrics.reporter(Reporter::Destination).subset_label("destination_version");
        }
        let mut source = Prometheus::new(&url, metrics, scene.subsets())?
            .every(Duration::from_millis(120))
            .lag(Duration::from_millis(80))
            .timeout(Duration::from_secs(1));
        for guardrail in &scene.plan.guardrails {
            if let Check::SlowRatio(slow) = &guardrail.check
                && let Some(threshold) = slow.threshold
            {
                source = source.slower_than(threshold);
            }
        }
        Ok(source)
    }
}

fn input(inputs: Inputs, number: u64) -> Input<'static> {
    match inputs {
        Inputs::Numbers => Tensor::new(vec![1, 2], TensorData::Float(vec![0.5; 2])).unwrap().into(),
        Inputs::Equal => Input::files([b"the one photo".to_vec()]),
        _ => Input::files([number.to_le_bytes().to_vec()]),
    }
}

fn samples(inputs: Inputs) -> impl Stream<Item = Result<Sample>> + Send + 'static {
    let sample = move |number| Ok(Sample::new(format!("photo {number}"), input(inputs, number)));
    let (count, waits) = match inputs {
        Inputs::Few(count) => (count, false),
        Inputs::Waits(count) => (count, true),
        _ => (u64::MAX, false),
    };
    let given = stream::iter((0..count).map(sample));
    let rest = if waits { stream::pending().left_stream() } else { stream::empty().right_stream() };
    given.chain(rest)
}
