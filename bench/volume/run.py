"""One run of the stream among so many enrollments."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random

from bench import learning
from bench.applied import Mark, applied, reach
from bench.contest.arena import CLOSING, Arena
from bench.machine import cpu_seconds, resident_mb
from bench.results import Rate
from bench.volume.copies import MODELS, populate, publish_turn
from pravah_cli.local.running import Running
from pravah_progress.store import Store
from pravah_shared.mongo import Database

FIRST = MODELS + CLOSING
"""Learners below are the models, and those whose completion tells that models are made."""
WARM = 0.1
"""Share of the reports after which the process is warm."""


@dataclass(frozen=True, slots=True)
class Ran:
    """What a run showed. `store_cpu_seconds` None: the store is not ours to look at."""

    enrollments: int
    events: int
    rate: Rate
    warm_mb: float
    end_mb: float
    most_mb: float
    store_cpu_seconds: float | None

    @property
    def microseconds(self) -> float:
        """CPU time of the stream's process per event."""
        return 1e6 / self.rate.per_cpu_second

    @property
    def store_microseconds(self) -> float | None:
        """CPU time of the store's process per event."""
        if self.store_cpu_seconds is None:
            return None
        return 1e6 * self.store_cpu_seconds / self.rate.events


@dataclass(slots=True)
class _Memory:
    """Resident memory of a process while it works."""

    pid: int
    warm_at: int
    warm_mb: float = 0.0
    end_mb: float = 0.0
    most_mb: float = field(default=0.0)

    def look(self, mark: Mark) -> None:
        """Take a sample."""
        self.end_mb = resident_mb(self.pid)
        if mark.count <= self.warm_at:
            self.warm_mb = self.end_mb
        self.most_mb = max(self.most_mb, self.end_mb)


async def fill(arena: Arena, enrollments: int) -> list[int]:
    """Fill the store with so many enrollments; return their learners, shuffled.

    `arena` has enrolled its models.
    """
    learners = range(FIRST, enrollments)
    await populate(arena.settings, learners)
    chooser = Random(learning.SEED + enrollments)  # noqa: S311 - an order, not a secret
    return chooser.sample(learners, len(learners))


async def run(arena: Arena, enrollments: int, order: Sequence[int]) -> Ran:
    """Let these learners report once, in this order, among so many enrollments."""
    await publish_turn(arena.settings, order)
    async with (
        Database.connect(arena.settings.mongo_uri, arena.settings.mongo_database) as database,
        arena.running() as process,
    ):
        return await _watched(arena, Store.on(database), process, enrollments, len(order))


async def _watched(
    arena: Arena, store: Store, process: Running, enrollments: int, events: int
) -> Ran:
    before = await applied(store)
    memory = _Memory(process.pid, before + int(WARM * events))
    first = await reach(store, before + 1, process)
    store_before = _store_cpu(arena)
    last = await reach(store, before + events, process, memory.look)
    store_after = _store_cpu(arena)
    used = None if store_before is None or store_after is None else store_after - store_before
    rate = first.until(last)
    return Ran(enrollments, events, rate, memory.warm_mb, memory.end_mb, memory.most_mb, used)


def _store_cpu(arena: Arena) -> float | None:
    store = arena.parts.store
    return None if store is None else cpu_seconds(store.pid)
