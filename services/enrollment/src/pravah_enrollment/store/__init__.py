"""MongoDB: courses, learners, enrollments, each with its outbox in the document."""

from datetime import datetime

from pravah_enrollment.store.changes import Stamp, until_won
from pravah_enrollment.store.courses import Courses
from pravah_enrollment.store.enrollments import Enrollments
from pravah_enrollment.store.learners import Learners
from pravah_shared.mongo import Collection, Database
from pravah_shared.outbox import ensure_outbox_index

__all__ = ["Courses", "Enrollments", "Learners", "Stamp", "Store", "until_won"]

COLLECTIONS = ("courses", "learners", "enrollments")
"""Those whose documents have outboxes."""


class Store:
    """All that enrollment keeps."""

    def __init__(self, database: Database) -> None:
        self.collections: dict[str, Collection] = {
            name: database.collection(name) for name in COLLECTIONS
        }
        self.courses = Courses(self.collections["courses"])
        self.learners = Learners(self.collections["learners"])
        self.enrollments = Enrollments(self.collections["enrollments"])

    async def prepare(self) -> None:
        """Create the indexes. Safe to repeat and to race."""
        for collection in self.collections.values():
            await ensure_outbox_index(collection)
        await self.learners.prepare()
        await self.enrollments.prepare()

    async def waiting_since(self, collection: str, document_id: str) -> datetime | None:
        """Return since when an event of this document waits to be published, if one does."""
        document = await self.collections[collection].find_one(
            {"_id": document_id}, {"outbox.at": 1}
        )
        waiting = (document or {}).get("outbox")
        return waiting[0]["at"] if waiting else None
