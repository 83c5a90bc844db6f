"""Two workers on one store, stopped and killed between any two calls; one schedule, no clock."""

from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from pravah_progress.model import Change, DocumentKey
from pravah_progress.store import Store
from pravah_progress.stream import ProgressHandler
from pravah_shared.events import (
    Completed,
    Course,
    Event,
    EventData,
    ScoreImproved,
    Started,
    new_event,
)

from .memory import MemoryApplied, MemoryCounts, MemoryCourses, MemoryDocuments
from .oracle import Due

NOW = datetime(2025, 1, 1, tzinfo=UTC)
CRASH = 9


class CrashError(Exception):
    """The process dies here."""


class _Stop:
    def __await__(self) -> Generator[None, None, None]:
        yield


async def pause() -> None:
    """Give the scheduler a chance to run others, or to kill."""
    await _Stop()


async def in_turns(*works: Any) -> list[Any]:
    """Run what is asked for together one call of each at a time; a crash ends all of it."""
    results: dict[Any, Any] = {}
    try:
        while len(results) < len(works):
            for work in works:
                if work not in results:
                    try:
                        work.send(None)
                    except StopIteration as end:
                        results[work] = end.value
                    else:
                        await pause()
    finally:
        for work in works:
            work.close()
    return [results[work] for work in works]


@dataclass
class World:
    """The store and the log that workers share, and what was in force after each write."""

    documents: MemoryDocuments = field(default_factory=lambda: MemoryDocuments(pause))
    stored: dict[str, Course] = field(default_factory=dict)
    published: list[Event[Any]] = field(default_factory=list)
    prefixes: list[tuple[EventData, ...]] = field(default_factory=lambda: [()])
    courses: list[Course | None] = field(default_factory=lambda: [None])


class _Documents:
    """The shared documents; notes which facts each write brought into force."""

    def __init__(self, world: World, batch: "Batch") -> None:
        self._world = world
        self._batch = batch

    def __getattr__(self, name: str) -> Any:
        return getattr(self._world.documents, name)

    async def apply(self, changes: Sequence[Change], versions: Any) -> None:
        await self._world.documents.apply(changes, versions)
        facts = tuple(fact for fact in self._batch.facts if not isinstance(fact, Course))
        self._world.prefixes.append((*self._world.prefixes[-1], *facts))


class _Courses(MemoryCourses):
    """The shared courses, as one process sees them; notes which came into force."""

    def __init__(self, world: World) -> None:
        super().__init__(world.stored, pause)
        self._world = world

    async def put(self, courses: Sequence[Course]) -> None:
        await super().put(courses)
        self._world.courses.extend(
            course for course in self.stored.values() if course not in self._world.courses
        )


@dataclass
class Batch:
    """Facts that a worker handles together."""

    facts: Sequence[EventData] = ()


async def work(world: World, batches: Sequence[Sequence[EventData]], handler_type: Any) -> None:
    """Handle batches as the loop does; a batch interrupted by a crash is delivered again."""
    courses = _Courses(world)
    for facts in batches:
        done = False
        while not done:
            # Only the store, the log, and until a crash what is known of courses outlive a batch.
            documents: Any = _Documents(world, Batch(facts))
            counts = MemoryCounts(world.documents, pause)
            store = Store(documents, courses, MemoryApplied(pause), counts)
            handler: ProgressHandler = handler_type(store, lambda: NOW, in_turns)
            try:
                outcome = await handler.handle(
                    [new_event(fact, source="/test", time=NOW) for fact in facts]
                )
                await pause()
                world.published.extend(outcome.events)
                await pause()
                await outcome.acknowledge()
                done = True
            except CrashError:
                courses = _Courses(world)


def simulate(
    batches: Sequence[Sequence[Sequence[EventData]]],
    schedule: Sequence[int],
    handler_type: Any = ProgressHandler,
) -> World:
    """Run one worker per list of batches, stepping as the schedule says; then to the end."""
    world = World()
    workers: list[Any] = [work(world, mine, handler_type) for mine in batches]
    steps = iter(schedule)
    turn = 0
    while workers:
        turn += 1
        step = next(steps, None)
        worker = workers[(turn if step is None else step) % len(workers)]
        try:
            if step == CRASH and worker.cr_await is not None:
                worker.throw(CrashError())
            else:
                worker.send(None)
        except StopIteration:
            workers.remove(worker)
    return world


def due_of(event: Event[Any]) -> Due:
    """Return what an announcement says, in the oracle's words."""
    said = event.data
    if isinstance(said, Completed):
        score, version = said.score_percent, said.course_version
        return Due("completed", said.run_id, said.term, said.completed_at, score, version)
    if isinstance(said, ScoreImproved):
        return Due("improved", said.run_id, said.term, said.at, said.score_percent)
    assert isinstance(said, Started)
    return Due("started", said.run_id, said.term, said.started_at)


def held(world: World) -> Any:
    """Return the one document."""
    return world.documents.held[DocumentKey("asha", "ethics")]
