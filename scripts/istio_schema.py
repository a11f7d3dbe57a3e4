"""Reduce Istio's CustomResourceDefinitions to the facts that the tests fill documents from.

    go mod download -json istio.io/api@v1.31.0      # prints the folder it went to, as `Dir`
    python scripts/istio_schema.py DIR/kubernetes/customresourcedefinitions.gen.yaml

Writes crates/canary-istio/tests/data/istio-schema.json: for each of the three kinds the schema of version v1,
without descriptions. Needs PyYAML.
"""

import json
import pathlib
import sys

import yaml

KINDS = ["DestinationRule", "Gateway", "VirtualService"]
KEEP = [
    "type",
    "format",
    "enum",
    "required",
    "nullable",
    "minimum",
    "maximum",
    "minItems",
    "maxItems",
    "maxLength",
    "maxProperties",
    "x-kubernetes-int-or-string",
    "x-kubernetes-preserve-unknown-fields",
]
TARGET = pathlib.Path(__file__).parent.parent / "crates/canary-istio/tests/data/istio-schema.json"


def alternatives(schema):
    """The groups of properties of which at most one may be given."""
    groups = []
    for part in [schema, *schema.get("allOf", [])]:
        names = [choice["required"][0] for choice in part.get("oneOf", []) if "required" in choice]
        if names:
            groups.append(names)
    return groups


def reduce(schema):
    facts = {key: schema[key] for key in KEEP if key in schema}
    if groups := alternatives(schema):
        facts["atMostOne"] = groups
    if "properties" in schema:
        facts["properties"] = {name: reduce(part) for name, part in schema["properties"].items()}
    if "items" in schema:
        facts["items"] = reduce(schema["items"])
    if isinstance(schema.get("additionalProperties"), dict):
        facts["values"] = reduce(schema["additionalProperties"])
    return facts


def main(source):
    kinds = {}
    for document in yaml.safe_load_all(pathlib.Path(source).read_text()):
        if document and document["spec"]["names"]["kind"] in KINDS:
            version = next(v for v in document["spec"]["versions"] if v["name"] == "v1")
            kinds[document["spec"]["names"]["kind"]] = reduce(version["schema"]["openAPIV3Schema"])
    assert sorted(kinds) == KINDS, f"found {sorted(kinds)} only"
    lines = [f"{json.dumps(kind)}: {json.dumps(kinds[kind], separators=(',', ':'))}" for kind in KINDS]
    TARGET.write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main(sys.argv[1])
