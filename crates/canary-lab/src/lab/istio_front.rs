//! A gateway that istiod configures, in place of the lab's own.

use std::{
    net::SocketAddr,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use canary_core::rollout::{Error, Result};
use serde_json::Value;
use tokio::{runtime::Handle, sync::watch};

use super::log_counts::count;
use crate::{
    envoy::get_from,
    gateway::{Pod, Proxy},
    istio::{
        ApiServer, Desired, IngressGateway, IstioParts, Istiod, MARKER, Mirror, Wanted,
        free_node_port,
    },
};

/// The longest that objects may take to come into force.
const TIMEOUT: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_millis(5);

/// The control plane with its gateway, and the objects that the lab's store has given to it.
#[derive(Debug)]
pub(super) struct IstioFront {
    address: SocketAddr,
    wanted: watch::Sender<Wanted>,
    /// The reason why the API server refused an object.
    refused: Arc<Mutex<Option<String>>>,
    // In the order in which they stop.
    _gateway: IngressGateway,
    _istiod: Istiod,
    server: ApiServer,
}

impl IstioFront {
    /// Starts everything and waits until the gateway is in force without routes; its requests are counted among those
    /// of `proxy`.
    pub(super) fn start(parts: &IstioParts, proxy: &Arc<Proxy>, runtime: &Handle) -> Result<Self> {
        let no_port = |error: std::io::Error| Error::Cluster {
            action: "start a lab".to_owned(),
            reason: error.to_string(),
            retryable: true,
            source: None,
        };
        let listener = free_node_port().map_err(no_port)?;
        let address = SocketAddr::from(([127, 0, 0, 1], listener));
        let first: Wanted = (0, Arc::new(Desired::new(&[], &[], 80, listener)));
        let begin = async {
            let server = ApiServer::start(parts).await?;
            let mut mirror = Mirror::new(server.connect().await?);
            mirror.write(&first).await?;
            Ok::<_, Error>((server, mirror))
        };
        // On a separate thread, because a lab may be started from asynchronous code.
        let (server, mirror) = std::thread::scope(|scope| {
            scope.spawn(|| runtime.block_on(begin)).join().map_err(|_| Error::Cluster {
                action: "start a lab".to_owned(),
                reason: "the thread that starts the API server ended".to_owned(),
                retryable: false,
                source: None,
            })
        })??;
        let istiod = Istiod::start(&parts.pilot_discovery, &server.kubeconfig_file())?;
        let counted = Arc::clone(proxy);
        let log = move |line: crate::envoy::LogLine| {
            if line.authority.as_deref() != Some(MARKER) {
                count(&counted, &line);
            }
        };
        let gateway = IngressGateway::start(&parts.envoy, istiod.discovery_address(), log)?;
        let (wanted, changes) = watch::channel(first);
        let refused: Arc<Mutex<Option<String>>> = Arc::default();
        runtime.spawn(mirror.run(changes, Arc::clone(&refused)));
        let this = Self { address, wanted, refused, _gateway: gateway, _istiod: istiod, server };
        this.wait()?;
        Ok(this)
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The file with a kubeconfig for the API server.
    pub(super) fn kubeconfig(&self) -> PathBuf {
        self.server.kubeconfig_file()
    }

    /// The reason why the API server refused an object.
    pub(super) fn refused(&self) -> Option<String> {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Starts writing these objects; [`IstioFront::wait`] waits until they are in force.
    pub(super) fn put(&self, objects: &[&Value], pods: &[Pod], port: u16) {
        let desired = Desired::new(objects, pods, port, self.address.port());
        self.wanted.send_if_modified(|(number, before)| {
            let changed = before.0 != desired.0;
            if changed {
                *number += 1;
                *before = Arc::new(desired);
            }
            changed
        });
    }

    /// Waits until the newest objects are in force at the gateway.
    pub(super) fn wait(&self) -> Result<()> {
        let newest = self.wanted.borrow().0;
        let started = Instant::now();
        loop {
            let seen = get_from(self.address, MARKER, "/").ok();
            if seen.and_then(|number| number.parse().ok()).is_some_and(|seen: u64| seen >= newest) {
                return Ok(());
            }
            if started.elapsed() > TIMEOUT {
                return Err(Error::NotReady {
                    action: "bring objects into force through istiod".to_owned(),
                    reason: self.refused().unwrap_or_else(|| {
                        format!("they are not in force after {} s", TIMEOUT.as_secs())
                    }),
                });
            }
            std::thread::sleep(PAUSE);
        }
    }
}
