//! Preferring near endpoints.

use std::collections::{HashMap, HashSet};

use super::sink::Sink;
use crate::networking::{
    LocalityLoadBalancerSetting, OutlierDetection, ZoneAwareLoadBalancerSetting,
};
use crate::path::Path;

/// The labels with the locality of a node.
const TOPOLOGY: &[&str] =
    &["topology.kubernetes.io/region", "topology.kubernetes.io/zone", "topology.istio.io/subzone"];

/// Checks `localityLbSetting`.
pub(super) fn check(
    setting: &LocalityLoadBalancerSetting,
    outlier: Option<&OutlierDetection>,
    path: &Path<'_>,
    sink: &mut Sink<'_>,
) {
    let distribute = setting.distribute.as_deref().unwrap_or_default();
    let failover = setting.failover.as_deref().unwrap_or_default();
    let priority = setting.failover_priority.as_deref().unwrap_or_default();
    if !distribute.is_empty() && !failover.is_empty() {
        sink.error("V091", path, "distribute and failover cannot be combined")
            .help("keep one of them");
        return;
    }
    if !failover.is_empty()
        && let Some(index) = priority.iter().position(|label| TOPOLOGY.contains(&label.as_str()))
    {
        let list = path.field("failoverPriority");
        sink.error(
            "V091",
            &list.index(index),
            "beside failover, failoverPriority cannot name a topology label",
        )
        .found(&priority[index]);
        return;
    }
    let list = path.field("distribute");
    for (index, entry) in distribute.iter().enumerate() {
        let place = list.index(index);
        let to = place.field("to");
        let mut total = 0_u32;
        for (locality, weight) in entry.to.iter().flatten() {
            if !(1..=100).contains(weight) {
                sink.error("V091", &to.key(locality), "the weight of a locality must be in 1..100")
                    .found(weight);
                return;
            }
            total = total.saturating_add(*weight);
        }
        if total != 100 {
            sink.error(
                "V091",
                &to,
                format!("the weights of localities sum to {total}, must be 100"),
            )
            .found(total);
            return;
        }
        let localities = entry.to.iter().flat_map(|map| map.keys()).map(String::as_str);
        check_localities(localities, &to, sink);
    }
    check_localities(
        distribute.iter().map(|entry| entry.from.as_deref().unwrap_or_default()),
        &list,
        sink,
    );
    warn_without_outlier(!failover.is_empty() || !priority.is_empty(), outlier, path, sink);
    let list = path.field("failover");
    for (index, entry) in failover.iter().enumerate() {
        check_failover(
            entry.from.as_deref(),
            entry.to.as_deref(),
            "V091",
            &list.index(index),
            sink,
        );
    }
}

/// Checks `zoneAwareLbSetting`.
pub(super) fn check_zone_aware(
    setting: &ZoneAwareLoadBalancerSetting,
    outlier: Option<&OutlierDetection>,
    path: &Path<'_>,
    sink: &mut Sink<'_>,
) {
    let failover = setting.failover.as_deref().unwrap_or_default();
    let priority = setting.failover_priority.as_deref().unwrap_or_default();
    let list = path.field("failoverPriority");
    for (index, label) in priority.iter().enumerate() {
        if TOPOLOGY.contains(&label.as_str()) {
            sink.error("V092", &list.index(index), "zone-aware balancing orders regions and zones itself, no topology label can be named").found(label);
        }
    }
    warn_without_outlier(!failover.is_empty() || !priority.is_empty(), outlier, path, sink);
    let list = path.field("failover");
    for (index, entry) in failover.iter().enumerate() {
        check_failover(
            entry.from.as_deref(),
            entry.to.as_deref(),
            "V092",
            &list.index(index),
            sink,
        );
    }
    // The API server's schema bounds it to 32 bits; the field has 64.
    let allowed = 1..=u64::from(u32::MAX);
    if let Some(size) = setting.min_cluster_size.filter(|size| !allowed.contains(size)) {
        let message = "minClusterSize must be between 1 and 4294967295";
        sink.error("S005", &path.field("minClusterSize"), message).found(size);
    }
}

fn warn_without_outlier(
    fails_over: bool,
    outlier: Option<&OutlierDetection>,
    path: &Path<'_>,
    sink: &mut Sink<'_>,
) {
    if fails_over && outlier.is_none() {
        sink.warning(
            "V091",
            path,
            "without outlier detection no endpoint is found bad, and nothing fails over",
        )
        .help("set `outlierDetection` beside `loadBalancer`");
    }
}

fn check_failover(
    from: Option<&str>,
    to: Option<&str>,
    code: &'static str,
    path: &Path<'_>,
    sink: &mut Sink<'_>,
) {
    let (from, to) = (from.unwrap_or_default(), to.unwrap_or_default());
    if from == to {
        sink.error(code, path, "a region cannot fail over to itself").found(from);
    }
    for (field, region) in [("from", from), ("to", to)] {
        if region.contains('/') {
            sink.error(code, &path.field(field), "failover is between regions, without zones")
                .found(region);
        }
        if region.contains('*') {
            sink.error(code, &path.field(field), "a region of failover has no wildcard")
                .found(region);
        }
    }
}

/// Zones of a region; `None` when the whole region is named. Subzones of a zone likewise.
type Zones<'l> = Option<HashMap<&'l str, Option<HashSet<&'l str>>>>;

/// Checks localities, `region[/zone[/subzone]]`, which may not overlap; only the first fault is reported.
fn check_localities<'l>(
    localities: impl Iterator<Item = &'l str>,
    path: &Path<'_>,
    sink: &mut Sink<'_>,
) {
    let mut regions: HashMap<&str, Zones<'_>> = HashMap::new();
    for locality in localities {
        if let Err(reason) = add_locality(&mut regions, locality) {
            sink.error("V091", path, reason).found(locality);
            return;
        }
    }
}

fn add_locality<'l>(
    regions: &mut HashMap<&'l str, Zones<'l>>,
    locality: &'l str,
) -> Result<(), &'static str> {
    const OVERLAP: &str = "the locality overlaps one that is named before";
    let stars = locality.bytes().filter(|byte| *byte == b'*').count();
    if stars > 1 || (stars == 1 && !locality.ends_with('*')) {
        return Err("a locality can have one `*`, at its end");
    }
    if regions.contains_key("*") {
        return Err(OVERLAP);
    }
    let mut parts = locality.splitn(3, '/');
    let region = parts.next().unwrap_or_default();
    let (zone, subzone) = (parts.next(), parts.next());
    if [Some(region), zone, subzone].contains(&Some("")) {
        return Err("the region, zone and subzone of a locality must not be empty");
    }
    let Some(zone) = zone else {
        return if regions.insert(region, None).is_some() { Err(OVERLAP) } else { Ok(()) };
    };
    let zones = regions.entry(region).or_insert_with(|| Some(HashMap::new()));
    let Some(zones) = zones else { return Err(OVERLAP) };
    if zones.contains_key("*") {
        return Err(OVERLAP);
    }
    let Some(subzone) = subzone else {
        return if zones.insert(zone, None).is_some() { Err(OVERLAP) } else { Ok(()) };
    };
    let subzones = zones.entry(zone).or_insert_with(|| Some(HashSet::new()));
    let Some(subzones) = subzones else { return Err(OVERLAP) };
    if subzones.contains("*") || !subzones.insert(subzone) { Err(OVERLAP) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::add_locality;

    fn check(localities: &[&'static str]) -> bool {
        let mut regions = HashMap::new();
        localities.iter().all(|locality| add_locality(&mut regions, locality).is_ok())
    }

    #[test]
    fn localities_overlap_or_not() {
        for good in [
            &["a", "b"][..],
            &["a/b", "a/c"],
            &["a/b/c", "a/b/d"],
            &["a/*"],
            &["*"],
            &["a/b/*"],
            &["a/b*"],
            &["a/b/c/d"],
            &["b", "*"],
        ] {
            assert!(check(good), "{good:?}");
        }
        for bad in [
            &["a", "a"][..],
            &["a", "a/b"],
            &["a/b", "a"],
            &["*", "a"],
            &["a/*", "a/b"],
            &["a/b", "a/b"],
            &["a/b", "a/b/c"],
            &["a/b/*", "a/b/c"],
            &["a/b/c", "a/b/c"],
            &["*a"],
            &["**"],
            &[""],
            &["a/"],
            &["a//b"],
            &["/a"],
        ] {
            assert!(!check(bad), "{bad:?}");
        }
    }
}
