"""People as received, encrypted, and what messages say of courses; the newest version of each."""

from collections.abc import Iterable, Mapping, Sequence

from pravah_notification.model import Entry, Known, StoredCourse, StoredPerson
from pravah_shared.mongo import Database, Document, UpdateOne, Write


class Directory:
    """Collections `people` and `courses`. Every method may raise StoreUnavailable."""

    def __init__(self, database: Database) -> None:
        self._people = database.collection("people")
        self._courses = database.collection("courses")

    async def keep_people(self, people: Sequence[StoredPerson]) -> None:
        """Keep the newest version of each. Any order, any repetition; erasure is for ever."""
        await self._people.insert_many_once([_person_document(person) for person in people])
        writes: list[Write] = []
        for person in people:
            kept = _person_document(person)
            where: Document = {"_id": kept.pop("_id"), "erased": False}
            if person.erased:
                update: Document = {"$set": {"erased": True}, "$unset": {"ciphertext": ""}}
            else:
                where["version"] = {"$lt": person.version}
                update = {"$set": kept}
            writes.append(UpdateOne(where, update))
        await self._people.bulk(writes)

    async def keep_courses(self, courses: Sequence[StoredCourse]) -> None:
        """Keep the newest version of each. Any order, any repetition."""
        documents = [_course_document(course) for course in courses]
        await self._courses.insert_many_once(documents)
        await self._courses.bulk(
            [
                UpdateOne({"_id": kept["_id"], "version": {"$lt": kept["version"]}}, {"$set": kept})
                for kept in documents
            ]
        )

    async def people(self, learner_ids: Iterable[str]) -> Mapping[str, StoredPerson]:
        """Return those that are here, erased ones too."""
        found = await self._people.find({"_id": {"$in": sorted(set(learner_ids))}})
        return {
            document["_id"]: StoredPerson(
                document["_id"],
                document["version"],
                document.get("ciphertext"),
                document.get("mdo_id"),
            )
            for document in found
        }

    async def courses(self, course_ids: Iterable[str]) -> Mapping[str, StoredCourse]:
        """Return those that are here."""
        found = await self._courses.find({"_id": {"$in": sorted(set(course_ids))}})
        return {
            document["_id"]: StoredCourse(
                document["_id"], document["version"], dict(document["title"])
            )
            for document in found
        }

    async def known(self, entries: Sequence[Entry]) -> Known:
        """Return what is here of what these entries speak of."""
        if not entries:
            return Known()
        learners = sorted({entry.occasion.learner_id for entry in entries})
        courses = sorted({entry.occasion.course_id for entry in entries})
        people = await self._people.find({"_id": {"$in": learners}}, projection={"erased": 1})
        titled = await self._courses.find({"_id": {"$in": courses}}, projection={"_id": 1})
        return Known(
            people=frozenset(document["_id"] for document in people),
            erased=frozenset(document["_id"] for document in people if document["erased"]),
            courses=frozenset(document["_id"] for document in titled),
        )


def _person_document(person: StoredPerson) -> Document:
    kept: Document = {
        "_id": person.learner_id,
        "version": person.version,
        "erased": person.erased,
        "mdo_id": person.mdo_id,
    }
    return kept if person.erased else {**kept, "ciphertext": person.ciphertext}


def _course_document(course: StoredCourse) -> Document:
    return {"_id": course.course_id, "version": course.version, "title": dict(course.title)}
