"""The compiled half of `canary`."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from os import PathLike
from typing import Any, Literal, Protocol, TypeAlias, final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from canary._node import Node

__all__ = [
    "Answer",
    "Answers",
    "Client",
    "Decision",
    "DestinationRule",
    "Finding",
    "Gateway",
    "Lab",
    "Mesh",
    "Preprocess",
    "VirtualService",
    "Workload",
    "__version__",
    "decode_image",
    "load",
    "validate",
]

__version__: str

class PilImage(Protocol):
    """An image of Pillow, or anything that saves itself like one."""

    mode: str
    def save(self, fp: Any, format: str | None = None, **params: Any) -> None: ...

File: TypeAlias = str | PathLike[str] | bytes | bytearray | memoryview | PilImage
Input: TypeAlias = File | ArrayLike | Sequence[File]
Seconds: TypeAlias = float | timedelta

@final
class Finding:
    """One thing found in one place of one object."""

    @property
    def severity(self) -> Literal["error", "warning", "info"]:
        """How much it matters: an error is refused by the mesh."""
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
        """What is wrong, in one line."""
    @property
    def found(self) -> str | None:
        """The value found there, as JSON."""
    @property
    def help(self) -> str | None:
        """What to do about it."""
    @property
    def line(self) -> int | None:
        """The line in the text that was read, from 1."""
    @property
    def column(self) -> int | None:
        """The column in the text that was read, from 1."""
    def __eq__(self, other: object) -> bool: ...
    def __ne__(self, other: object) -> bool: ...
    def __hash__(self) -> int: ...

@final
class Gateway:
    """Istio's `Gateway`: which ports and hosts the mesh lets in."""

    @staticmethod
    def http(
        name: str,
        port: int = 80,
        hosts: Sequence[str] = ["*"],
        *,
        selector: Mapping[str, str] | None = None,
        namespace: str | None = None,
    ) -> Gateway:
        """Let plain HTTP in.

        Args:
            name: The object's name.
            port: The port that the gateway listens on.
            hosts: The hosts that are let in; `*` is every host.
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
        hosts: Sequence[str] = ["*"],
        *,
        credential_name: str,
        selector: Mapping[str, str] | None = None,
        namespace: str | None = None,
    ) -> Gateway:
        """Let HTTPS in and end TLS at the gateway.

        Args:
            name: The object's name.
            port: The port that the gateway listens on.
            hosts: The hosts that are let in.
            credential_name: The Secret with the certificate and its key.
            selector: The labels of the gateway's pods; `istio: ingressgateway` unless given.
            namespace: The object's namespace.

        Example:
            >>> Gateway.https("g", credential_name="cert").spec.servers[0].tls.mode
            'SIMPLE'
        """
    @classmethod
    def from_dict(cls, object: Any) -> Gateway:
        """Read a plain dictionary, or an object of kr8s or of the Kubernetes client, strictly."""
    @classmethod
    def from_yaml(cls, text: str) -> Gateway:
        """Read YAML or JSON strictly: an unknown field is an error that names the nearest one."""
    def to_dict(self) -> dict[str, Any]:
        """Give a plain dictionary, free to change."""
    def to_json(self) -> str:
        """Give JSON."""
    def to_yaml(self) -> str:
        """Give YAML."""
    def replace(self, **changes: Any) -> Gateway:
        """Give a copy with other metadata (`name`, `namespace`, `labels`, `annotations`) or spec fields.

        Example:
            >>> Gateway.http("g").replace(namespace="mesh").namespace
            'mesh'
        """
    def validate(self) -> list[Finding]:
        """Find what Istio would refuse or warn of; nothing is sent."""
    @property
    def name(self) -> str:
        """The object's name."""
    @property
    def namespace(self) -> str | None:
        """The object's namespace, when it names one."""
    @property
    def metadata(self) -> Node:
        """Name, namespace, labels and annotations."""
    @property
    def spec(self) -> Node:
        """What is wanted, with attribute access."""
    def __eq__(self, other: object) -> bool: ...
    def __hash__(self) -> int: ...
    def __reduce__(self) -> tuple[Any, ...]: ...
    def _repr_html_(self) -> str: ...

@final
class VirtualService:
    """Istio's `VirtualService`: where requests to certain hosts go."""

    @staticmethod
    def weighted(
        host: str,
        weights: Mapping[str, int] | Sequence[tuple[str, int]],
        *,
        hosts: Sequence[str] | None = None,
        gateways: Sequence[str] | None = None,
        port: int | None = None,
        name: str | None = None,
        namespace: str | None = None,
        timeout: Seconds | None = None,
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
        hosts: Sequence[str] | None = None,
        gateways: Sequence[str] | None = None,
        port: int | None = None,
        name: str | None = None,
        namespace: str | None = None,
        timeout: Seconds | None = None,
        stamp_subset: str | None = None,
    ) -> VirtualService:
        """Send everything to one service, or to one subset of it.

        Example:
            >>> VirtualService.to("image-classifier", port=8501).spec.http[0].route[0].destination.host
            'image-classifier'
        """
    def when_header(self, header: str, value: str, subset: str) -> VirtualService:
        """Send requests whose header has exactly that value to a subset, before all other rules.

        Example:
            >>> focused = VirtualService.to("s", subset="a").when_header("user-group", "canary", "b")
            >>> focused.spec.http[0].match[0].headers["user-group"].exact
            'canary'
        """
    def mirror(self, subset: str, percent: float = 100.0) -> VirtualService:
        """Send a copy of that share of the requests to a subset too; its answers are dropped."""
    def stamp_subset(self, header: str = "x-canary-subset") -> VirtualService:
        """Let each answer name in a response header the subset that gave it."""
    @classmethod
    def from_dict(cls, object: Any) -> VirtualService:
        """Read a plain dictionary, or an object of kr8s or of the Kubernetes client, strictly."""
    @classmethod
    def from_yaml(cls, text: str) -> VirtualService:
        """Read YAML or JSON strictly: an unknown field is an error that names the nearest one."""
    def to_dict(self) -> dict[str, Any]:
        """Give a plain dictionary, free to change."""
    def to_json(self) -> str:
        """Give JSON."""
    def to_yaml(self) -> str:
        """Give YAML."""
    def replace(self, **changes: Any) -> VirtualService:
        """Give a copy with other metadata (`name`, `namespace`, `labels`, `annotations`) or spec fields.

        Example:
            >>> VirtualService.to("s").replace(hosts=["example.com"]).spec.hosts
            ('example.com',)
        """
    def validate(self) -> list[Finding]:
        """Find what Istio would refuse or warn of; nothing is sent.

        Example:
            >>> VirtualService.weighted("s", {"a": -1, "b": 2}).validate()[0].path
            'spec.http[0].route[0].weight'
        """
    @property
    def name(self) -> str:
        """The object's name."""
    @property
    def namespace(self) -> str | None:
        """The object's namespace, when it names one."""
    @property
    def metadata(self) -> Node:
        """Name, namespace, labels and annotations."""
    @property
    def spec(self) -> Node:
        """What is wanted, with attribute access."""
    def __eq__(self, other: object) -> bool: ...
    def __hash__(self) -> int: ...
    def __reduce__(self) -> tuple[Any, ...]: ...
    def _repr_html_(self) -> str: ...

@final
class DestinationRule:
    """Istio's `DestinationRule`: the subsets of a service, and how to call them."""

    @staticmethod
    def subsets(
        host: str, names: Sequence[str], *, namespace: str | None = None
    ) -> DestinationRule:
        """Name a service's subsets, each the pods whose label `version` has that value.

        Example:
            >>> rule = DestinationRule.subsets("image-classifier", ["resnet50", "resnet101"])
            >>> rule.spec.subsets[1].labels.version
            'resnet101'
        """
    @classmethod
    def from_dict(cls, object: Any) -> DestinationRule:
        """Read a plain dictionary, or an object of kr8s or of the Kubernetes client, strictly."""
    @classmethod
    def from_yaml(cls, text: str) -> DestinationRule:
        """Read YAML or JSON strictly: an unknown field is an error that names the nearest one."""
    def to_dict(self) -> dict[str, Any]:
        """Give a plain dictionary, free to change."""
    def to_json(self) -> str:
        """Give JSON."""
    def to_yaml(self) -> str:
        """Give YAML."""
    def replace(self, **changes: Any) -> DestinationRule:
        """Give a copy with other metadata (`name`, `namespace`, `labels`, `annotations`) or spec fields."""
    def validate(self) -> list[Finding]:
        """Find what Istio would refuse or warn of; nothing is sent."""
    @property
    def name(self) -> str:
        """The object's name."""
    @property
    def namespace(self) -> str | None:
        """The object's namespace, when it names one."""
    @property
    def metadata(self) -> Node:
        """Name, namespace, labels and annotations."""
    @property
    def spec(self) -> Node:
        """What is wanted, with attribute access."""
    def __eq__(self, other: object) -> bool: ...
    def __hash__(self) -> int: ...
    def __reduce__(self) -> tuple[Any, ...]: ...
    def _repr_html_(self) -> str: ...
