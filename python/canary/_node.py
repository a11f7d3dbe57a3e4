"""Attribute access to the parts of an object: `split.spec.http[0].route[1].weight`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


class Node(Mapping[str, Any]):
    """One message of an object: fields as attributes, in Python's or in Istio's spelling.

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

    def __init__(self, fields: Mapping[str, Any], path: str = "") -> None:
        """Show the fields of a JSON object; `path` is where it stands, for messages."""
        object.__setattr__(self, "_fields", dict(fields))
        object.__setattr__(self, "_path", path)

    def __getattr__(self, name: str) -> Any:
        """Give the field of that name; `match_labels` and `matchLabels` are the same."""
        fields = self._fields
        key = name if name in fields else _camel(name)
        if key in fields:
            return _wrap(fields[key], f"{self._path}.{key}" if self._path else key)
        known = ", ".join(sorted(_snake(field) for field in fields)) or "none"
        where = self._path or "the object"
        raise AttributeError(f"{where} has no field {name!r} set; set here: {known}")

    def __setattr__(self, name: str, value: Any) -> None:
        """Refuse: objects are immutable."""
        raise AttributeError(
            f"cannot set {name!r}: objects are immutable; make a new one with replace() or from_dict()"
        )

    def __getitem__(self, key: str) -> Any:
        """Give the field with exactly that key, for names that are no Python names."""
        return _wrap(self._fields[key], f"{self._path}.{key}" if self._path else key)

    def __iter__(self) -> Iterator[str]:
        """Iterate over the keys, as they stand in the object."""
        return iter(self._fields)

    def __len__(self) -> int:
        """Count the fields that are set."""
        return len(self._fields)

    def __dir__(self) -> list[str]:
        """List the fields that are set, for completion."""
        return sorted({*super().__dir__(), *(_snake(field) for field in self._fields)})

    def __eq__(self, other: object) -> bool:
        """Compare with another node or mapping."""
        if isinstance(other, Node):
            return self._fields == other._fields
        return self._fields == other

    def __hash__(self) -> int:
        """Hash by content."""
        return hash(_freeze(self._fields))

    def __repr__(self) -> str:
        """Show the fields as keyword arguments."""
        fields = ", ".join(f"{_snake(key)}={_wrap(value, '')!r}" for key, value in self._fields.items())
        return f"Node({fields})"

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle and copy by content."""
        return (Node, (self._fields, self._path))

    def to_dict(self) -> dict[str, Any]:
        """Give a plain dictionary, free to change."""
        return {key: _plain(value) for key, value in self._fields.items()}


def plain(value: Any) -> Any:
    """Give what `json.dumps` understands for a value of this package or of another."""
    for name in ("to_dict", "raw"):
        found = getattr(value, name, None)
        if found is not None:
            return found() if callable(found) else found
    raise TypeError(f"a {type(value).__name__} cannot stand in a Kubernetes object")


def _wrap(value: Any, path: str) -> Any:
    if isinstance(value, Mapping):
        return Node(value, path)
    if isinstance(value, list):
        return tuple(_wrap(item, f"{path}[{index}]") for index, item in enumerate(value))
    return value


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value


def _freeze(value: Any) -> Any:
    if isinstance(value, Mapping):
        return frozenset((key, _freeze(item)) for key, item in value.items())
    if isinstance(value, list):
        return tuple(_freeze(item) for item in value)
    return value


def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(part[:1].upper() + part[1:] for part in rest)


def _snake(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)
