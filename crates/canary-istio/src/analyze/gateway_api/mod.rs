//! Objects of the Gateway API: what a controller reports later as status, and what nobody reports.

mod attachment;
mod backends;
mod certificates;
mod grants;
mod objects;
mod order;
mod route;

use super::{index::Index, report::Report};
use crate::validate::{Options, Validate};
use objects::Objects;

pub(super) fn analyze(index: &Index<'_>, report: &mut Report) {
    let options = Options::default().channel(index.inventory.channel);
    for object in index.gateway_api() {
        for finding in object.validate_with(&options) {
            report.push(finding);
        }
    }
    let objects = Objects::new(index);
    for gateway in &objects.gateways {
        certificates::analyze(gateway, &objects, index, report);
    }
    for route in &objects.routes {
        if index.is_stopped() {
            return;
        }
        attachment::analyze(route, &objects, index, report);
        backends::analyze(route, &objects, index, report);
    }
    order::analyze(&objects, index, report);
}
