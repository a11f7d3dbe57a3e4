"""Release a machine-learning model behind an Istio mesh: typed objects, offline validation and sequential statistics.

The types are `Gateway`, `VirtualService` and `DestinationRule`, and of the Gateway API `HttpRoute`, `GrpcRoute`,
`KubernetesGateway` and others; `Client` sends requests to models, `Mesh` says where a request goes, `Preprocess` makes
tensors of images as TensorFlow does. The messages of Istio's objects are in `canary.istio`, those of the Gateway API's
in `canary.gateway_api`.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from canary import _logging  # noqa: F401 - what happens arrives in `logging` from here on
from canary._canary import (
    AaReport,
    Analysis,
    Answer,
    Answers,
    Applied,
    BackendTlsPolicy,
    BatchingParameters,
    Client,
    Cluster,
    Comparison,
    Decision,
    DestinationRule,
    Finding,
    Gateway,
    GatewayClass,
    GrpcRoute,
    Guardrail,
    HttpRoute,
    InferenceService,
    KubernetesGateway,
    Lab,
    Mesh,
    ModelConfig,
    ModelServerConfig,
    MonitoringConfig,
    Observation,
    ObservedShare,
    Pair,
    Plan,
    Power,
    Preflight,
    Preprocess,
    Progress,
    Prometheus,
    Reading,
    ReferenceGrant,
    Release,
    Route,
    Run,
    ScriptedModel,
    Simulation,
    Status,
    Sticky,
    Target,
    Verdict,
    VersionLabels,
    VirtualService,
    Watch,
    Workload,
    __version__,
    accuracy,
    agreement,
    analyze,
    compare_rules,
    copy_model,
    copy_model_async,
    custom,
    decode_image,
    decode_predict,
    decode_predict_grpc,
    dumps,
    encode_predict,
    encode_predict_grpc,
    encode_warm_up,
    error_rate,
    error_ratio,
    load,
    loads,
    mean,
    numeric_drift,
    observed_share,
    pair_errors,
    preprocess_models,
    quantile_ratio,
    report,
    slow_ratio,
    validate,
)
from canary._errors import (
    AnswerError,
    CanaryError,
    ClusterError,
    ConflictError,
    ForbiddenError,
    ImageError,
    InvalidError,
    ManifestError,
    MeshError,
    MeshTimeoutError,
    NetworkError,
    NetworkTimeoutError,
    NotFoundError,
    NotReadyError,
    PlanError,
    PredictError,
    RefusedError,
    RequestError,
    ServerError,
    ServerTimeoutError,
    StoreError,
)
from canary._node import Node
from canary._numeric import numeric_agreement
from canary._objects import Objects
from canary._records import Records
from canary._text import text
from canary._wait import wait, wait_async

if TYPE_CHECKING:
    from canary import gateway_api, istio
    from canary._dashboard import Dashboard
    from canary._run_comparison import RunComparison

__all__ = [
    "AaReport",
    "Analysis",
    "Answer",
    "AnswerError",
    "Answers",
    "Applied",
    "BackendTlsPolicy",
    "BatchingParameters",
    "CanaryError",
    "Client",
    "Cluster",
    "ClusterError",
    "Comparison",
    "ConflictError",
    "Dashboard",
    "Decision",
    "DestinationRule",
    "Finding",
    "ForbiddenError",
    "Gateway",
    "GatewayClass",
    "GrpcRoute",
    "Guardrail",
    "HttpRoute",
    "ImageError",
    "InferenceService",
    "InvalidError",
    "KubernetesGateway",
    "Lab",
    "ManifestError",
    "Mesh",
    "MeshError",
    "MeshTimeoutError",
    "ModelConfig",
    "ModelServerConfig",
    "MonitoringConfig",
    "NetworkError",
    "NetworkTimeoutError",
    "Node",
    "NotFoundError",
    "NotReadyError",
    "Objects",
    "Observation",
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
    "ReferenceGrant",
    "RefusedError",
    "Release",
    "RequestError",
    "Route",
    "Run",
    "RunComparison",
    "ScriptedModel",
    "ServerError",
    "ServerTimeoutError",
    "Simulation",
    "Status",
    "Sticky",
    "StoreError",
    "Target",
    "Verdict",
    "VersionLabels",
    "VirtualService",
    "Watch",
    "Workload",
    "__version__",
    "accuracy",
    "agreement",
    "analyze",
    "compare_rules",
    "copy_model",
    "copy_model_async",
    "custom",
    "decode_image",
    "decode_predict",
    "decode_predict_grpc",
    "dumps",
    "encode_predict",
    "encode_predict_grpc",
    "encode_warm_up",
    "error_rate",
    "error_ratio",
    "gateway_api",
    "istio",
    "load",
    "loads",
    "mean",
    "numeric_agreement",
    "numeric_drift",
    "observed_share",
    "pair_errors",
    "preprocess_models",
    "quantile_ratio",
    "report",
    "slow_ratio",
    "text",
    "validate",
    "wait",
    "wait_async",
]


if not TYPE_CHECKING:  # checkers do not know that an abstract class has it
    Mapping.register(Answer)


def __dir__() -> list[str]:
    """List what is public, for completion."""
    return __all__


def __getattr__(name: str) -> Any:
    """Import on first use the names that most programs never need."""
    from importlib import import_module  # noqa: PLC0415 - only here

    if name in {"gateway_api", "istio"}:
        return import_module(f"canary.{name}")
    if name == "Dashboard":
        return import_module("canary._dashboard").Dashboard
    if name == "RunComparison":
        return import_module("canary._run_comparison").RunComparison
    raise AttributeError(f"module 'canary' has no attribute {name!r}")
