"""Release a machine-learning model behind an Istio mesh, with types and with statistics.

The types are `Gateway`, `VirtualService` and `DestinationRule`; `Client` asks models, `Mesh` says where a request
goes, `Preprocess` makes tensors of images as TensorFlow does. The messages of Istio's objects are in `canary.istio`.
"""

from typing import TYPE_CHECKING, Any

from canary._canary import (
    Analysis,
    Answer,
    Answers,
    Client,
    Cluster,
    Decision,
    DestinationRule,
    Finding,
    Gateway,
    Guardrail,
    Lab,
    Mesh,
    ObservedShare,
    Pair,
    Plan,
    Power,
    Preflight,
    Preprocess,
    Progress,
    Prometheus,
    Reading,
    Run,
    ScriptedModel,
    Simulation,
    Status,
    Verdict,
    VirtualService,
    Watch,
    Workload,
    __version__,
    accuracy,
    agreement,
    analyze,
    copy_model,
    copy_model_async,
    custom,
    decode_image,
    decode_predict,
    dumps,
    encode_predict,
    error_ratio,
    load,
    loads,
    numeric_drift,
    observed_share,
    report,
    slow_ratio,
    validate,
)
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
    StoreError,
)
from canary._node import Node
from canary._records import Records

if TYPE_CHECKING:
    from canary import istio
    from canary._dashboard import Dashboard

__all__ = [
    "Analysis",
    "Answer",
    "AnswerError",
    "Answers",
    "CanaryError",
    "Client",
    "Cluster",
    "ClusterError",
    "ConflictError",
    "Dashboard",
    "Decision",
    "DestinationRule",
    "Finding",
    "Gateway",
    "Guardrail",
    "ImageError",
    "InvalidError",
    "Lab",
    "ManifestError",
    "Mesh",
    "MeshError",
    "NetworkError",
    "Node",
    "NotFoundError",
    "ObservedShare",
    "Pair",
    "Plan",
    "PlanError",
    "Power",
    "PredictError",
    "Preflight",
    "Preprocess",
    "Progress",
    "Prometheus",
    "Reading",
    "Records",
    "RequestError",
    "Run",
    "ScriptedModel",
    "ServerError",
    "Simulation",
    "Status",
    "StoreError",
    "Verdict",
    "VirtualService",
    "Watch",
    "Workload",
    "__version__",
    "accuracy",
    "agreement",
    "analyze",
    "copy_model",
    "copy_model_async",
    "custom",
    "decode_image",
    "decode_predict",
    "dumps",
    "encode_predict",
    "error_ratio",
    "istio",
    "load",
    "loads",
    "numeric_drift",
    "observed_share",
    "report",
    "slow_ratio",
    "validate",
]


def __getattr__(name: str) -> Any:
    """Import what most programs never ask for when it is first asked for."""
    from importlib import import_module  # noqa: PLC0415 - only here

    if name == "istio":
        return import_module("canary.istio")
    if name == "Dashboard":
        return import_module("canary._dashboard").Dashboard
    raise AttributeError(f"module 'canary' has no attribute {name!r}")
