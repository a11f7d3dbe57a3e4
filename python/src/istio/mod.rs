//! Istio's objects: their classes, manifests, validation and analysis.

pub(crate) mod analysis;
pub(crate) mod analyze;
pub(crate) mod destination_rule;
pub(crate) mod fields;
pub(crate) mod gateway;
pub(crate) mod kind;
pub(crate) mod load;
pub(crate) mod manifest;
pub(crate) mod virtual_service;
pub(crate) mod write;
