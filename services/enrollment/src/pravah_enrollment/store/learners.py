"""Learners: `{_id: learner_id, version, ciphertext, key_id, mdo_id, state_code, slot, outbox}`.

While they are erased `erasing_at` is there too, and they count as erased.
After erasure `{_id, version, erased_at, slot, outbox}` is left: the id, which is never used again.
"""

from pravah_enrollment.model import Learner
from pravah_enrollment.store.changes import Stamp
from pravah_shared.events import Person, PersonErased
from pravah_shared.mongo import Collection, Document
from pravah_shared.outbox import entry, new_outbox, pushed

_ERASING: Document = {"erasing_at": {"$exists": True}}
_SEALED = ("ciphertext", "key_id", "mdo_id", "state_code")


class Learners:
    """Learners as received and sealed."""

    def __init__(self, collection: Collection) -> None:
        self._learners = collection

    async def prepare(self) -> None:
        """Create the index of erasures that are under way."""
        await self._learners.ensure_index("erasing", [("erasing_at", 1)], partial=_ERASING)

    async def get(self, learner_id: str) -> Learner | None:
        """Return the learner, also one who was erased."""
        document = await self._learners.find_one({"_id": learner_id}, {"outbox": 0})
        return _learner(document) if document else None

    async def save(self, learner: Learner, stamp: Stamp) -> bool:
        """Store the next version and its event; False: another writer or erasure came first."""
        event = stamp.event(
            Person(
                learner_id=learner.learner_id,
                version=learner.version,
                ciphertext=learner.ciphertext,
                key_id=learner.key_id,
                mdo_id=learner.mdo_id,
                state_code=learner.state_code,
            )
        )
        state = {name: getattr(learner, name) for name in ("version", *_SEALED)}
        if learner.version == 1:
            outbox = new_outbox(learner.learner_id, [event])
            return await self._learners.insert_once({"_id": learner.learner_id, **state, **outbox})
        return await self._learners.update_one(
            {
                "_id": learner.learner_id,
                "version": learner.version - 1,
                "erasing_at": None,
                "erased_at": None,
            },
            {"$set": state, "$push": pushed([event])},
        )

    async def mark_for_erasure(self, learner_id: str, stamp: Stamp) -> bool:
        """Have the learner count as erased from here on. Safe to repeat. False: no such learner."""
        marked = await self._learners.update_one(
            {"_id": learner_id, "erased_at": None}, {"$min": {"erasing_at": stamp.time}}
        )
        return marked or await self.get(learner_id) is not None

    async def marked_for_erasure(self, limit: int) -> list[str]:
        """Return learners whose erasure was begun and not finished, longest ago first."""
        marked = await self._learners.find(
            _ERASING, projection={"_id": 1}, sort=[("erasing_at", 1)], limit=limit
        )
        return [document["_id"] for document in marked]

    async def erase(self, learner_id: str, stamp: Stamp) -> None:
        """Remove the learner's data and leave the tombstone to the relay. Safe to repeat.

        Versions that wait to be published go unpublished.
        """
        tombstone = entry(stamp.event(PersonErased(learner_id=learner_id)))
        await self._learners.update_one(
            {"_id": learner_id, "erased_at": None},
            {
                "$unset": dict.fromkeys((*_SEALED, "erasing_at"), ""),
                "$set": {"erased_at": stamp.time, "outbox": [tombstone]},
            },
        )


def _learner(document: Document) -> Learner:
    return Learner(
        document["_id"],
        document["version"],
        document.get("ciphertext", ""),
        document.get("key_id", ""),
        document.get("mdo_id"),
        document.get("state_code"),
        document.get("erased_at") or document.get("erasing_at"),
    )
