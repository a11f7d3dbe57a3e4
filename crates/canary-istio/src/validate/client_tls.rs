//! TLS towards a host.

use super::sink::Sink;
use crate::networking::{ClientTlsMode, ClientTlsSettings};
use crate::path::Path;

fn given(text: Option<&String>) -> bool {
    text.is_some_and(|text| !text.is_empty())
}

/// Checks the settings.
pub(super) fn check(tls: Option<&ClientTlsSettings>, path: &Path<'_>, sink: &mut Sink<'_>) {
    let Some(tls) = tls else { return };
    let mode = tls.mode.unwrap_or_default();
    let credential = tls.credential_name.as_deref().unwrap_or_default();
    check_config_map(credential, path, sink);
    if tls.insecure_skip_verify == Some(true) {
        check_skipped(tls, mode, path, sink);
    }
    let files = [
        (given(tls.client_certificate.as_ref()), "clientCertificate"),
        (given(tls.private_key.as_ref()), "privateKey"),
        (given(tls.ca_certificates.as_ref()), "caCertificates"),
        (given(tls.ca_crl.as_ref()), "caCrl"),
    ];
    match mode {
        ClientTlsMode::Simple | ClientTlsMode::Mutual if !credential.is_empty() => {
            for (_, field) in files.iter().filter(|(there, _)| *there) {
                sink.error(
                    "V093",
                    &path.field(field),
                    format!("beside credentialName, {field} cannot be set"),
                )
                .help("put it into the Secret, or leave credentialName out");
            }
        }
        ClientTlsMode::Mutual => {
            for (there, field) in &files[..2] {
                if !there {
                    sink.error("V093", &path.field(field), format!("mode MUTUAL needs {field}"))
                        .help("set it, or take everything from `credentialName`");
                }
            }
        }
        ClientTlsMode::Disable | ClientTlsMode::IstioMutual => {
            for (_, field) in files.iter().filter(|(there, _)| *there) {
                let name = if mode == ClientTlsMode::Disable { "DISABLE" } else { "ISTIO_MUTUAL" };
                sink.warning(
                    "C009",
                    &path.field(field),
                    format!("with mode {name}, {field} has no effect"),
                )
                .help("remove it");
            }
        }
        ClientTlsMode::Simple => {}
    }
}

fn check_skipped(
    tls: &ClientTlsSettings,
    mode: ClientTlsMode,
    path: &Path<'_>,
    sink: &mut Sink<'_>,
) {
    let names = tls.subject_alt_names.as_ref().is_some_and(|names| !names.is_empty());
    let authority = given(tls.ca_certificates.as_ref());
    let refused = match mode {
        ClientTlsMode::Simple => authority || names || given(tls.credential_name.as_ref()),
        ClientTlsMode::Mutual => authority || names,
        ClientTlsMode::Disable | ClientTlsMode::IstioMutual => false,
    };
    if refused {
        sink.error(
            "V093",
            &path.field("insecureSkipVerify"),
            "insecureSkipVerify cannot be combined with settings for verification",
        )
        .help(
            "remove caCertificates, subjectAltNames and, in mode SIMPLE, credentialName; or verify",
        );
    }
}

/// Checks a credential that is read from a ConfigMap: `configmap://namespace/name`.
fn check_config_map(credential: &str, path: &Path<'_>, sink: &mut Sink<'_>) {
    let Some(resource) = credential.strip_prefix("configmap://") else { return };
    let mut parts = resource.split('/');
    let namespace = parts.next().unwrap_or_default();
    let place = path.field("credentialName");
    if namespace.is_empty() || parts.next().is_none_or(str::is_empty) {
        sink.error("V093", &place, "a ConfigMap is named `configmap://<namespace>/<name>`")
            .found(credential);
    } else if namespace != sink.namespace {
        sink.error("V093", &place, "the ConfigMap must be in the namespace of the rule")
            .found(credential);
    }
}
