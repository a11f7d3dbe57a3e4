//! DestinationRules: IST0128, IST0129, IST0173 and IST0174.

use super::{
    index::{Index, Item},
    report::Report,
};
use crate::{
    finding::Severity,
    names::{CLUSTER_DOMAIN, qualify},
    networking::{ClientTlsMode, ClientTlsSettings, DestinationRule},
};

pub(super) fn analyze(index: &Index<'_>, report: &mut Report) {
    for item in index.destination_rules() {
        check_verification(item, report);
        check_host(index, item, report);
    }
}

fn is_unverified(tls: Option<&ClientTlsSettings>, selected: bool) -> bool {
    let given = |text: &Option<String>| text.as_ref().is_some_and(|text| !text.is_empty());
    tls.is_some_and(|tls| {
        matches!(tls.mode, Some(ClientTlsMode::Simple | ClientTlsMode::Mutual))
            && !given(&tls.ca_certificates)
            && !(given(&tls.credential_name) && selected)
    })
}

/// The remedy for a server that is not verified.
const HELP: &str = "set `caCertificates`, such as /etc/ssl/certs/ca-certificates.crt";

fn check_verification(item: &Item<'_, DestinationRule>, report: &mut Report) {
    let Some(policy) = &item.object.spec.traffic_policy else { return };
    let selected = item.object.spec.workload_selector.is_some();
    let host = &item.object.spec.host;
    if is_unverified(policy.tls.as_ref(), selected) {
        let message = format!("the certificate of {host} is not verified");
        report
            .add(Severity::Warning, "IST0128", &item.id, "spec.trafficPolicy.tls", message)
            .help = Some(HELP.to_owned());
    }
    for (position, port) in policy.port_level_settings.iter().flatten().enumerate() {
        if is_unverified(port.tls.as_ref(), selected) {
            let number = port.port.as_ref().and_then(|port| port.number).unwrap_or(0);
            let message = format!("the certificate of {host} is not verified on port {number}");
            let path = format!("spec.trafficPolicy.portLevelSettings[{position}].tls");
            report.add(Severity::Warning, "IST0129", &item.id, path, message).help =
                Some(HELP.to_owned());
        }
    }
}

fn check_host(index: &Index<'_>, item: &Item<'_, DestinationRule>, report: &mut Report) {
    let spec = &item.object.spec;
    if spec.host.is_empty() || spec.host.starts_with('*') {
        // A wildcard may cover hosts that are created later.
        return;
    }
    let known = match index.host(&spec.host, item.namespace) {
        Err(reason) => {
            report.unjudged("IST0173", reason);
            report.unjudged("IST0174", reason);
            return;
        }
        Ok(None) => {
            let full = qualify(&spec.host, item.namespace, CLUSTER_DOMAIN);
            let message = format!("there is no service {full}, the rule has no effect");
            report.add(Severity::Warning, "IST0174", &item.id, "spec.host", message).help =
                Some("name a service in full: `<name>.<namespace>.svc.cluster.local`".to_owned());
            return;
        }
        Ok(Some(known)) => known,
    };
    let Some(pods) = &index.pods else {
        report.unjudged("IST0173", "whether subsets select a pod: the Pods are not known");
        return;
    };
    let Some(service) = known.service else {
        report.unjudged_for(
            "IST0173",
            &item.id,
            "the host comes from a ServiceEntry, whose endpoints are not known",
        );
        return;
    };
    let namespace = service.metadata.namespace.as_deref().unwrap_or("default");
    let mut selector =
        service.spec.as_ref().and_then(|spec| spec.selector.clone()).unwrap_or_default();
    if selector.is_empty() {
        report.unjudged_for(
            "IST0173",
            &item.id,
            "the Service has no selector, its endpoints are not known",
        );
        return;
    }
    let own = selector.clone();
    for (position, subset) in spec.subsets.iter().flatten().enumerate() {
        let labels = subset.labels.iter().flatten();
        if labels
            .clone()
            .any(|(key, _)| key.starts_with("topology.") || key == "kubernetes.io/hostname")
        {
            let reason =
                format!("subset {} selects by place, and the Nodes are not known", subset.name);
            report.unjudged_for("IST0173", &item.id, reason);
            continue;
        }
        selector.clone_from(&own);
        let contradicts =
            labels.clone().any(|(key, value)| own.get(key).is_some_and(|found| found != value));
        selector.extend(labels.map(|(key, value)| (key.clone(), value.clone())));
        let in_namespace = |pod: &k8s_openapi::api::core::v1::Pod| {
            pod.metadata.namespace.as_deref().unwrap_or("default") == namespace
        };
        if contradicts || !pods.select(&selector).any(in_namespace) {
            let message = format!(
                "subset {} selects no pod: none has {}",
                subset.name,
                super::selectors::text(&selector)
            );
            report
                .add(
                    Severity::Error,
                    "IST0173",
                    &item.id,
                    format!("spec.subsets[{position}].labels"),
                    message,
                )
                .help = Some(
                "requests to it fail with 503; correct the labels, or start pods that have them"
                    .to_owned(),
            );
        }
    }
}
