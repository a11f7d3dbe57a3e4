//! The sources of a run: those that can be combined, and the messages when they give nothing.

use futures_util::{StreamExt, stream};

use super::*;
use crate::evidence::{Observation, Observations, OwnRequests, Score};

/// A source with a given relation to the rollout's own requests.
struct Own(&'static str, OwnRequests);

impl Source for Own {
    fn name(&self) -> &str {
        self.0
    }
    fn provides(&self) -> Vec<Kind> {
        vec![Kind::Requests, Kind::Pairs]
    }
    fn own_requests(&self) -> OwnRequests {
        self.1
    }
    fn observations(self: Box<Self>, _: Option<u64>) -> Observations {
        Box::pin(stream::pending())
    }
}

#[test]
fn sources_of_which_one_counts_what_the_other_sends_are_refused() {
    use OwnRequests as O;
    run(async {
        for (sends, counts, message) in [
            (O::Reports, O::CountsAll, Some("pairs_only")),
            (O::Reports, O::CountsUnmarked, Some("counted by both")),
            (O::SendsPairs, O::CountsAll, Some("mark_header")),
            (O::SendsPairs, O::CountsUnmarked, None),
            (O::Reports, O::Neither, None),
            (O::Reports, O::SendsPairs, None),
            (O::CountsAll, O::CountsAll, None),
        ] {
            for turned in [false, true] {
                let (one, other) = (Own("one", sends), Own("other", counts));
                let (first, second) = if turned { (other, one) } else { (one, other) };
                let store = Store::new(&plan());
                let driver = Driver::new(store.clone(), plan()).unwrap().probe(|| async { Ok(()) });
                let started = driver.source(first).source(second).start().await;
                match (started, message) {
                    (Ok(_), None) => {}
                    (Err(error), Some(message)) => {
                        let text = error.to_string();
                        assert!(
                            text.contains("sources one and other") && text.contains(message),
                            "{text}"
                        );
                        assert_eq!(store.inner().calls, 0, "nothing was read or written");
                    }
                    (started, message) => panic!("{:?}: {message:?}", started.is_ok()),
                }
            }
        }
    });
}

#[test]
fn sources_that_end_early_leave_it_inconclusive() {
    run(async {
        let few = Canary { observations: 200, ..GOOD };
        let (verdict, store, _) = undisturbed(few).await;
        assert!(
            matches!(&verdict, Verdict::Inconclusive { why: Why::SourcesEnded { .. } }),
            "{verdict}"
        );
        assert_eq!(store.canary_weight(), 20, "weights are kept");
        let mut back = plan();
        back.on_inconclusive = OnInconclusive::Rollback;
        let store = Store::new(&back);
        finish(driver(&back, &store, few, u64::MAX)).await.unwrap().unwrap();
        assert_eq!(store.canary_weight(), 0);
    });
}

/// A source that fails in a way that may pass, and is then silent.
struct Failing(&'static str, Option<&'static str>);

impl Source for Failing {
    fn name(&self) -> &str {
        self.0
    }
    fn provides(&self) -> Vec<Kind> {
        vec![Kind::Requests, Kind::Pairs]
    }
    fn observations(self: Box<Self>, _: Option<u64>) -> Observations {
        let failure = self.1.map(|reason| {
            Err(Error::Cluster {
                action: "querying".to_owned(),
                reason: reason.to_owned(),
                retryable: true,
                source: None,
            })
        });
        Box::pin(stream::iter(failure).chain(stream::pending()))
    }
}

#[test]
fn a_failure_of_a_source_says_more_than_its_silence_and_is_kept() {
    run(async {
        let plan = plan().patience(Duration::from_secs(60));
        let store = Store::new(&plan);
        let driver = Driver::new(store.clone(), plan).unwrap().probe(|| async { Ok(()) });
        let driver = driver
            .clock(Jumping::default())
            .source(Failing("prometheus", Some("no samples of istio_requests_total")))
            .source(Failing("users", None));
        let (mut run, _control) = driver.start().await.unwrap();
        let mut quiet = Vec::new();
        let verdict = loop {
            match run.next().await.unwrap().unwrap() {
                Progress::SourceQuiet { source, .. } => quiet.push(source),
                Progress::Finished { verdict, .. } => break verdict.to_string(),
                _ => {}
            }
        };
        assert_eq!(quiet, ["prometheus", "users"], "each silence is reported once");
        assert!(verdict.contains("no samples of istio_requests_total"), "{verdict}");
        assert!(!verdict.contains("prometheus has sent nothing"), "{verdict}");
        assert!(verdict.contains("users has sent nothing for 10 s"), "{verdict}");
    });
}

#[test]
fn a_score_that_is_no_number_is_reported_as_it_was_given() {
    struct Words;
    impl Score for Words {
        fn score(&self, _: &Observation) -> Option<f64> {
            None
        }
        fn number(&self, _: &Observation) -> Option<Result<f64, String>> {
            Some(Err("the text 'high'".to_owned()))
        }
    }
    run(async {
        let plan = plan().guardrail(Guardrail::custom("sure", 0.5));
        let store = Store::new(&plan);
        let driver = driver(&plan, &store, GOOD, u64::MAX).score("sure", Words);
        let verdict = finish(driver).await.unwrap().unwrap();
        let Verdict::Inconclusive { why: Why::InvalidScores { last, .. } } = &verdict else {
            panic!("{verdict}")
        };
        assert_eq!(last, "the text 'high'");
    });
}
