"""Release a machine-learning model behind an Istio mesh, with types and with statistics."""

from canary._canary import Finding, __version__
from canary._errors import (
    AnswerError,
    CanaryError,
    ClusterError,
    ConflictError,
    ImageError,
    InvalidError,
    ManifestError,
    MeshError,
    NetworkError,
    NotFoundError,
    PlanError,
    PredictError,
    RequestError,
    ServerError,
)

__all__ = [
    "AnswerError",
    "CanaryError",
    "ClusterError",
    "ConflictError",
    "Finding",
    "ImageError",
    "InvalidError",
    "ManifestError",
    "MeshError",
    "NetworkError",
    "NotFoundError",
    "PlanError",
    "PredictError",
    "RequestError",
    "ServerError",
    "__version__",
]
