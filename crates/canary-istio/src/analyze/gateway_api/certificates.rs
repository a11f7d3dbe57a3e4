//! The certificates of listeners: C515 and C521.

use super::{
    grants::Reference,
    objects::{Objects, Placed},
};
use crate::{
    analyze::{
        index::{DEFAULT, Index},
        report::Report,
    },
    finding::Severity,
};

pub(super) fn analyze(
    gateway: &Placed<'_>,
    objects: &Objects<'_>,
    index: &Index<'_>,
    report: &mut Report,
) {
    for (position, listener) in gateway.object.spec.listeners.iter().enumerate() {
        let secrets = listener.tls.iter().flat_map(|tls| tls.certificate_refs.iter().flatten());
        for (place, secret) in secrets.enumerate() {
            let path = format!("spec.listeners[{position}].tls.certificateRefs[{place}]");
            let kind = secret.kind.as_deref().unwrap_or("Secret");
            let group = secret.group.as_deref().unwrap_or_default();
            let namespace = secret.namespace.as_deref().unwrap_or(gateway.namespace);
            let name = &secret.name;
            let reference = Reference {
                from_kind: "Gateway",
                from_namespace: gateway.namespace,
                group,
                kind,
                namespace,
                name,
            };
            if namespace != gateway.namespace && !objects.grants.allow(&reference) {
                let message = format!(
                    "no ReferenceGrant lets a Gateway of {} refer to {kind} {namespace}/{name}; status: ResolvedRefs \
                     False with RefNotPermitted",
                    gateway.namespace
                );
                let path = format!("{path}.namespace");
                report.add(Severity::Error, "C515", &gateway.id, path, message).help =
                    Some(reference.remedy());
                continue;
            }
            if kind != "Secret" {
                continue;
            }
            let Some(known) = &index.inventory.secrets else {
                report.unjudged("C521", "whether Secrets exist: the Secrets are not known");
                continue;
            };
            let exists = known.iter().any(|one| {
                one.metadata.name.as_ref() == Some(name)
                    && one.metadata.namespace.as_deref().unwrap_or(DEFAULT) == namespace
            });
            if !exists {
                let message = format!(
                    "there is no Secret {namespace}/{name}; status: ResolvedRefs False with InvalidCertificateRef"
                );
                let path = format!("{path}.name");
                report.add(Severity::Error, "C521", &gateway.id, path, message).help =
                    Some("create it with `tls.crt` and `tls.key`, or correct the name".to_owned());
            }
        }
    }
}
