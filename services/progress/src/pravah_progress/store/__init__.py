"""What progress keeps: documents, courses, and how far the stream has come."""

from dataclasses import dataclass
from typing import Self

from pravah_progress.store.applied import MongoApplied
from pravah_progress.store.contract import Applied, Courses, Documents
from pravah_progress.store.courses import MongoCourses
from pravah_progress.store.documents import MongoDocuments
from pravah_shared.mongo import Database


@dataclass(frozen=True, slots=True)
class Store:
    """The service's three collections."""

    documents: Documents
    courses: Courses
    applied: Applied

    @classmethod
    async def open(cls, database: Database) -> Self:
        """Return the store on `database`, its indexes made sure of. Safe to repeat and to race.

        Raises:
            StoreUnavailable: the database did not answer; try again.
            ConfigurationError: an index is there with another shape.
        """
        documents = MongoDocuments(database.collection("progress"))
        courses = MongoCourses(database.collection("courses"))
        await documents.prepare()
        await courses.prepare()
        return cls(documents, courses, MongoApplied(database.collection("applied")))


__all__ = ["Applied", "Courses", "Documents", "Store"]
