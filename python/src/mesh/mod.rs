//! Routing: where the mesh sends a request.

mod class;
mod decision;

pub(crate) use self::{class::Mesh, decision::Decision};
