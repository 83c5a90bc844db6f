"""Counts in MongoDB: one small document per course and bucket of learners.

`marks` rises with every mark, `counted` is the number of marks that the counts have seen. Counts
are made by counting, never by adding to them: whatever was marked twice, or marked and then not
written, is counted right all the same.
"""

from collections.abc import Collection
from datetime import datetime

from pravah_progress.model import Bucket, CourseCounts, Marked, as_milliseconds
from pravah_shared.mongo import Collection as MongoCollection
from pravah_shared.mongo import Document, UpdateOne

NEVER = 0
"""`counted_at` of a bucket that was not counted yet."""


class MongoCounts:
    """Implements `contract.Counts`, over the collections of counts and of documents."""

    def __init__(self, counts: MongoCollection, documents: MongoCollection) -> None:
        self._counts = counts
        self._documents = documents
        self._prepared = False

    async def prepare(self) -> None:
        """Make sure of the indexes: documents by bucket and stage, counts by course, the marked."""
        if self._prepared:
            return
        await self._documents.ensure_index(
            "counted",
            [("course_id", 1), ("bucket", 1), ("stage", 1)],
            partial={"stage": {"$gt": 0}},
        )
        await self._counts.ensure_index("of_course", [("course_id", 1)])
        await self._counts.ensure_index(
            "marked", [("dirty", 1), ("counted_at", 1)], partial={"dirty": True}
        )
        self._prepared = True

    async def mark(self, buckets: Collection[Bucket]) -> None:
        """See `contract.Counts.mark`."""
        await self._counts.bulk(
            [
                UpdateOne(
                    {"_id": str(bucket)},
                    {
                        "$inc": {"marks": 1},
                        "$set": {"dirty": True},
                        "$setOnInsert": {
                            "course_id": bucket.course_id,
                            "bucket": bucket.number,
                            "stages": [0, 0, 0],
                            "counted": 0,
                            "counted_at": NEVER,
                        },
                    },
                    upsert=True,
                )
                for bucket in buckets
            ]
        )

    async def claim(self, before: datetime, now: datetime) -> Marked | None:
        """See `contract.Counts.claim`."""
        held = await self._counts.find_one_and_update(
            {"dirty": True, "counted_at": {"$gte": NEVER, "$lt": as_milliseconds(before)}},
            {"$set": {"counted_at": as_milliseconds(now)}},
            sort=[("counted_at", 1)],
        )
        if held is None:
            return None
        return Marked(Bucket(held["course_id"], held["bucket"]), held["marks"])

    async def recount(self, marked: Marked) -> None:
        """See `contract.Counts.recount`."""
        bucket, marks = marked
        of_bucket = {"course_id": bucket.course_id, "bucket": bucket.number}
        stages = [await self._documents.count({**of_bucket, "stage": stage}) for stage in (1, 2, 3)]
        counts: Document = {"stages": stages, "counted": marks}
        id_, newer = str(bucket), {"counted": {"$lte": marks}}
        clean = await self._counts.update_one(
            {"_id": id_, "marks": marks, **newer}, {"$set": {**counts, "dirty": False}}
        )
        if not clean:  # marked again meanwhile: better than before, and still to be counted
            await self._counts.update_one({"_id": id_, **newer}, {"$set": counts})

    async def of_course(self, course_id: str) -> CourseCounts | None:
        """See `contract.Counts.of_course`."""
        held = await self._counts.find({"course_id": course_id})
        if not held:
            return None
        only_enrolled, only_started, completed = (
            sum(one["stages"][stage] for one in held) for stage in range(3)
        )
        return CourseCounts(
            course_id=course_id,
            enrolled=only_enrolled + only_started + completed,
            started=only_started + completed,
            completed=completed,
            settled=not any(one["dirty"] for one in held),
        )
