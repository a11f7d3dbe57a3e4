//! Whole releases: good, bad, and with servers that are started again meanwhile.

use std::time::Duration;

use canary_core::{
    Verdict,
    cluster::Progress,
    predict::{Client, Input},
    rollout::Cause,
    serving::{ConfiguredServers, ModelConfig, ModelServerConfig, VersionPolicy},
};
use canary_lab::model::{Code, Scripted};

use super::scene::{PATH, Scene, before, to_verdict};

#[tokio::test]
async fn a_good_version_gets_the_clients_label() {
    let scene = Scene::new(Some(Scripted::new("cat", 0.8))).await;
    let (run, _control) = scene.start().await.unwrap();
    let mut reports = Vec::new();
    let verdict = to_verdict(run, |progress| reports.push(format!("{progress:?}"))).await;
    assert!(matches!(verdict, Verdict::Promote { pairs: 30.., .. }), "{verdict}\n{reports:#?}");
    scene.assert_promoted().await;
    // The same plan again finds the verdict of the first run.
    let again = scene.verdict().await;
    assert!(matches!(again, Verdict::Promote { .. }), "{again}");
}

#[tokio::test]
async fn over_rest_the_labels_are_in_the_path() {
    let scene = Scene::new(Some(Scripted::new("cat", 0.8))).await;
    let rest = Client::new(&scene.servers[1].url()).unwrap();
    let rest = rest.model("pets").signature("serving_preprocess");
    let servers = ConfiguredServers::like(&rest);
    let (run, _control) = scene.start_on(scene.store.clone(), servers, rest).await.unwrap();
    let verdict = to_verdict(run, |_| {}).await;
    assert!(matches!(verdict, Verdict::Promote { .. }), "{verdict}");
    scene.assert_promoted().await;
}

#[tokio::test]
async fn a_version_that_disagrees_is_taken_away() {
    let scene = Scene::new(Some(Scripted::new("dog", 0.8))).await;
    let verdict = scene.verdict().await;
    assert!(
        matches!(&verdict, Verdict::Rollback { guardrail, .. } if guardrail == "agreement"),
        "{verdict}"
    );
    scene.assert_rolled_back().await;
}

#[tokio::test]
async fn a_version_that_fails_is_taken_away() {
    let broken = Scripted::new("cat", 0.8).errors(1.0).error_code(Code::Internal);
    let scene = Scene::new(Some(broken)).await;
    let verdict = scene.verdict().await;
    assert!(matches!(verdict, Verdict::Rollback { .. }), "{verdict}");
    scene.assert_rolled_back().await;
}

#[tokio::test]
async fn a_version_that_is_not_there_is_told_and_not_waited_for_without_end() {
    let scene = Scene::new(None).await;
    let verdict = scene.verdict().await;
    let Verdict::Rollback { evidence: Cause::NotReady(why), .. } = &verdict else {
        panic!("{verdict}")
    };
    assert!(why.contains("does not know version 42"), "{why}");
    assert!(why.contains("check that the folder 42 is in the model's base_path"), "{why}");
    scene.assert_rolled_back().await;
    // It comes, and the same plan is another experiment.
    scene.folders.add(PATH, 42, Scripted::new("cat", 0.8));
    let verdict = scene.verdict().await;
    assert!(matches!(verdict, Verdict::Promote { .. }), "{verdict}");
    scene.assert_promoted().await;
}

#[tokio::test]
async fn a_version_that_cannot_be_loaded_is_told_with_the_servers_words() {
    let scene = Scene::new(None).await;
    scene.folders.add_broken(PATH, 42, "saved_model.pb is cut off");
    let verdict = scene.verdict().await;
    let Verdict::Rollback { evidence: Cause::NotReady(why), .. } = &verdict else {
        panic!("{verdict}")
    };
    assert!(why.contains("cannot be loaded") && why.contains("saved_model.pb is cut off"), "{why}");
    scene.assert_rolled_back().await;
}

#[tokio::test]
async fn another_version_under_the_label_ends_the_release() {
    let scene = Scene::new(Some(Scripted::new("cat", 0.8))).await;
    let mut plan = scene.plan.clone();
    plan.steps[0].hold.pairs = Some(10_000);
    let scene = Scene { plan, ..scene };
    let (run, _control) = scene.start().await.unwrap();
    // Somebody gives the canary's label to the old version on one server.
    let mut pets = before().models[1].clone().policy(VersionPolicy::Specific(vec![41, 42]));
    pets = pets.label("canary", 41);
    let other = ModelServerConfig::new([before().models[0].clone(), pets]);
    let client = scene.client(1);
    let (sender, receiver) = tokio::sync::oneshot::channel::<()>();
    let mut sender = Some(sender);
    let moving = tokio::spawn(async move {
        receiver.await.unwrap();
        client.reload(&other).await.unwrap();
    });
    let verdict = to_verdict(run, |progress| {
        if matches!(progress, Progress::Written { step: 0, .. }) {
            sender.take().unwrap().send(()).unwrap();
        }
    });
    let verdict = verdict.await;
    moving.await.unwrap();
    let Verdict::ExternalEdit { diff } = &verdict else { panic!("{verdict}") };
    assert!(
        diff.to_string().contains("version_labels[canary] of server classifiers-v1-1"),
        "{diff}"
    );
    assert_eq!(scene.file().await, before().to_text());
    // The rollout's own label is gone; the other server is as somebody has left it.
    assert_eq!(scene.labels("canary").await, [None, Some(41)]);
}

#[tokio::test]
async fn a_server_that_is_started_again_is_no_evidence() {
    let mut scene = Scene::new(Some(Scripted::new("cat", 0.8))).await;
    scene.plan.steps[0].hold.pairs = Some(400);
    let (mut run, _control) = scene.start().await.unwrap();
    let mut verdict = None;
    while verdict.is_none() {
        let progress = futures_util::StreamExt::next(&mut run).await.unwrap().unwrap();
        match progress {
            // The server that the pairs ask is started again from the file, which has no canary.
            Progress::Written { step: 0, .. } => {
                scene.restart(0).await;
                assert_eq!(scene.labels("canary").await[0], None);
            }
            Progress::Finished { verdict: found, .. } => verdict = Some(found),
            _ => {}
        }
    }
    let verdict = verdict.unwrap();
    assert!(matches!(verdict, Verdict::Promote { .. }), "{verdict}");
    scene.assert_promoted().await;
    // A server that is started from the file afterwards serves the new version to the clients.
    scene.restart(1).await;
    assert_eq!(scene.labels("stable").await, [Some(42), Some(42)]);
    let answer = scene.client(1).label("stable").predict(Input::files([b"x".as_slice()])).await;
    assert_eq!(answer.unwrap().version(), Some("42"));
}

#[tokio::test]
async fn a_server_that_refuses_leaves_no_mixed_labels() {
    let scene = Scene::new(Some(Scripted::new("cat", 0.8))).await;
    let (run, _control) = scene.start().await.unwrap();
    let mut waited = 0;
    let verdict = to_verdict(run, |progress| match progress {
        // From the first step on the second server refuses, so that the promotion moves one of two.
        Progress::Written { step: 0, .. } => scene.servers[1].refuse_reloads(true),
        Progress::Waiting { problem, .. } => {
            assert!(problem.contains("classifiers-v1-1"), "{problem}");
            waited += 1;
            // The rollback waits for the server; it takes reloads again.
            scene.servers[1].refuse_reloads(false);
        }
        _ => {}
    });
    let verdict = verdict.await;
    let Verdict::Rollback { evidence: Cause::NotReady(why), .. } = &verdict else {
        panic!("{verdict}")
    };
    assert!(why.contains("reload the models of server classifiers-v1-1"), "{why}");
    assert!(why.contains("the model server returned an error"), "{why}");
    assert!(waited > 0);
    scene.assert_rolled_back().await;
}

#[tokio::test]
async fn a_change_of_another_model_meanwhile_is_kept() {
    let mut scene = Scene::new(Some(Scripted::new("cat", 0.8))).await;
    scene.plan.steps[0].hold.pairs = Some(200);
    let (mut run, _control) = scene.start().await.unwrap();
    loop {
        let progress = futures_util::StreamExt::next(&mut run).await.unwrap().unwrap();
        if matches!(progress, Progress::Written { step: 0, .. }) {
            break;
        }
    }
    let mut other = before();
    other.models[0] = ModelConfig::new("cars", "/models/cars").policy(VersionPolicy::Latest(3));
    let patch = serde_json::json!([
        {"op": "add", "path": "/data/models.config", "value": other.to_text()},
    ]);
    let object = scene.plan.target.state_object();
    let patch = serde_json::from_value(patch).unwrap();
    canary_core::cluster::Cluster::patch(&scene.store, &object, &patch).await.unwrap();
    let verdict = to_verdict(run, |_| {}).await;
    assert!(matches!(verdict, Verdict::Promote { .. }), "{verdict}");
    let file: ModelServerConfig = scene.file().await.parse().unwrap();
    assert_eq!(file.models[0].policy, VersionPolicy::Latest(3));
    assert_eq!(file.models[1].labels["stable"], 42);
    assert_eq!(scene.labels("stable").await, [Some(42), Some(42)]);
    tokio::time::sleep(Duration::from_millis(1)).await;
}
