//! The listeners of a gateway: the servers that share a port.

use std::{collections::HashMap, sync::Arc};

use super::{
    routes::Route,
    virtual_host::{Hosts, VirtualHost},
};
use crate::{
    names::{HostTable, server_host},
    networking::{Server, ServerTlsMode},
};

/// The protocol that a server needs on its port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// HTTP.
    Plain,
    /// HTTPS that the gateway terminates.
    Https,
    /// TLS that the gateway terminates, around connections that are not HTTP.
    Tls,
    /// TLS that is passed on.
    Passthrough,
    /// Connections of any other kind.
    Opaque,
}

/// The kind of a server (`pkg/config/gateway/gateway.go`).
pub(super) fn kind(server: &Server) -> Kind {
    let protocol = server.port.protocol.to_ascii_uppercase();
    if matches!(protocol.as_str(), "HTTP" | "HTTP2" | "GRPC" | "GRPC-WEB" | "HTTP_PROXY") {
        return Kind::Plain;
    }
    let Some(tls) = &server.tls else { return Kind::Opaque };
    match tls.mode.unwrap_or_default() {
        ServerTlsMode::Passthrough | ServerTlsMode::AutoPassthrough => Kind::Passthrough,
        _ if protocol == "HTTPS" => Kind::Https,
        _ => Kind::Tls,
    }
}

/// One port of a gateway.
#[derive(Debug, Default)]
pub(super) struct Port {
    /// Connections without TLS.
    pub(super) plain: Option<Plain>,
    /// Connections with TLS.
    pub(super) tls: Option<Tls>,
    /// The hosts of the servers with TLS settings, as they are written, with the address that they bind to.
    known: HashMap<String, String>,
    /// The kind of the first server without TLS.
    first_plain: Option<Kind>,
}

/// Connections without TLS to one port.
#[derive(Debug)]
pub(super) enum Plain {
    /// The servers of all gateways are one table of hosts.
    Http(Hosts),
    /// One rule takes them all.
    Connection(Arc<Route>),
    /// No rule takes them; the protocol that the server names.
    Opaque(String),
}

/// Connections with TLS to one port.
#[derive(Debug, Default)]
pub(super) struct Tls {
    /// The filter chain of each server name.
    names: HostTable<usize>,
    pub(super) chains: Vec<Chain>,
    /// The bind address of each chain's server: another address is another listener.
    binds: Vec<String>,
    /// A name that two chains have, which makes Envoy refuse the whole listener.
    pub(super) repeated: Option<String>,
}

/// The treatment of the connections to one server, or of one rule.
#[derive(Debug)]
pub(super) enum Chain {
    /// They are HTTP for these hosts.
    Http(Hosts),
    /// A rule takes them.
    Connection(Arc<Route>),
}

impl Port {
    /// Takes note of a server, unless Istio leaves it out of the port; the error says why.
    pub(super) fn admit(&mut self, server: &Server, hosts: &[String]) -> Result<(), String> {
        let kind = kind(server);
        let bind = server.bind.as_deref().unwrap_or_default();
        if server.tls.is_some() {
            let known = |host: &&String| self.known.get(*host).is_some_and(|known| known == bind);
            if let Some(host) = hosts.iter().find(known) {
                return Err(format!("an earlier server on the port has host {host}"));
            }
            self.known.extend(hosts.iter().map(|host| (host.clone(), bind.to_owned())));
        }
        let plain = matches!(kind, Kind::Plain | Kind::Opaque);
        match self.first_plain {
            Some(first) if first != Kind::Plain || kind != Kind::Plain => {
                Err("an earlier server on the port speaks another protocol".to_owned())
            }
            None if plain => {
                self.first_plain = Some(kind);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// The tables of hosts.
    pub(super) fn hosts(&self) -> impl Iterator<Item = &Hosts> {
        let plain = match &self.plain {
            Some(Plain::Http(hosts)) => Some(hosts),
            _ => None,
        };
        let chains = self.tls.iter().flat_map(|tls| &tls.chains);
        plain.into_iter().chain(chains.filter_map(|chain| match chain {
            Chain::Http(hosts) => Some(hosts),
            Chain::Connection(_) => None,
        }))
    }

    /// As [`Port::hosts`], to be changed.
    pub(super) fn hosts_mut(&mut self) -> impl Iterator<Item = &mut HostTable<VirtualHost>> {
        let plain = match &mut self.plain {
            Some(Plain::Http(hosts)) => Some(hosts),
            _ => None,
        };
        let chains = self.tls.iter_mut().flat_map(|tls| &mut tls.chains);
        plain.into_iter().chain(chains.filter_map(|chain| match chain {
            Chain::Http(hosts) => Some(hosts),
            Chain::Connection(_) => None,
        }))
    }
}

impl Tls {
    /// Adds the chain of a server with the hosts that it serves.
    pub(super) fn add(&mut self, chain: Chain, hosts: &[String], server: &Server) {
        let at = self.chains.len();
        let bind = server.bind.clone().unwrap_or_default();
        for host in hosts {
            let name = server_host(host).1;
            let first = *self.names.entry(name, || at);
            if self.binds.get(first) == Some(&bind) {
                self.repeated.get_or_insert_with(|| name.to_owned());
            }
        }
        self.chains.push(chain);
        self.binds.push(bind);
    }

    /// Adds the chain of a rule, unless another chain has one of its names.
    pub(super) fn add_rule(&mut self, route: &Arc<Route>, names: &[String], server: &Server) {
        let taken = |name: &String| self.names.get(name).is_some();
        if !names.iter().any(taken) {
            self.add(Chain::Connection(Arc::clone(route)), names, server);
        }
    }

    /// The chain for the name that a client asks for.
    pub(super) fn find(&self, authority: &str) -> Option<&Chain> {
        self.names.find(authority).and_then(|at| self.chains.get(*at))
    }

    /// The names that chains without HTTP have.
    pub(super) fn names_of_connections(&self) -> impl Iterator<Item = String> {
        self.names.entries().filter_map(|(name, at)| {
            matches!(self.chains.get(*at), Some(Chain::Connection(_))).then_some(name)
        })
    }
}
