use std::{collections::BTreeSet, fmt::Write as _};

use super::{SEEN, destination_rule, gateway, virtual_service};
use crate::validate::CATALOGUE;

/// Runs every other test here and holds what they met against the catalogue.
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
        virtual_service::cors,
        virtual_service::faults,
        virtual_service::mirrors,
        virtual_service::redirects_and_responses,
        virtual_service::retries_and_rewrites,
        virtual_service::weights_and_destinations,
        virtual_service::tls_and_tcp,
        virtual_service::reachability,
        destination_rule::hosts_subsets_and_export,
        destination_rule::policies_and_ports,
        destination_rule::outliers_and_pools,
        destination_rule::load_balancers,
        destination_rule::client_tls,
    ] {
        test();
    }
    let listed: BTreeSet<_> =
        CATALOGUE.iter().map(|rule| (rule.code.to_owned(), rule.severity)).collect();
    assert_eq!(listed.len(), CATALOGUE.len(), "a code is listed twice");
    let met = SEEN.with_borrow(Clone::clone);
    assert_eq!(met, listed);
}

/// The table of the documentation; `UPDATE_DOCS=1 cargo test -p canary-core catalogue` writes it.
#[test]
fn the_documentation_lists_the_catalogue() {
    let mut table =
        String::from("| code | severity | whose | what it demands |\n| --- | --- | --- | --- |\n");
    for rule in CATALOGUE {
        writeln!(table, "| {} | {} | {} | {} |", rule.code, rule.severity, rule.source, rule.text)
            .unwrap();
    }
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/validation.md");
    let text = std::fs::read_to_string(path).unwrap();
    let start = text.find("| code |").expect("the page has the table");
    let end = start + text[start..].find("\n\n").map_or(text.len() - start, |end| end + 1);
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(path, format!("{}{table}{}", &text[..start], &text[end..])).unwrap();
    } else {
        assert_eq!(&text[start..end], table, "run the test with UPDATE_DOCS=1");
    }
}
