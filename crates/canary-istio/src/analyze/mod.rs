//! The rules across objects: Istio's analyzers, without a cluster.
//!
//! ```
//! use canary_core::{VirtualService, analyze::{Inventory, analyze}};
//!
//! let service: VirtualService = serde_json::from_value(serde_json::json!({
//!     "metadata": {"name": "image-classifier", "namespace": "default"},
//!     "spec": {"hosts": ["image-classifier"], "http": [
//!         {"match": [{"uri": {"prefix": "/v1"}}], "route": [{"destination": {"host": "image-classifier"}}]},
//!         {"match": [{"uri": {"exact": "/v1/models"}}], "route": [{"destination": {"host": "image-classifier"}}]},
//!     ]},
//! }))?;
//! let analysis = analyze([&service], &Inventory::default());
//! let found = |code| analysis.findings.iter().find(|finding| finding.code == code).map(|one| &*one.path);
//! assert_eq!(found("IST0131"), Some("spec.http[1].match[0]"));
//! assert_eq!(found("IST0130"), Some("spec.http[1]"));
//! assert!(analysis.unjudged.iter().any(|unjudged| unjudged.code == "IST0101"));
//! # Ok::<(), serde_json::Error>(())
//! ```
//!
//! | code | level | what it says |
//! | --- | --- | --- |
//! | IST0130 | warning | a rule can be reached: no rule before it takes every request |
//! | IST0131 | warning, info | a match is not repeated or covered by one before it |
//! | IST0002 | warning | a deprecated field is used |
//! | IST0101 | error | a Gateway, host, subset, selector or Secret that is named does not exist |
//! | IST0106 | error | an object breaks a rule of admission; the message begins with the rule's code |
//! | IST0109 | error | two VirtualServices claim the same host in the mesh |
//! | IST0112 | error | a destination names no port, and its service has several |
//! | IST0128 | warning | TLS to a host does not verify the server |
//! | IST0129 | warning | TLS to a port does not verify the server |
//! | IST0132 | warning | a Gateway serves none of the hosts of a VirtualService that names it |
//! | IST0133 | warning | a rule of admission warns; the message begins with the rule's code |
//! | IST0138 | warning | two Gateways of the same workload use the same certificate |
//! | IST0140 | warning | traffic from a Gateway goes around the subsets of another VirtualService |
//! | IST0145 | error | two Gateways of the same workload serve the same host and port |
//! | IST0162 | warning | no Service offers the port of a server |
//! | IST0165 | warning | a VirtualService names a Gateway that Istio generated |
//! | IST0173 | error | a subset selects no pod |
//! | IST0174 | warning | the host of a DestinationRule is not a service |
//! | C501 | warning | a namespace that is named does not exist |
//! | C502 | warning | no request can fit a match |
//! | C503 | warning | a delegate that is named does not exist, or is not exported to the root |
//! | C504 | warning | a rule of a delegate contradicts the rule that delegates to it |
//! | C505 | warning | some clients do not see the DestinationRule that declares a subset |
//! | C506 | warning | HTTP rules are for servers that do not end TLS, or that do not speak HTTP |
//! | C510 | error | the Gateway or Service that a route names as its parent does not exist |
//! | C511 | error | no listener of the Gateway has the port or section that a route names (NoMatchingParent) |
//! | C512 | error | no listener serves a host name of the route (NoMatchingListenerHostname) |
//! | C513 | error | the listeners do not allow routes of this namespace or kind (NotAllowedByListeners) |
//! | C514 | error | a backend does not exist: its share answers 500 (BackendNotFound) |
//! | C515 | error | a reference to another namespace is not granted: its share answers 500 (RefNotPermitted) |
//! | C516 | error | a Service lacks the port of a backend: its share answers 500, and no status says so |
//! | C517 | warning | a regular expression is behind another route's match of every path, where no request reaches it |
//! | C518 | warning, info | matches of two routes tie in precedence: the older route takes the requests, then the first by namespace and name |
//! | C519 | warning | a route for a Service of another namespace applies to clients of its own namespace only |
//! | C520 | warning | the class of a Gateway is not Istio's, or it is a waypoint: Istio reports nothing for routes of it |
//! | C521 | error | the Secret with a listener's certificate does not exist (InvalidCertificateRef) |

mod delegates;
mod destination_rules;
mod destinations;
mod gateway_api;
mod gateway_objects;
mod gateway_references;
mod index;
mod inventory;
mod mesh_hosts;
mod namespaces;
pub mod overlap;
mod report;
mod rules;
mod selectors;
mod subject;
mod visibility;

use std::sync::{Arc, atomic::AtomicBool};

pub use inventory::{Inventory, ServiceEntry};
pub use report::{Analysis, Unjudged};
pub use subject::Subject;

use crate::manifest::{Manifest, locate};
use index::Index;
use report::Report;

/// The findings across `objects`, as far as they and `inventory` allow.
///
/// The objects are assumed to be all objects of their kinds in the mesh, those of the Gateway API included. An object without a namespace is assumed to be
/// in `default`. The time taken grows with the number of objects, not with the number of pairs.
pub fn analyze<'o, S: Into<Subject<'o>>>(
    objects: impl IntoIterator<Item = S>,
    inventory: &'o Inventory,
) -> Analysis {
    let index = Index::new(objects.into_iter().map(Into::into), inventory, None);
    run(&index).finish()
}

/// As [`analyze`], until `stop` is set by another thread; `None` when it was set before the end.
///
/// ```
/// use std::sync::{Arc, atomic::AtomicBool};
/// use canary_core::{VirtualService, analyze::{Inventory, analyze, analyze_until}};
///
/// let (service, inventory) = (VirtualService::to("models"), Inventory::default());
/// let stop = Arc::new(AtomicBool::new(false));
/// assert_eq!(analyze_until([&service], &inventory, &stop), Some(analyze([&service], &inventory)));
/// stop.store(true, std::sync::atomic::Ordering::Relaxed);
/// assert_eq!(analyze_until([&service], &inventory, &stop), None);
/// ```
pub fn analyze_until<'o, S: Into<Subject<'o>>>(
    objects: impl IntoIterator<Item = S>,
    inventory: &'o Inventory,
    stop: &'o Arc<AtomicBool>,
) -> Option<Analysis> {
    let index = Index::new(objects.into_iter().map(Into::into), inventory, Some(stop));
    let report = run(&index);
    (!index.is_stopped()).then(|| report.finish())
}

/// Analyzes the objects of a manifest together, as [`analyze`]; findings have their place in the text.
///
/// ```
/// use canary_core::{Manifest, analyze::{Inventory, analyze_manifest}};
///
/// let text = "
/// apiVersion: networking.istio.io/v1
/// kind: VirtualService
/// metadata: {name: shop}
/// spec:
///   hosts: [shop.example.com]
///   gateways: [public]
///   http: [{route: [{destination: {host: shop}}]}]
/// ";
/// let analysis = analyze_manifest(&Manifest::read(text)?, &Inventory::default());
/// let missing = analysis.findings.iter().find(|finding| finding.code == "IST0101").unwrap();
/// assert_eq!((missing.document, missing.line, missing.column), (Some(1), Some(7), Some(14)));
/// # Ok::<(), canary_core::Error>(())
/// ```
pub fn analyze_manifest(manifest: &Manifest, inventory: &Inventory) -> Analysis {
    let mut analysis = analyze(manifest.iter().filter_map(Subject::of), inventory);
    locate(manifest.sources(), &mut analysis.findings);
    analysis
}

fn run(index: &Index<'_>) -> Report {
    let mut report = Report::default();
    rules::analyze(index, &mut report);
    gateway_references::analyze(index, &mut report);
    gateway_objects::analyze(index, &mut report);
    destinations::analyze(index, &mut report);
    destination_rules::analyze(index, &mut report);
    mesh_hosts::analyze(index, &mut report);
    delegates::analyze(index, &mut report);
    visibility::analyze(index, &mut report);
    namespaces::analyze(index, &mut report);
    gateway_api::analyze(index, &mut report);
    report
}

#[cfg(test)]
mod tests;
