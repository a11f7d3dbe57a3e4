"""Every call that does I/O has an awaitable twin, and every value behaves as values do."""

import ast
from pathlib import Path

import canary

STUB = Path(canary.__file__).parent / "_canary.pyi"

# Calls that do I/O, or wait, and have no twin, with the reason.
WITHOUT = {
    "Client.close": "`async with` closes by await",
    "Client.predict_many": "its iterator is an async iterator too",
    "Cluster.release": "names a release, and asks nobody",
    "Cluster.watch": "its iterator is an async iterator too",
    "Lab.close": "`async with` closes by await",
    "Lab.counts": "reads memory of this process",
    "Lab.dashboard": "opens a port of this machine, which takes no time",
    "Lab.get": "reads memory of this process",
    "Lab.objects": "reads memory of this process",
    "Lab.release": "names a release, and asks nobody",
    "Run.abort": "sends a command, and the iteration continues",
    "Run.approve": "sends a command, and the iteration continues",
    "Run.dashboard": "opens a port of this machine, which takes no time",
    "Run.label": "sends a label, and the iteration continues",
    "Run.pause": "sends a command, and the iteration continues",
    "Run.promote": "sends a command, and the iteration continues",
    "Run.report": "writes a file of this machine",
    "Run.resume": "sends a command, and the iteration continues",
    "Run.suspend": "sends a command, and the iteration continues",
    "preprocess_models": "looks into a table",
    "decode_image": "computes; asyncio.to_thread runs it beside the event loop",
    "load": "reads a file of this machine",
    "report": "writes a file of this machine",
}
# Classes whose methods talk to something.
TALKING = {"Client", "Cluster", "Lab", "Prometheus", "Run"}
# Functions of the module that compute on what they are given, and do nothing else.
PURE = {
    "accuracy", "agreement", "analyze", "compare_rules", "custom", "decode_predict", "decode_predict_grpc", "dumps",
    "encode_predict", "encode_predict_grpc", "encode_warm_up", "error_rate", "error_ratio", "loads", "mean",
    "numeric_drift",
    "observed_share", "pair_errors", "quantile_ratio", "slow_ratio", "validate",
}  # fmt: skip
# The same for methods, in whatever class.
PURE_METHODS = {"compare", "plot", "records", "replace", "to_dict", "to_pandas", "to_polars"}


def parameters(node):
    arguments = node.args
    names = [one.arg for one in arguments.posonlyargs + arguments.args if one.arg != "self"]
    defaults = [ast.unparse(one) for one in arguments.defaults]
    keywords = [(one.arg, default and ast.unparse(default)) for one, default in
                zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)]  # fmt: skip
    return names, defaults, keywords


def functions():
    """Every public function and method of the stub, by its name."""
    for node in ast.parse(STUB.read_text()).body:
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
            yield node.name, node
        if isinstance(node, ast.ClassDef):
            for item in node.body:
                if not isinstance(item, ast.FunctionDef) or item.name.startswith("_"):
                    continue
                if not any(ast.unparse(one) == "property" for one in item.decorator_list):
                    yield f"{node.name}.{item.name}", item


def test_every_call_that_does_io_has_a_twin():
    known = dict(functions())
    missing = []
    for name in known:
        owner = name.split(".")[0] if "." in name else None
        talks = owner in TALKING or name == "Plan.run" or (owner is None and name not in PURE)
        if not talks or name.endswith("_async") or name in WITHOUT or name.split(".")[-1] in PURE_METHODS:
            continue
        if f"{name}_async" not in known:
            missing.append(name)
    assert missing == []
    assert set(WITHOUT) | PURE <= set(known), "the list names what there is"


def test_twins_take_the_same():
    known = dict(functions())
    twins = [name for name in known if name.endswith("_async")]
    assert len(twins) > 20
    for name in twins:
        plain = name.removesuffix("_async")
        if name == "Lab.start_async":
            continue
        assert parameters(known[name]) == parameters(known[plain]), name
        returns = ast.unparse(known[plain].returns)
        assert ast.unparse(known[name].returns) == f"Coroutine[Any, Any, {returns}]", name
