"""Learners: `{_id: learner_id, version, ciphertext, key_id, mdo_id, state_code, slot, outbox}`.

After erasure `{_id, version, erased_at, slot, outbox}` is left: the id, which is never used again.
"""

from pravah_enrollment.model import Learner
from pravah_enrollment.store.changes import Stamp
from pravah_shared.events import Person, PersonErased
from pravah_shared.mongo import Collection, Document
from pravah_shared.outbox import entry, new_outbox, pushed

_SEALED = ("ciphertext", "key_id", "mdo_id", "state_code")


class Learners:
    """Learners as received and sealed."""

    def __init__(self, collection: Collection) -> None:
        self._learners = collection

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
            {"_id": learner.learner_id, "version": learner.version - 1, "erased_at": None},
            {"$set": state, "$push": pushed([event])},
        )

    async def erase(self, learner_id: str, stamp: Stamp) -> bool:
        """Remove the learner's data and leave the tombstone to the relay. Safe to repeat.

        Versions that wait to be published go unpublished. False: no such learner.
        """
        tombstone = entry(stamp.event(PersonErased(learner_id=learner_id)))
        erased = await self._learners.update_one(
            {"_id": learner_id, "erased_at": None},
            {
                "$unset": dict.fromkeys(_SEALED, ""),
                "$set": {"erased_at": stamp.time, "outbox": [tombstone]},
            },
        )
        return erased or await self.get(learner_id) is not None


def _learner(document: Document) -> Learner:
    return Learner(
        document["_id"],
        document["version"],
        document.get("ciphertext", ""),
        document.get("key_id", ""),
        document.get("mdo_id"),
        document.get("state_code"),
        document.get("erased_at"),
    )
