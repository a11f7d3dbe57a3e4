//! Constructors and setters of `ReferenceGrant` and `BackendTlsPolicy`.

use crate::gateway_api::{
    BackendTlsPolicy, LocalObjectRef, PolicyTargetRef, ReferenceGrant, ReferenceGrantFrom,
    ReferenceGrantTo, object::GROUP,
};

impl ReferenceGrant {
    /// A grant of this name that allows nothing yet.
    pub fn new(name: impl Into<String>) -> Self {
        Self::default().named(name)
    }

    /// The permission for `HTTPRoute`s and `GRPCRoute`s of `from` to send requests to every Service of the grant's
    /// namespace.
    ///
    /// ```
    /// use canary_core::gateway_api::ReferenceGrant;
    ///
    /// let grant = ReferenceGrant::allow_routes("web", "models");
    /// let json = grant.to_json_value()?;
    /// assert_eq!(json["apiVersion"], "gateway.networking.k8s.io/v1beta1");
    /// assert_eq!(json["metadata"]["namespace"], "models");
    /// assert_eq!(json["spec"]["from"][0]["namespace"], "web");
    /// # Ok::<(), canary_core::Error>(())
    /// ```
    pub fn allow_routes(from: impl Into<String>, to: impl Into<String>) -> Self {
        let from = from.into();
        Self::new(format!("routes-of-{from}"))
            .namespace(to)
            .allow_from("HTTPRoute", &from)
            .allow_from("GRPCRoute", &from)
            .allow_to("", "Service", None::<String>)
    }

    /// Allows objects of a kind of the Gateway API and of a namespace to refer.
    #[must_use]
    pub fn allow_from(mut self, kind: impl Into<String>, namespace: impl Into<String>) -> Self {
        self.spec.from.push(ReferenceGrantFrom {
            group: GROUP.to_owned(),
            kind: kind.into(),
            namespace: namespace.into(),
        });
        self
    }

    /// Allows references to objects of a kind: to the one of this name, or to all.
    #[must_use]
    pub fn allow_to(
        mut self,
        group: impl Into<String>,
        kind: impl Into<String>,
        name: Option<impl Into<String>>,
    ) -> Self {
        self.spec.to.push(ReferenceGrantTo {
            group: group.into(),
            kind: kind.into(),
            name: name.map(Into::into),
        });
        self
    }
}

impl BackendTlsPolicy {
    /// TLS to a Service, whose certificate must have the name `hostname` and be signed by an authority of the system.
    ///
    /// ```
    /// use canary_core::gateway_api::BackendTlsPolicy;
    ///
    /// let policy = BackendTlsPolicy::service("pets", "pets.example.com");
    /// let json = policy.to_json_value()?;
    /// assert_eq!(json["spec"]["validation"]["wellKnownCACertificates"], "System");
    /// # Ok::<(), canary_core::Error>(())
    /// ```
    pub fn service(service: impl Into<String>, hostname: impl Into<String>) -> Self {
        let service = service.into();
        let mut policy = Self::default().named(&service);
        policy.spec.target_refs = vec![PolicyTargetRef {
            kind: "Service".to_owned(),
            name: service,
            ..PolicyTargetRef::default()
        }];
        policy.spec.validation.hostname = hostname.into();
        policy.spec.validation.well_known_ca_certificates = Some("System".to_owned());
        policy
    }

    /// Takes the authorities in a `ConfigMap`, in place of the system's.
    #[must_use]
    pub fn ca_config_map(mut self, name: impl Into<String>) -> Self {
        let validation = &mut self.spec.validation;
        validation.well_known_ca_certificates = None;
        let authority = LocalObjectRef::new("", "ConfigMap", name);
        validation.ca_certificate_refs.get_or_insert_default().push(authority);
        self
    }
}
