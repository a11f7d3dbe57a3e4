//! Addresses of a `Gateway`.

use super::{forms, limits};
use crate::{
    gateway_api::GatewayAddress,
    path::Path,
    validate::{address::is_ip, sink::Sink},
};

pub(super) fn check(addresses: Option<&Vec<GatewayAddress>>, path: &Path<'_>, sink: &mut Sink<'_>) {
    let list = addresses.map(Vec::as_slice).unwrap_or_default();
    limits::entries(list.len(), 0..=16, path, sink);
    for (index, address) in list.iter().enumerate() {
        let place = path.index(index);
        let of = address.type_or_default();
        forms::text(of, &forms::ADDRESS_TYPE, &place.field("type"), sink);
        let Some(value) = &address.value else { continue };
        limits::characters(value, 0..=253, &place.field("value"), sink);
        // A zone is not part of an address here.
        if of == "IPAddress" && (!is_ip(value) || value.contains('%')) {
            sink.error("G133", &place.field("value"), "the value is not an IP address")
                .found(value)
                .help("write an IPv4 or IPv6 address, or type Hostname");
        }
        if of == "Hostname" && !forms::HOSTNAME.fits(value) {
            sink.error("G133", &place.field("value"), "the value is not a lower-case host name")
                .found(value)
                .help("correct the host name, or leave the value out");
        }
        let repeated =
            |other: &GatewayAddress| other.type_or_default() == of && other.value == address.value;
        if matches!(of, "IPAddress" | "Hostname") && list[..index].iter().any(repeated) {
            sink.error("G132", &place, format!("the address {value} stands in the list already"))
                .found(value)
                .help("remove one of them");
        }
    }
}
