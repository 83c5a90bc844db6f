"""The inbox: the ledger's in-app entries that are sent, as their learner sees them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from pravah_notification.model import Entry
from pravah_notification.store.documents import from_document
from pravah_shared.mongo import Database, Document, UpdateOne

_MARKED_TOGETHER = 500


@dataclass(frozen=True, slots=True)
class Place:
    """A place in an inbox, newest first: messages before it are older."""

    visible_at: datetime
    entry_id: str


class Inbox:
    """A view of collection `ledger`. Every method may raise StoreUnavailable."""

    def __init__(self, database: Database) -> None:
        self._ledger = database.collection("ledger")

    async def page(self, learner_id: str, before: Place | None, limit: int) -> list[Entry]:
        """Return the newest messages, or the newest older than a place."""
        where = _sent(learner_id)
        if before is not None:
            where["$or"] = [
                {"visible_at": {"$lt": before.visible_at}},
                {"visible_at": before.visible_at, "_id": {"$lt": before.entry_id}},
            ]
        found = await self._ledger.find(where, sort=[("visible_at", -1), ("_id", -1)], limit=limit)
        return [from_document(document) for document in found]

    async def since(self, learner_ids: Sequence[str], start: datetime) -> list[Entry]:
        """Return messages of these learners that became visible at `start` or later, in order."""
        where = _sent({"$in": list(learner_ids)}) | {"visible_at": {"$gte": start}}
        found = await self._ledger.find(where, sort=[("visible_at", 1), ("_id", 1)])
        return [from_document(document) for document in found]

    async def unread(self, learner_id: str) -> int:
        """Count messages that were not read."""
        return await self._ledger.count(_sent(learner_id) | {"read_at": {"$exists": False}})

    async def read(self, learner_id: str, entry_id: str, now: datetime) -> Entry | None:
        """Mark a message read, once; return it, or None when the learner has no such message."""
        unread = _sent(learner_id) | {"_id": entry_id, "read_at": {"$exists": False}}
        await self._ledger.update_one(unread, {"$set": {"read_at": now}})
        found = await self._ledger.find_one(_sent(learner_id) | {"_id": entry_id})
        return from_document(found) if found else None

    async def read_all(self, learner_id: str, now: datetime) -> int:
        """Mark all messages read that are visible now; return how many were not."""
        unread = _sent(learner_id) | {"read_at": {"$exists": False}, "visible_at": {"$lte": now}}
        marked = 0
        while found := await self._ledger.find(
            unread, projection={"_id": 1}, limit=_MARKED_TOGETHER
        ):
            mark = {"$set": {"read_at": now}}
            marked += await self._ledger.bulk(
                [UpdateOne({"_id": entry["_id"], **unread}, mark) for entry in found]
            )
        return marked


def _sent(learner_id: str | Document) -> Document:
    return {"learner_id": learner_id, "channel": "inapp", "state": "sent"}
