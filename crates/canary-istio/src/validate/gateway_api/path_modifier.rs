//! Changes to paths, in redirects and rewrites.

use super::forms;
use crate::{gateway_api::PathModifier, path::Path, validate::sink::Sink};

pub(super) fn check(modifier: Option<&PathModifier>, path: &Path<'_>, sink: &mut Sink<'_>) {
    let (value, field) = match modifier {
        None => return,
        Some(PathModifier::ReplaceFullPath(value)) => (value, "replaceFullPath"),
        Some(PathModifier::ReplacePrefixMatch(value)) => (value, "replacePrefixMatch"),
    };
    forms::text(value, &forms::PATH, &path.field(field), sink);
}
