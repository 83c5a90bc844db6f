"""Enrollments: one document per learner, course and run, with all terms and the outbox.

`{_id: "learner|course|run", learner_id, course_id, run_id, mdo_id, state_code, revision,
terms: [{term, enrollment_id, enrolled_at, course_version, origin, withdrawn_at, completed_at}],
slot, outbox}`
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict

from pravah_enrollment.model import Decision, Enrollment, EnrollmentKey, Term
from pravah_enrollment.store.changes import Stamp, until_won
from pravah_shared.events import Completed, Event, EventData
from pravah_shared.mongo import Collection, Document, UpdateOne
from pravah_shared.outbox import new_outbox, pushed

Decide = Callable[[Enrollment], Decision]


class Enrollments:
    """Enrollments through all their terms."""

    def __init__(self, collection: Collection) -> None:
        self._enrollments = collection

    async def prepare(self) -> None:
        """Create the indexes that requests read by."""
        await self._enrollments.ensure_index("by_enrollment", [("terms.enrollment_id", 1)])
        await self._enrollments.ensure_index("by_learner", [("learner_id", 1), ("_id", 1)])

    async def get(self, key: EnrollmentKey) -> Enrollment:
        """Return the enrollment; without terms when there is none."""
        document = await self._enrollments.find_one({"_id": key.document_id}, {"outbox": 0})
        return _enrollment(document) if document else Enrollment(key)

    async def with_id(self, enrollment_id: str) -> Enrollment | None:
        """Return the enrollment one of whose terms has this id."""
        document = await self._enrollments.find_one(
            {"terms.enrollment_id": enrollment_id}, {"outbox": 0}
        )
        return _enrollment(document) if document else None

    async def of_learner(
        self, learner_id: str, after: str | None = None, limit: int = 0
    ) -> list[Enrollment]:
        """Return a learner's enrollments by document id, beginning after one."""
        wanted: Document = {"learner_id": learner_id}
        if after is not None:
            wanted["_id"] = {"$gt": after}
        documents = await self._enrollments.find(
            wanted, projection={"outbox": 0}, sort=[("_id", 1)], limit=limit
        )
        return [_enrollment(document) for document in documents]

    async def change(
        self,
        read: Enrollment,
        stamp: Stamp,
        decide: Decide,
        placement: tuple[str | None, str | None] | None = None,
    ) -> tuple[Decision, list[Event[EventData]]]:
        """Write what `decide` makes of `read`, or of what another writer left meanwhile.

        State and events are one write. Returns the decision that stands and the events now in
        the outbox. `placement`: the learner's MDO and state, when the command knows them.

        Raises:
            Rejected: what `decide` raises; nothing was written.
        """
        newest = [read]

        async def attempt() -> tuple[Decision, list[Event[EventData]]] | None:
            enrollment = newest.pop() if newest else await self.get(read.key)
            decision = decide(enrollment)
            events = [stamp.event(event_data) for event_data in decision.events]
            if not events or await self._write(enrollment, decision, events, placement):
                return decision, events
            return None

        return await until_won(read.key.document_id, attempt)

    async def record_completions(self, completions: Sequence[Completed]) -> int:
        """Mark terms as completed, each once; return how many were not before. Safe to repeat.

        The revision rises, so that a withdrawal decided on the earlier state decides anew.
        """
        return await self._enrollments.bulk(
            [
                UpdateOne(
                    {
                        "_id": _key(done).document_id,
                        "terms": {"$elemMatch": {"term": done.term, "completed_at": None}},
                    },
                    {
                        "$set": {"terms.$.completed_at": done.completed_at},
                        "$inc": {"revision": 1},  # not blind: the filter lets it happen once
                    },
                )
                for done in completions
            ]
        )

    async def _write(
        self,
        enrollment: Enrollment,
        decision: Decision,
        events: Sequence[Event[EventData]],
        placement: tuple[str | None, str | None] | None,
    ) -> bool:
        document_id = enrollment.key.document_id
        mdo_id, state_code = placement or (enrollment.mdo_id, enrollment.state_code)
        state = {
            "terms": [asdict(term) for term in decision.terms],
            "revision": enrollment.revision + 1,
            "mdo_id": mdo_id,
            "state_code": state_code,
        }
        if enrollment.revision == 0:
            born = {"_id": document_id, **asdict(enrollment.key), **state}
            return await self._enrollments.insert_once(born | new_outbox(document_id, events))
        return await self._enrollments.update_one(
            {"_id": document_id, "revision": enrollment.revision},
            {"$set": state, "$push": pushed(events)},
        )


def _key(of: Completed) -> EnrollmentKey:
    return EnrollmentKey(of.learner_id, of.course_id, of.run_id)


def _enrollment(document: Document) -> Enrollment:
    return Enrollment(
        EnrollmentKey(document["learner_id"], document["course_id"], document["run_id"]),
        tuple(Term(**term) for term in document["terms"]),
        document.get("mdo_id"),
        document.get("state_code"),
        document["revision"],
    )
