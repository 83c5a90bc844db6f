"""Courses as ingest knows them: looked up while the store answers, hardly waited for when not."""

import asyncio
import time
from collections.abc import Callable, Collection, Mapping
from typing import Final

from pravah_progress.store import Courses
from pravah_shared.errors import StoreUnavailable
from pravah_shared.events import Course

LOOK_SECONDS: Final = 3.0
"""A look takes milliseconds. The driver alone would wait ten seconds for a store that is away."""
AWAY_SECONDS: Final = 5.0
"""After a look failed: one request in this time looks again, all others go on without courses."""


class KnownCourses:
    """Looks courses up for ingest, which can do without: Kafka, not the store, keeps reports."""

    def __init__(self, courses: Courses, clock: Callable[[], float] = time.monotonic) -> None:
        self._courses = courses
        self._clock = clock
        self._away_until: float | None = None

    async def get(
        self, course_ids: Collection[str], *, max_age_seconds: float
    ) -> Mapping[str, Course]:
        """Return the courses that are known, perhaps `max_age_seconds` old; none without a store.

        Waits for at most LOOK_SECONDS.
        """
        if not course_ids or not self._may_look():
            return {}
        try:
            async with asyncio.timeout(LOOK_SECONDS):
                found = await self._courses.get(course_ids, max_age_seconds=max_age_seconds)
        except (StoreUnavailable, TimeoutError):
            self._away_until = self._clock() + AWAY_SECONDS
            return {}
        self._away_until = None
        return found

    def _may_look(self) -> bool:
        if self._away_until is None:
            return True
        if (now := self._clock()) < self._away_until:
            return False
        self._away_until = now + AWAY_SECONDS  # who looks now looks for all
        return True
