//! Drivers that are killed before and after every single write, to the cluster and to the servers.

use canary_core::{Verdict, cluster::Progress, serving::ConfiguredServers};
use canary_lab::model::Scripted;
use futures_util::StreamExt;

use super::{
    deaths::{Death, Mortal},
    scene::{Scene, before},
};

/// Runs a driver until its verdict, or until it is killed.
async fn live(scene: &Scene, death: &Death) -> Option<Verdict> {
    let client = scene.client(0);
    let servers = Mortal { inner: ConfiguredServers::like(&client), death: death.clone() };
    let cluster = Mortal { inner: scene.store.clone(), death: death.clone() };
    let life = async {
        let (mut run, _control) = scene.start_on(cluster, servers, client).await.unwrap();
        while let Some(progress) = run.next().await {
            if let Progress::Finished { verdict, .. } = progress.unwrap() {
                return verdict;
            }
        }
        panic!("a run ended without a verdict");
    };
    tokio::select! {
        verdict = life => Some(verdict),
        () = death.dead.notified() => None,
    }
}

/// Kills a driver at every write in turn, and has a second one finish. Gives the number of kills.
async fn kill_everywhere(canary: impl Fn() -> Scripted, after: bool, promotes: bool) -> u64 {
    for write in 0.. {
        let scene = Scene::new(Some(canary())).await;
        let death = Death::at(write, after);
        let first = live(&scene, &death).await;
        let stable = scene.labels("stable").await;
        if first.is_none() {
            // Without evidence for it no server has been moved; a file that is moved goes after all servers.
            let moved = stable.contains(&Some(42));
            assert!(promotes || !moved, "write {write}: {stable:?}");
            let file = scene.file().await;
            if file != before().to_text() {
                assert_eq!(stable, [Some(42), Some(42)], "write {write}: the file is written last");
            }
        }
        let killed = first.is_none();
        let verdict = match first {
            Some(verdict) => verdict,
            None => scene.verdict().await,
        };
        let says = matches!(verdict, Verdict::Promote { .. });
        assert_eq!(says, promotes, "write {write}, after {after}: {verdict}");
        if promotes {
            scene.assert_promoted().await;
        } else {
            scene.assert_rolled_back().await;
        }
        if !killed {
            // The life was shorter than that.
            assert!(death.writes() <= write, "{} writes", death.writes());
            return write;
        }
    }
    unreachable!("a driver writes a limited number of times")
}

/// The writes of a release: the state before and after each of its phases, and two reloads a server at least.
const LEAST: u64 = 8;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_good_release_is_finished_wherever_its_driver_is_killed() {
    for after in [false, true] {
        let kills = kill_everywhere(|| Scripted::new("cat", 0.8), after, true).await;
        assert!(kills >= LEAST, "{kills}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bad_release_is_taken_back_wherever_its_driver_is_killed() {
    for after in [false, true] {
        let kills = kill_everywhere(|| Scripted::new("dog", 0.8), after, false).await;
        assert!(kills >= LEAST, "{kills}");
    }
}
