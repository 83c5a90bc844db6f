"""What was issued. One document per certificate, with its event until Kafka has it.

Every method may be repeated. All raise StoreUnavailable when the store did not confirm, and
then some of the writes may have landed.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from pravah_certificate.model import Certificate
from pravah_certificate.store import documents
from pravah_shared.mongo import Database, Document, UpdateOne

NOT_ANNOUNCED = {"announced": False, "state": "issued"}


@dataclass(frozen=True, slots=True)
class After:
    """Where a page ended: the last certificate's time and number."""

    issued_at: datetime
    certificate_id: str


class Certificates:
    """Collection `certificates`."""

    def __init__(self, database: Database) -> None:
        self._certificates = database.collection("certificates")

    async def prepare(self) -> None:
        """Make sure of the indexes. Safe to repeat; costs nothing once done."""
        ensure = self._certificates.ensure_index
        # Not unique: `_id` is, and a number is its keyed hash. A shard could not hold others to it,
        # and some servers name the number, not `_id`, when the same certificate comes twice.
        await ensure("by_number", [("certificate_id", 1)])
        await ensure("by_learner", [("learner_id", 1), ("issued_at", -1), ("certificate_id", -1)])
        await ensure("not_announced", [("issued_at", 1)], partial=NOT_ANNOUNCED)

    async def insert(self, certificates: Sequence[Certificate]) -> frozenset[str]:
        """Insert those whose place is free; return the keys that this call filled."""
        inserted = await self._certificates.insert_many_once(
            [documents.of_certificate(certificate) for certificate in certificates]
        )
        return frozenset(inserted)

    async def find(self, keys: Collection[str]) -> Mapping[str, Certificate]:
        """Read the certificates in these places."""
        if not keys:
            return {}
        found = await self._certificates.find({"_id": {"$in": sorted(keys)}})
        return {item["_id"]: documents.to_certificate(item) for item in found}

    async def unannounced(self, issued_before: datetime, limit: int) -> list[Certificate]:
        """Read certificates whose event Kafka has not acknowledged since then."""
        found = await self._certificates.find(
            {**NOT_ANNOUNCED, "issued_at": {"$lt": issued_before}},
            sort=[("issued_at", 1)],
            limit=limit,
        )
        return [documents.to_certificate(document) for document in found]

    async def mark_announced(self, keys: Collection[str]) -> None:
        """Note that Kafka has the events of these certificates."""
        announced = {"$set": {"announced": True}}
        await self._certificates.bulk([UpdateOne({"_id": key}, announced) for key in sorted(keys)])

    async def erase(self, learner_ids: Collection[str]) -> None:
        """Drop the credentials of these learners; the non-personal record stays."""
        if not learner_ids:
            return
        found = await self._certificates.find(
            {"learner_id": {"$in": sorted(learner_ids)}, "state": "issued"}, projection={"_id": 1}
        )
        erased = {"$set": {"state": "erased"}, "$unset": {"credential": ""}}
        await self._certificates.bulk([UpdateOne({"_id": item["_id"]}, erased) for item in found])

    async def by_number(self, certificate_id: str) -> Certificate | None:
        """Read the certificate of a public number."""
        found = await self._certificates.find_one({"certificate_id": certificate_id})
        return documents.to_certificate(found) if found else None

    async def of_learner(
        self, learner_id: str, *, limit: int, after: After | None = None, mdo_id: str | None = None
    ) -> list[Certificate]:
        """Read a learner's certificates, newest first, of one MDO when given."""
        filter_: Document = {"learner_id": learner_id}
        if mdo_id is not None:
            filter_["mdo_id"] = mdo_id
        if after is not None:
            filter_["$or"] = [
                {"issued_at": {"$lt": after.issued_at}},
                {"issued_at": after.issued_at, "certificate_id": {"$lt": after.certificate_id}},
            ]
        found = await self._certificates.find(
            filter_, sort=[("issued_at", -1), ("certificate_id", -1)], limit=limit
        )
        return [documents.to_certificate(document) for document in found]

    async def of_course(self, learner_id: str, course_id: str) -> list[Certificate]:
        """Read a learner's certificates for a course."""
        found = await self._certificates.find({"learner_id": learner_id, "course_id": course_id})
        return [documents.to_certificate(document) for document in found]
