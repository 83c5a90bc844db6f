"""Kafka in: events become ledger entries, and entries stop waiting when what they need arrives.

Write, then read, then decide. Entries are inserted as waiting *before* the people and courses
they need are read; people and courses are stored *before* the entries that wait for them are
read. Whichever is written last, its writer sees the other: none waits for ever.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from pravah_notification.model import Entry, Known, StoredCourse, StoredPerson
from pravah_notification.ports import Knowledge, LedgerWrites
from pravah_notification.rules import drafts, settle
from pravah_shared.events import Course, Event, Person, PersonErased
from pravah_shared.processing.handler import Outcome
from pravah_shared.telemetry import metrics
from pravah_shared.telemetry.logs import get_logger

log = get_logger()

STEP = 500
"""Waiting entries moved on together: one bulk of the store."""
STEPS_AT_ONCE = 10
"""Steps within one batch. A course that many wait for leaves the rest to the sweep."""


class NotificationHandler:
    """Writes the ledger. Publishes nothing; sending is the dispatcher's."""

    topics = frozenset({"enrolled", "certified", "people", "courses"})

    def __init__(
        self, ledger: LedgerWrites, directory: Knowledge, clock: Callable[[], datetime]
    ) -> None:
        self._ledger = ledger
        self._directory = directory
        self._clock = clock
        self._swept = ""

    async def handle(self, batch: Sequence[Event[Any]]) -> Outcome:
        """Apply a batch. Safe to repeat: on Transient, call again with the same one."""
        learners, erased = await self._keep_people(batch)
        courses = await self._keep_courses(batch)
        await self._write(drafts(batch))
        for _ in range(STEPS_AT_ONCE if learners or courses else 0):
            waiting = await self._ledger.waiting_for(learners, courses, STEP, erased_ids=erased)
            await self._settle(waiting)
            if len(waiting) < STEP:
                break
        return Outcome()

    async def sweep(self) -> Outcome:
        """Look at the next STEP waiting entries, in a circle: mends whatever a batch left."""
        waiting = await self._ledger.waiting_after(self._swept, STEP)
        await self._settle(waiting)
        more = len(waiting) == STEP
        self._swept = waiting[-1].id if more else ""
        return Outcome(more=more)

    async def _write(self, entries: Sequence[Entry]) -> None:
        """Insert entries; decide those that can be, also ones that a crash left undecided."""
        if not entries:
            return
        known, now = await self._directory.known(entries), self._clock()
        # People and courses only ever arrive, so what is decided on an early read stays right:
        # one write for most entries. Those that wait are decided again, on a later read.
        decided = [settle(entry, known, now) for entry in entries]
        inserted = await self._ledger.insert(decided)
        _count(entry for entry in decided if entry.id in inserted)
        open_ids = [
            entry.id for entry in decided if entry.state == "waiting" or entry.id not in inserted
        ]
        if open_ids:
            await self._settle(await self._ledger.waiting(open_ids))

    async def _settle(self, waiting: Sequence[Entry]) -> None:
        """Decide waiting entries on what is here now."""
        if not waiting:
            return
        known: Known = await self._directory.known(waiting)
        now = self._clock()
        moved = [settled for entry in waiting if (settled := settle(entry, known, now)) != entry]
        if await self._ledger.settle(moved):
            _count(entry for entry in moved)
            log.info("ledger.settled", waiting=len(waiting), moved=len(moved))

    async def _keep_people(self, batch: Sequence[Event[Any]]) -> tuple[list[str], list[str]]:
        """Return whom the batch is about, and which of them it erases."""
        people = [person for event in batch if (person := _person(event.data)) is not None]
        if people:
            await self._directory.keep_people(people)
        erased = {event.data.learner_id for event in batch if isinstance(event.data, PersonErased)}
        return sorted({person.learner_id for person in people}), sorted(erased)

    async def _keep_courses(self, batch: Sequence[Event[Any]]) -> list[str]:
        courses = [
            StoredCourse(event.data.course_id, event.data.version, event.data.title)
            for event in batch
            if isinstance(event.data, Course)
        ]
        if courses:
            await self._directory.keep_courses(courses)
        return sorted({course.course_id for course in courses})


def _person(facts: Any) -> StoredPerson | None:
    match facts:
        case Person():
            return StoredPerson(facts.learner_id, facts.version, facts.ciphertext, facts.mdo_id)
        case PersonErased():
            return StoredPerson(facts.learner_id)
        case _:
            return None


def _count(entries: Any) -> None:
    """Count what is settled without a dispatcher: the inbox, and what is not to be sent."""
    settled = Counter(
        (entry.channel, entry.state) for entry in entries if entry.state in {"sent", "suppressed"}
    )
    for (channel, outcome), count in settled.items():
        metrics.DELIVERIES.labels(channel, outcome).inc(count)
