//! A set of routes whose weights move together.
//!
//! The first route holds the state and is written first; the others follow. A driver that is killed in between finds, in
//! each of the others, what it wrote there last, and completes the change. When another route cannot be changed, because
//! somebody has edited it or the cluster refuses the change, the ones that were changed are taken back, so that at every
//! moment a route has the weights of the step or of the one before.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use serde_json::Value;

use super::{
    Purpose, Release, Target, Watched, Write,
    acceptance::Acceptances,
    others::Others,
    precedence,
    record::{Record, gone, is_same_change},
    sticky::{check_sticky, run_of},
    versions::{Versions, again},
};
use crate::{
    Error, Missing, Percent, Plan, Result, Split, State, Verdict,
    cluster::{
        Cluster, ObjectRef, Presence,
        driver::{clock::Clock, listen::Lines},
        old_version::{Found, find_old_version},
        versions as look_up,
    },
    evidence::Timestamp,
    json::annotation,
    patch::{
        Differences, RouteChange, RouteOf, STATE_ANNOTATION, SubsetLabels, WRITTEN_ANNOTATION,
        change_route, clean_up, differences, foreign_controller, give_up_spec, initial_mirror,
        locate_all, state_manager,
    },
};

/// The routes of a plan, and what was last written to them.
pub(super) struct MovedRoutes<C> {
    cluster: Arc<C>,
    clock: Arc<dyn Clock>,
    plan: Plan,
    record: Record,
    others: Others<C>,
    versions: Versions<C>,
    acceptances: Acceptances<C>,
    /// The state that the first route stores while some of the others are still to be written.
    unfinished: Option<State>,
}

impl<C: Cluster + 'static> MovedRoutes<C> {
    pub(super) fn new(cluster: Arc<C>, clock: Arc<dyn Clock>, plan: Plan) -> Self {
        let rule = plan.target.routes().and_then(crate::Routes::destination_rule);
        Self {
            record: Record::new(plan.target.state_object()),
            others: Others::new(Arc::clone(&cluster), &plan),
            versions: Versions::new(Arc::clone(&cluster), Arc::clone(&clock), plan.clone(), rule),
            acceptances: Acceptances::new(Arc::clone(&cluster), Arc::clone(&clock), &plan),
            cluster,
            clock,
            plan,
            unfinished: None,
        }
    }

    async fn read_all(&mut self) -> Result<(Value, Option<String>)> {
        let first = look_up::get(&*self.cluster, &self.record.object).await?;
        let mut all = vec![(self.record.object.clone(), first.clone())];
        all.extend(self.others.read().await?);
        all.extend(self.versions.read().await?);
        for (object, live) in &all {
            if let Some(owner) = foreign_controller(live) {
                return Err(Error::Plan(format!(
                    "{object} is owned by {owner}, which changes its weights itself; roll out with that controller, or \
                     remove the object from its control first"
                )));
            }
        }
        let stored = self.record.adopt(&first);
        Ok((first, stored))
    }

    async fn check(&mut self, probes: bool) -> Result<()> {
        self.acceptances.check().await?;
        precedence::check(&*self.cluster, &self.plan).await?;
        let Plan { stable, canary, .. } = &self.plan;
        let mut reachable = !probes;
        for of in RouteOf::all(&self.plan) {
            let live = look_up::get(&*self.cluster, &of.object()).await?;
            for located in locate_all(of, &live)? {
                if located.carries_nothing() {
                    return Err(Error::Plan(format!(
                        "{}: {} gives weight to neither {stable} nor {canary} (weights {:?}); give all of it to {stable}",
                        of.object(),
                        of.place(located.rule),
                        located.weights,
                    )));
                }
                if located.split != Some(Split::STABLE) {
                    return Err(Error::Plan(format!(
                        "the canary {canary} already has traffic (weights {:?} in {} of {}); a rollout begins with \
                         everything at {stable}",
                        located.weights,
                        of.place(located.rule),
                        of.object(),
                    )));
                }
            }
            if let Some(other) = another_release(of, &live, &self.record.object) {
                return Err(Error::Plan(other));
            }
            if let Some(mirror) = initial_mirror(of, &live) {
                return Err(Error::Plan(mirror));
            }
            if probes && of.takes_headers() {
                // An obstacle to the header route is found before anything is written.
                let made = RouteChange { header_route: Some(true), ..RouteChange::default() };
                change_route(of, &live, &made)?;
                reachable = true;
            }
            check_sticky(&self.plan, of, &live, probes)?;
        }
        if !reachable {
            return Err(Error::Plan(format!(
                "no route of the target can lead a header to {canary}: rules for TLS and TCP are chosen before any header is \
                 read; add the HTTP rules to target.routes, or count the requests elsewhere and send none"
            )));
        }
        Ok(())
    }

    /// Somebody else's changes of the first route.
    fn edits_of_first(&self, state: &State, live: &Value) -> Differences {
        edits_of(&self.plan, &self.record, self.unfinished.as_ref().unwrap_or(state), live)
    }

    async fn compare_all(&mut self, state: &State) -> Result<Differences> {
        let Some(live) = self.cluster.get(&self.record.object).await? else {
            return Ok(gone(&self.record.object));
        };
        self.record.listen(&live);
        self.record.saw(&live);
        let edits = self.edits_of_first(state, &live);
        if edits.is_empty() { self.others.compare().await } else { Ok(edits) }
    }

    async fn change_of(&mut self, purpose: Purpose) -> Result<RouteChange> {
        Ok(match purpose {
            Purpose::Save => RouteChange::default(),
            Purpose::HeaderRoute => {
                RouteChange { header_route: Some(true), ..RouteChange::default() }
            }
            Purpose::Step(split) => RouteChange {
                split: Some(split),
                header_route: self.plan.header.is_none().then_some(false),
                ..RouteChange::default()
            },
            // The subset can only be removed when no route names it.
            Purpose::End(split) => RouteChange {
                split: Some(split),
                drop_canary: split == Split::STABLE && self.versions.created().await?,
                keep_canary: split != Split::STABLE,
                header_route: Some(false),
                ..RouteChange::default()
            },
            Purpose::Leave => RouteChange::keep_weights(),
        })
    }

    async fn write_all(
        &mut self,
        before: &State,
        after: &State,
        purpose: Purpose,
    ) -> Result<Write> {
        let change = self.change_of(purpose).await?;
        let adopted =
            self.unfinished.as_ref().filter(|state| is_same_change(state, after)).cloned();
        let written = match adopted {
            Some(state) => Write::Adopted(Box::new(state)),
            None => self.write_first(before, after, &change).await?,
        };
        let state = match &written {
            Write::Edited(_) | Write::NotReady(_) => return Ok(written),
            Write::Adopted(state) => (**state).clone(),
            Write::Done | Write::Earlier => after.clone(),
        };
        if purpose == Purpose::Save {
            return Ok(written);
        }
        let change = change_of_others(change, purpose, &state);
        let over = matches!(purpose, Purpose::End(_) | Purpose::Leave);
        let run = Some(state.began()).filter(|_| !over);
        self.unfinished = Some(state);
        let of = |state: &State| state.split().map_or(0, share);
        let raises = of(after) > of(before);
        // Towards the stable version, each route that was changed stays so, and an attempt that failed is continued.
        let back = raises || purpose == Purpose::HeaderRoute;
        let obstacle = match self.write_others(&change, run, raises || !over).await {
            Err(error) if back && !error.is_retryable() => {
                self.take_back(before).await?;
                self.unfinished = None;
                return Err(error);
            }
            obstacle => obstacle?,
        };
        if obstacle.is_some() && back {
            self.take_back(before).await?;
        }
        self.unfinished = None;
        Ok(obstacle.unwrap_or(written))
    }

    /// Writes the routes behind the first one and, where users are to get to the canary, waits until the controllers have
    /// read them all. Gives what is in the way.
    ///
    /// At an end nobody waits for the controllers: a Gateway that was deleted accepts no route, and users that go back to
    /// the stable version must not depend on it.
    async fn write_others(
        &mut self,
        change: &RouteChange,
        run: Option<Timestamp>,
        waits: bool,
    ) -> Result<Option<Write>> {
        let edits = self.others.write(change, run).await?;
        if !edits.is_empty() {
            return Ok(Some(Write::Edited(edits)));
        }
        let refused = if waits { self.acceptances.wait().await? } else { None };
        Ok(refused.map(|why| Write::NotReady(Missing::for_good(why))))
    }

    /// Writes the first route what leads to `after`, with `after` as the stored state.
    async fn write_first(
        &mut self,
        before: &State,
        after: &State,
        change: &RouteChange,
    ) -> Result<Write> {
        let Self { cluster, plan, record, unfinished, .. } = self;
        let before = unfinished.as_ref().unwrap_or(before);
        let patch = |live: &Value, text: &str| {
            let stored = RouteChange { state: Some(Some(text.to_owned())), ..change.clone() };
            change_route(RouteOf::from(&*plan).of_run(run_of(after)), live, &stored)
        };
        let edits = |record: &Record, live: &Value| edits_of(plan, record, before, live);
        record.write(&**cluster, after, change.split.is_some(), edits, patch).await
    }

    /// Brings every route that was written back to the state before.
    async fn take_back(&mut self, before: &State) -> Result<()> {
        let change = RouteChange {
            split: Some(before.split().unwrap_or(Split::STABLE)),
            header_route: Some(before.has_header_route()),
            ..RouteChange::default()
        };
        // The one that is in the way stays as somebody else has left it.
        self.others.take_back(&change, run_of(before)).await?;
        let unfinished = self.unfinished.clone();
        let state = unfinished.as_ref().unwrap_or(before);
        self.write_first(state, before, &change).await.map(drop)
    }

    async fn complete_others(&mut self, state: &State) -> Result<Differences> {
        // After somebody else's edit nothing more is written.
        if matches!(state.verdict(), Verdict::ExternalEdit { .. }) {
            return Ok(Differences::default());
        }
        let run = run_of(state);
        let split = state.split().unwrap_or(Split::STABLE);
        let change = RouteChange {
            split: Some(split),
            drop_canary: run.is_none() && split == Split::STABLE && self.versions.created().await?,
            keep_canary: run.is_none() && split != Split::STABLE,
            header_route: Some(state.has_header_route()),
            ..RouteChange::default()
        };
        let edits = self.others.write(&change, run).await?;
        if let Some(earlier) = self.others.not_at(change.split).filter(|_| !edits.is_empty())
            && state.split().is_some_and(|now| share(now) > share(earlier))
        {
            let change = RouteChange { split: Some(earlier), ..RouteChange::default() };
            self.others.take_back(&change, run).await?;
            let live = look_up::get(&*self.cluster, &self.record.object).await?;
            let patch = change_route(RouteOf::from(&self.plan).of_run(run), &live, &change)?;
            let live = self.cluster.patch(&self.record.object, &patch).await?;
            self.record.saw(&live);
        }
        Ok(edits)
    }

    async fn clean_up_all(&mut self, state: &State) -> Result<()> {
        self.others.clean_up(state).await?;
        let object = self.record.object.clone();
        let mut attempt = 0;
        loop {
            attempt += 1;
            let Some(live) = self.cluster.get(&object).await? else { return Ok(()) };
            let own = self.record.is_own(annotation(&live, STATE_ANNOTATION));
            let left = clean_up(&self.plan, &live, state.split().unwrap_or(Split::STABLE))?;
            let store = RouteChange {
                state: own.then(|| state.encode().map(Some)).transpose()?,
                ..RouteChange::default()
            };
            let mut operations = left.unwrap_or_default();
            let stored = change_route(&self.plan, &live, &store)?;
            operations.0.extend(stored.0);
            match self.cluster.patch(&object, &operations).await {
                Ok(written) => {
                    self.record.settled(&written);
                    return Ok(());
                }
                Err(Error::NotFound { .. }) => return Ok(()),
                Err(error) => again(&*self.clock, attempt, error).await?,
            }
        }
    }

    async fn give_up_all(&mut self) -> Result<()> {
        let first = self.record.object.clone();
        let Some(live) = self.cluster.get(&first).await? else { return Ok(()) };
        let Some(manager) = state_manager(&live).map(str::to_owned) else { return Ok(()) };
        for (_, object) in self.watched() {
            self.give_up(&object, &manager).await?;
        }
        Ok(())
    }

    async fn give_up(&mut self, object: &ObjectRef, manager: &str) -> Result<()> {
        let mut attempt = 0;
        loop {
            attempt += 1;
            let Some(live) = self.cluster.get(object).await? else { return Ok(()) };
            let Some(patch) = give_up_spec(&live, &object.to_string(), manager)? else {
                return Ok(());
            };
            match self.cluster.patch(object, &patch).await {
                Ok(_) => return Ok(()),
                Err(error) => again(&*self.clock, attempt, error).await?,
            }
        }
    }
}

/// Somebody else's changes of the first route, which should be at a state.
fn edits_of(plan: &Plan, record: &Record, state: &State, live: &Value) -> Differences {
    let state = record.in_force(state, live);
    let expected = state.split().unwrap_or(Split::STABLE);
    let of = RouteOf::from(plan).of_run(run_of(state));
    let mut edits = differences(of, live, expected, state.has_header_route());
    edits.0.extend(record.foreign_state(live));
    edits.signed(live)
}

/// The reason why a route cannot move with this plan: another release moves it.
fn another_release(of: RouteOf<'_>, live: &Value, first: &ObjectRef) -> Option<String> {
    let object = of.object();
    let marked = annotation(live, WRITTEN_ANNOTATION).is_some();
    let state = annotation(live, STATE_ANNOTATION).filter(|_| object != *first);
    let under_way = state.is_some_and(|text| !is_over(text));
    (marked || under_way).then(|| {
        let mark = if marked { WRITTEN_ANNOTATION } else { STATE_ANNOTATION };
        format!(
            "{object} is moved by another release; end that one first, or, if no driver will continue it, set the weights \
             and remove the annotation {mark}"
        )
    })
}

/// `true` when a stored state is of a rollout that has ended.
fn is_over(text: &str) -> bool {
    let state: Option<Value> = serde_json::from_str(text).ok();
    state.is_some_and(|state| state.pointer("/phase/done").is_some())
}

/// The canary's part of the requests, copies included.
fn share(split: Split) -> u64 {
    split.canary.thousandths() + split.mirror.thousandths()
}

/// The change of the routes behind the first one. An end states the split even where it keeps the weights, because
/// afterwards nothing in the route says what was written last.
fn change_of_others(change: RouteChange, purpose: Purpose, state: &State) -> RouteChange {
    if purpose != Purpose::Leave {
        return change;
    }
    let left = state.split().unwrap_or(Split::STABLE);
    RouteChange { split: Some(left.mirror(Percent::NONE)), drop_mirror: false, ..change }
}

impl<C: Cluster + 'static> Target for MovedRoutes<C> {
    fn watched(&self) -> Vec<(Watched, ObjectRef)> {
        let mut all = vec![(Watched::First, self.record.object.clone())];
        let others = self.others.objects().enumerate();
        all.extend(others.map(|(place, object)| (Watched::Other(place), object)));
        all.extend(self.versions.rule().map(|rule| (Watched::Versions, rule.clone())));
        all
    }

    fn read(&mut self) -> BoxFuture<'_, Result<(Value, Option<String>)>> {
        Box::pin(self.read_all())
    }

    fn check_beginning(&mut self, probes: bool) -> BoxFuture<'_, Result<()>> {
        Box::pin(self.check(probes))
    }

    fn split(&self, live: &Value) -> Option<Split> {
        let mut splits = locate_all(&self.plan, live).ok()?.into_iter().map(|one| one.split);
        let first = splits.next()?;
        splits.all(|split| split == first).then_some(first)?
    }

    fn complete<'a>(&'a mut self, state: &'a State) -> BoxFuture<'a, Result<Differences>> {
        Box::pin(self.complete_others(state))
    }

    fn seen(&mut self, what: Watched, live: &Value) -> bool {
        match what {
            Watched::First => {
                self.record.listen(live);
                self.record.is_known(live)
            }
            Watched::Other(place) => self.others.is_known(place, live),
            Watched::Versions => self.versions.is_known(live),
        }
    }

    fn take_commands(&mut self) -> Option<Lines> {
        self.record.take_commands()
    }

    fn edits(&self, state: &State, live: &Value) -> Differences {
        self.edits_of_first(state, live)
    }

    fn compare<'a>(&'a mut self, state: &'a State) -> BoxFuture<'a, Result<Differences>> {
        Box::pin(self.compare_all(state))
    }

    fn compare_versions<'a>(&'a mut self, state: &'a State) -> BoxFuture<'a, Result<Differences>> {
        Box::pin(self.versions.compare(state))
    }

    fn prepare(&mut self) -> BoxFuture<'_, Result<Option<SubsetLabels>>> {
        Box::pin(self.versions.prepare())
    }

    fn created_version(&mut self) -> BoxFuture<'_, Result<bool>> {
        Box::pin(self.versions.created())
    }

    fn drop_version(&mut self) -> BoxFuture<'_, Result<()>> {
        Box::pin(self.versions.drop_canary())
    }

    fn keep_version(&mut self) -> BoxFuture<'_, Result<()>> {
        Box::pin(self.versions.keep_canary())
    }

    fn awaits_weights(&self) -> bool {
        self.unfinished.is_some() || self.record.awaits_weights()
    }

    fn write<'a>(
        &'a mut self,
        before: &'a State,
        after: &'a State,
        purpose: Purpose,
    ) -> BoxFuture<'a, Result<Write>> {
        Box::pin(self.write_all(before, after, purpose))
    }

    fn clean_up<'a>(&'a mut self, state: &'a State) -> BoxFuture<'a, Result<()>> {
        Box::pin(self.clean_up_all(state))
    }

    fn canary(&mut self) -> BoxFuture<'_, Result<Release>> {
        Box::pin(self.versions.canary())
    }

    fn stable(&mut self) -> BoxFuture<'_, Result<Presence>> {
        Box::pin(self.versions.stable())
    }

    fn old_version(&self) -> BoxFuture<'_, Result<Result<Found, String>>> {
        Box::pin(find_old_version(&*self.cluster, &self.plan, true))
    }

    fn hand_back(&mut self) -> BoxFuture<'_, Result<()>> {
        Box::pin(self.give_up_all())
    }
}
