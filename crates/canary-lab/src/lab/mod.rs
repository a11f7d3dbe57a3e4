//! The lab: store, gateway and model servers together.

mod builder;
mod front;
#[cfg(feature = "istio")]
mod istio_front;
mod log_counts;
mod registry;
mod running;
mod workloads;

pub use builder::LabBuilder;
pub use running::Lab;
