//! Where a request goes and why: Istio's routing, evaluated without a mesh.
mod chance;
mod clusters;
mod conditions;
mod cors;
mod decision;
mod delegate;
mod destination_rules;
mod exports;
mod guards;
mod header_value;
mod headers;
mod hosts;
mod mesh;
mod names;
mod policy;
mod report;
mod request;
mod retries;
mod rewrite;
mod rules;
mod search;
mod services;
mod split;
mod substitution;
mod tables;
mod text;
mod virtual_services;
mod why;

pub use chance::{Chance, FaultAbort};
pub use clusters::{Cluster, Failure, FailureKind};
pub use conditions::Unmet;
pub use decision::{Decision, Outcome, Share};
pub use header_value::HeaderValue;
pub use headers::{HeaderEdit, apply_header_edits};
pub use mesh::{GatewayWorkload, Mesh, MeshBuilder};
pub use policy::EffectivePolicy;
pub use request::{MESH, Request, RequestView};
pub use retries::RetryPolicy;
pub use rewrite::Redirect;
pub use rules::DirectResponse;
pub use services::{Endpoint, Service};
pub use virtual_services::RuleRef;
pub use why::{Tried, Why};

#[cfg(test)]
mod tests;
