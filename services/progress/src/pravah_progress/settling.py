"""Decide on documents that were read, and store what they justify before anybody publishes it."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime

from pravah_progress.model import (
    SOURCE,
    Announcement,
    Bucket,
    Document,
    DocumentKey,
    Kept,
    announced_order,
    key_of,
)
from pravah_progress.rules import decide, decide_programme, is_programme
from pravah_progress.rules.programmes import Held
from pravah_progress.store import Store
from pravah_progress.store.shape import kept_at
from pravah_progress.together import Together
from pravah_shared.events import Course, new_event


class Settling:
    """Settles documents: what they justify is kept in them, and in those of their programmes.

    Whatever is kept, its bucket is marked to be counted. What a crash left before that is met
    again: it is unpublished.
    """

    def __init__(self, store: Store, clock: Callable[[], datetime], together: Together) -> None:
        self._store = store
        self._clock = clock
        self._together = together

    async def announce(
        self,
        documents: Sequence[Document],
        courses: Mapping[str, Course],
        traces: Mapping[DocumentKey, str | None],
    ) -> list[Kept]:
        """Store what the documents justify; return all of theirs that Kafka may not have.

        `courses` and `documents` were read after whatever is to be decided was written. Stored
        before published: a redelivery repeats these very events, never newer scores.
        """
        return await self._roll_up(await self._settle(documents, courses, traces))

    async def take_over(self, documents: Iterable[Document]) -> list[Kept]:
        """Return what a crash left unpublished in documents, with what that leads to."""
        return await self._roll_up([one for held in documents for one in unpublished(held)])

    async def _roll_up(self, kept: Sequence[Kept]) -> list[Kept]:
        """Decide the programmes of those of whom something was kept; return that, too.

        Programmes and their documents are read after the announcements of their courses were
        written. A programme, or an enrollment in one, that arrives later than that finds them.
        """
        all_ = {one.event.id: one for one in kept}
        while kept:
            programmes, _ = await self._together(
                self._store.courses.programmes_of({one.key.course_id for one in kept}),
                self._store.counts.mark({Bucket.of(one.key) for one in kept}),
            )
            traces = {
                DocumentKey(one.key.learner_id, id_): one.event.traceparent
                for one in kept
                for id_, programme in programmes.items()
                if one.key.course_id in {held.course_id for held in programme.courses}
            }
            documents = await self._store.documents.read(traces.keys())
            found = await self._settle(documents, programmes, traces)
            kept = [one for one in found if one.event.id not in all_]
            all_.update({one.event.id: one for one in kept})
        return list(all_.values())

    async def _settle(
        self,
        documents: Sequence[Document],
        courses: Mapping[str, Course],
        traces: Mapping[DocumentKey, str | None],
    ) -> list[Kept]:
        """Store what these documents justify, each by itself; return theirs to be published."""
        now = self._clock()
        kept = [one for document in documents for one in unpublished(document)]
        while documents:
            offers = [
                Kept(key, new_event(data, source=SOURCE, time=now, traceparent=traces.get(key)))
                for key, data in await self._decided(documents, courses)
            ]
            held = await self._store.documents.keep_first(offers)
            kept += held
            # Whoever was first knew less: what it did not know may be news after a completion.
            beaten = {
                offer.key
                for offer, one in zip(offers, held, strict=True)
                if offer.event.data != one.event.data
            }
            documents = await self._store.documents.read(beaten)
        return kept

    async def _decided(
        self, documents: Sequence[Document], courses: Mapping[str, Course]
    ) -> list[tuple[DocumentKey, Announcement]]:
        """Return what documents justify; programmes by their courses' documents, read now."""
        held = await self._held(documents, courses)
        decided: list[tuple[DocumentKey, Announcement]] = []
        for document in documents:
            key = key_of(document)
            if (course := courses.get(key.course_id)) is not None and is_programme(course):
                found = decide_programme(document, course, held.get(key.learner_id, {}))
            else:
                found = decide(document, course)
            decided += [(key, announcement) for announcement in found]
        return decided

    async def _held(
        self, documents: Sequence[Document], courses: Mapping[str, Course]
    ) -> Mapping[str, Held]:
        """Return, by learner, the documents of the courses of programmes they are enrolled in."""
        wanted = {
            DocumentKey(document["learner_id"], part.course_id)
            for document in documents
            if (course := courses.get(document["course_id"])) is not None
            and is_programme(course)
            and "enrollments" in document
            for part in course.courses
        }
        held: dict[str, dict[str, Document]] = {}
        for document in await self._store.documents.read(wanted):
            held.setdefault(document["learner_id"], {})[document["course_id"]] = document
        return held


def unpublished(document: Document) -> list[Kept]:
    """Return what Kafka may not have; in the order in which it came to be."""
    paths = [tuple(note["path"]) for note in document.get("unpublished", ())]
    return [kept_at(document, path) for path in sorted(paths, key=announced_order)]
