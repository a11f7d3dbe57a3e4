//! The objects with which a driver runs as a Job inside the cluster, with the least permissions.

use serde_json::{Value, json};

use canary_rollout::Plan;

use crate::{
    Error, Result,
    access::{event_rule, role_binding, role_for},
};

/// A volume mounted into the driver's pod, read-only: inputs, or credentials.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Mount {
    /// The files of a `ConfigMap` of this name.
    ConfigMap(String),
    /// The files of a `Secret` of this name.
    Secret(String),
    /// A `PersistentVolumeClaim` of this name.
    Claim(String),
}

impl Mount {
    /// Reads `configmap/NAME`, `secret/NAME` or `claim/NAME`.
    ///
    /// # Errors
    /// [`Error::Istio`] when it is none of these.
    pub fn parse(text: &str) -> Result<Self> {
        match text.split_once('/') {
            Some(("configmap", name)) if !name.is_empty() => Ok(Self::ConfigMap(name.to_owned())),
            Some(("secret", name)) if !name.is_empty() => Ok(Self::Secret(name.to_owned())),
            Some(("claim", name)) if !name.is_empty() => Ok(Self::Claim(name.to_owned())),
            _ => Err(Error::manifest(
                format!("mount {text:?}"),
                "write configmap/NAME, secret/NAME or claim/NAME",
            )),
        }
    }

    fn volume(&self, name: &str) -> Value {
        match self {
            Self::ConfigMap(of) => json!({"name": name, "configMap": {"name": of}}),
            Self::Secret(of) => json!({"name": name, "secret": {"secretName": of}}),
            Self::Claim(of) => {
                json!({"name": name, "persistentVolumeClaim": {"claimName": of, "readOnly": true}})
            }
        }
    }
}

/// The settings of a driver that runs inside the cluster.
///
/// It is a Job, not a Deployment, because a rollout ends: a Deployment would start the driver again after its verdict,
/// forever. A Job gives what an unattended driver needs of a Deployment too: after an error, an eviction or the loss of
/// its node a new pod continues with the same experiment.
///
/// ```
/// use canary_core::{Plan, cluster::InCluster, rollout::{Guardrail, Hold}};
///
/// let plan = Plan::new("image-classifier", "resnet50", "resnet101")
///     .header("user-group", "canary")
///     .weights([5, 30, 100], Hold::requests(4_000))
///     .guardrail(Guardrail::error_ratio(1.0));
/// let objects = InCluster::new("registry.example.com/canary:1.0").objects(&plan)?;
/// let kinds: Vec<_> = objects.iter().filter_map(|object| object["kind"].as_str()).collect();
/// assert_eq!(kinds, ["ServiceAccount", "Role", "RoleBinding", "ConfigMap", "Job"]);
/// # Ok::<(), canary_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct InCluster {
    /// The image with the program, which must be an entry point that takes a plan's file as its first argument.
    pub image: String,
    /// The name of all objects; `canary-` and the `VirtualService`'s name unless set.
    pub name: Option<String>,
    /// More arguments for the program.
    pub args: Vec<String>,
    /// The number of times that a driver that failed is started again; it continues where it was.
    pub retries: u32,
    /// The volumes, each with its mount path.
    pub mounts: Vec<(Mount, String)>,
    /// `true` when the role permits to write notices as Events, which `canary run --events` does.
    pub events: bool,
    /// The port at which the program serves metrics, as `canary run --metrics 0.0.0.0:PORT` does: the pod names it, and has
    /// the annotations by which many Prometheus servers find what to scrape.
    pub metrics: Option<u16>,
}

impl InCluster {
    /// With the image of the program.
    pub fn new(image: impl Into<String>) -> Self {
        Self {
            image: image.into(),
            name: None,
            args: Vec::new(),
            retries: 100,
            mounts: Vec::new(),
            events: false,
            metrics: None,
        }
    }

    /// Names the objects.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Adds an argument for the program.
    #[must_use]
    pub fn arg(mut self, arg: impl Into<String>) -> Self {
        self.args.push(arg.into());
        self
    }

    /// Mounts the files of an object read-only at a path, such as photos at `/photos` or a token at `/etc/prometheus`.
    #[must_use]
    pub fn mount(mut self, what: Mount, path: impl Into<String>) -> Self {
        self.mounts.push((what, path.into()));
        self
    }

    /// Sets [`InCluster::events`].
    #[must_use]
    pub fn events(mut self, events: bool) -> Self {
        self.events = events;
        self
    }

    /// Sets [`InCluster::metrics`].
    #[must_use]
    pub fn metrics(mut self, port: u16) -> Self {
        self.metrics = Some(port);
        self
    }

    /// The objects, in the plan's namespace: an account, its role and binding, the plan, and the Job.
    ///
    /// The Job's pod runs as a non-root user, without a writable file system, capabilities or a sidecar. An exit status of 1
    /// starts it again, and it continues with the same experiment; any other ends the Job, since the rollout is over. A
    /// pod may be lost after the verdict, and Kubernetes takes every status except 0 for a failure: the program has to exit
    /// with 0 for a promotion also where an earlier pod gave that verdict, as `canary run --plain-status` does.
    ///
    /// # Errors
    /// [`Error::Istio`] when the plan has an error.
    pub fn objects(&self, plan: &Plan) -> Result<Vec<Value>> {
        let plan = plan.clone().validated()?;
        let namespace = plan.target.namespace();
        let name = self.name.clone().unwrap_or_else(|| format!("canary-{}", plan.target.name()));
        let labels =
            json!({"app.kubernetes.io/name": "canary", "app.kubernetes.io/instance": name});
        let metadata = json!({"name": name, "namespace": namespace, "labels": labels});
        let mut args = vec!["/etc/canary/plan.yaml".to_owned()];
        args.extend(self.args.iter().cloned());
        let mut volumes = vec![json!({"name": "plan", "configMap": {"name": name}})];
        let mut mounts =
            vec![json!({"name": "plan", "mountPath": "/etc/canary", "readOnly": true})];
        for (index, (what, path)) in self.mounts.iter().enumerate() {
            let volume = format!("mount-{index}");
            mounts.push(json!({"name": volume, "mountPath": path, "readOnly": true}));
            volumes.push(what.volume(&volume));
        }
        let mut container = json!({
            "name": "driver",
            "image": self.image,
            "args": args,
            "volumeMounts": mounts,
            "resources": {"requests": {"cpu": "100m", "memory": "64Mi"}, "limits": {"memory": "256Mi"}},
            "securityContext": {
                "allowPrivilegeEscalation": false,
                "readOnlyRootFilesystem": true,
                "capabilities": {"drop": ["ALL"]},
            },
        });
        let mut pod_metadata = json!({});
        if let Some(port) = self.metrics {
            container["ports"] = json!([{"name": "metrics", "containerPort": port}]);
            pod_metadata["annotations"] = json!({
                "prometheus.io/scrape": "true",
                "prometheus.io/port": port.to_string(),
                "prometheus.io/path": "/metrics",
            });
        }
        let mut pod_labels = labels.clone();
        // The sidecar would outlive the driver, and the Job would never end.
        pod_labels["sidecar.istio.io/inject"] = json!("false");
        pod_metadata["labels"] = pod_labels;
        let pod = json!({
            "metadata": pod_metadata,
            "spec": {
                "serviceAccountName": name,
                "restartPolicy": "Never",
                // Time to store the state before the pod goes.
                "terminationGracePeriodSeconds": 30,
                "securityContext": {
                    "runAsNonRoot": true,
                    "runAsUser": 65532,
                    "seccompProfile": {"type": "RuntimeDefault"},
                },
                "containers": [container],
                "volumes": volumes,
            },
        });
        // 1 is an error that may pass, 130 and 143 a signal; all others are verdicts, and final.
        let over = json!({"rules": [
            {"action": "FailJob", "onExitCodes": {"containerName": "driver", "operator": "NotIn", "values": [0, 1, 130, 137, 143]}},
            {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]},
        ]});
        let mut role = role_for(&plan, &name);
        if self.events {
            role.rules.get_or_insert_default().push(event_rule());
        }
        Ok(vec![
            json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata}),
            json_of(&role)?,
            json_of(&role_binding(namespace, &name, &name))?,
            json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"plan.yaml": plan.to_yaml()?}}),
            json!({
                "apiVersion": "batch/v1", "kind": "Job", "metadata": metadata,
                "spec": {"backoffLimit": self.retries, "podFailurePolicy": over, "template": pod},
            }),
        ])
    }
}

fn json_of(object: &impl serde::Serialize) -> Result<Value> {
    serde_json::to_value(object).map_err(|error| Error::manifest("role", error.to_string()))
}
