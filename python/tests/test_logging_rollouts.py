"""Events of a rollout in `logging`, and those of the command."""

import asyncio
import logging
import threading

import logs
import pytest
import releases


@pytest.fixture
def keep():
    with logs.listening() as listen:
        yield listen


async def until_told(kept, start):
    """Wait until a record that begins so has come, a minute at most; the test then finds what is missing."""
    for _ in range(3_000):
        if any(message.startswith(start) for message in kept.messages()):
            return
        await asyncio.sleep(0.02)
    pytest.fail(f"no record begins with {start!r}: {kept.messages()[-10:]}")


async def test_a_level_takes_effect_while_something_goes_on_in_the_background(keep):
    kept = keep(logging.WARNING)
    with releases.mesh(releases.good()) as lab:
        plan = releases.plan(hold=1_000_000)
        run = plan.run(lab, client=releases.client(lab), inputs=releases.photos(), tick=0.02)
        task = asyncio.create_task(run.wait_async())
        await asyncio.sleep(0.3)
        assert [record for record in kept.records if record.levelno < logging.WARNING] == []
        # Nothing of `canary` is called meanwhile.
        logging.getLogger("canary.rollout").setLevel(logging.DEBUG)
        await until_told(kept, "look ")
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        # A cancelled wait suspends the rollout, which ends on its own thread: its last record comes later.
        await until_told(kept, "suspended ")
    record = next(record for record in kept.records if record.getMessage().startswith("look "))
    assert (record.canary["virtual_service"], record.canary["stable"]) == (releases.APP, "v1")
    assert record.threadName != threading.current_thread().name


def test_a_rollout_is_told_in_its_order(keep):
    kept = keep(logging.INFO)
    with releases.mesh(releases.good(errors=0.4)) as lab:
        run = releases.plan().run(lab, client=releases.client(lab), inputs=releases.photos(), tick=0.05)
        verdict = run.wait()
    assert verdict.rolled_back
    lines = [record for record in kept.of("canary.rollout") if not record.getMessage().startswith("hold ")]
    messages = [record.getMessage().split(" ")[0:2] for record in lines]
    order = [" ".join(words) for words in messages]
    assert order[:2] == ["lock taken", "rollout began"]
    assert order.index("weights written") < order.index("rollback decided") < order.index("verdict verdict=rollback")
    alarm = next(record for record in lines if record.getMessage().startswith("alarm "))
    assert alarm.levelno == logging.WARNING
    assert alarm.canary["evidence"] >= alarm.canary["threshold"] > 1
    assert alarm.canary["plan"] == releases.plan().digest
    created = [record.created for record in kept.records]
    assert created == sorted(created)


def test_traces_have_a_level_below_debug(keep):
    kept = keep(5)
    with releases.mesh(releases.good()) as lab:
        run = releases.plan().run(lab, client=releases.client(lab), inputs=releases.photos(), tick=0.05)
        run.wait()
    seen = [record for record in kept.records if record.getMessage().startswith("observation ")]
    assert seen
    assert {(record.levelno, record.levelname) for record in seen} == {(5, "TRACE")}


PLAN = """
target: {virtualService: image-classifier}
stable: resnet50
canary: resnet101
settle: 0s
steps:
- {weight: 50, hold: {requests: 40}}
- {weight: 100}
guardrails:
- errorRatio: {atMost: 1.0}
"""


def test_the_command_logs_to_stderr(tmp_path):
    plan = tmp_path / "plan.yaml"
    plan.write_text(PLAN)
    done = logs.script(
        "import sys\nfrom canary.__main__ import main\nsys.argv[1:] = ['run', sys.argv[1], '--log', 'info']\nmain()",
        str(plan),
    )
    assert " INFO rollout{" in done.stderr
    assert "weights written step=0 weight=50" in done.stderr
    assert "verdict verdict=" in done.stderr
