"""Courses: `{_id: course_id, version, course, slot, outbox}`, `course` as its event has it."""

from collections.abc import Callable
from typing import Literal, TypeAlias

from pravah_enrollment.store.changes import Stamp, until_won
from pravah_shared.events import Course
from pravah_shared.mongo import Collection
from pravah_shared.outbox import new_outbox, pushed

Put: TypeAlias = Literal["created", "changed", "same"]


class Courses:
    """Courses in their newest version. Older versions live in the events alone."""

    def __init__(self, collection: Collection) -> None:
        self._courses = collection

    async def get(self, course_id: str) -> Course | None:
        """Return the course as it is now."""
        document = await self._courses.find_one({"_id": course_id}, {"course": 1})
        return Course.model_validate(document["course"]) if document else None

    async def page(self, after: str | None, limit: int) -> list[Course]:
        """Return up to `limit` courses by id, beginning after one."""
        documents = await self._courses.find(
            {} if after is None else {"_id": {"$gt": after}},
            projection={"course": 1},
            sort=[("_id", 1)],
            limit=limit,
        )
        return [Course.model_validate(document["course"]) for document in documents]

    async def put(
        self, course_id: str, stamp: Stamp, decide: Callable[[Course | None], Course | None]
    ) -> tuple[Course, Put]:
        """Store the version that `decide` makes of the stored one; None keeps it.

        Version and event are one write. Safe to repeat.
        """
        return await until_won(course_id, lambda: self._try_put(course_id, stamp, decide))

    async def _try_put(
        self, course_id: str, stamp: Stamp, decide: Callable[[Course | None], Course | None]
    ) -> tuple[Course, Put] | None:
        stored = await self.get(course_id)
        wanted = decide(stored)
        if wanted is None:
            if stored is None:
                raise ValueError(f"course {course_id} is unknown and was not made")
            return stored, "same"
        event = stamp.event(wanted)
        state = {"version": wanted.version, "course": wanted.model_dump(mode="json")}
        if stored is None:
            born = {"_id": course_id, **state, **new_outbox(course_id, [event])}
            return (wanted, "created") if await self._courses.insert_once(born) else None
        won = await self._courses.update_one(
            {"_id": course_id, "version": stored.version},
            {"$set": state, "$push": pushed([event])},
        )
        return (wanted, "changed") if won else None
