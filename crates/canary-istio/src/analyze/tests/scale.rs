use serde_json::json;

use super::{Bundle, object};

/// `count` VirtualServices, each with a DestinationRule and every tenth with a Gateway.
fn bundle(count: usize) -> Bundle {
    let mut bundle = Bundle::default();
    for number in 0..count {
        let host = format!("s{number}.n{}.svc.cluster.local", number % 100);
        bundle.services.push(object(
            &format!("n{}/s{number}", number % 100),
            &json!({"hosts": [host], "http": [
                {"match": [{"uri": {"prefix": "/v1/"}}, {"headers": {"user": {"exact": "canary"}}}],
                 "route": [{"destination": {"host": host, "subset": "v2"}}]},
                {"route": [{"destination": {"host": host, "subset": "v1"}, "weight": 90}, {"destination": {"host": host, "subset": "v2"}, "weight": 10}]},
            ]}),
        ));
        bundle.rules.push(object(
            &format!("n{}/s{number}", number % 100),
            &json!({"host": host, "subsets": [{"name": "v1"}, {"name": "v2"}]}),
        ));
        if number % 10 == 0 {
            bundle.gateways.push(object(
                &format!("n{}/g{number}", number % 100),
                &json!({"selector": {"istio": "ingress"}, "servers": [{"port": {"number": 80, "protocol": "HTTP", "name": "http"}, "hosts": [format!("*.h{number}.com")]}]}),
            ));
        }
    }
    bundle
}

#[test]
fn many_objects_without_fault_give_no_finding() {
    let analysis = bundle(300).analyze();
    assert!(analysis.findings.is_empty(), "{}", analysis.findings);
}

#[test]
fn findings_grow_with_the_objects() {
    // Every VirtualService claims one host: each is reported once, and names few others.
    let mut all = Bundle::default();
    for number in 0..200 {
        let spec =
            json!({"hosts": ["same.com"], "http": [{"route": [{"destination": {"host": "a"}}]}]});
        all.services.push(object(&format!("s{number}"), &spec));
    }
    let analysis = all.analyze();
    assert_eq!(analysis.findings.len(), 200);
    assert!(
        analysis
            .findings
            .iter()
            .all(|finding| finding.code == "IST0109" && finding.message.len() < 300)
    );
}
