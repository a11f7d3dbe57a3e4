//! From pods and workloads to a presence.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{
    super::{
        Cluster,
        readiness::{problem, replica_failure},
    },
    lists::Lists,
    objects::{
        condition, is_live, is_observed, is_ready, is_terminating, labels, name, phase,
        ready_replicas, template_labels, template_of, title, wanted,
    },
    selection::Selection,
    state::Presence,
    words::{self, few},
};
use crate::Result;

/// Judges whether pods of the selection can serve.
pub(super) async fn judge<C: Cluster>(
    selection: &Selection,
    lists: &mut Lists<'_, C>,
) -> Result<Presence> {
    let what = &selection.what;
    let Some(pods) = lists.pods(selection).await? else {
        let why = format!("{what}: this API server has no pods, so they cannot be checked");
        return Ok(Presence::Unknown { why });
    };
    let own = || pods.related.iter().filter(|pod| selection.selects(labels(pod)));
    let live: Vec<&Value> = own().filter(|pod| is_live(pod)).collect();
    if !live.is_empty() {
        return of_pods(selection, &live, lists).await;
    }
    let workloads = lists.workloads(selection).await?;
    let mut makers: Vec<Value> = own_of(selection, &workloads);
    if makers.is_empty() {
        makers = own_of(selection, &lists.replica_sets(selection).await?);
    }
    if let Some(presence) = of_workloads(selection, &makers, pods.kept) {
        return Ok(presence);
    }
    let ending: Vec<&str> = own().filter(|pod| is_terminating(pod)).map(name).collect();
    Ok(Presence::hopeless(words::nothing(selection, &pods, &workloads, &ending)))
}

fn own_of(selection: &Selection, workloads: &[Value]) -> Vec<Value> {
    let own = workloads.iter().filter(|one| selection.selects(template_labels(one)));
    own.cloned().collect()
}

/// There are pods: some are ready, or their status has the reason.
async fn of_pods<C: Cluster>(
    selection: &Selection,
    live: &[&Value],
    lists: &Lists<'_, C>,
) -> Result<Presence> {
    let what = &selection.what;
    let ready = live.iter().filter(|pod| is_ready(pod)).count();
    let changing = changing(live);
    if ready > 0 && changing.is_none() {
        return Ok(Presence::Ready { pods: ready });
    }
    let mut problems: Vec<String> = Vec::new();
    let mut events = None;
    for pod in live.iter().filter(|pod| !is_ready(pod)) {
        let mut found = problem(pod, &[]);
        if found.is_none() {
            // Events only make the message more specific; an account that may not read them still gets the status.
            let namespace = Some(selection.service.namespace.as_str());
            if events.is_none() {
                let listed = lists.cluster.list("v1", "Event", namespace).await;
                events = Some(listed.unwrap_or_default());
            }
            found = problem(pod, events.as_deref().unwrap_or_default());
        }
        problems.push(found.map_or_else(|| starting(pod), |found| found.to_string()));
    }
    let mut why = if let Some(changing) = changing {
        format!("{what} is not of one release: {changing}")
    } else {
        let pods = words::pods(live.len());
        format!("{what} has no ready pod; it has {pods} behind {}", selection.service)
    };
    if !problems.is_empty() {
        why = format!("{why}; {}", few(&problems, "; "));
    }
    Ok(Presence::pending(why))
}

fn starting(pod: &Value) -> String {
    match phase(pod) {
        "" => format!("pod {} is not ready yet", name(pod)),
        phase => format!("pod {} is not ready yet (phase {phase})", name(pod)),
    }
}

/// A workload whose pods are of several templates: it is being changed, and what answers is not one release.
fn changing(live: &[&Value]) -> Option<String> {
    let mut templates: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (workload, digest) in live.iter().filter_map(|pod| template_of(pod)) {
        templates.entry(workload).or_default().insert(digest);
    }
    let (workload, digests) = templates.into_iter().find(|(_, digests)| digests.len() > 1)?;
    let each: Vec<String> = digests
        .iter()
        .map(|digest| {
            let of = |pod: &&&Value| template_of(pod) == Some((workload, *digest));
            let all = live.iter().filter(of).count();
            let ready = live.iter().filter(of).filter(|pod| is_ready(pod)).count();
            // A StatefulSet puts its name into the digest.
            let own = digest.strip_prefix(workload).is_some_and(|rest| rest.starts_with('-'));
            let name = if own { (*digest).to_owned() } else { format!("{workload}-{digest}") };
            format!("{name} with {ready} of {all} ready")
        })
        .collect();
    Some(format!(
        "{workload} is being changed and has pods of {} templates, {}; wait until that is finished",
        digests.len(),
        each.join(" and ")
    ))
}

/// There is no pod: the reason from the workloads that create them. `None` when there is no such workload.
fn of_workloads(selection: &Selection, makers: &[Value], pods_kept: bool) -> Option<Presence> {
    let what = &selection.what;
    if makers.is_empty() {
        return None;
    }
    if !pods_kept {
        let ready = makers.iter().map(ready_replicas).fold(0, usize::saturating_add);
        if ready > 0 {
            return Some(Presence::Ready { pods: ready });
        }
    }
    let wanting: Vec<&Value> = makers.iter().filter(|one| wanted(one) > 0).collect();
    if wanting.is_empty() {
        let names: Vec<String> = makers.iter().map(title).collect();
        let first = &makers[0];
        let (kind, namespace) =
            (first["kind"].as_str().unwrap_or_default(), &selection.service.namespace);
        return Some(Presence::hopeless(format!(
            "{what} has no pod: {} is scaled to 0 replicas; scale it up with kubectl -n {namespace} scale {} {} \
             --replicas=1",
            few(&names, ", "),
            kind.to_lowercase(),
            name(first)
        )));
    }
    let reasons: Vec<String> = wanting.iter().map(|one| reason(one)).collect();
    let why = format!("{what} has no ready pod: {}", few(&reasons, "; "));
    // Its controller has given up waiting.
    let stuck = |one: &&Value| {
        is_observed(one)
            && condition(one, "Progressing").is_some_and(|progress| progress["status"] == "False")
    };
    Some(Presence::Missing { why, hopeless: wanting.iter().all(stuck) })
}

/// The reason why a workload has no pods.
fn reason(workload: &Value) -> String {
    let title = title(workload);
    if !is_observed(workload) {
        return format!(
            "{title} is new or was changed, and its controller has not processed the change yet"
        );
    }
    if let Some(problem) = replica_failure(workload, name(workload)) {
        return format!("{title}: {problem}");
    }
    let message = ["Progressing", "Available"].iter().find_map(|kind| {
        let message = condition(workload, kind).filter(|one| one["status"] == "False")?;
        message["message"].as_str().filter(|message| !message.is_empty())
    });
    let head = format!("{title} has no ready pod of {}", wanted(workload));
    message.map_or_else(|| head.clone(), |message| format!("{head}: {message}"))
}
