//! The requests to a cluster and to the models, counted on their way.

use std::time::Duration;

use canary_lab::store::Store;
use canary_metrics::{Format, Measured, Metrics};
use canary_rollout::{
    BoxError, Error, HeaderRoute, Result,
    cluster::{Cluster, ObjectRef, Patch, WatchEvent},
    evidence::{
        Predicted, PredictionFailure, PredictionInput, PredictionRequest, PredictionResponse,
        PredictionRoute, Predictor,
    },
};
use futures_util::{Stream, StreamExt, stream};
use serde_json::{Value, json};

use crate::support::{plan, sample};

const REQUESTS: &str = "canary_api_requests_total";

fn of(verb: &str, result: &str) -> String {
    format!("verb=\"{verb}\",result=\"{result}\"")
}

fn patch(path: &str, value: &Value) -> Patch {
    serde_json::from_value(json!([{"op": "test", "path": path, "value": value}])).unwrap()
}

#[tokio::test]
async fn calls_are_counted_by_verb_and_answer_and_passed_on() {
    let metrics = Metrics::new();
    let cluster = Measured::new(Store::new(), metrics.run(&plan()));
    let config = json!({
        "apiVersion": "v1", "kind": "ConfigMap", "data": {"a": "b"},
        "metadata": {"name": "words", "namespace": "default"},
    });
    let words = ObjectRef::of(&config).unwrap();
    assert_eq!(cluster.get(&words).await.unwrap(), None);
    cluster.apply(&config).await.unwrap();
    let live = cluster.get(&words).await.unwrap().unwrap();
    assert_eq!(live["data"]["a"], "b");
    cluster.patch(&words, &patch("/data/a", &json!("b"))).await.unwrap();
    let error = cluster.patch(&words, &patch("/data/a", &json!("c"))).await.unwrap_err();
    assert!(matches!(error, Error::Conflict { .. }), "{error:?}");
    assert_eq!(cluster.list("v1", "ConfigMap", None).await.unwrap().len(), 1);
    let mut watch = Box::pin(cluster.watch(&words));
    assert!(matches!(watch.next().await, Some(Ok(WatchEvent::Applied(_)))));
    assert!(cluster.delete(&words).await.unwrap());
    assert!(!cluster.delete(&words).await.unwrap());
    for (verb, result, count) in [
        ("get", "not_found", 1.0),
        ("get", "ok", 1.0),
        ("apply", "ok", 1.0),
        ("patch", "ok", 1.0),
        ("patch", "conflict", 1.0),
        ("list", "ok", 1.0),
        ("delete", "ok", 1.0),
        ("delete", "not_found", 1.0),
        ("watch", "unavailable", 0.0),
    ] {
        assert_eq!(sample(&metrics, REQUESTS, &of(verb, result)), Some(count), "{verb} {result}");
    }
    assert_eq!(sample(&metrics, REQUESTS, &of("watch", "ok")), None, "only failures");
    let durations = "canary_api_request_duration_seconds";
    assert_eq!(sample(&metrics, &format!("{durations}_count"), "verb=\"get\""), Some(2.0));
    let all = format!(
        "{durations}_bucket{{le=\"+Inf\",namespace=\"default\",object=\"pets\",verb=\"get\"}} 2"
    );
    assert!(metrics.text(Format::OpenMetrics).lines().any(|line| line == all), "{all}");
}

#[tokio::test]
async fn without_metrics_a_cluster_is_only_passed_on() {
    let cluster = Measured::new(Store::new(), None);
    assert_eq!(cluster.get(&ObjectRef::virtual_service("default", "pets")).await.unwrap(), None);
    assert!(cluster.inner().objects().is_empty());
}

/// A cluster that fails always: its watch breaks off twice and ends.
#[derive(Clone)]
struct Down;

fn down<T>() -> Result<T> {
    Err(Error::Cluster {
        action: "get".to_owned(),
        reason: "the API server cannot be reached".to_owned(),
        retryable: true,
        source: None,
    })
}

impl Cluster for Down {
    async fn get(&self, _: &ObjectRef) -> Result<Option<Value>> {
        down()
    }

    async fn list(&self, _: &str, _: &str, _: Option<&str>) -> Result<Vec<Value>> {
        down()
    }

    async fn apply(&self, _: &Value) -> Result<Value> {
        down()
    }

    async fn patch(&self, _: &ObjectRef, _: &Patch) -> Result<Value> {
        down()
    }

    async fn patch_scale(&self, _: &ObjectRef, _: &Patch) -> Result<Value> {
        down()
    }

    async fn delete(&self, _: &ObjectRef) -> Result<bool> {
        down()
    }

    fn watch(&self, _: &ObjectRef) -> impl Stream<Item = Result<WatchEvent>> + Send + 'static {
        stream::iter([down(), down()])
    }
}

#[tokio::test]
async fn failures_of_every_verb_are_counted() {
    let metrics = Metrics::new();
    let cluster = Measured::new(Down, metrics.run(&plan()));
    let object = ObjectRef::virtual_service("default", "pets");
    assert!(cluster.get(&object).await.is_err());
    assert!(cluster.list("v1", "Pod", None).await.is_err());
    assert!(cluster.apply(&json!({})).await.is_err());
    assert!(cluster.patch(&object, &Patch(Vec::new())).await.is_err());
    assert!(cluster.patch_scale(&object, &Patch(Vec::new())).await.is_err());
    assert!(cluster.delete(&object).await.is_err());
    assert_eq!(cluster.watch(&object).count().await, 2);
    for (verb, count) in [
        ("get", 1.0),
        ("list", 1.0),
        ("apply", 1.0),
        ("patch", 1.0),
        ("patch_scale", 1.0),
        ("delete", 1.0),
        ("watch", 2.0),
    ] {
        let found = sample(&metrics, REQUESTS, &of(verb, "unavailable"));
        assert_eq!(found, Some(count), "{verb}");
    }
}

struct Word(&'static str);

impl PredictionInput for Word {
    fn digest(&self) -> Result<u64, BoxError> {
        Ok(0)
    }

    fn batch_len(&self) -> Option<usize> {
        Some(1)
    }
}

/// Does what the word says.
#[derive(Clone)]
struct Obedient;

impl Predictor for Obedient {
    type Input = Word;

    async fn predict(&self, request: PredictionRequest<'_, Word>) -> Result<PredictionResponse> {
        let failure =
            |sent| PredictionFailure { problem: "no".to_owned(), sent, error: "no".into() };
        let outcome = match request.input.0 {
            "answer" => Ok(Predicted { classes: Ok(Vec::new()) }),
            "fail" => Err(failure(true)),
            "hang up" => Err(failure(false)),
            word => return Err(Error::Predictor(word.into())),
        };
        Ok(PredictionResponse { subset: None, latency: Duration::ZERO, outcome })
    }

    fn read(&self, name: &str) -> Result<Word, String> {
        Err(format!("{name} is not here"))
    }
}

#[tokio::test]
async fn requests_to_the_models_are_counted_by_route_and_outcome() {
    let metrics = Metrics::new();
    let predictor = metrics.run(&plan()).measure(Obedient);
    let header = HeaderRoute { name: "user-group".to_owned(), value: "canary".to_owned() };
    let divided = PredictionRoute::Divided { without: None };
    for (route, word) in [
        (divided, "answer"),
        (divided, "fail"),
        (divided, "answer"),
        (PredictionRoute::Header(&header), "hang up"),
        (PredictionRoute::Header(&header), "refuse"),
    ] {
        let request = PredictionRequest { input: &Word(word), route, classes: true, repeat: false };
        let _ = predictor.predict(request).await;
    }
    assert_eq!(predictor.read("cat.jpg").err().unwrap(), "cat.jpg is not here");
    for (route, result, count) in [
        ("weights", "ok", 2.0),
        ("weights", "failed", 1.0),
        ("header", "not_connected", 1.0),
        ("header", "invalid_input", 1.0),
        ("header", "ok", 0.0),
    ] {
        let labels = format!("route=\"{route}\",result=\"{result}\"");
        let found = sample(&metrics, "canary_prediction_requests_total", &labels);
        assert_eq!(found, Some(count), "{labels}");
    }
}
