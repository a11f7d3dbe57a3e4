//! Routing: where the mesh sends a request.

mod class;
mod decision;
mod request;

pub(crate) use self::{class::Mesh, decision::Decision};
