"""Values as a table: a list that pandas, polars and a notebook understand."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, TypeVar

from canary._properties import record

if TYPE_CHECKING:
    from collections.abc import Iterable

_T = TypeVar("_T")


class Records(list[_T]):
    """A list of values of this package that is a table, too.

    Args:
        values: Findings, readings, pairs, answers and their errors, or plain dictionaries.

    Example:
        >>> from canary import Records, VirtualService
        >>> found = VirtualService.weighted("s", {"a": -1, "b": 2}).validate()
        >>> [record["code"] for record in found.records()]
        ['V073']
        >>> Records([{"weight": 30}]).records()
        [{'weight': 30}]
    """

    def __init__(self, values: Iterable[_T] = ()) -> None:
        """Take the values, one after the other."""
        super().__init__(values)

    def records(self) -> list[dict[str, Any]]:
        """Give one dictionary for each value, with its properties.

        Example:
            >>> Records([{"weight": 5}, {"weight": 30}]).records()[1]
            {'weight': 30}
        """
        return [record(value) for value in self]

    def to_pandas(self) -> Any:
        """Give a pandas DataFrame.

        Raises:
            ImportError: pandas is not installed.

        Example:
            >>> Records([{"weight": 5}, {"weight": 30}]).to_pandas()["weight"].tolist()
            [5, 30]
        """
        return _library("pandas").DataFrame(self.records())

    def to_polars(self) -> Any:
        """Give a polars DataFrame.

        Raises:
            ImportError: polars is not installed.

        Example:
            >>> Records([{"weight": 5}, {"weight": 30}]).to_polars()["weight"].to_list()
            [5, 30]
        """
        return _library("polars").DataFrame(self.records(), strict=False, infer_schema_length=None)

    def _repr_html_(self) -> str:
        from canary._cards import render_records  # noqa: PLC0415 - only in a notebook

        return render_records(self)


def _library(name: str) -> Any:
    """Import a library that this package does not need otherwise."""
    try:
        return import_module(name)
    except ImportError as error:
        raise ImportError(f"to_{name}() needs {name}: pip install {name}") from error
