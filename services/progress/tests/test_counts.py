"""Counts are right after any crash: what was marked is counted, never added to."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from pravah_progress.model import Bucket, CourseCounts, DocumentKey
from pravah_progress.store import Store
from pravah_progress.stream import RECOUNTS, REST, ProgressHandler
from pravah_shared.events import EventData, new_event

from .facts import attempt, course, day, enrolled, progressed, update, withdrawn
from .memory import memory_store

LEARNERS = 5
NOW = day(100)
OPENED = progressed(update(status=1))
PASSED = progressed(update(), attempt())


def of(learner: int, *facts: Any) -> list[EventData]:
    """Return the same facts about another learner."""
    return [fact.model_copy(update={"learner_id": f"l{learner}"}) for fact in facts]


FACTS: Sequence[EventData] = [
    course(),
    *of(0, enrolled()),
    *of(1, enrolled(), OPENED),
    *of(2, enrolled(), PASSED),
    *of(3, PASSED),
    *of(4, enrolled(), withdrawn(at=0.5)),
]
COUNTED = CourseCounts("ethics", enrolled=4, started=2, completed=1, settled=True)


class CrashError(Exception):
    """The process dies here."""


class Calls:
    """Counts calls of the store, and lets the process die at one."""

    def __init__(self) -> None:
        self.left = -1

    async def __call__(self) -> None:
        """Take one call."""
        self.left -= 1
        if self.left == 0:
            raise CrashError


class Worker:
    """A process: handles a batch as the loop does, sweeps, and may be started again."""

    def __init__(self, store: Store, handler_type: Any = ProgressHandler) -> None:
        self.now = NOW
        self.handler = handler_type(store, lambda: self.now)

    async def handle(self, facts: Sequence[EventData]) -> None:
        """Handle a batch and acknowledge it."""
        events = [new_event(one, source="/test", time=NOW) for one in facts]
        await (await self.handler.handle(events)).acknowledge()

    async def rest(self) -> None:
        """Sweep until nothing is left, some time later."""
        self.now += REST + timedelta(seconds=1)
        while True:
            outcome = await self.handler.sweep()
            await outcome.acknowledge()
            if not outcome.more:
                return


async def counts(store: Store) -> Any:
    """Return the counts of the course."""
    return await store.counts.of_course("ethics")


async def test_learners_are_counted_by_how_far_they_have_come() -> None:
    """Enrolled, withdrawn or not; progress alone is no enrollment."""
    store = memory_store()
    worker = Worker(store)
    assert await counts(store) is None
    await worker.handle(FACTS)
    said = await counts(store)
    assert (said.enrolled, said.settled) == (0, False)
    await worker.rest()
    assert await counts(store) == COUNTED
    await worker.handle(of(0, PASSED))
    await worker.rest()
    assert await counts(store) == CourseCounts("ethics", 4, 3, 2, settled=True)


async def crashed_at(step: int, handler_type: Any = ProgressHandler) -> Any:
    """Return the counts after a process died at a call, and another took over."""
    calls = Calls()
    store = memory_store(calls)
    first = Worker(store, handler_type)
    calls.left = step
    try:
        await first.handle(FACTS)
        await first.rest()
        finished = True
    except CrashError:
        finished = False
    calls.left = -1
    second = Worker(store, handler_type)
    if not finished:
        await second.handle(FACTS)  # not committed: delivered again
    await second.rest()
    await second.rest()
    return await counts(store)


@pytest.mark.parametrize("step", range(1, 60))
async def test_a_crash_between_any_two_writes_leaves_counts_right(step: int) -> None:
    """Between a document and its mark, too: the redelivery marks again."""
    assert await crashed_at(step) == COUNTED


class MarksFirst(ProgressHandler):
    """A wrong handler: marks what a batch will change, and then changes it."""

    async def handle(self, batch: Any) -> Any:
        """Mark, let others sweep, then handle."""
        mark = self._store.counts.mark
        await mark({Bucket.of(DocumentKey(f"l{n}", "ethics")) for n in range(LEARNERS)})
        other = Worker(self._store)
        other.now += timedelta(days=1)
        await other.rest()
        self._store.counts.mark = _forget  # type: ignore[method-assign]
        try:
            return await super().handle(batch)
        finally:
            self._store.counts.mark = mark  # type: ignore[method-assign]


async def _forget(buckets: Any) -> None:
    """Mark nothing."""


async def test_marking_before_writing_would_be_found() -> None:
    """The check is no rubber stamp."""
    assert await crashed_at(10_000, MarksFirst) != COUNTED


async def test_what_changes_while_it_is_counted_is_counted_again() -> None:
    """A count that began before a change does not settle what was marked after."""
    store = memory_store()
    worker = Worker(store)
    await worker.handle(FACTS[:2])
    key = DocumentKey("l0", "ethics")
    marked = await store.counts.claim(NOW, NOW)
    assert marked is not None
    assert marked.bucket == Bucket.of(key)
    # Counted by what was there before, written after the next change was marked.
    before = await _stages_then(store, marked, worker.handle(of(0, PASSED)))
    assert not before.settled
    await worker.rest()
    assert await counts(store) == CourseCounts("ethics", 1, 1, 1, settled=True)


async def _stages_then(store: Store, marked: Any, meanwhile: Any) -> Any:
    """Let `meanwhile` happen after a bucket was counted and before that is kept."""
    calls = [_nothing(), meanwhile]

    async def in_between() -> None:
        if calls:
            await calls.pop(0)

    store.counts.pause = in_between  # type: ignore[attr-defined]
    await store.counts.recount(marked)
    return await counts(store)


async def _nothing() -> None:
    """Go on."""


async def test_an_older_count_never_overwrites_a_newer_one() -> None:
    """Two processes count the same bucket; the one that saw less comes last."""
    store = memory_store()
    worker = Worker(store)
    await worker.handle(FACTS[:2])
    old = await store.counts.claim(NOW, NOW)
    assert old is not None
    await worker.handle(of(0, PASSED))
    await worker.rest()
    store.documents.held.clear()  # type: ignore[attr-defined]
    await store.counts.recount(old)
    assert await counts(store) == CourseCounts("ethics", 1, 1, 1, settled=True)


async def test_a_busy_bucket_rests_between_counts() -> None:
    """A course that changes all the time is counted now and then, not all the time."""
    store = memory_store()
    worker = Worker(store)
    await worker.handle(FACTS[:2])
    await worker.rest()
    await worker.handle(of(0, PASSED))
    outcome = await worker.handler.sweep()
    assert not (await counts(store)).settled
    assert not outcome.more
    await worker.rest()
    assert (await counts(store)).settled


async def test_many_buckets_are_counted_over_several_sweeps() -> None:
    """One sweep has its bound, and says that there is more."""
    store = memory_store()
    worker = Worker(store)
    await store.counts.mark({Bucket(f"c{n}", 0) for n in range(RECOUNTS + 1)})
    worker.now += REST
    assert (await worker.handler.sweep()).more
    assert not (await worker.handler.sweep()).more
