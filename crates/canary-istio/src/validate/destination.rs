//! Destinations and their weights.

use super::{duration::check_port, sink::Sink};
use crate::names::{check_wildcard_domain, is_label};
use crate::networking::Destination;
use crate::path::Path;

/// Checks one destination.
pub(super) fn check(destination: &Destination, path: &Path<'_>, sink: &mut Sink<'_>) {
    if *destination == Destination::default() {
        sink.error("V076", path, "a destination is required").help("name the service in `host`");
        return;
    }
    let host = destination.host.as_str();
    let place = path.field("host");
    if host == "*" {
        sink.error("V077", &place, "`*` is not a destination").found(host).help("name the service");
    } else if let Err(reason) = check_wildcard_domain(host) {
        sink.error("V077", &place, format!("not a host name: {reason}")).found(host);
    } else if host.starts_with('*') {
        sink.warning(
            "C007",
            &place,
            "Istio admits a wildcard here, but no service has such a name",
        )
        .found(host)
        .help("name one service");
    }
    if let Some(subset) = destination.subset.as_deref()
        && !subset.is_empty()
        && !is_label(subset)
    {
        sink.error("V077", &path.field("subset"), "the name of a subset must be a DNS label")
            .found(subset);
    }
    if let Some(port) = &destination.port {
        let port_path = path.field("port");
        check_port(port.number.unwrap_or(0), &port_path.field("number"), sink);
    }
}

/// Checks the weights of a list of destinations.
pub(super) fn check_weights<'w>(
    weights: &(impl ExactSizeIterator<Item = Option<i32>> + Clone + 'w),
    path: &Path<'_>,
    sink: &mut Sink<'_>,
) {
    let old = sink.options.weights_must_sum_to_100();
    let count = weights.len();
    // Istio adds up in 32 bits and lets the sum wrap.
    let mut wrapped = 0_i32;
    let mut total = 0_i64;
    for (index, weight) in weights.clone().enumerate() {
        let weight = weight.unwrap_or(0);
        wrapped = wrapped.wrapping_add(weight);
        total += i64::from(weight.max(0));
        let place = path.index(index);
        if weight < 0 {
            sink.error(
                "V073",
                &place.field("weight"),
                format!("weight is {weight}, must be 0 or more"),
            )
            .found(weight);
        } else if old && weight > 100 {
            sink.error(
                "V073",
                &place.field("weight"),
                format!("weight is {weight}, must be 100 or less before Istio 1.15"),
            )
            .found(weight);
        }
    }
    if count == 1 {
        if let Some(weight) = weights.clone().next().flatten()
            && (0..100).contains(&weight)
        {
            let place = path.index(0);
            sink.warning(
                "C020",
                &place.field("weight"),
                format!("weight is {weight}, but the only destination gets all of the traffic"),
            )
            .found(weight)
            .help("add the destination that gets the rest, or leave the weight out");
        }
        return;
    }
    if count < 2 {
        return;
    }
    if old {
        if wrapped != 100 {
            sink.error(
                "V074",
                path,
                format!("weights sum to {wrapped}, must be 100 before Istio 1.15"),
            )
            .found(wrapped)
            .help("change the weights so that they sum to 100");
        }
        return;
    }
    if wrapped == 0 {
        let message = if total == 0 {
            "total destination weight is 0, at least one destination needs a weight above 0"
                .to_owned()
        } else {
            format!(
                "weights sum to {total}, which wraps to 0 in the 32 bits that Istio counts with"
            )
        };
        sink.error("V074", path, message).found(total).help("give weights that sum to 100");
    } else if total > i64::from(u32::MAX) {
        sink.warning(
            "C008",
            path,
            format!("weights sum to {total}, Envoy refuses more than 4294967295"),
        )
        .found(total)
        .help("give weights that sum to 100");
    } else if total != 100 && weights.clone().all(|weight| weight.unwrap_or(0) >= 0) {
        sink.info(
            "C019",
            path,
            format!("weights sum to {total}, not to 100; each is a share of {total}"),
        )
        .found(total);
    }
}
