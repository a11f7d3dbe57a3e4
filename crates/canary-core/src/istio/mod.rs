//! `istio`
