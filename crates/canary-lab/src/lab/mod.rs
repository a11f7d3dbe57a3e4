//! The lab: store, gateway and model servers together.

mod builder;
mod config_file;
mod endpoints;
mod front;
#[cfg(feature = "istio")]
mod istio_front;
mod log_counts;
mod registry;
mod route_status;
mod running;
mod workloads;

pub use builder::LabBuilder;
pub use running::Lab;
