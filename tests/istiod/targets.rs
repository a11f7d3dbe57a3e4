//! Releases of the other kinds of targets: two rules, two Services, routes of the Gateway API at the gateway and in the
//! mesh. Istiod writes the status of the routes, for which the driver waits.
//!
//! Each is released three times on one control plane: with a canary that nobody can reach, with a bad one, and with a good
//! one.

use std::{collections::BTreeSet, time::Duration};

use canary_core::{
    Plan, Verdict,
    cluster::{Cluster, ObjectRef, Rollout},
    evidence::Sample,
    predict::Client,
    rollout::{
        Guardrail, Hold, Percent, Result, Split,
        patch::{RouteOf, locate_all},
    },
};
use canary_lab::{istio::Sidecar, model::Scripted};
use canary_tests::istiod::{Pod, until};
use futures_util::{Stream, StreamExt, stream};

use crate::{
    forms::{CALLED, Form, REST, Way},
    stage::{
        PHOTO, STABLE, Stage, answered_by, canary_model, client_of, course, stable_model, workload,
    },
};

/// The versions that become the canary, one after the other.
const UNREACHABLE: &str = "refuses";
const BAD: &str = "fails";
const GOOD: &str = "resnet101";

/// A control plane with the versions deployed.
struct Mesh {
    stage: Stage,
    form: Form,
    /// The address of the gateway, or of the client's sidecar.
    url: String,
    host: Option<String>,
    _sidecar: Option<Sidecar>,
}

impl Mesh {
    async fn new(form: Form) -> Option<Self> {
        let fails = |model: Scripted| model.errors(0.3);
        let stage = Stage::with([
            (STABLE, Pod::Serves(stable_model())),
            (UNREACHABLE, Pod::Refuses),
            (BAD, Pod::Serves(fails(canary_model()))),
            (GOOD, Pod::Serves(canary_model())),
        ])
        .await?;
        for version in [STABLE, UNREACHABLE, BAD, GOOD] {
            stage.deploy_workload(&workload(version).own_service()).await;
        }
        for object in form.surroundings(&[UNREACHABLE, BAD, GOOD]) {
            stage.cluster().apply(&object).await.unwrap();
        }
        let mesh = form == Form::Mesh;
        let sidecar = if mesh { Some(stage.plane.sidecar(REST).await) } else { None };
        let (url, host) = if mesh {
            let address = Sidecar::LISTENS_AT;
            (format!("http://{address}:{REST}"), Some(format!("{CALLED}:{REST}")))
        } else {
            (stage.url_of_pods().await, None)
        };
        Some(Self { stage, form, url, host, _sidecar: sidecar })
    }

    /// A client that tries once.
    fn client(&self, way: Way) -> Client {
        let url = match way {
            Way::Rest => self.url.clone(),
            Way::Grpc => self.url.replace("http://", "grpc://"),
        };
        let client = client_of(&url);
        match &self.host {
            Some(host) => client.host(host),
            None => client,
        }
    }

    fn plan(&self, canary: &str) -> Plan {
        Plan::new("any", self.form.arm(STABLE), self.form.arm(canary))
            .target(self.form.target())
            .bursts(canary_core::rollout::Bursts::None)
            .header("user-group", "canary")
            .weights([30, 100], Hold::requests(300))
            .guardrail(Guardrail::error_ratio(1.0))
            .startup_timeout(Duration::from_secs(8))
    }

    /// Gives everything to the stable version, by new objects with this canary beside it.
    async fn reset(&self, canary: &str) {
        let cluster = self.stage.cluster();
        for object in self.form.routes(canary, 0) {
            cluster.delete(&ObjectRef::of(&object).unwrap()).await.unwrap();
            cluster.apply(&object).await.unwrap();
        }
        self.until_answered_by(STABLE).await;
    }

    /// Waits until every way leads to this version, twenty times in a row.
    async fn until_answered_by(&self, version: &str) {
        let arm = self.form.arm(version);
        for way in self.form.ways() {
            let client = self.client(*way);
            let all = async || {
                for _ in 0..20 {
                    if answered_by(&client).await.as_deref() != Some(&*arm) {
                        return false;
                    }
                }
                true
            };
            until(&format!("{:?} {way:?} by {arm}", self.form), all).await;
        }
    }

    /// The verdict, and the shares of the canary that were written on the way.
    async fn release(&self, canary: &str) -> (Verdict, Vec<Percent>) {
        let client = self.client(self.form.ways()[0]);
        let photo = Sample::new("photo", PHOTO.to_vec());
        let rollout = Rollout::of(self.plan(canary)).requests(client, photo, samples());
        let driver = rollout.tick(Duration::from_millis(100));
        let driver = driver.on(self.stage.cluster().clone()).unwrap();
        let (mut run, _control) = driver.start().await.unwrap();
        course(&mut run).await
    }

    /// The split of every rule in the cluster, and the versions that fifty requests of each way get once it is in force.
    async fn afterwards(
        &self,
        canary: &str,
        version: &str,
    ) -> (Vec<Option<Split>>, BTreeSet<String>) {
        let plan = self.plan(canary);
        let mut splits = Vec::new();
        for of in RouteOf::all(&plan) {
            let live = self.stage.cluster().get(&of.object()).await.unwrap().unwrap();
            splits.extend(locate_all(of, &live).unwrap().into_iter().map(|one| one.split));
        }
        self.until_answered_by(version).await;
        // After the settling time no proxy routes by the weights before.
        tokio::time::sleep(plan.settle).await;
        let mut versions = BTreeSet::new();
        for way in self.form.ways() {
            let client = self.client(*way);
            for _ in 0..50 {
                versions.insert(answered_by(&client).await.unwrap());
            }
        }
        (splits, versions)
    }
}

fn samples() -> impl Stream<Item = Result<Sample>> + Send + 'static {
    stream::iter(0_u64..).then(|number| async move {
        tokio::time::sleep(Duration::from_millis(10)).await;
        Ok(Sample::new(format!("photo {number}"), number.to_le_bytes().to_vec()))
    })
}

async fn released(form: Form) {
    let Some(mesh) = Mesh::new(form).await else { return };
    for canary in [UNREACHABLE, BAD, GOOD] {
        mesh.reset(canary).await;
        let (verdict, written) = mesh.release(canary).await;
        println!("{form:?}, {canary}: {verdict}");
        let (split, version) = match canary {
            UNREACHABLE => {
                assert!(matches!(verdict, Verdict::Rollback { .. }), "{form:?}: {verdict}");
                assert!(written.iter().all(|share| *share == 0), "{form:?}: {written:?}");
                (Split::STABLE, STABLE)
            }
            BAD => {
                assert!(matches!(verdict, Verdict::Rollback { .. }), "{form:?}: {verdict}");
                assert_eq!(written, [30, 0], "{form:?}");
                (Split::STABLE, STABLE)
            }
            _ => {
                assert!(matches!(verdict, Verdict::Promote { .. }), "{form:?}: {verdict}");
                assert_eq!(written.first(), Some(&Percent::from(30)), "{form:?}");
                assert!(written[1..].iter().all(|share| *share == 100), "{form:?}: {written:?}");
                (Split::CANARY, GOOD)
            }
        };
        let (splits, versions) = mesh.afterwards(canary, version).await;
        assert!(splits.iter().all(|found| *found == Some(split)), "{form:?}: {splits:?}");
        assert_eq!(versions, BTreeSet::from([form.arm(version)]), "{form:?}");
    }
}

macro_rules! released {
    ($($name:ident $form:ident)*) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                released(Form::$form).await;
            }
        )*
    };
}

released!(
    two_rules_are_released TwoRules
    two_services_are_released TwoServices
    an_http_route_is_released Http
    a_grpc_route_is_released Grpc
    an_http_route_and_a_grpc_route_are_released HttpAndGrpc
    a_route_in_the_mesh_is_released Mesh
);
