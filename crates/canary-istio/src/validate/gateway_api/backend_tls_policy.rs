//! A `BackendTLSPolicy`.

use super::{forms, limits, references};
use crate::{
    gateway_api::{BackendTlsPolicy, BackendTlsPolicyValidation, PolicyTargetRef, SubjectAltName},
    path::Path,
    validate::sink::Sink,
};

pub(super) fn check(policy: &BackendTlsPolicy, sink: &mut Sink<'_>) {
    let root = Path::root("spec");
    targets(&policy.spec.target_refs, &root.field("targetRefs"), sink);
    validation(&policy.spec.validation, &root.field("validation"), sink);
    let path = root.field("options");
    let options = policy.spec.options.as_ref();
    limits::entries(options.map_or(0, std::collections::BTreeMap::len), 0..=16, &path, sink);
    for (key, value) in options.into_iter().flatten() {
        limits::characters(value, 0..=4096, &path.key(key), sink);
    }
}

fn targets(targets: &[PolicyTargetRef], path: &Path<'_>, sink: &mut Sink<'_>) {
    limits::entries(targets.len(), 1..=16, path, sink);
    for (index, target) in targets.iter().enumerate() {
        let place = path.index(index);
        let parts = references::Parts {
            group: Some(&target.group),
            kind: Some(&target.kind),
            namespace: None,
            name: Some(&target.name),
        };
        references::parts(&parts, &place, sink);
        let section = target.section_name.as_ref();
        forms::optional(section, &forms::SECTION, &place.field("sectionName"), sink);
        let same = |other: &&PolicyTargetRef| {
            (&other.group, &other.kind, &other.name) == (&target.group, &target.kind, &target.name)
        };
        let before = || targets[..index].iter().filter(same);
        if before().any(|other| other.section_name.is_some() != section.is_some()) {
            sink.error(
                "G150",
                &place,
                format!(
                    "{} {} is named twice, and only once with sectionName",
                    target.kind, target.name
                ),
            )
            .help("set sectionName on each, or keep one reference");
        } else if before().any(|other| other.section_name == target.section_name) {
            sink.error(
                "G151",
                &place,
                format!("{} {} is named twice with the same sectionName", target.kind, target.name),
            )
            .help("remove one of them, or correct its sectionName");
        }
    }
}

fn validation(validation: &BackendTlsPolicyValidation, path: &Path<'_>, sink: &mut Sink<'_>) {
    let host = &validation.hostname;
    forms::text(host, &forms::PRECISE_HOSTNAME, &path.field("hostname"), sink);
    let authorities = validation.ca_certificate_refs.as_deref().unwrap_or_default();
    let well_known = validation.well_known_ca_certificates.as_ref();
    let place = path.field("wellKnownCACertificates");
    forms::optional(well_known, &forms::WELL_KNOWN, &place, sink);
    let given = well_known.is_some_and(|text| !text.is_empty());
    if authorities.is_empty() != given {
        let message = if given {
            "the authorities are given twice, in caCertificateRefs and wellKnownCACertificates"
        } else {
            "no authorities are given"
        };
        sink.error("G152", path, message)
            .help("keep caCertificateRefs, or write wellKnownCACertificates: System");
    }
    let place = path.field("caCertificateRefs");
    limits::entries(authorities.len(), 0..=8, &place, sink);
    for (index, reference) in authorities.iter().enumerate() {
        references::local(reference, &place.index(index), sink);
    }
    let place = path.field("subjectAltNames");
    let names = validation.subject_alt_names.as_deref().unwrap_or_default();
    limits::entries(names.len(), 0..=5, &place, sink);
    for (index, name) in names.iter().enumerate() {
        let at = place.index(index);
        match name {
            SubjectAltName::Hostname(host) => {
                forms::text(host, &forms::HOSTNAME, &at.field("hostname"), sink);
            }
            SubjectAltName::Uri(uri) => forms::text(uri, &forms::URI, &at.field("uri"), sink),
        }
    }
}
