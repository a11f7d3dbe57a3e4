//! Routes of the Gateway API, case by case: objects in short, requests, and where they end. Behaviour that the upstream
//! conformance suite and Istio's conversion demand, and that Envoy showed.

mod case;
mod explained;
mod text;

use case::Case;

/// The files of cases.
const FILES: [(&str, &str); 7] = [
    ("matching", include_str!("cases/matching.yaml")),
    ("hostnames", include_str!("cases/hostnames.yaml")),
    ("backends", include_str!("cases/backends.yaml")),
    ("filters", include_str!("cases/filters.yaml")),
    ("grpc", include_str!("cases/grpc.yaml")),
    ("mesh", include_str!("cases/mesh.yaml")),
    ("together", include_str!("cases/together.yaml")),
];

/// The number of cases, and of requests in them, that no file may lose.
const AT_LEAST: (usize, usize) = (85, 280);

#[test]
fn requests_end_where_the_cases_say() {
    let mut wrong = Vec::new();
    let (mut cases, mut requests) = (0, 0);
    for (file, text) in FILES {
        let all: Vec<Case> = serde_saphyr::from_str(text).unwrap_or_else(|e| panic!("{file}: {e}"));
        for case in all {
            cases += 1;
            requests += case.requests();
            wrong.extend(case.wrong().into_iter().map(|found| format!("{file}: {found}")));
        }
    }
    assert!(wrong.is_empty(), "{} requests end elsewhere:\n{}", wrong.len(), wrong.join("\n"));
    assert!(cases >= AT_LEAST.0 && requests >= AT_LEAST.1, "{cases} cases, {requests} requests");
}
