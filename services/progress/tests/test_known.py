"""Ingest does without courses while the store is away, and hardly waits for it."""

import asyncio
from collections.abc import Collection, Mapping
from typing import Any

import pytest

from pravah_progress.api import known
from pravah_progress.api.known import AWAY_SECONDS, KnownCourses
from pravah_progress.store import Courses
from pravah_shared.errors import StoreUnavailable
from pravah_shared.events import Course

from .memory import memory_store


class Away:
    """Courses in a store that hangs, fails or answers, as a test says; counts the looks."""

    def __init__(self, courses: Courses) -> None:
        self._courses = courses
        self.state = "hangs"
        self.looks = 0

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
    return list(await courses.get({"c1"}, max_age_seconds=0))


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
