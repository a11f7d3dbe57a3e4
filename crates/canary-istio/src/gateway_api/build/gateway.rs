//! Constructors and setters of `Gateway`.

use crate::gateway_api::{
    AllowedRoutes, FromNamespaces, Gateway, Listener, ListenerTls, ListenerTlsMode,
    NamespaceSelection, SecretRef,
};

impl Gateway {
    /// A gateway of Istio's class `istio`, without listeners.
    pub fn new(name: impl Into<String>) -> Self {
        let mut gateway = Self::default().named(name);
        "istio".clone_into(&mut gateway.spec.gateway_class_name);
        gateway
    }

    /// A gateway of Istio's class `istio` that takes plain HTTP on one port, for every host.
    ///
    /// ```
    /// use canary_core::gateway_api::Gateway;
    ///
    /// let gateway = Gateway::http("public", 80);
    /// let json = gateway.to_json_value()?;
    /// assert_eq!(json["spec"]["gatewayClassName"], "istio");
    /// assert_eq!(json["spec"]["listeners"][0]["protocol"], "HTTP");
    /// # Ok::<(), canary_core::Error>(())
    /// ```
    pub fn http(name: impl Into<String>, port: u32) -> Self {
        Self::new(name).listener(Listener::http(port))
    }

    /// A gateway of Istio's class `istio` that ends TLS with the certificate in a Secret.
    pub fn https(name: impl Into<String>, port: u32, secret: impl Into<String>) -> Self {
        Self::new(name).listener(Listener::https(port, secret))
    }

    /// A waypoint of the ambient mesh: class `istio-waypoint`, HBONE on port 15008.
    ///
    /// ```
    /// use canary_core::gateway_api::Gateway;
    ///
    /// let waypoint = Gateway::waypoint("waypoint");
    /// assert_eq!(waypoint.spec.listeners[0].protocol, "HBONE");
    /// ```
    pub fn waypoint(name: impl Into<String>) -> Self {
        Self::new(name).class("istio-waypoint").listener(Listener {
            name: "mesh".to_owned(),
            port: 15008,
            protocol: "HBONE".to_owned(),
            ..Listener::default()
        })
    }

    /// Sets the name of the `GatewayClass`.
    #[must_use]
    pub fn class(mut self, class: impl Into<String>) -> Self {
        self.spec.gateway_class_name = class.into();
        self
    }

    /// Adds a listener. A name that is taken already gets the port number behind it, since the names within a gateway
    /// must differ.
    #[must_use]
    pub fn listener(mut self, mut listener: Listener) -> Self {
        if self.spec.listeners.iter().any(|other| other.name == listener.name) {
            listener.name = format!("{}-{}", listener.name, listener.port);
        }
        self.spec.listeners.push(listener);
        self
    }
}

impl Listener {
    /// Plain HTTP on a port. The listener is named `http`.
    pub fn http(port: u32) -> Self {
        Self { name: "http".to_owned(), port, protocol: "HTTP".to_owned(), ..Self::default() }
    }

    /// HTTPS on a port, with the certificate in a Secret of the gateway's namespace. The listener is named `https`.
    pub fn https(port: u32, secret: impl Into<String>) -> Self {
        let tls = ListenerTls {
            mode: Some(ListenerTlsMode::Terminate),
            certificate_refs: Some(vec![SecretRef::new(secret)]),
            options: None,
        };
        Self {
            name: "https".to_owned(),
            port,
            protocol: "HTTPS".to_owned(),
            tls: Some(tls),
            ..Self::default()
        }
    }

    /// Names the listener.
    #[must_use]
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// Sets the host name.
    #[must_use]
    pub fn host(mut self, hostname: impl Into<String>) -> Self {
        self.hostname = Some(hostname.into());
        self
    }

    /// Lets routes of every namespace attach.
    #[must_use]
    pub fn from_all_namespaces(mut self) -> Self {
        let allowed = self.allowed_routes.get_or_insert_with(AllowedRoutes::default);
        allowed.namespaces =
            Some(NamespaceSelection { from: Some(FromNamespaces::All), selector: None });
        self
    }
}
