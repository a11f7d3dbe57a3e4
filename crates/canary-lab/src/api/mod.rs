//! The lab's objects on a Kubernetes API, for `kubectl` and for other processes: the part of it that releases need.
//!
//! Source: Kubernetes' "API Concepts" page.

mod answer;
mod discovery;
mod query;
mod read;
mod secure;
mod service;
mod target;
mod write;

use std::{convert::Infallible, fs, io, path::PathBuf, sync::Arc};

use hyper::service::service_fn;

use crate::{
    net::{Listener, Serving},
    program::Folder,
    store::Store,
};
use secure::Identity;
pub(crate) use secure::{kubeconfig, token};
use service::Service;

const KUBECONFIG: &str = "kubeconfig";

/// A running API; dropping it stops it and removes its kubeconfig.
#[derive(Debug)]
pub(crate) struct KubernetesApi {
    _serving: Serving,
    folder: Folder,
}

impl KubernetesApi {
    /// Serves the objects of a store on a free port of loopback, in the context of a runtime.
    ///
    /// The connection is TLS with a certificate of its own, and every request needs a token. Both are in the kubeconfig,
    /// which only this user can read.
    pub(crate) fn start(store: Store) -> io::Result<Self> {
        let folder = Folder::new("lab")?;
        let listener = Listener::bind()?;
        let identity = Identity::new()?;
        let token = token()?;
        let authority = identity.authority();
        let config = kubeconfig("canary-lab", listener.address, &authority, &token);
        fs::write(folder.path().join(KUBECONFIG), format!("{config:#}\n"))?;
        let acceptor = identity.acceptor()?;
        store.remember_changes();
        let service = Arc::new(Service::new(store, &token));
        let serving = listener.serve(
            move |stream| acceptor.accept(stream),
            move |_peer| {
                let service = Arc::clone(&service);
                service_fn(move |request| {
                    let service = Arc::clone(&service);
                    async move { Ok::<_, Infallible>(service.answer(request).await) }
                })
            },
        );
        Ok(Self { _serving: serving, folder })
    }

    /// The file with the kubeconfig, in a folder that only this user can read.
    pub(crate) fn kubeconfig(&self) -> PathBuf {
        self.folder.path().join(KUBECONFIG)
    }
}
