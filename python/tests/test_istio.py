import copy
import pickle

import pytest

import canary

WEIGHT_70 = """
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata:
  name: image-classifier
spec:
  hosts:
  - "*"
  gateways:
  - image-classifier-gateway
  http:
  - route:
    - destination:
        host: image-classifier
        subset: resnet50
        port:
          number: 8501
      weight: 70
    - destination:
        host: image-classifier
        subset: resnet101
        port:
          number: 8501
      weight: 30
"""


@pytest.fixture
def split():
    return canary.VirtualService.weighted(
        "image-classifier",
        {"resnet50": 70, "resnet101": 30},
        hosts=["*"],
        gateways=["image-classifier-gateway"],
        port=8501,
    )


def test_weighted_gives_the_labs_object_field_for_field(split):
    assert split == canary.VirtualService.from_yaml(WEIGHT_70)
    assert canary.VirtualService.from_yaml(split.to_yaml()) == split
    assert canary.VirtualService.from_dict(split.to_dict()) == split


def test_values_compare_hash_copy_and_pickle(split):
    same = canary.VirtualService.from_dict(split.to_dict())
    assert hash(same) == hash(split)
    assert copy.copy(split) == copy.deepcopy(split) == pickle.loads(pickle.dumps(split)) == split
    assert split != split.when_header("user-group", "canary", "resnet101")


def test_fields_are_attributes_in_both_spellings(split):
    route = split.spec.http[0].route[1]
    assert (route.destination.subset, route.weight) == ("resnet101", 30)
    gateway = canary.Gateway.http("g")
    assert gateway.spec.servers[0].port.number == 80
    assert "http" in dir(split.spec)
    assert split.spec.http[0].timeout is None
    message = r"spec\.http\[0\] \(HttpRoute\) has no field 'timeuot'; did you mean 'timeout'"
    with pytest.raises(AttributeError, match=message):
        _ = split.spec.http[0].timeuot
    with pytest.raises(AttributeError, match="immutable"):
        split.spec.hosts = ["x"]


def test_replace_gives_a_new_object(split):
    other = split.replace(namespace="models", export_to=["."], gateways=None)
    assert (other.namespace, other.spec.exportTo) == ("models", (".",))
    assert "gateways" not in other.spec
    assert split.namespace is None


def test_a_misspelt_field_names_the_nearest_one():
    text = WEIGHT_70.replace("weight: 30", "wieght: 30")
    with pytest.raises(canary.InvalidError) as caught:
        canary.VirtualService.from_yaml(text)
    (finding,) = caught.value.findings
    assert finding.path == "spec.http[0].route[1].wieght"
    assert "weight" in str(finding)
    assert finding.line == text[: text.index("wieght")].count("\n") + 1


def test_a_wrong_kind_is_named():
    with pytest.raises(canary.ManifestError, match="found a Gateway, expected a VirtualService"):
        canary.VirtualService.from_yaml(canary.Gateway.http("g").to_yaml())


def test_a_weight_of_minus_one_is_found_with_its_place():
    broken = canary.VirtualService.weighted("s", {"a": -1, "b": 2})
    errors = [finding for finding in broken.validate() if finding.severity == "error"]
    assert [finding.path for finding in errors] == ["spec.http[0].route[0].weight"]
    assert "-1" in str(errors[0])


TWO_DOCUMENTS = """\
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: public}
spec: {servers: []}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: shop}
spec:
  hosts: [shop.example.com]
  gateways: [missing]
  http:
  - route:
    - destination: {host: shop}
      weight: -1
"""


def places(findings):
    return {finding.code: (finding.document, finding.line, finding.column) for finding in findings}


def test_findings_of_loaded_objects_have_their_place():
    objects = canary.loads(TWO_DOCUMENTS)
    gateway, service = objects
    assert places(gateway.validate())["V021"] == (1, 4, 17)
    assert places(service.validate())["V073"] == (2, 15, 15)
    assert places(canary.validate(objects)) == places(gateway.validate()) | places(service.validate())
    assert places(canary.analyze(objects).findings)["IST0101"] == (2, 11, 14)
    (finding,) = [finding for finding in service.validate() if finding.code == "V073"]
    assert "(line 15, column 15)" in str(finding)
    assert pickle.loads(pickle.dumps(finding)) == finding


def test_objects_built_in_python_have_no_place():
    gateway, _ = canary.loads(TWO_DOCUMENTS)
    built = canary.Gateway("public", servers=[])
    assert built == gateway
    for one in (built, gateway.replace(namespace="edge"), canary.Gateway.from_dict(gateway.to_dict())):
        assert places(one.validate())["V021"] == (None, None, None)
    assert places(pickle.loads(pickle.dumps(gateway)).validate())["V021"] == (None, None, None)


def test_load_reads_every_document_and_dumps_writes_them(tmp_path, split):
    path = tmp_path / "all.yaml"
    gateway = canary.Gateway.http("image-classifier-gateway")
    service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "s"}}
    path.write_text(canary.dumps([gateway, split, service]))
    assert canary.load(path) == [gateway, split, service]
    with pytest.raises(canary.NotFoundError, match=r"missing\.yaml"):
        canary.load(tmp_path / "missing.yaml")


def test_objects_of_other_libraries_are_taken(split):
    class Kr8s:
        raw = split.to_dict()

    class Model:
        def to_dict(self):
            return split.to_dict()

    assert canary.VirtualService.from_dict(Kr8s()) == split
    assert canary.VirtualService.from_dict(Model()) == split


def test_validate_knows_older_control_planes(split):
    thirds = canary.VirtualService.weighted("s", {"a": 1, "b": 2})
    assert not [f for f in canary.validate(thirds) if f.severity == "error"]
    assert [f for f in canary.validate([split, thirds], istio_version="1.14") if f.severity == "error"]
    with pytest.raises(ValueError, match="istio_version"):
        canary.validate(split, istio_version="newest")


def test_a_mesh_decides_and_says_why(split):
    focused = canary.VirtualService.to(
        "image-classifier",
        subset="resnet50",
        hosts=["*"],
        gateways=["image-classifier-gateway"],
        port=8501,
    ).when_header("user-group", "canary", "resnet101")
    rule = canary.DestinationRule.subsets("image-classifier", ["resnet50", "resnet101"])
    gateway = canary.Gateway.http("image-classifier-gateway")
    mesh = canary.Mesh([gateway, focused, rule])
    url = "http://34.1.2.3/v1/models/image_classifier:predict"
    plain, canaried = mesh.route(url), mesh.route(url, headers={"user-group": "canary"})
    assert (plain.subset, canaried.subset) == ("resnet50", "resnet101")
    assert "user-group" in plain.why
    shares = canary.Mesh([gateway, split, rule]).route(url).shares
    assert shares == [("resnet50", 0.7), ("resnet101", 0.3)]


def test_html_is_escaped_and_small():
    hostile = '<script>alert("x")</script>'
    service = canary.VirtualService.weighted(hostile, {hostile: 1, "b": 2}, hosts=[hostile])
    for value in (
        service,
        canary.Gateway.http(hostile, hosts=[hostile]),
        canary.DestinationRule.subsets(hostile, [hostile]),
    ):
        html = value._repr_html_()
        assert "<script" not in html
        assert len(html) < 50_000
