use super::*;

fn served(health: &mut Health, arm: Arm, count: u64) {
    for _ in 0..count {
        health.request(&Request::served(arm, None));
    }
}

fn failed(health: &mut Health, arm: Arm, count: u64) {
    for _ in 0..count {
        health.request(&Request::failure(arm, "404 Servable not found"));
    }
}

fn name(broken: impl Into<Option<Broken>>) -> &'static str {
    match broken.into() {
        None => "none",
        Some(Broken::Canary(Cause::CanaryFails { .. })) => "canary",
        Some(Broken::Canary(Cause::Unreachable { .. })) => "unreachable",
        Some(Broken::Canary(_)) => "another",
        Some(Broken::Service(_)) => "service",
    }
}

#[test]
fn a_canary_that_fails_everything_is_found_after_20_requests_with_the_reason() {
    let mut health = Health::default();
    served(&mut health, Arm::Stable, 30);
    failed(&mut health, Arm::Canary, 19);
    assert_eq!(name(health.broken(0.3)), "none");
    failed(&mut health, Arm::Canary, 1);
    let Some(Broken::Canary(Cause::CanaryFails { canary, stable, problem, .. })) =
        health.broken(0.3)
    else {
        panic!("not found")
    };
    assert_eq!((canary.failed, stable), (20, Tally { requests: 30, failed: 0 }));
    assert_eq!(problem.as_deref(), Some("404 Servable not found"));
}

#[test]
fn a_canary_that_dies_late_is_found_as_soon() {
    let mut health = Health::default();
    for _ in 0..5_000 {
        served(&mut health, Arm::Stable, 1);
        served(&mut health, Arm::Canary, 1);
    }
    failed(&mut health, Arm::Canary, 24);
    assert_eq!(name(health.broken(0.5)), "canary");
}

#[test]
fn a_canary_that_fails_sixty_percent_is_found_and_one_that_fails_thirty_is_the_guardrails_business()
{
    let run = |failures: u64| {
        let mut health = Health::default();
        for n in 0..4_000_u64 {
            let arm = if n % 2 == 0 { Arm::Canary } else { Arm::Stable };
            let fails = arm == Arm::Canary && (n / 2) * failures / 10 < (n / 2 + 1) * failures / 10;
            if fails {
                failed(&mut health, arm, 1);
            } else {
                served(&mut health, arm, 1);
            }
            if health.broken(0.5).is_some() {
                return name(health.broken(0.5));
            }
        }
        "none"
    };
    assert_eq!((run(6), run(3)), ("canary", "none"));
}

#[test]
fn what_both_versions_fail_is_the_services_fault_in_whatever_order_it_shows() {
    for share in [0.05, 0.3, 0.5, 0.95] {
        let mut health = Health::default();
        let mut due = 0.0;
        for _ in 0..3_000 {
            due += share;
            let arm = if due >= 1.0 { Arm::Canary } else { Arm::Stable };
            due -= f64::from(u8::from(due >= 1.0));
            failed(&mut health, arm, 1);
            match name(health.broken(share)) {
                "none" => {}
                found => {
                    assert_eq!(found, "service", "{share}");
                    break;
                }
            }
        }
        assert_eq!(name(health.broken(share)), "service", "{share}");
    }
}

#[test]
fn a_canary_without_endpoints_is_unreachable_and_a_wrong_split_alone_is_not() {
    for (share, canary_before) in [(0.05, 0), (0.3, 0), (0.3, 2_000), (0.9, 0), (0.9, 500)] {
        let mut health = Health::default();
        for _ in 0..canary_before {
            served(&mut health, Arm::Canary, 1);
            served(&mut health, Arm::Stable, 1);
        }
        let mut due = 0.0;
        let mut requests = 0;
        while name(health.broken(share)) == "none" {
            due += share;
            if due >= 1.0 {
                due -= 1.0;
                health.request(&Request::failure(Arm::Unknown, "503 UH"));
            } else {
                served(&mut health, Arm::Stable, 1);
            }
            requests += 1;
            assert!(requests < 2_000, "{share}");
        }
        assert_eq!(name(health.broken(share)), "unreachable", "{share} {canary_before}");

        let mut quiet = Health::default();
        served(&mut quiet, Arm::Stable, 10_000);
        failed(&mut quiet, Arm::Unknown, 2);
        assert_eq!(name(quiet.broken(share)), "none", "{share}");
    }
}

#[test]
fn failures_without_a_version_that_hit_both_are_not_the_canarys() {
    // A gateway that resets every twentieth request, for either version.
    let mut health = Health::default();
    let mut random = canary_stats::Random::new(7);
    for _ in 0..200_000 {
        if random.bernoulli(0.05) {
            health.request(&Request::failure(Arm::Unknown, "reset"));
        } else {
            let arm = if random.bernoulli(0.3) { Arm::Canary } else { Arm::Stable };
            served(&mut health, arm, 1);
        }
        assert_eq!(name(health.broken(0.3)), "none");
    }
}

#[test]
fn a_gateway_that_is_away_is_no_canarys_fault_below_100_and_its_own_at_100() {
    let mut health = Health::default();
    failed(&mut health, Arm::Unknown, 24);
    assert_eq!(name(health.broken(0.3)), "service");
    assert_eq!(name(health.broken(0.9)), "none", "so many may be the canary's share");
    failed(&mut health, Arm::Unknown, 200);
    assert_eq!(name(health.broken(0.9)), "service");
    assert_eq!(name(health.broken(1.0)), "unreachable");
    assert_eq!(name(health.broken(0.0)), "service");
}

#[test]
fn pairs_tell_a_canary_that_fails_from_a_service_that_does() {
    let pair = |stable: bool, canary: bool| {
        let half = |fails| if fails { Answer::failure("500") } else { Answer::new("cat", 0.9) };
        Pair { input: None, name: None, stable: half(stable), canary: half(canary), label: None }
    };
    for (stable, canary, found) in
        [(false, true, "canary"), (true, true, "service"), (true, false, "service")]
    {
        let mut health = Health::default();
        for _ in 0..20 {
            assert_eq!(name(health.broken(0.0)), "none");
            health.pair(&pair(stable, canary));
        }
        assert_eq!(name(health.broken(0.0)), found);
        assert!(health.obstacle(0.0).is_some());
    }
}

#[test]
fn a_step_does_not_end_well_while_most_requests_of_a_version_fail() {
    let mut health = Health::default();
    served(&mut health, Arm::Stable, 10);
    served(&mut health, Arm::Canary, 4);
    failed(&mut health, Arm::Canary, 4);
    assert_eq!(health.obstacle(0.5), None, "half of them");
    failed(&mut health, Arm::Canary, 1);
    let message = health.obstacle(0.5).unwrap();
    assert_eq!(message, "the canary failed 5 of 9 requests (404 Servable not found)");
    health.begin_step();
    assert_eq!(health.obstacle(0.5), None);
    failed(&mut health, Arm::Unknown, 3);
    assert!(health.obstacle(0.5).unwrap().contains("without a version"));
    assert_eq!(health.obstacle(0.0), None);
}

#[test]
fn a_healthy_canary_with_many_errors_is_never_taken_for_dead() {
    // 30 % of all requests fail at both versions.
    let mut random = canary_stats::Random::new(11);
    let mut health = Health::default();
    for _ in 0..300_000 {
        let arm = if random.bernoulli(0.2) { Arm::Canary } else { Arm::Stable };
        if random.bernoulli(0.3) {
            failed(&mut health, arm, 1);
        } else {
            served(&mut health, arm, 1);
        }
        assert_eq!(name(health.broken(0.2)), "none");
    }
}

#[test]
fn a_canary_that_its_own_pods_never_count_is_unreachable() {
    let mut health = Health::default();
    let window = |stable, canary| Window {
        stable: Counts::good(stable),
        canary: Counts::good(canary),
        apart: true,
        ..Window::default()
    };
    health.window(&window(500, 0));
    health.window(&window(500, 0));
    assert_eq!(name(health.broken(0.1)), "none", "its pods may be scraped later");
    let mut late = health.clone();
    late.window(&window(0, 100));
    late.window(&window(500, 0));
    assert_eq!(name(late.broken(0.1)), "none");
    health.window(&window(500, 0));
    assert_eq!(name(health.broken(0.1)), "unreachable");
    // The same counts at a gateway are a wrong split, which is a problem of the mesh.
    let mut at_gateway = Health::default();
    for _ in 0..9 {
        at_gateway.window(&Window { apart: false, ..window(500, 0) });
    }
    assert_eq!(name(at_gateway.broken(0.1)), "none");
}

#[test]
fn a_stable_version_that_cannot_be_reached_is_the_services_failure() {
    // The canary serves its 10 %, and the rest finds no endpoint.
    let mut health = Health::default();
    let window =
        Window { canary: Counts::good(15), unknown: 141, unknown_failed: 141, ..Window::default() };
    health.window(&window);
    assert_eq!(name(health.broken(0.1)), "service");
    assert_eq!(name(health.missing_share(0.1)), "service");
    // The same counts with the versions exchanged are an unreachable canary.
    let mut canary = Health::default();
    canary.window(&Window { stable: Counts::good(15), canary: Counts::good(0), ..window });
    assert_eq!(name(canary.missing_share(0.9)), "unreachable");
}
