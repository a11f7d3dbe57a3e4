//! Observations that were sent before the step's weights.

use super::{
    tests::{Run, plan},
    *,
};
use crate::{
    Guardrail, Hold,
    evidence::{Answer, Observation, Pair, ScoreValue, Seen},
};

fn writes(run: &Run, canary: u32) -> bool {
    matches!(run.actions[..], [Action::Write { split, last: false }] if split.canary == canary)
}

/// Copies pile up while a weight is written, and the canary dies with the write: what it answered before fills no step.
#[test]
fn pairs_and_scores_of_before_a_step_do_not_end_it() {
    let plan = plan().weights([10, 50, 100], Hold::pairs(30)).guardrail(Guardrail::agreement(0.5));
    let mut run = Run::holding(plan.guardrail(Guardrail::custom("sharp", 0.5)));
    let good = |run: &mut Run, at| {
        for _ in 0..30 {
            let answer = || Answer::new("cat", None);
            let (stable, canary) = (answer(), answer());
            let pair = Pair { input: None, name: None, stable, canary, label: None };
            let score = ScoreValue { guardrail: "sharp".into(), value: 1.0, given: None };
            for what in [Seen::Score(score), Seen::Pair(pair)] {
                let (source, sequence) = ("mirror".into(), None);
                run.handle_raw(Event::Observed(Observation { source, sequence, at, what }));
            }
        }
    };
    run.good(400);
    let before = run.state.now;
    good(&mut run, before);
    assert!(writes(&run, 50), "{:?}", run.actions);
    run.handle_raw(Event::Unanswered);
    good(&mut run, before);
    run.handle(Event::Written);
    let acknowledged = before.plus(Duration::from_millis(200));
    run.handle(Event::Acknowledged(acknowledged));
    let late = run.state.totals().late;
    good(&mut run, before);
    assert_eq!((run.state.totals().late - late, run.state.seen_at_step().pairs), (60, 0));
    run.good(400);
    assert_eq!(run.actions, [], "the requests alone do not fill it");
    good(&mut run, acknowledged);
    assert!(writes(&run, 100), "{:?}", run.actions);
}
