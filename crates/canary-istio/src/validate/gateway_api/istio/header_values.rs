//! Values that filters give to headers.

use crate::{
    gateway_api::{HeaderModifier, RouteFilter},
    path::Path,
    validate::{header::check_format, sink::Sink},
};

pub(super) fn check(filter: &RouteFilter, path: &Path<'_>, sink: &mut Sink<'_>) {
    let modifier: &HeaderModifier = match filter {
        RouteFilter::RequestHeaderModifier(modifier)
        | RouteFilter::ResponseHeaderModifier(modifier) => modifier,
        _ => return,
    };
    let path = path.field(filter.field());
    for (field, list) in [("set", &modifier.set), ("add", &modifier.add)] {
        let path = path.field(field);
        for (index, header) in list.iter().flatten().enumerate() {
            let Err(reason) = check_format(&header.value) else { continue };
            let place = path.index(index);
            sink.warning(
                "C037",
                &place.field("value"),
                format!(
                    "{reason}: Istio drops the route, or Envoy refuses every route of the port"
                ),
            )
            .found(&header.value)
            .help("write a per cent sign as `%%`, and leave out control characters");
        }
    }
}
