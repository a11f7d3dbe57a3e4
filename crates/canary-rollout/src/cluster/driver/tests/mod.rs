mod aa;
mod commands;
mod edits;
mod evidence;
mod fixtures;
mod percent;
mod refusals;
mod scale_down;
mod several_routes;
mod sources;
mod sticky;
mod store;

use fixtures::{Canary, FAILING, GOOD, Jumping, Patient, WRONG, driver, finish, to_the_end};
use serde_json::{Value, json};
use store::{Inner, Store, Trouble};

use std::time::Duration;

use super::*;
use crate::{
    Cause, Error, Gate, Guardrail, Hold, Missing, OnInconclusive, Percent, Plan, Result, Split,
    Step, Verdict, Why,
    evidence::{Kind, Source},
    patch::STATE_ANNOTATION,
};

fn plan() -> Plan {
    Plan::new("image-classifier", "resnet50", "resnet101")
        .header("user-group", "canary")
        .step(Step::new(20).hold(Hold::total_requests(300)))
        .step(Step::new(50).hold(Hold::total_requests(300).and_pairs(60)))
        .step(Step::new(100))
        .settle(Duration::ZERO)
        .guardrail(Guardrail::error_ratio(1.0))
        .guardrail(Guardrail::agreement(0.95))
}

fn run(future: impl Future) {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future);
}

/// A rollout that nothing disturbs: its verdict, the store afterwards and the number of calls.
async fn undisturbed(canary: Canary) -> (Verdict, Store, usize) {
    let store = Store::new(&plan());
    let verdict = finish(driver(&plan(), &store, canary, u64::MAX)).await.unwrap().unwrap();
    let calls = store.inner().calls;
    (verdict, store, calls)
}

fn routes(store: &Store) -> Value {
    store.virtual_service()["spec"].clone()
}

#[test]
fn a_good_canary_is_promoted_and_a_bad_one_leaves_no_trace() {
    run(async {
        let (verdict, store, _) = undisturbed(GOOD).await;
        assert!(matches!(verdict, Verdict::Promote { .. }), "{verdict}");
        assert_eq!(store.canary_weight(), 100);
        assert_eq!(routes(&store)["http"].as_array().unwrap().len(), 2, "the header route is gone");
        let written: Vec<_> = store.inner().splits.iter().map(|split| split.canary).collect();
        assert!(written.is_sorted(), "{written:?}");

        for (canary, guardrail) in [(FAILING, "errorRatio"), (WRONG, "agreement")] {
            let (verdict, store, _) = undisturbed(canary).await;
            assert!(
                matches!(&verdict, Verdict::Rollback { guardrail: by, .. } if by == guardrail),
                "{verdict}"
            );
            let before = Store::new(&plan());
            assert_eq!(routes(&store), routes(&before), "routes are as they were");
            assert_eq!(store.rule()["spec"], before.rule()["spec"], "the subset is gone");
        }
    });
}

/// Kills the driver at every call: before its effect, after it, and with an effect whose answer is lost.
#[test]
fn a_driver_killed_at_every_boundary_ends_with_the_same_verdict() {
    run(async {
        for canary in [GOOD, FAILING, WRONG] {
            let (expected, reference, calls) = undisturbed(canary).await;
            assert!(calls > 15, "{calls}");
            for call in 0..calls {
                for trouble in [
                    Trouble::HangsBefore(call),
                    Trouble::HangsAfter(call),
                    Trouble::FailsAfter(call),
                ] {
                    let store = Store::new(&plan());
                    store.trouble(trouble);
                    let first = finish(driver(&plan(), &store, canary, u64::MAX)).await;
                    assert_eq!(
                        first.is_none(),
                        !matches!(trouble, Trouble::FailsAfter(_)),
                        "{trouble:?}: {first:?}"
                    );
                    store.trouble(Trouble::None);
                    let verdict = match first {
                        Some(Ok(verdict)) => verdict,
                        _ => finish(driver(&plan(), &store, canary, u64::MAX))
                            .await
                            .unwrap()
                            .unwrap(),
                    };
                    alike(&verdict, &expected, &trouble);
                    assert_eq!(routes(&store), routes(&reference), "{trouble:?}");
                    assert_eq!(store.rule()["spec"], reference.rule()["spec"], "{trouble:?}");
                    of_the_plan(&store);
                }
            }
        }
    });
}

/// The server is away for longer than any number of quick attempts, or every answer of a while is lost.
#[test]
fn a_server_that_is_away_for_long_only_delays_the_verdict() {
    run(async {
        for canary in [GOOD, FAILING, WRONG] {
            let (expected, reference, calls) = undisturbed(canary).await;
            for call in 4..calls {
                for trouble in
                    [Trouble::Away(call, 40), Trouble::Silent(call, 2), Trouble::Silent(call, 40)]
                {
                    let store = Store::new(&plan());
                    store.trouble(trouble);
                    let started = driver(&plan(), &store, canary, u64::MAX).start().await;
                    let (mut run, _control) = match started {
                        Ok(started) => started,
                        // Before the run has begun, the caller gets the error.
                        Err(error) => {
                            assert!(error.is_retryable(), "{trouble:?}: {error}");
                            continue;
                        }
                    };
                    let verdict = to_the_end(&mut run).await.unwrap();
                    let verdict = verdict.unwrap_or_else(|error| panic!("{trouble:?}: {error}"));
                    assert_eq!(verdict.name(), expected.name(), "{trouble:?}: {verdict}");
                    assert_eq!(routes(&store), routes(&reference), "{trouble:?}");
                    assert_eq!(store.rule()["spec"], reference.rule()["spec"], "{trouble:?}");
                    of_the_plan(&store);
                }
            }
        }
    });
}

/// A rollback that is decided while the server is away is carried out once it is back, and the wait is reported.
#[test]
fn a_rollback_is_never_forgotten() {
    use futures_util::StreamExt;
    run(async {
        let store = Store::new(&plan());
        let (mut run, _control) = driver(&plan(), &store, FAILING, u64::MAX).start().await.unwrap();
        while store.canary_weight() == 0 {
            run.next().await.unwrap().unwrap();
        }
        store.trouble(Trouble::Away(0, 500));
        let mut attempts = Vec::new();
        let verdict = loop {
            match run.next().await.unwrap().unwrap() {
                Progress::Waiting { problem, attempt, .. } => {
                    assert!(problem.contains("the connection was cut"), "{problem}");
                    attempts.push(attempt);
                }
                Progress::Finished { verdict, .. } => break verdict,
                _ => {}
            }
        };
        assert!(matches!(verdict, Verdict::Rollback { .. }), "{verdict}");
        assert!(attempts.len() >= 500 && attempts[0] == 1, "{attempts:?}");
        assert_eq!(live_weight(&store), 0);
    });
}

/// More than a thousand kills at random calls and observations; that many lives take some ten seconds unoptimised.
#[test]
fn a_driver_killed_again_and_again_under_load_ends_with_the_same_verdict() {
    run(async {
        let mut random = canary_stats::Random::new(11);
        let mut kills = 0;
        let canaries = [GOOD, FAILING, WRONG];
        let mut expected = Vec::new();
        for canary in canaries {
            expected.push(undisturbed(canary).await.0);
        }
        for round in 0..300 {
            let canary = canaries[round % 3];
            let store = Store::new(&plan());
            let mut hangs_at = 0;
            let verdict = loop {
                // Each driver lives a little longer than the one before, so that the last one reaches the end.
                hangs_at += random.below(120);
                let call = usize::try_from(random.below(80)).unwrap();
                store.trouble(if random.bernoulli(0.5) {
                    Trouble::HangsAfter(call)
                } else {
                    Trouble::HangsBefore(call)
                });
                match finish(driver(&plan(), &store, canary, hangs_at)).await {
                    Some(verdict) => break verdict.unwrap(),
                    None => kills += 1,
                }
            };
            alike(&verdict, &expected[round % 3], &round);
            of_the_plan(&store);
        }
        assert!(kills >= 1_000, "{kills}");
    });
}

/// The same end by the same guardrail. After an interruption evidence decides when it is stored, and so has more
/// numbers.
fn alike(found: &Verdict, expected: &Verdict, when: &dyn std::fmt::Debug) {
    let guardrail = |verdict: &Verdict| match verdict {
        Verdict::Rollback { guardrail, .. } => guardrail.clone(),
        _ => String::new(),
    };
    let of = |verdict: &Verdict| (verdict.name(), guardrail(verdict));
    assert_eq!(of(found), of(expected), "{when:?}: {found}");
}

/// Equal except for the last digit of numbers that were stored as text.
fn same(found: &Verdict, expected: &Verdict, when: &dyn std::fmt::Debug) {
    assert_eq!(found.to_string(), expected.to_string(), "{when:?}");
}

/// The canary's weight in the object itself.
fn live_weight(store: &Store) -> Percent {
    crate::patch::locate(&plan(), &store.virtual_service()).unwrap().split.unwrap().canary
}

fn of_the_plan(store: &Store) {
    let allowed = plan().splits();
    for split in &store.inner().splits {
        assert!(allowed.contains(split), "{split} is not in the plan");
    }
}

#[test]
fn a_guardrail_without_a_source_is_refused() {
    run(async {
        let store = Store::new(&plan());
        let custom =
            plan().guardrail(Guardrail::custom("sure", 0.5)).guardrail(Guardrail::accuracy());
        let error = driver(&custom, &store, GOOD, 0).start().await.unwrap_err().to_string();
        assert!(
            error.contains("guardrails[3] (sure)") && error.contains("labels")
                || error.contains("label"),
            "{error}"
        );
        let silent = Driver::new(store.clone(), plan()).unwrap().clock(Jumping::default());
        let error = silent.start().await.unwrap_err().to_string();
        assert!(error.contains("steps[0].hold") && error.contains("probe"), "{error}");
        assert_eq!(store.inner().calls, 0, "nothing was read or written");
    });
}

#[test]
fn gates_are_evaluated_through_the_probe() {
    struct Answers(&'static str);
    impl Probe for Answers {
        fn reach(&self) -> futures_util::future::BoxFuture<'_, Result<(), Missing>> {
            Box::pin(async { Ok(()) })
        }
        fn classify<'a>(
            &'a self,
            _: &'a str,
        ) -> futures_util::future::BoxFuture<'a, Option<String>> {
            Box::pin(async { Some(self.0.to_owned()) })
        }
    }
    run(async {
        let mut gated =
            plan().gate(Gate::new("golden").image("grace_hopper.jpg", "military uniform"));
        gated.steps[0].gates.push("golden".into());
        for (answer, weight) in [("military uniform", 100), ("academic gown", 0)] {
            let store = Store::new(&gated);
            let gated = driver(&gated, &store, GOOD, u64::MAX).probe(Answers(answer));
            let verdict = finish(gated).await.unwrap().unwrap();
            assert_eq!(store.canary_weight(), weight, "{verdict}");
        }
    });
}

#[test]
fn it_pauses_resumes_and_aborts() {
    use futures_util::StreamExt;
    run(async {
        let store = Store::new(&plan());
        let driver = driver(&plan(), &store, GOOD, u64::MAX);
        let (mut run, control) = driver.start().await.unwrap();
        assert!(control.pause());
        let mut ticks = 0;
        while ticks < 20 {
            match run.next().await.unwrap().unwrap() {
                Progress::Seen(snapshot) => {
                    ticks += 1;
                    assert!(snapshot.step == 0 && snapshot.held.is_zero(), "{snapshot:?}");
                }
                Progress::Finished { verdict, .. } => panic!("{verdict}"),
                _ => {}
            }
        }
        let stored = store.virtual_service()["metadata"]["annotations"][STATE_ANNOTATION].clone();
        assert!(stored.as_str().unwrap().contains("\"paused\":true"), "{stored}");
        assert!(control.resume());
        while store.inner().splits.last() != Some(&Split::new(50)) {
            run.next().await.unwrap().unwrap();
        }
        assert!(control.abort("enough"));
        let verdict = to_the_end(&mut run).await.unwrap().unwrap();
        assert!(verdict.to_string().contains("enough"));
        assert_eq!(store.canary_weight(), 0);
        assert!(run.next().await.is_none());
    });
}

#[test]
fn a_finished_rollout_says_so_again_and_another_plan_may_follow() {
    run(async {
        let (expected, store, _) = undisturbed(FAILING).await;
        let before = store.virtual_service();
        let again = finish(driver(&plan(), &store, GOOD, u64::MAX)).await.unwrap().unwrap();
        same(&again, &expected, &"again");
        assert_eq!(store.virtual_service()["spec"], before["spec"]);
        let other = plan().alpha(0.04);
        let verdict = finish(driver(&other, &store, GOOD, u64::MAX)).await.unwrap().unwrap();
        assert!(matches!(verdict, Verdict::Promote { .. }));
        let (_, store, _) = undisturbed(FAILING).await;
        let anew = finish(driver(&plan(), &store, GOOD, u64::MAX).anew()).await.unwrap().unwrap();
        assert!(matches!(anew, Verdict::Promote { .. }), "{anew}");
        let store = Store::new(&plan());
        assert!(finish(driver(&plan(), &store, GOOD, 100)).await.is_none());
        let error = finish(driver(&other, &store, GOOD, u64::MAX)).await.unwrap().unwrap_err();
        assert!(error.to_string().contains("plan was changed"), "{error}");
    });
}

/// Suspended at every call and observation that a person may choose, also while a probe keeps failing.
#[test]
fn a_suspended_driver_stores_its_state_gives_its_lock_back_and_goes_on() {
    use futures_util::StreamExt;
    run(async {
        let (expected, reference, _) = undisturbed(GOOD).await;
        let mut suspended = 0;
        for after in 0..40 {
            let store = Store::new(&plan());
            let first = driver(&plan(), &store, GOOD, u64::MAX).holder("first");
            let (mut run, control) = first.start().await.unwrap();
            let mut reported = 0;
            while reported < after
                && let Some(progress) = run.next().await
            {
                progress.unwrap();
                reported += 1;
            }
            if reported < after {
                // It was over before.
                break;
            }
            control.suspend();
            let mut last = None;
            while let Some(progress) = run.next().await {
                last = Some(progress.unwrap());
            }
            let Some(Progress::Suspended { split, .. }) = last else {
                assert!(matches!(last, Some(Progress::Finished { .. }) | None), "{last:?}");
                continue;
            };
            assert_eq!(split.map_or(Percent::NONE, |split| split.canary), store.canary_weight());
            suspended += 1;
            // Another holder takes the lock at once, and loses nothing of what was seen.
            let second = driver(&plan(), &store, GOOD, u64::MAX).holder("second");
            let verdict = finish(second).await.unwrap().unwrap();
            same(&verdict, &expected, &after);
            assert_eq!(routes(&store), routes(&reference), "after {after}");
        }
        assert!(suspended >= 5, "{suspended}");
        let store = Store::new(&plan());
        let unreachable = driver(&plan(), &store, GOOD, u64::MAX)
            .probe(|| async { Err("503 no healthy upstream".to_owned()) });
        let (mut run, control) = unreachable.start().await.unwrap();
        while !matches!(run.next().await, Some(Ok(Progress::Probed { .. }))) {}
        assert!(control.suspend());
        let stopped = run.take(100).any(|progress| async move {
            matches!(progress, Ok(Progress::Suspended { split: None, .. }))
        });
        assert!(stopped.await, "a person is heard while the probe fails again and again");
    });
}

/// While a rollback cannot be written, the split that is wanted is not the one in force.
#[test]
fn what_is_still_to_be_written_is_told_while_the_server_is_away() {
    run(async {
        let (_, _, calls) = undisturbed(WRONG).await;
        let mut told = 0;
        for call in 4..calls {
            let store = Store::new(&plan());
            store.trouble(Trouble::Away(call, 40));
            let started =
                driver(&plan(), &store, WRONG, u64::MAX).clock(Patient::default()).start().await;
            let Ok((mut run, _control)) = started else { continue };
            let mut last = None;
            while let Some(progress) = futures_util::StreamExt::next(&mut run).await {
                let Progress::Seen(seen) = progress.unwrap() else { continue };
                let served = seen.split.is_some_and(|split| split.canary > 0);
                told += u32::from(served && seen.desired == Split::STABLE && seen.failures > 1);
                last = Some(seen);
            }
            let last = last.unwrap();
            // Before the first weight everything is at the stable version.
            assert_eq!(last.split.unwrap_or(Split::STABLE), last.desired, "after call {call}");
        }
        assert!(told > 0);
    });
}
