//! The labels of two versions of one model in the same servers.
//!
//! The model config file in the `ConfigMap` says what has been accepted, and the servers have more than that while a
//! release is under way: the version of the plan, and the canary's label. So a server that is started anew comes up with
//! what was accepted, whatever happens to the driver, and a rollback brings the servers back to the file.
//!
//! The promotion moves the stable label on each server first and then writes the file, together with the state. Before
//! the first server is moved, the state says that the promotion is under way: a driver that is killed in between finds
//! servers with either label, and moves the others. When a server refuses, the label is moved back on those that were
//! changed.

mod file;
mod fleet;
mod moved;

use futures_util::future::BoxFuture;
use serde_json::Value;

use super::{Purpose, Release, Target, Watched, Write};
use crate::{
    Missing, Result, Split, State,
    cluster::{Cluster, ObjectRef, Presence, driver::listen::Lines, old_version::Found},
    json::resource_version,
    patch::{Differences, SubsetLabels},
};

pub(super) use moved::MovedLabels;

impl<C: Cluster + 'static> Target for MovedLabels<C> {
    fn watched(&self) -> Vec<(Watched, ObjectRef)> {
        vec![
            (Watched::First, self.record.object.clone()),
            (Watched::Versions, self.target.deployment_ref()),
        ]
    }

    fn read(&mut self) -> BoxFuture<'_, Result<(Value, Option<String>)>> {
        Box::pin(self.read_all())
    }

    fn check_beginning(&mut self, probes: bool) -> BoxFuture<'_, Result<()>> {
        Box::pin(self.check(probes))
    }

    fn split(&self, live: &Value) -> Option<Split> {
        self.split_of(live)
    }

    fn complete<'a>(&'a mut self, _: &'a State) -> BoxFuture<'a, Result<Differences>> {
        // The machine repeats a promotion and a rollback that were not completed.
        Box::pin(async { Ok(Differences::default()) })
    }

    fn seen(&mut self, what: Watched, live: &Value) -> bool {
        match what {
            Watched::Versions => {
                self.deployment.is_some() && self.deployment.as_ref() == resource_version(live)
            }
            Watched::First | Watched::Other(_) => {
                self.record.listen(live);
                self.record.is_known(live)
            }
        }
    }

    fn take_commands(&mut self) -> Option<Lines> {
        self.record.take_commands()
    }

    fn edits(&self, state: &State, live: &Value) -> Differences {
        self.edits_of_file(state, live)
    }

    fn compare<'a>(&'a mut self, state: &'a State) -> BoxFuture<'a, Result<Differences>> {
        Box::pin(self.compare_file(state))
    }

    fn compare_versions<'a>(&'a mut self, state: &'a State) -> BoxFuture<'a, Result<Differences>> {
        Box::pin(self.compare_servers(state))
    }

    fn prepare(&mut self) -> BoxFuture<'_, Result<Option<SubsetLabels>>> {
        Box::pin(self.prepare_servers())
    }

    fn expose<'a>(&'a mut self, state: &'a State) -> BoxFuture<'a, Result<Result<(), Missing>>> {
        Box::pin(self.expose_canary(state))
    }

    fn created_version(&mut self) -> BoxFuture<'_, Result<bool>> {
        // A server knows the label when the reload is answered: there is nothing to settle.
        Box::pin(async { Ok(false) })
    }

    fn drop_version(&mut self) -> BoxFuture<'_, Result<()>> {
        Box::pin(self.restore())
    }

    fn keep_version(&mut self) -> BoxFuture<'_, Result<()>> {
        Box::pin(async { Ok(()) })
    }

    fn awaits_weights(&self) -> bool {
        self.record.awaits_weights()
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
        Box::pin(self.canary_of())
    }

    fn stable(&mut self) -> BoxFuture<'_, Result<Presence>> {
        Box::pin(self.presence())
    }

    fn old_version(&self) -> BoxFuture<'_, Result<Result<Found, String>>> {
        Box::pin(async { Ok(Err("the old version is served by the same servers".to_owned())) })
    }

    fn hand_back(&mut self) -> BoxFuture<'_, Result<()>> {
        Box::pin(self.give_up())
    }
}
