"""Kafka in → merge → store → decide → Kafka out.

Write, then read, then decide. Progress, enrollments and courses come in any order and through
any worker; whoever writes last reads all of it and decides. Deciding on an earlier read would let
each of two workers miss the other's half, and both commit.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from pravah_progress.model import Bucket, Change, Document, DocumentKey, Kept, key_of
from pravah_progress.rules import merge, prune
from pravah_progress.rules.requirements import required_units
from pravah_progress.settling import Settling
from pravah_progress.store import Store
from pravah_progress.together import Together, together
from pravah_shared.events import Course, Event, Progressed
from pravah_shared.processing.failpoints import reach
from pravah_shared.processing.handler import Outcome
from pravah_shared.telemetry import metrics

STEP = 500
"""Most documents that are re-decided together: a course may have lakhs of learners."""

RECOUNTS = 50
"""Most buckets counted by one sweep."""

REST = timedelta(seconds=10)
"""A bucket rests for so long after it was counted: a busy course changes all the time."""

PATIENCE = timedelta(seconds=10)
"""An announcement unpublished for longer was left by a crash; a younger one is under way."""


@dataclass(frozen=True, slots=True)
class Redecided:
    """A bounded step of re-deciding a course's documents by its present version."""

    course: Course
    documents: Sequence[Document]
    kept: Sequence[Kept]

    @property
    def last(self) -> bool:
        """Whether no further document waits."""
        return len(self.documents) < STEP


class ProgressHandler:
    """Merges facts, decides what they justify, announces it once."""

    topics = frozenset({"enrolled", "courses", "progressed"})

    def __init__(
        self,
        store: Store,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        together: Together = together,
    ) -> None:
        self._store = store
        self._clock = clock
        self._together = together
        self._settling = Settling(store, clock, together)
        self._required_by_version: dict[str, tuple[int, int]] = {}

    async def handle(self, batch: Sequence[Event[Any]]) -> Outcome:
        """Apply a batch. Safe to repeat: on Transient, call again with the same one.

        A course's new version is stored before anything is decided by it. Of its learners one
        step is re-decided here, so that a course that comes late delays nobody it need not; the
        sweep does the rest.
        """
        await self._store.prepare()
        arrived = [event.data for event in batch if isinstance(event.data, Course)]
        if arrived:
            await self._store.courses.put(arrived)
        changes = merge(event.data for event in batch)
        kept = await self._merge(changes, _traces(batch))
        steps = [
            await self._redecide(course)
            for course in await self._newest({course.course_id for course in arrived})
        ]
        kept = [*kept, *(one for step in steps for one in step.kept)]
        offsets = _next_offsets(batch)

        async def acknowledge() -> None:
            # Everything of the batch is merged, decided and kept: whoever waits for a record reads
            # its consequences, whether or not they are marked as published yet.
            await self._together(self._conclude(kept, steps), self._store.applied.advance(offsets))

        return Outcome(_events(kept), acknowledge)

    async def sweep(self) -> Outcome:
        """Publish what a crash left, re-decide a step of a changed course, count again."""
        await self._store.prepare()
        before = self._clock() - PATIENCE
        left = await self._store.documents.unpublished(before, STEP)
        kept = await self._settling.take_over(left)
        course = await self._store.courses.unreconciled()
        steps = [] if course is None else [await self._redecide(course)]
        kept += [one for step in steps for one in step.kept]
        counted = await self._recount()

        async def acknowledge() -> None:
            await self._conclude(kept, steps)

        # After a finished course there may be another.
        more = bool(steps) or len(left) == STEP or counted == RECOUNTS
        return Outcome(_events(kept), acknowledge, more=more)

    async def _recount(self) -> int:
        """Count some of the buckets that were marked; return how many."""
        now = self._clock()
        for counted in range(RECOUNTS):
            marked = await self._store.counts.claim(now - REST, now)
            if marked is None:
                return counted
            await self._store.counts.recount(marked)
        return RECOUNTS

    async def _merge(
        self, changes: Sequence[Change], traces: Mapping[DocumentKey, str | None]
    ) -> list[Kept]:
        """Write changes, read their documents back, decide on what was read."""
        if not changes:
            return []
        store = self._store
        known = store.courses.known({change.key.course_id for change in changes})
        versions = {id_: course.version for id_, course in known.items()}
        await store.documents.apply(changes, versions)
        metrics.DOCUMENTS_MERGED.labels("progress").inc(len(changes))
        await reach("between_write_and_read")
        documents, courses = await self._read(changes, known)
        if prunings := [one for document in documents if (one := prune(document))]:
            await store.documents.prune(prunings)
        return await self._announce(documents, courses, traces)

    async def _read(
        self, changes: Sequence[Change], known: Mapping[str, Course]
    ) -> tuple[Sequence[Document], Mapping[str, Course]]:
        """Return what must be looked at, and the courses that decide it; all as written by now.

        The courses are hardly ever others than those that are `known`: both are asked for at once,
        and the documents once more if it was not so. A version that arrives after this re-decides
        all documents that were not decided by it, these among them.
        """
        enrolled = {Bucket.of(change.key) for change in changes if change.unstarted}
        documents, courses, _ = await self._together(
            self._to_decide(changes, known),
            self._store.courses.get({change.key.course_id for change in changes}),
            # After what changes the counts was written. What a crash left before this is
            # redelivered, and marked then.
            self._store.counts.mark(enrolled),
        )
        if courses != known:
            documents = await self._to_decide(changes, courses)
        return documents, courses

    async def _to_decide(
        self, changes: Sequence[Change], courses: Mapping[str, Course]
    ) -> list[Document]:
        """Return documents that must be looked at: of most the store tells that they need not."""
        documents = self._store.documents
        whole = [change.key for change in changes if not change.content_only]
        content = [change.key for change in changes if change.content_only]
        required = {id_: self._required(course) for id_, course in courses.items()}
        found = await self._together(
            documents.read(whole), documents.read_deciding(content, required)
        )
        return [one for part in found for one in part]

    def _required(self, course: Course) -> int:
        """Return how many units a course requires; counted once for each version."""
        held = self._required_by_version.get(course.course_id)
        if held is None or held[0] != course.version:
            held = (course.version, len(required_units(course)))
            self._required_by_version[course.course_id] = held
        return held[1]

    async def _newest(self, course_ids: set[str]) -> Iterable[Course]:
        """Return the stored versions: another worker may hold newer ones than just came."""
        return (await self._store.courses.get(course_ids)).values() if course_ids else ()

    async def _redecide(self, course: Course) -> Redecided:
        """Decide documents that older versions decided. Those touched after this decide anew."""
        documents = await self._store.documents.behind(course.course_id, course.version, STEP)
        kept = await self._announce(documents, {course.course_id: course}, {})
        return Redecided(course, documents, kept)

    async def _announce(
        self,
        documents: Sequence[Document],
        courses: Mapping[str, Course],
        traces: Mapping[DocumentKey, str | None],
    ) -> list[Kept]:
        """Store what the documents justify; return all of theirs that Kafka may not have."""
        return await self._settling.announce(documents, courses, traces)

    async def _conclude(self, kept: Sequence[Kept], steps: Sequence[Redecided]) -> None:
        """Kafka has the events: nothing of this needs to be found again."""
        await self._store.documents.mark_published(kept)
        for step in steps:
            keys = [key_of(held) for held in step.documents]
            await self._store.documents.mark_decided(keys, step.course.version)
            if step.last:
                await self._store.courses.mark_reconciled(
                    step.course.course_id, step.course.version
                )


def _events(kept: Sequence[Kept]) -> list[Event[Any]]:
    """Return the events, each once: a document may have been met twice."""
    return list({one.event.id: one.event for one in kept}.values())


def _traces(batch: Sequence[Event[Any]]) -> dict[DocumentKey, str | None]:
    """Return, by document, the trace that an announcement continues: the latest event's."""
    return {
        DocumentKey(event.data.learner_id, event.data.course_id): event.traceparent
        for event in batch
        if not isinstance(event.data, Course)
    }


def _next_offsets(batch: Sequence[Event[Any]]) -> dict[int, int]:
    """Return the next offset of each partition of `progressed` that the batch reads from."""
    offsets: dict[int, int] = {}
    for event in batch:
        position = event.position
        if position is not None and position.topic == Progressed.topic:
            held = offsets.get(position.partition, 0)
            offsets[position.partition] = max(held, position.offset + 1)
    return offsets
