"""Issuing: whatever the order, the split, the interleaving or the crash, the same certificates.

The handler runs on the store in memory, several workers at once, changing turns at every store
call as Hypothesis decides. The oracle below reads the whole input and knows no handler.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from random import Random
from typing import Any

import pytest
from certificate_memory import MemoryStore
from certificate_samples import (
    MERIT,
    PARTICIPATION,
    KeysInMemory,
    completed,
    course,
    erased,
    person,
)
from certificate_workers import Worker, World, run_through
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from pravah_certificate import announcement, rules
from pravah_certificate.model import Certificate
from pravah_certificate.stream import CertificateStream
from pravah_shared.events import Completed, Course, Event, Person, PersonErased
from pravah_shared.processing.handler import Outcome

OFFERS = (PARTICIPATION, MERIT)
KEYS = KeysInMemory()
LEARNERS = st.sampled_from(["asha", "ravi"])
SCORES = {1: None, 2: 60.0, 3: 75.0}
"""By term: a completion is final, so one term never has two scores."""

COMPLETIONS = st.builds(
    lambda learner, term: completed(learner, term=term, version=1 + term % 2, score=SCORES[term]),
    LEARNERS,
    st.sampled_from(sorted(SCORES)),
)
PEOPLE = st.builds(partial(person, KEYS), LEARNERS, st.integers(1, 2))
COURSE = st.builds(course, st.just("ethics"), st.integers(1, 3), st.just(OFFERS))
ENOUGH = [completed(term=3, score=75.0), person(KEYS), course(version=3, rules=OFFERS)]
"""What always leads to certificates, so that no generated history is idle."""

FACTS = st.lists(st.one_of(COMPLETIONS, PEOPLE, COURSE), max_size=6).map(ENOUGH.__add__)
WITH_ERASURES = st.lists(
    st.one_of(COMPLETIONS, PEOPLE, COURSE, st.builds(erased, LEARNERS)), max_size=6
).map(ENOUGH.__add__)
DICE = st.integers(0, 2**32).map(Random)
"""Who runs when: evenly random, because Hypothesis's own choices are too tame to find races."""


def expected(events: Sequence[Event[Any]]) -> set[str]:
    """Reckon from all that was said, in one look, which certificates must stand."""
    said = [event.data for event in events]
    named = {each.learner_id for each in said if isinstance(each, Person)}
    named -= {each.learner_id for each in said if isinstance(each, PersonErased)}
    newest: dict[str, int] = {}
    for each in said:
        if isinstance(each, Course):
            newest[each.course_id] = max(newest.get(each.course_id, 0), each.version)
    return {
        f"{each.learner_id}|{each.course_id}|{each.run_id or ''}|{name}|1"
        for each in said
        if isinstance(each, Completed)
        and each.learner_id in named
        and newest.get(each.course_id, 0) >= each.course_version
        for name, mark in (("participation", 0.0), ("merit", 75.0))
        if not mark or (each.score_percent or 0) >= mark
    }


def deal(events: Sequence[Any], dice: Random) -> list[list[list[Any]]]:
    """Deal events, some of them twice, to three workers in batches of one or more."""
    workers: list[list[list[Any]]] = [[], [], []]
    for event in dice.sample([*events, *events[-2:]], k=len(events) + 2):
        batches = dice.choice(workers)
        if not batches or dice.random() < 0.7:
            batches.append([])
        batches[-1].append(event)
    return workers


def play(world: World, events: Sequence[Any], dice: Random, *, deaths: int) -> None:
    """Let the workers take turns until all is committed; `deaths` of them die on the way."""
    world.keys.keys.update(KEYS.keys)
    workers = [Worker(world, batches) for batches in deal(events, dice)]
    while working := [worker for worker in workers if worker.left]:
        chosen = dice.choice(working)
        if deaths and dice.random() < 0.1:
            chosen.die()
            deaths -= 1
        # Several turns in a row: one worker may pass another by a whole batch.
        for _ in range(dice.choice([1, 1, 3, 12])):
            chosen.step()


def standing(world: World) -> set[str]:
    """Return the places of certificates that are good."""
    return {key for key, each in world.store.issued.items() if each.state == "issued"}


def check_events(world: World) -> None:
    """Each good certificate was announced, always by the same event."""
    said: dict[str, Event[Any]] = {}
    for event in world.published:
        assert said.setdefault(event.id, event) == event, "an event changed between publications"
    stored = {
        announcement.as_published(world.store.issued[key].certified).id for key in standing(world)
    }
    assert stored <= said.keys(), "a certificate was never announced"


def undisturbed(world: World, events: Sequence[Any], dice: Random) -> None:
    """Without crashes nothing is left to the sweeper."""
    play(world, events, dice, deaths=0)
    assert standing(world) == expected(events)
    check_events(world)


def crashing(world: World, events: Sequence[Any], dice: Random) -> None:
    """With crashes and erasures, the sweeper brings about the same."""
    play(world, events, dice, deaths=3)
    world.sweep_until_quiet()
    assert standing(world) == expected(events)
    check_events(world)
    gone = {event.data.learner_id for event in events if isinstance(event.data, PersonErased)}
    kept = [each for each in world.store.issued.values() if each.learner_id in gone]
    assert not any(each.credential for each in kept), "a credential outlived its learner"


EXAMPLES = settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@EXAMPLES
@given(events=FACTS, dice=DICE)
def test_whoever_arrives_last_issues(events: list[Any], dice: Random) -> None:
    """Any order, duplication, split and interleaving: the same certificates, at once."""
    undisturbed(World(), events, dice)


@EXAMPLES
@given(events=WITH_ERASURES, dice=DICE)
def test_no_crash_loses_or_changes_a_certificate(events: list[Any], dice: Random) -> None:
    """Dying between any two store calls or before the commit changes nothing in the end."""
    crashing(World(step=2), events, dice)


class ReadsFirst(CertificateStream):
    """Fault: looks for who waits before its own write."""

    async def handle(self, batch: Sequence[Event[Any]]) -> Outcome:
        """Read, write, decide."""
        facts = rules.merge(batch)
        learners = {each.learner_id for each in facts.people}
        waiting = await self.inputs.waiting_of(learners, self.step)
        await self.inputs.save(facts, self.clock())
        waiting += await self.inputs.completions([each.id for each in facts.completions])
        courses = await self.inputs.courses([each.course_id for each in facts.courses])
        return await self._settle(waiting, tuple(courses.values()))


class TrustsItsRead(CertificateStream):
    """Fault: does not look again whether the learner was erased meanwhile."""

    async def _keep_from_erased(self, inserted: Sequence[Certificate]) -> list[Certificate]:
        return list(inserted)


class Overwrites(MemoryStore):
    """Fault: an insert that replaces."""

    async def insert(self, certificates: Sequence[Certificate]) -> frozenset[str]:
        """Replace."""
        await self.pause()
        self.issued.update({each.key: each for each in certificates})
        return frozenset(each.key for each in certificates)


class OlderWins(MemoryStore):
    """Fault: the course version that comes last stands."""

    async def save(self, facts: rules.Facts, now: datetime) -> None:
        """Take any version."""
        await super().save(facts, now)
        self.known_courses.update({each.course_id: each for each in facts.courses})


class MarksEarly(CertificateStream):
    """Fault: takes what it hands over as announced."""

    def _announce(self, certificates: Sequence[Certificate], *, more: bool = False) -> Outcome:
        keys: Collection[str] = [each.key for each in certificates]
        run_through(self.certificates.mark_announced(keys))
        return super()._announce(certificates, more=more)


FAULTS: Mapping[str, tuple[Any, Any, type[CertificateStream], type[MemoryStore]]] = {
    "reads before it writes": (undisturbed, FACTS, ReadsFirst, MemoryStore),
    "trusts an old read": (crashing, WITH_ERASURES, TrustsItsRead, MemoryStore),
    "overwrites a certificate": (undisturbed, FACTS, CertificateStream, Overwrites),
    "takes an older course": (undisturbed, FACTS, CertificateStream, OlderWins),
    "marks before publishing": (crashing, WITH_ERASURES, MarksEarly, MemoryStore),
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS.keys())
def test_a_seeded_fault_is_found(fault: tuple[Any, Any, Any, Any]) -> None:
    """The two properties above are able to fail: each of these mistakes is caught."""
    promise, facts, stream_class, store_class = fault

    @settings(
        max_examples=3000,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        report_multiple_bugs=False,
        suppress_health_check=[HealthCheck.too_slow],
    )
    @given(events=facts, dice=DICE)
    def search(events: list[Any], dice: Random) -> None:
        promise(World(stream_class, store_class), events, dice)

    with pytest.raises(AssertionError):
        search()


def steps_of_course_change() -> Iterator[tuple[str, set[str]]]:
    """Yield what stands after each step of a course that gains and loses a certificate."""
    world = World(step=1)
    world.keys.keys.update(KEYS.keys)

    def bring(*events: Event[Any]) -> set[str]:
        worker = Worker(world, [events])
        while worker.step():
            pass
        world.sweep_until_quiet()
        return standing(world)

    learners = ["asha", "ravi", "meena"]
    people = [person(KEYS, each) for each in learners]
    world.keys.keys.update(KEYS.keys)
    bring(*people, *(completed(each, score=80) for each in learners))
    yield "offered", bring(course(version=1, rules=(PARTICIPATION,)))
    yield "gained", bring(course(version=2, rules=(PARTICIPATION, MERIT)))
    yield "lost", bring(course(version=3, rules=()))


def test_a_course_that_gains_a_certificate_gives_it_to_who_completed_before() -> None:
    """And one that loses a certificate takes none back; steps of one leave the rest to sweeps."""
    stands = dict(steps_of_course_change())
    assert len(stands["offered"]) == 3
    assert len(stands["gained"]) == len(stands["lost"]) == 6


def erased_in_between(turns_before: int, turns_until_death: int) -> World:
    """Return a world in which asha was erased while her certificate was being issued.

    The issuing worker runs some turns; then the erasure runs through; then the worker goes on
    and dies, and another takes up its batch.
    """
    world = World()
    issuing = Worker(world, [[completed()]])
    erasing = Worker(world, [[erased()]])
    for worker, turns in (
        (Worker(world, [[course(), person(world.keys)]]), 100),
        (issuing, turns_before),
        (erasing, 100),
        (issuing, turns_until_death),
    ):
        for _ in range(turns):
            worker.step()
    issuing.die()
    while issuing.step():
        pass
    world.sweep_until_quiet()
    return world


def test_erasure_wins_at_every_turn_of_issuing() -> None:
    """Wherever the erasure comes in and wherever the issuing worker dies after it."""
    for before in range(22):
        for until_death in range(22):
            world = erased_in_between(before, until_death)
            kept = [each for each in world.store.issued.values() if each.credential]
            assert not kept, (before, until_death)
            assert standing(world) == set(), (before, until_death)
