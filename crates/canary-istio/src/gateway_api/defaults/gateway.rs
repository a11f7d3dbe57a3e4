//! The defaults of gateways.

use super::{
    super::{
        AllowedRoutes, FromNamespaces, FrontendTls, FrontendTlsConfig, GatewayAddress, GatewaySpec,
        GatewayTls, Listener, ListenerTls, NamespaceSelection, RouteGroupKind, SecretRef,
        object::GROUP,
    },
    Fill, fill,
};

/// Namespaces selected in one way.
fn from(from: FromNamespaces) -> NamespaceSelection {
    NamespaceSelection { from: Some(from), selector: None }
}

impl Fill for GatewaySpec {
    fn fill(&mut self) {
        self.listeners.fill();
        self.addresses.fill();
        self.tls.fill();
        if let Some(allowed) = &mut self.allowed_listeners {
            let namespaces = allowed.namespaces.get_or_insert_default();
            fill(&mut namespaces.from, || FromNamespaces::None);
        }
    }
}

impl Fill for Listener {
    fn fill(&mut self) {
        fill(&mut self.allowed_routes, AllowedRoutes::default);
        self.allowed_routes.fill();
        self.tls.fill();
    }
}

impl Fill for AllowedRoutes {
    fn fill(&mut self) {
        fill(&mut self.namespaces, || from(FromNamespaces::Same));
        if let Some(namespaces) = &mut self.namespaces {
            fill(&mut namespaces.from, || FromNamespaces::Same);
        }
        self.kinds.fill();
    }
}

impl Fill for RouteGroupKind {
    fn fill(&mut self) {
        fill(&mut self.group, || GROUP.to_owned());
    }
}

impl Fill for ListenerTls {
    fn fill(&mut self) {
        fill(&mut self.mode, Default::default);
        self.certificate_refs.fill();
    }
}

impl Fill for SecretRef {
    fn fill(&mut self) {
        fill(&mut self.group, String::new);
        fill(&mut self.kind, || "Secret".to_owned());
    }
}

impl Fill for GatewayAddress {
    fn fill(&mut self) {
        fill(&mut self.address_type, || "IPAddress".to_owned());
    }
}

impl Fill for GatewayTls {
    fn fill(&mut self) {
        if let Some(backend) = &mut self.backend {
            backend.client_certificate_ref.fill();
        }
        self.frontend.fill();
    }
}

impl Fill for FrontendTls {
    fn fill(&mut self) {
        self.default.fill();
        for port in self.per_port.iter_mut().flatten() {
            port.tls.fill();
        }
    }
}

impl Fill for FrontendTlsConfig {
    fn fill(&mut self) {
        if let Some(validation) = &mut self.validation {
            fill(&mut validation.mode, Default::default);
        }
    }
}
