"""Parts of objects as immutable mappings with attribute access."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from typing_extensions import Self


class Node(Mapping[str, Any]):
    """A part of an object: what is set in it as a mapping, and as attributes.

    A node is immutable and compares equal to the mapping it shows. Lists are tuples.

    Example:
        >>> from canary import VirtualService
        >>> split = VirtualService.weighted("image-classifier", {"resnet50": 70, "resnet101": 30})
        >>> split.spec.http[0].route[1].weight
        30
        >>> split.spec.http[0].route[1].destination.subset
        'resnet101'
    """

    __slots__ = ("_fields", "_path")
    _fields: Mapping[str, Any]
    _path: str

    @classmethod
    def _new(cls, fields: Mapping[str, Any], path: str) -> Self:
        """Show the fields of a JSON object; `path` is its place, for messages."""
        node = cls.__new__(cls)
        node._fill(fields, path)  # noqa: SLF001 - its own class
        return node

    def _fill(self, fields: Mapping[str, Any], path: str) -> None:
        object.__setattr__(self, "_fields", fields)
        object.__setattr__(self, "_path", path)

    if not TYPE_CHECKING:  # so that a checker finds a misspelt field

        def __getattr__(self, name: str) -> Any:
            """Give the value at that key."""
            if name in self._fields:
                return self[name]
            raise AttributeError(f"{self._path} has no {name!r}; there are: {', '.join(sorted(self._fields))}")

    def __setattr__(self, name: str, value: object) -> None:
        """Refuse: objects are immutable."""
        raise AttributeError(f"cannot set {name!r}: objects are immutable; replace() gives a changed copy")

    def __getitem__(self, key: str) -> Any:
        """Give the value at that key."""
        return frozen(self._fields[key], f"{self._path}.{key}")

    def __iter__(self) -> Iterator[str]:
        """Iterate over the keys, as they stand in the object."""
        return iter(self._fields)

    def __len__(self) -> int:
        """Count what is set."""
        return len(self._fields)

    def __contains__(self, key: object) -> bool:
        """Say whether that key is set."""
        return key in self._fields

    def __eq__(self, other: object) -> bool:
        """Compare with another node or mapping."""
        if isinstance(other, Node):
            return self._fields == other._fields
        return self._fields == other

    def __hash__(self) -> int:
        """Hash by content."""
        return hash(_hashable(self._fields))

    def __repr__(self) -> str:
        """Show it as a dictionary."""
        return repr(self._fields)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle and copy by content."""
        return (type(self)._new, (self._fields, self._path))  # noqa: SLF001 - its own class

    def _repr_html_(self) -> str:
        from canary._node_html import render_node  # noqa: PLC0415 - only in a notebook

        return render_node(self, self._path)

    def to_dict(self) -> dict[str, Any]:
        """Give a plain dictionary, free to change.

        Example:
            >>> from canary import Gateway
            >>> Gateway.http("g").spec.selector.to_dict()
            {'istio': 'ingressgateway'}
        """
        return {key: plain_copy(value) for key, value in self._fields.items()}


def plain(value: Any) -> Any:
    """Give what `json.dumps` understands for a value of this package or of another."""
    names = getattr(type(value), "attribute_map", None)
    if isinstance(names, Mapping):
        # The models of Kubernetes' own client, whose `to_dict` has Python's names for the fields.
        fields = ((key, getattr(value, name)) for name, key in names.items())
        times = ((key, one.isoformat() if isinstance(one, datetime) else one) for key, one in fields)
        return {key: one for key, one in times if one is not None}
    for name in ("to_dict", "raw"):
        found = getattr(value, name, None)
        if found is not None:
            return found() if callable(found) else found
    kind = type(value).__name__
    raise TypeError(f"an object of type {kind} cannot stand in a Kubernetes object; give a dictionary, text or number")


def frozen(value: Any, path: str) -> Any:
    """Give JSON as nobody can change it: mappings as nodes, lists as tuples."""
    if isinstance(value, Mapping):
        return Node._new(value, path)  # noqa: SLF001 - made here only
    if isinstance(value, list | tuple):
        return tuple(frozen(item, f"{path}[{index}]") for index, item in enumerate(value))
    return value


def plain_copy(value: Any) -> Any:
    """Give a value as dictionaries, lists and scalars of its own."""
    if isinstance(value, Mapping):
        fields = value._fields if isinstance(value, Node) else value
        return {key: plain_copy(item) for key, item in fields.items()}
    if isinstance(value, list | tuple):
        return [plain_copy(item) for item in value]
    if value is None or isinstance(value, str | int | float | bool):
        return value
    return plain_copy(plain(value))


def _hashable(value: Any) -> Any:
    if isinstance(value, Mapping):
        return frozenset((key, _hashable(item)) for key, item in value.items())
    if isinstance(value, list | tuple):
        return tuple(_hashable(item) for item in value)
    return value
