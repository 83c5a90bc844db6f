"""A seed is a run that can be made again; a clock that is set wrong is wrong for its process."""

import asyncio
import os
import sys
import time
from itertools import islice
from pathlib import Path

from faulting.faults import FAULTS
from faulting.plan import BRIEF, Plan
from faulting.testbed import CLOCK

from pravah_shared.processing.failpoints import POINTS

HOUR = 3600
WAITING = """
import time
began = time.time()
print(began, flush=True)
while time.time() - began < 600:
    time.sleep(0.02)
print(time.time(), flush=True)
"""


def test_a_seed_gives_the_same_order_and_another_another() -> None:
    """Each fault once in the short form, again and again in the long one."""
    assert [*Plan(1).order()] == [*Plan(1).order()] != [*Plan(2).order()]
    assert sorted(Plan(1).order()) == sorted(FAULTS)
    assert len([*islice(Plan(1, minutes=30).order(), 100)]) == 100


def test_the_brief_form_dies_at_every_step() -> None:
    """What `make test` has time for includes each failpoint."""
    assert set(BRIEF) <= FAULTS.keys()
    assert {f"killed {point.replace('_', ' ')}" for point in POINTS} <= set(BRIEF)


async def test_a_clock_starts_wrong_and_jumps(tmp_path: Path) -> None:
    """By what its file says, when it says so; here and elsewhere time goes on."""
    clock = tmp_path / "clock"
    (tmp_path / "waiting.py").write_text(WAITING)
    clock.write_text(str(-HOUR))
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(CLOCK),
        str(clock),
        "waiting",
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    first = float(await asyncio.wait_for(process.stdout.readline(), 30))
    clock.write_text(str(HOUR))
    second = float(await asyncio.wait_for(process.stdout.readline(), 30))
    assert await process.wait() == 0
    assert abs(second - time.time() - HOUR) < 60
    assert second - first > HOUR
