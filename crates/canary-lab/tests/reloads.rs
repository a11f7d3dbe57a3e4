//! A server with a model config file takes reloads as TensorFlow Serving does.

use std::time::Duration;

use canary_core::{
    error::{Origin, PredictError},
    predict::{Client, Input, State},
    serving::{Error, ModelConfig, ModelServerConfig, VersionPolicy},
};
use canary_lab::{
    model::{Model, ModelError, Scripted, Signature, Tensors},
    server::{Configured, Folders, ModelServer},
};

const PATH: &str = "/models/pets";

fn pets(versions: &[i64]) -> ModelConfig {
    ModelConfig::new("pets", PATH).policy(VersionPolicy::Specific(versions.to_vec()))
}

fn only(model: ModelConfig) -> ModelServerConfig {
    ModelServerConfig::new([model])
}

fn folders() -> Folders {
    let folders = Folders::default();
    folders.add(PATH, 41, Scripted::new("cat", 0.9));
    folders.add(PATH, 42, Scripted::new("dog", 0.8));
    folders.add_broken(PATH, 43, "saved_model.pb is cut off");
    folders.add("/models/other", 50, Scripted::new("cow", 0.8));
    folders
}

async fn server() -> (ModelServer, Client) {
    start(Configured::new(only(pets(&[41]).label("stable", 41)), folders())).await
}

async fn start(settings: Configured) -> (ModelServer, Client) {
    let server = ModelServer::configured(settings).await.unwrap();
    let client = Client::new(&server.url().replace("http://", "grpc://")).unwrap().model("pets");
    (server, client)
}

/// Waits until a version is in a state.
async fn until(client: &Client, version: i64, state: State) {
    let wait = async {
        while client.status().await.unwrap().state_of(version) != Some(state) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), wait).await.expect("the state is reached");
}

fn predict_error(error: Error) -> PredictError {
    let Error::Predict(error) = error else { panic!("{error}") };
    *error
}

async fn label(client: &Client, label: &str) -> Option<i64> {
    client.clone().label(label).metadata().await.unwrap().version
}

#[tokio::test]
async fn a_version_is_loaded_first_and_labelled_second() {
    // Without the flag for labels of versions that are not loaded; then the file has none.
    let strict = Configured::new(only(pets(&[41])), folders()).allows_unavailable(false);
    let (_server, client) = start(strict).await;
    client.reload(&only(pets(&[41]).label("stable", 41))).await.unwrap();
    // Load and label in one reload: the labels come first, so nothing of it is applied, again and again.
    let both = only(pets(&[41, 42]).label("stable", 41).label("canary", 42));
    for _ in 0..2 {
        let error = predict_error(client.reload(&both).await.unwrap_err());
        assert_eq!((error.origin, error.grpc_code), (Origin::Server, Some(9)), "{error}");
        assert!(error.message.contains("canary to version 42"), "{error}");
        assert!(error.help.contains("load the version by a reload of its own"), "{error}");
        tokio::time::sleep(Duration::from_millis(60)).await;
        assert_eq!(client.status().await.unwrap().to_string(), "41 AVAILABLE");
    }
    client.reload(&only(pets(&[41, 42]).label("stable", 41))).await.unwrap();
    until(&client, 42, State::Available).await;
    client.reload(&both).await.unwrap();
    assert_eq!(
        (label(&client, "stable").await, label(&client, "canary").await),
        (Some(41), Some(42))
    );
    let image: &[u8] = b"x";
    let files = client.clone().signature("serving_preprocess");
    let answer = files.clone().label("canary").predict(Input::files([image])).await.unwrap();
    assert_eq!(answer.version(), Some("42"));
    assert_eq!(answer.top().unwrap()[0].0, "dog");
    // Without a label the highest version that is available answers.
    let answer = files.predict(Input::files([image])).await.unwrap();
    assert_eq!(answer.version(), Some("42"));
    // Promotion, and then the label of the canary is gone.
    client.reload(&only(pets(&[41, 42]).label("stable", 42))).await.unwrap();
    assert_eq!(label(&client, "stable").await, Some(42));
    let error = client.clone().label("canary").metadata().await.unwrap_err();
    let error = predict_error(error);
    assert_eq!(
        (error.grpc_code, error.message.contains("Unrecognized")),
        (Some(3), true),
        "{error}"
    );
}

#[tokio::test]
async fn rest_tells_the_same() {
    let (server, client) = server().await;
    let rest = Client::new(&server.url()).unwrap().model("pets");
    let error = predict_error(rest.clone().label("canary").metadata().await.unwrap_err());
    assert_eq!((error.origin, error.status), (Origin::Server, Some(400)), "{error}");
    // The status ignores labels, even unknown ones.
    assert_eq!(rest.clone().label("canary").status().await.unwrap().to_string(), "41 AVAILABLE");
    client.reload(&only(pets(&[41, 43]).label("stable", 41))).await.unwrap();
    until(&rest, 43, State::End).await;
    let status = rest.status().await.unwrap();
    assert_eq!(status.versions[0].error_code, "INTERNAL");
    assert_eq!(status.versions[0].error_message, "saved_model.pb is cut off");
    assert_eq!(client.status().await.unwrap(), status);
    // A label to a version that is dropped: the label is known, and its version is not.
    let latest = ModelConfig::new("pets", "/models/other").policy(VersionPolicy::Latest(1));
    client.reload(&only(latest.label("stable", 41))).await.unwrap();
    until(&client, 41, State::End).await;
    let error = predict_error(rest.label("stable").metadata().await.unwrap_err());
    assert_eq!(error.status, Some(404), "{error}");
}

#[tokio::test]
async fn a_reload_replaces_everything() {
    let (_server, client) = server().await;
    let cars = ModelConfig::new("cars", PATH).policy(VersionPolicy::Latest(1));
    // A new name is waited for; its newest version cannot be loaded.
    let error = predict_error(client.reload(&ModelServerConfig::new([cars])).await.unwrap_err());
    assert!(error.message.contains("saved_model.pb is cut off"), "{error}");
    // A model that the new configuration does not name is unloaded.
    let error = predict_error(client.status().await.unwrap_err());
    assert_eq!((error.origin, error.grpc_code), (Origin::Server, Some(5)), "{error}");
    let findings = client.reload(&ModelServerConfig::default()).await.unwrap_err().to_string();
    assert!(findings.contains("has no model"), "the client sends no empty list: {findings}");
}

#[tokio::test]
async fn a_server_that_refuses_says_so() {
    let (server, client) = server().await;
    server.refuse_reloads(true);
    let error = predict_error(client.reload(&only(pets(&[41, 42]))).await.unwrap_err());
    assert_eq!((error.origin, error.grpc_code), (Origin::Server, Some(13)), "{error}");
    let fixed = ModelServer::start([]).await.unwrap();
    let fixed = Client::new(&fixed.url().replace("http://", "grpc://")).unwrap();
    let error = predict_error(fixed.reload(&only(pets(&[41]))).await.unwrap_err());
    assert_eq!((error.origin, error.grpc_code), (Origin::Server, Some(12)), "{error}");
    let rest = Client::new("http://127.0.0.1:1").unwrap();
    let error = predict_error(rest.reload(&only(pets(&[41]))).await.unwrap_err());
    assert_eq!(error.origin, Origin::Request, "{error}");
    assert!(error.help.contains("grpc://host:8500"), "{error}");
    let nobody = Client::new("grpc://127.0.0.1:1").unwrap();
    let error = predict_error(nobody.reload(&only(pets(&[41]))).await.unwrap_err());
    assert_eq!(error.origin, Origin::Network, "{error}");
}

#[tokio::test]
async fn a_deadline_is_the_clients_own() {
    /// Takes a second to load.
    #[derive(Debug)]
    struct Slow(Scripted);
    impl Model for Slow {
        fn signatures(&self) -> &[Signature] {
            self.0.signatures()
        }
        fn predict(&self, signature: &str, inputs: Tensors) -> Result<Tensors, ModelError> {
            self.0.predict(signature, inputs)
        }
        fn loading(&self) -> Duration {
            Duration::from_secs(1)
        }
    }
    let folders = folders();
    folders.add("/models/slow", 1, Slow(Scripted::new("cat", 0.9)));
    let config = only(pets(&[41]).label("stable", 41));
    let server = ModelServer::configured(Configured::new(config, folders)).await.unwrap();
    let client = Client::new(&server.url().replace("http://", "grpc://")).unwrap().model("slow");
    let slow = ModelConfig::new("slow", "/models/slow");
    let short = client.clone().timeout(Duration::from_millis(100));
    let error = predict_error(
        short.reload(&ModelServerConfig::new([pets(&[41]), slow])).await.unwrap_err(),
    );
    assert!(error.timed_out, "{error}");
    assert!(error.help.contains("may complete the reload after the deadline"), "{error}");
    // And it does.
    until(&client, 1, State::Available).await;
}

#[tokio::test]
async fn a_start_from_a_file_with_labels_needs_the_flag() {
    let labelled = || only(pets(&[41, 42]).label("stable", 42));
    let without = Configured::new(labelled(), folders()).allows_unavailable(false);
    let error = ModelServer::configured(without).await.unwrap_err().to_string();
    assert!(
        error.contains("ends at its start") && error.contains("stable to version 42"),
        "{error}"
    );
    let server = ModelServer::configured(Configured::new(labelled(), folders())).await.unwrap();
    let client = Client::new(&server.url()).unwrap().model("pets");
    until(&client, 42, State::Available).await;
    assert_eq!(label(&client, "stable").await, Some(42));
    // The flag permits new labels, not moved ones.
    let grpc = Client::new(&server.url().replace("http://", "grpc://")).unwrap();
    let moved = only(pets(&[41, 42]).label("stable", 40));
    // The client refuses it before it is sent; 43 is served and cannot be loaded.
    assert!(grpc.reload(&moved).await.is_err());
    let moved = only(pets(&[41, 42, 43]).label("stable", 43));
    let error = predict_error(grpc.reload(&moved).await.unwrap_err());
    assert_eq!(error.grpc_code, Some(9), "{error}");
    let new = only(pets(&[41, 42, 43]).label("stable", 42).label("next", 43));
    grpc.reload(&new).await.unwrap();
    let error = predict_error(client.label("next").metadata().await.unwrap_err());
    assert_eq!(error.status, Some(404), "{error}");
}

#[tokio::test]
async fn a_start_without_a_version_fails() {
    for (versions, said) in [(&[44][..], "No versions of servable pets"), (&[43], "is cut off")] {
        let settings = Configured::new(only(pets(versions)), folders());
        let error = ModelServer::configured(settings).await.unwrap_err().to_string();
        assert!(error.contains(said), "{error}");
    }
    let empty = Configured::new(ModelServerConfig::default(), folders());
    assert!(ModelServer::configured(empty).await.is_err());
}
