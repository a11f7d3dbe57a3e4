//! The requirements of each pod on its node: CPU, memory, GPUs, labels and taints.

use std::{collections::BTreeMap, fmt, str::FromStr};

use serde_json::{Map, Value, json};

use super::Workload;
use crate::quantity;
use canary_istio::{Finding, Findings};

/// The extended resource of NVIDIA's device plugin.
pub(super) const NVIDIA: &str = "nvidia.com/gpu";

/// The longest part of a label or of a resource name.
const MAX_PART: usize = 63;

/// A taint of nodes that the pods tolerate, written as `kubectl taint` writes it.
///
/// `key=value:effect`, with the value and the effect left out where any will do. The effects are `NoSchedule`,
/// `PreferNoSchedule` and `NoExecute`.
///
/// ```
/// use canary_core::serving::Toleration;
///
/// let pool: Toleration = "pool=models:NoSchedule".parse()?;
/// assert_eq!((pool.key.as_str(), pool.value.as_deref()), ("pool", Some("models")));
/// assert_eq!("spot".parse::<Toleration>()?.to_string(), "spot");
/// assert!("pool=models:Never".parse::<Toleration>().is_err());
/// # Ok::<(), canary_core::serving::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Toleration {
    /// The key of the taint.
    pub key: String,
    /// Its value; any when absent.
    pub value: Option<String>,
    /// Its effect; any when absent.
    pub effect: Option<String>,
}

impl FromStr for Toleration {
    type Err = crate::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (rest, effect) = match text.split_once(':') {
            Some((rest, effect)) => (rest, Some(effect.to_owned())),
            None => (text, None),
        };
        let (key, value) = match rest.split_once('=') {
            Some((key, value)) => (key, Some(value.to_owned())),
            None => (rest, None),
        };
        let toleration = Self { key: key.to_owned(), value, effect };
        match toleration.problem() {
            Some(problem) => Err(crate::Error::manifest(format!("toleration {text:?}"), problem)),
            None => Ok(toleration),
        }
    }
}

impl fmt::Display for Toleration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.key)?;
        if let Some(value) = &self.value {
            write!(f, "={value}")?;
        }
        self.effect.as_ref().map_or(Ok(()), |effect| write!(f, ":{effect}"))
    }
}

impl Toleration {
    fn problem(&self) -> Option<&'static str> {
        let known = |effect: &String| {
            matches!(effect.as_str(), "NoSchedule" | "PreferNoSchedule" | "NoExecute")
        };
        if !is_qualified(&self.key) {
            Some("its key is not a label; write key=value:effect, such as pool=models:NoSchedule")
        } else if !self.value.as_deref().is_none_or(is_label_value) {
            Some("its value is not one of a label; write key=value:effect")
        } else if !self.effect.as_ref().is_none_or(known) {
            Some("its effect is not NoSchedule, PreferNoSchedule or NoExecute")
        } else {
            None
        }
    }

    fn object(&self) -> Value {
        let mut toleration = json!({"key": self.key, "operator": "Exists"});
        if let Some(value) = &self.value {
            toleration["operator"] = "Equal".into();
            toleration["value"] = value.as_str().into();
        }
        if let Some(effect) = &self.effect {
            toleration["effect"] = effect.as_str().into();
        }
        toleration
    }
}

impl Workload {
    /// The `resources` of the container. Kubernetes assigns whole devices, so the request of a GPU equals its limit.
    pub(super) fn resources(&self) -> Value {
        let mut requests = Map::new();
        let mut limits = Map::new();
        for (name, request, limit) in
            [("cpu", &self.cpu, &self.cpu_limit), ("memory", &self.memory, &self.memory_limit)]
        {
            requests.insert(name.to_owned(), request.as_str().into());
            if let Some(limit) = limit {
                limits.insert(name.to_owned(), limit.as_str().into());
            }
        }
        if self.gpus > 0 {
            let count = self.gpus.to_string();
            requests.insert(self.gpu_resource.clone(), count.as_str().into());
            limits.insert(self.gpu_resource.clone(), count.into());
        }
        if limits.is_empty() {
            json!({"requests": requests})
        } else {
            json!({"requests": requests, "limits": limits})
        }
    }

    /// The tolerations of the pods. Clusters taint nodes with devices by the name of the resource, so that a workload with
    /// GPUs tolerates that taint.
    ///
    /// Source: <https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/#extendedresourcetoleration>.
    pub(super) fn toleration_objects(&self) -> Vec<Value> {
        let mut all: Vec<Value> = self.tolerations.iter().map(Toleration::object).collect();
        let known = self.tolerations.iter().any(|one| one.key == self.gpu_resource);
        if self.gpus > 0 && !known {
            let gpu = Toleration { key: self.gpu_resource.clone(), value: None, effect: None };
            let mut gpu = gpu.object();
            gpu["effect"] = "NoSchedule".into();
            all.push(gpu);
        }
        all
    }

    /// Finds the mistakes in the requirements of the pods.
    pub(super) fn check_resources(&self, object: &str, findings: &mut Findings) {
        let mut push = |finding: Finding, help: &str| {
            findings.push(finding.object(object).help(help));
        };
        let error = |path: &str, problem: &str| Finding::error("C200", path, problem);
        for (path, request, limit) in [
            ("cpu_limit", &self.cpu, &self.cpu_limit),
            ("memory_limit", &self.memory, &self.memory_limit),
        ] {
            let Some(limit) = limit else { continue };
            match (quantity::parse(request), quantity::parse(limit)) {
                (_, None) => push(
                    error(path, "is not a quantity").found(limit),
                    "write a Kubernetes quantity, such as 500m, 3 or 4Gi",
                ),
                (Some(asked), Some(most)) if most < asked => push(
                    error(path, "is below what the pod requests").found(limit),
                    &format!("state at least {request}, or request less"),
                ),
                _ => {}
            }
        }
        if !self.gpu_resource.contains('/') || !is_qualified(&self.gpu_resource) {
            push(
                error("gpu_resource", "is not the name of an extended resource")
                    .found(&self.gpu_resource),
                "write domain/name, such as nvidia.com/gpu or amd.com/gpu",
            );
        } else if self.gpus > 0 && is_without_gpus(&self.image) {
            push(
                Finding::warning("C200", "image", "this build of TensorFlow Serving uses no GPU")
                    .found(&self.image),
                "name a build for GPUs, such as tensorflow/serving:latest-gpu",
            );
        }
        for (key, value) in &self.node_selector {
            if !is_qualified(key) || !is_label_value(value) {
                push(
                    error("node_selector", "is not a label").found(format!("{key}={value}")),
                    "write a label of the nodes, such as cloud.google.com/gke-accelerator and nvidia-l4",
                );
            }
        }
        for toleration in &self.tolerations {
            if let Some(problem) = toleration.problem() {
                push(
                    error("tolerations", problem).found(toleration.to_string()),
                    "write key=value:effect",
                );
            }
        }
    }
}

/// Returns `true` for an image of TensorFlow Serving whose tag names no build for GPUs.
fn is_without_gpus(image: &str) -> bool {
    let (name, tag) = image.split_once(':').unwrap_or((image, "latest"));
    let official = matches!(name, "tensorflow/serving" | "docker.io/tensorflow/serving");
    official && !image.contains('@') && !tag.contains("gpu")
}

/// Returns `true` for a name such as `pool` or `nvidia.com/gpu`, as labels, taints and resources have them.
fn is_qualified(name: &str) -> bool {
    let (prefix, name) = name.split_once('/').map_or((None, name), |(a, b)| (Some(a), b));
    let domain = |prefix: &str| {
        let label = |part: &str| {
            !part.is_empty()
                && part
                    .bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
                && !part.starts_with('-')
                && !part.ends_with('-')
        };
        prefix.len() <= 253 && prefix.split('.').all(label)
    };
    !name.is_empty() && is_label_value(name) && prefix.is_none_or(domain)
}

/// Returns `true` for the value of a label; the empty one is one too.
fn is_label_value(value: &str) -> bool {
    let ends = |byte: Option<u8>| byte.is_none_or(|byte| byte.is_ascii_alphanumeric());
    value.len() <= MAX_PART
        && value
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
        && ends(value.bytes().next())
        && ends(value.bytes().last())
}

/// Labels of nodes.
pub(super) type NodeSelector = BTreeMap<String, String>;

#[cfg(test)]
mod tests {
    use super::*;

    fn workload() -> Workload {
        Workload::new("pets", "v1").model("pets", "m/1")
    }

    fn pod(workload: &Workload) -> Value {
        workload.objects().unwrap()[1]["spec"]["template"]["spec"].clone()
    }

    fn mistakes(workload: &Workload) -> Vec<String> {
        workload.validate().into_iter().map(|finding| finding.path).collect()
    }

    #[test]
    fn a_gpu_s_request_is_its_limit_and_its_nodes_are_tolerated() {
        let gpu = workload()
            .image("tensorflow/serving:2.19.1-gpu")
            .gpus(2)
            .node_selector("cloud.google.com/gke-accelerator", "nvidia-l4");
        assert!(gpu.validate().is_empty());
        let pod = pod(&gpu);
        let resources = &pod["containers"][0]["resources"];
        assert_eq!(resources["requests"]["nvidia.com/gpu"], "2");
        assert_eq!(resources["limits"], json!({"nvidia.com/gpu": "2"}));
        let tolerated =
            json!([{"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}]);
        assert_eq!(pod["tolerations"], tolerated);
        assert_eq!(pod["nodeSelector"]["cloud.google.com/gke-accelerator"], "nvidia-l4");
        // A toleration that the user states replaces the default.
        let own = gpu.toleration("nvidia.com/gpu=present".parse().unwrap());
        let tolerated = json!([{"key": "nvidia.com/gpu", "operator": "Equal", "value": "present"}]);
        assert_eq!(self::pod(&own)["tolerations"], tolerated);
    }

    #[test]
    fn without_any_of_it_the_pod_is_as_it_was() {
        let pod = pod(&workload());
        let requests = json!({"requests": {"cpu": "3", "memory": "4Gi"}});
        assert_eq!(pod["containers"][0]["resources"], requests);
        assert!(pod["tolerations"].is_null() && pod["nodeSelector"].is_null(), "{pod}");
    }

    #[test]
    fn limits_are_at_least_the_requests() {
        let limited = workload().requests("500m", "1Gi").cpu_limit("2").memory_limit("1Gi");
        let resources = &pod(&limited)["containers"][0]["resources"];
        assert_eq!(resources["limits"], json!({"cpu": "2", "memory": "1Gi"}));
        let small = workload().requests("3", "4Gi").cpu_limit("2").memory_limit("much");
        assert_eq!(mistakes(&small), ["cpu_limit", "memory_limit"]);
        let text = small.validate().to_string();
        assert!(text.contains("state at least 3") && text.contains("\"much\""), "{text}");
    }

    #[test]
    fn a_device_has_the_name_of_an_extended_resource() {
        for good in ["nvidia.com/gpu", "amd.com/gpu", "nvidia.com/mig-1g.5gb", "google.com/tpu"] {
            let one = workload().image("own/server:1").gpus(1).gpu_resource(good);
            assert_eq!(mistakes(&one), [""; 0], "{good}");
        }
        for bad in
            ["gpu", "", "nvidia.com/", "/gpu", "NVIDIA.com/gpu", "nvidia.com/g/pu", "a b/gpu"]
        {
            let one = workload().image("own/server:1").gpus(1).gpu_resource(bad);
            assert_eq!(mistakes(&one), ["gpu_resource"], "{bad}");
            assert!(one.objects().is_err());
        }
    }

    #[test]
    fn an_image_without_gpu_support_is_a_warning() {
        for (image, warned) in [
            ("tensorflow/serving", true),
            ("tensorflow/serving:2.19.1", true),
            ("tensorflow/serving:latest-gpu", false),
            ("registry.example.com/serving:1", false),
        ] {
            let one = workload().image(image).gpus(1);
            assert_eq!(!one.validate().is_empty(), warned, "{image}");
            assert!(one.objects().is_ok(), "{image}");
        }
        assert!(workload().validate().is_empty(), "without GPUs nothing is said");
    }

    #[test]
    fn tolerations_are_written_as_kubectl_writes_taints() {
        for text in [
            "spot",
            "pool=models",
            "spot:NoExecute",
            "a.example/b=c:PreferNoSchedule",
            "x=:NoSchedule",
        ] {
            assert_eq!(text.parse::<Toleration>().unwrap().to_string(), text);
        }
        for bad in ["", ":NoSchedule", "a b", "a=b c", "a=b:never", "a=b:", "-a"] {
            let error = bad.parse::<Toleration>().unwrap_err().to_string();
            assert!(error.contains(&format!("{bad:?}")), "{error}");
        }
        let mut broken = workload().node_selector("a b", "c");
        broken.tolerations = vec![Toleration { key: String::new(), value: None, effect: None }];
        assert_eq!(mistakes(&broken), ["node_selector", "tolerations"]);
    }
}
