//! `canary.Release`.

use std::time::Duration;

use canary_core::{
    cluster::{self, Cluster},
    rollout::{CommandRecord, Plan, Result, Verb},
};
use canary_lab::store::Store;
use canary_python_macros::binding;
use pyo3::prelude::*;

use super::Handle;
use crate::{
    convert::{
        plain::Plain,
        time::{self, Seconds},
    },
    door::{Call, Task},
    macros::pymethods,
    rollout::plan,
};

/// The cluster, or the lab in its place.
#[derive(Clone)]
pub(crate) enum Place {
    Cluster(Handle),
    Lab(Store),
}

/// A release that some process runs.
#[binding]
#[pyclass(frozen, module = "canary")]
#[derive(Clone)]
pub(crate) struct Release {
    place: Place,
    namespace: String,
    name: String,
    by: Option<String>,
    timeout: Duration,
    plan: Option<Plan>,
}

impl Release {
    pub(crate) fn new(
        place: Place,
        (namespace, name): (&str, String),
        given: Option<&Bound<'_, plan::Plan>>,
        by: Option<String>,
        timeout: Option<Seconds>,
    ) -> Self {
        let plan = given.map(|given| given.get().core.clone());
        let timeout = timeout.map_or(Duration::from_secs(60), Into::into);
        Self { place, namespace: namespace.to_owned(), name, by, timeout, plan }
    }

    fn on<C: Cluster + 'static>(&self, cluster: C) -> cluster::Release<C> {
        let mut release = cluster::Release::of(cluster, self.name.as_str());
        if let Some(plan) = &self.plan {
            release = release.plan(plan.clone());
        }
        if let Some(by) = &self.by {
            release = release.by(by.as_str());
        }
        release.namespace(self.namespace.as_str()).timeout(self.timeout)
    }

    async fn send(self, verb: Verb, why: String) -> Result<Plain> {
        let record = match &self.place {
            Place::Cluster(handle) => self.on(handle.open().await?).send(verb, &why).await,
            Place::Lab(store) => self.on(store.clone()).send(verb, &why).await,
        };
        record.map(|record| Plain(as_json(&record)))
    }

    async fn recorded(self) -> Result<Vec<Plain>> {
        let records = match &self.place {
            Place::Cluster(handle) => self.on(handle.open().await?).commands().await,
            Place::Lab(store) => self.on(store.clone()).commands().await,
        };
        Ok(records?.iter().map(|record| Plain(as_json(record))).collect())
    }
}

/// A record with its time as text.
fn as_json(record: &CommandRecord) -> serde_json::Value {
    let mut json = serde_json::to_value(record).unwrap_or_default();
    json["at"] = time::rfc3339(record.at).into();
    json["text"] = record.to_string().into();
    json
}

pymethods! {
    Release [card(render_value)]
    get |release| {
        virtual_service: &str = &release.name;
        namespace: &str = &release.namespace;
    }
    twins |release, py| {
        pause, pause_async () = Task::new(release.clone().send(Verb::Pause, String::new()));
        resume, resume_async () = Task::new(release.clone().send(Verb::Resume, String::new()));
        approve, approve_async () = Task::new(release.clone().send(Verb::Approve, String::new()));
        abort, abort_async (why: String) = Task::new(release.clone().send(Verb::Abort, why));
        promote, promote_async (why: String) = Task::new(release.clone().send(Verb::Promote, why));
        commands, commands_async () = Task::new(release.clone().recorded());
    }
    methods {
        fn __repr__(&self) -> String {
            format!("Release({:?}, namespace={:?})", self.name, self.namespace)
        }
    }
}
