//! Delegates that are missing or contradict their root: C503 and C504.

use super::{index::Index, report::Report};
use crate::{
    finding::Severity,
    names::CLUSTER_DOMAIN,
    route::{NoteKind, delegation_notes},
};

pub(super) fn analyze(index: &Index<'_>, report: &mut Report) {
    let is_concerned = |spec: &crate::networking::VirtualServiceSpec| {
        spec.hosts.as_ref().is_none_or(Vec::is_empty)
            || spec.http.iter().flatten().any(|rule| rule.delegate.is_some())
    };
    let concerned = index.virtual_services().filter(|item| is_concerned(&item.object.spec));
    let all: Vec<_> = concerned
        .map(|item| (item.namespace.to_owned(), item.object.name().to_owned(), item.object.clone()))
        .collect();
    for note in delegation_notes(&all, CLUSTER_DOMAIN) {
        let (code, help) = match note.kind {
            NoteKind::NoDelegate => (
                "C503",
                "make it, without hosts and gateways, or export it to the root's namespace",
            ),
            NoteKind::Conflict => ("C504", "give both rules matches that one request can fit"),
        };
        let path = format!("{}.delegate", note.path);
        report.add(Severity::Warning, code, &note.object, path, note.text).help =
            Some(help.to_owned());
    }
}
