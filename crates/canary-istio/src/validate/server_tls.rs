//! The TLS settings of a server of a `Gateway`.

use super::sink::Sink;
use crate::networking::{ServerTlsMode, ServerTlsSettings, TlsProtocol};
use crate::path::Path;

/// The cipher suites that Envoy's TLS library offers and Istio lets through.
const CIPHER_SUITES: &[&str] = &[
    "ECDHE-ECDSA-AES128-GCM-SHA256",
    "ECDHE-RSA-AES128-GCM-SHA256",
    "ECDHE-ECDSA-AES256-GCM-SHA384",
    "ECDHE-RSA-AES256-GCM-SHA384",
    "ECDHE-ECDSA-CHACHA20-POLY1305",
    "ECDHE-RSA-CHACHA20-POLY1305",
    "ECDHE-ECDSA-AES128-SHA",
    "ECDHE-RSA-AES128-SHA",
    "ECDHE-ECDSA-AES256-SHA",
    "ECDHE-RSA-AES256-SHA",
    "AES128-GCM-SHA256",
    "AES256-GCM-SHA384",
    "AES128-SHA",
    "AES256-SHA",
    "DES-CBC3-SHA",
];

/// Returns true for a value that Istio accepts: one of its suites, `ALL`, or an expression of the TLS library, which
/// begins with a sign (`IsValidCipherSuite` of `pkg/config/security/security.go`).
fn is_let_through(suite: &str) -> bool {
    let sign = |byte: &u8| !char::from(*byte).is_alphanumeric();
    suite.is_empty()
        || suite == "ALL"
        || suite.as_bytes().first().is_some_and(sign)
        || CIPHER_SUITES.contains(&suite)
}

fn given(text: Option<&String>) -> bool {
    text.is_some_and(|text| !text.is_empty())
}

fn filled<T>(list: Option<&Vec<T>>) -> bool {
    list.is_some_and(|list| !list.is_empty())
}

/// Checks the settings.
pub(super) fn check(tls: &ServerTlsSettings, path: &Path<'_>, sink: &mut Sink<'_>) {
    check_versions(tls, path, sink);
    check_ciphers(tls, path, sink);
    check_schema(tls, path, sink);
    let mode = tls.mode.unwrap_or_default();
    if mode == ServerTlsMode::IstioMutual {
        for (there, field) in [
            (given(tls.server_certificate.as_ref()), "serverCertificate"),
            (given(tls.private_key.as_ref()), "privateKey"),
            (given(tls.ca_certificates.as_ref()), "caCertificates"),
            (filled(tls.tls_certificates.as_ref()), "tlsCertificates"),
            (given(tls.credential_name.as_ref()), "credentialName"),
            (filled(tls.credential_names.as_ref()), "credentialNames"),
        ] {
            if there {
                sink.error(
                    "V038",
                    &path.field(field),
                    format!("with mode ISTIO_MUTUAL, {field} cannot be set"),
                )
                .help("remove it: Istio brings its own certificates");
            }
        }
        return;
    }
    check_sources(tls, mode, path, sink);
    let ends_tls = matches!(
        mode,
        ServerTlsMode::Simple | ServerTlsMode::Mutual | ServerTlsMode::OptionalMutual
    );
    if ends_tls && (given(tls.credential_name.as_ref()) || filled(tls.credential_names.as_ref())) {
        return;
    }
    if ends_tls {
        check_certificates(tls, mode, path, sink);
    }
    if given(tls.ca_crl.as_ref()) {
        let place = path.field("caCrl");
        if given(tls.credential_name.as_ref()) {
            sink.error("V043", &place, "beside credentialName, caCrl cannot be set")
                .help("put the list into the Secret");
        }
        if mode == ServerTlsMode::Simple {
            sink.error("V044", &place, "with mode SIMPLE, caCrl cannot be set")
                .help("use mode MUTUAL, or remove it");
        }
    }
}

fn check_versions(tls: &ServerTlsSettings, path: &Path<'_>, sink: &mut Sink<'_>) {
    let least = tls.min_protocol_version.unwrap_or_default();
    let most = tls.max_protocol_version.unwrap_or_default();
    if matches!(least, TlsProtocol::V1_0 | TlsProtocol::V1_1) && !filled(tls.cipher_suites.as_ref())
    {
        sink.warning(
            "V036",
            &path.field("minProtocolVersion"),
            "the default ciphers do not work below TLS 1.2",
        )
        .found(least)
        .help("list cipherSuites that do, or raise the version");
    }
    let rank = |version| match version {
        TlsProtocol::Auto => 0,
        TlsProtocol::V1_0 => 1,
        TlsProtocol::V1_1 => 2,
        TlsProtocol::V1_2 => 3,
        TlsProtocol::V1_3 => 4,
    };
    if rank(most) > 0 && rank(most) < rank(least) {
        sink.warning(
            "C006",
            &path.field("maxProtocolVersion"),
            "the highest TLS version is below the lowest, no client can connect",
        )
        .found(most);
    }
}

fn check_ciphers(tls: &ServerTlsSettings, path: &Path<'_>, sink: &mut Sink<'_>) {
    let suites = tls.cipher_suites.as_deref().unwrap_or_default();
    let list = path.field("cipherSuites");
    for (index, suite) in suites.iter().enumerate() {
        if !is_let_through(suite) {
            sink.warning(
                "V037",
                &list.index(index),
                "not a cipher suite that Istio knows, it is ignored",
            )
            .found(suite)
            .help(format!("the known ones are {}", CIPHER_SUITES.join(", ")));
        } else if suites[..index].contains(suite) {
            sink.warning("V037", &list.index(index), "the cipher suite is listed twice")
                .found(suite);
        }
    }
}

fn check_schema(tls: &ServerTlsSettings, path: &Path<'_>, sink: &mut Sink<'_>) {
    for (field, length) in [
        ("credentialNames", tls.credential_names.as_ref().map(Vec::len)),
        ("tlsCertificates", tls.tls_certificates.as_ref().map(Vec::len)),
    ] {
        if let Some(length) = length
            && !(1..=2).contains(&length)
        {
            sink.error(
                "S007",
                &path.field(field),
                format!("{field} has {length} entries, must have 1 or 2"),
            );
        }
    }
    // The API server looks at presence where the webhook looks at values.
    let sources = [
        ("credentialName", tls.credential_name.is_some(), given(tls.credential_name.as_ref())),
        ("tlsCertificates", tls.tls_certificates.is_some(), filled(tls.tls_certificates.as_ref())),
    ];
    for (field, present, has_value) in sources {
        let names_filled = filled(tls.credential_names.as_ref());
        if present && tls.credential_names.is_some() && !(has_value && names_filled) {
            sink.error(
                "S009",
                path,
                format!(
                    "credentialNames and {field} cannot both be written, even when one is empty"
                ),
            )
            .help("remove the empty one");
        }
    }
}

fn check_sources(
    tls: &ServerTlsSettings,
    mode: ServerTlsMode,
    path: &Path<'_>,
    sink: &mut Sink<'_>,
) {
    let files = given(tls.server_certificate.as_ref()) && given(tls.private_key.as_ref());
    let sources = [
        files,
        given(tls.credential_name.as_ref()),
        filled(tls.credential_names.as_ref()),
        filled(tls.tls_certificates.as_ref()),
    ];
    if matches!(mode, ServerTlsMode::Passthrough | ServerTlsMode::AutoPassthrough)
        && (sources.contains(&true)
            || [&tls.ca_crl, &tls.server_certificate, &tls.private_key, &tls.ca_certificates]
                .into_iter()
                .any(|file| given(file.as_ref())))
    {
        sink.warning(
            "V039",
            path,
            "TLS passes through, so the certificates given here are ignored",
        )
        .help("use mode SIMPLE or MUTUAL, or remove the certificates");
    }
    if sources.iter().filter(|there| **there).count() > 1 {
        sink.error("V040", path, "certificates come from more than one place")
            .help("keep one of credentialName, credentialNames, tlsCertificates, and serverCertificate with privateKey");
    }
}

fn check_certificates(
    tls: &ServerTlsSettings,
    mode: ServerTlsMode,
    path: &Path<'_>,
    sink: &mut Sink<'_>,
) {
    let name = if mode == ServerTlsMode::Simple { "SIMPLE" } else { "MUTUAL" };
    if mode != ServerTlsMode::Simple && !given(tls.ca_certificates.as_ref()) {
        sink.error(
            "V042",
            &path.field("caCertificates"),
            "mode MUTUAL needs the certificates of the clients' authority",
        )
        .help("set `caCertificates`, or take everything from `credentialName`");
    }
    let check_pair = |certificate: Option<&String>,
                      key: Option<&String>,
                      place: &Path<'_>,
                      sink: &mut Sink<'_>| {
        for (there, field, what) in [
            (given(certificate), "serverCertificate", "a server certificate"),
            (given(key), "privateKey", "a private key"),
        ] {
            if !there {
                sink.error("V042", &place.field(field), format!("mode {name} needs {what}"))
                    .help("set it, or take everything from `credentialName`");
            }
        }
    };
    match tls.tls_certificates.as_deref() {
        Some(certificates) if !certificates.is_empty() => {
            let list = path.field("tlsCertificates");
            if certificates.len() > 2 {
                sink.warning("V042", &list, "a server can have two certificates at most")
                    .found(certificates.len());
            }
            for (index, pair) in certificates.iter().enumerate() {
                check_pair(
                    pair.server_certificate.as_ref(),
                    pair.private_key.as_ref(),
                    &list.index(index),
                    sink,
                );
            }
        }
        _ => check_pair(tls.server_certificate.as_ref(), tls.private_key.as_ref(), path, sink),
    }
}
