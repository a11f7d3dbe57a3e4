//! The stores of objects that one suite of tests is run on: the lab's, the same through its Kubernetes API, and a real
//! API server's.

use canary_core::cluster::{Cluster, Kubernetes};
use canary_lab::store::Store;
use canary_tests::apiserver::ApiServer;

use crate::subject::Subject;

/// A store that keeps the `Cluster` contract, with a namespace for one test.
pub(crate) trait Backend {
    type Handle: Cluster + Clone + 'static;

    /// A handle that writes under this name; `force` takes over the fields of others on apply.
    fn handle(&self, manager: &str, force: bool) -> Self::Handle;

    /// The namespace that belongs to this test.
    fn namespace(&self) -> &str;

    /// The kind of the objects that the suite writes.
    fn subject(&self) -> Subject {
        Subject::VirtualService
    }

    /// A handle under this library's own name.
    fn canary(&self) -> Self::Handle {
        self.handle("canary", false)
    }
}

/// The lab's store.
pub(crate) struct Lab(Store);

impl Lab {
    pub(crate) fn new() -> Self {
        Self(Store::new())
    }
}

impl Backend for Lab {
    type Handle = Store;

    fn handle(&self, manager: &str, force: bool) -> Store {
        self.0.clone().field_manager(manager).force(force)
    }

    fn namespace(&self) -> &'static str {
        "contract"
    }
}

/// The lab's store through its Kubernetes API, as another process reaches it.
pub(crate) struct LabApi {
    _lab: canary_lab::Lab,
    cluster: Kubernetes,
}

impl LabApi {
    pub(crate) async fn new() -> Self {
        let lab = canary_lab::Lab::start().unwrap();
        let cluster = Kubernetes::open(Some(&lab.kubeconfig().unwrap()), None).await.unwrap();
        Self { _lab: lab, cluster }
    }
}

impl Backend for LabApi {
    type Handle = Kubernetes;

    fn handle(&self, manager: &str, force: bool) -> Kubernetes {
        self.cluster.clone().field_manager(manager).force(force)
    }

    fn namespace(&self) -> &'static str {
        "contract"
    }
}

/// The shared API server.
pub(crate) struct Real {
    cluster: Kubernetes,
    namespace: String,
}

impl Real {
    /// The same with the definitions of the Gateway API; `None` when they are missing.
    pub(crate) async fn with_gateway_api(test: &str) -> Option<Self> {
        ApiServer::gateway_api("standard")?;
        ApiServer::shared().await?.with_gateway_api().await;
        Self::new(&format!("routes_{test}")).await
    }

    /// `None` when the server's programs are missing.
    pub(crate) async fn new(test: &str) -> Option<Self> {
        let server = ApiServer::shared().await?;
        let namespace = test.replace('_', "-").chars().take(63).collect::<String>();
        let namespace = namespace.trim_end_matches('-').to_owned();
        server.namespace(&namespace).await;
        Some(Self { cluster: server.connect("admin").await.unwrap(), namespace })
    }
}

impl Backend for Real {
    type Handle = Kubernetes;

    fn handle(&self, manager: &str, force: bool) -> Kubernetes {
        self.cluster.clone().field_manager(manager).force(force)
    }

    fn namespace(&self) -> &str {
        &self.namespace
    }
}

/// A store that the suite fills with routes of the Gateway API.
pub(crate) struct OfHttpRoute<B>(pub(crate) B);

impl<B: Backend> Backend for OfHttpRoute<B> {
    type Handle = B::Handle;

    fn handle(&self, manager: &str, force: bool) -> B::Handle {
        self.0.handle(manager, force)
    }

    fn namespace(&self) -> &str {
        self.0.namespace()
    }

    fn subject(&self) -> Subject {
        Subject::HttpRoute
    }
}

/// Makes three tests of each function: on the lab's store, through the lab's API, and on a real API server.
macro_rules! on_each {
    ($($test:ident),+ $(,)?) => {
        mod on_the_lab {
            $(
                #[tokio::test]
                async fn $test() {
                    super::$test(&crate::backend::Lab::new()).await;
                }
            )+
        }

        mod on_the_labs_api {
            $(
                #[tokio::test]
                async fn $test() {
                    super::$test(&crate::backend::LabApi::new().await).await;
                }
            )+
        }

        mod on_kubernetes {
            $(
                #[tokio::test]
                async fn $test() {
                    let Some(real) = crate::backend::Real::new(stringify!($test)).await else { return };
                    super::$test(&real).await;
                }
            )+
        }
    };
}

/// The same three tests of each function, with the store in a wrapper; on the real API server beside the definitions of
/// the Gateway API.
macro_rules! on_each_as {
    ($wrap:path; $($test:ident),+ $(,)?) => {
        mod on_the_lab {
            $(
                #[tokio::test]
                async fn $test() {
                    super::$test(&$wrap(crate::backend::Lab::new())).await;
                }
            )+
        }

        mod on_the_labs_api {
            $(
                #[tokio::test]
                async fn $test() {
                    super::$test(&$wrap(crate::backend::LabApi::new().await)).await;
                }
            )+
        }

        mod on_kubernetes {
            $(
                #[tokio::test]
                async fn $test() {
                    let real = crate::backend::Real::with_gateway_api(stringify!($test)).await;
                    let Some(real) = real else { return };
                    super::$test(&$wrap(real)).await;
                }
            )+
        }
    };
}

pub(crate) use {on_each, on_each_as};
