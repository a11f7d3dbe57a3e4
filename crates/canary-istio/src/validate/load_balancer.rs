//! The choice of endpoints.

use std::collections::HashSet;

use super::{duration, locality, sink::Sink};
use crate::networking::{
    ConsistentHashLb, HashAlgorithm, HashKey, HttpCookie, LbPolicy, LoadBalancerSettings,
    OutlierDetection, WarmupConfiguration,
};
use crate::path::Path;

/// Checks the settings; `outlier` is the outlier detection beside them.
pub(super) fn check(
    settings: Option<&LoadBalancerSettings>,
    outlier: Option<&OutlierDetection>,
    path: &Path<'_>,
    sink: &mut Sink<'_>,
) {
    let Some(settings) = settings else { return };
    if let Some(LbPolicy::ConsistentHash(hash)) = &settings.lb_policy {
        check_hash(hash, &path.field("consistentHash"), sink);
    }
    if settings.locality_lb_setting.is_some() && settings.zone_aware_lb_setting.is_some() {
        sink.error("V090", path, "localityLbSetting and zoneAwareLbSetting cannot be combined")
            .help("keep one of them");
    }
    if let Some(setting) = &settings.locality_lb_setting {
        locality::check(setting, outlier, &path.field("localityLbSetting"), sink);
    }
    if let Some(setting) = &settings.zone_aware_lb_setting {
        locality::check_zone_aware(setting, outlier, &path.field("zoneAwareLbSetting"), sink);
    }
    duration::check_schema(
        settings.warmup_duration_secs.as_ref(),
        &path.field("warmupDurationSecs"),
        sink,
    );
    if let Some(warmup) = &settings.warmup {
        check_warmup(warmup, &path.field("warmup"), sink);
    }
}

fn check_hash(hash: &ConsistentHashLb, path: &Path<'_>, sink: &mut Sink<'_>) {
    if let Some(HashKey::HttpCookie(cookie)) = &hash.hash_key {
        check_cookie(cookie, &path.field("httpCookie"), sink);
    }
    if hash.minimum_ring_size.unwrap_or(0) != 0 {
        let place = path.field("minimumRingSize");
        sink.warning("V090", &place, "minimumRingSize is deprecated")
            .help("use `ringHash: {minimumRingSize: …}`");
        if hash.hash_algorithm.is_some() {
            sink.error(
                "V090",
                &place,
                "minimumRingSize cannot be combined with ringHash or maglev",
            )
            .help("remove it");
        }
    }
    if let Some(HashAlgorithm::Maglev(maglev)) = &hash.hash_algorithm {
        let size = maglev.table_size.unwrap_or(0);
        let at = path.field("maglev");
        let place = at.field("tableSize");
        if size == 0 {
            sink.error("V090", &place, "maglev needs a tableSize").help("65537 is Envoy's default");
        } else if size >= 5_000_011 {
            sink.error("V090", &place, "tableSize must be below 5000011").found(size);
        } else if !is_prime(size) {
            sink.error("V090", &place, "tableSize must be a prime number")
                .found(size)
                .help("65537 is Envoy's default");
        }
    }
}

fn check_cookie(cookie: &HttpCookie, path: &Path<'_>, sink: &mut Sink<'_>) {
    if cookie.name.is_empty() {
        sink.error("V090", &path.field("name"), "a cookie needs a name");
    }
    let list = path.field("attributes");
    let mut names = HashSet::new();
    for (index, attribute) in cookie.attributes.iter().flatten().enumerate() {
        let at = list.index(index);
        let place = at.field("name");
        if attribute.name.is_empty() {
            sink.error("V090", &place, "an attribute of a cookie needs a name");
        } else if !names.insert(attribute.name.as_str()) {
            sink.error("V090", &place, "the attribute is given twice").found(&attribute.name);
        }
    }
}

fn check_warmup(warmup: &WarmupConfiguration, path: &Path<'_>, sink: &mut Sink<'_>) {
    duration::check(Some(&warmup.duration), &path.field("duration"), sink);
    if let Some(percent) = warmup.minimum_percent {
        let place = path.field("minimumPercent");
        if percent.get() > 100.0 {
            sink.error("V090", &place, "minimumPercent must be 100 or less").found(percent);
        } else if percent.get() < 0.0 {
            sink.error("S003", &place, "minimumPercent must be 0 or more").found(percent);
        }
    }
    if let Some(aggression) = warmup.aggression
        && aggression.get() <= 0.0
    {
        sink.error("V090", &path.field("aggression"), "aggression must be above 0")
            .found(aggression);
    }
}

/// Returns true when `number` is a prime number; 1 counts as one, as it does for Envoy.
fn is_prime(number: u64) -> bool {
    match number {
        0 => false,
        1..=3 => true,
        _ if number.is_multiple_of(2) => false,
        _ => (3..)
            .step_by(2)
            .take_while(|factor| factor * factor <= number)
            .all(|factor| !number.is_multiple_of(factor)),
    }
}

#[cfg(test)]
mod tests {
    use super::is_prime;

    #[test]
    fn prime_numbers() {
        for prime in [1, 2, 3, 5, 7, 65_537, 5_000_011 - 12] {
            let by_division = (2..prime).all(|factor| prime % factor != 0);
            assert_eq!(is_prime(prime), by_division, "{prime}");
        }
        for other in [0, 4, 9, 15, 25, 65_535, 49] {
            assert!(!is_prime(other), "{other}");
        }
    }
}
