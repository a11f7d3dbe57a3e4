//! Properties of the header route of every object, as the mesh sees it.

use proptest::prelude::*;

use super::{
    generated::{objects, plans, requests},
    *,
};

/// The destination of a request: the index of the route and the cluster.
struct Landed {
    route: Option<usize>,
    cluster: Option<String>,
}

fn land(mesh: &Mesh, request: &Request) -> Landed {
    let decision = mesh.route(request);
    let index = |path: &str| {
        let rest = path.strip_prefix("spec.http[").unwrap();
        rest[..rest.find(']').unwrap()].parse().unwrap()
    };
    Landed {
        route: decision.rule().map(|rule| index(&rule.path)),
        cluster: decision.cluster().map(|cluster| cluster.name.clone()),
    }
}

fn target_of(object: &Value) -> usize {
    let all = object["spec"]["http"].as_array().unwrap();
    all.iter().position(|route| route["name"] == "target").unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    /// Made and removed, an object is as it was, without what earlier rollouts left.
    #[test]
    fn what_is_created_is_removed_whole(plan in plans(), (bare, object) in objects()) {
        let Ok(patch) = change_route(&plan, &object, &header_route(true)) else { return Ok(()) };
        let made = apply(&object, &patch);
        prop_assert_eq!(&after(&plan, &made, &header_route(false)), &bare);
        prop_assert_eq!(&after(&plan, &object, &header_route(false)), &bare);
        prop_assert!(has_header_route(&plan, &made), "{:#}", made);
        prop_assert_eq!(&after(&plan, &made, &header_route(true)), &made, "made once");
        prop_assert_eq!(locate(&plan, &made).unwrap().split, Some(Split::STABLE));
        // The clean-up of this run removes the same objects, unless somebody else's route is used.
        let clean = clean_up(&plan, &made, Split::STABLE).unwrap();
        prop_assert_eq!(&clean.map_or_else(|| made.clone(), |patch| apply(&made, &patch)), &bare);
    }

    /// With the header, whatever the target would answer goes to the canary; without it, nothing changes.
    #[test]
    fn the_created_route_answers(
        plan in plans(),
        (bare, object) in objects(),
        requests in proptest::collection::vec(requests(), 8),
    ) {
        let Ok(patch) = change_route(&plan, &object, &header_route(true)) else { return Ok(()) };
        let made = apply(&object, &patch);
        let (before, now) = (mesh(&bare), mesh(&made));
        let target = target_of(&bare);
        let alone = mesh(&with_routes(&json!([bare["spec"]["http"][target]])));
        let HeaderRoute { name, value } = plan.probe_header();
        for request in requests {
            let marked = request.clone().header(&name, &value);
            let (plain, with_header) = (land(&before, &request), land(&before, &marked));
            prop_assert_eq!(&land(&now, &request).cluster, &plain.cluster, "without the header");
            let covered = with_header.route.is_some_and(|route| route < target);
            // The requests that the target alone would answer, with or without the header.
            let its = [&request, &marked].iter().any(|one| land(&alone, one).route.is_some());
            let landed = land(&now, &marked).cluster;
            if its && !covered {
                let cluster = landed.unwrap_or_default();
                prop_assert!(cluster.contains("|resnet101|"), "{cluster} {request:?} {made:#}");
            } else {
                prop_assert_eq!(&landed, &with_header.cluster, "{:?} {:#}", request, made);
            }
            // Other values of the header belong to other people.
            let staff = request.clone().header(&name, "staff");
            prop_assert_eq!(land(&now, &staff).cluster, land(&before, &staff).cluster);
        }
    }

    /// A refusal is right: no request that the target answers without the header reaches it, or the route in its place,
    /// with the header.
    #[test]
    fn what_is_refused_could_not_work(
        plan in plans(),
        (bare, object) in objects(),
        requests in proptest::collection::vec(requests(), 8),
    ) {
        if change_route(&plan, &object, &header_route(true)).is_ok() {
            return Ok(());
        }
        prop_assert!(!has_header_route(&plan, &bare));
        let (mesh, target) = (mesh(&bare), target_of(&bare));
        let HeaderRoute { name, value } = plan.probe_header();
        for request in requests {
            let marked = land(&mesh, &request.clone().header(&name, &value)).route;
            let plain = land(&mesh, &request).route;
            prop_assert!(plain != Some(target) || marked != Some(target), "{request:?} {object:#}");
        }
    }
}
