//! The mesh in this process.

mod class;
mod counts;
mod envoy;
mod objects;
pub(crate) mod scripted_model;
mod setup;

pub(crate) use self::{
    class::{Lab, RUNS},
    setup::own_packages,
};
