//! Checks of the routes: who else writes it.

use canary_rollout::{
    cluster::ObjectRef,
    patch::{GitOps, foreign_controller},
};
use serde_json::Value;

use super::{Check, Outcome};
use crate::Result;

/// Checks that no other controller changes the weights.
pub(super) fn owner(name: &ObjectRef, routes: &Result<Option<Value>>) -> Check {
    const NAME: &str = "owner of the routes";
    match routes {
        Err(error) => Check::unknown(NAME, error),
        Ok(None) => Check::new(NAME, Outcome::Pass, format!("no {name} yet")),
        Ok(Some(object)) => match foreign_controller(object) {
            Some(controller) => Check::new(
                NAME,
                Outcome::Fail,
                format!("{name} belongs to {controller}"),
            )
            .remedy(
                "let that controller do the release, or remove the object from its control first",
            ),
            None => Check::new(NAME, Outcome::Pass, "no other controller"),
        },
    }
}

/// Checks whether a tool writes the routes as a Git repository states them, which reverts a rollout's weights.
pub(super) fn gitops(name: &ObjectRef, routes: &Result<Option<Value>>) -> Option<Check> {
    const NAME: &str = "GitOps";
    // A missing or unreadable object is reported by the ownership check.
    let object = routes.as_ref().ok()?.as_ref()?;
    Some(match GitOps::of(object) {
        None => Check::new(NAME, Outcome::Pass, "neither Argo CD nor Flux manages the routes"),
        Some(tool) if tool.leaves_alone(object) => Check::new(
            NAME,
            Outcome::Pass,
            format!("{tool} manages {name}, and its annotations or labels exclude it"),
        ),
        Some(tool) => Check::new(
            NAME,
            Outcome::Warn,
            format!("{tool} manages {name}, and may revert the weights of a run"),
        )
        .remedy(tool.remedy()),
    })
}
