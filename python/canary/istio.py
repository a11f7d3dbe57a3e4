"""The messages that Istio's objects are made of: classes with every field, its type and its documentation.

A field that is not set reads as None, one of many values as empty. A message is immutable; `replace` gives a changed
copy. An object checks the messages that it is made of. A duration is a text such as `10s`; seconds as a number, and a
timedelta, become one.

Example:
    >>> from canary import VirtualService, istio
    >>> mirror = istio.HttpMirrorPolicy(destination=istio.Destination(host="image-classifier", subset="resnet101"))
    >>> service = VirtualService.to("image-classifier", subset="resnet50")
    >>> rule = service.spec.http[0].replace(mirrors=[mirror], timeout="2s")
    >>> service.replace(http=[rule]).spec.http[0].mirrors[0].destination.subset
    'resnet101'
"""

# Written by scripts/istio_messages.py from the types in crates/canary-istio/src/networking; change those.

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from canary._message import NOTHING, Entries, Message, field

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = [
    "Abort",
    "BackendUtilization",
    "ClientTlsSettings",
    "ConnectionKeepalive",
    "ConnectionPoolSettings",
    "ConsistentHashLb",
    "CorsPolicy",
    "Delay",
    "Delegate",
    "Destination",
    "DestinationRuleSpec",
    "Distribute",
    "Entries",
    "GatewaySpec",
    "HeaderOperations",
    "Headers",
    "HttpBody",
    "HttpCookie",
    "HttpCookieAttribute",
    "HttpDirectResponse",
    "HttpFaultInjection",
    "HttpMatchRequest",
    "HttpMirrorPolicy",
    "HttpRedirect",
    "HttpRetry",
    "HttpRewrite",
    "HttpRoute",
    "HttpRouteDestination",
    "HttpSettings",
    "L4MatchAttributes",
    "LoadBalancerSettings",
    "LocalityFailover",
    "LocalityLoadBalancerSetting",
    "MagLev",
    "Message",
    "ObjectMeta",
    "OutlierDetection",
    "Percent",
    "Port",
    "PortSelector",
    "PortTrafficPolicy",
    "ProxyProtocol",
    "RegexRewrite",
    "RetryBudget",
    "RingHash",
    "RouteDestination",
    "Server",
    "ServerTlsSettings",
    "StringMatch",
    "Subset",
    "TcpKeepalive",
    "TcpRoute",
    "TcpSettings",
    "TlsCertificate",
    "TlsMatchAttributes",
    "TlsRoute",
    "TrafficPolicy",
    "TunnelSettings",
    "VirtualServiceSpec",
    "WarmupConfiguration",
    "WorkloadSelector",
    "ZoneAwareFailover",
    "ZoneAwareLoadBalancerSetting",
]


class Abort(Message):
    """An error in place of the server's answer.

    Istio's [`Abort`](https://istio.io/latest/docs/reference/config/networking/virtual-service/#HTTPFaultInjection-Abort).
    """

    __slots__ = ()

    http_status: int | None = field(default=None)
    """This HTTP status, 200 to 599. Excludes `grpcStatus` and `http2Error`."""
    grpc_status: str | None = field(default=None)
    """This gRPC status, by name, such as `UNAVAILABLE`. Excludes `httpStatus` and `http2Error`."""
    http2_error: str | None = field(default=None)
    """Accepted, and not implemented by Istio. Excludes `httpStatus` and `grpcStatus`."""
    percentage: Percent | None = field(default=None, of="Percent")
    """The share of requests aborted. Default: none."""


class BackendUtilization(Message):
    """Weights of endpoints from the load that they report in ORCA metrics.

    Istio's [`BackendUtilization`](https://istio.io/latest/docs/reference/config/networking/destination-rule/#LoadBalancerSettings),
    from version 1.32 on.
    """

    __slots__ = ()

    weight_stabilization_period: str | None = field(default=None, duration=True)
    """The time that an endpoint must have reported before its weight counts. Default: Envoy's, 10 s."""
    weight_expiration_period: str | None = field(default=None, duration=True)
    """The time that an endpoint may be silent before its weight is forgotten and it counts like any other. Default:
    Envoy's, 3 min.
    """
    weight_update_period: str | None = field(default=None, duration=True)
    """The time between two computations of the weights. Default: Envoy's, 1 s."""
    error_utilization_penalty_percent: int | None = field(default=None)
    """The load that the errors of an endpoint add, in percent. Default: Envoy's, 100."""
    metric_names_for_computing_utilization: Sequence[str] = field(default=(), kind="list")
    """The metrics from which the load is computed, by name. Default: the load that endpoints report as such."""


class ClientTlsSettings(Message):
    """TLS from a client's proxy to a service.

    Istio's [`ClientTLSSettings`](https://istio.io/latest/docs/reference/config/networking/destination-rule/#ClientTLSSettings).
    """

    __slots__ = ()

    mode: Literal["DISABLE", "SIMPLE", "MUTUAL", "ISTIO_MUTUAL"] | None = field(default=None)
    """The use of TLS, and the sides that show a certificate. Default `DISABLE`. One of `DISABLE`: no TLS; `SIMPLE`:
    the server shows a certificate; `MUTUAL`: both sides show a certificate; the client's is given here;
    `ISTIO_MUTUAL`: both sides show the certificate that Istio issued to them; no other setting may be given.
    """
    client_certificate: str | None = field(default=None)
    """The path of the client's certificate in the proxy. Required for `MUTUAL` with files."""
    private_key: str | None = field(default=None)
    """The path of the client's private key in the proxy. Required for `MUTUAL` with files."""
    ca_certificates: str | None = field(default=None)
    """The path of the authorities that the server's certificate is checked against. Default: the certificate is
    checked against the operating system's where the mesh says so, else not at all.
    """
    credential_name: str | None = field(default=None)
    """The secret with certificate, key and authorities, in place of the paths; for gateways, and for sidecars chosen
    by a `workload_selector`.
    """
    subject_alt_names: Sequence[str] = field(default=(), kind="list")
    """The names of which one must stand in the server's certificate. Default: derived from the service in the mesh,
    else any.
    """
    sni: str | None = field(default=None)
    """The server name sent in the handshake. Default: the `Host` header, else the destination's."""
    insecure_skip_verify: bool | None = field(default=None)
    """Accept a server's certificate that does not verify. Default `false`."""
    ca_crl: str | None = field(default=None)
    """The path of a list of revoked server certificates."""


class ConnectionKeepalive(Message):
    """Keep-alive by HTTP/2 pings.

    Istio's [`ConnectionKeepalive`](https://istio.io/latest/docs/reference/config/networking/destination-rule/#ConnectionPoolSettings-HTTPSettings-ConnectionKeepalive).
    """

    __slots__ = ()

    interval: str | None = field(default=None, duration=True)
    """The time between pings. At least 1 ms."""
    timeout: str | None = field(default=None, duration=True)
    """The time that an answer may take before the connection is closed. At least 1 ms."""


class ConnectionPoolSettings(Message):
    """Limits on connections to a service, held by each client proxy on its own.

    Istio's [`ConnectionPoolSettings`](https://istio.io/latest/docs/reference/config/networking/destination-rule/#ConnectionPoolSettings).
    """

    __slots__ = ()

    tcp: TcpSettings | None = field(default=None, of="TcpSettings")
    """Limits for every connection."""
    http: HttpSettings | None = field(default=None, of="HttpSettings")
    """Limits for HTTP."""


class ConsistentHashLb(Message):
    """A hash of the request, so that like requests reach the same endpoint.

    Istio's [`ConsistentHashLB`](https://istio.io/latest/docs/reference/config/networking/destination-rule/#LoadBalancerSettings-ConsistentHashLB).
    """

    __slots__ = ()

    http_header_name: str | None = field(default=None)
    """The header of this name. Excludes `httpCookie`, `useSourceIp` and `httpQueryParameterName`."""
    http_cookie: HttpCookie | None = field(default=None, of="HttpCookie")
    """A cookie, made by the proxy where it is missing. Excludes `httpHeaderName`, `useSourceIp` and
    `httpQueryParameterName`.
    """
    use_source_ip: bool | None = field(default=None)
    """The client's address, when `true`. Excludes `httpHeaderName`, `httpCookie` and `httpQueryParameterName`."""
    http_query_parameter_name: str | None = field(default=None)
    """The query parameter of this name. Excludes `httpHeaderName`, `httpCookie` and `useSourceIp`."""
    ring_hash: RingHash | None = field(default=None, of="RingHash")
    """A ring: few keys move when endpoints come and go. Excludes `maglev`."""
    maglev: MagLev | None = field(default=None, of="MagLev")
    """A Maglev table: faster, with a little more movement. Excludes `ringHash`."""
    minimum_ring_size: int | None = field(default=None)
    """The least number of virtual nodes on the ring. Default 1024. Deprecated in favour of `ring_hash`."""


class CorsPolicy(Message):
    """The answer to browsers that ask for cross-origin access.

    Istio's [`CorsPolicy`](https://istio.io/latest/docs/reference/config/networking/virtual-service/#CorsPolicy).
    """

    __slots__ = ()

    allow_origin: Sequence[str] = field(default=(), kind="list")
    """Origins allowed, as exact text. Deprecated in favour of `allow_origins`."""
    allow_origins: Sequence[StringMatch] = field(default=(), kind="list", of="StringMatch")
    """Patterns of origins allowed; the first that matches is echoed to the browser."""
    allow_methods: Sequence[str] = field(default=(), kind="list")
    """Methods allowed, for `access-control-allow-methods`."""
    allow_headers: Sequence[str] = field(default=(), kind="list")
    """Request headers allowed, for `access-control-allow-headers`."""
    expose_headers: Sequence[str] = field(default=(), kind="list")
    """Answer headers that a script may read, for `access-control-expose-headers`."""
    max_age: str | None = field(default=None, duration=True)
    """The time that a browser may keep the answer to a preflight request. At least 1 ms."""
    allow_credentials: bool | None = field(default=None)
    """True when requests may carry credentials. Default: the header is not sent."""
    unmatched_preflights: Literal["UNSPECIFIED", "FORWARD", "IGNORE"] | None = field(default=None)
    """The treatment of preflight requests from origins not allowed. Default `FORWARD`. One of `UNSPECIFIED`: as
    `FORWARD`; `FORWARD`: they are sent on to the server; `IGNORE`: the proxy answers 200 without the headers of
    permission.
    """


class Delay(Message):
    """A time for which requests are held back.

    Istio's [`Delay`](https://istio.io/latest/docs/reference/config/networking/virtual-service/#HTTPFaultInjection-Delay).
    """

    __slots__ = ()

    percent: int | None = field(default=None)
    """The share of requests delayed, in whole percent. Deprecated in favour of `percentage`."""
    fixed_delay: str | None = field(default=None, duration=True)
    """This long, at least 1 ms. Excludes `exponentialDelay`."""
    exponential_delay: str | None = field(default=None, duration=True)
    """Accepted, and not implemented by Istio. Excludes `fixedDelay`."""
    percentage: Percent | None = field(default=None, of="Percent")
    """The share of requests delayed. Default: what `percent` says, else none."""


class Delegate(Message):
    """The `VirtualService` whose rules apply in place of this rule.

    Istio's [`Delegate`](https://istio.io/latest/docs/reference/config/networking/virtual-service/#Delegate).
    """

    __slots__ = ()

    name: str | None = field(default=None)
    """The name of the delegate."""
    namespace: str | None = field(default=None)
    """Its namespace. Default: that of the object that delegates."""


class Destination(Message):
    """A service of the registry, with the subset and the port that traffic goes to.

    Istio's [`Destination`](https://istio.io/latest/docs/reference/config/networking/virtual-service/#Destination).
    """

    __slots__ = ()

    host: str = field()
    """The name of the service in the registry; a short name is completed with the namespace of the object, not of the
    service. Required.
    """
    subset: str | None = field(default=None)
    """The subset of the service, as a `DestinationRule` for the same host declares it. Default: all endpoints."""
    port: PortSelector | None = field(default=None, of="PortSelector")
    """The port of the service. May be absent when the service has one port only."""


class DestinationRuleSpec(Message):
    """Settings of connections to a service, and the named subsets of its endpoints.

    Istio's [`DestinationRule`](https://istio.io/latest/docs/reference/config/networking/destination-rule/#DestinationRule).
    """

    __slots__ = ()

    host: str = field()
    """The name of the service in the registry, with `*` for the leftmost label; a short name is completed with the
    namespace of this object. Required.
    """
    traffic_policy: TrafficPolicy | None = field(default=None, of="TrafficPolicy")
    """The policy for all of the service's traffic; ports and subsets may have their own."""
    subsets: Sequence[Subset] = field(default=(), kind="list", of="Subset")
    """Named parts of the service's endpoints, such as its versions."""
    export_to: Sequence[str] = field(default=(), kind="list")
    """The namespaces that see this object: `*` all, `.` its own, or names. Default: what the mesh is configured to,
    usually all.
    """
    workload_selector: WorkloadSelector | None = field(default=None, of="WorkloadSelector")
    """The client workloads, in this object's namespace, that use this rule. Default: all."""


class Distribute(Message):
    """Where traffic from one locality goes.

    Istio's [`Distribute`](https://istio.io/latest/docs/reference/config/networking/destination-rule/#LocalityLoadBalancerSetting-Distribute).
    """

    __slots__ = ()

    from_: str | None = field(default=None)
    """The locality of the client, with `*` at the end as a wildcard."""
    to: Mapping[str, int] = field(default=NOTHING, kind="map")
    """The share of each destination locality, in percent; together 100."""


class GatewaySpec(Message):
    """The proxies that listen (`selector`), and their ports and hosts (`servers`).

    Istio's [`Gateway`](https://istio.io/latest/docs/reference/config/networking/gateway/#Gateway).
    """

    __slots__ = ()

    servers: Sequence[Server] = field(default=(), kind="list", of="Server")
    """The ports to listen on, with protocol, hosts and TLS of each. Istio wants at least one."""
    selector: Mapping[str, str] = field(default=NOTHING, kind="map")
    """Labels of the proxy pods that take this configuration. Searched in the gateway's own namespace unless the
    control plane is configured otherwise; empty means every proxy.
    """


class HeaderOperations(Message):
    """Changes to headers: removed first, then set, then added.

    Istio's [`HeaderOperations`](https://istio.io/latest/docs/reference/config/networking/virtual-service/#Headers-HeaderOperations).
    """

    __slots__ = ()

    set: Mapping[str, str] = field(default=NOTHING, kind="map")
    """Headers to overwrite, by name."""
    add: Mapping[str, str] = field(default=NOTHING, kind="map")
    """Values to append to headers, by name."""
    remove: Sequence[str] = field(default=(), kind="list")
    """Headers to remove."""


class Headers(Message):
    """Changes to headers of requests and of answers.

    Istio's [`Headers`](https://istio.io/latest/docs/reference/config/networking/virtual-service/#Headers).
    """

    __slots__ = ()

    request: HeaderOperations | None = field(default=None, of="HeaderOperations")
    """Changes before the request is sent on."""
    response: HeaderOperations | None = field(default=None, of="HeaderOperations")
    """Changes before the response is returned."""


class HttpBody(Message):
    """The body of a direct response, as text or as bytes.

    Istio's [`HTTPBody`](https://istio.io/latest/docs/reference/config/networking/virtual-service/#HTTPBody).
    """

    __slots__ = ()

    string: str | None = field(default=None)
    """This text. Excludes `bytes`."""
    bytes: str | None = field(default=None)
    """These bytes, written as Base64. Excludes `string`."""


class HttpCookie(Message):
    """The cookie that is hashed; the proxy makes it where it is missing.

    Istio's [`HTTPCookie`](https://istio.io/latest/docs/reference/config/networking/destination-rule/#LoadBalancerSettings-ConsistentHashLB-HTTPCookie).
    """

    __slots__ = ()

    name: str = field()
    """The name of the cookie. Required."""
    path: str | None = field(default=None)
    """The path it is made for."""
    ttl: str | None = field(default=None, duration=True)
    """The time that it lives; `0s` is a session cookie. Default: the cookie is never made by the proxy."""
    attributes: Sequence[HttpCookieAttribute] = field(default=(), kind="list", of="HttpCookieAttribute")
    """Further attributes of the cookie made."""


class HttpCookieAttribute(Message):
    """An attribute of a cookie, such as `SameSite`.

    Istio's [`Attribute`](https://istio.io/latest/docs/reference/config/networking/destination-rule/#LoadBalancerSettings-ConsistentHashLB-HTTPCookie-Attribute).
    """

    __slots__ = ()

    name: str = field()
    """The name of the attribute. Required."""
    value: str | None = field(default=None)
    """Its value. Default: the attribute stands alone, as `HttpOnly` does."""


class HttpDirectResponse(Message):
    """A fixed answer, given by the proxy.

    Istio's [`HTTPDirectResponse`](https://istio.io/latest/docs/reference/config/networking/virtual-service/#HTTPDirectResponse).
    """

    __slots__ = ()

    status: int = field()
    """The HTTP status. Required."""
    body: HttpBody | None = field(default=None, of="HttpBody")
    """The body, at most 1 MiB. Default: empty. Its type is set by a `content-type` among the headers to set."""


class HttpFaultInjection(Message):
    """Faults injected before a request is sent on; both apply when both are given.

    Istio's [`HTTPFaultInjection`](https://istio.io/latest/docs/reference/config/networking/virtual-service/#HTTPFaultInjection).
    """

    __slots__ = ()

    delay: Delay | None = field(default=None, of="Delay")
    """Hold requests back for a time."""
    abort: Abort | None = field(default=None, of="Abort")
    """Answer requests with an error."""


class HttpMatchRequest(Message):
    """A condition on HTTP requests: all fields given must hold.

    Istio's [`HTTPMatchRequest`](https://istio.io/latest/docs/reference/config/networking/virtual-service/#HTTPMatchRequest).
    """

    __slots__ = ()

    name: str | None = field(default=None)
    """A name for the condition, written to access logs after the rule's."""
    uri: StringMatch | None = field(default=None, of="StringMatch")
    """The path, without query and fragment. Prefixes are of the text: `/v1` also matches `/v1beta`."""
    scheme: StringMatch | None = field(default=None, of="StringMatch")
    """The scheme, `http` or `https`."""
    method: StringMatch | None = field(default=None, of="StringMatch")
    """The method, such as `GET`."""
    authority: StringMatch | None = field(default=None, of="StringMatch")
    """The `Host` or `:authority` header, as sent, port included."""
    headers: Mapping[str, StringMatch] = field(default=NOTHING, kind="map", of="StringMatch")
    """Headers by name, in lower case with hyphens; `{}` asks for presence alone. When `uri` or `method` are keys here,
    they are ignored.
    """
    port: int | None = field(default=None)
    """The port of the listener that received the request, 1 to 65535."""
    source_labels: Mapping[str, str] = field(default=NOTHING, kind="map")
    """Labels of the workload that sends the request; for sidecars only."""
    gateways: Sequence[str] = field(default=(), kind="list")
    """The gateways where this condition holds, in place of the object's own list; `mesh` means all sidecars."""
    query_params: Mapping[str, StringMatch] = field(default=NOTHING, kind="map", of="StringMatch")
    """Query parameters by name; `{}` asks for presence alone. The first value of a name counts."""
    ignore_uri_case: bool | None = field(default=None)
    """True when exact and prefix matches of `uri` take no notice of letter case. Default `false`."""
    without_headers: Mapping[str, StringMatch] = field(default=NOTHING, kind="map", of="StringMatch")
    """Conditions on headers that must not hold; `{}` asks for absence."""
    source_namespace: str | None = field(default=None)
    """The namespace of the workload that sends the request; for sidecars only."""
    stat_prefix: str | None = field(default=None)
    """The prefix of statistics that Envoy keeps for this condition. Default: none are kept."""


class HttpMirrorPolicy(Message):
    """A destination that gets copies of requests; its responses are dropped.

    Istio's [`HTTPMirrorPolicy`](https://istio.io/latest/docs/reference/config/networking/virtual-service/#HTTPMirrorPolicy).
    """

    __slots__ = ()

    destination: Destination = field(of="Destination")
    """The service, subset and port. Required."""
    percentage: Percent | None = field(default=None, of="Percent")
    """The share of requests copied. Default: all of them."""


class HttpRedirect(Message):
    """An answer that sends the client elsewhere.

    Istio's [`HTTPRedirect`](https://istio.io/latest/docs/reference/config/networking/virtual-service/#HTTPRedirect).
    """

    __slots__ = ()

    uri: str | None = field(default=None)
    """The path in the new location, in place of the whole old one; the query is kept. Default: the request's."""
    authority: str | None = field(default=None)
    """The authority in the new location. Default: the request's."""
    port: int | None = field(default=None)
    """This port number. Excludes `derivePort`."""
    derive_port: Literal["FROM_PROTOCOL_DEFAULT", "FROM_REQUEST_PORT"] | None = field(default=None)
    """A port found from the request. Excludes `port`. One of `FROM_PROTOCOL_DEFAULT`: 80 for `http`, 443 for `https`;
    `FROM_REQUEST_PORT`: the port that the request came to.
    """
    scheme: str | None = field(default=None)
    """The scheme in the new location, `http` or `https`. Default: the request's."""
    redirect_code: int | None = field(default=None)
    """The status: 301, 302, 303, 307 or 308. Default 301."""
    prefix_rewrite: str | None = field(default=None)
    """The replacement of the matched prefix of the path. Excludes `uri`."""


class HttpRetry(Message):
    """When and how often a failed request is tried again.

    Istio's [`HTTPRetry`](https://istio.io/latest/docs/reference/config/networking/virtual-service/#HTTPRetry).
    """

    __slots__ = ()

    attempts: int | None = field(default=None)
    """The number of retries after the first try. Default 0, which switches retries off; without any `retries` the
    mesh's two apply.
    """
    per_try_timeout: str | None = field(default=None, duration=True)
    """The time that each try may take. Default: the route's `timeout`. At least 1 ms."""
    retry_on: str | None = field(default=None)
    """The failures to retry: Envoy's conditions and HTTP statuses, separated by commas. Default: `connect-
    failure,refused-stream,unavailable,cancelled`.
    """
    retry_remote_localities: bool | None = field(default=None)
    """True when retries may go to other localities. Default `false`."""
    retry_ignore_previous_hosts: bool | None = field(default=None)
    """True when retries avoid hosts that failed already. Default `true`."""
    backoff: str | None = field(default=None, duration=True)
    """The least time between two tries; it grows with each. Default 25 ms. At least 1 ms."""


class HttpRewrite(Message):
    """Changes to path and authority before the request is sent on.

    Istio's [`HTTPRewrite`](https://istio.io/latest/docs/reference/config/networking/virtual-service/#HTTPRewrite).
    """

    __slots__ = ()

    uri: str | None = field(default=None)
    """The replacement of the matched prefix of the path, or of the whole path after an exact or regex match."""
    authority: str | None = field(default=None)
    """The new `Host`."""
    uri_regex_rewrite: RegexRewrite | None = field(default=None, of="RegexRewrite")
    """A substitution in the path. Excludes `uri`."""


class HttpRoute(Message):
    """One rule for HTTP: the first whose conditions hold decides over a request.

    Istio's [`HTTPRoute`](https://istio.io/latest/docs/reference/config/networking/virtual-service/#HTTPRoute).
    """

    __slots__ = ()

    name: str | None = field(default=None)
    """A name for the rule, written to access logs together with the name of the condition that matched."""
    match: Sequence[HttpMatchRequest] = field(default=(), kind="list", of="HttpMatchRequest")
    """The conditions; one of them must hold. Default: every request matches."""
    route: Sequence[HttpRouteDestination] = field(default=(), kind="list", of="HttpRouteDestination")
    """The destinations, with the share of each. Excludes `redirect` and `direct_response`."""
    redirect: HttpRedirect | None = field(default=None, of="HttpRedirect")
    """Answer with a redirect. Excludes `route`, `direct_response`, `rewrite`, `fault` and others."""
    direct_response: HttpDirectResponse | None = field(default=None, of="HttpDirectResponse")
    """Answer with a fixed status and body, without asking any server."""
    delegate: Delegate | None = field(default=None, of="Delegate")
    """Continue in another `VirtualService`, whose rules apply under this rule's conditions. Only where `route` and
    `redirect` are absent.
    """
    rewrite: HttpRewrite | None = field(default=None, of="HttpRewrite")
    """Change path or authority before the request is sent on."""
    timeout: str | None = field(default=None, duration=True)
    """The time that the whole request may take, with all its retries. Default: no limit. At least 1 ms."""
    retries: HttpRetry | None = field(default=None, of="HttpRetry")
    """When and how often to try again. Default: the mesh's, which is two retries on failures to connect."""
    fault: HttpFaultInjection | None = field(default=None, of="HttpFaultInjection")
    """Faults to inject for testing; timeouts and retries are off for a rule that has them."""
    mirror: Destination | None = field(default=None, of="Destination")
    """Another destination that gets a copy of each request; its responses are dropped. `mirrors` has several."""
    mirrors: Sequence[HttpMirrorPolicy] = field(default=(), kind="list", of="HttpMirrorPolicy")
    """Destinations that get a copy of the requests, each with its own percentage."""
    mirror_percent: int | None = field(default=None)
    """The share of requests that `mirror` gets, in whole percent. Deprecated in favour of `mirror_percentage`."""
    mirror_percentage: Percent | None = field(default=None, of="Percent")
    """The share of requests that `mirror` gets. Default: all of them."""
    cors_policy: CorsPolicy | None = field(default=None, of="CorsPolicy")
    """The answer to browsers that ask for cross-origin access."""
    headers: Headers | None = field(default=None, of="Headers")
    """Changes to headers of requests and answers."""


class HttpRouteDestination(Message):
    """One destination of a rule, and its share of the requests.

    Istio's [`HTTPRouteDestination`](https://istio.io/latest/docs/reference/config/networking/virtual-service/#HTTPRouteDestination).
    """

    __slots__ = ()

    destination: Destination = field(of="Destination")
    """The service, subset and port. Required."""
    weight: int | None = field(default=None)
    """The share, as this number over the sum of the rule's weights. A single destination gets all, whatever its
    weight. Default 0.
    """
    headers: Headers | None = field(default=None, of="Headers")
    """Changes to headers of requests and answers that take this destination."""


class HttpSettings(Message):
    """Limits for HTTP/1.1, HTTP/2 and gRPC.

    Istio's [`HTTPSettings`](https://istio.io/latest/docs/reference/config/networking/destination-rule/#ConnectionPoolSettings-HTTPSettings).
    """

    __slots__ = ()

    http1_max_pending_requests: int | None = field(default=None)
    """The limit on requests that wait for a connection. Default 2³²−1."""
    http2_max_requests: int | None = field(default=None)
    """The limit on concurrent requests. Default 2³²−1. Despite the name it counts HTTP/1.1 too."""
    max_requests_per_connection: int | None = field(default=None)
    """The number of requests that a connection serves before it is closed; 1 switches keep-alive off. Default 0: no
    limit.
    """
    max_retries: int | None = field(default=None)
    """The limit on concurrent retries. Default 2³²−1."""
    idle_timeout: str | None = field(default=None, duration=True)
    """The time that a connection without requests is kept. Default 1 h. At least 1 ms."""
    h2_upgrade_policy: Literal["DEFAULT", "DO_NOT_UPGRADE", "UPGRADE"] | None = field(default=None)
    """The upgrade of HTTP/1.1 to HTTP/2 on the way. One of `DEFAULT`: the setting of the mesh; `DO_NOT_UPGRADE`:
    never; `UPGRADE`: always.
    """
    use_client_protocol: bool | None = field(default=None)
    """Use the protocol that the client used. Default `false`. No upgrade happens then."""
    max_concurrent_streams: int | None = field(default=None)
    """The limit on concurrent streams of one HTTP/2 connection. Default 2³¹−1."""
    http2_keep_alive: ConnectionKeepalive | None = field(default=None, of="ConnectionKeepalive")
    """Keep-alive by HTTP/2 pings. Default: none."""


class L4MatchAttributes(Message):
    """A condition on TCP connections: all fields given must hold.

    Istio's [`L4MatchAttributes`](https://istio.io/latest/docs/reference/config/networking/virtual-service/#L4MatchAttributes).
    """

    __slots__ = ()

    destination_subnets: Sequence[str] = field(default=(), kind="list")
    """Addresses the client connects to, as IP or CIDR such as `10.0.0.0/8`."""
    port: int | None = field(default=None)
    """The port the client connects to, 1 to 65535."""
    source_subnet: str | None = field(default=None)
    """The addresses the client may have, as IP or CIDR. Accepted, and not implemented by Istio."""
    source_labels: Mapping[str, str] = field(default=NOTHING, kind="map")
    """Labels of the workload that connects; for sidecars only."""
    gateways: Sequence[str] = field(default=(), kind="list")
    """The gateways where this condition holds, in place of the object's own list."""
    source_namespace: str | None = field(default=None)
    """The namespace of the workload that connects; for sidecars only."""


class LoadBalancerSettings(Message):
    """The choice of an endpoint of a service.

    Istio's [`LoadBalancerSettings`](https://istio.io/latest/docs/reference/config/networking/destination-rule/#LoadBalancerSettings).
    """

    __slots__ = ()

    simple: Literal["UNSPECIFIED", "LEAST_CONN", "RANDOM", "PASSTHROUGH", "ROUND_ROBIN", "LEAST_REQUEST"] | None = field(default=None)
    """An algorithm without parameters. Excludes `consistentHash` and `backendUtilization`. One of `UNSPECIFIED`:
    istio's default, `LEAST_REQUEST`; `LEAST_CONN`: the old name of `LEAST_REQUEST`; deprecated by Istio; `RANDOM`:
    a healthy endpoint at random; `PASSTHROUGH`: the address that the client asked for, without load balancing;
    `ROUND_ROBIN`: one after the other; `LEAST_REQUEST`: the less busy of two endpoints drawn at random.
    """
    consistent_hash: ConsistentHashLb | None = field(default=None, of="ConsistentHashLb")
    """A hash of the request, so that like requests reach the same endpoint. Excludes `simple` and
    `backendUtilization`.
    """
    backend_utilization: BackendUtilization | None = field(default=None, of="BackendUtilization")
    """By the load that the endpoints report; from Istio 1.32 on. Excludes `simple` and `consistentHash`."""
    locality_lb_setting: LocalityLoadBalancerSetting | None = field(default=None, of="LocalityLoadBalancerSetting")
    """The spread of traffic over localities. Replaces the mesh's setting entirely."""
    zone_aware_lb_setting: ZoneAwareLoadBalancerSetting | None = field(default=None, of="ZoneAwareLoadBalancerSetting")
    """Prefer endpoints of the client's zone, by Envoy's zone-aware routing."""
    warmup_duration_secs: str | None = field(default=None, duration=True)
    """The time during which a new endpoint gets a growing share. Deprecated in favour of `warmup`. At least 1 ms."""
    warmup: WarmupConfiguration | None = field(default=None, of="WarmupConfiguration")
    """The growth of a new endpoint's share. For `ROUND_ROBIN` and `LEAST_REQUEST`."""


class LocalityFailover(Message):
    """Where traffic goes when a region has no healthy endpoint.

    Istio's [`Failover`](https://istio.io/latest/docs/reference/config/networking/destination-rule/#LocalityLoadBalancerSetting-Failover).
    """

    __slots__ = ()

    from_: str | None = field(default=None)
    """The region that traffic comes from."""
    to: str | None = field(default=None)
    """The region that it goes to then."""


class LocalityLoadBalancerSetting(Message):
    """The spread of traffic over localities, each `region/zone/subzone`. At most one of `distribute`,
    `failover` and `failover_priority`, except that the last two go together.

    Istio's [`LocalityLoadBalancerSetting`](https://istio.io/latest/docs/reference/config/networking/destination-rule/#LocalityLoadBalancerSetting).
    """

    __slots__ = ()

    distribute: Sequence[Distribute] = field(default=(), kind="list", of="Distribute")
    """The share of each locality, by the locality of the client."""
    failover: Sequence[LocalityFailover] = field(default=(), kind="list", of="LocalityFailover")
    """Where traffic goes when a region has no healthy endpoint."""
    failover_priority: Sequence[str] = field(default=(), kind="list")
    """Labels in order of importance; endpoints that share more of the first ones with the client come first."""
    enabled: bool | None = field(default=None)
    """Switches the setting on. Default: the mesh's."""


class MagLev(Message):
    """Parameters of the Maglev table.

    Istio's [`MagLev`](https://istio.io/latest/docs/reference/config/networking/destination-rule/#LoadBalancerSettings-ConsistentHashLB-MagLev).
    """

    __slots__ = ()

    table_size: int | None = field(default=None)
    """The size of the table, a prime number. Default 65537."""


class OutlierDetection(Message):
    """The ejection of failing endpoints, decided by each client proxy separately.

    Istio's [`OutlierDetection`](https://istio.io/latest/docs/reference/config/networking/destination-rule/#OutlierDetection).
    """

    __slots__ = ()

    consecutive_errors: int | None = field(default=None)
    """Errors in a row that eject an endpoint. Deprecated in favour of the two fields below."""
    split_external_local_origin_errors: bool | None = field(default=None)
    """Count failures of the connection apart from errors of the server. Default `false`."""
    consecutive_local_origin_failures: int | None = field(default=None)
    """Failures of the connection in a row that eject an endpoint; counts only when they are counted apart. Default 5."""
    consecutive_gateway_errors: int | None = field(default=None)
    """Answers 502, 503 or 504 in a row that eject an endpoint; 0 switches this off. Default: off."""
    consecutive_5xx_errors: int | None = field(default=None)
    """Answers 5xx in a row that eject an endpoint, failures of the connection included; 0 switches this off. Default
    5.
    """
    interval: str | None = field(default=None, duration=True)
    """The time between two looks at the endpoints. Default 10 s. At least 1 ms."""
    base_ejection_time: str | None = field(default=None, duration=True)
    """The time that an endpoint stays out, times the number of its ejections. Default 30 s. At least 1 ms."""
    max_ejection_percent: int | None = field(default=None)
    """The largest share of endpoints that may be out, in percent. Default 10."""
    min_health_percent: int | None = field(default=None)
    """The share of healthy endpoints, in percent, under which ejection is off and all endpoints are used. Default 0."""
    outlier_detection_http_error_codes: Sequence[int] = field(default=(), kind="list")
    """The statuses that count as errors, 100 to 599. Default: 5xx."""


class Percent(Message):
    """A share in percent, 0 to 100.

    Istio's [`Percent`](https://istio.io/latest/docs/reference/config/networking/virtual-service/#Percent).
    """

    __slots__ = ()

    value: float | None = field(default=None)
    """The share; Envoy keeps four decimals. Default 0."""


class Port(Message):
    """A port number with its protocol.

    Istio's [`Port`](https://istio.io/latest/docs/reference/config/networking/gateway/#Port).
    """

    __slots__ = ()

    number: int | None = field(default=None)
    """The port number, 1 to 65535, or 0 for a Unix socket. Required."""
    protocol: str = field()
    """One of `HTTP`, `HTTPS`, `GRPC`, `GRPC-WEB`, `HTTP2`, `MONGO`, `TCP`, `TLS` (in any case of letters). Required.
    `TLS` without termination is routed by SNI.
    """
    name: str = field()
    """A name for the port. Required, and unique among the servers of a gateway."""
    target_port: int | None = field(default=None)
    """The port number on the endpoint. Deprecated by Istio, which no longer reads it."""


class PortSelector(Message):
    """A port by number.

    Istio's [`PortSelector`](https://istio.io/latest/docs/reference/config/networking/virtual-service/#PortSelector).
    """

    __slots__ = ()

    number: int | None = field(default=None)
    """The port number, 1 to 65535."""


class PortTrafficPolicy(Message):
    """The policy for one port of a service.

    Istio's [`PortTrafficPolicy`](https://istio.io/latest/docs/reference/config/networking/destination-rule/#TrafficPolicy-PortTrafficPolicy).
    """

    __slots__ = ()

    port: PortSelector | None = field(default=None, of="PortSelector")
    """The port this is about."""
    load_balancer: LoadBalancerSettings | None = field(default=None, of="LoadBalancerSettings")
    """The choice of an endpoint."""
    connection_pool: ConnectionPoolSettings | None = field(default=None, of="ConnectionPoolSettings")
    """The limits on connections and requests."""
    outlier_detection: OutlierDetection | None = field(default=None, of="OutlierDetection")
    """When a failing endpoint is taken out for a while."""
    tls: ClientTlsSettings | None = field(default=None, of="ClientTlsSettings")
    """TLS towards the service."""


class ProxyProtocol(Message):
    """The PROXY protocol's header, sent towards the service.

    Istio's [`ProxyProtocol`](https://istio.io/latest/docs/reference/config/networking/destination-rule/#TrafficPolicy-ProxyProtocol).
    """

    __slots__ = ()

    version: Literal["V1", "V2"] | None = field(default=None)
    """The version of the header. Default `V1`. One of `V1`: text; `V2`: binary."""


class RegexRewrite(Message):
    """A substitution in the path by regular expression.

    Istio's [`RegexRewrite`](https://istio.io/latest/docs/reference/config/networking/virtual-service/#RegexRewrite).
    """

    __slots__ = ()

    match: str | None = field(default=None)
    """The pattern to replace, in RE2 syntax."""
    rewrite: str | None = field(default=None)
    """The replacement; `\\1` and so on stand for captured groups."""


class RetryBudget(Message):
    """A limit on concurrent retries, relative to the requests.

    Istio's [`RetryBudget`](https://istio.io/latest/docs/reference/config/networking/destination-rule/#TrafficPolicy-RetryBudget).
    """

    __slots__ = ()

    percent: float | None = field(default=None)
    """The limit, in percent of the requests under way, 0 to 100. Default 20."""
    min_retry_concurrency: int | None = field(default=None)
    """The number of concurrent retries allowed whatever the percentage. Default 3."""
    budget_interval: str | None = field(default=None, duration=True)
    """The time over which requests are counted for the budget. Default: only requests under way are counted."""


class RingHash(Message):
    """Parameters of the ring.

    Istio's [`RingHash`](https://istio.io/latest/docs/reference/config/networking/destination-rule/#LoadBalancerSettings-ConsistentHashLB-RingHash).
    """

    __slots__ = ()

    minimum_ring_size: int | None = field(default=None)
    """The least number of virtual nodes on the ring. Default 1024."""


class RouteDestination(Message):
    """One destination of a TLS or TCP rule, and its share of the connections.

    Istio's [`RouteDestination`](https://istio.io/latest/docs/reference/config/networking/virtual-service/#RouteDestination).
    """

    __slots__ = ()

    destination: Destination = field(of="Destination")
    """The service, subset and port. Required."""
    weight: int | None = field(default=None)
    """The share, as this number over the sum of the rule's weights. Default 0."""


class Server(Message):
    """One port of a gateway, and the hosts served on it.

    Istio's [`Server`](https://istio.io/latest/docs/reference/config/networking/gateway/#Server).
    """

    __slots__ = ()

    port: Port = field(of="Port")
    """The port to listen on. Required."""
    bind: str | None = field(default=None)
    """The IP address, or Unix socket (`unix:///path`, `unix://@abstract`), to listen on. Default: all addresses."""
    hosts: Sequence[str] = field(default=(), kind="list")
    """The hosts served here, each `dnsName` or `namespace/dnsName`; `*` stands for the leftmost label, `.` for the
    gateway's own namespace. Required. A `VirtualService` is bound when its hosts and these meet.
    """
    tls: ServerTlsSettings | None = field(default=None, of="ServerTlsSettings")
    """The TLS settings; required for `HTTPS` and `TLS` ports, absent for plain ones."""
    default_endpoint: str | None = field(default=None)
    """Where the traffic goes when no route says otherwise: `127.0.0.1:port` or `unix:///path`. Accepted, and not
    implemented by Istio.
    """
    name: str | None = field(default=None)
    """A name for this server, unique within the gateway; used for statistics only."""


class ServerTlsSettings(Message):
    """The TLS settings of a gateway's port towards its clients.

    Istio's [`ServerTLSSettings`](https://istio.io/latest/docs/reference/config/networking/gateway/#ServerTLSSettings).
    """

    __slots__ = ()

    https_redirect: bool | None = field(default=None)
    """Answer every plain HTTP request with a 301 to `https`. For `HTTP` ports. Default `false`."""
    mode: Literal["PASSTHROUGH", "SIMPLE", "MUTUAL", "AUTO_PASSTHROUGH", "ISTIO_MUTUAL", "OPTIONAL_MUTUAL"] | None = field(default=None)
    """Which side shows a certificate, and whether TLS ends here. Default `PASSTHROUGH`. One of `PASSTHROUGH`: tLS is
    not ended here; the SNI chooses the `tls` route; `SIMPLE`: the server shows a certificate; `MUTUAL`: both sides
    show a certificate; `AUTO_PASSTHROUGH`: as `PASSTHROUGH`, but the SNI itself names the destination; no
    `VirtualService` is needed; `ISTIO_MUTUAL`: both sides show the certificate that Istio issued to them; no other
    setting may be given; `OPTIONAL_MUTUAL`: as `MUTUAL`, but a client without a certificate is let in.
    """
    server_certificate: str | None = field(default=None)
    """The path of the server's certificate in the proxy. Required for `SIMPLE` and `MUTUAL` when no credential is
    named.
    """
    private_key: str | None = field(default=None)
    """The path of the server's private key in the proxy. Required wherever `server_certificate` is."""
    ca_certificates: str | None = field(default=None)
    """The path of the authorities that sign acceptable client certificates. Required for `MUTUAL` with files."""
    ca_crl: str | None = field(default=None)
    """The path of a list of revoked client certificates. For `MUTUAL` and `OPTIONAL_MUTUAL`."""
    credential_name: str | None = field(default=None)
    """The secret with certificate and key (and `ca.crt` for mutual TLS), in the gateway's namespace; for gateways on
    Kubernetes, in place of the paths.
    """
    credential_names: Sequence[str] = field(default=(), kind="list")
    """One or two secrets, as in `credential_name`; two when an RSA and an ECDSA certificate are offered. Excludes
    `credential_name` and `tls_certificates`.
    """
    ca_cert_credential_name: str | None = field(default=None)
    """The secret or config map with the authorities alone (`ca.crt`), kept apart from the server's own certificate.
    For `MUTUAL` and `OPTIONAL_MUTUAL`.
    """
    tls_certificates: Sequence[TlsCertificate] = field(default=(), kind="list", of="TlsCertificate")
    """One or two certificates by path, for RSA and ECDSA together. Excludes `server_certificate`, `private_key`,
    `ca_certificates` and the credential names.
    """
    subject_alt_names: Sequence[str] = field(default=(), kind="list")
    """The names of which one must stand in the client's certificate. Default: any."""
    verify_certificate_spki: Sequence[str] = field(default=(), kind="list")
    """Base64 SHA-256 digests of acceptable client public keys. With `verify_certificate_hash`, either match is enough."""
    verify_certificate_hash: Sequence[str] = field(default=(), kind="list")
    """Hexadecimal SHA-256 digests of acceptable client certificates, with or without colons."""
    min_protocol_version: Literal["TLS_AUTO", "TLSV1_0", "TLSV1_1", "TLSV1_2", "TLSV1_3"] | None = field(default=None)
    """The lowest TLS version spoken. Default `TLS_AUTO`, which is 1.2. One of `TLS_AUTO`: the version is left to
    Istio; `TLSV1_0`: tLS 1.0; `TLSV1_1`: tLS 1.1; `TLSV1_2`: tLS 1.2; `TLSV1_3`: tLS 1.3.
    """
    max_protocol_version: Literal["TLS_AUTO", "TLSV1_0", "TLSV1_1", "TLSV1_2", "TLSV1_3"] | None = field(default=None)
    """The highest TLS version spoken. Default `TLS_AUTO`, which is 1.3. One of `TLS_AUTO`: the version is left to
    Istio; `TLSV1_0`: tLS 1.0; `TLSV1_1`: tLS 1.1; `TLSV1_2`: tLS 1.2; `TLSV1_3`: tLS 1.3.
    """
    cipher_suites: Sequence[str] = field(default=(), kind="list")
    """The cipher suites offered up to TLS 1.2, in Envoy's names. Default: Envoy's own list."""
    ecdh_curves: Sequence[str] = field(default=(), kind="list")
    """The curves offered for the key exchange, in Envoy's names. Default: Envoy's own list."""
    insecure_skip_verify: bool | None = field(default=None)
    """Accept client certificates that do not verify. For `MUTUAL` and `OPTIONAL_MUTUAL`. Default `false`; weakens
    mutual TLS.
    """


class StringMatch(Message):
    """A condition on a text: path, header, query parameter and so on.

    Istio's [`StringMatch`](https://istio.io/latest/docs/reference/config/networking/virtual-service/#StringMatch).
    """

    __slots__ = ()

    exact: str | None = field(default=None)
    """The whole text, letter by letter. Excludes `prefix` and `regex`."""
    prefix: str | None = field(default=None)
    """The text begins with this. Excludes `exact` and `regex`."""
    regex: str | None = field(default=None)
    """The whole text matches this expression, in RE2 syntax. Excludes `exact` and `prefix`."""


class Subset(Message):
    """A named part of a service's endpoints. Traffic reaches it only where a route names it.

    Istio's [`Subset`](https://istio.io/latest/docs/reference/config/networking/destination-rule/#Subset).
    """

    __slots__ = ()

    name: str = field()
    """The name that routes use. Required."""
    labels: Mapping[str, str] = field(default=NOTHING, kind="map")
    """Labels that an endpoint must have, beside the service's own selector. Default: every endpoint."""
    traffic_policy: TrafficPolicy | None = field(default=None, of="TrafficPolicy")
    """The policy for this subset; each block given replaces the one of the whole service."""


class TcpKeepalive(Message):
    """Keep-alive probes of a socket.

    Istio's [`TcpKeepalive`](https://istio.io/latest/docs/reference/config/networking/destination-rule/#ConnectionPoolSettings-TCPSettings-TcpKeepalive).
    """

    __slots__ = ()

    probes: int | None = field(default=None)
    """The number of unanswered probes that end the connection. Default: the operating system's, 9 on Linux."""
    time: str | None = field(default=None, duration=True)
    """The time that a connection is idle before the first probe. Default: the operating system's, 2 h on Linux."""
    interval: str | None = field(default=None, duration=True)
    """The time between probes. Default: the operating system's, 75 s on Linux."""


class TcpRoute(Message):
    """One rule for opaque TCP.

    Istio's [`TCPRoute`](https://istio.io/latest/docs/reference/config/networking/virtual-service/#TCPRoute).
    """

    __slots__ = ()

    match: Sequence[L4MatchAttributes] = field(default=(), kind="list", of="L4MatchAttributes")
    """The conditions; one of them must hold. Default: every connection matches."""
    route: Sequence[RouteDestination] = field(default=(), kind="list", of="RouteDestination")
    """The destinations, with the share of each."""


class TcpSettings(Message):
    """Limits for every connection, HTTP or not.

    Istio's [`TCPSettings`](https://istio.io/latest/docs/reference/config/networking/destination-rule/#ConnectionPoolSettings-TCPSettings).
    """

    __slots__ = ()

    max_connections: int | None = field(default=None)
    """The limit on connections. Default 2³²−1."""
    connect_timeout: str | None = field(default=None, duration=True)
    """The time that connecting may take. Default 10 s. At least 1 ms."""
    tcp_keepalive: TcpKeepalive | None = field(default=None, of="TcpKeepalive")
    """Keep-alive probes of the socket. Default: none."""
    max_connection_duration: str | None = field(default=None, duration=True)
    """The time that a connection may live. Default: no limit. At least 1 ms."""
    idle_timeout: str | None = field(default=None, duration=True)
    """The time that a TCP connection may be idle; `0s` means forever. Default 1 h."""


class TlsCertificate(Message):
    """One certificate of a server, by paths in the proxy.

    Istio's [`TLSCertificate`](https://istio.io/latest/docs/reference/config/networking/gateway/#ServerTLSSettings-TLSCertificate).
    """

    __slots__ = ()

    server_certificate: str | None = field(default=None)
    """The path of the certificate. Required for `SIMPLE` and `MUTUAL`."""
    private_key: str | None = field(default=None)
    """The path of its private key. Required for `SIMPLE` and `MUTUAL`."""
    ca_certificates: str | None = field(default=None)
    """The path of the authorities that sign acceptable client certificates. Required for `MUTUAL`."""


class TlsMatchAttributes(Message):
    """A condition on TLS connections: all fields given must hold.

    Istio's [`TLSMatchAttributes`](https://istio.io/latest/docs/reference/config/networking/virtual-service/#TLSMatchAttributes).
    """

    __slots__ = ()

    sni_hosts: Sequence[str] = field(default=(), kind="list")
    """Server names, with `*` for the leftmost label; each must lie within the object's hosts. Required."""
    destination_subnets: Sequence[str] = field(default=(), kind="list")
    """Addresses the client connects to, as IP or CIDR."""
    port: int | None = field(default=None)
    """The port the client connects to, 1 to 65535."""
    source_labels: Mapping[str, str] = field(default=NOTHING, kind="map")
    """Labels of the workload that connects; for sidecars only."""
    gateways: Sequence[str] = field(default=(), kind="list")
    """The gateways where this condition holds, in place of the object's own list."""
    source_namespace: str | None = field(default=None)
    """The namespace of the workload that connects; for sidecars only."""


class TlsRoute(Message):
    """One rule for TLS that is not ended here, by the name the client asks for.

    Istio's [`TLSRoute`](https://istio.io/latest/docs/reference/config/networking/virtual-service/#TLSRoute).
    """

    __slots__ = ()

    match: Sequence[TlsMatchAttributes] = field(default=(), kind="list", of="TlsMatchAttributes")
    """The conditions; one of them must hold. Required."""
    route: Sequence[RouteDestination] = field(default=(), kind="list", of="RouteDestination")
    """The destinations, with the share of each."""


class TrafficPolicy(Message):
    """Settings of connections to a service, to one of its ports, or to a subset.

    Istio's [`TrafficPolicy`](https://istio.io/latest/docs/reference/config/networking/destination-rule/#TrafficPolicy).
    """

    __slots__ = ()

    load_balancer: LoadBalancerSettings | None = field(default=None, of="LoadBalancerSettings")
    """The choice of an endpoint."""
    connection_pool: ConnectionPoolSettings | None = field(default=None, of="ConnectionPoolSettings")
    """The limits on connections and requests."""
    outlier_detection: OutlierDetection | None = field(default=None, of="OutlierDetection")
    """When a failing endpoint is taken out for a while."""
    tls: ClientTlsSettings | None = field(default=None, of="ClientTlsSettings")
    """TLS towards the service."""
    port_level_settings: Sequence[PortTrafficPolicy] = field(default=(), kind="list", of="PortTrafficPolicy")
    """Policies for single ports. Each replaces the service's whole policy for its port; nothing is inherited. At most
    4096.
    """
    tunnel: TunnelSettings | None = field(default=None, of="TunnelSettings")
    """Send TCP through an HTTP tunnel, by `CONNECT` or `POST`."""
    proxy_protocol: ProxyProtocol | None = field(default=None, of="ProxyProtocol")
    """Send the PROXY protocol's header towards the service."""
    retry_budget: RetryBudget | None = field(default=None, of="RetryBudget")
    """The limit on concurrent retries, relative to the requests."""


class TunnelSettings(Message):
    """TCP carried through an HTTP tunnel.

    Istio's [`TunnelSettings`](https://istio.io/latest/docs/reference/config/networking/destination-rule/#TrafficPolicy-TunnelSettings).
    """

    __slots__ = ()

    protocol: str | None = field(default=None)
    """The method that opens the tunnel: `CONNECT` or `POST`. Default `CONNECT`."""
    target_host: str = field()
    """The host at the other end of the tunnel. Required."""
    target_port: int = field()
    """The port at the other end of the tunnel. Required."""


class VirtualServiceSpec(Message):
    """The routes of requests to certain hosts, by protocol, in the order of the rules.

    Istio's [`VirtualService`](https://istio.io/latest/docs/reference/config/networking/virtual-service/#VirtualService).
    """

    __slots__ = ()

    hosts: Sequence[str] = field(default=(), kind="list")
    """The hosts this is about: DNS names, with `*` for the leftmost label, or IP addresses; short names are completed
    with the object's namespace. Empty only for a delegate.
    """
    gateways: Sequence[str] = field(default=(), kind="list")
    """The gateways that apply these routes, as `name` or `namespace/name`; `mesh` means all sidecars. Default: `mesh`
    alone.
    """
    http: Sequence[HttpRoute] = field(default=(), kind="list", of="HttpRoute")
    """Rules for HTTP, tried in order; the first that matches decides."""
    tls: Sequence[TlsRoute] = field(default=(), kind="list", of="TlsRoute")
    """Rules for TLS that is not ended here, by SNI, tried in order."""
    tcp: Sequence[TcpRoute] = field(default=(), kind="list", of="TcpRoute")
    """Rules for opaque TCP, tried in order."""
    export_to: Sequence[str] = field(default=(), kind="list")
    """The namespaces that see this object: `*` all, `.` its own, or names. Default: what the mesh is configured to,
    usually all.
    """


class WarmupConfiguration(Message):
    """The growth of a new endpoint's share.

    Istio's [`WarmupConfiguration`](https://istio.io/latest/docs/reference/config/networking/destination-rule/#WarmupConfiguration).
    """

    __slots__ = ()

    duration: str = field(duration=True)
    """The time that it takes to reach the full share. Required. At least 1 ms."""
    minimum_percent: float | None = field(default=None)
    """The share at the start, in percent of the full one, 0 to 100. Default 10."""
    aggression: float | None = field(default=None)
    """The shape of the growth: 1 is linear, more is faster at first. Above 0. Default 1."""


class WorkloadSelector(Message):
    """Workloads by their labels.

    Istio's [`WorkloadSelector`](https://istio.io/latest/docs/reference/config/type/workload-selector/#WorkloadSelector).
    """

    __slots__ = ()

    match_labels: Mapping[str, str] = field(default=NOTHING, kind="map")
    """Labels that a workload must have, all of them. At most 4096, values of at most 63 characters, no `*`."""


class ZoneAwareFailover(Message):
    """Where traffic goes when a region has no healthy endpoint.

    Istio's [`Failover`](https://istio.io/latest/docs/reference/config/networking/destination-rule/#ZoneAwareLoadBalancerSetting-Failover).
    """

    __slots__ = ()

    from_: str | None = field(default=None)
    """The region that traffic comes from."""
    to: str | None = field(default=None)
    """The region that it goes to then."""


class ZoneAwareLoadBalancerSetting(Message):
    """Envoy's zone-aware routing: stay in the client's zone as far as it has room.

    Istio's [`ZoneAwareLoadBalancerSetting`](https://istio.io/latest/docs/reference/config/networking/destination-rule/#ZoneAwareLoadBalancerSetting).
    """

    __slots__ = ()

    enabled: bool | None = field(default=None)
    """Switches the setting on. Default: the mesh's."""
    failover: Sequence[ZoneAwareFailover] = field(default=(), kind="list", of="ZoneAwareFailover")
    """Where traffic goes when a region has no healthy endpoint."""
    failover_priority: Sequence[str] = field(default=(), kind="list")
    """Labels in order of importance; endpoints that share more of the first ones with the client come first."""
    min_cluster_size: int | None = field(default=None)
    """The least number of endpoints for which the client's zone is preferred. Default 6; at least 1."""


class ObjectMeta(Message):
    """The name, labels and other data of a Kubernetes object."""

    __slots__ = ()

    name: str | None = field(default=None)
    """The object's name."""
    namespace: str | None = field(default=None)
    """Its namespace. Default: that of the client, usually `default`."""
    labels: Mapping[str, str] = field(default=NOTHING, kind="map")
    """Labels, for selectors."""
    annotations: Mapping[str, str] = field(default=NOTHING, kind="map")
    """Notes of tools and people, not for selectors."""
    generate_name: str | None = field(default=None)
    """A prefix of which the API server makes a name."""
    uid: str | None = field(default=None)
    """The identity that the API server gave."""
    resource_version: str | None = field(default=None)
    """The version that the API server gave."""
    generation: int | None = field(default=None)
    """The number of changes of the wanted state."""
    creation_timestamp: str | None = field(default=None)
    """The time when the API server stored it first."""
    deletion_timestamp: str | None = field(default=None)
    """The time when it will be gone."""
    deletion_grace_period_seconds: int | None = field(default=None)
    """The seconds that a deletion may take."""
    finalizers: Sequence[str] = field(default=(), kind="list")
    """The tasks to do before it is gone."""
    owner_references: Sequence[Any] = field(default=(), kind="list")
    """The objects that it goes with."""
    managed_fields: Sequence[Any] = field(default=(), kind="list")
    """The owner of each field; written by the API server."""
    self_link: str | None = field(default=None)
    """No longer used by Kubernetes."""
