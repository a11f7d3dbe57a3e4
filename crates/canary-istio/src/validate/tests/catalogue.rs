use std::collections::BTreeSet;

use super::{SEEN, destination_rule, gateway, gateway_api, http_action, virtual_service};
use crate::finding::{
    Severity,
    catalogue::{Area, CATALOGUE},
};

/// Runs every other test here and compares the codes that they met with the catalogue.
#[test]
fn every_code_is_met_and_every_code_met_is_listed() {
    for test in [
        gateway::servers_and_ports,
        gateway::hosts_and_binds,
        gateway::tls_by_protocol,
        gateway::tls_settings,
        gateway::metadata,
        virtual_service::hosts_gateways_and_export,
        virtual_service::what_a_rule_holds_together,
        virtual_service::matches,
        virtual_service::headers,
        virtual_service::authority_once,
        http_action::cors,
        http_action::faults,
        http_action::mirrors,
        http_action::redirects_and_responses,
        http_action::retries_and_rewrites,
        virtual_service::weights_and_destinations,
        virtual_service::tls_and_tcp,
        virtual_service::reachability,
        destination_rule::hosts_subsets_and_export,
        destination_rule::policies_and_ports,
        destination_rule::outliers_and_pools,
        destination_rule::load_balancers,
        destination_rule::client_tls,
        gateway_api::every_rule_of_the_server_has_a_case,
        gateway_api::owners_and_parents,
        gateway_api::filters_and_backends,
        gateway_api::times,
        gateway_api::paths_and_expressions,
        gateway_api::matches_that_tie,
    ] {
        test();
    }
    let listed: BTreeSet<_> = CATALOGUE
        .iter()
        .filter(|rule| rule.area == Area::Object)
        .flat_map(|rule| {
            let severities = std::iter::once(rule.severity).chain(rule.lesser);
            severities.map(|severity| (rule.code.to_owned(), severity))
        })
        // The analysis alone gives this one as a note.
        .filter(|met| *met != ("IST0131".to_owned(), Severity::Info))
        .collect();
    let met = SEEN.with_borrow(Clone::clone);
    assert_eq!(met, listed);
}
