"""What the stream and the API rely on. The contract suite in tests holds every store to it.

Every method raises StoreUnavailable when the store does not confirm: some of what was asked may
have happened, so ask the same again. All are safe to repeat.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from pravah_progress.model import (
    Bucket,
    Change,
    CourseCounts,
    Document,
    DocumentKey,
    Kept,
    Marked,
    Pruning,
)
from pravah_shared.events import Course


class Documents(Protocol):
    """One document per learner and course (model.py tells its shape)."""

    async def prepare(self) -> None:
        """Make sure of what queries need. Safe to race; costs nothing once done.

        Raises:
            ConfigurationError: an index is there with another shape.
        """
        ...

    async def apply(self, changes: Sequence[Change], versions: Mapping[str, int]) -> None:
        """Merge changes into their documents, one write each, creating those that are missing.

        `versions` gives the course version each course's documents will at least be decided by
        after this call; courses without one count as 0, never decided.

        Raises:
            Refused: one of the changes can never be stored; others may have been.
        """
        ...

    async def read(self, keys: Collection[DocumentKey]) -> Sequence[Document]:
        """Return the documents that exist, with all writes confirmed before this call."""
        ...

    async def read_deciding(
        self, keys: Collection[DocumentKey], required: Mapping[str, int]
    ) -> Sequence[Document]:
        """Return at least those of the documents that may decide something by themselves.

        That is: a term of theirs has not started, or as many units are done as their course
        requires. `required` tells that number by course; documents of other courses, which
        nobody knows yet, decide nothing.
        """
        ...

    async def prune(self, prunings: Sequence[Pruning]) -> None:
        """Remove dominated submissions, unless their values have changed since they were seen."""
        ...

    async def keep_first(self, offers: Sequence[Kept]) -> Sequence[Kept]:
        """Store each announcement unless its term has one of its kind; return what is held.

        The answer has one entry per offer, in order: the offer, or the one that was first.
        """
        ...

    async def mark_published(self, kept: Sequence[Kept]) -> None:
        """Note that Kafka has these announcements."""
        ...

    async def unpublished(self, before: datetime, limit: int) -> Sequence[Document]:
        """Return documents with an announcement that was stored before then and not published."""
        ...

    async def behind(self, course_id: str, version: int, limit: int) -> Sequence[Document]:
        """Return documents of a course that were decided by older versions only."""
        ...

    async def mark_decided(self, keys: Collection[DocumentKey], version: int) -> None:
        """Note that documents of one course were decided by this version or a newer one."""
        ...

    async def of_learner(
        self, learner_id: str, *, after: str, limit: int, mdo_id: str | None = None
    ) -> Sequence[Document]:
        """Return a learner's documents by course id, those after `after`.

        With `mdo_id`: those with an enrollment of that MDO's.
        """
        ...


class Courses(Protocol):
    """The newest known version of each course."""

    async def prepare(self) -> None:
        """Make sure of what queries need. Safe to race; costs nothing once done."""
        ...

    async def put(self, courses: Sequence[Course]) -> None:
        """Store versions that are newer than what is held; an older one never overwrites.

        A version that is stored here counts as not reconciled.
        """
        ...

    async def get(
        self, course_ids: Collection[str], *, max_age_seconds: float = 0
    ) -> Mapping[str, Course]:
        """Return the courses that are known; with a `max_age_seconds`, perhaps that old."""
        ...

    async def programmes_of(self, course_ids: Collection[str]) -> Mapping[str, Course]:
        """Return the programmes that hold any of these courses, by id, as the store has them."""
        ...

    def known(self, course_ids: Collection[str]) -> Mapping[str, Course]:
        """Return the versions seen last, without asking the store; none of what was never seen."""
        ...

    async def unreconciled(self) -> Course | None:
        """Return a course whose documents may not all be decided by its stored version."""
        ...

    async def mark_reconciled(self, course_id: str, version: int) -> None:
        """Note that all documents are decided by `version`; nothing, if a newer one has come."""
        ...


class Applied(Protocol):
    """How far the stream has come in each partition of `progressed`."""

    async def advance(self, next_offsets: Mapping[int, int]) -> None:
        """Raise the next offset of partitions."""
        ...

    async def next_offsets(self) -> Mapping[int, int]:
        """Return the next offset of each partition: all before it is merged and decided."""
        ...


class Counts(Protocol):
    """How many learners of each course have come how far.

    A bucket is marked after what changes its counts was written. A crash in between is followed
    by a redelivery, which writes and marks again: no change stays without a mark.
    """

    async def prepare(self) -> None:
        """Make sure of what queries need. Safe to race; costs nothing once done."""
        ...

    async def mark(self, buckets: Collection[Bucket]) -> None:
        """Have buckets counted again."""
        ...

    async def claim(self, before: datetime, now: datetime) -> Marked | None:
        """Return a marked bucket that nobody has counted or claimed since `before`; the longest."""
        ...

    async def recount(self, marked: Marked) -> None:
        """Count a bucket's documents; keep that unless it was counted with more marks."""
        ...

    async def of_course(self, course_id: str) -> CourseCounts | None:
        """Return a course's counts; None: nobody was ever enrolled."""
        ...
