"""The messages of the Gateway API's objects: classes with every field, its type and its documentation.

They work as those of `canary.istio` do.

Example:
    >>> from canary import HttpRoute, gateway_api
    >>> limits = gateway_api.HttpRouteTimeouts(request="2s")
    >>> route = HttpRoute.weighted("pets", {"pets-v1": 90, "pets-v2": 10}, gateways=["public"], port=80)
    >>> rule = route.spec.rules[0].replace(timeouts=limits)
    >>> route.replace(rules=[rule]).spec.rules[0].timeouts.request
    '2s'
"""

# Written by scripts/istio_messages.py from the types in crates/canary-istio/src/gateway_api; change those.

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from canary._message import NOTHING, Message, field

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = [
    "AllowedListeners",
    "AllowedRoutes",
    "BackendObjectRef",
    "BackendRef",
    "BackendTls",
    "BackendTlsPolicySpec",
    "BackendTlsPolicyValidation",
    "CookieConfig",
    "Cors",
    "ExternalAuth",
    "ForwardBody",
    "Fraction",
    "FrontendTls",
    "FrontendTlsConfig",
    "FrontendTlsPort",
    "FrontendValidation",
    "GatewayAddress",
    "GatewayClassSpec",
    "GatewayInfrastructure",
    "GatewaySpec",
    "GatewayTls",
    "GrpcAuth",
    "GrpcMethodMatch",
    "GrpcRouteMatch",
    "GrpcRouteRule",
    "GrpcRouteSpec",
    "HeaderMatch",
    "HeaderModifier",
    "HttpAuth",
    "HttpHeader",
    "HttpRouteMatch",
    "HttpRouteRetry",
    "HttpRouteRule",
    "HttpRouteSpec",
    "HttpRouteTimeouts",
    "LabelExpression",
    "LabelSelector",
    "Listener",
    "ListenerTls",
    "LocalObjectRef",
    "Message",
    "NamespaceSelection",
    "ObjectRef",
    "ParametersRef",
    "ParentRef",
    "PathMatch",
    "PathModifier",
    "PolicyTargetRef",
    "QueryParamMatch",
    "ReferenceGrantFrom",
    "ReferenceGrantSpec",
    "ReferenceGrantTo",
    "RequestMirror",
    "RequestRedirect",
    "RouteFilter",
    "RouteGroupKind",
    "SecretRef",
    "SessionPersistence",
    "SubjectAltName",
    "UrlRewrite",
]


class AllowedListeners(Message):
    """The `ListenerSet`s that may attach to a gateway.

    The Gateway API's `AllowedListeners`.
    """

    __slots__ = ()

    namespaces: NamespaceSelection | None = field(default=None, of="NamespaceSelection")
    """Their namespaces. Default: none."""


class AllowedRoutes(Message):
    """The routes that may attach to a listener.

    The Gateway API's [`AllowedRoutes`](https://gateway-api.sigs.k8s.io/reference/spec/#allowedroutes).
    """

    __slots__ = ()

    namespaces: NamespaceSelection | None = field(default=None, of="NamespaceSelection")
    """The namespaces of the routes. Default: the gateway's."""
    kinds: Sequence[RouteGroupKind] = field(default=(), kind="list", of="RouteGroupKind")
    """The kinds of the routes, 8 at most. Default: those of the protocol."""


class BackendObjectRef(Message):
    """A backend without a share, such as that of a mirror.

    The Gateway API's [`BackendObjectReference`](https://gateway-api.sigs.k8s.io/reference/spec/#backendobjectreference).
    """

    __slots__ = ()

    group: str | None = field(default=None)
    """The API group. Default: empty, which is the core group."""
    kind: str | None = field(default=None)
    """The kind. Default: `Service`."""
    name: str = field()
    """The name. Required."""
    namespace: str | None = field(default=None)
    """The namespace. Default: the route's."""
    port: int | None = field(default=None)
    """The port of the service, 1 to 65535. Required for a `Service`."""


class BackendRef(Message):
    """A backend of a rule, and its share of the requests.

    The Gateway API's [`HTTPBackendRef`](https://gateway-api.sigs.k8s.io/reference/spec/#httpbackendref) and
    `GRPCBackendRef`.
    """

    __slots__ = ()

    group: str | None = field(default=None)
    """The API group. Default: empty, which is the core group."""
    kind: str | None = field(default=None)
    """The kind. Default: `Service`. Istio also takes `ServiceImport` and `Hostname`."""
    name: str = field()
    """The name. Required."""
    namespace: str | None = field(default=None)
    """The namespace. Default: the route's. Another one needs a `ReferenceGrant`, except for routes of the mesh."""
    port: int | None = field(default=None)
    """The port of the service, 1 to 65535. Required for a `Service`."""
    weight: int | None = field(default=None)
    """The share, as this number over the sum of the rule's weights, 0 to 1000000. Default: 1."""
    filters: Sequence[RouteFilter] = field(default=(), kind="list", of="RouteFilter")
    """Filters of requests that take this backend. Istio takes the two header modifiers; any other type removes the
    whole route from the proxies.
    """


class BackendTls(Message):
    """TLS settings towards backends.

    The Gateway API's `GatewayBackendTLS`.
    """

    __slots__ = ()

    client_certificate_ref: SecretRef | None = field(default=None, of="SecretRef")
    """The certificate that the gateway shows."""


class BackendTlsPolicySpec(Message):
    """The backends and the settings of TLS.

    The Gateway API's [`BackendTLSPolicySpec`](https://gateway-api.sigs.k8s.io/reference/spec/#backendtlspolicyspec).
    """

    __slots__ = ()

    target_refs: Sequence[PolicyTargetRef] = field(kind="list", of="PolicyTargetRef")
    """The backends, 1 to 16. Required."""
    validation: BackendTlsPolicyValidation = field(of="BackendTlsPolicyValidation")
    """The check of the backend's certificate. Required."""
    options: Mapping[str, str] = field(default=NOTHING, kind="map")
    """Options of the controller, 16 at most."""


class BackendTlsPolicyValidation(Message):
    """The check of a backend's certificate.

    The Gateway API's `BackendTLSPolicyValidation`.
    """

    __slots__ = ()

    ca_certificate_refs: Sequence[LocalObjectRef] = field(default=(), kind="list", of="LocalObjectRef")
    """The authorities that sign acceptable certificates, 8 at most. Excludes the well-known ones."""
    well_known_ca_certificates: str | None = field(default=None, key="wellKnownCACertificates")
    """`System` for the authorities that the proxy's system trusts."""
    hostname: str = field()
    """The name sent in TLS, which the certificate must have unless `subject_alt_names` says otherwise. Required."""
    subject_alt_names: Sequence[SubjectAltName] = field(default=(), kind="list", of="SubjectAltName")
    """The names of which the certificate must have one, 5 at most."""


class CookieConfig(Message):
    """Settings of a session's cookie.

    The Gateway API's `CookieConfig`.
    """

    __slots__ = ()

    lifetime_type: Literal["Permanent", "Session"] | None = field(default=None)
    """The life of the cookie. Default: `Session`. One of `Permanent`: until the time of `absolute_timeout`, which is
    then required; `Session`: until the browser closes.
    """


class Cors(Message):
    """The origins, methods and headers that browsers may use from pages of other origins.

    The Gateway API's [`HTTPCORSFilter`](https://gateway-api.sigs.k8s.io/reference/spec/#httpcorsfilter), in the standard
    channel since 1.5.
    """

    __slots__ = ()

    allow_origins: Sequence[str] = field(default=(), kind="list")
    """Origins such as `https://shop.example.com` or `https://*.example.com`, or `*` alone; 64 at most."""
    allow_credentials: bool | None = field(default=None)
    """Allow requests with cookies. Default: `false`."""
    allow_methods: Sequence[str] = field(default=(), kind="list")
    """Methods in capitals, or `*` alone; 9 at most."""
    allow_headers: Sequence[str] = field(default=(), kind="list")
    """Headers of requests, or `*` alone; 64 at most."""
    expose_headers: Sequence[str] = field(default=(), kind="list")
    """Headers of responses that pages can read; 64 at most."""
    max_age: int | None = field(default=None)
    """The seconds for which a browser may keep the answer, 1 or more. Default: 5."""


class ExternalAuth(Message):
    """A service that is asked about each request. Experimental channel only; Istio removes a route with it from the
    proxies.

    The Gateway API's [`HTTPExternalAuthFilter`](https://gateway-api.sigs.k8s.io/reference/spec/#httpexternalauthfilter).
    """

    __slots__ = ()

    protocol: Literal["HTTP", "GRPC"] = field()
    """The protocol of the service. Required. One of `HTTP`: requests of HTTP; `GRPC`: envoy's gRPC protocol
    `ext_authz`.
    """
    backend_ref: BackendObjectRef = field(of="BackendObjectRef")
    """The service. Required."""
    grpc: GrpcAuth | None = field(default=None, of="GrpcAuth")
    """Settings of the protocol `GRPC`; required with it, and absent with any other."""
    http: HttpAuth | None = field(default=None, of="HttpAuth")
    """Settings of the protocol `HTTP`; required with it, and absent with any other."""
    forward_body: ForwardBody | None = field(default=None, of="ForwardBody")
    """The part of the body that is sent along. Default: none."""


class ForwardBody(Message):
    """The part of the body that is sent to the service of authorization.

    The Gateway API's `ForwardBodyConfig`.
    """

    __slots__ = ()

    max_size: int | None = field(default=None)
    """The number of bytes. Default: 0, which is no body."""


class Fraction(Message):
    """A share.

    The Gateway API's [`Fraction`](https://gateway-api.sigs.k8s.io/reference/spec/#fraction).
    """

    __slots__ = ()

    numerator: int = field()
    """0 or more, and the denominator at most. Required."""
    denominator: int | None = field(default=None)
    """1 or more. Default: 100."""


class FrontendTls(Message):
    """TLS settings towards clients.

    The Gateway API's `FrontendTLSConfig`.
    """

    __slots__ = ()

    default: FrontendTlsConfig = field(of="FrontendTlsConfig")
    """Settings of every port that `per_port` does not name. Required."""
    per_port: Sequence[FrontendTlsPort] = field(default=(), kind="list", of="FrontendTlsPort")
    """Settings of single ports, 64 at most, with different ports."""


class FrontendTlsConfig(Message):
    """Settings of TLS towards clients.

    The Gateway API's `TLSConfig`.
    """

    __slots__ = ()

    validation: FrontendValidation | None = field(default=None, of="FrontendValidation")
    """The check of client certificates. Default: none is asked for."""


class FrontendTlsPort(Message):
    """TLS settings of one port towards clients.

    The Gateway API's `TLSPortConfig`.
    """

    __slots__ = ()

    port: int = field()
    """The port, 1 to 65535. Required."""
    tls: FrontendTlsConfig = field(of="FrontendTlsConfig")
    """Its settings. Required."""


class FrontendValidation(Message):
    """The check of client certificates.

    The Gateway API's `FrontendTLSValidation`.
    """

    __slots__ = ()

    ca_certificate_refs: Sequence[ObjectRef] = field(kind="list", of="ObjectRef")
    """The authorities that sign acceptable certificates, 1 to 16. Required."""
    mode: Literal["AllowValidOnly", "AllowInsecureFallback"] | None = field(default=None)
    """The treatment of other clients. Default: `AllowValidOnly`. One of `AllowValidOnly`: they are refused;
    `AllowInsecureFallback`: they are let in.
    """


class GatewayAddress(Message):
    """An address that a gateway wants.

    The Gateway API's [`GatewaySpecAddress`](https://gateway-api.sigs.k8s.io/reference/spec/#gatewayspecaddress).
    """

    __slots__ = ()

    type: str | None = field(default=None)
    """`IPAddress`, `Hostname`, `NamedAddress` or a type with a domain. Default: `IPAddress`."""
    value: str | None = field(default=None)
    """The address; the controller chooses one when it is absent or empty."""


class GatewayClassSpec(Message):
    """The controller and the parameters of a class.

    The Gateway API's [`GatewayClassSpec`](https://gateway-api.sigs.k8s.io/reference/spec/#gatewayclassspec).
    """

    __slots__ = ()

    controller_name: str = field()
    """The controller, as `domain/path`, which cannot be changed. Required."""
    parameters_ref: ParametersRef | None = field(default=None, of="ParametersRef")
    """An object with settings of the controller."""
    description: str | None = field(default=None)
    """A description, 64 characters at most."""


class GatewayInfrastructure(Message):
    """Settings of the objects that the controller creates for a gateway.

    The Gateway API's [`GatewayInfrastructure`](https://gateway-api.sigs.k8s.io/reference/spec/#gatewayinfrastructure).
    """

    __slots__ = ()

    labels: Mapping[str, str] = field(default=NOTHING, kind="map")
    """Labels of the objects, 8 at most."""
    annotations: Mapping[str, str] = field(default=NOTHING, kind="map")
    """Annotations of the objects, 16 at most."""
    parameters_ref: LocalObjectRef | None = field(default=None, of="LocalObjectRef")
    """An object with further settings, for Istio a `ConfigMap`."""


class GatewaySpec(Message):
    """The class, listeners and addresses of a gateway.

    The Gateway API's [`GatewaySpec`](https://gateway-api.sigs.k8s.io/reference/spec/#gatewayspec).
    """

    __slots__ = ()

    gateway_class_name: str = field()
    """The name of the `GatewayClass`, such as `istio`. Required."""
    listeners: Sequence[Listener] = field(kind="list", of="Listener")
    """The ports that are listened on, 1 to 64, with different names. Required."""
    addresses: Sequence[GatewayAddress] = field(default=(), kind="list", of="GatewayAddress")
    """The addresses wanted, 16 at most. One of type `Hostname` binds Istio to an existing Service; otherwise Istio
    deploys one.
    """
    infrastructure: GatewayInfrastructure | None = field(default=None, of="GatewayInfrastructure")
    """Settings of the objects that the controller creates."""
    allowed_listeners: AllowedListeners | None = field(default=None, of="AllowedListeners")
    """The namespaces whose `ListenerSet`s may attach. Default: none."""
    tls: GatewayTls | None = field(default=None, of="GatewayTls")
    """TLS settings of the whole gateway."""
    default_scope: Literal["All", "None"] | None = field(default=None)
    """Makes this a default gateway. Experimental channel only. One of `All`: all of them; `None`: none of them."""


class GatewayTls(Message):
    """TLS settings of a whole gateway, towards backends and clients.

    The Gateway API's [`GatewayTLSConfig`](https://gateway-api.sigs.k8s.io/reference/spec/#gatewaytlsconfig).
    """

    __slots__ = ()

    backend: BackendTls | None = field(default=None, of="BackendTls")
    """Settings towards backends."""
    frontend: FrontendTls | None = field(default=None, of="FrontendTls")
    """Settings towards clients."""


class GrpcAuth(Message):
    """Settings of authorization by gRPC.

    The Gateway API's `GRPCAuthConfig`.
    """

    __slots__ = ()

    allowed_headers: Sequence[str] = field(default=(), kind="list")
    """Headers of the request that are sent along, 64 at most. Default: all."""


class GrpcMethodMatch(Message):
    """A condition on the service and the method; one of them at least.

    The Gateway API's [`GRPCMethodMatch`](https://gateway-api.sigs.k8s.io/reference/spec/#grpcmethodmatch).
    """

    __slots__ = ()

    type: Literal["Exact", "RegularExpression"] | None = field(default=None)
    """The way in which both are compared. Default: `Exact`. One of `Exact`: the same text; `RegularExpression`: an RE2
    expression, which the whole text must match.
    """
    service: str | None = field(default=None)
    """The service with its package, such as `tensorflow.serving.PredictionService`. Default: any."""
    method: str | None = field(default=None)
    """The method, such as `Predict`. Default: any."""


class GrpcRouteMatch(Message):
    """Conditions that must hold together.

    The Gateway API's [`GRPCRouteMatch`](https://gateway-api.sigs.k8s.io/reference/spec/#grpcroutematch).
    """

    __slots__ = ()

    method: GrpcMethodMatch | None = field(default=None, of="GrpcMethodMatch")
    """The service and the method. Default: any."""
    headers: Sequence[HeaderMatch] = field(default=(), kind="list", of="HeaderMatch")
    """Headers, all of which must match; 16 at most, with different names."""


class GrpcRouteRule(Message):
    """A rule: conditions of which one must hold, and what is then done with the request.

    The Gateway API's [`GRPCRouteRule`](https://gateway-api.sigs.k8s.io/reference/spec/#grpcrouterule).
    """

    __slots__ = ()

    name: str | None = field(default=None)
    """A name, 1 to 253 bytes. In the standard channel since 1.4, where it need not be unique."""
    matches: Sequence[GrpcRouteMatch] = field(default=(), kind="list", of="GrpcRouteMatch")
    """The conditions, 64 at most; one of them must hold. Default: every request."""
    filters: Sequence[RouteFilter] = field(default=(), kind="list", of="RouteFilter")
    """The changes and copies of a request before it is forwarded, 16 at most: header modifiers, mirrors and
    extensions.
    """
    backend_refs: Sequence[BackendRef] = field(default=(), kind="list", of="BackendRef")
    """The backends, 16 at most, with the share of each."""
    session_persistence: SessionPersistence | None = field(default=None, of="SessionPersistence")
    """Sessions that stay with one backend. Experimental channel only; Istio ignores it."""


class GrpcRouteSpec(Message):
    """The parents, host names and rules of a route.

    The Gateway API's [`GRPCRouteSpec`](https://gateway-api.sigs.k8s.io/reference/spec/#grpcroutespec).
    """

    __slots__ = ()

    parent_refs: Sequence[ParentRef] = field(default=(), kind="list", of="ParentRef")
    """The gateways and services that apply the route, 32 at most. Without any, the route has no effect."""
    use_default_gateways: Literal["All", "None"] | None = field(default=None)
    """Attach to the default gateways too. Experimental channel only; Istio ignores it. One of `All`: all of them;
    `None`: none of them.
    """
    hostnames: Sequence[str] = field(default=(), kind="list")
    """The host names, 16 at most; `*.` may stand for the labels in front. Default: those of the listeners."""
    rules: Sequence[GrpcRouteRule] = field(default=(), kind="list", of="GrpcRouteRule")
    """The rules, 16 at most. Default: none."""


class HeaderMatch(Message):
    """A condition on a header.

    The Gateway API's [`HTTPHeaderMatch`](https://gateway-api.sigs.k8s.io/reference/spec/#httpheadermatch) and
    `GRPCHeaderMatch`.
    """

    __slots__ = ()

    type: Literal["Exact", "RegularExpression"] | None = field(default=None)
    """The way in which `value` is compared. Default: `Exact`. One of `Exact`: the same text; `RegularExpression`: an
    RE2 expression, which the whole text must match.
    """
    name: str = field()
    """The name of the header, in any case of letters. Required."""
    value: str = field()
    """The value or expression, 1 to 4096 bytes. Required."""


class HeaderModifier(Message):
    """Changes to headers: removed first, then set, then added, whatever the order of the fields.

    The Gateway API's [`HTTPHeaderFilter`](https://gateway-api.sigs.k8s.io/reference/spec/#httpheaderfilter).
    """

    __slots__ = ()

    set: Sequence[HttpHeader] = field(default=(), kind="list", of="HttpHeader")
    """Headers to overwrite, 16 at most, with different names."""
    add: Sequence[HttpHeader] = field(default=(), kind="list", of="HttpHeader")
    """Values to append to headers, 16 at most, with different names."""
    remove: Sequence[str] = field(default=(), kind="list")
    """Names of headers to remove, 16 at most."""


class HttpAuth(Message):
    """Settings of authorization by HTTP.

    The Gateway API's `HTTPAuthConfig`.
    """

    __slots__ = ()

    path: str | None = field(default=None)
    """The prefix of the path, 1024 bytes at most. Default: none."""
    allowed_headers: Sequence[str] = field(default=(), kind="list")
    """Headers of the request that are sent along, 64 at most."""
    allowed_response_headers: Sequence[str] = field(default=(), kind="list")
    """Headers of the answer that are added to the request, 64 at most."""


class HttpHeader(Message):
    """A header.

    The Gateway API's [`HTTPHeader`](https://gateway-api.sigs.k8s.io/reference/spec/#httpheader).
    """

    __slots__ = ()

    name: str = field()
    """The name, in any case of letters. Required."""
    value: str = field()
    """The value, 1 to 4096 bytes. Required."""


class HttpRouteMatch(Message):
    """Conditions that must hold together.

    The Gateway API's [`HTTPRouteMatch`](https://gateway-api.sigs.k8s.io/reference/spec/#httproutematch).
    """

    __slots__ = ()

    path: PathMatch | None = field(default=None, of="PathMatch")
    """The path. Default: the prefix `/`, which every path has."""
    headers: Sequence[HeaderMatch] = field(default=(), kind="list", of="HeaderMatch")
    """Headers, all of which must match; 16 at most, with different names."""
    query_params: Sequence[QueryParamMatch] = field(default=(), kind="list", of="QueryParamMatch")
    """Parameters of the query, all of which must match; 16 at most, with different names."""
    method: Literal["GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"] | None = field(default=None)
    """The method. Default: any. One of `GET`; `HEAD`; `POST`; `PUT`; `DELETE`; `CONNECT`; `OPTIONS`; `TRACE`; `PATCH`."""


class HttpRouteRetry(Message):
    """When and how often a request is tried again. Experimental channel only.

    The Gateway API's [`HTTPRouteRetry`](https://gateway-api.sigs.k8s.io/reference/spec/#httprouteretry).
    """

    __slots__ = ()

    codes: Sequence[int] = field(default=(), kind="list")
    """The statuses that are tried again, 400 to 599, besides failures to connect."""
    attempts: int | None = field(default=None)
    """The number of retries, 1 or more. Istio's default: 2."""
    backoff: str | None = field(default=None, duration=True)
    """The shortest time between two attempts."""


class HttpRouteRule(Message):
    """A rule: conditions of which one must hold, and what is then done with the request.

    The order of the rules does not decide: the most specific match of all routes for a host does.

    The Gateway API's [`HTTPRouteRule`](https://gateway-api.sigs.k8s.io/reference/spec/#httprouterule).
    """

    __slots__ = ()

    name: str | None = field(default=None)
    """A name, 1 to 253 bytes. In the standard channel since 1.4, where it need not be unique."""
    matches: Sequence[HttpRouteMatch] = field(default=(), kind="list", of="HttpRouteMatch")
    """The conditions, 64 at most; one of them must hold. Default: the prefix `/`."""
    filters: Sequence[RouteFilter] = field(default=(), kind="list", of="RouteFilter")
    """The changes, copies and redirects of a request before it is forwarded, 16 at most, in any order."""
    backend_refs: Sequence[BackendRef] = field(default=(), kind="list", of="BackendRef")
    """The backends, 16 at most, with the share of each. Without any, the answer is 500 unless a filter redirects."""
    timeouts: HttpRouteTimeouts | None = field(default=None, of="HttpRouteTimeouts")
    """Limits of time."""
    retry: HttpRouteRetry | None = field(default=None, of="HttpRouteRetry")
    """When and how often to try again. Experimental channel only."""
    session_persistence: SessionPersistence | None = field(default=None, of="SessionPersistence")
    """Sessions that stay with one backend. Experimental channel only; Istio ignores it."""


class HttpRouteSpec(Message):
    """The parents, host names and rules of a route.

    The Gateway API's [`HTTPRouteSpec`](https://gateway-api.sigs.k8s.io/reference/spec/#httproutespec).
    """

    __slots__ = ()

    parent_refs: Sequence[ParentRef] = field(default=(), kind="list", of="ParentRef")
    """The gateways and services that apply the route, 32 at most. Without any, the route has no effect."""
    use_default_gateways: Literal["All", "None"] | None = field(default=None)
    """Attach to the default gateways too. Experimental channel only; Istio ignores it. One of `All`: all of them;
    `None`: none of them.
    """
    hostnames: Sequence[str] = field(default=(), kind="list")
    """The host names, 16 at most; `*.` may stand for the labels in front. Default: those of the listeners. Services of
    the mesh ignore them.
    """
    rules: Sequence[HttpRouteRule] = field(default=(), kind="list", of="HttpRouteRule")
    """The rules, 1 to 16. Default: one rule for the prefix `/`, without backends."""


class HttpRouteTimeouts(Message):
    """Limits of time of a rule.

    The Gateway API's [`HTTPRouteTimeouts`](https://gateway-api.sigs.k8s.io/reference/spec/#httproutetimeouts).
    """

    __slots__ = ()

    request: str | None = field(default=None, duration=True)
    """The time of the whole request; `0s` is no limit."""
    backend_request: str | None = field(default=None, duration=True)
    """The time of one attempt, `request` at most. Without `retry`, Istio takes it in place of `request`."""


class LabelExpression(Message):
    """A condition on one label.

    Kubernetes' `LabelSelectorRequirement`.
    """

    __slots__ = ()

    key: str = field()
    """The key of the label. Required."""
    operator: str = field()
    """`In`, `NotIn`, `Exists` or `DoesNotExist`. Required."""
    values_: Sequence[str] = field(default=(), kind="list")
    """The values, for `In` and `NotIn`."""


class LabelSelector(Message):
    """Conditions on labels, all of which must hold.

    Kubernetes' [`LabelSelector`](https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/label-selector/).
    """

    __slots__ = ()

    match_labels: Mapping[str, str] = field(default=NOTHING, kind="map")
    """Labels with the value that each must have."""
    match_expressions: Sequence[LabelExpression] = field(default=(), kind="list", of="LabelExpression")
    """Conditions on single labels."""


class Listener(Message):
    """One port of a gateway with its protocol, its host names and the routes that it takes.

    The Gateway API's [`Listener`](https://gateway-api.sigs.k8s.io/reference/spec/#listener).
    """

    __slots__ = ()

    name: str = field()
    """A name, unique within the gateway. Required."""
    hostname: str | None = field(default=None)
    """The host name; `*.` may stand for the labels in front. Default: every host."""
    port: int = field()
    """The port, 1 to 65535. Required."""
    protocol: str = field()
    """`HTTP`, `HTTPS`, `TLS` or `TCP`; `HBONE` for waypoints. Required."""
    tls: ListenerTls | None = field(default=None, of="ListenerTls")
    """TLS settings; for `HTTPS` and `TLS` only."""
    allowed_routes: AllowedRoutes | None = field(default=None, of="AllowedRoutes")
    """The routes that may attach. Default: those of the gateway's namespace."""


class ListenerTls(Message):
    """TLS settings of a listener.

    The Gateway API's [`ListenerTLSConfig`](https://gateway-api.sigs.k8s.io/reference/spec/#listenertlsconfig).
    """

    __slots__ = ()

    mode: Literal["Terminate", "Passthrough"] | None = field(default=None)
    """The place where TLS ends. Default: `Terminate`. One of `Terminate`: at the gateway; `Passthrough`: at the server
    behind it.
    """
    certificate_refs: Sequence[SecretRef] = field(default=(), kind="list", of="SecretRef")
    """The certificates, 64 at most. Required for `Terminate` unless there are options."""
    options: Mapping[str, str] = field(default=NOTHING, kind="map")
    """Options of the controller, 16 at most."""


class LocalObjectRef(Message):
    """A reference to an object of the same namespace.

    The Gateway API's `LocalObjectReference`.
    """

    __slots__ = ()

    group: str = field()
    """The API group; empty for the core group. Required."""
    kind: str = field()
    """The kind. Required."""
    name: str = field()
    """The name. Required."""


class NamespaceSelection(Message):
    """Namespaces, by their relation to the gateway or by their labels.

    The Gateway API's `RouteNamespaces` and `ListenerNamespaces`.
    """

    __slots__ = ()

    from_: Literal["All", "Selector", "Same", "None"] | None = field(default=None)
    """The way of selection. Default: `Same` for routes, `None` for listeners. One of `All`: all namespaces;
    `Selector`: those that the selector selects; `Same`: the gateway's; `None`: no namespace; for listeners only.
    """
    selector: LabelSelector | None = field(default=None, of="LabelSelector")
    """The labels of the namespaces, with `Selector`."""


class ObjectRef(Message):
    """A reference to an object of any namespace.

    The Gateway API's `ObjectReference`.
    """

    __slots__ = ()

    group: str = field()
    """The API group; empty for the core group. Required."""
    kind: str = field()
    """The kind. Required."""
    name: str = field()
    """The name. Required."""
    namespace: str | None = field(default=None)
    """The namespace. Default: that of the object that refers."""


class ParametersRef(Message):
    """An object with settings of a controller.

    The Gateway API's `ParametersReference`.
    """

    __slots__ = ()

    group: str = field()
    """The API group; empty for the core group. Required."""
    kind: str = field()
    """The kind. Required."""
    name: str = field()
    """The name. Required."""
    namespace: str | None = field(default=None)
    """The namespace, for a kind that has namespaces."""


class ParentRef(Message):
    """A parent of a route: a `Gateway`, or a `Service` of the mesh.

    The Gateway API's [`ParentReference`](https://gateway-api.sigs.k8s.io/reference/spec/#parentreference).
    """

    __slots__ = ()

    group: str | None = field(default=None)
    """The API group. Default: `gateway.networking.k8s.io`; empty for a `Service`."""
    kind: str | None = field(default=None)
    """The kind. Default: `Gateway`. Istio also takes `ListenerSet`, `Service` and `ServiceEntry`, and ignores others
    without any status.
    """
    namespace: str | None = field(default=None)
    """The namespace. Default: the route's."""
    name: str = field()
    """The name. Required."""
    section_name: str | None = field(default=None)
    """The name of a listener. Default: every listener. Istio ignores it for a `Service`."""
    port: int | None = field(default=None)
    """The port of the listener or of the `Service`, 1 to 65535. Default: every port."""


class PathMatch(Message):
    """A condition on the path, without the query.

    The Gateway API's [`HTTPPathMatch`](https://gateway-api.sigs.k8s.io/reference/spec/#httppathmatch).
    """

    __slots__ = ()

    type: Literal["Exact", "PathPrefix", "RegularExpression"] | None = field(default=None)
    """The way in which `value` is compared. Default: `PathPrefix`. One of `Exact`: the whole path; `PathPrefix`: whole
    segments at the beginning: `/v2` takes `/v2` and `/v2/x`, not `/v2x`; `RegularExpression`: an RE2 expression,
    which the whole path must match.
    """
    value: str | None = field(default=None)
    """The path, prefix or RE2 expression, 1024 bytes at most. Default: `/`."""


class PathModifier(Message):
    """A change to a path; the query stays.

    The Gateway API's [`HTTPPathModifier`](https://gateway-api.sigs.k8s.io/reference/spec/#httppathmodifier).
    """

    __slots__ = ()

    type: Literal["ReplaceFullPath", "ReplacePrefixMatch"] = field()
    """The type of the change, which names the field that is given. Required. One of `ReplaceFullPath`;
    `ReplacePrefixMatch`.
    """
    replace_full_path: str | None = field(default=None)
    """This path in place of the whole path. Excludes `replacePrefixMatch`."""
    replace_prefix_match: str | None = field(default=None)
    """This prefix in place of the prefix that the rule's one match has. Excludes `replaceFullPath`."""


class PolicyTargetRef(Message):
    """A backend of the same namespace that a policy is for.

    The Gateway API's `LocalPolicyTargetReferenceWithSectionName`.
    """

    __slots__ = ()

    group: str = field()
    """The API group; empty for the core group. Required."""
    kind: str = field()
    """The kind, such as `Service`. Required."""
    name: str = field()
    """The name. Required."""
    section_name: str | None = field(default=None)
    """The name of a port. Default: every port."""


class QueryParamMatch(Message):
    """A condition on a parameter of the query, of which the first occurrence counts.

    The Gateway API's [`HTTPQueryParamMatch`](https://gateway-api.sigs.k8s.io/reference/spec/#httpqueryparammatch).
    """

    __slots__ = ()

    type: Literal["Exact", "RegularExpression"] | None = field(default=None)
    """The way in which `value` is compared. Default: `Exact`. One of `Exact`: the same text; `RegularExpression`: an
    RE2 expression, which the whole text must match.
    """
    name: str = field()
    """The name of the parameter, whose case counts. Required."""
    value: str = field()
    """The value or expression, 1 to 1024 bytes. Required."""


class ReferenceGrantFrom(Message):
    """Objects that may refer.

    The Gateway API's `ReferenceGrantFrom`.
    """

    __slots__ = ()

    group: str = field()
    """The API group; empty for the core group. Required."""
    kind: str = field()
    """The kind. Required."""
    namespace: str = field()
    """The namespace. Required."""


class ReferenceGrantSpec(Message):
    """The objects that may refer, and those that may be referred to.

    The Gateway API's [`ReferenceGrantSpec`](https://gateway-api.sigs.k8s.io/reference/spec/#referencegrantspec).
    """

    __slots__ = ()

    from_: Sequence[ReferenceGrantFrom] = field(kind="list", of="ReferenceGrantFrom")
    """The objects that may refer, 1 to 16. Required."""
    to: Sequence[ReferenceGrantTo] = field(kind="list", of="ReferenceGrantTo")
    """The objects that may be referred to, 1 to 16. Required."""


class ReferenceGrantTo(Message):
    """Objects that may be referred to.

    The Gateway API's `ReferenceGrantTo`.
    """

    __slots__ = ()

    group: str = field()
    """The API group; empty for the core group. Required."""
    kind: str = field()
    """The kind. Required."""
    name: str | None = field(default=None)
    """The name. Default: every object of the kind."""


class RequestMirror(Message):
    """A backend that gets a copy of requests; its responses are dropped.

    The Gateway API's
    [`HTTPRequestMirrorFilter`](https://gateway-api.sigs.k8s.io/reference/spec/#httprequestmirrorfilter).
    """

    __slots__ = ()

    backend_ref: BackendObjectRef = field(of="BackendObjectRef")
    """The backend. Required."""
    percent: int | None = field(default=None)
    """The share of requests, in percent, 0 to 100. Excludes `fraction`. Default: all of them."""
    fraction: Fraction | None = field(default=None, of="Fraction")
    """The share of requests, as a fraction. Excludes `percent`."""


class RequestRedirect(Message):
    """An answer that sends the client elsewhere.

    The Gateway API's
    [`HTTPRequestRedirectFilter`](https://gateway-api.sigs.k8s.io/reference/spec/#httprequestredirectfilter).
    """

    __slots__ = ()

    scheme: Literal["http", "https"] | None = field(default=None)
    """The scheme. Default: the request's. One of `http`: `http`; `https`: `https`."""
    hostname: str | None = field(default=None)
    """The host. Default: the request's."""
    path: PathModifier | None = field(default=None, of="PathModifier")
    """The path. Default: the request's."""
    port: int | None = field(default=None)
    """The port, 1 to 65535. Default: that of `scheme`, else the listener's."""
    status_code: int | None = field(default=None)
    """The status: 301, 302, 303, 307 or 308. Default: 302."""


class RouteFilter(Message):
    """A filter of a rule or of one of its backends.

    The Gateway API's [`HTTPRouteFilter`](https://gateway-api.sigs.k8s.io/reference/spec/#httproutefilter) and
    `GRPCRouteFilter`, which has the header modifiers, the mirror and the extension only.
    """

    __slots__ = ()

    type: Literal["RequestHeaderModifier", "ResponseHeaderModifier", "RequestMirror", "RequestRedirect", "URLRewrite", "CORS", "ExternalAuth", "ExtensionRef"] = field()
    """The type of the filter, which names the field that is given. Required. One of `RequestHeaderModifier`;
    `ResponseHeaderModifier`; `RequestMirror`; `RequestRedirect`; `URLRewrite`; `CORS`; `ExternalAuth`;
    `ExtensionRef`.
    """
    request_header_modifier: HeaderModifier | None = field(default=None, of="HeaderModifier")
    """Changes to headers before the request is sent on. Excludes `responseHeaderModifier`, `requestMirror`,
    `requestRedirect`, `urlRewrite`, `cors`, `externalAuth` and `extensionRef`.
    """
    response_header_modifier: HeaderModifier | None = field(default=None, of="HeaderModifier")
    """Changes to headers before the response is returned. Excludes `requestHeaderModifier`, `requestMirror`,
    `requestRedirect`, `urlRewrite`, `cors`, `externalAuth` and `extensionRef`.
    """
    request_mirror: RequestMirror | None = field(default=None, of="RequestMirror")
    """A copy of the request for another backend. Excludes `requestHeaderModifier`, `responseHeaderModifier`,
    `requestRedirect`, `urlRewrite`, `cors`, `externalAuth` and `extensionRef`.
    """
    request_redirect: RequestRedirect | None = field(default=None, of="RequestRedirect")
    """A redirect as the answer. Excludes backends. Excludes `requestHeaderModifier`, `responseHeaderModifier`,
    `requestMirror`, `urlRewrite`, `cors`, `externalAuth` and `extensionRef`.
    """
    url_rewrite: UrlRewrite | None = field(default=None, of="UrlRewrite")
    """Changes to host and path. Excludes a redirect. Excludes `requestHeaderModifier`, `responseHeaderModifier`,
    `requestMirror`, `requestRedirect`, `cors`, `externalAuth` and `extensionRef`.
    """
    cors: Cors | None = field(default=None, of="Cors")
    """The answer to browsers that ask for cross-origin access. Excludes `requestHeaderModifier`,
    `responseHeaderModifier`, `requestMirror`, `requestRedirect`, `urlRewrite`, `externalAuth` and `extensionRef`.
    """
    external_auth: ExternalAuth | None = field(default=None, of="ExternalAuth")
    """Authorization by another service. Experimental channel only; Istio does not have it. Excludes
    `requestHeaderModifier`, `responseHeaderModifier`, `requestMirror`, `requestRedirect`, `urlRewrite`, `cors` and
    `extensionRef`.
    """
    extension_ref: LocalObjectRef | None = field(default=None, of="LocalObjectRef")
    """A filter that another object describes. Istio has none, and removes a route with it from the proxies. Excludes
    `requestHeaderModifier`, `responseHeaderModifier`, `requestMirror`, `requestRedirect`, `urlRewrite`, `cors` and
    `externalAuth`.
    """


class RouteGroupKind(Message):
    """A kind of routes.

    The Gateway API's `RouteGroupKind`.
    """

    __slots__ = ()

    group: str | None = field(default=None)
    """The API group. Default: `gateway.networking.k8s.io`."""
    kind: str = field()
    """The kind, such as `HTTPRoute`. Required."""


class SecretRef(Message):
    """A reference to a `Secret`, or to another object that holds a certificate.

    The Gateway API's `SecretObjectReference`.
    """

    __slots__ = ()

    group: str | None = field(default=None)
    """The API group. Default: empty, which is the core group."""
    kind: str | None = field(default=None)
    """The kind. Default: `Secret`."""
    name: str = field()
    """The name. Required."""
    namespace: str | None = field(default=None)
    """The namespace. Default: that of the object that refers. Another one needs a `ReferenceGrant`."""


class SessionPersistence(Message):
    """Requests of one session go to the same backend. Experimental channel only; Istio ignores it.

    The Gateway API's [`SessionPersistence`](https://gateway-api.sigs.k8s.io/reference/spec/#sessionpersistence).
    """

    __slots__ = ()

    session_name: str | None = field(default=None)
    """The name of the cookie or header, 128 bytes at most."""
    absolute_timeout: str | None = field(default=None, duration=True)
    """The time after which a session ends."""
    type: Literal["Cookie", "Header"] | None = field(default=None)
    """The place of the session in a request. Default: `Cookie`. One of `Cookie`: a cookie; `Header`: a header."""
    cookie_config: CookieConfig | None = field(default=None, of="CookieConfig")
    """Settings of the cookie; with `Cookie` only."""


class SubjectAltName(Message):
    """A name in a certificate.

    The Gateway API's `SubjectAltName`.
    """

    __slots__ = ()

    type: Literal["Hostname", "URI"] = field()
    """The type of the name, which names the field that is given. Required. One of `Hostname`; `URI`."""
    hostname: str | None = field(default=None)
    """A host name. Excludes `uri`."""
    uri: str | None = field(default=None)
    """A URI, such as a SPIFFE identity. Excludes `hostname`."""


class UrlRewrite(Message):
    """Changes to the host and the path of a request before it is sent on.

    The Gateway API's [`HTTPURLRewriteFilter`](https://gateway-api.sigs.k8s.io/reference/spec/#httpurlrewritefilter).
    """

    __slots__ = ()

    hostname: str | None = field(default=None)
    """The host. Default: the request's."""
    path: PathModifier | None = field(default=None, of="PathModifier")
    """The path. Default: the request's."""
