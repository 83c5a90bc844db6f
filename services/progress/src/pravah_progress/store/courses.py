"""Courses in MongoDB: the newest version of each, and whether its learners are re-decided."""

import time
from collections.abc import Collection, Mapping, Sequence

from pravah_shared.events import Course
from pravah_shared.mongo import Collection as MongoCollection
from pravah_shared.mongo import UpdateOne

CHANGES = "~changes"
"""`_id` of the document that counts calls of `put`. No course's id holds `~`."""


class MongoCourses:
    """Implements `contract.Courses`. Keeps what it has parsed: courses are read at every batch.

    A batch may hold hundreds of courses, and hardly ever has one of them changed. So every `put`
    counts, after its write; and whoever has seen a count has seen all writes before it: a `get`
    that finds the count unchanged asks for nothing else. A worker that counts later than a reader
    looked re-decides later, too, and finds what that reader decided by the version before.
    """

    def __init__(self, collection: MongoCollection) -> None:
        self._collection = collection
        self._prepared = False
        self._parsed: dict[str, Course] = {}
        self._checked: dict[str, float] = {}
        self._changes = 0
        self._holders: dict[str, tuple[str, ...]] = {}

    async def prepare(self) -> None:
        """Make sure of the indexes: courses whose learners wait, programmes by their courses."""
        if self._prepared:
            return
        await self._collection.ensure_index("holds", [("holds", 1)])
        await self._collection.ensure_index(
            "unreconciled", [("reconciled", 1)], partial={"reconciled": False}
        )
        self._prepared = True

    async def put(self, courses: Sequence[Course]) -> None:
        """See `contract.Courses.put`."""
        newest: dict[str, Course] = {}
        for course in courses:
            if course.version > getattr(newest.get(course.course_id), "version", 0):
                newest[course.course_id] = course
        # Two steps: an upsert that asks for an older version would try to create a second
        # document wherever a newer one is held.
        await self._collection.bulk(
            [
                UpdateOne({"_id": id_}, {"$setOnInsert": {"version": 0}}, upsert=True)
                for id_ in newest
            ]
        )
        await self._collection.bulk(
            [
                UpdateOne(
                    {"_id": id_, "version": {"$lt": course.version}},
                    {
                        "$set": {
                            "version": course.version,
                            "course": course.model_dump_json(),
                            "holds": sorted({held.course_id for held in course.courses}),
                            "reconciled": False,
                        }
                    },
                )
                for id_, course in newest.items()
            ]
        )
        counted = UpdateOne({"_id": CHANGES}, {"$inc": {"count": 1}}, upsert=True)
        await self._collection.bulk([counted])

    async def get(
        self, course_ids: Collection[str], *, max_age_seconds: float = 0
    ) -> Mapping[str, Course]:
        """See `contract.Courses.get`."""
        oldest = time.monotonic() - max_age_seconds if max_age_seconds else float("-inf")
        if not max_age_seconds:
            await self._forget_if_changed()
        ask = [id_ for id_ in course_ids if self._checked.get(id_, float("-inf")) <= oldest]
        if ask:
            await self._refresh(ask)
        return self.known(course_ids)

    async def programmes_of(self, course_ids: Collection[str]) -> Mapping[str, Course]:
        """See `contract.Courses.programmes_of`."""
        await self._forget_if_changed()
        changes, found = self._changes, {}
        if ask := [id_ for id_ in course_ids if id_ not in self._holders]:
            found = await self._holders_of(ask)
        known = {**self._holders, **found}
        if changes == self._changes:  # else these answers may be older than what was counted
            self._holders = known
        holders = {holder for id_ in course_ids for holder in known.get(id_, ())}
        return await self.get(holders) if holders else {}

    def known(self, course_ids: Collection[str]) -> Mapping[str, Course]:
        """See `contract.Courses.known`."""
        return {id_: self._parsed[id_] for id_ in course_ids if id_ in self._parsed}

    async def unreconciled(self) -> Course | None:
        """See `contract.Courses.unreconciled`."""
        found = await self._collection.find_one({"reconciled": False})
        return None if found is None else self._parse(found["course"])

    async def mark_reconciled(self, course_id: str, version: int) -> None:
        """See `contract.Courses.mark_reconciled`."""
        await self._collection.update_one(
            {"_id": course_id, "version": version}, {"$set": {"reconciled": True}}
        )

    async def _forget_if_changed(self) -> None:
        """Have every course asked for again if any was put since this was asked last."""
        counted = await self._collection.find_one({"_id": CHANGES})
        changes = 0 if counted is None else counted["count"]
        if changes != self._changes:
            self._checked.clear()
            self._holders = {}
            self._changes = changes

    async def _refresh(self, course_ids: Sequence[str]) -> None:
        """Ask for versions, which are small, and fetch only the courses that have changed."""
        asked_at, changes = time.monotonic(), self._changes
        found = await self._collection.find(
            {"_id": {"$in": list(course_ids)}, "version": {"$gt": 0}}, projection={"version": 1}
        )
        changed = [held["_id"] for held in found if held["version"] > self._version(held["_id"])]
        if changed:
            for held in await self._collection.find({"_id": {"$in": changed}}):
                self._parse(held["course"])
        # Unknown ones are asked for each time: anybody can make them up, and they would pile up.
        if changes == self._changes:  # else these answers may be older than what was counted
            self._checked.update(dict.fromkeys([held["_id"] for held in found], asked_at))

    async def _holders_of(self, course_ids: Sequence[str]) -> dict[str, tuple[str, ...]]:
        found = await self._collection.find(
            {"holds": {"$in": list(course_ids)}}, projection={"holds": 1}
        )
        return {
            id_: tuple(held["_id"] for held in found if id_ in held["holds"]) for id_ in course_ids
        }

    def _version(self, course_id: str) -> int:
        course = self._parsed.get(course_id)
        return 0 if course is None else course.version

    def _parse(self, stored: str) -> Course:
        course = Course.model_validate_json(stored)
        # Two reads may answer out of order: what was seen never goes back.
        if course.version >= self._version(course.course_id):
            self._parsed[course.course_id] = course
        return self._parsed[course.course_id]
