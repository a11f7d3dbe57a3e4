//! The room that a namespace's quota leaves for a workload.

use serde_json::Value;

use canary_serving::{Workload, quantity};

/// The reason why a `ResourceQuota` would keep the pods of a workload from being created.
pub(crate) fn quota_problem(quota: &Value, workload: &Workload) -> Option<String> {
    let name = quota.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default();
    let (gpus, gpu) = (workload.gpus.to_string(), format!("requests.{}", workload.gpu_resource));
    let mut wanted = vec![
        ("requests.cpu", workload.cpu.as_str()),
        ("cpu", workload.cpu.as_str()),
        ("requests.memory", workload.memory.as_str()),
        ("memory", workload.memory.as_str()),
        (gpu.as_str(), gpus.as_str()),
        ("pods", "1"),
    ];
    let limits = [("limits.cpu", &workload.cpu_limit), ("limits.memory", &workload.memory_limit)];
    wanted.extend(limits.iter().filter_map(|(name, limit)| Some((*name, limit.as_deref()?))));
    let amount = |part: &str, resource: &str| {
        let value = quota.get("status")?.get(part)?.get(resource)?;
        Some((value.as_str()?.to_owned(), quantity::parse(value.as_str()?)?))
    };
    wanted.iter().find_map(|(resource, each)| {
        let (hard_text, hard) = amount("hard", resource)?;
        let (used_text, used) = amount("used", resource)?;
        let more = quantity::parse(each)? * f64::from(workload.replicas.max(0));
        (used + more > hard).then(|| {
            format!(
                "ResourceQuota {name}: {resource} has {used_text} of {hard_text} in use, {} × {each} more are required",
                workload.replicas
            )
        })
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_first_resource_without_room_is_named() {
        let workload = Workload::new("a", "b").requests("3", "4Gi");
        let quota = |cpu: &str, memory: &str| {
            json!({
                "metadata": {"name": "team"},
                "status": {
                    "hard": {"requests.cpu": "4", "requests.memory": "8Gi"},
                    "used": {"requests.cpu": cpu, "requests.memory": memory},
                },
            })
        };
        assert_eq!(quota_problem(&quota("1", "4Gi"), &workload), None);
        let cpu = quota_problem(&quota("1500m", "0"), &workload).unwrap();
        assert!(cpu.contains("requests.cpu has 1500m of 4"), "{cpu}");
        let memory = quota_problem(&quota("0", "5Gi"), &workload).unwrap();
        assert!(memory.contains("requests.memory has 5Gi of 8Gi"), "{memory}");
        assert_eq!(quota_problem(&json!({}), &workload), None);
        let devices = json!({
            "metadata": {"name": "team"},
            "status": {
                "hard": {"requests.nvidia.com/gpu": "4", "limits.memory": "20Gi"},
                "used": {"requests.nvidia.com/gpu": "3", "limits.memory": "0"},
            },
        });
        let one = workload.clone().gpus(1).memory_limit("8Gi");
        assert_eq!(quota_problem(&devices, &one), None);
        let gpus = quota_problem(&devices, &one.clone().replicas(2)).unwrap();
        assert!(gpus.contains("requests.nvidia.com/gpu has 3 of 4 in use, 2 × 1 more"), "{gpus}");
        let limit = quota_problem(&devices, &one.memory_limit("21Gi")).unwrap();
        assert!(limit.contains("limits.memory has 0 of 20Gi"), "{limit}");
    }
}
