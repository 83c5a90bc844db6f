"""The stream's handler over stores in memory: any order, any crash, any interleaving."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from itertools import cycle
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from memory_store import MemoryStore
from notification_facts import NOW, certified, course, enrolled, erased, person

from pravah_notification.model import StoredPerson
from pravah_notification.rules import settle
from pravah_notification.stream import STEP, NotificationHandler
from pravah_shared.events import Course, Event, Person, PersonErased

LEARNERS, COURSES = ("l1", "l2"), ("c1", "c2")
FACTS: list[Event[Any]] = [
    *(enrolled(learner, course_id) for learner in LEARNERS for course_id in COURSES),
    certified("l1", "c1"),
    *(person(learner, version) for learner in LEARNERS for version in (1, 2)),
    erased("l2"),
    *(course(course_id, version) for course_id in COURSES for version in (1, 2)),
]
HISTORIES = st.lists(st.sampled_from(FACTS), max_size=25)
BATCHES = st.lists(st.lists(st.sampled_from(FACTS), min_size=1, max_size=6), max_size=8)


class Crash(Exception):  # noqa: N818
    """The process dies here."""


def handler(store: MemoryStore) -> NotificationHandler:
    """A process of the stream."""
    return NotificationHandler(store, store, lambda: NOW)


def expected(history: Sequence[Event[Any]]) -> dict[str, str]:
    """The ledger that a history must lead to, reckoned apart from rules.py."""
    types = {(type(event.data), event.subject) for event in history}
    ledger = {}
    for event in history:
        if isinstance(event.data, Course | Person | PersonErased):
            continue
        learner, course_id = event.data.learner_id, event.data.course_id
        for channel, final in (("email", "pending"), ("inapp", "sent")):
            state = "waiting"
            if (Person, learner) in types and (Course, course_id) in types:
                state = final
            if (PersonErased, learner) in types:
                state = "suppressed or before"
            ledger[f"{event.id}|{channel}|{learner}|1"] = state
    return ledger


def check(store: MemoryStore, history: Sequence[Event[Any]]) -> None:
    """Compare. Erasure may come before or after the decision: then either stands."""
    wanted = expected(history)
    assert store.entries.keys() == wanted.keys()
    for id_, entry in store.entries.items():
        if wanted[id_] == "suppressed or before":
            assert entry.state in {"suppressed", "pending", "sent"}
        else:
            assert entry.state == wanted[id_]


@given(history=HISTORIES, cuts=st.lists(st.integers(1, 5), min_size=25, max_size=25))
def test_any_order_repetition_and_split_makes_the_same_ledger(
    history: list[Event[Any]], cuts: list[int]
) -> None:
    """The crash-free path, without a sweep."""
    store, rest = MemoryStore(), list(history)
    for cut in cuts:
        asyncio.run(handler(store).handle(rest[:cut]))
        rest = rest[cut:]
    check(store, history)


@given(batches=BATCHES, crashes=st.lists(st.integers(0, 12), max_size=8))
def test_a_crash_at_any_step_loses_nothing_once_the_batch_comes_again(
    batches: list[list[Event[Any]]], crashes: list[int]
) -> None:
    """Each batch may die at some step of its first run; it is delivered again."""
    store = MemoryStore()

    async def run() -> None:
        for number, batch in enumerate(batches):
            if number < len(crashes):
                steps = iter(range(crashes[number], -1, -1))
                store.before = lambda _step, steps=steps: dying(steps)  # type: ignore[misc]
                with suppress(Crash):
                    await handler(store).handle(batch)
            store.before = lambda _step: None
            await handler(store).handle(batch)

    asyncio.run(run())
    check(store, [event for batch in batches for event in batch])


def dying(steps: Any) -> None:
    """Die when the count is down."""
    if next(steps, 0) == 0:
        raise Crash


PAUSES = st.lists(st.integers(0, 6), min_size=1, max_size=30)


def concurrently(
    kind: type[NotificationHandler], batches: Sequence[Sequence[Event[Any]]], pauses: Sequence[int]
) -> None:
    """Handle each batch in a process of its own, all at once; check what comes of it."""
    store = MemoryStore(pauses=cycle(pauses))

    async def run() -> None:
        await asyncio.gather(*(kind(store, store, lambda: NOW).handle(batch) for batch in batches))

    asyncio.run(run())
    check(store, [event for batch in batches for event in batch])


@given(batches=BATCHES, pauses=PAUSES)
def test_no_interleaving_of_processes_leaves_an_entry_waiting(
    batches: list[list[Event[Any]]], pauses: list[int]
) -> None:
    """What one process misses, the other sees: without any sweep."""
    concurrently(NotificationHandler, batches, pauses)


class ReadsTooEarly(NotificationHandler):
    """The seeded fault: decides on what it read before it wrote, and looks no second time."""

    async def _write(self, entries: Any) -> None:
        known = await self._directory.known(entries)
        await self._ledger.insert([settle(entry, known, NOW) for entry in entries])


def test_the_machine_finds_a_handler_that_reads_before_it_writes() -> None:
    """Proof that the property above can fail."""

    @settings(derandomize=True, max_examples=3000, deadline=None, phases=[Phase.generate])
    @given(batches=BATCHES, pauses=PAUSES)
    def machine(batches: list[list[Event[Any]]], pauses: list[int]) -> None:
        concurrently(ReadsTooEarly, batches, pauses)

    with pytest.raises((AssertionError, BaseExceptionGroup)):
        machine()


async def test_a_course_that_many_wait_for_is_told_in_bounded_steps() -> None:
    """The batch moves some of them, the sweep the rest; no step is larger than STEP."""
    store = MemoryStore()
    process = handler(store)
    learners = [f"l{number}" for number in range(6 * STEP)]
    for start in range(0, len(learners), STEP):
        some = learners[start : start + STEP]
        await process.handle([fact for one in some for fact in (person(one), enrolled(one))])
    sizes: list[int] = []
    settle = store.settle

    async def measured(entries: Any) -> int:
        sizes.append(len(entries))
        return await settle(entries)

    store.settle = measured  # type: ignore[method-assign]
    await process.handle([course()])
    left = sum(entry.state == "waiting" for entry in store.entries.values())
    assert 0 < left < len(store.entries)
    while (await process.sweep()).more:
        pass
    assert not any(entry.state == "waiting" for entry in store.entries.values())
    assert max(sizes) <= STEP


async def test_who_is_erased_while_a_message_waits_is_not_told() -> None:
    """Not even when it waits for the course alone; without any sweep."""
    store = MemoryStore()
    process = handler(store)
    await process.handle([enrolled("l2", "c1"), person("l2")])
    await process.handle([erased("l2")])
    assert {entry.state for entry in store.entries.values()} == {"suppressed"}


async def test_a_sweep_mends_what_no_record_will_bring_up_again() -> None:
    """Here a person who came into the store by another way."""
    store = MemoryStore()
    process = handler(store)
    await process.handle([enrolled(), course()])
    assert not (await process.sweep()).more
    await store.keep_people([StoredPerson("l1", 1, "sealed")])
    assert not (await process.sweep()).more
    assert {entry.state for entry in store.entries.values()} == {"pending", "sent"}


def test_the_handler_reads_what_its_messages_need() -> None:
    """In one handler, so that what arrives last is always seen."""
    assert NotificationHandler.topics == {"enrolled", "certified", "people", "courses"}
