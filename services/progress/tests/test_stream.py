"""The stream's handler: what it announces, when, and what it leaves to be found again."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from pravah_progress import stream
from pravah_progress.store import Store
from pravah_progress.stream import ProgressHandler
from pravah_shared.events import Event, EventData, Position, new_event
from pravah_shared.processing.handler import Outcome

from .facts import attempt, course, day, enrolled, progressed, update, version_of
from .memory import memory_store

NOW = datetime(2025, 1, 1, tzinfo=UTC)
ALL = progressed(update(), attempt())


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        """Return the time that was set."""
        return self.now


@pytest.fixture
def clock() -> Clock:
    """Return a clock."""
    return Clock()


@pytest.fixture
def store() -> Store:
    """Return an empty store."""
    return memory_store()


@pytest.fixture
def handler(store: Store, clock: Clock) -> ProgressHandler:
    """Return the handler under test."""
    return ProgressHandler(store, clock)


def events(*facts: EventData, trace: str | None = None) -> list[Event[Any]]:
    """Wrap facts as they come from Kafka, from offset 10 of partition 2 on."""
    return [
        Event(
            id=f"e{n}",
            source="/test",
            time=NOW,
            data=fact,
            traceparent=trace,
            position=Position(fact.topic, 2, 10 + n),
        )
        for n, fact in enumerate(facts)
    ]


def kinds(outcome: Outcome) -> list[str]:
    """Return the short types of an outcome's events."""
    return [event.type.split(".")[-2] for event in outcome.events]


def learners(count: int) -> Sequence[EventData]:
    """Return the facts of so many learners who passed all of the course."""
    return [
        fact.model_copy(update={"learner_id": f"l{n}"})
        for n in range(count)
        for fact in (ALL, enrolled())
    ]


async def test_started_comes_before_completed(handler: ProgressHandler) -> None:
    """Whoever follows a learner sees the beginning first."""
    outcome = await handler.handle(events(course(), ALL, enrolled()))
    assert kinds(outcome) == ["started", "completed"]


async def test_a_redelivery_repeats_the_very_events(handler: ProgressHandler, clock: Clock) -> None:
    """Until they are acknowledged; also when more is known by then."""
    first = await handler.handle(events(course(), ALL, enrolled()))
    clock.now += timedelta(hours=1)
    better = progressed(attempt(score=100, attempt_id="a2"))
    again = await handler.handle(events(course(), ALL, enrolled(), better))
    assert again.events[:2] == first.events
    assert kinds(again) == ["started", "completed", "score_improved"]


async def test_after_the_acknowledgement_nothing_is_announced_again(
    handler: ProgressHandler,
) -> None:
    """A replay of the topics is silent."""
    batch = events(course(), ALL, enrolled())
    await (await handler.handle(batch)).acknowledge()
    assert (await handler.handle(batch)).events == []


async def test_an_announcement_continues_the_trace_of_what_led_to_it(
    handler: ProgressHandler,
) -> None:
    """From the learner's request to the message they get it is one trace."""
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    await handler.handle(events(course(), enrolled()))
    outcome = await handler.handle(events(ALL, trace=trace))
    assert {event.traceparent for event in outcome.events} == {trace}


async def test_a_late_course_decides_the_learners_who_wait(handler: ProgressHandler) -> None:
    """At once, without a sweep."""
    assert (await handler.handle(events(ALL, enrolled()))).events == []
    assert kinds(await handler.handle(events(course()))) == ["started", "completed"]


async def test_a_course_of_many_is_re_decided_in_bounded_steps(
    handler: ProgressHandler, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The batch takes one step, sweeps take the rest, and say when there is no more."""
    monkeypatch.setattr(stream, "STEP", 2)
    await (await handler.handle(events(*learners(5)))).acknowledge()
    outcome = await handler.handle(events(course()))
    await outcome.acknowledge()
    decided = [outcome]
    while decided[-1].more or len(decided) == 1:
        assert len(decided[-1].events) <= 4
        decided.append(await handler.sweep())
        await decided[-1].acknowledge()
    assert sum(len(one.events) for one in decided) == 10
    assert await store.courses.unreconciled() is None


async def test_a_sweep_without_acknowledgement_is_repeated(
    handler: ProgressHandler, store: Store
) -> None:
    """A crash before Kafka has the events: the next sweep brings the same ones."""
    await handler.handle(events(ALL, enrolled()))
    await store.courses.put([course()])
    first, again = await handler.sweep(), await handler.sweep()
    assert first.events == again.events
    assert len(first.events) == 2


async def test_a_new_version_re_decides_and_takes_nothing_back(handler: ProgressHandler) -> None:
    """Who completed the old version stays complete; who waited may complete by the new one."""
    await handler.handle(events(version_of(1), enrolled(), progressed(update())))
    outcome = await handler.handle(events(version_of(2)))
    assert "completed" in kinds(outcome)
    await outcome.acknowledge()
    assert (await handler.handle(events(version_of(3)))).events == []


async def test_a_sweep_publishes_what_a_crash_left(handler: ProgressHandler, clock: Clock) -> None:
    """Not at once, for it may be under way; after some seconds."""
    await (await handler.handle(events(course()))).acknowledge()
    lost = await handler.handle(events(ALL, enrolled()))
    assert (await handler.sweep()).events == []
    clock.now += stream.PATIENCE + timedelta(seconds=1)
    healed = await handler.sweep()
    assert healed.events == lost.events
    await healed.acknowledge()
    assert (await handler.sweep()).events == []


async def test_a_token_is_passed_only_with_all_effects(
    handler: ProgressHandler, store: Store
) -> None:
    """The next offset moves at the acknowledgement, by the records of `progressed` alone."""
    outcome = await handler.handle(events(course(), enrolled(), ALL, enrolled()))
    assert await store.applied.next_offsets() == {}
    await outcome.acknowledge()
    assert await store.applied.next_offsets() == {2: 13}


async def test_submissions_are_pruned_on_the_way(handler: ProgressHandler, store: Store) -> None:
    """A thousand submissions of one attempt in a day leave a handful."""
    many = progressed(*(attempt(score=n % 60, at=1 + n / 10_000) for n in range(1000)))
    await handler.handle(events(many))
    (held,) = await store.documents.of_learner("asha", after="", limit=1)
    assert len(held["facts"]["_"]["submissions"]["test"]["a1"]) < 150


async def test_a_redelivered_enrollment_leaves_nothing_unstarted(
    handler: ProgressHandler, store: Store
) -> None:
    """The batch that brings it again reads the document, and sees that it has started."""
    batch = events(course(), ALL, enrolled())
    for _ in range(2):
        await (await handler.handle(batch)).acknowledge()
        (held,) = await store.documents.of_learner("asha", after="", limit=1)
        assert held["unstarted"] == []


async def test_nothing_to_merge_is_no_error(handler: ProgressHandler) -> None:
    """A batch of none of our business is passed over."""
    outcome = await handler.handle([])
    await outcome.acknowledge()
    assert outcome.events == []


def test_events_are_told_by_their_identity() -> None:
    """The same announcement by two workers has one id."""
    one, two = (new_event(enrolled(at=n), source="/x", time=day(n)) for n in range(2))
    assert one.id == two.id
