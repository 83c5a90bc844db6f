"""What progress keeps: documents, courses, counts, and how far the stream has come."""

from dataclasses import dataclass
from typing import Self

from pravah_progress.store.applied import MongoApplied
from pravah_progress.store.contract import Applied, Counts, Courses, Documents
from pravah_progress.store.counts import MongoCounts
from pravah_progress.store.courses import MongoCourses
from pravah_progress.store.documents import MongoDocuments
from pravah_shared.mongo import Database


@dataclass(frozen=True, slots=True)
class Store:
    """The service's collections."""

    documents: Documents
    courses: Courses
    applied: Applied
    counts: Counts

    @classmethod
    def on(cls, database: Database) -> Self:
        """Return the store on `database`. Sends nothing yet."""
        return cls(
            MongoDocuments(database.collection("progress")),
            MongoCourses(database.collection("courses")),
            MongoApplied(database.collection("applied")),
            MongoCounts(database.collection("counts"), database.collection("progress")),
        )

    async def prepare(self) -> None:
        """Make sure of the indexes; costs nothing once done.

        Raises:
            StoreUnavailable: the database did not answer; try again.
            ConfigurationError: an index is there with another shape.
        """
        await self.documents.prepare()
        await self.courses.prepare()
        await self.counts.prepare()


__all__ = ["Applied", "Counts", "Courses", "Documents", "Store"]
