//! A person's hand on a release that another process drives, as one suite for the lab's store, for its Kubernetes
//! API and for a real API server.

use std::time::Duration;

use canary_core::{
    Plan, Verdict,
    cluster::{Cluster, Driver, ObjectRef, Patch, Progress, Release, status},
    evidence::{Recorder, Source},
    rollout::{
        Approval, COMMAND_ANNOTATION, Cause, CommandOutcome, CommandRecord, Error, Percent, Result,
        Split,
    },
};
use futures_util::StreamExt;
use serde_json::json;
use tokio::sync::mpsc;

use crate::{
    backend::{Backend, on_each},
    rollouts::{APP, by_hand, feed, live, plan, set_up, weights},
};

on_each!(
    a_person_pauses_and_resumes_from_another_process,
    a_step_waits_for_approval,
    an_abort_leaves_everything_at_the_stable_version,
    a_promotion_is_recorded_as_a_persons,
    a_canary_of_which_nothing_was_seen_is_not_promoted,
    kubectl_annotates,
    of_two_at_once_the_later_one_wins_and_both_are_recorded,
    a_release_without_a_driver_is_aborted_with_its_plan,
    a_command_without_a_release_is_refused,
);

/// A driver in a task of its own, as another process would have it, with its events.
struct Driven {
    recorder: Recorder,
    events: mpsc::UnboundedReceiver<Progress>,
    task: tokio::task::JoinHandle<()>,
}

impl Driven {
    async fn start<C: Cluster + 'static>(cluster: C, plan: Plan) -> Self {
        let (recorder, source) = by_hand();
        let (mut run, control) = driver(cluster, plan, source).start().await.unwrap();
        let (sender, events) = mpsc::unbounded_channel();
        let task = tokio::spawn(async move {
            let _control = control;
            while let Some(progress) = run.next().await {
                let progress = progress.unwrap();
                if !matches!(progress, Progress::Seen(_)) {
                    let _ = sender.send(progress);
                }
            }
        });
        Self { recorder, events, task }
    }

    /// Waits for an event; what comes before it is passed over.
    async fn until<T>(&mut self, mut wanted: impl FnMut(&Progress) -> Option<T>) -> T {
        let found = async {
            let mut passed = Vec::new();
            loop {
                let Some(event) = self.events.recv().await else { panic!("after {passed:?}") };
                if let Some(found) = wanted(&event) {
                    return found;
                }
                passed.push(event);
            }
        };
        tokio::time::timeout(Duration::from_secs(60), found).await.expect("the event comes")
    }

    async fn written(&mut self, canary: u32) {
        let wanted = |event: &Progress| match event {
            Progress::Written { split, .. } if split.canary == canary => Some(()),
            _ => None,
        };
        self.until(wanted).await;
    }

    async fn verdict(&mut self) -> Verdict {
        let wanted = |event: &Progress| match event {
            Progress::Finished { verdict, .. } => Some(verdict.clone()),
            _ => None,
        };
        self.until(wanted).await
    }
}

fn driver<C: Cluster + 'static>(
    cluster: C,
    plan: Plan,
    source: impl Source + 'static,
) -> Driver<C> {
    // It stores nothing by itself for an hour, so only the watch and the commands make it.
    Driver::new(cluster, plan)
        .unwrap()
        .source(source)
        .probe(|| async { Ok(()) })
        .tick(Duration::from_millis(50))
        .save_every(Duration::from_secs(3_600))
        .holder("driver")
}

fn release<B: Backend>(backend: &B, by: &str) -> Release<B::Handle> {
    Release::of(backend.handle(by, false), APP).namespace(backend.namespace()).by(by)
}

fn refusal(result: Result<CommandRecord>) -> String {
    match result {
        Err(Error::Refused { action, reason }) => format!("{action}: {reason}"),
        other => panic!("{other:?}"),
    }
}

async fn a_person_pauses_and_resumes_from_another_process(backend: &impl Backend) {
    let (cluster, space) = (backend.canary(), backend.namespace());
    set_up(&cluster, space).await;
    let mut driven = Driven::start(cluster.clone(), plan(space)).await;
    driven.written(50).await;
    let alice = release(backend, "alice");
    let record = alice.pause().await.unwrap();
    assert_eq!((record.by.as_str(), record.command.as_str()), ("alice", "pause"));
    driven.until(|event| matches!(event, Progress::Paused).then_some(())).await;
    assert!(refusal(alice.pause().await).contains("paused already"));
    feed(&driven.recorder, 1_000, u64::MAX);
    let found = status(&cluster, space, APP, None).await.unwrap();
    assert!(found.to_string().contains("pause by alice, "), "{found}");
    assert!(found.rollout.unwrap().paused);
    assert_eq!(weights(&cluster, space).await.canary, 50, "it holds");
    alice.resume().await.unwrap();
    let verdict = driven.verdict().await;
    assert!(matches!(verdict, Verdict::Promote { .. }), "{verdict}");
    assert!(refusal(alice.pause().await).contains("the release is over: promote"));
    driven.task.await.unwrap();
}

async fn a_step_waits_for_approval(backend: &impl Backend) {
    let (cluster, space) = (backend.canary(), backend.namespace());
    set_up(&cluster, space).await;
    let mut plan = plan(space);
    plan.steps[1].approve = Some(Approval::new());
    let mut driven = Driven::start(cluster.clone(), plan).await;
    driven.written(50).await;
    let alice = release(backend, "alice");
    assert!(refusal(alice.approve().await).contains("no step waits for approval"));
    feed(&driven.recorder, 1_000, u64::MAX);
    let step = driven
        .until(|event| match event {
            Progress::AwaitingApproval { step, .. } => Some(*step),
            _ => None,
        })
        .await;
    assert_eq!((step, weights(&cluster, space).await.canary), (1, Percent::from(50)));
    // The event comes a moment before the state is stored.
    let shown = async {
        while !status(&cluster, space, APP, None)
            .await
            .unwrap()
            .to_string()
            .contains("step 1 waits for approval")
        {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), shown).await.expect("the status shows it");
    alice.approve().await.unwrap();
    let verdict = driven.verdict().await;
    assert!(matches!(verdict, Verdict::Promote { .. }), "{verdict}");
    assert_eq!(weights(&cluster, space).await, Split::CANARY);
}

async fn an_abort_leaves_everything_at_the_stable_version(backend: &impl Backend) {
    let (cluster, space) = (backend.canary(), backend.namespace());
    set_up(&cluster, space).await;
    let before = live(&cluster, space).await;
    let mut driven = Driven::start(cluster.clone(), plan(space)).await;
    driven.written(50).await;
    feed(&driven.recorder, 100, u64::MAX);
    let record = release(backend, "alice").abort("the labels are shifted").await.unwrap();
    assert_eq!(weights(&cluster, space).await, Split::STABLE, "it is there when the call returns");
    assert_eq!(record.why, "the labels are shifted");
    let verdict = driven.verdict().await;
    let Verdict::Rollback { evidence: Cause::Asked(why), .. } = &verdict else {
        panic!("{verdict}")
    };
    assert_eq!(why, "the labels are shifted (alice)");
    assert_eq!(live(&cluster, space).await["spec"], before["spec"], "nothing of the run is left");
}

async fn a_promotion_is_recorded_as_a_persons(backend: &impl Backend) {
    let (cluster, space) = (backend.canary(), backend.namespace());
    set_up(&cluster, space).await;
    let mut driven = Driven::start(cluster.clone(), plan(space)).await;
    driven.written(50).await;
    feed(&driven.recorder, 100, u64::MAX);
    let alice = release(backend, "alice");
    // The requests are on their way to the driver.
    let record = loop {
        match alice.promote("a fix is urgent").await {
            Ok(record) => break record,
            Err(Error::Refused { reason, .. }) => {
                assert!(reason.contains("answered no request yet"), "{reason}");
            }
            Err(error) => panic!("{error}"),
        }
    };
    assert_eq!(record.outcome, CommandOutcome::Done);
    assert_eq!(weights(&cluster, space).await, Split::CANARY);
    let verdict = driven.verdict().await;
    let Verdict::PromotedByPerson { by, why, .. } = &verdict else { panic!("{verdict}") };
    assert_eq!((by.as_str(), why.as_str()), ("alice", "a fix is urgent"));
    let text = verdict.to_string();
    assert!(text.contains("not by the evidence") && text.contains("of 400 requests"), "{text}");
    // The next run of the plan tells whose verdict it was.
    let mut again = Driven::start(cluster.clone(), plan(space)).await;
    assert_eq!(again.verdict().await.name(), "promotedByPerson");
}

async fn a_canary_of_which_nothing_was_seen_is_not_promoted(backend: &impl Backend) {
    let (cluster, space) = (backend.canary(), backend.namespace());
    set_up(&cluster, space).await;
    let mut driven = Driven::start(cluster.clone(), plan(space)).await;
    driven.written(50).await;
    let alice = release(backend, "alice");
    let refused = refusal(alice.promote("it looks fine").await);
    assert!(refused.contains("nothing shows that the canary serves"), "{refused}");
    assert_eq!(weights(&cluster, space).await.canary, 50);
    alice.abort("").await.unwrap();
    assert!(matches!(driven.verdict().await, Verdict::Rollback { .. }));
}

async fn annotate(cluster: &impl Cluster, space: &str, command: &str) {
    let place = format!("/metadata/annotations/{}", COMMAND_ANNOTATION.replace('/', "~1"));
    let patch: Patch =
        serde_json::from_value(json!([{"op": "add", "path": place, "value": command}])).unwrap();
    cluster.patch(&ObjectRef::virtual_service(space, APP), &patch).await.unwrap();
}

/// The annotation as `kubectl annotate` writes it: without a name, which is then that of the field manager.
async fn kubectl_annotates(backend: &impl Backend) {
    let (cluster, space) = (backend.canary(), backend.namespace());
    let kubectl = backend.handle("kubectl-annotate", false);
    set_up(&cluster, space).await;
    let mut driven = Driven::start(cluster.clone(), plan(space)).await;
    driven.written(50).await;
    for (command, done) in
        [("pause 1", true), ("resume 2", true), ("paws 3", false), ("pause", false)]
    {
        annotate(&kubectl, space, command).await;
        let record = driven
            .until(|event| match event {
                Progress::Commanded(record) => Some(record.clone()),
                _ => None,
            })
            .await;
        assert_eq!(record.outcome == CommandOutcome::Done, done, "{record}");
        assert_eq!(record.by, "kubectl-annotate", "{record}");
    }
    annotate(&kubectl, space, "abort 4 by=alice the labels are shifted").await;
    let verdict = driven.verdict().await;
    assert!(
        verdict.to_string().contains("rolled back on request: the labels are shifted (alice)"),
        "{verdict}"
    );
    assert_eq!(weights(&cluster, space).await, Split::STABLE);
    let records = release(backend, "bob").commands().await.unwrap();
    assert_eq!(records.len(), 5, "{records:?}");
}

async fn of_two_at_once_the_later_one_wins_and_both_are_recorded(backend: &impl Backend) {
    let (cluster, space) = (backend.canary(), backend.namespace());
    set_up(&cluster, space).await;
    let mut driven = Driven::start(cluster.clone(), plan(space)).await;
    driven.written(50).await;
    let (alice, bob) = (release(backend, "alice"), release(backend, "bob"));
    let (one, other) = tokio::join!(alice.pause(), bob.pause());
    let done = |result: &Result<CommandRecord>| match result {
        Ok(_) => true,
        Err(Error::Refused { reason, .. }) => {
            assert!(reason.contains("later command") || reason.contains("already"), "{reason}");
            false
        }
        Err(error) => panic!("{error}"),
    };
    assert_eq!(u32::from(done(&one)) + u32::from(done(&other)), 1, "{one:?} {other:?}");
    let records = alice.commands().await.unwrap();
    let mut people: Vec<_> = records.iter().map(|record| record.by.as_str()).collect();
    people.sort_unstable();
    assert_eq!(people, ["alice", "bob"]);
    bob.abort("enough").await.unwrap();
    driven.verdict().await;
}

async fn a_release_without_a_driver_is_aborted_with_its_plan(backend: &impl Backend) {
    let (cluster, space) = (backend.canary(), backend.namespace());
    set_up(&cluster, space).await;
    let before = live(&cluster, space).await;
    let (_recorder, source) = by_hand();
    let lease = Duration::from_secs(1);
    let (mut run, control) =
        driver(cluster.clone(), plan(space), source).lease(lease).start().await.unwrap();
    crate::rollouts::written(&mut run, 50).await;
    drop((run, control));
    tokio::time::sleep(lease + Duration::from_millis(200)).await;
    let alice = release(backend, "alice");
    let Err(error @ Error::NotReady { .. }) = alice.pause().await else { panic!() };
    assert!(error.to_string().contains("no driver runs it"), "{error}");
    assert_eq!(weights(&cluster, space).await.canary, 50);
    let record = alice.plan(plan(space)).abort("nothing watches it").await.unwrap();
    assert_eq!(record.outcome, CommandOutcome::Done);
    assert_eq!(weights(&cluster, space).await, Split::STABLE);
    assert_eq!(live(&cluster, space).await["spec"], before["spec"], "nothing of the run is left");
    let records = release(backend, "bob").commands().await.unwrap();
    assert_eq!(records[0].outcome, CommandOutcome::Superseded, "the pause: {records:?}");
}

async fn a_command_without_a_release_is_refused(backend: &impl Backend) {
    let (cluster, space) = (backend.canary(), backend.namespace());
    let alice = release(backend, "alice");
    assert!(matches!(alice.pause().await, Err(Error::NotFound { .. })));
    set_up(&cluster, space).await;
    let refused = refusal(alice.pause().await);
    assert!(refused.contains("no release is under way on it"), "{refused}");
    let annotations = &live(&cluster, space).await["metadata"]["annotations"];
    assert!(annotations.get(COMMAND_ANNOTATION).is_none(), "nothing is written");
}
