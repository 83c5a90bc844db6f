"""Fakes of the loop's unit tests."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import GroupCoordinatorNotAvailableError

from pravah_cli.testing.fake_kafka import FakeKafka
from pravah_shared.codec import encode
from pravah_shared.events import Enrolled, Event, Started, new_event
from pravah_shared.kafka.connection import client_options
from pravah_shared.processing import Outcome
from pravah_shared.processing.breaker import Breaker
from pravah_shared.processing.health import Health
from pravah_shared.processing.loop import Loop
from pravah_shared.processing.retry import Retry
from pravah_shared.record import Record
from pravah_shared.settings import Settings

AT = datetime(2026, 1, 5, tzinfo=UTC)
COORDINATOR_SECONDS = 30.0


@dataclass
class Steps:
    """A handler that keeps a diary. `faults` are raised by `handle`, one a call, until used up."""

    kafka: FakeKafka
    topics: frozenset[str] = frozenset({"enrolled"})
    diary: list[str] = field(default_factory=list)
    applied: list[str] = field(default_factory=list)
    faults: list[Exception] = field(default_factory=list)
    bugs: frozenset[str] = frozenset()
    sweeps: list[Outcome | Exception] = field(default_factory=list)
    watch: Callable[[], None] = lambda: None

    async def handle(self, batch: Sequence[Event[Any]]) -> Outcome:
        """Apply learners, answer each; a learner among `bugs` raises."""
        self.watch()
        self.diary.append(f"handle {len(batch)}")
        if self.faults:
            raise self.faults.pop(0)
        if self.bugs & {event.subject for event in batch}:
            raise ZeroDivisionError("a bug in the rules")
        self.applied += [event.subject for event in batch]
        return Outcome([started(event.subject) for event in batch], self.acknowledge)

    async def acknowledge(self) -> None:
        """Note how much had been published by then."""
        self.diary.append(f"acknowledge after {len(self.kafka.read('completed'))}")

    async def sweep(self) -> Outcome:
        """Return or raise what the test laid out; nothing when it is used up."""
        self.diary.append("sweep")
        found = self.sweeps.pop(0) if self.sweeps else Outcome()
        if isinstance(found, Exception):
            raise found
        return found


def enrolled(learner_id: str) -> Event[Enrolled]:
    """Return an enrollment."""
    facts = Enrolled(
        enrollment_id="e", learner_id=learner_id, course_id="c", term=1, course_version=1,
        enrolled_at=AT,
    )  # fmt: skip
    return new_event(facts, source="/pravah/test", time=AT)


def started(learner_id: str) -> Event[Started]:
    """Return the answer to an enrollment."""
    facts = Started(enrollment_id="e", learner_id=learner_id, course_id="c", term=1, started_at=AT)
    return new_event(facts, source="/pravah/test", time=AT)


@dataclass
class LoopBench:
    """A loop on fakes. Waits are noted, not waited."""

    kafka: FakeKafka
    handler: Steps
    health: Health
    loop: Loop
    waits: list[float]
    during_wait: list[Callable[[], None]]

    def records(self, *learners: str) -> list[Record]:
        """Return records of enrollments, one partition, offsets from 0."""
        return [
            Record("enrolled", 0, offset, found.key, found.value, tuple(found.headers))
            for offset, found in enumerate(encode(enrolled(learner)) for learner in learners)
        ]

    def dead(self) -> list[Record]:
        """Return the dead letters."""
        return self.kafka.read("test.dead")

    def answered(self) -> list[str]:
        """Return the learners answered, in order."""
        return [(record.key or b"").decode() for record in self.kafka.read("completed")]


@pytest.fixture
def bench() -> LoopBench:
    """Return a loop on fakes."""
    kafka, health = FakeKafka(partitions=1), Health("test")
    waits: list[float] = []
    during_wait: list[Callable[[], None]] = []
    handler = Steps(kafka)
    retry = Retry(health, sleep=sleeper(waits, during_wait))
    loop = Loop("test", handler, kafka, retry=retry, breaker=Breaker(window_records=100))
    return LoopBench(kafka, handler, health, loop, waits, during_wait)


def sleeper(
    waits: list[float], during_wait: list[Callable[[], None]]
) -> Callable[[float], Awaitable[None]]:
    """Return a sleep that does not, but runs what the test wants to happen meanwhile."""

    async def sleep(seconds: float) -> None:
        waits.append(seconds)
        if during_wait:
            during_wait.pop(0)()

    return sleep


async def committed_by(settings: Settings, group: str) -> dict[tuple[str, int], int]:
    """Return a group's next offsets as the broker has them, by topic and partition."""
    admin = AIOKafkaAdminClient(**client_options(settings))
    await admin.start()
    try:
        async with asyncio.timeout(COORDINATOR_SECONDS):
            found = await offsets_of(admin, group)
    finally:
        await admin.close()
    return {
        (tp.topic.removeprefix(settings.topic_prefix), tp.partition): meta.offset
        for tp, meta in found.items()
        if meta.offset >= 0
    }


async def offsets_of(admin: AIOKafkaAdminClient, group: str) -> dict[Any, Any]:
    """Ask until there is somebody to answer: a young broker is still making its groups' topic."""
    while True:
        try:
            found: dict[Any, Any] = await admin.list_consumer_group_offsets(group)
        except GroupCoordinatorNotAvailableError:
            await asyncio.sleep(0.1)
        else:
            return found


@pytest.fixture
def group_offsets() -> Callable[[Settings, str], Awaitable[dict[tuple[str, int], int]]]:
    """Return what asks the broker for a group's offsets."""
    return committed_by
