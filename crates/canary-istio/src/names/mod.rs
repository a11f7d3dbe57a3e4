//! Names as Istio resolves and compares them: hosts, gateway references, `exportTo`.
//!
//! Validation, analysis, routing and the lab resolve names here and nowhere else.
//!
//! ```
//! use canary_core::names::{covers, qualify, qualify_gateway};
//!
//! assert_eq!(qualify("reviews", "shop", "cluster.local"), "reviews.shop.svc.cluster.local");
//! assert_eq!(qualify_gateway("./public", "shop"), "shop/public");
//! assert!(covers("*.example.com", "a.example.com"));
//! ```

mod authority;
mod dns;
mod exports;
mod gateway;
mod host;
mod index;
mod server_hosts;
mod table;
mod wildcard;

pub use exports::{Exports, Nearness, export_namespace};
pub use gateway::{MESH, applies_to_mesh, gateway_name, qualify_gateway};
pub use host::{
    CLUSTER_DOMAIN, expand_alias, is_in_cluster, qualify, service_name, service_namespace,
};
pub use server_hosts::{server_host, server_host_for};
pub use wildcard::{covers, intersection, overlap};

pub(crate) use authority::{lower, split_authority};
pub use dns::is_subdomain;
pub(crate) use dns::{
    check_fqdn, check_gateway_domain, check_wildcard_domain, is_label, is_unbounded_label,
};
pub(crate) use host::aliases;
pub(crate) use index::HostIndex;
pub(crate) use server_hosts::{ServerHosts, full_server_hosts};
pub(crate) use table::HostTable;
