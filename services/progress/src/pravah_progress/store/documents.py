"""Documents in MongoDB: one upsert per document and batch, `_id` = learner|course."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from pravah_progress.model import (
    Change,
    Document,
    DocumentKey,
    Kept,
    Pruning,
    as_milliseconds,
    path_of,
)
from pravah_progress.store import shape
from pravah_shared.mongo import Collection as MongoCollection
from pravah_shared.mongo import UpdateOne

EPOCH = 0
"""Before every time here. As a lower bound, in queries and partial indexes alike, it excludes what
has no time: not every store answers `$exists`, or an open range, from an index."""


BEYOND = chr(ord("|") + 1)
"""After all ids that go on with `|`."""


class MongoDocuments:
    """Implements `contract.Documents`."""

    def __init__(self, collection: MongoCollection) -> None:
        self._collection = collection
        self._prepared = False

    async def prepare(self) -> None:
        """Make sure of the indexes: a course's stragglers, the unpublished.

        A learner's list needs none: its documents stand side by side by `_id`. Every index is paid
        for by every report.
        """
        if self._prepared:
            return
        await self._collection.ensure_index("behind", [("course_id", 1), ("decided_version", 1)])
        await self._collection.ensure_index(
            "unpublished_since",
            [("unpublished.since", 1)],
            partial={"unpublished.since": {"$gt": EPOCH}},
        )
        self._prepared = True

    async def apply(self, changes: Sequence[Change], versions: Mapping[str, int]) -> None:
        """See `contract.Documents.apply`."""
        await self._collection.upsert(
            {
                str(change.key): shape.merging(change, versions.get(change.key.course_id, 0))
                for change in changes
            }
        )

    async def read(self, keys: Collection[DocumentKey]) -> list[Document]:
        """See `contract.Documents.read`."""
        if not keys:
            return []
        return await self._find({"_id": {"$in": [str(key) for key in keys]}})

    async def read_deciding(
        self, keys: Collection[DocumentKey], required: Mapping[str, int]
    ) -> list[Document]:
        """See `contract.Documents.read_deciding`."""
        ids = [str(key) for key in keys if key.course_id in required]
        if not ids:
            return []
        # By `$and`: beside an `$or` not every store looks documents up by `_id`, and one that does
        # not walks through all there are.
        return await self._find(
            {"$and": [{"_id": {"$in": ids}}, {"$or": shape.deciding(required)}]}
        )

    async def prune(self, prunings: Sequence[Pruning]) -> None:
        """See `contract.Documents.prune`."""
        await self._collection.bulk([shape.removal(pruning) for pruning in prunings])

    async def keep_first(self, offers: Sequence[Kept]) -> list[Kept]:
        """See `contract.Documents.keep_first`."""
        if not offers:
            return []
        stored = await self._collection.bulk([shape.first(offer) for offer in offers])
        if stored == len(offers):
            return list(offers)  # each was first: nothing else to be found by reading
        held = {
            DocumentKey(document["learner_id"], document["course_id"]): document
            for document in await self.read({offer.key for offer in offers})
        }
        return [shape.kept_at(held[offer.key], offer.keys) for offer in offers]

    async def mark_published(self, kept: Sequence[Kept]) -> None:
        """See `contract.Documents.mark_published`."""
        events: dict[DocumentKey, list[Any]] = defaultdict(list)
        for one in kept:
            events[one.key].append(one.event)
        await self._collection.bulk(
            [shape.published(key, published) for key, published in events.items()]
        )

    async def unpublished(self, before: datetime, limit: int) -> list[Document]:
        """See `contract.Documents.unpublished`."""
        until = as_milliseconds(before)
        return await self._find({"unpublished.since": {"$gt": EPOCH, "$lt": until}}, limit)

    async def behind(self, course_id: str, version: int, limit: int) -> list[Document]:
        """See `contract.Documents.behind`."""
        return await self._find(
            {"course_id": course_id, "decided_version": {"$lt": version}}, limit
        )

    async def mark_decided(self, keys: Collection[DocumentKey], version: int) -> None:
        """See `contract.Documents.mark_decided`."""
        await self._collection.bulk(
            [UpdateOne({"_id": str(key)}, {"$max": {"decided_version": version}}) for key in keys]
        )

    async def of_learner(
        self, learner_id: str, *, after: str, limit: int, mdo_id: str | None = None
    ) -> list[Document]:
        """See `contract.Documents.of_learner`."""
        side_by_side = {"$gt": f"{learner_id}|{after}", "$lt": f"{learner_id}{BEYOND}"}
        # The learner, too: a sharded store asks the one shard that has them.
        filter_: Document = {"learner_id": learner_id, "_id": side_by_side}
        if mdo_id is not None:
            filter_ = {**filter_, path_of(("mdos", mdo_id)): 1}
        found = await self._collection.find(filter_, sort=[("_id", 1)], limit=limit)
        return [shape.as_rules_know_it(document) for document in found]

    async def _find(self, filter_: Document, limit: int = 0) -> list[Document]:
        found = await self._collection.find(filter_, limit=limit)
        return [shape.as_rules_know_it(document) for document in found]
