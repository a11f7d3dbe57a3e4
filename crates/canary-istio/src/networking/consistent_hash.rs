//! Choosing an endpoint by a hash of the request.

use serde::{Deserialize, Serialize};

use super::{duration::Duration, number, oneof};

/// A hash of the request, so that like requests reach the same endpoint.
///
/// Istio's [`ConsistentHashLB`](https://istio.io/latest/docs/reference/config/networking/destination-rule/#LoadBalancerSettings-ConsistentHashLB).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "ConsistentHashLbWire", into = "ConsistentHashLbWire")]
pub struct ConsistentHashLb {
    /// The part of a request that is hashed.
    pub hash_key: Option<HashKey>,
    /// The table that hashes are looked up in. Default: a ring.
    pub hash_algorithm: Option<HashAlgorithm>,
    /// The least number of virtual nodes on the ring. Default 1024. Deprecated in favour of
    /// `ring_hash`.
    pub minimum_ring_size: Option<u64>,
}

/// The part of a request that is hashed.
///
/// The oneof `hash_key` of [`ConsistentHashLb`].
#[derive(Clone, Debug, PartialEq)]
pub enum HashKey {
    /// `httpHeaderName`: the header of this name.
    HttpHeaderName(String),
    /// `httpCookie`: a cookie, made by the proxy where it is missing.
    HttpCookie(HttpCookie),
    /// `useSourceIp`: the client's address, when `true`.
    UseSourceIp(bool),
    /// `httpQueryParameterName`: the query parameter of this name.
    HttpQueryParameterName(String),
}

/// The table that hashes are looked up in.
///
/// The oneof `hash_algorithm` of [`ConsistentHashLb`].
#[derive(Clone, Debug, PartialEq)]
pub enum HashAlgorithm {
    /// `ringHash`: a ring: few keys move when endpoints come and go.
    RingHash(RingHash),
    /// `maglev`: a Maglev table: faster, with a little more movement.
    Maglev(MagLev),
}

#[derive(Default, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct ConsistentHashLbWire {
    #[serde(skip_serializing_if = "Option::is_none")]
    http_header_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    http_cookie: Option<HttpCookie>,
    #[serde(skip_serializing_if = "Option::is_none")]
    use_source_ip: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    http_query_parameter_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ring_hash: Option<RingHash>,
    #[serde(skip_serializing_if = "Option::is_none")]
    maglev: Option<MagLev>,
    #[serde(deserialize_with = "number::optional_u64", skip_serializing_if = "Option::is_none")]
    minimum_ring_size: Option<u64>,
}

impl TryFrom<ConsistentHashLbWire> for ConsistentHashLb {
    type Error = String;

    fn try_from(wire: ConsistentHashLbWire) -> Result<Self, String> {
        let hash_key = oneof::at_most_one([
            ("httpHeaderName", wire.http_header_name.map(HashKey::HttpHeaderName)),
            ("httpCookie", wire.http_cookie.map(HashKey::HttpCookie)),
            ("useSourceIp", wire.use_source_ip.map(HashKey::UseSourceIp)),
            (
                "httpQueryParameterName",
                wire.http_query_parameter_name.map(HashKey::HttpQueryParameterName),
            ),
        ])?;
        let hash_algorithm = oneof::at_most_one([
            ("ringHash", wire.ring_hash.map(HashAlgorithm::RingHash)),
            ("maglev", wire.maglev.map(HashAlgorithm::Maglev)),
        ])?;
        Ok(Self { hash_key, hash_algorithm, minimum_ring_size: wire.minimum_ring_size })
    }
}

impl From<ConsistentHashLb> for ConsistentHashLbWire {
    fn from(message: ConsistentHashLb) -> Self {
        let mut wire = Self { minimum_ring_size: message.minimum_ring_size, ..Self::default() };
        match message.hash_key {
            Some(HashKey::HttpHeaderName(value)) => wire.http_header_name = Some(value),
            Some(HashKey::HttpCookie(value)) => wire.http_cookie = Some(value),
            Some(HashKey::UseSourceIp(value)) => wire.use_source_ip = Some(value),
            Some(HashKey::HttpQueryParameterName(value)) => {
                wire.http_query_parameter_name = Some(value);
            }
            None => {}
        }
        match message.hash_algorithm {
            Some(HashAlgorithm::RingHash(value)) => wire.ring_hash = Some(value),
            Some(HashAlgorithm::Maglev(value)) => wire.maglev = Some(value),
            None => {}
        }
        wire
    }
}

/// Parameters of the ring.
///
/// Istio's [`RingHash`](https://istio.io/latest/docs/reference/config/networking/destination-rule/#LoadBalancerSettings-ConsistentHashLB-RingHash).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct RingHash {
    /// The least number of virtual nodes on the ring. Default 1024.
    #[serde(deserialize_with = "number::optional_u64", skip_serializing_if = "Option::is_none")]
    pub minimum_ring_size: Option<u64>,
}

/// Parameters of the Maglev table.
///
/// Istio's [`MagLev`](https://istio.io/latest/docs/reference/config/networking/destination-rule/#LoadBalancerSettings-ConsistentHashLB-MagLev).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct MagLev {
    /// The size of the table, a prime number. Default 65537.
    #[serde(deserialize_with = "number::optional_u64", skip_serializing_if = "Option::is_none")]
    pub table_size: Option<u64>,
}

/// The cookie that is hashed; the proxy makes it where it is missing.
///
/// Istio's [`HTTPCookie`](https://istio.io/latest/docs/reference/config/networking/destination-rule/#LoadBalancerSettings-ConsistentHashLB-HTTPCookie).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct HttpCookie {
    /// The name of the cookie. Required.
    pub name: String,
    /// The path it is made for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// The time that it lives; `0s` is a session cookie. Default: the cookie is never made by the proxy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ttl: Option<Duration>,
    /// Further attributes of the cookie made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attributes: Option<Vec<HttpCookieAttribute>>,
}

/// An attribute of a cookie, such as `SameSite`.
///
/// Istio's [`Attribute`](https://istio.io/latest/docs/reference/config/networking/destination-rule/#LoadBalancerSettings-ConsistentHashLB-HTTPCookie-Attribute).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct HttpCookieAttribute {
    /// The name of the attribute. Required.
    pub name: String,
    /// Its value. Default: the attribute stands alone, as `HttpOnly` does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
}
