//! The rules of the Gateway API: each code of the API server's by a table of cases, and each of our own warnings.

mod admission;
mod istio;

pub(super) use admission::every_rule_of_the_server_has_a_case;
pub(super) use istio::{
    filters_and_backends, matches_that_tie, owners_and_parents, paths_and_expressions, times,
};
