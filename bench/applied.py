"""How far the stream has come, from outside: the offsets that it stored as applied."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass

from bench.machine import cpu_seconds
from bench.results import Rate
from pravah_cli.local.process import PartError, tail
from pravah_cli.local.running import Running
from pravah_progress.store import Store

IDLE_SECONDS = 90.0
"""Nothing applied for so long, on a machine however busy: it stands."""
POLL_SECONDS = 0.02
"""An error of one in a hundred on the shortest turn."""


@dataclass(frozen=True, slots=True)
class Mark:
    """So many reports are applied; when that was, and the CPU time until then."""

    count: int
    at: float
    cpu_seconds: float

    def until(self, later: "Mark") -> Rate:
        """Return the rate between two marks."""
        return Rate(
            later.count - self.count, later.at - self.at, later.cpu_seconds - self.cpu_seconds
        )


def _nothing(_: Mark) -> None:
    return None


async def applied(store: Store) -> int:
    """Return how many reports were applied, over all partitions."""
    return sum((await store.applied.next_offsets()).values())


async def reach(
    store: Store, count: int, process: Running, each: Callable[[Mark], None] = _nothing
) -> Mark:
    """Wait until so many are applied. `each` is told of every look at it.

    Raises:
        PartError: the process ended, or nothing more is applied.
    """
    moved = Mark(-1, time.perf_counter(), 0.0)
    while True:
        if not process.alive:
            raise PartError(f"the stream ended:\n{tail(process.log)}")
        mark = Mark(await applied(store), time.perf_counter(), cpu_seconds(process.pid))
        each(mark)
        if mark.count >= count:
            return mark
        moved = mark if mark.count > moved.count else moved
        if mark.at - moved.at > IDLE_SECONDS:
            said = tail(process.log)
            raise PartError(f"the stream stands at {mark.count} of {count}:\n{said}")
        await asyncio.sleep(POLL_SECONDS)
