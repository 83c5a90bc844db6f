"""Courses as ingest knows them: looked up while the store answers, hardly waited for when not."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Final

from pravah_progress.store import Courses
from pravah_shared.errors import StoreUnavailable
from pravah_shared.events import Course

LOOK_SECONDS: Final = 3.0
"""A look takes milliseconds. The driver alone would wait ten seconds for a store that is away."""
AWAY_SECONDS: Final = 5.0
"""After a look failed: one request in this time looks again, all others go on without courses."""
FRESH_SECONDS: Final = 5.0
"""A course may be known here this late; before anything is refused, it is looked for once more."""
DOUBT_SECONDS: Final = 1.0
"""Least time between two such looks for one course: wrong reports cause no flood on the store."""
MOST_KEPT: Final = 20_000
"""Ids kept, those of no course among them: anybody can make them up."""


@dataclass(frozen=True, slots=True)
class Known:
    """What ingest needs of a course."""

    course_id: str
    version: int
    retired: bool
    units: frozenset[str]

    @classmethod
    def of(cls, course: Course) -> "Known":
        """Return it of a course."""
        units = frozenset(unit.unit_id for unit in course.units)
        return cls(course.course_id, course.version, course.status == "retired", units)


@dataclass(slots=True)
class _Seen:
    """What the last look found, None: no such course. `doubted_at`: of the last look in doubt."""

    course: Known | None = None
    looked_at: float = float("-inf")
    doubted_at: float = float("-inf")

    def update(self, course: Course | None, looked_at: float) -> None:
        """Take in what a look found."""
        self.looked_at = looked_at
        if course is None:
            self.course = None
        elif self.course is None or self.course.version != course.version:
            self.course = Known.of(course)


_NEVER: Final = _Seen()


class KnownCourses:
    """Looks courses up for ingest, which can do without: Kafka, not the store, keeps reports."""

    def __init__(self, courses: Courses, clock: Callable[[], float] = time.monotonic) -> None:
        self._courses = courses
        self._clock = clock
        self._away_until: float | None = None
        self._seen: OrderedDict[str, _Seen] = OrderedDict()
        self._looking = asyncio.Lock()

    async def get(self, course_ids: Collection[str]) -> Mapping[str, Known]:
        """Return the courses that are known, FRESH_SECONDS old at most; none without a store.

        Waits for at most LOOK_SECONDS.
        """
        oldest = self._clock() - FRESH_SECONDS
        if len(course_ids) == 1:  # nearly always, and then nothing but a look at what is kept
            (id_,) = course_ids
            seen = self._of(id_)
            if seen.looked_at > oldest:
                return {} if seen.course is None else {id_: seen.course}
        if not self._are_fresh(course_ids, oldest):
            await self._look(course_ids, oldest)
        return self._since(course_ids, oldest)

    async def get_in_doubt(self, course_ids: Collection[str]) -> Mapping[str, Known]:
        """Return courses as the store has them now, or had DOUBT_SECONDS ago.

        Without a store none is known: what cannot be made sure of is kept.
        """
        now = self._clock()
        oldest = now - DOUBT_SECONDS
        doubtful = [id_ for id_ in course_ids if self._of(id_).doubted_at <= oldest]
        if doubtful and await self._look(doubtful, now):
            for id_ in doubtful:
                self._seen[id_].doubted_at = now
        return self._since([id_ for id_ in course_ids if self._of(id_).doubted_at > oldest], oldest)

    def _of(self, course_id: str) -> _Seen:
        return self._seen.get(course_id, _NEVER)

    def _are_fresh(self, course_ids: Collection[str], oldest: float) -> bool:
        return all(self._of(id_).looked_at > oldest for id_ in course_ids)

    def _since(self, course_ids: Collection[str], oldest: float) -> dict[str, Known]:
        seen = {id_: self._of(id_) for id_ in course_ids}
        return {
            id_: one.course
            for id_, one in seen.items()
            if one.course is not None and one.looked_at > oldest
        }

    async def _look(self, course_ids: Collection[str], oldest: float) -> bool:
        """Ask the store for what was last seen before then; return whether it answered."""
        if not self._may_look():
            return False
        async with self._looking:  # those who waited find what the first one saw
            if self._are_fresh(course_ids, oldest):
                return True
            return await self._ask(course_ids)

    async def _ask(self, course_ids: Collection[str]) -> bool:
        looked_at = self._clock()
        try:
            async with asyncio.timeout(LOOK_SECONDS):
                found = await self._courses.get(course_ids, max_age_seconds=0)
        except (StoreUnavailable, TimeoutError):
            self._away_until = self._clock() + AWAY_SECONDS
            return False
        self._away_until = None
        for id_ in course_ids:
            seen = self._seen.pop(id_, None) or _Seen()
            seen.update(found.get(id_), looked_at)
            self._seen[id_] = seen  # at the end: what is looked for is kept
        while len(self._seen) > MOST_KEPT:
            self._seen.popitem(last=False)
        return True

    def _may_look(self) -> bool:
        if self._away_until is None:
            return True
        if (now := self._clock()) < self._away_until:
            return False
        self._away_until = now + AWAY_SECONDS  # who looks now looks for all
        return True
