"""What `help()` says: every public member is documented at run time, as the stub has it, and its examples run."""

import ast
import builtins
import doctest
import inspect
import json
import re
import time
from pathlib import Path

import matplotlib as mpl
import pytest
import servers
from apiserver import BIN, apiserver
from test_plan import client, start

import canary
from canary import _canary, _dashboard, _errors, _message, _node, _numeric, _objects, _records, _text, _wait, istio

STUB = Path(canary.__file__).parent / "_canary.pyi"
EXPORTED = [name for name in _canary.__all__ if not name.startswith("__")]
SECTIONS = ("Args", "Returns", "Raises", "Example")
# The classes of Python's own that a message may name.
RAISED = {name for name, value in vars(builtins).items() if inspect.isclass(value) and issubclass(value, BaseException)}
RAISED |= {name for name in canary.__all__ if name.endswith("Error")}


def stub():
    """The documentation of the stub by name, with the annotations of the arguments."""
    classes, found = {}, {}
    for node in ast.parse(STUB.read_text()).body:
        if isinstance(node, ast.FunctionDef) and node.name not in found:
            found[node.name] = node
        if isinstance(node, ast.ClassDef):
            classes[node.name] = node
            members = {}
            for item in node.body:
                if isinstance(item, ast.FunctionDef):
                    members.setdefault(item.name, item)
            for base in node.bases:
                inherited = classes.get(getattr(base, "id", ""))
                for item in inherited.body if inherited else ():
                    if isinstance(item, ast.FunctionDef):
                        members.setdefault(item.name, item)
            found[node.name] = node
            found |= {f"{node.name}.{name}": item for name, item in members.items()}
    return found


WRITTEN = stub()


def public():
    """Every public class, function, method and property of the extension, by name."""
    for name in EXPORTED:
        value = getattr(canary, name)
        yield name, value
        if inspect.isclass(value):
            for member in sorted(vars(value)):
                if not member.startswith("_"):
                    yield f"{name}.{member}", getattr(value, member)


MEMBERS = dict(public())


def sections(text):
    """The parts of a docstring by heading; the first has none."""
    found, current = {"": []}, ""
    for line in text.splitlines():
        heading = re.fullmatch(r"(\w+):", line)
        if heading and heading[1] in SECTIONS:
            current = heading[1]
            found[current] = []
        else:
            found[current].append(line)
    return {name: inspect.cleandoc("\n".join(lines)) for name, lines in found.items()}


def listed(section):
    """The names that a section lists."""
    return re.findall(r"^(\w+): ", section, re.MULTILINE)


def parameters(value):
    """The arguments that a caller gives."""
    if not callable(value):
        return []
    return [one for one in inspect.signature(value).parameters.values() if one.name != "self"]


def test_the_stub_has_what_the_module_has():
    assert set(MEMBERS) == {
        name
        for name in WRITTEN
        if not name.startswith("_") and not name.split(".")[-1].startswith("_") and name.split(".")[0] in EXPORTED
    }
    assert len(MEMBERS) > 400


@pytest.mark.parametrize("name", MEMBERS)
def test_a_member_is_documented_as_in_the_stub(name):
    node, value = WRITTEN[name], MEMBERS[name]
    doc = inspect.cleandoc(value.__doc__ or "")
    assert doc == ast.get_docstring(node)
    first, *rest = doc.splitlines()
    assert first.endswith((".", ":")), first
    assert not rest or not rest[0], "the first line stands by itself"
    parts = sections(doc)
    assert list(parts) == ["", *(one for one in SECTIONS if one in parts)]
    assert set(listed(parts.get("Raises", ""))) <= RAISED


def twin(name):
    """The call that an awaitable one is the twin of."""
    return MEMBERS.get(name.removesuffix("_async")) if name.endswith("_async") else None


@pytest.mark.parametrize("name", [name for name, value in MEMBERS.items() if parameters(value)])
def test_every_argument_is_explained_with_its_unit(name):
    parts = sections(inspect.cleandoc(MEMBERS[name].__doc__))
    kinds = {one.kind for one in parameters(MEMBERS[name])}
    assert inspect.Parameter.VAR_KEYWORD not in kinds, "the arguments have names"
    named = [one.name for one in parameters(MEMBERS[name])]
    if name.endswith("_async"):
        base = name.removesuffix("_async")
        assert f"`{base.split('.')[-1]}`" in parts[""] or "`Lab(…)`" in parts[""]
        assert base == "Lab.start" or named == [one.name for one in parameters(MEMBERS[base])]
        return
    if name.endswith(".replace"):
        made = [one.name for one in parameters(MEMBERS[name.removesuffix(".replace")])]
        assert named == made
        return
    assert listed(parts.get("Args", "")) == named
    node = WRITTEN[name]
    if isinstance(node, ast.ClassDef):
        node = WRITTEN[f"{name}.__new__"]
    several = [node.args.vararg] if node.args.vararg else []
    arguments = [*node.args.args, *several, *node.args.kwonlyargs]
    units = {one.arg: ast.unparse(one.annotation) for one in arguments if one.annotation}
    for argument, text in re.findall(r"^(\w+): ((?:.|\n(?!\w+: ))*)", parts["Args"], re.MULTILINE):
        if "_Seconds" in units[argument]:
            assert re.search(r"\bseconds?\b|\bminutes?\b|\bhour\b", text), f"{argument} has no unit"


@pytest.mark.parametrize("name", MEMBERS)
def test_every_member_is_in_an_example(name):
    owner, _, member = name.partition(".")
    own = sections(inspect.cleandoc(MEMBERS[name].__doc__)).get("Example", "")
    if callable(MEMBERS[name]) or not member:
        assert ">>> " in own
        return
    # A property is shown by itself, or with others in the example of its class or of another property.
    docs = [value.__doc__ or "" for other, value in MEMBERS.items() if other.partition(".")[0] == owner]
    examples = "\n".join(re.findall(r"^\s*(?:>>>|\.\.\.) (.*)$", "\n".join(docs), re.MULTILINE))
    assert re.search(rf"\.{member}\b", examples)


@pytest.mark.parametrize("name", [name for name, value in MEMBERS.items() if callable(value)])
def test_every_call_has_a_signature(name):
    value = MEMBERS[name]
    if inspect.isclass(value) and f"{name}.__new__" not in WRITTEN:
        return
    node = WRITTEN[f"{name}.__new__"] if inspect.isclass(value) else WRITTEN[name]
    keywords = [node.args.kwarg] if node.args.kwarg else []
    several = [node.args.vararg] if node.args.vararg else []
    written = [*node.args.args, *several, *node.args.kwonlyargs, *keywords]
    written = [one.arg for one in written if one.arg not in {"self", "cls"}]
    assert [one.name for one in parameters(value)] == written


@pytest.mark.parametrize(
    "module",
    [_records, _dashboard, _message, _node, _numeric, _objects, _text, _wait, istio],
    ids=lambda one: one.__name__,
)
def test_what_is_written_in_python_is_documented_too(module):
    for name in getattr(
        module, "__all__", ["Dashboard", "Message", "Node", "Objects", "Records", "wait", "wait_async"]
    ):
        value = getattr(module, name, None)
        if value is None or value.__module__ != module.__name__:
            continue
        assert value.__doc__, name
        for member, found in vars(value).items():
            if not member.startswith("_"):
                assert found.__doc__, f"{name}.{member}"
                if inspect.isfunction(found):
                    assert ">>> " in found.__doc__, f"{name}.{member}"


@pytest.mark.parametrize("message", [istio.HttpRoute, istio.Destination, istio.ObjectMeta])
def test_the_messages_have_signatures(message):
    assert list(inspect.signature(message).parameters) == list(message._by_name)


def test_the_required_fields_of_a_message_are_those_without_a_default():
    signature = inspect.signature(istio.HttpRouteDestination)
    required = [one.name for one in signature.parameters.values() if one.default is inspect.Parameter.empty]
    assert required == ["destination"]


def test_completion_lists_what_is_public():
    assert dir(canary) == sorted(canary.__all__)
    assert {"hosts", "gateways", "http"} <= set(dir(canary.VirtualService.to("s").spec))


def test_every_exception_is_documented():
    for name in canary.__all__:
        if name.endswith("Error"):
            assert vars(_errors)[name].__doc__.endswith((".", ": correct the text."))


@pytest.fixture
def around():
    """The surroundings of the examples: a lab with two versions, and a client of its gateway."""
    with start(canary.ScriptedModel("cat", 0.8)) as lab:
        yield {"lab": lab, "client": client(lab)}


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """A real API server with Istio's definitions and one VirtualService, and without Istio."""
    with apiserver(tmp_path_factory.mktemp("apiserver")) as config:
        found = canary.Cluster(config)
        found.apply(canary.load(BIN / "istio-crds.yaml"))
        routes = canary.VirtualService.to("image-classifier")
        until = time.monotonic() + 60
        while True:
            try:
                found.apply(routes)
                break
            except canary.ClusterError:
                # The server serves a kind some time after its definition came.
                assert time.monotonic() < until
                time.sleep(0.2)
        yield found


class Model(servers.Handler):
    """A model with signatures for classification and regression."""

    def do_POST(self):
        examples = json.loads(self.body())["examples"]
        classified = [[["yes", 0.75], ["no", 0.25]] for _ in examples]
        regressed = [example["age"] for example in examples]
        self.answer({"results": classified if self.path.endswith(":classify") else regressed})


@pytest.fixture
def people():
    """A client of a model that knows people."""
    with servers.serving(Model) as server:
        yield canary.Client(server.url, model="people")


EXAMPLES = [name for name, value in MEMBERS.items() if ">>> " in (value.__doc__ or "")]


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_runs(name, request):
    mpl.use("agg")
    text = inspect.cleandoc(MEMBERS[name].__doc__)
    names = {key: getattr(canary, key) for key in canary.__all__}
    if re.search(r"\b(lab|client)\b[.,)]", text):
        names |= request.getfixturevalue("around")
    if re.search(r"\bcluster\.", text):
        names["cluster"] = request.getfixturevalue("cluster")
    if "people." in text:
        names["people"] = request.getfixturevalue("people")
    example = doctest.DocTestParser().get_doctest(text, names, name, str(STUB), 0)
    outcome = doctest.DocTestRunner(verbose=False, optionflags=doctest.ELLIPSIS).run(example)
    assert outcome.attempted > 0
    assert outcome.failed == 0


@pytest.mark.parametrize(
    "module",
    [_dashboard, _message, _node, _numeric, _objects, _records, _text, _wait, istio],
    ids=lambda module: module.__name__,
)
def test_the_examples_in_python_run(module):
    outcome = doctest.testmod(module)
    assert outcome.attempted > 0
    assert outcome.failed == 0
