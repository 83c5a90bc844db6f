"""Applied offsets in MongoDB: one small document per partition of `progressed`."""

from collections.abc import Mapping

from pravah_shared.mongo import Collection as MongoCollection
from pravah_shared.mongo import UpdateOne


class MongoApplied:
    """Implements `contract.Applied`."""

    def __init__(self, collection: MongoCollection) -> None:
        self._collection = collection

    async def advance(self, next_offsets: Mapping[int, int]) -> None:
        """See `contract.Applied.advance`."""
        await self._collection.bulk(
            [
                UpdateOne({"_id": partition}, {"$max": {"next_offset": offset}}, upsert=True)
                for partition, offset in next_offsets.items()
            ]
        )

    async def next_offsets(self) -> Mapping[int, int]:
        """See `contract.Applied.next_offsets`."""
        return {held["_id"]: held["next_offset"] for held in await self._collection.find({})}
