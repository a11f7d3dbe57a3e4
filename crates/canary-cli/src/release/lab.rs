//! The embedded lab as the back-end: both versions are deployed, and all traffic is at the stable one.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use anyhow::{Context, Result};
use canary_core::{
    DestinationRule, Gateway, Plan, VirtualService,
    cluster::ObjectRef,
    evidence::{Mirrored, Sample, Subsets},
    predict::Client,
    rollout::{Arms, Protocol, RouteKind, Routes, RuleSelector, Rules},
    serving::Workload,
};
use canary_lab::{
    Lab, LabBuilder,
    model::{Latency, Scripted},
    store::Store,
};
use futures_util::{Stream, stream};
use serde_json::{Value, json};

use super::{Ending, Requests, Stage, samples::samples, signal};
use crate::{
    commands::run::{Run, lab_options::LabOptions},
    lab_access::LabAccess,
};

const MODEL: &str = "model";
const GATEWAY: &str = "gateway";
/// The answer of a scripted model that disagrees.
const OTHER: &str = "another class";
/// The annotation with the number of the next input.
const NEXT: &str = "canary-lab/next-input";
/// The time for which a lab that other processes can reach stays after a run, so that they read its end.
const LINGER: Duration = Duration::from_secs(2);
/// The number of unread records of mirrored requests.
const MIRRORED: usize = 4_096;

/// A running lab, and the file that stores its mesh between two runs.
pub(crate) struct Mesh {
    lab: Lab,
    /// The kubeconfig for other processes, where one is wanted.
    access: Option<LabAccess>,
    file: PathBuf,
    objects: [ObjectRef; 2],
    /// The number of the next input: a run that continues sends new ones.
    next: Arc<AtomicU64>,
}

impl Mesh {
    /// Starts the lab for a plan: from the mesh of a paused run if there is one.
    pub(crate) fn start(plan: &Plan, options: &Run) -> Result<Self> {
        let LabOptions { real, seed, lab_state, .. } = &options.lab;
        let file = lab_state.clone().unwrap_or_else(|| options.plan.with_extension("lab.json"));
        let kept = if options.anew { None } else { read(&file)? };
        let (kept, next) = kept.map_or((None, 0), |(objects, next)| (Some(objects), next));
        let seed = seed.wrapping_add(next);
        let builder = Lab::builder().seed(seed);
        let lab = match real {
            true => builder.start()?,
            false => scripted(builder, plan, &options.lab, seed).start()?,
        };
        let (target, namespace) = (&plan.target, plan.target.namespace());
        let rule = routes_of(plan)?.destination_rule();
        let rule = rule.context("the lab of this command needs a DestinationRule")?;
        let canary = options.lab.canary_model.as_deref().unwrap_or(MODEL);
        for (version, model) in [(&plan.stable, MODEL), (&plan.canary, canary)] {
            let path = format!("models/{version}");
            let workload = Workload::new(target.name(), version).model(model, path);
            for object in workload.namespace(namespace).objects()? {
                lab.apply(&object)?;
            }
        }
        let objects = [rule, target.state_object()];
        for object in kept.map_or_else(|| fresh(plan), Ok)? {
            lab.apply(&object)?;
        }
        let gateway = Gateway::http(GATEWAY, 80, ["*"]).namespace(namespace);
        lab.apply(&gateway)?;
        lab.wait_ready(Duration::from_secs(60))?;
        let access = LabAccess::write(&lab, options.lab.lab_kubeconfig.as_deref())?;
        Ok(Self { lab, access, file, objects, next: Arc::new(AtomicU64::new(next)) })
    }

    /// The parts of the lab that the driver needs.
    pub(crate) fn stage(
        &self,
        plan: &Plan,
        options: &Run,
    ) -> Result<Stage<Store, impl Stream<Item = canary_core::rollout::Result<Sample>> + Send + use<>>>
    {
        let client = Client::new(&self.lab.gateway_url())?.model(MODEL);
        let samples = samples(options)?;
        let probe = samples(0);
        let cluster = self.lab.cluster().clone();
        let next = Arc::clone(&self.next);
        let all = (0..options.inputs.unwrap_or(u64::MAX)).map(move |_| {
            let number = next.fetch_add(1, Ordering::Relaxed);
            Ok(samples(number))
        });
        let samples = stream::iter(all);
        let mirror = (plan.header.is_none() && plan.needs_pairs()).then(|| {
            let subsets = Subsets::new(plan.stable.as_str(), plan.canary.as_str());
            Mirrored::new("mirror", self.lab.mirror_log(subsets, MIRRORED)).all_mirrored().live()
        });
        let client = client.signature("serving_preprocess");
        Ok(Stage {
            cluster,
            name: "the lab".to_owned(),
            requests: Some(Requests { client, samples, probe }),
            counted: None,
            mirror,
        })
    }

    /// Waits a moment where other processes can reach the lab: a command that ended the run reads its acknowledgement.
    pub(crate) async fn linger(&self) {
        if self.access.is_some() {
            tokio::select! {
                () = tokio::time::sleep(LINGER) => {}
                () = signal() => {}
            }
        }
    }

    /// Stores the mesh of a run that will be resumed; removes the stored mesh of one that is over.
    pub(crate) fn keep(&self, ending: Option<&Ending>) -> Result<()> {
        if let Some(Ending::Over { .. }) = ending {
            return match std::fs::remove_file(&self.file) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    Err(error).with_context(|| format!("cannot remove {}", self.file.display()))
                }
                _ => Ok(()),
            };
        }
        let ours =
            |object: &Value| ObjectRef::of(object).is_ok_and(|of| self.objects.contains(&of));
        let mut items: Vec<Value> = self.lab.cluster().objects().into_iter().filter(ours).collect();
        for item in &mut items {
            if let Some(metadata) = item["metadata"].as_object_mut() {
                metadata.retain(|key, _| {
                    matches!(key.as_str(), "name" | "namespace" | "labels" | "annotations")
                });
            }
        }
        let next = self.next.load(Ordering::Relaxed).to_string();
        let list = json!({
            "apiVersion": "v1",
            "kind": "List",
            "metadata": {"annotations": {NEXT: next}},
            "items": items,
        });
        crate::write_file(&self.file, &format!("{list:#}"))
            .with_context(|| format!("cannot keep the lab's mesh in {}", self.file.display()))
    }
}

/// The objects of a paused run, and the number of its next input.
fn read(file: &Path) -> Result<Option<(Vec<Value>, u64)>> {
    let text = match std::fs::read_to_string(file) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).with_context(|| format!("cannot read {}", file.display())),
    };
    let hint = || {
        format!(
            "{} is not the mesh of a suspended run; remove it to start a new run",
            file.display()
        )
    };
    let mut list: Value = serde_json::from_str(&text).with_context(hint)?;
    let next = list["metadata"]["annotations"][NEXT].as_str().and_then(|next| next.parse().ok());
    let items = list["items"].as_array_mut().map(std::mem::take);
    Ok(Some(items.zip(next).with_context(hint)?))
}

/// The routes of a plan that this command's lab can make: one rule of one `VirtualService` between two subsets.
fn routes_of(plan: &Plan) -> Result<&Routes> {
    let routes = plan.target.routes().filter(|routes| {
        let [first] = &routes.routes[..] else { return false };
        first.kind == RouteKind::VirtualService
            && first.protocol == Protocol::Http
            && routes.arms == Arms::Subsets
            && match &first.rules {
                Rules::Only | Rules::All => true,
                Rules::Listed(listed) => matches!(listed[..], [RuleSelector::Named(_)]),
                _ => false,
            }
    });
    routes.context(
        "without a cluster this command makes one rule of one VirtualService between two subsets, and the plan's target is \
         another; start a lab with `canary lab`, apply your objects to it, and give its file to --kubeconfig",
    )
}

/// All traffic at the stable version; each response names its subset.
fn fresh(plan: &Plan) -> Result<Vec<Value>> {
    let target = &plan.target;
    let routes = routes_of(plan)?;
    let split = VirtualService::weighted(
        target.name(),
        [(plan.stable.as_str(), 100), (plan.canary.as_str(), 0)],
    );
    let mut split = split
        .namespace(target.namespace())
        .hosts(["*"])
        .gateway(GATEWAY)
        .port(8501)
        .stamp_subset(Client::SUBSET_HEADER);
    if let Some(name) = routes.rule()
        && let Some(route) = split.spec.http.iter_mut().flatten().next()
    {
        route.name = Some(name.to_owned());
    }
    let mut rule =
        DestinationRule::subsets(target.name(), [plan.stable.as_str(), plan.canary.as_str()])
            .namespace(target.namespace());
    rule.metadata.name = routes.destination_rule().map(|rule| rule.name);
    Ok(vec![serde_json::to_value(rule)?, serde_json::to_value(split)?])
}

fn scripted(builder: LabBuilder, plan: &Plan, options: &LabOptions, seed: u64) -> LabBuilder {
    let one = |answer: &str, errors, disagree, latency, seed| {
        let latency = Latency::LogNormal { median: latency, sigma: 0.3 };
        Scripted::new(answer, 0.9)
            .errors(errors)
            .disagree(disagree, OTHER)
            .latency(latency)
            .seed(seed)
    };
    let stable = one(
        &options.stable_answer,
        options.stable_errors,
        options.stable_disagree,
        options.stable_latency,
        seed.wrapping_mul(2),
    );
    let canary = one(
        &options.canary_answer,
        options.canary_errors,
        options.canary_disagree,
        options.canary_latency,
        seed.wrapping_mul(2).wrapping_add(1),
    );
    builder
        .model(format!("models/{}", plan.stable), stable)
        .model(format!("models/{}", plan.canary), canary)
}
