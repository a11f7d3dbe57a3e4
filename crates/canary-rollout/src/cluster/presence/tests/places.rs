//! Hosts that are no Service, stores that keep no pods, and accounts that may not look.

use super::*;
use crate::Error;

#[tokio::test]
async fn a_host_that_is_no_service_is_not_judged() {
    let memory = Memory::new(stable());
    let of_host =
        async |host: &str| presence(&memory, "shop", &rule_of(host), "v1", None).await.unwrap();
    assert!(of_host("pets.shop.svc.cluster.local").await.is_ready());
    unknown(&of_host("cats").await, "there is no Service shop/cats");
    unknown(&of_host("models.example").await, "there is no Service example/models");
    unknown(&of_host("api.models.example.com").await, "is not a Service");
    let short = ["Istio completes only names without a dot", "write pets.shop.svc.cluster.local"];
    missing(&of_host("pets.shop").await, true, &short);
    unknown(&of(&memory, "near").await, "topology.kubernetes.io/zone");

    for (spec, part) in [
        (json!({"type": "ExternalName", "externalName": "a.example"}), "ExternalName"),
        (json!({"ports": [{"port": 80}]}), "has no selector"),
    ] {
        let mut service = service();
        service["spec"] = spec;
        unknown(&of(&Memory::new([service]), "v1").await, part);
    }
}

#[tokio::test]
async fn a_store_that_does_not_serve_the_kinds_is_no_outage() {
    unknown(
        &of(&with([]).failing("Service", Failure::Unserved), "v1").await,
        "the cluster does not serve",
    );
    unknown(&of(&with([]).failing("Pod", Failure::Unserved), "v1").await, "has no pods");
    let bare =
        with([]).failing("Deployment", Failure::Unserved).failing("StatefulSet", Failure::Unserved);
    missing(&of(&bare.failing("ReplicaSet", Failure::Unserved), "v2").await, true, &["version=v1"]);
}

#[tokio::test]
async fn what_is_forbidden_or_away_is_an_error() {
    for (kind, subset) in
        [("Service", "v1"), ("Pod", "v1"), ("Deployment", "v2"), ("StatefulSet", "v2")]
    {
        let look = async |failure| {
            let memory = with([]).failing(kind, failure);
            presence(&memory, "shop", &rule_of(RULE_HOST), subset, None).await.unwrap_err()
        };
        let error = look(Failure::Forbidden).await;
        assert!(!error.is_retryable() && error.to_string().contains("grant the verb"), "{error}");
        assert!(look(Failure::Away).await.is_retryable(), "{kind}");
    }
    let memory = with([]).failing("ReplicaSet", Failure::Forbidden);
    missing(&of(&memory, "v2").await, true, &["version=v1"]);
    let outside = with([]).failing("Service", Failure::Forbidden);
    let found = presence(&outside, "shop", &rule_of("models.example"), "v1", None).await.unwrap();
    unknown(&found, "cannot determine whether its host");
    let away = with([]).failing("ReplicaSet", Failure::Away);
    let error = presence(&away, "shop", &rule_of(RULE_HOST), "v2", None).await.unwrap_err();
    assert!(matches!(error, Error::Cluster { retryable: true, .. }), "{error}");
}
