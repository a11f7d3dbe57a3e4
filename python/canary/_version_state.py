"""The state of one version of a model, as its server reports it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing_extensions import Self


class VersionState(str):
    """The state of a version, such as `AVAILABLE`, with the error of one that could not be loaded.

    Attributes:
        error_code: `OK`, or the code of the error, such as `NOT_FOUND`.
        error_message: The text of the error; mostly empty.
    """

    __slots__ = ("error_code", "error_message")

    error_code: str
    error_message: str

    def __new__(cls, state: str, error_code: str, error_message: str) -> Self:
        """Keep the error beside the state."""
        version = super().__new__(cls, state)
        version.error_code, version.error_message = error_code, error_message
        return version

    def __getnewargs__(self) -> tuple[str, str, str]:  # type: ignore[override]
        """Pickle the error too."""
        return (str(self), self.error_code, self.error_message)
