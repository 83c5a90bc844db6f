"""The store in memory: the same promises as the real one, and a place to stop at each call.

It passes the same contract suite (test_store.py). `pause` is awaited before every operation:
the tests of test_issuing.py let other workers run there, or the process die.
"""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from pravah_certificate.model import Certificate, Completion, Course, Person, Verdict
from pravah_certificate.rules import Facts, later, newest


async def go_on() -> None:
    """Do not stop."""


class MemoryStore:
    """Inputs and certificates, in dictionaries."""

    def __init__(self, pause: Callable[[], Awaitable[None]] = go_on) -> None:
        self.pause = pause
        self.known_people: dict[str, Person] = {}
        self.known_courses: dict[str, Course] = {}
        self.reconciled: dict[str, int] = {}
        self.held: dict[str, Completion] = {}
        self.waiting: set[str] = set()
        self.seen: dict[str, datetime] = {}
        self.issued: dict[str, Certificate] = {}

    async def prepare(self) -> None:
        """Need no index."""

    async def save(self, facts: Facts, now: datetime) -> None:
        """Keep the newest; three writes, others may come between."""
        await self.pause()
        for course in facts.courses:
            known = self.known_courses.get(course.course_id)
            self.known_courses[course.course_id] = newest(known, course)
        await self.pause()
        for person in facts.people:
            known_person = self.known_people.get(person.learner_id)
            self.known_people[person.learner_id] = later(known_person, person)
        await self.pause()
        for completion in facts.completions:
            if completion.id not in self.held:
                self.held[completion.id] = completion
                self.waiting.add(completion.id)
                self.seen[completion.id] = now

    async def completions(self, ids: Collection[str]) -> list[Completion]:
        """Read by id."""
        await self.pause()
        return [self.held[id_] for id_ in sorted(ids) if id_ in self.held]

    async def waiting_of(self, learner_ids: Collection[str], limit: int) -> list[Completion]:
        """Read who waits."""
        await self.pause()
        found = [self.held[id_] for id_ in sorted(self.waiting)]
        return [each for each in found if each.learner_id in learner_ids][:limit]

    async def behind(self, courses: Collection[Course], limit: int) -> list[Completion]:
        """Read who was judged by less."""
        await self.pause()
        versions = {course.course_id: course.version for course in courses}
        found = self.held.values()
        return [each for each in found if each.decided_on < versions.get(each.course_id, 0)][:limit]

    async def take_waiting(
        self, unseen_since: datetime, now: datetime, limit: int
    ) -> list[Completion]:
        """Take the longest unseen."""
        await self.pause()
        old = sorted((self.seen[i], i) for i in self.waiting if self.seen[i] < unseen_since)
        taken = [id_ for _, id_ in old[:limit]]
        self.seen.update(dict.fromkeys(taken, now))
        return [self.held[id_] for id_ in taken]

    async def record(self, verdicts: Sequence[Verdict]) -> None:
        """Write unless somebody saw more."""
        await self.pause()
        for verdict in verdicts:
            id_ = verdict.completion.id
            by, version = self.held[id_].decided_on, verdict.course_version
            if by > version or (verdict.waiting_for and by == version and id_ not in self.waiting):
                continue
            self.held[id_] = replace(self.held[id_], decided_on=version)
            if verdict.waiting_for:
                self.waiting.add(id_)
            else:
                self.waiting.discard(id_)

    async def people(self, learner_ids: Collection[str]) -> Mapping[str, Person]:
        """Read who is known."""
        await self.pause()
        return {i: self.known_people[i] for i in learner_ids if i in self.known_people}

    async def courses(self, course_ids: Collection[str]) -> Mapping[str, Course]:
        """Read what is known."""
        await self.pause()
        return {i: self.known_courses[i] for i in course_ids if i in self.known_courses}

    async def unreconciled(self, limit: int) -> list[Course]:
        """Read courses whose version is newer than the last one reconciled."""
        await self.pause()
        found = self.known_courses.values()
        return [each for each in found if self.reconciled.get(each.course_id) != each.version][
            :limit
        ]

    async def mark_reconciled(self, courses: Collection[Course]) -> None:
        """Note it for these versions."""
        await self.pause()
        for course in courses:
            if self.known_courses[course.course_id].version == course.version:
                self.reconciled[course.course_id] = course.version

    async def insert(self, certificates: Sequence[Certificate]) -> frozenset[str]:
        """Fill free places."""
        await self.pause()
        free = [each for each in certificates if each.key not in self.issued]
        self.issued.update({each.key: each for each in free})
        return frozenset(each.key for each in free)

    async def find(self, keys: Collection[str]) -> Mapping[str, Certificate]:
        """Read places."""
        await self.pause()
        return {key: self.issued[key] for key in keys if key in self.issued}

    async def unannounced(self, issued_before: datetime, limit: int) -> list[Certificate]:
        """Read what Kafka may not have."""
        await self.pause()
        found = [each for each in self.issued.values() if each.state == "issued"]
        old = [each for each in found if not each.announced and each.issued_at < issued_before]
        return sorted(old, key=lambda each: each.issued_at)[:limit]

    async def mark_announced(self, keys: Collection[str]) -> None:
        """Note that Kafka has it."""
        await self.pause()
        self.issued.update({key: replace(self.issued[key], announced=True) for key in keys})

    async def erase(self, learner_ids: Collection[str]) -> None:
        """Drop credentials."""
        await self.pause()
        for key, each in self.issued.items():
            if each.learner_id in learner_ids:
                self.issued[key] = replace(each, state="erased", credential="")
