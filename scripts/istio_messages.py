"""Write python/canary/istio.py and python/canary/gateway_api.py, the messages of objects, from the Rust types.

    python scripts/istio_messages.py            # write the files
    python scripts/istio_messages.py --check    # fail when a file is not what would be written

The Rust types in crates/canary-istio/src are the only place where fields, types and documentation are kept. A message
that reads itself through a second struct (`try_from = "…Wire"`, for groups of which one may be given) has the fields of
that struct; their documentation is on the variants of the enum.
"""

import pathlib
import re
import sys
import textwrap

ROOT = pathlib.Path(__file__).parent.parent

ITEM = re.compile(
    r"(?P<doc>(?:^///[^\n]*\n)*)(?P<attributes>(?:^#\[[^\n]*\]\n)*)"
    r"^(?P<public>pub )?(?P<what>struct|enum) (?P<name>\w+) \{\n(?P<body>.*?)^\}",
    re.MULTILINE | re.DOTALL,
)
MEMBER = re.compile(
    r"(?P<doc>(?:^    ///[^\n]*\n)*)(?P<attributes>(?:^    #\[.*?\]\n)*)"
    r"^    (?:pub )?(?P<name>\w+)(?:: (?P<type>.+?)|\((?P<holds>.+?)\))?,$",
    re.MULTILINE,
)
SCALARS = {
    "String": "str",
    "bool": "bool",
    "i32": "int",
    "i64": "int",
    "u32": "int",
    "u64": "int",
    "Double": "float",
    "Duration": "str",
    "ByteString": "str",
    "serde_json::Value": "Any",
}
# Words of Python, and methods of every message.
KEYWORDS = {"from": "from_", "values": "values_"}
# The metadata of every Kubernetes object: the type is Kubernetes' own, so that its fields are listed here.
METADATA = [
    ("name", "name", "str", "The object's name."),
    ("namespace", "namespace", "str", "Its namespace. Default: that of the client, usually `default`."),
    ("labels", "labels", "map:str", "Labels, for selectors."),
    ("annotations", "annotations", "map:str", "Notes of tools and people, not for selectors."),
    ("generate_name", "generateName", "str", "A prefix of which the API server makes a name."),
    ("uid", "uid", "str", "The identity that the API server gave."),
    ("resource_version", "resourceVersion", "str", "The version that the API server gave."),
    ("generation", "generation", "int", "The number of changes of the wanted state."),
    ("creation_timestamp", "creationTimestamp", "str", "The time when the API server stored it first."),
    ("deletion_timestamp", "deletionTimestamp", "str", "The time when it will be gone."),
    ("deletion_grace_period_seconds", "deletionGracePeriodSeconds", "int", "The seconds that a deletion may take."),
    ("finalizers", "finalizers", "list:str", "The tasks to do before it is gone."),
    ("owner_references", "ownerReferences", "list:Any", "The objects that it goes with."),
    ("managed_fields", "managedFields", "list:Any", "The owner of each field; written by the API server."),
    ("self_link", "selfLink", "str", "No longer used by Kubernetes."),
]


def text(doc):
    """Rust documentation as Markdown: no marker, no intra-doc links to Rust paths, no examples in Rust."""
    lines = [line.strip().removeprefix("///").removeprefix(" ") for line in doc.splitlines()]
    joined = re.sub(r"```.*?```", "", "\n".join(lines), flags=re.DOTALL)
    joined = re.sub(r"\[(`\w+`)\](?!\()", r"\1", joined)
    return re.sub(r"\n{3,}", "\n\n", joined).strip()


def camel(name):
    head, *rest = name.split("_")
    return head + "".join(part[:1].upper() + part[1:] for part in rest)


class Item:
    def __init__(self, match):
        self.name, self.what = match["name"], match["what"]
        self.doc, self.attributes = text(match["doc"]), match["attributes"]
        self.members = list(MEMBER.finditer(match["body"]))


def read(folder):
    items = {}
    for source in sorted((ROOT / "crates/canary-istio/src" / folder).glob("*.rs")):
        for match in ITEM.finditer(source.read_text()):
            items[match["name"]] = Item(match)
    return items


def shape(rust, items):
    """(required, kind, element) of a Rust type: kind is one, list or map; element is a scalar, an enum or a message."""
    required = not rust.startswith("Option<")
    rust = re.sub(r"^Option<(.*)>$", r"\1", rust)
    rust = re.sub(r"^Box<(.*)>$", r"\1", rust)
    kind = "one"
    if found := re.fullmatch(r"Vec<(.*)>", rust):
        kind, rust = "list", found[1]
    elif found := re.fullmatch(r"BTreeMap<String, (.*)>", rust):
        kind, rust = "map", found[1]
    if rust not in SCALARS and rust not in items:
        raise SystemExit(f"{rust}: no such type is known")
    return required, kind, rust


def values(item):
    """The values of an enum as they stand in JSON."""
    every = re.search(r'rename_all = "(\w+)"', item.attributes)
    change = {"UPPERCASE": str.upper, "lowercase": str.lower}[every[1]] if every else str
    found = []
    for member in item.members:
        name = re.search(r'rename = "(\w+)"', member["attributes"])
        found.append((name[1] if name else change(member["name"]), text(member["doc"])))
    return found


def fields(item, items):
    wire = re.search(r'try_from = "(\w+)"', item.attributes)
    source = items[wire[1]] if wire else item
    docs = {member["name"]: text(member["doc"]) for member in item.members} if item.what == "struct" else {}
    groups = [item] if item.what == "enum" else []
    if wire and item.what == "struct":
        groups = [
            items[m["type"][7:-1]]
            for m in item.members
            if m["type"][7:-1] in items
            and items[m["type"][7:-1]].what == "enum"
            and "Serialize" not in items[m["type"][7:-1]].attributes
        ]
    for group in groups:
        others = [re.match(r"`(\w+)`", text(member["doc"])) for member in group.members]
        names = [other[1] for other in others if other]
        for member in group.members:
            if found := re.match(r"`(\w+)`: (.*)", text(member["doc"]), re.DOTALL):
                others = [f"`{name}`" for name in names if name != found[1]]
                excludes = " and ".join([", ".join(others[:-1]), others[-1]] if others[1:] else others)
                docs[found[1]] = f"{found[2][:1].upper()}{found[2][1:]}" + (f" Excludes {excludes}." if others else "")
    for member in source.members:
        renamed = re.search(r'rename = "(\w+)"', member["attributes"])
        key = renamed[1] if renamed else camel(member["name"])
        name = key if renamed and key.islower() else member["name"]
        doc = docs.get(member["name"]) or docs.get(key) or text(member["doc"])
        if not doc:
            raise SystemExit(f"{item.name}.{member['name']} has no documentation")
        yield KEYWORDS.get(name, name), key, *shape(member["type"], items), doc


def docstring(string):
    """The documentation of a field, as the docstring that follows it."""
    lines = textwrap.wrap(" ".join(string.split()).replace("\\", "\\\\"), 112)
    return f'    """{lines[0]}"""\n' if len(lines) == 1 else '    """' + "\n    ".join(lines) + '\n    """\n'


def annotation(required, kind, element, items):
    if element in SCALARS:
        name = SCALARS[element]
    elif items[element].what == "enum" and "try_from" not in items[element].attributes:
        name = "Literal[" + ", ".join(f'"{value}"' for value, _ in values(items[element])) + "]"
    else:
        name = element
    if kind == "list":
        return f"Sequence[{name}]"
    if kind == "map":
        return f"Mapping[str, {name}]"
    return name if required or name == "Any" else f"{name} | None"


def field(name, key, required, kind, element, doc, items):
    is_message = element not in SCALARS and ("try_from" in items[element].attributes or items[element].what == "struct")
    parts = []
    if not required:
        parts.append("default=()" if kind == "list" else "default=NOTHING" if kind == "map" else "default=None")
    if key != camel(name):
        parts.append(f'key="{key}"')
    if kind != "one":
        parts.append(f'kind="{kind}"')
    if is_message:
        parts.append(f'of="{element}"')
    if element == "Duration":
        parts.append("duration=True")
    if element not in SCALARS and not is_message:
        doc += (
            " One of "
            + "; ".join(
                f"`{value}`: {what[:1].lower()}{what[1:].rstrip('.')}" if what else f"`{value}`"
                for value, what in values(items[element])
            )
            + "."
        )
    return f"    {name}: {annotation(required, kind, element, items)} = field({', '.join(parts)})\n{docstring(doc)}"


ISTIO = '''"""The messages that Istio's objects are made of: classes with every field, its type and its documentation.

A field that is not set reads as None, one of many values as empty. A message is immutable; `replace` gives a changed
copy. An object checks the messages that it is made of. A duration is a text such as `10s`; seconds as a number, and a
timedelta, become one.

Example:
    >>> from canary import VirtualService, istio
    >>> mirror = istio.HttpMirrorPolicy(destination=istio.Destination(host="image-classifier", subset="resnet101"))
    >>> service = VirtualService.to("image-classifier", subset="resnet50")
    >>> rule = service.spec.http[0].replace(mirrors=[mirror], timeout="2s")
    >>> service.replace(http=[rule]).spec.http[0].mirrors[0].destination.subset
    'resnet101'
"""
'''

GATEWAY_API = '''"""The messages of the Gateway API's objects: classes with every field, its type and its documentation.

They work as those of `canary.istio` do.

Example:
    >>> from canary import HttpRoute, gateway_api
    >>> limits = gateway_api.HttpRouteTimeouts(request="2s")
    >>> route = HttpRoute.weighted("pets", {"pets-v1": 90, "pets-v2": 10}, gateways=["public"], port=80)
    >>> rule = route.spec.rules[0].replace(timeouts=limits)
    >>> route.replace(rules=[rule]).spec.rules[0].timeouts.request
    '2s'
"""
'''

IMPORTS = """# Written by scripts/istio_messages.py from the types in crates/canary-istio/src/{folder}; change those.

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from canary._message import NOTHING, Entries, Message, field

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

"""

# The files with the folder of their types, and the types to begin with.
TARGETS = [
    ("istio.py", "networking", ISTIO, ["GatewaySpec", "VirtualServiceSpec", "DestinationRuleSpec"]),
    (
        "gateway_api.py",
        "gateway_api",
        GATEWAY_API,
        [
            "GatewaySpec",
            "GatewayClassSpec",
            "HttpRouteSpec",
            "GrpcRouteSpec",
            "ReferenceGrantSpec",
            "BackendTlsPolicySpec",
        ],
    ),
]


def metadata():
    """The class of the metadata that every object has."""
    lines = []
    for name, _, what, doc in METADATA:
        kind, _, element = what.rpartition(":")
        type_ = {"": f"{element} | None", "map": f"Mapping[str, {element}]", "list": f"Sequence[{element}]"}[kind]
        default = {"": "None", "map": "NOTHING", "list": "()"}[kind]
        more = f', kind="{kind}"' if kind else ""
        lines.append(f"    {name}: {type_} = field(default={default}{more})\n{docstring(doc)}")
    return (
        'class ObjectMeta(Message):\n    """The name, labels and other data of a Kubernetes object.\n    """\n\n'
        "    __slots__ = ()\n\n" + "".join(lines)
    )


def imports(folder, own, body):
    """The imports that the text needs."""
    names = ["Message", "field"]
    names += [name for name in ["Entries"] if name in own]
    names += [name for name in ["NOTHING"] if "NOTHING" in body]
    typing = ["TYPE_CHECKING", *(name for name in ["Any", "Literal"] if re.search(rf"\b{name}\b", body))]
    order = ["NOTHING", "Entries", "Message", "field"]
    text = IMPORTS.replace("{folder}", folder)
    text = text.replace("NOTHING, Entries, Message, field", ", ".join(name for name in order if name in names))
    return text.replace("TYPE_CHECKING, Any, Literal", ", ".join(typing))


def written(folder, about, wanted):
    """The text of one file."""
    items = read(folder)
    seen = []
    while wanted:
        name = wanted.pop(0)
        if name in seen:
            continue
        seen.append(name)
        for _, _, _, _, element, _ in fields(items[name], items):
            if element not in SCALARS and (items[element].what == "struct" or "try_from" in items[element].attributes):
                wanted.append(element)
    parts = []
    for name in sorted(seen):
        item = items[name]
        doc = "\n    ".join(item.doc.splitlines()).replace("\n    \n", "\n\n").replace("\\", "\\\\")
        parts.append(
            f'class {name}(Message):\n    """{doc}\n    """\n\n    __slots__ = ()\n\n'
            + "".join(field(*found, items) for found in fields(item, items))
        )
    own = ["Message"]
    if folder == "networking":
        parts.append(metadata())
        own += ["Entries", "ObjectMeta"]
    names = sorted([*seen, *own])
    body = "\n\n".join(parts)
    exported = "__all__ = [\n" + "".join(f'    "{name}",\n' for name in names) + "]\n\n\n"
    content = about + "\n" + imports(folder, own, body) + exported + body
    content = re.sub(r"\n+    \"\"\"\n", '\n    """\n', content)
    return re.sub(r'(    """[^\n"]+)\n    """\n', r'\1"""\n', content)


def main():
    for target, folder, about, wanted in TARGETS:
        path, content = ROOT / "python/canary" / target, written(folder, about, list(wanted))
        if sys.argv[1:] != ["--check"]:
            path.write_text(content)
        elif path.read_text() != content:
            raise SystemExit(f"python/canary/{target} is not what the Rust types say: run scripts/istio_messages.py")


if __name__ == "__main__":
    main()
