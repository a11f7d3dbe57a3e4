//! Commands of people in the annotation, while the driver is killed and the store fails at any call.

use futures_util::StreamExt;

use super::*;
use crate::{Approval, CommandOutcome, cluster::Run};

/// A plan whose second step waits for approval.
fn with_approval() -> Plan {
    let mut plan = plan();
    plan.steps[1].approve = Some(Approval::new());
    plan
}

/// Runs to the end, and gives a command whenever a step waits for approval; `None` when the driver hangs.
async fn commanded(
    driver: Driver<Store>,
    store: &Store,
    command: &str,
    given: &mut u32,
) -> Option<Result<Verdict>> {
    let mut start = Box::pin(driver.start());
    let started = futures_util::future::poll_immediate(&mut start).await?;
    let (mut run, _control): (Run, _) = match started {
        Ok(started) => started,
        Err(error) => return Some(Err(error)),
    };
    loop {
        let mut next = run.next();
        let mut polled = None;
        for _ in 0..1_000 {
            polled = futures_util::future::poll_immediate(&mut next).await;
            if polled.is_some() {
                break;
            }
        }
        match polled?.expect("a run ends with a verdict") {
            Ok(Progress::Finished { verdict, .. }) => return Some(Ok(verdict)),
            Ok(Progress::AwaitingApproval { step: 1, .. }) => {
                *given += 1;
                store.inner().annotate(&format!("{command} {given}"));
            }
            // A person whose command is refused because a response is missing repeats it.
            Ok(Progress::Commanded(record)) if record.to_string().contains("cannot be checked") => {
                *given += 1;
                store.inner().annotate(&format!("{command} {given}"));
            }
            Ok(_) => {}
            Err(error) => return Some(Err(error)),
        }
    }
}

/// At every call, before and after its effect, and with an effect whose response is lost.
#[test]
fn commands_are_carried_out_by_drivers_that_are_killed_at_every_boundary() {
    run(async {
        for (command, name, weight) in [
            ("approve", "promote", 100),
            ("abort", "rollback", 0),
            ("promote", "promotedByPerson", 100),
        ] {
            let store = Store::new(&with_approval());
            let undisturbed = driver(&with_approval(), &store, GOOD, u64::MAX);
            let verdict = commanded(undisturbed, &store, command, &mut 0).await.unwrap().unwrap();
            assert_eq!(verdict.name(), name, "{verdict}");
            let calls = store.inner().calls;
            for call in 0..calls {
                for trouble in [
                    Trouble::HangsBefore(call),
                    Trouble::HangsAfter(call),
                    Trouble::FailsAfter(call),
                    Trouble::Silent(call, 3),
                    Trouble::Denied(call, 3),
                ] {
                    let store = Store::new(&with_approval());
                    store.trouble(trouble);
                    let mut given = 0;
                    let mut verdict = None;
                    for _life in 0..3 {
                        let driver = driver(&with_approval(), &store, GOOD, u64::MAX);
                        let found = commanded(driver, &store, command, &mut given).await;
                        if let Some(Ok(found)) = found {
                            verdict = Some(found);
                            break;
                        }
                        store.trouble(Trouble::None);
                    }
                    let verdict = verdict.unwrap_or_else(|| panic!("{command} {trouble:?}"));
                    assert_eq!(verdict.name(), name, "{command} {trouble:?}: {verdict}");
                    assert_eq!(live_weight(&store), weight, "{command} {trouble:?}");
                    let mut allowed = with_approval().splits();
                    allowed.push(Split::CANARY);
                    assert!(store.inner().splits.iter().all(|split| allowed.contains(split)));
                }
            }
        }
    });
}

#[test]
fn a_command_of_before_the_release_is_not_carried_out() {
    run(async {
        let store = Store::new(&plan());
        store.inner().annotate("abort 1 by=alice");
        let verdict = finish(driver(&plan(), &store, GOOD, u64::MAX)).await.unwrap().unwrap();
        assert!(matches!(verdict, Verdict::Promote { .. }), "{verdict}");
        let state = crate::State::decode(&store.state(), &plan()).unwrap();
        let [record] = state.commands() else { panic!("{:?}", state.commands()) };
        assert_eq!(record.by, "alice");
        assert!(
            matches!(&record.outcome, CommandOutcome::Refused(why) if why.contains("before this release")),
            "{record}"
        );
        // The next release says nothing of it again.
        store.inner().reset_weights();
        let again = driver(&plan(), &store, GOOD, u64::MAX).anew();
        finish(again).await.unwrap().unwrap();
        let state = crate::State::decode(&store.state(), &plan()).unwrap();
        assert_eq!(state.commands(), []);
    });
}

/// Both are read before anything is written: before the first weight, where an abort has nothing to write, and after it.
#[test]
fn an_abort_that_follows_a_promotion_leaves_nothing_at_the_canary() {
    run(async {
        for waits in [0, 1] {
            let mut plan = plan();
            plan.steps[waits].approve = Some(Approval::new());
            let store = Store::new(&plan);
            let (mut run, control) = driver(&plan, &store, GOOD, u64::MAX).start().await.unwrap();
            while !matches!(
                run.next().await.expect("the run continues").unwrap(),
                Progress::AwaitingApproval { .. }
            ) {}
            assert!(control.promote("urgent") && control.abort("no, the wrong model"));
            let verdict = to_the_end(&mut run).await.unwrap().unwrap();
            assert!(verdict.to_string().contains("the wrong model"), "{verdict}");
            assert_eq!(store.canary_weight(), 0);
            assert!(store.inner().splits.iter().all(|split| split.canary < 100), "{waits}");
        }
    });
}

/// A person promotes, the cluster goes away, and the canary's pods are gone when it comes back.
#[test]
fn a_promotion_is_not_written_to_a_canary_that_has_gone_meanwhile() {
    run(async {
        let store = Store::new(&with_approval());
        store.inner().serve(true);
        let driver = driver(&with_approval(), &store, GOOD, u64::MAX);
        let (mut run, control) = driver.start().await.unwrap();
        while !matches!(
            run.next().await.expect("the run continues").unwrap(),
            Progress::AwaitingApproval { .. }
        ) {}
        store.inner().serve(false);
        assert!(control.promote("urgent"));
        let refused = loop {
            if let Progress::Commanded(record) = run.next().await.unwrap().unwrap() {
                break record;
            }
        };
        assert!(refused.to_string().contains("no pod of the canary is ready"), "{refused}");
        assert_eq!(store.canary_weight(), 20, "the step continues");
    });
}
