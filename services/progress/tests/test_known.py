"""Ingest does without courses while the store is away, and hardly waits for it."""

import asyncio
from collections.abc import Collection, Mapping
from typing import Any

import pytest

from pravah_progress.api import known
from pravah_progress.api.known import AWAY_SECONDS, DOUBT_SECONDS, FRESH_SECONDS, KnownCourses
from pravah_progress.store import Courses
from pravah_shared.errors import StoreUnavailable
from pravah_shared.events import Course, Unit

from .memory import memory_store


class Away:
    """Courses in a store that hangs, fails or answers, as a test says; counts the looks."""

    def __init__(self, courses: Courses) -> None:
        self._courses = courses
        self.state = "hangs"
        self.looks = 0

    async def put(self, course: Course) -> None:
        """Store a version."""
        await self._courses.put([course])

    async def get(self, course_ids: Collection[str], **how: Any) -> Mapping[str, Course]:
        """Answer as `state` says."""
        self.looks += 1
        if self.state == "hangs":
            await asyncio.Event().wait()
        if self.state == "fails":
            raise StoreUnavailable("gone")
        return await self._courses.get(course_ids, **how)


class Clock:
    """Time that a test moves."""

    now = 0.0

    def __call__(self) -> float:
        """Return it."""
        return self.now


async def ask(courses: KnownCourses) -> list[str]:
    """Return the ids of the courses that are known of one."""
    return list(await courses.get({"c1"}))


@pytest.mark.parametrize("state", ["hangs", "fails"])
async def test_an_outage_is_waited_for_once(state: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """After the first look no request waits; one in a while looks again, and finds it back."""
    monkeypatch.setattr(known, "LOOK_SECONDS", 0.05)
    store = memory_store()
    await store.courses.put([Course(course_id="c1", version=1, title={"en": "One"}, provider="p")])
    away, clock = Away(store.courses), Clock()
    away.state = state
    courses: Any = KnownCourses(away, clock)  # type: ignore[arg-type]  # get alone is used

    async with asyncio.timeout(5):
        for _ in range(100):
            assert await ask(courses) == []
    assert away.looks == 1

    clock.now += AWAY_SECONDS
    assert await asyncio.gather(*(ask(courses) for _ in range(100))) == [[]] * 100
    assert away.looks == 2

    away.state = "answers"
    assert await ask(courses) == []
    clock.now += AWAY_SECONDS
    assert await ask(courses) == ["c1"]
    assert await ask(courses) == ["c1"]


def course(version: int, *units: str) -> Course:
    """Return a version of the course."""
    made = tuple(Unit(unit_id=unit, title={"en": unit}, kind="content") for unit in units)
    return Course(course_id="c1", version=version, title={"en": "One"}, provider="p", units=made)


async def watched(*held: Course) -> tuple[KnownCourses, Away, Clock]:
    """Return courses on a store that answers and counts."""
    store = memory_store()
    await store.courses.put(held)
    away, clock = Away(store.courses), Clock()
    away.state = "answers"
    return KnownCourses(away, clock), away, clock  # type: ignore[arg-type]  # get alone is used


async def test_one_look_serves_all_for_a_while() -> None:
    """Those who ask at once wait for one look, and nobody looks until it is old."""
    courses, away, clock = await watched(course(1, "u1"))
    found = await asyncio.gather(*(courses.get({"c1", "made-up"}) for _ in range(100)))
    assert {tuple(one) for one in found} == {("c1",)}
    assert found[0]["c1"].units == {"u1"}
    clock.now += FRESH_SECONDS - 0.1
    await courses.get({"c1", "made-up"})
    assert away.looks == 1
    clock.now += 0.2
    await courses.get({"c1", "made-up"})
    assert away.looks == 2


async def test_in_doubt_the_store_is_asked_but_not_by_everyone() -> None:
    """A version of this moment is found; a flood of wrong reports makes one look a second."""
    courses, away, clock = await watched(course(1, "u1"))
    await courses.get({"c1"})
    await away.put(course(2, "u1", "u2"))
    assert (await courses.get_in_doubt({"c1"}))["c1"].units == {"u1", "u2"}
    for _ in range(100):
        await courses.get_in_doubt({"c1"})
    assert away.looks == 2
    clock.now += DOUBT_SECONDS
    await courses.get_in_doubt({"c1"})
    assert away.looks == 3


async def test_in_doubt_and_without_a_store_nothing_is_known() -> None:
    """What cannot be made sure of is kept, not refused."""
    courses, away, _ = await watched(course(1, "u1"))
    await courses.get({"c1"})
    away.state = "fails"
    assert await courses.get_in_doubt({"c1"}) == {}


async def test_made_up_ids_do_not_pile_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was looked for longest ago is forgotten."""
    monkeypatch.setattr(known, "MOST_KEPT", 10)
    courses, _, _ = await watched(course(1, "u1"))
    for number in range(100):
        await courses.get({f"made-up-{number}", "c1"})
    assert len(courses._seen) == 10
