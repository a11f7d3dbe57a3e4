//! The store of objects: the contract that Kubernetes and the embedded lab both implement.
//!
//! Objects are passed as raw JSON, so that fields of other controllers and of newer versions survive untouched.

mod apply;
mod contract;
mod discovery;
mod driver;
mod kinds;
mod labels;
#[cfg(test)]
mod memory;
mod notice_event;
mod object;
mod old_version;
mod precondition;
mod presence;
mod readiness;
mod release;
mod release_id;
mod rollout;
mod scale;
mod status;
mod typed;
mod versions;

pub use apply::{Applied, Effect, apply_all, tear_down};
pub use contract::{Cluster, WatchEvent};
pub use discovery::{
    GatewayAddress, Reach, gateway_addresses, ingress_addresses, route_addresses,
    route_addresses_of,
};
pub use driver::{
    Clock, Control, Driver, HeaderProbe, Probe, Progress, Run, RunLog, Snapshot, SystemClock,
    lease_name,
};
pub use json_patch::{Patch, PatchOperation};
pub use labels::{ModelLabels, ModelServers, Replica, ServedVersion, replicas_of};
pub use notice_event::record_event;
pub use object::ObjectRef;
pub use old_version::old_version;
pub use precondition::failed_tests;
pub use presence::{Behind, Presence, presence};
pub use readiness::{PodProblem, Readiness, readiness, wait_ready};
pub use release::Release;
pub use release_id::release_id;
pub use rollout::Rollout;
pub use scale::{scale_of, scale_patch};
pub use status::{Observed, RolloutStatus, RouteWeights, Status, status, status_of};
pub use typed::{Change, Kind, Typed};
pub use versions::{canary_presence, services_of};
