"""The exceptions of `canary`: one base, one class for each thing that a caller can do about it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from canary import Finding, Records


class CanaryError(Exception):
    """Base of every exception that this package raises on its own account."""

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
    """The model server answered with an error of its own."""


class ServerTimeoutError(ServerError, TimeoutError):
    """The model server gave up in its own time, or no version was ready in the time given to a wait."""


class MeshError(PredictError):
    """The mesh answered instead of a model server: no route, no healthy endpoint, a fault."""


class MeshTimeoutError(MeshError, TimeoutError):
    """The mesh gave up waiting for the model server: the timeout of a route, mostly."""


class NetworkError(PredictError, ConnectionError):
    """The connection failed before the answer was complete: refused, reset, timed out, or not HTTP."""


class NetworkTimeoutError(NetworkError, TimeoutError):
    """The answer was not complete within the client's timeout."""


class RequestError(PredictError, ValueError):
    """The request was not sent: the input does not fit what the model wants."""


class AnswerError(PredictError):
    """An answer came that cannot be understood as one of a model server."""


class ConflictError(CanaryError, RuntimeError):
    """Somebody else changed the object meanwhile; nothing was overwritten."""


class NotFoundError(CanaryError, LookupError):
    """The named thing does not exist."""


class ClusterError(CanaryError, OSError):
    """The cluster, or the lab in its place, could not carry out a request."""

    retryable: bool


class NotReadyError(ClusterError, TimeoutError):
    """A workload was not ready in the time given; the message has the state of its pods."""


class ForbiddenError(ClusterError, PermissionError):
    """The account in use may not do it; the message names the verb to grant."""


class StoreError(CanaryError, OSError):
    """A model could not be copied, or is none."""

    retryable: bool


class RefusedError(CanaryError, RuntimeError):
    """A command to a running release was not carried out; the message says why."""


class PlanError(CanaryError, ValueError):
    """A rollout plan cannot run as it is written, or its driver had to stop."""
