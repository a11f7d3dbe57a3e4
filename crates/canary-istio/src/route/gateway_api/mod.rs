//! The Gateway API as Istio has it: gateways, `HTTPRoute`s and `GRPCRoute`s.
//!
//! Istio's controller translates each listener into a `Gateway` of its own, and the routes of one listener and host name,
//! or of one Service of the mesh, into one `VirtualService` (`pilot/pkg/config/kube/gateway/conversion.go` and
//! `route_collections.go`). The same happens here, so that one evaluator serves both kinds of objects.

mod backends;
mod cors;
mod filters;
mod gateways;
mod grants;
mod listeners;
mod matches;
mod merge;
mod namespaces;
mod objects;
mod parents;
mod place;
mod precedence;
mod refusal;
mod routes;
mod rules;
mod translate;

pub(super) use gateways::Deployed;
pub(super) use listeners::shown_listener;
pub(super) use objects::GatewayApiObjects;
pub(super) use translate::{Surroundings, Translated, translate};
