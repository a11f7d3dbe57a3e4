"""The limits: the page, row by row, against the source."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LIMITS = ROOT / "docs/reference/limits.md"
# The value of a row, the crate that holds the limit, and how its source states it.
SOURCES = {
    "values nested in one another, in YAML": ("100", "canary-istio", "MAX_DEPTH: usize = 100;"),
    "lists directly in lists": ("4", "canary-istio", "MAX_LISTS: usize = 4;"),
    "values that aliases": ("100 000", "canary-istio", "MAX_COPIED: usize = 100_000;"),
    "problems that a lenient reading": ("50", "canary-istio", "MAX_PROBLEMS: usize = 50;"),
    "length of a regular expression": ("1024 bytes", "canary-istio", "MAX_LEN: usize = 1024;"),
    "memory of one compiled expression": ("32 MiB", "canary-istio", "SIZE_LIMIT: usize = 32 << 20;"),
    "memory of all expressions": ("96 MiB", "canary-istio", "LIMIT: usize = 96 << 20;"),
    "bytes of all annotations": ("262 144", "canary-istio", "MAX_ANNOTATIONS: usize = 256 * 1024;"),
    "routes of one mesh": ("1 000 000", "canary-istio", "MAX_ROUTES: usize = 1_000_000;"),
    "matches of delegates": ("100 000, and 8 MiB", "canary-istio", "MAX_MERGED_BYTES: usize = 8 << 20;"),
    "matches of all rules of a route": ("128", "canary-istio", "MAX_MATCHES: usize = 128;"),
    "earlier matches of one rank": ("16", "canary-istio", "MAX_COMPARED: usize = 16;"),
    "gateway selectors": ("64", "canary-istio", "MAX_SELECTORS: usize = 64;"),
    "pixels of an image": ("100 000 000", "canary-serving", "max_pixels: 100_000_000"),
    "bytes of a JPEG file": ("a bit for a block", "canary-jpeg", "a bit for a block of a progressive one"),
    "visits of a block": ("64, and 128", "canary-jpeg", "VISITS_A_BYTE: u64 = 128;"),
    "memory of other decoders": ("64 MiB", "canary-serving", "BESIDE: u64 = 64 << 20;"),
    "bytes of a response": ("64 MiB", "canary-serving", "max_answer_bytes: 64 << 20"),
    "bytes of a response's headers": ("64 KiB", "canary-http", "http2_max_header_list_size(64 << 10)"),
    "requests of a warm-up file": ("1000", "canary-serving", "MAX_WARM_UP_REQUESTS: usize = 1000;"),
    "dimensions of an array": ("32", "canary-serving", "MAX_DIMENSIONS: usize = 32;"),
    "values nested in one another in JSON that": ("64", "canary-serving", "MAX_DEPTH: usize = 64;"),
    "bytes of a response with metadata": ("16 MiB", "canary-serving", "MAX_DESCRIPTION: usize = 16 << 20;"),
    "bytes of an answer that tells": ("1 MiB", "canary-serving", "MAX_ANSWER: usize = 1 << 20;"),
    "outputs of a response": ("1024", "canary-serving", "MAX_OUTPUTS: usize = 1024;"),
    "memory that the values": ("8 times its bytes, and 64 MiB", "canary-serving", "RATIO: usize = 8;"),
    "memory of values that TensorFlow": ("64 MiB", "canary-serving", "MAX_FILLED: usize = 64 << 20;"),
    "bytes of a gRPC request": ("2 147 483 647", "canary-serving", "MAX: usize = i32::MAX as usize;"),
    "text of a server": ("2048 bytes", "canary-http", "MOST: usize = 2048;"),
    "longest time that counts": ("a year", "canary-http", "MAX_TIMEOUT: Duration = Duration::from_secs(365 * 24"),
    "time of a call": ("60 s", "canary-serving", " timeout: Duration::from_secs(60)"),
    "files of one version": ("10 000", "canary-serving", "MOST: usize = 10_000;"),
    "graphs of one SavedModel": ("64", "canary-serving", "MOST_GRAPHS: u32 = 64;"),
    "size of one part": (
        "8 MiB, more for files that would have over 9000 parts",
        "canary-serving",
        "MOST_PARTS: u64 = 9_000;",
    ),
    "time without progress": ("60 s", "canary-serving", "PATIENCE: Duration = Duration::from_secs(60);"),
    "steps of a plan": ("200", "canary-rollout", "MAX_STEPS: usize = 200;"),
    "decimals of a weight": ("3", "canary-rollout", "IN_ONE: u64 = 1_000;"),
    "guardrails of a plan": ("12", "canary-rollout", "MAX_GUARDRAILS: usize = 12;"),
    "bytes of a rollout's state": ("65 536", "canary-rollout", "MAX_STATE_BYTES: usize = 64 * 1024;"),
    "commands of people": ("5", "canary-rollout", "REMEMBERED: usize = 5;"),
    "requests of one simulated run": ("10 000 000 000", "canary-rollout", "MAX_REQUESTS: u64 = 10_000_000_000;"),
    "scores in a row": ("10", "canary-rollout", "MAX_INVALID_SCORES: u32 = 10;"),
    "repeated inputs": ("1000", "canary-rollout", "MAX_REPEATED_IN_A_ROW: u32 = 1_000;"),
    "inputs, and users, that are remembered": ("26 000", "canary-stats", "CAPACITY: u64 = 26_000;"),
    "time for which a client keeps": (
        "400 days",
        "canary-rollout",
        "LONGEST: Duration = Duration::from_secs(400 * 86_400);",
    ),
    "pairs and requests that wait": ("1024", "canary-rollout", "MAX_WAITING: usize = 1_024;"),
    "notices that wait": ("256", "canary-notify", "ROOM: usize = 256;"),
    "attempts at one notice": ("5", "canary-notify", "attempts: 5,"),
    "time of one attempt by webhook": ("10 s", "canary-notify", "timeout: Duration::from_secs(10)"),
    "time that the end of `canary run`": ("10 s", "canary-cli", "FLUSH: Duration = Duration::from_secs(10);"),
    "bytes of the message of a Kubernetes Event": ("1024", "canary-rollout", "MAX_MESSAGE: usize = 1024;"),
    "connections of the metrics' server": ("16", "canary-metrics", "CONNECTIONS: usize = 16;"),
    "time of a connection for metrics": ("10 s", "canary-metrics", "CONNECTION: Duration = Duration::from_secs(10);"),
    "bytes of the head of a request for metrics": ("16 384", "canary-metrics", "HEAD_BYTES: usize = 16 * 1024;"),
    "disagreements kept": ("24, and 1 MiB", "canary-rollout", "MAX_FILE_BYTES: usize = 1 << 20;"),
    "time of a request to the API server": ("60 s", "canary-kube", "LIMIT: Duration = Duration::from_secs(60);"),
    "objects of one page": ("500", "canary-kube", "PAGE: u32 = 500;"),
    "bytes of a file with a token": ("64 KiB", "canary-kube", "LARGEST: u64 = 64 << 10;"),
    "time of a query": ("10 s", "canary-kube", " timeout: Duration::from_secs(10)"),
    "bytes of a response of Prometheus": ("32 MiB", "canary-kube", "max_bytes: 32 << 20"),
    "series of one query": ("10 000", "canary-kube", "max_series: 10_000"),
    "bytes of a request to the gateway": ("256 MiB", "canary-lab", "MAX_BODY: usize = 256 << 20;"),
    "bytes of a request to the Kubernetes API": ("3 MiB", "canary-lab", "MAX_BODY: usize = 3 << 20;"),
    "changes that a watch": ("256", "canary-lab", "MAX_REMEMBERED: usize = 256;"),
    "time of a watch": ("1800 s", "canary-lab", "WATCH: Duration = Duration::from_secs(1_800);"),
    "pods of one workload": ("16", "canary-lab", "MAX_REPLICAS: u64 = 16;"),
    "bytes of a file with weights": ("512 MiB", "canary-lab", "MAX_BYTES: u64 = 512 << 20;"),
}


def rows():
    table = re.findall(r"^\| ([^|]+) \| ([^|]+) \| ([^|]+) \| ([^|]+) \|$", LIMITS.read_text(), re.MULTILINE)
    return [row for row in table if row[0] != "limit"]


def sources(crate):
    return "\n".join(file.read_text() for file in sorted((ROOT / "crates" / crate / "src").rglob("*.rs")))


@pytest.mark.parametrize("name", SOURCES)
def test_a_limit_is_what_the_source_states(name):
    value, crate, text = SOURCES[name]
    # The longest name that fits: one row's name may begin as another's.
    named = [row for row in rows() if row[0].startswith(name)]
    shortest = min(named, key=lambda row: len(row[0]), default=None)
    assert shortest is not None, f"no row {name}"
    assert value in shortest[1], f"{name}: {shortest[1]}"
    assert text in sources(crate), f"{name}: {crate} does not say {text}"


def test_every_row_is_compared():
    for name, *_ in rows():
        assert any(name.startswith(known) for known in SOURCES), f"{name} is not compared with the source"


def test_every_bound_of_the_source_is_on_the_page():
    known = {text.split(":")[0].strip() for _, _, text in SOURCES.values()}
    # These bound what is shown or compared, and not what is taken.
    inner = {
        "MAX_ANSWER", "MAX_CLIENTS", "MAX_DIRECT_BODY", "MAX_LABEL", "MAX_LABEL_VALUE", "MAX_MERGED_MATCHES",
        "MAX_NAME", "MAX_NAMESPACES", "MAX_NOTES", "MAX_PAIRS", "MAX_PART", "MAX_PORTS", "MAX_PREFIX",
        "MAX_REFUSALS", "MAX_RESPONSE", "MAX_RULES", "MAX_STATES", "MAX_STRIDE", "MAX_WATCHED",
    }  # fmt: skip
    found = {
        name
        for file in (ROOT / "crates").glob("*/src/**/*.rs")
        for name in re.findall(r"const (MAX_[A-Z_]+): (?:usize|u64|u32|Duration)", file.read_text())
    }
    assert found - inner <= known, f"not on the page: {sorted(found - inner - known)}"
