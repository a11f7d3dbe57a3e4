"""The objects of a text, with what was found when it was read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from canary._records import Records

if TYPE_CHECKING:
    from collections.abc import Iterable

    from canary import (
        BackendTlsPolicy,
        DestinationRule,
        Finding,
        Gateway,
        GatewayClass,
        GrpcRoute,
        HttpRoute,
        KubernetesGateway,
        ReferenceGrant,
        VirtualService,
    )

    _Istio: TypeAlias = Gateway | VirtualService | DestinationRule
    _Routes: TypeAlias = HttpRoute | GrpcRoute
    _GatewayApi: TypeAlias = _Routes | KubernetesGateway | GatewayClass | ReferenceGrant | BackendTlsPolicy
    _Object: TypeAlias = _Istio | _GatewayApi | dict[str, Any]
else:
    _Object = Any


class Objects(list[_Object]):
    """The objects of a text as a list, and the findings of reading it.

    Args:
        objects: The objects, in their order.
        findings: What was found when they were read.

    Attributes:
        findings: Of a text read strictly what is worth knowing, such as a field without a value; of one read leniently
            also what was left out.

    Example:
        >>> from canary import Gateway, loads
        >>> objects = loads(Gateway.http("g").to_yaml().replace("servers", "sevrers"), lenient=True)
        >>> objects, [(finding.severity, finding.path) for finding in objects.findings]
        ([Gateway(default/g)], [('warning', 'spec.sevrers')])
    """

    findings: Records[Finding]

    def __init__(self, objects: Iterable[_Object] = (), findings: Iterable[Finding] = ()) -> None:
        """Take the objects, and what was found."""
        super().__init__(objects)
        self.findings = Records(findings)

    def _repr_html_(self) -> str:
        from canary._cards import render_objects  # noqa: PLC0415 - only in a notebook

        return render_objects(self)
