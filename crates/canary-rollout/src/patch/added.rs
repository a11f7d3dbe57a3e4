//! The canary's destinations that a run added to a route. An annotation says which, so that they go again when the canary
//! gets nothing: a destination without weight would keep a route from being accepted once its `Service` is deleted.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{annotations::DESTINATION_ANNOTATION, ops::Ops, route_of::RouteOf};
use crate::{Error, Result, json::annotation};

/// Which of a route's moved rules have a destination that a run added.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Added {
    /// The name of the canary.
    canary: String,
    /// One for each moved rule, in their order.
    rules: Vec<bool>,
}

impl Added {
    /// Reads the annotation. Nothing was added where it is about another canary, or about another number of rules.
    pub(super) fn of(of: RouteOf<'_>, live: &Value, rules: usize) -> Self {
        annotation(live, DESTINATION_ANNOTATION)
            .and_then(|text| serde_json::from_str::<Self>(text).ok())
            .filter(|added| added.canary == of.plan.canary && added.rules.len() == rules)
            .unwrap_or_else(|| Self { canary: of.plan.canary.clone(), rules: vec![false; rules] })
    }

    /// `true` when the canary's destination in the moved rule at a place is one that a run added.
    pub(super) fn at(&self, place: usize) -> bool {
        self.rules[place]
    }

    /// Notes whether the canary's destination in a moved rule is there because of the run.
    pub(super) fn set(&mut self, place: usize, added: bool) {
        self.rules[place] = added;
    }

    /// Writes the annotation, or removes it when no destination is left that a run added.
    ///
    /// # Errors
    /// [`Error::Plan`] when it cannot be written as JSON.
    pub(super) fn write(&self, ops: &mut Ops, live: &Value) -> Result<()> {
        if !self.rules.contains(&true) {
            forget(ops, live);
            return Ok(());
        }
        let text = serde_json::to_string(self)
            .map_err(|error| Error::Plan(format!("the annotation cannot be written: {error}")))?;
        if annotation(live, DESTINATION_ANNOTATION) != Some(&text) {
            ops.annotation(live, DESTINATION_ANNOTATION, Some(&text));
        }
        Ok(())
    }
}

/// Removes the annotation: the destinations belong to the route.
pub(super) fn forget(ops: &mut Ops, live: &Value) {
    ops.annotation(live, DESTINATION_ANNOTATION, None);
}
