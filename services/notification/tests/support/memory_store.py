"""The stream's stores in memory. They pass the contract suite of the real ones (test_store.py)."""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import repeat

from pravah_notification.model import Entry, Known, StoredCourse, StoredPerson


def never(_step: str) -> None:
    """Let every step happen."""


@dataclass
class MemoryStore:
    """Ledger and directory in one. `before` is told each step's name, and may raise in its place.

    Every step gives way to other tasks first, as many turns as `pauses` says, so that concurrent
    handlers interleave in as many ways.
    """

    before: Callable[[str], None] = never
    pauses: Iterator[int] = field(default_factory=lambda: repeat(1))
    entries: dict[str, Entry] = field(default_factory=dict)
    people: dict[str, StoredPerson] = field(default_factory=dict)
    courses: dict[str, StoredCourse] = field(default_factory=dict)

    async def insert(self, entries: Sequence[Entry]) -> set[str]:
        """See `ports.LedgerWrites`."""
        await self._step("insert")
        fresh = {entry.id: entry for entry in entries if entry.id not in self.entries}
        self.entries.update(fresh)
        return set(fresh)

    async def waiting(self, entry_ids: Iterable[str]) -> list[Entry]:
        """See `ports.LedgerWrites`."""
        await self._step("waiting")
        wanted = set(entry_ids)
        return [entry for entry in self._waiting() if entry.id in wanted]

    async def waiting_for(
        self,
        learner_ids: Sequence[str],
        course_ids: Sequence[str],
        limit: int,
        *,
        erased_ids: Sequence[str] = (),
    ) -> list[Entry]:
        """See `ports.LedgerWrites`."""
        await self._step("waiting_for")
        return [
            entry
            for entry in self._waiting()
            if entry.occasion.learner_id in erased_ids
            or (entry.occasion.learner_id in learner_ids and "person" in entry.missing)
            or (entry.occasion.course_id in course_ids and "course" in entry.missing)
        ][:limit]

    async def waiting_after(self, entry_id: str, limit: int) -> list[Entry]:
        """See `ports.LedgerWrites`."""
        await self._step("waiting_after")
        return [entry for entry in self._waiting() if entry.id > entry_id][:limit]

    async def settle(self, entries: Sequence[Entry]) -> int:
        """See `ports.LedgerWrites`."""
        await self._step("settle")
        moved = [entry for entry in entries if self.entries[entry.id].state == "waiting"]
        self.entries.update({entry.id: entry for entry in moved})
        return len(moved)

    async def keep_people(self, people: Sequence[StoredPerson]) -> None:
        """See `ports.Knowledge`."""
        await self._step("keep_people")
        for person in people:
            kept = self.people.get(person.learner_id)
            newer = kept is None or (not kept.erased and kept.version < person.version)
            if newer or person.erased:
                self.people[person.learner_id] = person

    async def keep_courses(self, courses: Sequence[StoredCourse]) -> None:
        """See `ports.Knowledge`."""
        await self._step("keep_courses")
        for course in courses:
            kept = self.courses.get(course.course_id)
            if kept is None or kept.version < course.version:
                self.courses[course.course_id] = course

    async def known(self, entries: Sequence[Entry]) -> Known:
        """See `ports.Knowledge`."""
        await self._step("known")
        learners = {entry.occasion.learner_id for entry in entries} & self.people.keys()
        return Known(
            people=learners,
            erased={learner for learner in learners if self.people[learner].erased},
            courses={entry.occasion.course_id for entry in entries} & self.courses.keys(),
        )

    def _waiting(self) -> list[Entry]:
        return sorted(
            (entry for entry in self.entries.values() if entry.state == "waiting"),
            key=lambda entry: entry.id,
        )

    async def _step(self, name: str) -> None:
        for _ in range(next(self.pauses)):
            await asyncio.sleep(0)
        self.before(name)
