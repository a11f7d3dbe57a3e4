"""Releases a canary by the access log of nginx: `python examples/nginx_log.py access.log`.

The log has the combined format and four more fields, of which `subset` is the header that the routes stamp
(`stamp_subset` of `VirtualService.weighted`):

    log_format canary '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent '
                      '"$http_referer" "$http_user_agent" msec=$msec request_time=$request_time '
                      'subset=$upstream_http_x_canary_subset id=$request_id';
"""

from __future__ import annotations

import heapq
import re
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import canary

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

LINE = re.compile(
    r'\S+ - \S+ \[[^\]]+\] "[^"]*" (?P<status>\d{3}) \d+ "[^"]*" "[^"]*" '
    r"msec=(?P<ended>[\d.]+) request_time=(?P<took>[\d.]+) subset=(?P<subset>\S+) id=(?P<id>\S+)"
)
# The longest that a request takes: what was sent so long before the newest line has ended, and was logged.
LONGEST = 15.0


def parse(line: str, number: int) -> canary.Observation:
    """Read a line of the log."""
    found = LINE.match(line)
    if found is None:
        raise ValueError(f"line {number} of the access log does not have the format of this example: {line!r}")
    latency = float(found["took"])
    return canary.Observation(
        None if found["subset"] == "-" else found["subset"],
        float(found["ended"]) - latency,
        ok=found["status"].startswith("2"),
        latency=latency,
        id=found["id"],
    )


def observations(lines: Iterable[str]) -> Iterator[canary.Observation]:
    """Give the requests in the order of sending: nginx writes them as they end."""
    waiting: list[tuple[float, int, canary.Observation]] = []
    for number, line in enumerate(lines, start=1):
        one = parse(line, number)
        heapq.heappush(waiting, (one.sent_at, number, one))
        newest = one.sent_at + (one.latency or 0.0)
        while waiting and waiting[0][0] < newest - LONGEST:
            yield heapq.heappop(waiting)[2]
    while waiting:
        yield heapq.heappop(waiting)[2]


def follow(path: str) -> Iterator[str]:
    """Give the lines that are appended to a file from now on."""
    with Path(path).open(encoding="utf-8") as log:
        log.seek(0, 2)
        while True:
            begun = log.tell()
            line = log.readline()
            if line.endswith("\n"):
                yield line
            else:
                # nginx is still writing it.
                log.seek(begun)
                time.sleep(0.2)


def main() -> None:
    """Release by the log of a cluster's own nginx."""
    plan = canary.Plan(
        "image-classifier", stable="resnet50", canary="resnet101", guards=[canary.error_ratio(1.0)], settle=LONGEST
    )
    run = plan.run(cluster=canary.Cluster(), evidence=observations(follow(sys.argv[1])))
    for event in run:
        print(event)


if __name__ == "__main__":
    main()
