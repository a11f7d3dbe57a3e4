//! The lab: store, gateway and model servers together.

mod builder;
mod front;
mod registry;
mod running;
mod workloads;

pub use builder::LabBuilder;
pub use running::Lab;
