//! Calls that are dropped at every moment of their way: later calls of the same client get their own answers.

use std::{sync::atomic::AtomicU64, sync::atomic::Ordering, time::Duration};

use canary_core::{
    predict::{Client, Input, Retry},
    tensor::{DType, TensorData},
};
use canary_lab::{
    model::{Model, ModelError, Signature, TensorInfo, Tensors},
    server::{ModelServer, Served},
};
use futures_util::{StreamExt, stream};

use crate::TURN;

/// Answers with its input, after a wait that differs from call to call.
#[derive(Debug)]
struct Echo {
    signatures: Vec<Signature>,
    calls: AtomicU64,
}

impl Echo {
    fn new() -> Self {
        let text = |name: &str| TensorInfo::batch(name, DType::String, &[]);
        let signature = Signature::new("serving_default", text("x"), vec![text("y")]);
        Self { signatures: vec![signature], calls: AtomicU64::new(0) }
    }
}

impl Model for Echo {
    fn signatures(&self) -> &[Signature] {
        &self.signatures
    }

    fn predict(&self, _: &str, inputs: Tensors) -> Result<Tensors, ModelError> {
        Ok(inputs.into_iter().map(|(_, tensor)| ("y".to_owned(), tensor)).collect())
    }

    fn wait(&self) -> Duration {
        Duration::from_micros(self.calls.fetch_add(1, Ordering::Relaxed) * 617 % 4000)
    }

    fn is_heavy(&self) -> bool {
        false
    }
}

/// Asks with a text of its own, and looks whether the answer is the same.
async fn ask(client: &Client, number: usize) -> bool {
    // Some requests take several writes, and their answers several reads.
    let text = format!("{number} ").repeat(1 + number % 7 * 9_000).into_bytes();
    let answer = client.predict(Input::named([("x", vec![text.clone()])])).await.unwrap();
    *answer.single().unwrap().data() == TensorData::String(vec![text])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dropped_call_leaves_nothing_to_the_next() {
    let _turn = TURN.lock().await;
    let server = ModelServer::start([Served::new("m", Echo::new())]).await.unwrap();
    for scheme in ["http", "grpc"] {
        let client = Client::new(&format!("{scheme}://{}", server.address())).unwrap().model("m");
        let client = client.retry(Retry::never());
        let (mut dropped, mut right) = (0, 0);
        let mut calls = stream::iter(0..900_usize)
            .map(|number| {
                let client = &client;
                async move {
                    let call = ask(client, number);
                    if number % 3 != 0 {
                        return Some(call.await);
                    }
                    // From before the request is written to after the answer is read.
                    let time = Duration::from_micros(u64::try_from(number).unwrap() * 7);
                    tokio::time::timeout(time, call).await.ok()
                }
            })
            .buffer_unordered(16);
        while let Some(outcome) = calls.next().await {
            match outcome {
                None => dropped += 1,
                Some(same) => {
                    assert!(same, "{scheme}: the answer to another call");
                    right += 1;
                }
            }
        }
        assert!(dropped >= 100 && right >= 600, "{scheme}: {dropped} dropped, {right} right");
    }
}
