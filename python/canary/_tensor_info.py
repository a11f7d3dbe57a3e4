"""The description of a model's input or output."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing_extensions import Self


class TensorInfo(str):
    """The element type and the shape of an input or output; as text, such as `DT_FLOAT[?, 224, 224, 3]`.

    Attributes:
        dtype: TensorFlow's name of the element type.
        shape: The dimensions, None for one of any length; None altogether when even their number is open.
    """

    __slots__ = ("dtype", "shape")

    dtype: str
    shape: tuple[int | None, ...] | None

    def __new__(cls, text: str, dtype: str, shape: tuple[int | None, ...] | None) -> Self:
        """Keep the parts beside the text."""
        info = super().__new__(cls, text)
        info.dtype, info.shape = dtype, shape
        return info

    def __getnewargs__(self) -> tuple[str, str, tuple[int | None, ...] | None]:  # type: ignore[override]
        """Pickle the parts too."""
        return (str(self), self.dtype, self.shape)
