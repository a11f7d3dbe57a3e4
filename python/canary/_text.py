"""Texts as inputs of a model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray


def text(text: str | Iterable[str]) -> NDArray[Any]:
    """Make an input of a text, or of several, for a model that takes text.

    `Client.predict` reads a plain str as a path. This is an array of one dimension, one entry for each text, in the
    element type that models of text take (`DT_STRING`, `BYTES`).

    Args:
        text: One text, or several in their order.

    Raises:
        TypeError: One of them is not a str.

    Example:
        >>> from canary import text
        >>> text("How are you?").shape
        (1,)
        >>> text(["yes", "no"]).tolist()
        ['yes', 'no']
    """
    import numpy as np  # noqa: PLC0415 - importing canary does not import NumPy

    texts = [text] if isinstance(text, str) else list(text)
    for one in texts:
        if not isinstance(one, str):
            raise TypeError(f"text() takes str, and was given {type(one).__name__}; decode bytes first")
    array = np.empty(len(texts), object)
    array[:] = texts
    return array
