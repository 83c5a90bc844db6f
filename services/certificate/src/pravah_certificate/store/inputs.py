"""What the topics brought: completions, people, courses. Writes keep the newest, reads are fresh.

Every method may be repeated. All raise StoreUnavailable when the store did not confirm, and
then some of the writes may have landed.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from pravah_certificate.model import Completion, Course, Person, Verdict
from pravah_certificate.rules import Facts
from pravah_certificate.store import documents
from pravah_shared.mongo import Collection as MongoCollection
from pravah_shared.mongo import Database, Document, UpdateOne


class Inputs:
    """Collections `completions`, `people` and `courses`."""

    def __init__(self, database: Database) -> None:
        self._completions = database.collection("completions")
        self._people = database.collection("people")
        self._courses = database.collection("courses")

    async def prepare(self) -> None:
        """Make sure of the indexes. Safe to repeat; costs nothing once done."""
        ensure = self._completions.ensure_index
        await ensure("by_learner", [("learner_id", 1), ("state", 1)])
        await ensure("behind_course", [("course_id", 1), ("decided_on", 1)])
        await ensure("waiting", [("checked_at", 1)], partial={"state": "waiting"})
        await self._courses.ensure_index(
            "unreconciled", [("reconciled", 1)], partial={"reconciled": False}
        )

    async def save(self, facts: Facts, now: datetime) -> None:
        """Keep a batch's facts. An older version never overwrites, erasure is final."""
        await self._save_newer(self._courses, [documents.of_course(c) for c in facts.courses])
        people = [person for person in facts.people if not person.erased]
        await self._save_newer(self._people, [documents.of_person(p) for p in people])
        await self._people.bulk([erasure(learner_id) for learner_id in sorted(facts.erased)])
        await self._completions.insert_many_once(
            [documents.of_completion(completion, now) for completion in facts.completions]
        )

    async def _save_newer(self, collection: MongoCollection, versions: list[Document]) -> None:
        inserted = await collection.insert_many_once(versions)
        # No upsert: with the version in the filter it would try to insert what is there.
        await collection.bulk(
            [
                UpdateOne(
                    {
                        "_id": version["_id"],
                        "version": {"$lt": version["version"]},
                        "erased": {"$ne": True},
                    },
                    {"$set": version},
                )
                for version in versions
                if version["_id"] not in inserted
            ]
        )

    async def completions(self, ids: Collection[str]) -> list[Completion]:
        """Read these completions."""
        return await self._find_completions({"_id": {"$in": sorted(ids)}}) if ids else []

    async def waiting_of(self, learner_ids: Collection[str], limit: int) -> list[Completion]:
        """Read completions of these learners that wait for something."""
        if not learner_ids:
            return []
        return await self._find_completions(
            {"learner_id": {"$in": sorted(learner_ids)}, "state": "waiting"}, limit
        )

    async def behind(self, courses: Collection[Course], limit: int) -> list[Completion]:
        """Read completions that were not judged by these versions of their courses yet."""
        if not courses:
            return []
        older = [
            {"course_id": course.course_id, "decided_on": {"$lt": course.version}}
            for course in courses
        ]
        return await self._find_completions({"$or": older}, limit)

    async def take_waiting(
        self, unseen_since: datetime, now: datetime, limit: int
    ) -> list[Completion]:
        """Take completions that wait and were not looked at since then; they count as seen now."""
        found = await self._completions.find(
            {"state": "waiting", "checked_at": {"$lt": unseen_since}},
            sort=[("checked_at", 1)],
            limit=limit,
        )
        await self._completions.bulk(
            [UpdateOne({"_id": item["_id"]}, {"$set": {"checked_at": now}}) for item in found]
        )
        return [documents.to_completion(document) for document in found]

    async def record(self, verdicts: Sequence[Verdict]) -> None:
        """Write verdicts to their completions. One made on older facts never overwrites."""
        await self._completions.bulk(
            [
                UpdateOne(still_open(verdict), {"$set": documents.of_verdict(verdict)})
                for verdict in verdicts
            ]
        )

    async def people(self, learner_ids: Collection[str]) -> Mapping[str, Person]:
        """Read these people; who is absent is not known yet."""
        if not learner_ids:
            return {}
        found = await self._people.find({"_id": {"$in": sorted(learner_ids)}})
        return {item["_id"]: documents.to_person(item) for item in found}

    async def courses(self, course_ids: Collection[str]) -> Mapping[str, Course]:
        """Read the newest versions of these courses; what is absent is not known yet."""
        if not course_ids:
            return {}
        found = await self._courses.find({"_id": {"$in": sorted(course_ids)}})
        return {item["_id"]: documents.to_course(item) for item in found}

    async def unreconciled(self, limit: int) -> list[Course]:
        """Read courses with completions that may not have been judged by their version."""
        found = await self._courses.find({"reconciled": False}, limit=limit)
        return [documents.to_course(document) for document in found]

    async def mark_reconciled(self, courses: Collection[Course]) -> None:
        """Note that all completions were judged by these very versions."""
        await self._courses.bulk(
            [
                UpdateOne(
                    {"_id": course.course_id, "version": course.version},
                    {"$set": {"reconciled": True}},
                )
                for course in courses
            ]
        )

    async def trace(self, learner_id: str, course_id: str) -> list[Document]:
        """Read all that is known of a learner's completions of a course, for people."""
        return await self._completions.find(
            {"learner_id": learner_id, "course_id": course_id}, sort=[("completed_at", 1)]
        )

    async def _find_completions(
        self, filter_: Mapping[str, object], limit: int = 0
    ) -> list[Completion]:
        found = await self._completions.find(filter_, limit=limit)
        return [documents.to_completion(document) for document in found]


def erasure(learner_id: str) -> UpdateOne:
    """Return the write that leaves nothing of a person but the fact of erasure."""
    return UpdateOne(
        {"_id": learner_id},
        {
            "$set": {"erased": True},
            "$setOnInsert": {"version": 0},
            "$unset": {"ciphertext": "", "key_id": ""},
        },
        upsert=True,
    )


def still_open(verdict: Verdict) -> Document:
    """Return the filter under which a verdict may be written.

    Two workers may judge one completion at once. Who saw the newer course wins; on the same
    course, who found all that was needed wins over who still missed something.
    """
    version = verdict.course_version
    if not verdict.waiting_for:
        return {"_id": verdict.completion.id, "decided_on": {"$lte": version}}
    return {
        "_id": verdict.completion.id,
        "$or": [{"decided_on": {"$lt": version}}, {"decided_on": version, "state": "waiting"}],
    }
