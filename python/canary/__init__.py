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
    Preprocess,
    Progress,
    Prometheus,
    Reading,
    Run,
    ScriptedModel,
    Simulation,
    Verdict,
    VirtualService,
    Workload,
    __version__,
    accuracy,
    agreement,
    analyze,
    copy_model,
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

__all__ = [
    "Analysis",
    "Answer",
    "AnswerError",
    "Answers",
    "CanaryError",
    "Client",
    "ClusterError",
    "ConflictError",
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
    "StoreError",
    "Verdict",
    "VirtualService",
    "Workload",
    "__version__",
    "accuracy",
    "agreement",
    "analyze",
    "copy_model",
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
    """Import `canary.istio` when it is first asked for: it is large, and most programs never do."""
    if name == "istio":
        from importlib import import_module  # noqa: PLC0415 - as the module itself

        return import_module("canary.istio")
    raise AttributeError(f"module 'canary' has no attribute {name!r}")
