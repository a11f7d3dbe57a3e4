//! Kills and faults on a real API server, by a clock that runs twenty times as fast.

use std::{sync::Arc, time::Duration};

use canary_core::{
    cluster::{Clock, Cluster, Driver, Kubernetes, ObjectRef},
    evidence::{Kind, Observation, Observations, Seen, Source, Timestamp},
    rollout::Result,
    stats::Random,
};
use canary_tests::{apiserver::ApiServer, chaos::Ledger};
use futures_util::{
    Stream, StreamExt,
    stream::{self, FuturesUnordered},
};
use serde_json::json;

use crate::{
    fast::Fast,
    life::{APP, Death, Ended, end_problems, live, plan, set_up},
    proxy::Proxy,
    search::{Of, Tally, Weather},
    users::Service,
};

/// The requests of users, who follow the weights in force.
fn users(
    clock: Fast,
    ledger: Arc<Ledger>,
    service: Service,
    seed: u64,
) -> impl Stream<Item = Result<(Timestamp, Seen)>> + Send + 'static {
    let began = (Random::new(seed), clock.now().0);
    stream::unfold(began, move |(mut random, at)| {
        let ledger = Arc::clone(&ledger);
        async move {
            let wait = Timestamp(at).since(clock.now());
            if !wait.is_zero() {
                clock.sleep(wait).await;
            }
            let weight = ledger.weights().map_or(0, |weights| weights.canary);
            let what = Seen::Request(service.request(weight, &mut random));
            let pause = service.pause(&mut random);
            // Sent now, by the weights of now, also where the machine was too slow.
            let sent = clock.now();
            Some((Ok((sent, what)), (random, at + pause)))
        }
    })
}

/// A source that is new in each life.
struct Anew<S>(S);

impl<S: Stream<Item = Result<(Timestamp, Seen)>> + Send + 'static> Source for Anew<S> {
    fn name(&self) -> &'static str {
        "users"
    }

    fn provides(&self) -> Vec<Kind> {
        vec![Kind::Requests]
    }

    fn observations(self: Box<Self>, after: Option<u64>) -> Observations {
        let first = after.map_or(0, |after| after + 1);
        let source: Arc<str> = self.name().into();
        // By a clock of its own, which the order of sending of a caller's stream would take for the future.
        Box::pin(self.0.enumerate().map(move |(number, item)| {
            let (at, what) = item?;
            let sequence = Some(first + number as u64);
            Ok(Observation { source: Arc::clone(&source), sequence, at, what })
        }))
    }
}

/// One rollout in a namespace of its own.
async fn run(server: &ApiServer, seed: u64, of: Of) -> Tally {
    let namespace = format!("kills-{}-{seed}", format!("{of:?}").to_lowercase());
    server.namespace(&namespace).await;
    let admin = server.connect("admin").await.unwrap();
    set_up(&admin, &namespace).await;
    let mut random = Random::of_run(31, seed);
    let bad = random.bernoulli(0.5);
    let service = Service { stable: 0.02, canary: if bad { 0.25 } else { 0.02 }, rate: 20.0 };
    let plan = plan(&namespace, [40, 200]);
    let (clock, ledger) = (Fast::new(), Arc::new(Ledger::new(&plan)));
    let weather = (of != Of::Kills).then(|| Weather::new(seed));
    let proxy = Proxy::new(admin.clone(), Arc::clone(&ledger), clock, &namespace, weather);
    let listening = proxy.listen().await;
    let kubeconfig = json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "c",
        "clusters": [{"name": "c", "cluster": {"server": listening.url()}}],
        "users": [{"name": "u", "user": {}}],
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
    })
    .to_string();
    let mut tally = Tally { runs: 1, ..Tally::default() };
    for _ in 0..2_000 {
        let mean_life = Duration::from_secs(5 + random.below(20));
        let death = match of {
            Of::Faults => Death::never(),
            _ => Death::of(&mut random, clock.now().0, mean_life),
        };
        *proxy.death.lock().unwrap() = death;
        let cluster = Kubernetes::from_kubeconfig(&kubeconfig, None).await.unwrap();
        let users = Anew(users(clock, Arc::clone(&ledger), service, random.bits()));
        let driver = Driver::new(cluster, plan.clone()).unwrap();
        let driver = driver.clock(clock).holder("driver").source(users);
        let life = tokio::spawn(live(driver.probe(|| async { Ok(()) })));
        match until_death(life, &proxy, clock, death).await {
            Ended::Killed => tally.kills += 1,
            Ended::Error(error) => {
                if of == Of::Kills {
                    tally.problems.push(format!("seed {seed}: {error}"));
                }
                tally.errors += 1;
                clock.sleep(Duration::from_secs(2)).await;
            }
            Ended::Verdict(verdict) => {
                let get = async |object| admin.get(&object).await.unwrap().unwrap();
                let routes = get(ObjectRef::virtual_service(&namespace, APP)).await;
                let rule = get(ObjectRef::destination_rule(&namespace, APP)).await;
                let found = end_problems(&ledger, &routes, &rule, &verdict);
                tally.conclude(seed, bad, &verdict, found);
                let weather = proxy.weather.as_ref();
                tally.faults = weather.map_or(0, |weather| weather.lock().unwrap().faults);
                tally.writes = ledger.writes();
                return tally;
            }
        }
    }
    tally.problems.push(format!("seed {seed}: no verdict after 2 000 lives"));
    tally
}

async fn until_death(
    mut life: tokio::task::JoinHandle<Ended>,
    proxy: &Proxy,
    clock: Fast,
    death: Death,
) -> Ended {
    let anyhow = async {
        match death.anyhow() {
            u64::MAX => std::future::pending().await,
            at => clock.sleep(Timestamp(at).since(clock.now())).await,
        }
    };
    let ended = tokio::select! {
        ended = &mut life => Some(ended.unwrap()),
        () = anyhow => None,
        () = proxy.dead.notified() => None,
    };
    if let Some(ended) = ended {
        return ended;
    }
    life.abort();
    // Nothing of it continues, unless it had come to its end just before.
    life.await.unwrap_or(Ended::Killed)
}

/// Rollouts until there were so many kills and faults, some at a time; `None` without the server.
pub(crate) async fn search(of: Of, kills: u64, faults: u64) -> Option<Tally> {
    const AT_A_TIME: usize = 4;
    let server = ApiServer::shared().await?;
    let mut tally = Tally::default();
    let mut seeds = 0..;
    let mut under_way = FuturesUnordered::new();
    loop {
        // A long rollout holds up no other; all that began are counted, whatever they come to.
        while under_way.len() < AT_A_TIME && (tally.kills < kills || tally.faults < faults) {
            under_way.extend(seeds.next().map(|seed| run(server, seed, of)));
        }
        match under_way.next().await {
            Some(run) => tally.add(run),
            None => return Some(tally),
        }
    }
}
