//! Runs one trial to its end and holds what is found against what is expected.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use canary_core::{
    Verdict,
    cluster::Progress,
    rollout::{Cause, Error, HeaderRoute, Split},
};
use canary_tests::chaos::{Ledger, Weights};
use futures_util::StreamExt;
use serde_json::Value;

use super::{
    scene::{Scene, When},
    stage::Stage,
};

/// The longest time that a trial takes.
const LONGEST: Duration = Duration::from_secs(60);

/// The number of requests of users that are sent afterwards.
pub(crate) const USERS: u64 = 200;

/// The end of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum End {
    /// Before the canary's first weight: the plan, the run's own question, the objects or the canary are not right.
    Refused,
    RolledBack,
    Inconclusive,
    /// Somebody else has changed the objects.
    Edited,
    /// With an error, the mesh as it was last written.
    Failed,
    Promoted,
    /// Not at all in [`LONGEST`].
    Stuck,
}

impl End {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::RolledBack => "rollback",
            Self::Inconclusive => "inconclusive",
            Self::Edited => "edit",
            Self::Failed => "error",
            Self::Promoted => "PROMOTED",
            Self::Stuck => "STUCK",
        }
    }
}

/// The results of a trial.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    pub(crate) end: End,
    /// The text of the verdict or of the error.
    pub(crate) message: String,
    /// The weights in the mesh afterwards; none without the object.
    pub(crate) weights: Option<Weights>,
    /// The number of [`USERS`] requests that were answered afterwards.
    pub(crate) served: u64,
    /// The violations of rules that hold for every trial.
    pub(crate) wrong: Vec<String>,
    pub(crate) took: Duration,
}

impl Found {
    /// The differences from an end, whose sentence contains a text, or one of several between `|`.
    pub(crate) fn unlike(&self, end: End, message: &str) -> Vec<String> {
        let mut wrong = Vec::new();
        if self.end != end {
            wrong.push(format!("it ends as {}, not {}", self.end.name(), end.name()));
        }
        if !message.split('|').any(|one| self.message.contains(one)) {
            wrong.push(format!("{message:?} is missing"));
        }
        wrong
    }
}

/// Runs a trial.
pub(crate) async fn run(scene: Scene, seed: u64) -> Found {
    let began = Instant::now();
    let mut stage = Stage::new(&scene, seed).await;
    if scene.users {
        stage.serve_users(&scene);
    }
    if let Some(since) = &scene.earlier {
        let (end, message) = drive(&scene, &stage).await;
        assert_eq!(end, End::Promoted, "the earlier run: {message}");
        since(&stage);
        stage.ledger = Arc::new(Ledger::new(&scene.plan));
    }
    let before = (stage.route(), stage.definitions());
    let driven = tokio::time::timeout(LONGEST, drive(&scene, &stage)).await;
    let (end, message) = driven.unwrap_or((End::Stuck, String::new()));
    stage.dismiss_users();
    let after = (stage.route(), stage.definitions());
    let weights = after.0.as_ref().and_then(|live| Weights::of(&scene.plan, live));
    let served = if after.0.is_some() { stage.served(&scene, USERS).await } else { 0 };
    let mut wrong = stage.ledger.found();
    let first = before.0.as_ref().and_then(|live| Weights::of(&scene.plan, live)).unwrap();
    wrong.extend(aftermath(&scene, &stage, end, (first, weights), served));
    wrong.extend(traces(&scene, end, &before, &after));
    stage.close().await;
    Found { end, message, weights, served, wrong, took: began.elapsed() }
}

async fn drive(scene: &Scene, stage: &Stage) -> (End, String) {
    let started = match stage.driver(scene) {
        Ok(driver) => driver.start().await,
        Err(error) => Err(error),
    };
    let (mut run, _control) = match started {
        Ok(started) => started,
        Err(error) => return (End::Refused, whole(&error)),
    };
    let mut during: Vec<_> = scene.during.iter().map(Some).collect();
    while let Some(progress) = run.next().await {
        let progress = match progress {
            Ok(progress) => progress,
            Err(error) => {
                // Before the canary has got anything it is a refusal.
                let touched = stage.ledger.highest() > 0 || stage.mirrors();
                return (if touched { End::Failed } else { End::Refused }, whole(&error));
            }
        };
        match progress {
            Progress::Written { split, .. } => {
                for happens in &mut during {
                    if happens.is_some_and(|(when, _)| is_now(*when, split)) {
                        let (_, happens) = happens.take().unwrap();
                        happens(stage);
                    }
                }
            }
            Progress::Finished { verdict, .. } => {
                let end = match &verdict {
                    Verdict::Promote { .. } => End::Promoted,
                    Verdict::Rollback { evidence: Cause::NotReady(_), exposure: 0, .. }
                        if stage.ledger.highest() == 0 =>
                    {
                        End::Refused
                    }
                    Verdict::Rollback { .. } => End::RolledBack,
                    Verdict::ExternalEdit { .. } => End::Edited,
                    _ => End::Inconclusive,
                };
                return (end, verdict.to_string());
            }
            _ => {}
        }
    }
    (End::Stuck, "the run ended without a verdict".to_owned())
}

fn is_now(when: When, split: Split) -> bool {
    match when {
        When::First => true,
        When::Weight(weight) => split.canary == weight,
    }
}

fn whole(error: &Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    text
}

/// Checks that the weights and the users' responses are those of the verdict.
fn aftermath(
    scene: &Scene,
    stage: &Stage,
    end: End,
    (first, weights): (Weights, Option<Weights>),
    served: u64,
) -> Vec<String> {
    let mut wrong = Vec::new();
    let written = stage.ledger.weights().unwrap_or(first);
    let expected = match end {
        End::Refused => Some(first),
        End::RolledBack => Some(Weights { stable: 100, canary: 0, mirror: 0 }),
        End::Promoted => Some(Weights { stable: 0, canary: 100, mirror: 0 }),
        End::Edited => scene.edited,
        End::Inconclusive | End::Failed | End::Stuck => Some(written),
    };
    // An edit of something else leaves the weights as they were last written.
    if end == End::Edited && scene.edited.is_none() {
        if weights.is_some_and(|weights| weights != written) {
            wrong.push(format!("the weights are {weights:?}, written were {written}"));
        }
    } else if weights != expected {
        wrong.push(format!("the weights are {weights:?}, not {expected:?}"));
    }
    let to_stable = matches!(end, End::Refused | End::RolledBack) && first.canary == 0;
    if (to_stable && scene.stable_serves || end == End::Promoted) && served != USERS {
        wrong.push(format!("{served} of {USERS} users are served"));
    }
    wrong
}

/// The route, and the objects that define the versions.
type Objects = (Option<Value>, Vec<Option<Value>>);

/// The traces that the run has left behind.
fn traces(scene: &Scene, end: End, before: &Objects, after: &Objects) -> Vec<String> {
    let mut wrong = Vec::new();
    let (Some(was), Some(is)) = (&before.0, &after.0) else { return wrong };
    let is_ours = |route: &Value| {
        route["name"].as_str().is_some_and(|name| name.starts_with(HeaderRoute::ROUTE_PREFIX))
    };
    let kind = scene.kind;
    let routes = |object: &Value| {
        let rules = object.pointer(kind.rules()).and_then(Value::as_array);
        rules.cloned().unwrap_or_default()
    };
    if end != End::Failed && end != End::Stuck {
        // A run that is refused before it has begun touches nothing.
        let kept = if end == End::Refused { routes(was) } else { Vec::new() };
        for route in routes(is).iter().filter(|route| is_ours(route) && !kept.contains(route)) {
            wrong.push(format!("the route {} is left", route["name"]));
        }
        let mirrors = |object: &Value| routes(object).iter().any(|route| kind.mirrors(route));
        if mirrors(is) && !scene.mirrored_before {
            wrong.push("a mirror is left".to_owned());
        }
    }
    if matches!(end, End::Refused | End::RolledBack) {
        let others = |object: &Value| {
            let mut routes = routes(object);
            routes.retain(|route| !is_ours(route));
            routes
        };
        if others(was) != others(is) {
            wrong.push("the routes are not as they were".to_owned());
        }
        let specs = |objects: &[Option<Value>]| -> Vec<Option<Value>> {
            objects.iter().map(|one| one.as_ref().map(|one| one["spec"].clone())).collect()
        };
        if specs(&before.1) != specs(&after.1) && !scene.versions_edited {
            wrong.push("the objects of the versions are not as they were".to_owned());
        }
    }
    wrong
}
