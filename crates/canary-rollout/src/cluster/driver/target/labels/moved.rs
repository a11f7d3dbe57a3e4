//! A release by labels: the file with the labels, its reads and its writes.

use std::sync::Arc;

use serde_json::Value;

use super::{
    super::{
        Purpose, Release, Write,
        record::{Record, gone},
        versions::again,
    },
    file::{FileChange, labels_of, patch_of, text_of},
    fleet::Fleet,
};
use crate::{
    Error, Missing, Phase, Plan, Result, Split, State, Verdict, VersionLabels,
    cluster::{
        Cluster, Presence,
        driver::clock::Clock,
        labels::{ModelServers, check_deployment},
        versions as look_up,
    },
    json::{annotation, resource_version},
    patch::{Difference, Differences, STATE_ANNOTATION, SubsetLabels, give_up_spec, state_manager},
};

/// The labels of a plan's target, and what was last written.
pub(in crate::cluster::driver) struct MovedLabels<C> {
    cluster: Arc<C>,
    clock: Arc<dyn Clock>,
    plan: Plan,
    pub(super) target: VersionLabels,
    pub(super) record: Record,
    fleet: Fleet<C>,
    /// The version of the `Deployment` when it was last read.
    pub(super) deployment: Option<Value>,
    /// The version of the stable label in the file when it was first read.
    from: Option<i64>,
}

/// The model config file of a release, with the plan whose label it should have.
struct File<'r> {
    plan: &'r Plan,
    target: &'r VersionLabels,
    servers: &'r dyn ModelServers,
    /// The version of the stable label when the file was first read.
    from: Option<i64>,
}

impl File<'_> {
    /// Somebody else's changes since a state was written.
    fn edits(&self, record: &Record, state: &State, live: &Value) -> Differences {
        let state = record.in_force(state, live);
        let mut edits = Differences::default();
        let path = format!(
            "data[{}] model_config_list.config[name={}].version_labels[{}]",
            self.target.file, self.target.model, self.plan.stable
        );
        let mut push = |expected: String, found: String| {
            edits.0.push(Difference { path: path.clone(), expected, found, by: None });
        };
        let from = stored_from(state).or(self.from);
        match labels_of(self.servers, self.target, live) {
            Err(error) => push("a model config".to_owned(), error.to_string()),
            Ok(labels) => {
                let found = labels.labels.get(&self.plan.stable).copied();
                let promoted = found == Some(self.target.version) && moves(self.plan, state);
                if found != from && !promoted {
                    let text = |version: Option<i64>| {
                        version.map_or_else(|| "none".to_owned(), |version| version.to_string())
                    };
                    push(text(from), text(found));
                }
            }
        }
        edits.0.extend(record.foreign_state(live));
        edits.signed(live)
    }
}

/// The version of the stable label before the rollout, as the state has it.
fn stored_from(state: &State) -> Option<i64> {
    state.subsets().and_then(|labels| labels.stable.get(VERSION)?.parse().ok())
}

impl<C: Cluster + 'static> MovedLabels<C> {
    pub(in crate::cluster::driver) fn new(
        cluster: Arc<C>,
        clock: Arc<dyn Clock>,
        plan: Plan,
        target: VersionLabels,
        servers: Arc<dyn ModelServers>,
    ) -> Self {
        Self {
            record: Record::new(target.config_map_ref()),
            fleet: Fleet::new(Arc::clone(&cluster), servers, target.clone(), &plan),
            cluster,
            clock,
            plan,
            target,
            deployment: None,
            from: None,
        }
    }

    fn servers(&self) -> &dyn ModelServers {
        &*self.fleet.servers
    }

    async fn file(&self) -> Result<String> {
        let live = look_up::get(&*self.cluster, &self.record.object).await?;
        text_of(&self.target, &live).map(str::to_owned)
    }

    pub(super) async fn read_all(&mut self) -> Result<(Value, Option<String>)> {
        let live = look_up::get(&*self.cluster, &self.record.object).await?;
        let labels = labels_of(self.servers(), &self.target, &live)?;
        self.from = labels.labels.get(&self.plan.stable).copied();
        let deployment = look_up::get(&*self.cluster, &self.target.deployment_ref()).await?;
        check_deployment(&self.target, &deployment)?;
        self.deployment = resource_version(&deployment).cloned();
        let stored = self.record.adopt(&live);
        Ok((live, stored))
    }

    pub(super) async fn check(&mut self, probes: bool) -> Result<()> {
        let live = look_up::get(&*self.cluster, &self.record.object).await?;
        let labels = labels_of(self.servers(), &self.target, &live)?;
        let (object, key) = (&self.record.object, &self.target.file);
        let VersionLabels { model, version, .. } = &self.target;
        let Plan { stable, canary, .. } = &self.plan;
        let refuse = |reason: String| Err(Error::Plan(format!("{key} of {object}: {reason}")));
        let Some(from) = labels.labels.get(stable) else {
            return refuse(format!(
                "model {model} has no label {stable:?}, which the promotion would move; label the version that clients are \
                 served, have them ask for the label, and release then"
            ));
        };
        if from == version {
            return refuse(format!(
                "the label {stable} of model {model} is at version {version} already; there is nothing to release"
            ));
        }
        if let Some(found) = labels.labels.get(canary) {
            return refuse(format!(
                "model {model} has the label {canary:?} at version {found}; the label is the rollout's own: take it out of \
                 the file, or give the plan another canary"
            ));
        }
        if !probes {
            return Err(Error::Plan(
                "a release by labels asks both versions itself; give the rollout a client and inputs".to_owned(),
            ));
        }
        Ok(())
    }

    /// The version of the stable label before the rollout.
    fn from(&self, state: &State) -> Option<i64> {
        stored_from(state).or(self.from)
    }

    /// Somebody else's changes of the file.
    pub(super) fn edits_of_file(&self, state: &State, live: &Value) -> Differences {
        let Self { plan, target, from, .. } = self;
        let file = File { plan, target, servers: self.servers(), from: *from };
        file.edits(&self.record, state, live)
    }

    pub(super) async fn compare_file(&mut self, state: &State) -> Result<Differences> {
        let Some(live) = self.cluster.get(&self.record.object).await? else {
            return Ok(gone(&self.record.object));
        };
        self.record.listen(&live);
        self.record.saw(&live);
        Ok(self.edits_of_file(state, &live))
    }

    pub(super) async fn compare_servers(&mut self, state: &State) -> Result<Differences> {
        let deployment = self.target.deployment_ref();
        let Some(live) = self.cluster.get(&deployment).await? else { return Ok(gone(&deployment)) };
        self.deployment = resource_version(&live).cloned();
        if let Err(error) = check_deployment(&self.target, &live)
            && !state.is_decided()
        {
            return Ok(Differences(vec![Difference {
                path: format!("{deployment} spec.template"),
                expected: "the flags and the file that a release by labels needs".to_owned(),
                found: error.to_string(),
                by: None,
            }]));
        }
        let exposed = state.split().is_some() && state.has_header_route();
        if !exposed || state.is_decided() || moves(&self.plan, state) {
            return Ok(Differences::default());
        }
        let Some(from) = self.from(state) else { return Ok(Differences::default()) };
        self.fleet.compare(&self.file().await?, from).await
    }

    pub(super) async fn prepare_servers(&mut self) -> Result<Option<SubsetLabels>> {
        self.fleet.load(&self.file().await?).await?;
        let Some(from) = self.from else { return Ok(None) };
        let labels = |version: i64| [(VERSION.to_owned(), version.to_string())].into();
        Ok(Some(SubsetLabels {
            host: self.target.model.clone(),
            stable: labels(from),
            canary: labels(self.target.version),
        }))
    }

    pub(super) async fn expose_canary(&mut self, state: &State) -> Result<Result<(), Missing>> {
        let Some(from) = self.from(state) else { return Ok(Ok(())) };
        self.fleet.expose(&self.file().await?, from).await
    }

    pub(super) async fn write_all(
        &mut self,
        before: &State,
        after: &State,
        purpose: Purpose,
    ) -> Result<Write> {
        let change = match purpose {
            Purpose::Step(Split::CANARY) => FileChange::Promote { reversible: true },
            Purpose::End(Split::CANARY) => FileChange::Promote { reversible: false },
            Purpose::End(_) => FileChange::Revert,
            Purpose::Leave => FileChange::Settle,
            Purpose::Save | Purpose::HeaderRoute | Purpose::Step(_) => FileChange::Keep,
        };
        if matches!(change, FileChange::Promote { .. }) {
            // A driver that is killed among the servers comes back to the promotion.
            match self.store(before, before, FileChange::Keep).await? {
                Write::Done | Write::Earlier | Write::Adopted(_) => {}
                other => return Ok(other),
            }
            match self.fleet.promote(&self.file().await?).await? {
                Ok(()) => {}
                // All clients are at the version already: a server that is away for a moment changes nothing for them.
                Err(missing) if missing.may_come && purpose == Purpose::End(Split::CANARY) => {
                    return Err(Error::Cluster {
                        action: "complete the promotion".to_owned(),
                        reason: missing.why,
                        retryable: true,
                        source: None,
                    });
                }
                Err(missing) => return Ok(Write::NotReady(missing)),
            }
        }
        self.store(before, after, change).await
    }

    pub(super) fn split_of(&self, live: &Value) -> Option<Split> {
        let labels = labels_of(self.servers(), &self.target, live).ok()?;
        let stable = labels.labels.get(&self.plan.stable)?;
        Some(if *stable == self.target.version { Split::CANARY } else { Split::STABLE })
    }

    /// Stores a state, with a change of the file.
    async fn store(&mut self, before: &State, after: &State, change: FileChange) -> Result<Write> {
        let Self { cluster, plan, target, record, fleet, from, .. } = self;
        let servers = &*fleet.servers;
        let file = File { plan, target, servers, from: *from };
        let patch =
            |live: &Value, text: &str| patch_of(servers, target, &plan.stable, live, text, change);
        let edits = |record: &Record, live: &Value| file.edits(record, before, live);
        record.write(&**cluster, after, change != FileChange::Keep, edits, patch).await
    }

    pub(super) async fn restore(&mut self) -> Result<()> {
        self.fleet.restore(&self.file().await?).await
    }

    /// After somebody else's edit: the canary's label goes, and the state of the run is stored where the stored one is its
    /// own.
    pub(super) async fn clean_up_all(&mut self, state: &State) -> Result<()> {
        let object = self.record.object.clone();
        let mut attempt = 0;
        loop {
            attempt += 1;
            let Some(live) = self.cluster.get(&object).await? else { return Ok(()) };
            if let Ok(text) = text_of(&self.target, &live) {
                self.fleet.withdraw(text).await?;
            }
            if !self.record.is_own(annotation(&live, STATE_ANNOTATION)) {
                return Ok(());
            }
            let (servers, stable) = (self.servers(), &self.plan.stable);
            let text = state.encode()?;
            let keep = FileChange::Settle;
            let patch = patch_of(servers, &self.target, stable, &live, &text, keep)?;
            match self.cluster.patch(&object, &patch).await {
                Ok(written) => {
                    self.record.settled(&written);
                    return Ok(());
                }
                Err(Error::NotFound { .. }) => return Ok(()),
                Err(error) => again(&*self.clock, attempt, error).await?,
            }
        }
    }

    pub(super) async fn presence(&self) -> Result<Presence> {
        Ok(match self.fleet.complete().await? {
            Ok(replicas) => Presence::Ready { pods: replicas.len() },
            Err(Missing { why, may_come }) => Presence::Missing { why, hopeless: !may_come },
        })
    }

    pub(super) async fn canary_of(&self) -> Result<Release> {
        let VersionLabels { model, version, .. } = &self.target;
        Ok((self.presence().await?, Some(format!("version {version} of model {model}"))))
    }

    pub(super) async fn give_up(&mut self) -> Result<()> {
        let object = self.record.object.clone();
        let mut attempt = 0;
        loop {
            attempt += 1;
            let Some(live) = self.cluster.get(&object).await? else { return Ok(()) };
            let Some(manager) = state_manager(&live).map(str::to_owned) else { return Ok(()) };
            let Some(patch) = give_up_spec(&live, &object.to_string(), &manager)? else {
                return Ok(());
            };
            match self.cluster.patch(&object, &patch).await {
                Ok(_) => return Ok(()),
                Err(error) => again(&*self.clock, attempt, error).await?,
            }
        }
    }
}

/// The key of a version's number among the labels that tell the versions apart in a stored state.
const VERSION: &str = "version";

/// `true` while the stable label may be at either version: it is being moved, or was moved and may be moved back.
fn moves(plan: &Plan, state: &State) -> bool {
    let last = plan.steps.get(state.step()).is_some_and(|step| step.weight == 100);
    match state.phase() {
        Phase::Writing => last || state.split() == Some(Split::CANARY),
        Phase::Finishing(Verdict::Promote { .. } | Verdict::PromotedByPerson { .. }) => true,
        _ => state.split() == Some(Split::CANARY),
    }
}
