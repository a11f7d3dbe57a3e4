"""Common code of the messages of `canary.istio` and `canary.gateway_api`: fields, immutability, comparison, pickle."""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Mapping
from datetime import timedelta
from difflib import get_close_matches
from functools import cache
from itertools import pairwise
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from canary._node import Node, frozen, plain_copy

if TYPE_CHECKING:
    from typing_extensions import Self, dataclass_transform
else:

    def dataclass_transform(**_: object) -> Any:
        """Mark a class for type checkers; Python 3.10 has no such mark of its own."""
        return lambda marked: marked


_Kind = Literal["one", "list", "map"]

NOTHING: Mapping[str, Any] = MappingProxyType({})
"""A map without entries."""

# The classes of messages, by module and name.
_CLASSES: dict[str, type[Message]] = {}


class Field:
    """One field of a message: its place in the JSON, and its content."""

    def __init__(self, key: str | None, kind: _Kind, of: str | None, *, required: bool, duration: bool) -> None:
        """Describe the field; `of` names the class of its messages, and a duration may be given as a number."""
        self.key = key
        self.kind = kind
        self.of = of
        self.required = required
        self.duration = duration

    def __set_name__(self, owner: type, name: str) -> None:
        """Take the name, and make the JSON's of it unless one was given."""
        self.name = name
        self.owner = owner
        self.of_class = self.of and f"{owner.__module__}.{self.of}"
        if self.key is None:
            head, *rest = name.rstrip("_").split("_")
            self.key = head + "".join(part[:1].upper() + part[1:] for part in rest)

    @property
    def __doc__(self) -> str | None:  # type: ignore[override]
        """The string that follows the field in its class."""
        return _documentation(self.owner.__module__).get((self.owner.__name__, self.name))

    def __get__(self, message: Message | None, owner: type | None = None) -> Any:
        """Give the field's value, or the field itself to its class."""
        return self if message is None else message._value(self)  # noqa: SLF001 - one class in two

    def __set__(self, message: Message, value: object) -> None:
        """Refuse: messages are immutable."""
        message.__setattr__(self.name, value)


@cache
def _documentation(module: str) -> dict[tuple[str, str], str]:
    """Read the strings that follow the fields of a module's messages, which Python itself does not keep."""
    found = {}
    for made in ast.parse(inspect.getsource(sys.modules[module])).body:
        if isinstance(made, ast.ClassDef):
            for one, after in pairwise(made.body):
                if isinstance(one, ast.AnnAssign) and isinstance(one.target, ast.Name) and isinstance(after, ast.Expr):
                    doc = ast.literal_eval(after.value)
                    found[made.name, one.target.id] = inspect.cleandoc(doc)
    return found


def field(
    *,
    default: object = ...,
    key: str | None = None,
    kind: _Kind = "one",
    of: str | None = None,
    duration: bool = False,
) -> Any:
    """Describe a field of a message; one without a default is required."""
    return Field(key, kind, of, required=default is ..., duration=duration)


class _Signature:
    """The signature of a message's constructor: its fields by name. It is made when somebody asks for it."""

    def __get__(self, message: Message | None, owner: type[Message]) -> inspect.Signature:
        empty = inspect.Parameter.empty
        parameters = [
            inspect.Parameter(
                one.name, inspect.Parameter.KEYWORD_ONLY, default=empty if one.required else None, annotation=kind
            )
            for one in owner._by_name.values()  # noqa: SLF001 - its own class
            for kind in [inspect.get_annotations(owner).get(one.name, empty)]
        ]
        return inspect.Signature(parameters)


class Entries(Node):
    """A map whose keys the object's author chose, such as labels, or headers and their conditions."""

    __slots__ = ("_of",)
    _of: str | None

    @classmethod
    def _make(cls, fields: Mapping[str, Any], path: str, of: str | None) -> Self:
        entries = super()._new(fields, path)
        object.__setattr__(entries, "_of", of)
        return entries

    def __getitem__(self, key: str) -> Any:
        """Give the value at that key."""
        return _shown(self._fields[key], self._of, f"{self._path}[{key!r}]")

    def __getattr__(self, name: str) -> Any:
        """Give the value at that key, where the key is a Python name."""
        if name in self._fields:
            return self[name]
        known = ", ".join(sorted(self._fields)) or "none"
        raise AttributeError(f"{self._path} has no entry {name!r}; there are: {known}")

    def __dir__(self) -> list[str]:
        """List the keys, for completion."""
        return sorted({*super().__dir__(), *(key for key in self._fields if key.isidentifier())})

    def __repr__(self) -> str:
        """Show the entries as a dictionary."""
        return repr({key: self[key] for key in self})

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle and copy by content."""
        return (Entries._make, (self._fields, self._path, self._of))


@dataclass_transform(kw_only_default=True, frozen_default=True, field_specifiers=(field,))
class Message(Node):
    """A message of an object: every field of it is an attribute, set or not.

    A message is immutable, and a mapping of the fields that are set, by their names in YAML. It compares equal to the
    mapping that it shows.

    Example:
        >>> from canary.istio import Destination
        >>> there = Destination(host="image-classifier", subset="resnet50")
        >>> there.subset, there.port
        ('resnet50', None)
        >>> there == {"host": "image-classifier", "subset": "resnet50"}
        True
        >>> there.replace(subset="resnet101")
        Destination(host='image-classifier', subset='resnet101')
    """

    __slots__ = ()
    __signature__ = _Signature()
    _by_name: ClassVar[Mapping[str, Field]] = NOTHING
    _by_key: ClassVar[Mapping[str, Field]] = NOTHING

    def __init_subclass__(cls) -> None:
        """Collect the fields, and keep the class for those that name it."""
        _CLASSES[f"{cls.__module__}.{cls.__name__}"] = cls
        found = [value for value in vars(cls).values() if isinstance(value, Field)]
        cls._by_name = {one.name: one for one in found}
        cls._by_key = {str(one.key): one for one in found}

    def __init__(self, **fields: Any) -> None:
        """Make a message of its fields, as keyword arguments; None leaves a field out."""
        self._fill(self._changed({}, fields), "")
        missing = [one.name for one in self._by_name.values() if one.required and one.key not in self._fields]
        if missing:
            raise TypeError(f"{type(self).__name__} needs {' and '.join(missing)}")

    @classmethod
    def _changed(cls, fields: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
        """Give the fields with changes to them; None takes a field away."""
        fields = dict(fields)
        for name, value in changes.items():
            one = cls._by_name.get(name) or cls._by_key.get(name)
            if one is None:
                raise TypeError(f"{cls.__name__} has no field {name!r}; {cls._nearest(name)}")
            if value is None:
                fields.pop(str(one.key), None)
            else:
                fields[str(one.key)] = plain_copy(_duration(value) if one.duration else value)
        return fields

    @classmethod
    def _nearest(cls, name: str) -> str:
        near = get_close_matches(name, [*cls._by_name, *cls._by_key], 1)
        return f"did you mean {near[0]!r}?" if near else f"its fields are {', '.join(cls._by_name)}"

    def _value(self, one: Field) -> Any:
        key = str(one.key)
        path = f"{self._path}.{key}" if self._path else key
        value = self._fields.get(key)
        if one.kind == "list":
            return tuple(_shown(item, one.of_class, f"{path}[{at}]") for at, item in enumerate(value or ()))
        if one.kind == "map":
            return Entries._make(value or {}, path, one.of_class)
        return _shown(value, one.of_class, path)

    if not TYPE_CHECKING:  # so that a checker finds a misspelt field

        def __getattr__(self, name: str) -> Any:
            """Give the field by its name in YAML, such as `matchLabels`."""
            one = self._by_key.get(name)
            if one is not None:
                return self._value(one)
            where = f"{self._path} ({type(self).__name__})" if self._path else type(self).__name__
            raise AttributeError(f"{where} has no field {name!r}; {self._nearest(name)}")

    def __getitem__(self, key: str) -> Any:
        """Give a field that is set, by its name in YAML."""
        if key not in self._fields:
            raise KeyError(key)
        one = self._by_key.get(key)
        return self._fields[key] if one is None else self._value(one)

    def __dir__(self) -> list[str]:
        """List every field, for completion."""
        return sorted({*super().__dir__(), *self._by_name})

    def replace(self, **changes: Any) -> Self:
        """Give a copy with other fields; None takes a field away.

        Args:
            changes: The fields by name, those of the constructor.

        Raises:
            TypeError: There is no such field; the message names the nearest one.

        Example:
            >>> from canary.istio import Destination
            >>> Destination(host="pets", subset="v1").replace(subset=None)
            Destination(host='pets')
        """
        return self._new(self._changed(self._fields, changes), self._path)

    def __repr__(self) -> str:
        """Show the fields that are set as keyword arguments."""
        shown = [f"{one.name}={self._value(one)!r}" for one in self._by_name.values() if one.key in self._fields]
        return f"{type(self).__name__}({', '.join(shown)})"

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle and copy by content."""
        return (type(self)._new, (self._fields, self._path))  # noqa: SLF001 - its own class


def _duration(value: Any) -> Any:
    """Give seconds as Istio writes them; a text stays as it is."""
    if isinstance(value, timedelta):
        value = value.total_seconds()
    if isinstance(value, int | float) and not isinstance(value, bool):
        return f"{value:.9f}".rstrip("0").rstrip(".") + "s"
    return value


def _shown(value: Any, of: str | None, path: str) -> Any:
    if isinstance(value, Mapping) and of is not None:
        return _CLASSES[of]._new(value, path)  # noqa: SLF001 - made here only
    return frozen(value, path)
