use super::{
    tests::{Run, plan},
    *,
};
use crate::{
    Approval, Cause, Command, CommandLine, CommandOutcome, CommandRecord, Missing, Otherwise, Verb,
    evidence::Arm,
};

impl Run {
    fn order(&mut self, verb: Verb, nonce: &str) -> &[Action] {
        self.handle(Event::Commanded(vec![Command::new(verb, nonce).by("alice").into()]))
    }

    fn last(&self) -> &CommandRecord {
        self.state.commands().last().unwrap()
    }

    fn refusal(&self) -> &str {
        match &self.last().outcome {
            CommandOutcome::Refused(why) => why,
            other => panic!("{other:?}"),
        }
    }
}

fn write(canary: u32, last: bool) -> Action {
    Action::Write { split: Split::new(canary), last }
}

fn approved_last(approval: Approval) -> Plan {
    let mut plan = plan();
    plan.steps[2].approve = Some(approval);
    plan
}

#[test]
fn a_step_waits_for_approval_at_the_weights_of_the_one_before() {
    let mut run = Run::holding(approved_last(Approval::new()));
    run.good(200);
    run.handle(Event::Written);
    assert_eq!((run.state.step(), run.state.awaits_approval()), (1, None));
    assert_eq!(run.order(Verb::Approve, "1"), [Action::Save]);
    assert!(run.refusal().contains("no step waits"), "an approval is of something that was seen");
    run.good(200);
    assert_eq!(run.actions, [Action::Save], "the waiting is stored");
    assert_eq!((run.state.step(), run.state.awaits_approval()), (1, Some(2)));
    let held = run.state.held();
    for _ in 0..200 {
        run.tick(60);
        assert_eq!(run.actions, [], "neither hold nor patience passes");
    }
    assert_eq!(run.state.held(), held);
    assert_eq!(run.state.awaited(), Some(Duration::from_secs(12_000)));
    run.good(50);
    assert_eq!(run.order(Verb::Approve, "2"), [write(100, false)]);
    assert_eq!(run.last().outcome, CommandOutcome::Done);
    assert_eq!((run.state.step(), run.state.awaits_approval()), (2, None));
    assert_eq!(run.handle(Event::Written), [write(100, true)]);
    assert!(matches!(run.state.verdict(), Verdict::Promote { .. }));
}

#[test]
fn a_canary_that_fails_during_the_wait_is_rolled_back() {
    let mut run = Run::holding(approved_last(Approval::new()));
    run.good(200);
    run.handle(Event::Written);
    run.good(200);
    assert_eq!(run.state.awaits_approval(), Some(2));
    while run.state.is_running() {
        run.request(Arm::Canary, true);
    }
    assert_eq!(run.actions, [write(0, true)]);
    run.order(Verb::Approve, "late");
    assert!(run.refusal().contains("decided: rollback"), "{}", run.last());
    assert!(matches!(run.state.verdict(), Verdict::Rollback { .. }));
}

#[test]
fn an_approval_that_does_not_come_rolls_back_or_is_waited_for() {
    let hour = Duration::from_secs(3_600);
    for (otherwise, rolled_back) in [(Otherwise::Hold, false), (Otherwise::Rollback, true)] {
        let approval = Approval::new().timeout(hour).otherwise(otherwise);
        let mut run = Run::holding(approved_last(approval));
        run.good(200);
        run.handle(Event::Written);
        run.good(200);
        run.order(Verb::Pause, "1");
        for _ in 0..100 {
            run.tick(60);
        }
        assert_eq!(run.state.awaited(), Some(Duration::ZERO), "a pause counts for nothing");
        run.order(Verb::Approve, "2");
        assert!(run.refusal().contains("paused"), "{}", run.last());
        run.order(Verb::Resume, "3");
        for _ in 0..59 {
            run.tick(60);
        }
        assert_eq!((run.state.is_running(), run.state.awaits_approval()), (true, Some(2)));
        run.tick(60);
        assert_eq!(run.state.is_running(), !rolled_back);
        if rolled_back {
            assert_eq!(run.actions, [write(0, true)]);
            let text = run.state.verdict().to_string();
            assert!(
                text.starts_with("rolled back: nobody approved step 2 within 3600 s"),
                "{text}"
            );
        } else {
            assert_eq!(run.order(Verb::Approve, "4"), [write(100, false)]);
        }
    }
}

#[test]
fn the_first_step_waits_before_any_weight() {
    let mut plan = plan();
    plan.steps[0].approve = Some(Approval::new());
    let mut run = Run::new(plan);
    run.handle(Event::Prepared { header_route: true });
    assert_eq!(run.handle(Event::Probed(Ok(()))), [Action::Save]);
    assert_eq!((run.state.phase(), run.state.awaits_approval()), (&Phase::Approving, Some(0)));
    run.handle(Event::Started(Timestamp(9_000)));
    assert_eq!(run.actions, []);
    assert_eq!(run.order(Verb::Approve, "1"), [write(10, false)]);
    run.handle(Event::Written);
    assert_eq!(run.state.split().map(|split| split.canary), Some(10.into()));
}

#[test]
fn of_two_commands_the_later_one_wins_and_both_are_recorded() {
    let mut run = Run::holding(plan());
    let lines =
        [Command::new(Verb::Abort, "1").by("alice"), Command::new(Verb::Pause, "2").by("bob")];
    let lines: Vec<_> = lines.into_iter().map(CommandLine::Given).collect();
    assert_eq!(run.handle(Event::Commanded(lines.clone())), [Action::Save]);
    assert!(run.state.is_paused() && run.state.is_running());
    let outcomes: Vec<_> =
        run.state.commands().iter().map(|one| (one.by.as_str(), &one.outcome)).collect();
    assert_eq!(outcomes, [("alice", &CommandOutcome::Superseded), ("bob", &CommandOutcome::Done)]);
    run.order(Verb::Resume, "3");
    assert_eq!(run.handle(Event::Commanded(lines)), [], "each is carried out once");
    assert!(!run.state.is_paused());
}

#[test]
fn a_command_is_carried_out_once_however_many_follow() {
    let mut run = Run::holding(plan());
    run.order(Verb::Pause, "outside");
    for _ in 0..10 {
        run.order(Verb::Resume, "");
        run.order(Verb::Pause, "");
    }
    run.order(Verb::Resume, "");
    assert!(!run.state.commands().iter().any(|one| one.nonce == "outside"), "it has rotated out");
    assert_eq!(run.order(Verb::Pause, "outside"), []);
    assert!(!run.state.is_paused());
    assert!(run.state.encode().unwrap().len() < 6_000);
}

#[test]
fn a_person_promotes_and_it_is_not_the_statistics() {
    let mut run = Run::holding(plan());
    run.good(60);
    let command = Command::new(Verb::Promote, "1").by("alice").why("a fix is urgent");
    assert_eq!(run.handle(Event::Commanded(vec![command.into()])), [write(100, true)]);
    let verdict = run.state.verdict();
    assert_eq!(verdict.name(), "promotedByPerson");
    let text = verdict.to_string();
    assert!(
        text.starts_with(
            "promoted by alice, not by the evidence (a fix is urgent): step 0 observed only 60 of 200 requests"
        ),
        "{text}"
    );
    run.handle(Event::Written);
    assert!(run.state.is_done());
    assert_eq!(run.state.split(), Some(Split::CANARY));
}

#[test]
fn a_person_promotes_no_canary_that_has_answered_nothing_or_fails() {
    // Before the first answer.
    let mut run = Run::new(plan());
    run.order(Verb::Promote, "1");
    assert!(run.refusal().contains("has answered no request yet"), "{}", run.last());
    run.handle(Event::Prepared { header_route: true });
    run.order(Verb::Promote, "2");
    assert!(run.refusal().contains("has answered no request yet"), "{}", run.last());
    // With weight, and nothing seen of it.
    let mut run = Run::holding(plan());
    run.order(Verb::Promote, "3");
    assert!(run.refusal().contains("has answered no request yet"), "{}", run.last());
    assert_eq!(run.state.split().map(|split| split.canary), Some(10.into()));
    // It fails, and not yet often enough for a verdict.
    run.request(Arm::Canary, false);
    for _ in 0..2 {
        run.request(Arm::Canary, true);
    }
    assert!(run.state.is_running());
    run.order(Verb::Promote, "4");
    assert!(run.refusal().contains("the canary failed 2 of 3 requests"), "{}", run.last());
    // The write before has no response.
    let mut run = Run::holding(plan());
    run.good(60);
    run.handle_raw(Event::Unanswered);
    run.handle_raw(Event::Commanded(vec![Command::new(Verb::Promote, "5").into()]));
    assert!(run.refusal().contains("no response yet"), "{}", run.last());
}

/// Evidence that is due and waits to be stored, as after an interruption, comes before the person.
#[test]
fn an_alarm_that_is_due_comes_before_a_promotion() {
    let mut run = Run::holding(plan());
    run.good(60);
    run.handle(Event::Started(Timestamp(9_000)));
    for _ in 0..30 {
        run.request(Arm::Canary, true);
        run.request(Arm::Stable, false);
        run.request(Arm::Stable, false);
    }
    assert!(run.state.is_running(), "it decides when it is stored");
    assert_eq!(run.order(Verb::Promote, "1"), [write(0, true)]);
    assert!(run.refusal().contains("the evidence has decided: rolled back"), "{}", run.last());
}

#[test]
fn before_the_first_weight_a_person_promotes_a_canary_that_answers() {
    let mut plan = plan();
    plan.steps[0].approve = Some(Approval::new());
    let mut run = Run::new(plan);
    run.handle(Event::Prepared { header_route: true });
    run.handle(Event::Probed(Ok(())));
    assert_eq!(run.order(Verb::Promote, "1"), [write(100, true)]);
    run.handle(Event::Written);
    assert_eq!(run.state.split(), Some(Split::CANARY));
}

#[test]
fn an_abort_revokes_a_promotion_whose_write_has_not_come_through() {
    let mut run = Run::holding(plan());
    run.good(60);
    assert_eq!(run.order(Verb::Promote, "1"), [write(100, true)]);
    assert_eq!(run.order(Verb::Abort, "2"), [write(0, true)]);
    assert!(matches!(run.state.verdict(), Verdict::Rollback { evidence: Cause::Asked(_), .. }));
    run.order(Verb::Abort, "3");
    assert!(run.refusal().contains("decided: rollback"), "{}", run.last());
    assert_eq!(run.handle(Event::Written), [Action::RemoveSubset]);
    run.handle(Event::SubsetRemoved);
    for verb in Verb::ALL {
        run.order(verb, verb.name());
        assert!(matches!(run.last().outcome, CommandOutcome::Refused(_)), "{}", run.last());
    }
    assert_eq!(run.state.split(), Some(Split::STABLE));
}

/// A promotion that waits for the cluster may meet a canary that has gone meanwhile.
#[test]
fn a_canary_that_has_gone_is_not_promoted() {
    let mut run = Run::holding(plan());
    run.good(60);
    run.order(Verb::Promote, "1");
    assert_eq!(run.handle(Event::Inspected(Err(Missing::yet("no pod")))), [write(0, true)]);
    assert!(matches!(
        run.state.verdict(),
        Verdict::Rollback { evidence: Cause::NoLongerReady(_), .. }
    ));
}
