//! An API server that refuses, forgets and goes away, while the canary fails: it is still rolled back.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use canary_core::{cluster::ObjectRef, stats::Random};
use canary_lab::model::Code;
use canary_tests::chaos::{Call, Fault, Refusal, Verb};
use serde_json::json;

use crate::{
    actor::Acts,
    scene::{APP, Evidence, Inputs, Scene, When},
    table::{Cell, Way, failed, refused, rolled_back, way},
};

fn lease() -> ObjectRef {
    let name = format!("canary-rollout-{APP}");
    ObjectRef::new("coordination.k8s.io/v1", "Lease", "default", name)
}

/// The canary fails from its 7th answer on.
fn fails(scene: &mut Scene) {
    scene.canary.acts_later(Acts::Fails(1.0, Code::NotFound));
}

/// After the canary's first weight, all calls of some time are refused.
fn refuses(scene: &mut Scene, refusal: Refusal, time: Duration) {
    fails(scene);
    let since = Arc::new(Mutex::new(None::<Instant>));
    let began = Arc::clone(&since);
    scene.when(When::First, move |_| {
        began.lock().unwrap().get_or_insert_with(Instant::now);
    });
    // A reader never meets a conflict or a wrong field.
    let of_writes = matches!(refusal, Refusal::Conflict | Refusal::Invalid);
    scene.faults = Some(Arc::new(move |call: &Call<'_>| {
        let since = since.lock().unwrap();
        let away = since.is_some_and(|since| since.elapsed() < time);
        let meets = !of_writes || call.writes_route();
        if away && meets { Fault::Before(refusal) } else { Fault::None }
    }));
}

/// Each n-th write of the routes meets this.
fn each(scene: &mut Scene, every: usize, fault: Fault) {
    fails(scene);
    // Each write without a response has the canary probed again before its first weight; pairs of two steps ask it 120
    // times, the requests of two steps 40 times.
    scene.canary.after = if scene.evidence == Evidence::Pairs { 90 } else { 30 };
    let writes = AtomicUsize::new(0);
    scene.faults = Some(Arc::new(move |call: &Call<'_>| {
        let hit =
            call.writes_route() && writes.fetch_add(1, Ordering::Relaxed) % every == every - 1;
        if hit { fault } else { Fault::None }
    }));
}

/// The response of the n-th write of the routes is lost, and then the server is away for a while.
fn lost(scene: &mut Scene, number: usize, time: Duration) {
    fails(scene);
    let (writes, since) = (AtomicUsize::new(0), Mutex::new(None::<Instant>));
    scene.faults = Some(Arc::new(move |call: &Call<'_>| {
        let mut since = since.lock().unwrap();
        if since.is_some_and(|since| since.elapsed() < time) {
            return Fault::Before(Refusal::Reset);
        }
        if call.writes_route() && writes.fetch_add(1, Ordering::Relaxed) + 1 == number {
            *since = Some(Instant::now());
            return Fault::After(Refusal::Reset);
        }
        Fault::None
    }));
}

/// The canary goes back for what it fails with, whatever the API server does.
const BACK: [Cell; 4] =
    [rolled_back("404"), rolled_back("404"), rolled_back("404"), rolled_back("canary")];

const SHORT: Duration = Duration::from_millis(700);

pub(super) const WAYS: &[Way] = &[
    way("API: 401 for a while", |scene| refuses(scene, Refusal::Unauthorized, SHORT), BACK),
    way("API: 403 for a while", |scene| refuses(scene, Refusal::Forbidden, SHORT), BACK),
    way("API: 409 for a while", |scene| refuses(scene, Refusal::Conflict, SHORT), BACK),
    way("API: 422 for a while", |scene| refuses(scene, Refusal::Invalid, SHORT), BACK),
    way("API: 429 for a while", |scene| refuses(scene, Refusal::Busy, SHORT), BACK),
    way("API: 504 for a while", |scene| refuses(scene, Refusal::Timeout, SHORT), BACK),
    way(
        "API: connections are reset for a while",
        |scene| refuses(scene, Refusal::Reset, SHORT),
        BACK,
    ),
    way(
        "API: each second write is a conflict",
        |scene| each(scene, 2, Fault::Before(Refusal::Conflict)),
        BACK,
    ),
    way(
        "API: each write comes through and says 504",
        |scene| each(scene, 1, Fault::After(Refusal::Timeout)),
        BACK,
    ),
    way(
        "API: the first weight's response is lost, then it is away",
        |scene| lost(scene, 2, SHORT),
        BACK,
    ),
    way(
        "API: the rollback's response is lost, then it is away",
        |scene| lost(scene, 3, SHORT),
        BACK,
    ),
    way(
        "API: a fifth of the calls is reset",
        |scene| {
            fails(scene);
            let calls = Mutex::new(Random::new(scene.evidence as u64 + 20));
            let started = Arc::new(AtomicUsize::new(0));
            let begun = Arc::clone(&started);
            scene.when(When::First, move |_| begun.store(1, Ordering::Relaxed));
            scene.faults = Some(Arc::new(move |_: &Call<'_>| {
                let hit = calls.lock().unwrap().below(5) == 0;
                let begun = started.load(Ordering::Relaxed) > 0;
                if hit && begun { Fault::Before(Refusal::Reset) } else { Fault::None }
            }));
        },
        BACK,
    ),
    way(
        "API: every watch expires",
        |scene| {
            fails(scene);
            scene.faults = Some(Arc::new(|call: &Call<'_>| match call.verb {
                Verb::Watch => Fault::Before(Refusal::Expired),
                _ => Fault::None,
            }));
        },
        BACK,
    ),
    way(
        "API: the Lease is deleted",
        |scene| {
            fails(scene);
            scene.canary.after = 15;
            scene.when(When::First, |stage| stage.delete(&lease()));
        },
        BACK,
    ),
    way(
        "API: another driver takes the Lease",
        |scene| {
            scene.inputs = Inputs::Waits(30);
            scene.when(When::First, |stage| {
                stage.dismiss_users();
                let taken = json!([
                    {"op": "replace", "path": "/spec/holderIdentity", "value": "another"},
                    {"op": "replace", "path": "/spec/leaseDurationSeconds", "value": 3_600},
                ]);
                stage.patch(&lease(), taken);
            });
        },
        [failed("held by another"); 4],
    ),
    way(
        "API: the pods behind a subset may not be read",
        |scene| {
            scene.faults = Some(Arc::new(|call: &Call<'_>| match call.object.kind.as_str() {
                "Pod" | "Deployment" => Fault::Before(Refusal::Forbidden),
                _ => Fault::None,
            }));
        },
        [refused("403"); 4],
    ),
    way(
        "API: nothing is permitted",
        |scene| {
            scene.faults = Some(Arc::new(|_: &Call<'_>| Fault::Before(Refusal::Forbidden)));
        },
        [refused("403"); 4],
    ),
    way(
        "API: it is away from the beginning",
        |scene| {
            scene.faults = Some(Arc::new(|_: &Call<'_>| Fault::Before(Refusal::Reset)));
        },
        [refused("cannot be reached"); 4],
    ),
];
