//! The model config file in its `ConfigMap`, and the patches of it.

use json_patch::Patch;
use serde_json::Value;

use crate::{
    Error, Result, VersionLabels,
    cluster::labels::{ModelLabels, ModelServers},
    json::annotation,
    patch::{Ops, STATE_ANNOTATION, escape},
};

/// The annotation with the file as it was before the promotion, while a rollback may need it.
pub(super) const BEFORE_ANNOTATION: &str = "canary-rs.github.io/model-config-before";

/// A change of the file that goes with a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FileChange {
    /// None.
    Keep,
    /// The stable label moves to the version of the plan; the text from before is kept where the promotion may still be
    /// taken back.
    Promote { reversible: bool },
    /// The stable label moves back.
    Revert,
    /// None; the earlier text is no longer needed.
    Settle,
}

/// The text of the file.
///
/// # Errors
/// [`Error::Plan`] when the `ConfigMap` has no such text, or can never be changed.
pub(super) fn text_of<'v>(target: &VersionLabels, live: &'v Value) -> Result<&'v str> {
    let (object, key) = (target.config_map_ref(), target.file.as_str());
    if live["immutable"] == true {
        return Err(Error::Plan(format!(
            "{object} is immutable, so that the promotion could not be written to it; make a new one without the field \
             immutable"
        )));
    }
    live["data"][key].as_str().ok_or_else(|| {
        let known = live["data"].as_object();
        let known: Vec<&str> = known.into_iter().flatten().map(|(key, _)| key.as_str()).collect();
        let has = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
        Error::Plan(format!(
            "{object} has no key {key:?} in data; it has {has}: correct target.versionLabels.file"
        ))
    })
}

/// The versions and labels of the target's model in the file.
///
/// # Errors
/// As [`text_of`] and [`ModelServers::read`].
pub(super) fn labels_of(
    servers: &dyn ModelServers,
    target: &VersionLabels,
    live: &Value,
) -> Result<ModelLabels> {
    servers.read(text_of(target, live)?, &target.model)
}

/// The patch that stores a state, and changes the file with it. It is pinned to the object as it was read.
pub(super) fn patch_of(
    servers: &dyn ModelServers,
    target: &VersionLabels,
    stable: &str,
    live: &Value,
    state: &str,
    change: FileChange,
) -> Result<Patch> {
    let mut ops = Ops::default();
    ops.pin_version(live, &target.config_map_ref().to_string())?;
    ops.annotation(live, STATE_ANNOTATION, Some(state));
    let text = text_of(target, live)?;
    let before = annotation(live, BEFORE_ANNOTATION);
    let path = format!("/data/{}", escape(&target.file));
    match change {
        FileChange::Keep => {}
        FileChange::Settle => ops.annotation(live, BEFORE_ANNOTATION, None),
        FileChange::Promote { reversible } => {
            let new = promoted(servers, target, stable, text)?;
            let moved = new != text;
            if moved {
                ops.test(&path, &text.into());
                ops.add(&path, new);
            }
            let kept = if moved { Some(text) } else { before };
            ops.annotation(live, BEFORE_ANNOTATION, kept.filter(|_| reversible));
        }
        FileChange::Revert => {
            if let Some(before) = before {
                ops.test(&path, &text.into());
                ops.add(&path, reverted(servers, target, stable, text, before)?);
                ops.annotation(live, BEFORE_ANNOTATION, None);
            }
        }
    }
    ops.into_patch()
}

/// The file after the promotion; the same text where the label is at the version already.
fn promoted(
    servers: &dyn ModelServers,
    target: &VersionLabels,
    stable: &str,
    text: &str,
) -> Result<String> {
    let now = servers.read(text, &target.model)?;
    let then = now.clone().with_version(target.version).with_label(stable, target.version);
    if now == then { Ok(text.to_owned()) } else { servers.write(text, &target.model, &then) }
}

/// The file after the rollback of a promotion: the text from before, to the byte, unless somebody has changed another
/// part of it since; then only this model's versions and labels go back.
fn reverted(
    servers: &dyn ModelServers,
    target: &VersionLabels,
    stable: &str,
    text: &str,
    before: &str,
) -> Result<String> {
    if promoted(servers, target, stable, before)? == text {
        return Ok(before.to_owned());
    }
    let labels = servers.read(before, &target.model)?;
    servers.write(text, &target.model, &labels)
}
