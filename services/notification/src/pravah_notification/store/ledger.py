"""The ledger: one document per message, inserted once, moved on by fenced updates.

Every move names the state it comes from, so of two processes that move an entry one wins and
the other changes nothing:

    waiting ──settle──▶ pending | sent | suppressed        fenced by state
    pending, retrying, leased and overdue ──lease──▶ leased  fenced by the due time as read
    leased ──mark──▶ sent | suppressed | dead | retrying | pending    fenced by the lease
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from pravah_notification.model import Channel, Entry, State
from pravah_notification.store.documents import change, from_document, to_document
from pravah_shared.mongo import Database, Document, UpdateOne

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
"""Before every time here. As a lower bound, in queries and partial indexes alike, it excludes what
has no time: not every store answers `$exists`, or an open range, from an index."""


@dataclass(frozen=True, slots=True)
class Deliveries:
    """What an operator looks for; None: any."""

    learner_id: str | None = None
    course_id: str | None = None
    state: State | None = None
    channel: Channel | None = None

    def filter(self) -> Document:
        """Return it as a query."""
        wanted = {
            "learner_id": self.learner_id,
            "course_id": self.course_id,
            "state": self.state,
            "channel": self.channel,
        }
        return {name: value for name, value in wanted.items() if value is not None}


class Ledger:
    """Collection `ledger`. Every method may raise StoreUnavailable; all are safe to repeat."""

    def __init__(self, database: Database) -> None:
        self._ledger = database.collection("ledger")
        self._prepared = False

    async def prepare(self) -> None:
        """Create the indexes. The first write does it: a process starts while the store is away."""
        if self._prepared:
            return
        index = self._ledger.ensure_index
        due: Document = {"due_at": {"$gt": EPOCH}}
        waiting: Document = {"state": "waiting"}
        await index("due_since", [("channel", 1), ("due_at", 1)], partial=due)
        await index("waiting_learner", [("learner_id", 1)], partial=waiting)
        await index("waiting_course", [("course_id", 1), ("_id", 1)], partial=waiting)
        await index("waiting", [("state", 1), ("_id", 1)], partial=waiting)
        await index("learner", [("learner_id", 1), ("channel", 1), ("visible_at", -1), ("_id", -1)])
        await index("state", [("state", 1), ("_id", 1)])
        self._prepared = True

    async def insert(self, entries: Sequence[Entry]) -> set[str]:
        """Insert entries that are not there yet; return the ids that this call inserted."""
        await self.prepare()
        return await self._ledger.insert_many_once([to_document(entry) for entry in entries])

    async def waiting(self, entry_ids: Iterable[str]) -> list[Entry]:
        """Return those of the entries that wait."""
        return await self._find({"_id": {"$in": sorted(entry_ids)}, "state": "waiting"})

    async def waiting_for(
        self,
        learner_ids: Sequence[str],
        course_ids: Sequence[str],
        limit: int,
        *,
        erased_ids: Sequence[str] = (),
    ) -> list[Entry]:
        """See `ports.LedgerWrites`."""
        found: list[Entry] = []
        for ids, filter_ in (
            (erased_ids, {"learner_id": {"$in": list(erased_ids)}}),
            (learner_ids, {"learner_id": {"$in": list(learner_ids)}, "missing": "person"}),
            (course_ids, {"course_id": {"$in": list(course_ids)}, "missing": "course"}),
        ):
            if ids and len(found) < limit:
                found += await self._find({"state": "waiting", **filter_}, limit - len(found))
        return list({entry.id: entry for entry in found}.values())

    async def waiting_after(self, entry_id: str, limit: int) -> list[Entry]:
        """Return the next waiting entries in the order of their ids, after `entry_id`."""
        return await self._find({"state": "waiting", "_id": {"$gt": entry_id}}, limit)

    async def settle(self, entries: Sequence[Entry]) -> int:
        """Move waiting entries on as decided; return how many this call changed."""
        return await self._ledger.bulk(
            [UpdateOne({"_id": entry.id, "state": "waiting"}, change(entry)) for entry in entries]
        )

    async def lease(
        self, channel: Channel, limit: int, *, token: str, now: datetime, until: datetime
    ) -> tuple[list[Entry], int]:
        """Take up to `limit` due entries under the lease `token`, which ends at `until`.

        Returns them, and how many of them another dispatcher had leased and never marked:
        their messages may have gone out.
        """
        await self.prepare()
        candidates = await self._find_due(channel, limit, now)
        held = {"state": "leased", "lease": token, "due_at": until}
        await self._ledger.bulk(
            [
                UpdateOne(
                    {"_id": entry.id, "state": entry.state, "due_at": entry.due_at}, {"$set": held}
                )
                for entry in candidates
            ]
        )
        ours = await self._find(
            {"_id": {"$in": [entry.id for entry in candidates]}, "lease": token}
        )
        ids = {entry.id for entry in ours}
        retaken = sum(entry.state == "leased" and entry.id in ids for entry in candidates)
        return ours, retaken

    async def mark(self, token: str, entries: Sequence[Entry]) -> int:
        """Record what came of leased entries; return how many were still ours to mark."""
        return await self._ledger.bulk(
            [
                UpdateOne({"_id": entry.id, "state": "leased", "lease": token}, change(entry))
                for entry in entries
            ]
        )

    async def deliveries(self, wanted: Deliveries, after: str, limit: int) -> list[Entry]:
        """Return entries for an operator, in the order of their ids, after `after`."""
        return await self._find({**wanted.filter(), "_id": {"$gt": after}}, limit)

    async def _find_due(self, channel: Channel, limit: int, now: datetime) -> list[Entry]:
        found = await self._ledger.find(
            {"channel": channel, "due_at": {"$gt": EPOCH, "$lte": now}},
            sort=[("due_at", 1)],
            limit=limit,
        )
        return [from_document(document) for document in found]

    async def _find(self, filter_: Document, limit: int = 0) -> list[Entry]:
        found = await self._ledger.find(filter_, sort=[("_id", 1)], limit=limit)
        return [from_document(document) for document in found]
