"""One wait for everything that becomes ready or ends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from canary._canary import Client, Cluster, Lab, Run, Workload

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import timedelta


def wait(
    what: Lab | Client | Run | Workload | str,
    *,
    on: Cluster | None = None,
    timeout: float | timedelta | str | None = None,
) -> Any:
    """Wait until something is ready, or a run is over.

    Args:
        what: A `Lab`, until its Deployments are ready; a `Client`, until a version of its model answers; a `Run`, until
            its verdict; or with `on` a `Workload` or the name of a Deployment, until its pods are ready.
        on: The cluster that the workload is on.
        timeout: The longest wait, in seconds, as a timedelta, or as a text such as `90s`; a minute unless given, and
            five minutes on a cluster. A run has the times of its plan.

    Returns:
        What the `wait` or `wait_ready` of it gives.

    Raises:
        TimeoutError: It was not ready in time; the message says what is missing.
        TypeError: There is nothing to wait for.

    Example:
        >>> from canary import Client, Gateway, Lab, ScriptedModel, VirtualService, Workload, wait
        >>> with Lab(models={"m/1": ScriptedModel("cat", 0.9)}) as lab:
        ...     lab.apply(Workload("pets", "v1", model="pets", path="m/1"))
        ...     lab.apply([Gateway.http("g"), VirtualService.to("pets", hosts=["*"], gateways=["g"], port=8501)])
        ...     wait(lab, timeout=30)
        ...     wait(Client(lab.url, model="pets"), timeout="30s")
        {1: 'AVAILABLE'}
    """
    return _waiter(what, on, timeout, "")()


async def wait_async(
    what: Lab | Client | Run | Workload | str,
    *,
    on: Cluster | None = None,
    timeout: float | timedelta | str | None = None,
) -> Any:
    """Do what `wait` does, as a coroutine; arguments and errors are the same.

    Example:
        >>> import asyncio
        >>> from canary import Lab, wait_async
        >>> with Lab() as lab:
        ...     asyncio.run(wait_async(lab, timeout=30))
    """
    return await _waiter(what, on, timeout, "_async")()


def _waiter(what: object, on: Cluster | None, timeout: Any, suffix: str) -> Callable[[], Any]:
    """Choose the call that waits."""
    if on is not None and isinstance(what, Workload | str):
        return lambda: getattr(on, f"wait_ready{suffix}")(what, timeout=timeout)
    if on is not None:
        raise TypeError(f"on is for a Workload or the name of a Deployment, and what is {_kind(what)}; leave on out")
    if isinstance(what, Lab):
        return lambda: getattr(what, f"wait_ready{suffix}")(timeout)
    if isinstance(what, Client):
        return lambda: getattr(what, f"wait{suffix}")(timeout)
    if isinstance(what, Run):
        if timeout is not None:
            raise TypeError("timeout is given for a run, which has the times of its plan; set patience= of the Plan")
        return getattr(what, f"wait{suffix}")  # type: ignore[no-any-return]
    if isinstance(what, Workload | str):
        raise TypeError(f"what is {_kind(what)}, which is on a cluster; give it too, as in wait(…, on=Cluster())")
    raise TypeError(f"what is {_kind(what)}; give a Lab, a Client, a Run, or a Workload with on=")


def _kind(value: object) -> str:
    name = type(value).__name__
    return f"{'an' if name[0].lower() in 'aeiou' else 'a'} {name}"
