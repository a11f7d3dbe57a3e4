//! Constructors and setters of `Gateway`.

use super::texts;
use crate::networking::{Gateway, GatewaySpec, Port, Server, ServerTlsMode, ServerTlsSettings};

impl Gateway {
    /// A gateway without servers, on the proxies labelled `istio: ingressgateway`.
    pub fn new(name: impl Into<String>) -> Self {
        let mut gateway = Self { spec: GatewaySpec::default(), ..Self::default() }
            .selector("istio", "ingressgateway");
        gateway.metadata.name = Some(name.into());
        gateway
    }

    /// A gateway that takes plain HTTP on one port, on the proxies labelled `istio: ingressgateway`.
    ///
    /// ```
    /// use canary_core::Gateway;
    ///
    /// let gateway = Gateway::http("image-classifier-gateway", 80, ["*"]);
    /// let json = gateway.to_json_value()?;
    /// assert_eq!(json["spec"]["servers"][0]["port"]["protocol"], "HTTP");
    /// assert_eq!(json["spec"]["selector"]["istio"], "ingressgateway");
    /// # Ok::<(), canary_core::Error>(())
    /// ```
    pub fn http<T: Into<String>>(
        name: impl Into<String>,
        port: u32,
        hosts: impl IntoIterator<Item = T>,
    ) -> Self {
        Self::new(name).server(Server::http(port, hosts))
    }

    /// A gateway that ends TLS with the certificate in a secret.
    pub fn https<T: Into<String>>(
        name: impl Into<String>,
        port: u32,
        hosts: impl IntoIterator<Item = T>,
        credential_name: impl Into<String>,
    ) -> Self {
        Self::new(name).server(Server::https(port, hosts, credential_name))
    }

    /// A gateway that passes TLS through; `tls` rules then route by server name.
    pub fn tls_passthrough<T: Into<String>>(
        name: impl Into<String>,
        port: u32,
        hosts: impl IntoIterator<Item = T>,
    ) -> Self {
        Self::new(name).server(Server::tls_passthrough(port, hosts))
    }

    /// Chooses the proxies by one label, in place of those chosen before.
    #[must_use]
    pub fn selector(mut self, label: impl Into<String>, value: impl Into<String>) -> Self {
        self.spec.selector = Some([(label.into(), value.into())].into());
        self
    }

    /// Adds a server. A port name that is taken already gets the port number behind it, since the
    /// names within a gateway must differ.
    #[must_use]
    pub fn server(mut self, mut server: Server) -> Self {
        let servers = self.spec.servers.get_or_insert_default();
        if servers.iter().any(|other| other.port.name == server.port.name) {
            server.port.name = format!("{}-{}", server.port.name, server.port.number.unwrap_or(0));
        }
        servers.push(server);
        self
    }

    /// Makes the plain HTTP servers answer every request with a redirect to HTTPS.
    #[must_use]
    pub fn https_redirect(mut self) -> Self {
        for server in self.spec.servers.iter_mut().flatten() {
            if server.port.protocol.eq_ignore_ascii_case("HTTP") {
                server.tls.get_or_insert_default().https_redirect = Some(true);
            }
        }
        self
    }
}

impl Server {
    /// Plain HTTP on a port, for these hosts. The port is named `http`.
    pub fn http<T: Into<String>>(port: u32, hosts: impl IntoIterator<Item = T>) -> Self {
        Self::on("http", "HTTP", port, texts(hosts))
    }

    /// HTTPS on a port, for these hosts, with the certificate in a secret. The port is named `https`.
    pub fn https<T: Into<String>>(
        port: u32,
        hosts: impl IntoIterator<Item = T>,
        credential_name: impl Into<String>,
    ) -> Self {
        let tls = ServerTlsSettings {
            mode: Some(ServerTlsMode::Simple),
            credential_name: Some(credential_name.into()),
            ..ServerTlsSettings::default()
        };
        Self { tls: Some(tls), ..Self::on("https", "HTTPS", port, texts(hosts)) }
    }

    /// TLS that is passed through, for these server names. The port is named `tls`.
    pub fn tls_passthrough<T: Into<String>>(port: u32, hosts: impl IntoIterator<Item = T>) -> Self {
        let tls = ServerTlsSettings {
            mode: Some(ServerTlsMode::Passthrough),
            ..ServerTlsSettings::default()
        };
        Self { tls: Some(tls), ..Self::on("tls", "TLS", port, texts(hosts)) }
    }

    fn on(name: &str, protocol: &str, number: u32, hosts: Vec<String>) -> Self {
        let port = Port {
            number: Some(number),
            protocol: protocol.into(),
            name: name.into(),
            target_port: None,
        };
        Self { port, hosts: Some(hosts), ..Self::default() }
    }
}
