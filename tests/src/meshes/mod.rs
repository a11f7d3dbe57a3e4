//! Generated meshes and requests, servers that say how a request reached them, and what the evaluator says about it.

pub mod admissible;
pub mod backends;
pub mod client;
pub mod clients;
pub mod compare;
pub mod draw;
pub mod objects;
pub mod routes;

mod matches;
mod policies;
mod rules;
