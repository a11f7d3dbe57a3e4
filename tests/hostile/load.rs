//! The lab under load: no request is lost while weights change, memory stays, and idle connections are in nobody's way.

use std::{
    env,
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    time::{Duration, Instant},
};

use canary_core::{
    DestinationRule, Gateway, VirtualService,
    predict::{Client, Retry},
    serving::Workload,
};
use canary_lab::{Lab, model::Scripted};
use canary_tests::memory;
use tokio::net::TcpStream;

use crate::TURN;

const APP: &str = "app";

/// The time under load: a few seconds, or `CANARY_SECONDS`.
fn duration() -> Duration {
    let seconds = env::var("CANARY_SECONDS").ok().and_then(|text| text.parse().ok());
    Duration::from_secs(seconds.unwrap_or(6))
}

fn split(stable: i32) -> VirtualService {
    let split = VirtualService::weighted(APP, [("v1", stable), ("v2", 100 - stable)]);
    split.hosts(["*"]).gateway("gateway").port(8501).stamp_subset(Client::SUBSET_HEADER)
}

fn lab() -> Lab {
    let lab = Lab::builder()
        .seed(7)
        .model("m/v1", Scripted::new("suit", 0.9))
        .model("m/v2", Scripted::new("gown", 0.8))
        .start()
        .unwrap();
    for version in ["v1", "v2"] {
        let workload = Workload::new(APP, version).model("m", format!("m/{version}"));
        for object in workload.objects().unwrap() {
            lab.apply(&object).unwrap();
        }
    }
    lab.apply(&Gateway::http("gateway", 80, ["*"])).unwrap();
    lab.apply(&DestinationRule::subsets(APP, ["v1", "v2"])).unwrap();
    lab.apply(&split(100)).unwrap();
    lab.wait_ready(Duration::from_secs(10)).unwrap();
    lab
}

fn client(lab: &Lab) -> Client {
    let client = Client::new(&lab.gateway_url()).unwrap().model("m");
    client.signature("serving_preprocess").retry(Retry::never())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_request_is_lost_while_weights_change() {
    let _turn = TURN.lock().await;
    let lab = lab();
    let client = client(&lab);
    let (over, served) = (AtomicBool::new(false), AtomicUsize::new(0));
    let change = async {
        let (start, time) = (Instant::now(), duration());
        let (mut changes, mut before) = (0_i32, None);
        while start.elapsed() < time {
            lab.apply(&split(changes * 37 % 101)).unwrap();
            changes += 1;
            tokio::time::sleep(Duration::from_millis(500)).await;
            // After the connections are made and the counters are there.
            if before.is_none() && start.elapsed() > time / 3 {
                before = Some(memory::used());
            }
        }
        over.store(true, Ordering::Relaxed);
        (changes, before.unwrap(), memory::used())
    };
    let asking = futures_util::future::join_all((0..64).map(|_| async {
        while !over.load(Ordering::Relaxed) {
            let answer = client.predict(vec![1_u8]).await;
            assert!(answer.is_ok(), "{answer:?}");
            served.fetch_add(1, Ordering::Relaxed);
        }
    }));
    let ((changes, before, after), _) = futures_util::future::join(change, asking).await;
    let served = served.into_inner();
    println!(
        "64 connections for {} s: {served} requests, none lost, {changes} changes of weights, {} kB in use, {} kB before",
        duration().as_secs(),
        after >> 10,
        before >> 10
    );
    assert!(served > 64 * 10, "{served}");
    assert!(after < before + (4 << 20), "memory grew from {before} to {after} bytes");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn idle_connections_are_in_nobodys_way() {
    let _turn = TURN.lock().await;
    let lab = lab();
    let mut idle = Vec::new();
    for _ in 0..5_000 {
        idle.push(TcpStream::connect(lab.gateway_address()).await.unwrap());
    }
    let client = client(&lab).timeout(Duration::from_secs(5));
    for _ in 0..100 {
        client.predict(vec![1_u8]).await.unwrap();
    }
    assert_eq!(idle.len(), 5_000);
}
