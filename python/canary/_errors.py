"""The exceptions of `canary`: one base, one class for each thing that a caller can do about it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from canary import Finding, Records


class CanaryError(Exception):
    """Base class of all exceptions of this package."""

    def __init__(self, message: str = "", **details: Any) -> None:
        """Keep the message as the text, and every detail as an attribute."""
        super().__init__(message)
        self._details = details
        for name, value in details.items():
            setattr(self, name, value)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle by the message and the details."""
        return (_rebuild, (type(self), str(self), self._details))

    def __str__(self) -> str:
        """Give the message alone."""
        return str(self.args[0]) if self.args else ""


def _rebuild(kind: type[CanaryError], message: str, details: dict[str, Any]) -> CanaryError:
    return kind(message, **details)


class ManifestError(CanaryError, ValueError):
    """A text is not the YAML or JSON of the object expected: correct the text."""


class InvalidError(CanaryError, ValueError):
    """An object breaks rules of the mesh; `findings` lists every one."""

    findings: Records[Finding]


class ImageError(CanaryError, ValueError):
    """An image, array or tensor cannot be used as it is."""


class PredictError(CanaryError, RuntimeError):
    """A prediction failed; its subclasses say which part returned the error."""

    origin: str
    url: str
    status: int | None
    grpc_code: int | None
    response_flags: str | None
    subset: str | None
    attempts: int
    elapsed: float
    retryable: bool


class ServerError(PredictError):
    """The model server answered with an error."""


class ServerTimeoutError(ServerError, TimeoutError):
    """The model server's own timeout expired, or no version became ready within the time given to a wait."""


class MeshError(PredictError):
    """The mesh answered instead of a model server: no route, no healthy endpoint, a fault."""


class MeshTimeoutError(MeshError, TimeoutError):
    """The mesh timed out waiting for the model server, usually because of the timeout of a route."""


class NetworkError(PredictError, ConnectionError):
    """The connection failed before the answer was complete: refused, reset, timed out, or not HTTP."""


class NetworkTimeoutError(NetworkError, TimeoutError):
    """The answer was not complete within the client's timeout."""


class RequestError(PredictError, ValueError):
    """The request was not sent: the input does not match the model's signature."""


class AnswerError(PredictError):
    """The answer cannot be parsed as one of a model server."""


class ConflictError(CanaryError, RuntimeError):
    """Somebody else changed the object; nothing was overwritten."""


class NotFoundError(CanaryError, LookupError):
    """The named file or object does not exist."""


class ClusterError(CanaryError, OSError):
    """The cluster or the lab could not carry out a request."""

    retryable: bool


class NotReadyError(ClusterError, TimeoutError):
    """A workload did not become ready within the given time; the message has the state of its pods."""


class ForbiddenError(ClusterError, PermissionError):
    """The account in use lacks a permission; the message names the verb to grant."""


class StoreError(CanaryError, OSError):
    """A model could not be copied, or the source is not a model."""

    retryable: bool


class RefusedError(CanaryError, RuntimeError):
    """A command to a running release was not carried out; the message says why."""


class PlanError(CanaryError, ValueError):
    """A rollout plan cannot run, or its driver had to stop."""
