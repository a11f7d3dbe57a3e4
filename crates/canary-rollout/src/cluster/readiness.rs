//! The readiness of a `Deployment`'s pods, and the reasons when they are not ready.

use std::fmt;

use serde::Serialize;
use serde_json::Value;

use super::{Cluster, ObjectRef};
use crate::{Error, Result};

/// A pod that is not ready, and what keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct PodProblem {
    /// The pod's name.
    pub pod: String,
    /// Kubernetes' name of the reason, such as `ImagePullBackOff`, `Unschedulable` or `OOMKilled`.
    pub reason: String,
    /// The message of Kubernetes.
    pub message: String,
    /// The remedy.
    pub help: &'static str,
}

impl fmt::Display for PodProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "pod {}: {}", self.pod, self.reason)?;
        if !self.message.is_empty() {
            write!(f, " ({})", self.message)?;
        }
        if !self.help.is_empty() {
            write!(f, "; {}", self.help)?;
        }
        Ok(())
    }
}

/// The progress of a `Deployment`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Readiness {
    /// The deployment, as `Deployment namespace/name`.
    pub deployment: String,
    /// The number of pods that are wanted.
    pub wanted: i64,
    /// The number of pods of the present template that are ready.
    pub ready: i64,
    /// `true` when the controller has seen the present template; older figures mean nothing.
    pub observed: bool,
    /// The pods that are not ready, with the reasons.
    pub problems: Vec<PodProblem>,
}

impl Readiness {
    /// Returns `true` when every pod that is wanted runs the present template and is ready.
    pub fn is_ready(&self) -> bool {
        self.observed && self.ready >= self.wanted
    }
}

impl fmt::Display for Readiness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} of {} pods ready", self.deployment, self.ready, self.wanted)?;
        if !self.observed {
            f.write_str(", the controller has not processed the last change yet")?;
        }
        for problem in &self.problems {
            write!(f, "; {problem}")?;
        }
        Ok(())
    }
}

/// Reads the progress of a `Deployment`, with the reasons from its pods' status and events.
///
/// # Errors
/// [`Error::NotFound`] when there is no such deployment, [`Error::Cluster`] when the cluster cannot be read.
pub async fn readiness(
    cluster: &impl Cluster,
    namespace: &str,
    deployment: &str,
) -> Result<Readiness> {
    let target = ObjectRef::new("apps/v1", "Deployment", namespace, deployment);
    let object = cluster.get(&target).await?.ok_or_else(|| Error::NotFound {
        object: target.to_string(),
        help: "apply the workload first".to_owned(),
    })?;
    let number = |pointer: &str| object.pointer(pointer).and_then(Value::as_i64);
    let wanted = number("/spec/replicas").unwrap_or(1);
    let updated = number("/status/updatedReplicas").unwrap_or(0);
    let ready = number("/status/readyReplicas").unwrap_or(0).min(updated);
    let observed = number("/status/observedGeneration").unwrap_or(0)
        >= number("/metadata/generation").unwrap_or(0);
    let mut readiness =
        Readiness { deployment: target.to_string(), wanted, ready, observed, problems: Vec::new() };
    if readiness.is_ready() {
        return Ok(readiness);
    }
    let labels = object.pointer("/spec/selector/matchLabels");
    let pods = cluster.list("v1", "Pod", Some(namespace)).await?;
    let own: Vec<_> = pods.iter().filter(|pod| has_labels(pod, labels)).collect();
    let events = if own.is_empty() {
        Vec::new()
    } else {
        // Events only make the message more specific; an account that may not read them still gets the status.
        cluster.list("v1", "Event", Some(namespace)).await.unwrap_or_default()
    };
    readiness.problems = own.into_iter().filter_map(|pod| problem(pod, &events)).collect();
    if readiness.problems.is_empty()
        && let Some(problem) = replica_failure(&object, deployment)
    {
        readiness.problems.push(problem);
    }
    Ok(readiness)
}

fn has_labels(pod: &Value, wanted: Option<&Value>) -> bool {
    let Some(wanted) = wanted.and_then(Value::as_object) else { return false };
    let labels = pod.pointer("/metadata/labels");
    wanted.iter().all(|(key, value)| labels.and_then(|labels| labels.get(key)) == Some(value))
}

/// No pod was even created, for instance because a quota is used up.
pub(super) fn replica_failure(deployment: &Value, name: &str) -> Option<PodProblem> {
    let condition =
        deployment.pointer("/status/conditions").and_then(Value::as_array)?.iter().find(
            |condition| condition["type"] == "ReplicaFailure" && condition["status"] == "True",
        )?;
    Some(PodProblem {
        pod: format!("{name}-…"),
        reason: text(condition, "reason"),
        message: text(condition, "message"),
        help: "raise the namespace's quota or request less",
    })
}

fn text(object: &Value, field: &str) -> String {
    object.get(field).and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// The problem that keeps a pod from being ready; `None` when it is ready or starting normally.
pub(super) fn problem(pod: &Value, events: &[Value]) -> Option<PodProblem> {
    let name = pod.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default();
    let conditions = pod.pointer("/status/conditions").and_then(Value::as_array);
    let condition =
        |kind: &str| conditions.into_iter().flatten().find(|condition| condition["type"] == kind);
    if condition("Ready").is_some_and(|ready| ready["status"] == "True") {
        return None;
    }
    let problem = |reason: String, message: String| PodProblem {
        pod: name.to_owned(),
        help: help(&reason),
        reason,
        message,
    };
    if let Some(scheduled) = condition("PodScheduled")
        && scheduled["status"] == "False"
    {
        return Some(problem(text(scheduled, "reason"), text(scheduled, "message")));
    }
    let statuses = ["/status/initContainerStatuses", "/status/containerStatuses"];
    let containers = statuses
        .iter()
        .filter_map(|pointer| pod.pointer(pointer).and_then(Value::as_array))
        .flatten();
    for container in containers {
        let killed = container.pointer("/lastState/terminated");
        let ended = container.pointer("/state/terminated").or(killed);
        if let Some(ended) = ended.filter(|ended| ended["reason"] == "OOMKilled") {
            return Some(problem(text(ended, "reason"), text(ended, "message")));
        }
        if let Some(waiting) = container.pointer("/state/waiting") {
            let reason = text(waiting, "reason");
            if !matches!(reason.as_str(), "" | "ContainerCreating" | "PodInitializing") {
                let mut message = text(waiting, "message");
                if let Some(code) = killed.and_then(|killed| killed["exitCode"].as_i64()) {
                    message = format!("{message}, last exit code {code}");
                }
                return Some(problem(reason, message));
            }
        }
        if let Some(ended) = container.pointer("/state/terminated")
            && ended["exitCode"] != 0
        {
            return Some(problem(text(ended, "reason"), text(ended, "message")));
        }
    }
    // The node's reason for the pod as a whole, such as Evicted.
    let of_pod = |field: &str| pod.pointer("/status").map(|status| text(status, field));
    if of_pod("phase").as_deref() == Some("Failed")
        && let Some(reason) = of_pod("reason").filter(|reason| !reason.is_empty())
    {
        return Some(problem(reason, of_pod("message").unwrap_or_default()));
    }
    let latest = events
        .iter()
        .filter(|event| {
            event.pointer("/involvedObject/name").and_then(Value::as_str) == Some(name)
                && event["type"] == "Warning"
        })
        .max_by_key(|event| last_seen(event))?;
    Some(problem(text(latest, "reason"), text(latest, "message")))
}

/// The time at which an event was last seen. Newer reporters, such as the scheduler, fill `eventTime` and `series` in
/// place of `lastTimestamp`.
///
/// Source: Kubernetes' reference of `Event` v1 core.
fn last_seen(event: &Value) -> String {
    let times = ["/series/lastObservedTime", "/lastTimestamp", "/eventTime", "/firstTimestamp"];
    let time = times.iter().find_map(|pointer| event.pointer(pointer)?.as_str());
    // With and without fractions of a second these texts sort as the times do, without the zone.
    time.unwrap_or_default().trim_end_matches('Z').to_owned()
}

fn help(reason: &str) -> &'static str {
    match reason {
        "ErrImagePull" | "ImagePullBackOff" | "InvalidImageName" | "ErrImageNeverPull" => {
            "check the image's name and tag, and that the nodes may pull it"
        }
        "Unschedulable" | "FailedScheduling" => {
            "request less CPU and memory, or add a node that has them"
        }
        "OOMKilled" | "OOMKilling" => "request more memory; the model does not fit",
        "Evicted" => "its node ran out of memory or disk; request what the model needs",
        "CrashLoopBackOff" | "Error" | "BackOff" | "StartError" | "RunContainerError" => {
            "read the container's log with kubectl logs --previous; often MODEL_PATH is wrong or cannot be read"
        }
        "CreateContainerConfigError" => "apply the ConfigMap that the container names",
        "Unhealthy" => {
            "the readiness probe fails; the model is still loading, or listens on another port"
        }
        "FailedMount" | "FailedAttachVolume" => "check the volumes that the pod names",
        _ => "",
    }
}

/// Waits until every pod of a `Deployment` is ready, and reports each change of its state.
///
/// # Errors
/// [`Error::NotReady`] with the reasons of the pods when it is not ready in time, [`Error::NotFound`] when there is
/// no such deployment.
pub async fn wait_ready(
    cluster: &impl Cluster,
    namespace: &str,
    deployment: &str,
    timeout: std::time::Duration,
    mut progress: impl FnMut(&Readiness) + Send,
) -> Result<Readiness> {
    const INTERVAL: std::time::Duration = std::time::Duration::from_millis(500);
    let started = std::time::Instant::now();
    let mut reported = None;
    loop {
        let state = match readiness(cluster, namespace, deployment).await {
            Err(error) if error.is_retryable() && started.elapsed() < timeout => {
                tokio::time::sleep(INTERVAL).await;
                continue;
            }
            other => other?,
        };
        if reported.as_ref() != Some(&state) {
            progress(&state);
        }
        if state.is_ready() {
            return Ok(state);
        }
        if started.elapsed() >= timeout {
            return Err(Error::NotReady {
                action: format!("wait for Deployment {namespace}/{deployment}"),
                reason: format!("not ready after {} s: {state}", timeout.as_secs()),
            });
        }
        reported = Some(state);
        tokio::time::sleep(INTERVAL.min(timeout.saturating_sub(started.elapsed()))).await;
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn pod(status: &Value) -> Value {
        json!({"metadata": {"name": "p"}, "status": status})
    }

    fn reason(status: &Value, events: &[Value]) -> Option<String> {
        problem(&pod(status), events).map(|problem| problem.reason)
    }

    #[test]
    fn the_reason_is_the_one_that_kubernetes_gives() {
        let ready = json!({"conditions": [{"type": "Ready", "status": "True"}]});
        assert_eq!(reason(&ready, &[]), None);
        let unschedulable = json!({"conditions": [
            {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "3 Insufficient cpu"},
        ]});
        let found = problem(&pod(&unschedulable), &[]).unwrap();
        assert_eq!(found.reason, "Unschedulable");
        assert!(
            found.to_string().contains("3 Insufficient cpu")
                && found.to_string().contains("add a node")
        );
        let image =
            json!({"containerStatuses": [{"state": {"waiting": {"reason": "ImagePullBackOff"}}}]});
        assert_eq!(reason(&image, &[]).as_deref(), Some("ImagePullBackOff"));
        let memory = json!({"containerStatuses": [{
            "state": {"waiting": {"reason": "CrashLoopBackOff"}},
            "lastState": {"terminated": {"reason": "OOMKilled", "exitCode": 137}},
        }]});
        assert_eq!(reason(&memory, &[]).as_deref(), Some("OOMKilled"));
        let creating =
            json!({"containerStatuses": [{"state": {"waiting": {"reason": "ContainerCreating"}}}]});
        assert_eq!(reason(&creating, &[]), None);
    }

    /// Each way in which a pod is kept from being ready: by its status, or by an event alone.
    #[test]
    fn every_reason_has_its_help() {
        let container = |state: Value| json!({"containerStatuses": [{"state": state}]});
        let waiting = |reason: &str| container(json!({"waiting": {"reason": reason}}));
        let running = container(json!({"running": {}}));
        let pending = json!({"phase": "Pending"});
        let event = |reason: &str| {
            vec![json!({"type": "Warning", "reason": reason, "message": "m",
                "eventTime": "2026-01-01T00:00:00.000001Z", "lastTimestamp": null,
                "involvedObject": {"name": "p"}})]
        };
        for (status, events, reason, help) in [
            (waiting("ErrImagePull"), vec![], "ErrImagePull", "image's name"),
            (waiting("CrashLoopBackOff"), vec![], "CrashLoopBackOff", "kubectl logs"),
            (
                waiting("CreateContainerConfigError"),
                vec![],
                "CreateContainerConfigError",
                "ConfigMap",
            ),
            (
                container(json!({"terminated": {"reason": "OOMKilled", "exitCode": 137}})),
                vec![],
                "OOMKilled",
                "more memory",
            ),
            (
                container(json!({"terminated": {"reason": "Error", "exitCode": 1}})),
                vec![],
                "Error",
                "kubectl logs",
            ),
            (
                json!({"phase": "Failed", "reason": "Evicted", "message": "low on memory"}),
                vec![],
                "Evicted",
                "its node",
            ),
            (pending.clone(), event("FailedScheduling"), "FailedScheduling", "add a node"),
            (pending.clone(), event("FailedMount"), "FailedMount", "volumes"),
            (running.clone(), event("OOMKilling"), "OOMKilling", "more memory"),
            (running.clone(), event("Unhealthy"), "Unhealthy", "probe"),
            (running, event("BackOff"), "BackOff", "kubectl logs"),
        ] {
            let found = problem(&pod(&status), &events).unwrap();
            assert_eq!(found.reason, reason, "{status}");
            assert!(found.help.contains(help), "{found}");
        }
        assert_eq!(problem(&pod(&pending), &[]), None, "on its way without a hitch");
    }

    #[test]
    fn the_latest_event_is_reported_whichever_way_it_is_dated() {
        let event = |reason: &str, dates: Value| {
            let mut event = json!({"type": "Warning", "reason": reason, "message": "m",
                "involvedObject": {"name": "p"}});
            event.as_object_mut().unwrap().extend(dates.as_object().unwrap().clone());
            event
        };
        let events = [
            event("FailedMount", json!({"lastTimestamp": "2026-01-01T00:00:05Z"})),
            event(
                "FailedScheduling",
                json!({"eventTime": "2026-01-01T00:00:01.000000Z",
                "series": {"count": 3, "lastObservedTime": "2026-01-01T00:00:09.500000Z"}}),
            ),
            event("Unhealthy", json!({"lastTimestamp": "2026-01-01T00:00:09Z"})),
        ];
        let pending = json!({"phase": "Pending"});
        assert_eq!(reason(&pending, &events).as_deref(), Some("FailedScheduling"));
    }

    #[test]
    fn a_failing_probe_is_known_from_the_latest_event() {
        let running = json!({"containerStatuses": [{"state": {"running": {}}}]});
        let event = |reason: &str, at: &str, pod: &str| {
            json!({
                "type": "Warning", "reason": reason, "message": "m", "lastTimestamp": at,
                "involvedObject": {"name": pod},
            })
        };
        let events = [
            event("FailedMount", "2026-01-01T00:00:00Z", "p"),
            event("Unhealthy", "2026-01-01T00:01:00Z", "p"),
            event("BackOff", "2026-01-01T00:02:00Z", "other"),
        ];
        assert_eq!(reason(&running, &events).as_deref(), Some("Unhealthy"));
    }
}
