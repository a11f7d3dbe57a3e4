//! IP addresses and subnets as Go's `net/netip` reads them.

use std::net::{Ipv4Addr, Ipv6Addr};

/// Returns true when `text` is an IPv4 or IPv6 address; an IPv6 address may name a zone after `%`.
pub(crate) fn is_ip(text: &str) -> bool {
    if !text.contains(':') {
        return text.parse::<Ipv4Addr>().is_ok();
    }
    let (address, zone) =
        text.split_once('%').map_or((text, None), |(address, zone)| (address, Some(zone)));
    zone != Some("") && address.parse::<Ipv6Addr>().is_ok()
}

/// Returns true when `text` is a subnet such as `10.0.0.0/8`.
pub(crate) fn is_cidr(text: &str) -> bool {
    let Some((address, bits)) = text.rsplit_once('/') else {
        return false;
    };
    let plain = !bits.is_empty() && bits.bytes().all(|byte| byte.is_ascii_digit());
    if !plain || (bits.len() > 1 && bits.starts_with('0')) || address.contains('%') {
        return false;
    }
    let most = if address.contains(':') { 128 } else { 32 };
    is_ip(address) && bits.parse::<u16>().is_ok_and(|bits| bits <= most)
}

/// Checks a subnet or a single address.
///
/// # Errors
/// The form that was expected.
pub(crate) fn check_subnet(text: &str) -> Result<(), &'static str> {
    if text.bytes().filter(|byte| *byte == b'/').count() == 1 {
        if is_cidr(text) { Ok(()) } else { Err("must be a CIDR block such as `10.0.0.0/8`") }
    } else if is_ip(text) {
        Ok(())
    } else {
        Err("must be an IP address or a CIDR block")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        for text in ["10.0.0.1", "::1", "::", "fe80::1%eth0", "::ffff:1.2.3.4", "1:2:3:4:5:6:7::"] {
            assert!(is_ip(text), "{text}");
        }
        for text in [
            "",
            "10.0.0",
            "010.0.0.1",
            "10.0.0.256",
            "10.0.0.1%eth0",
            "::1%",
            "1:2:3:4:5:6:7:8::",
            "a",
            "[::1]",
        ] {
            assert!(!is_ip(text), "{text}");
        }
    }

    #[test]
    fn subnets() {
        for text in ["10.0.0.0/8", "10.0.0.1/0", "2001:1::1/64", "::/128", "10.0.0.1", "::1"] {
            assert_eq!(check_subnet(text), Ok(()), "{text}");
        }
        for text in [
            "",
            "10.0.0.0/33",
            "10.0.0.0/",
            "10.0.0.0/08",
            "10.0.0.0/+8",
            "::/129",
            "fe80::1%a/64",
            "a/8",
            "1/2/3",
            "/8",
        ] {
            assert!(check_subnet(text).is_err(), "{text}");
        }
    }
}
