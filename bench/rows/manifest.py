"""Reading and validating manifests: ours against PyYAML."""

from __future__ import annotations

from measure import Line, Missing, Row, Settings, in_turns, need

TEXT = """\
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata:
  name: image-classifier
  namespace: default
spec:
  hosts: ["*"]
  gateways: [image-classifier-gateway]
  http:
  - name: focused
    match:
    - headers:
        user-group: {exact: canary}
    route:
    - destination:
        host: image-classifier
        subset: resnet101
        port: {number: 8501}
  - route:
    - destination:
        host: image-classifier
        subset: resnet50
        port: {number: 8501}
      weight: 70
    - destination:
        host: image-classifier
        subset: resnet101
        port: {number: 8501}
      weight: 30
    timeout: 30s
    retries: {attempts: 2, perTryTimeout: 10s}
"""


def _read(settings: Settings) -> list[Line]:
    canary, yaml = need("canary"), need("yaml")
    if not hasattr(yaml, "CSafeLoader"):
        raise Missing("PyYAML was built without its C loader")

    def ours() -> list:
        return canary.VirtualService.from_yaml(TEXT).validate()

    assert ours() == []
    assert canary.VirtualService.from_yaml(TEXT).to_dict()["spec"]["http"][1]["route"][0]["weight"] == 70
    took = in_turns(
        {
            "ours": ours,
            "c": lambda: yaml.load(TEXT, Loader=yaml.CSafeLoader),
            "pure": lambda: yaml.load(TEXT, Loader=yaml.SafeLoader),
        },
        settings.seconds,
    )
    name = "read + validate a VirtualService (YAML)"
    return [
        Line(name, "PyYAML C loader, parsing alone", took["ours"], took["c"], 3),
        Line(name, "PyYAML, parsing alone", took["ours"], took["pure"], 3, note="no goal was set"),
    ]


ROWS = [Row("yaml", _read)]
