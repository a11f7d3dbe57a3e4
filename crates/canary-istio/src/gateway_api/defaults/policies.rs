//! Kinds without defaults.

use super::{
    super::{BackendTlsPolicySpec, GatewayClassSpec, ReferenceGrantSpec},
    Fill,
};

macro_rules! nothing {
    ($($spec:ident)*) => {
        $(impl Fill for $spec {
            fn fill(&mut self) {}
        })*
    };
}

nothing!(GatewayClassSpec ReferenceGrantSpec BackendTlsPolicySpec);
