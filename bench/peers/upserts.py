"""State in MongoDB, an upsert for each event: what the peers with a store have in common.

https://motor.readthedocs.io/en/stable/tutorial-asyncio.html and, to write and read back in one
round trip, `find_one_and_update` with `ReturnDocument.AFTER`. Writes are as durable as ours
(majority, journal), so that the same store does the same work for each write.
"""

from collections.abc import Collection
from typing import Any

from motor.motor_asyncio import AsyncIOMotorClient, AsyncIOMotorCollection
from pymongo import ReturnDocument

from bench.peers import job
from bench.peers.place import Place


class Learners:
    """The states of all learners, a document each."""

    def __init__(self, documents: "AsyncIOMotorCollection[Any]", required: Collection[str]) -> None:
        self._documents = documents
        self._required = required

    @classmethod
    def at(cls, place: Place) -> "Learners":
        """Connect. Call it inside a running event loop."""
        client: AsyncIOMotorClient[Any] = AsyncIOMotorClient(
            place.mongo_uri, w="majority", journal=True
        )
        return cls(client[place.database]["learners"], place.required)

    async def apply(self, event: job.Event) -> job.Completion | None:
        """Merge an event into its document; return the completion if one is to be announced."""
        names = ("learner_id", "course_id")
        update: dict[str, Any] = {"$setOnInsert": {name: event[name] for name in names}}
        if enrollment := job.enrollment_in(event):
            update["$set"] = enrollment
        if done := job.done_in(event):
            update["$min"] = {f"done.{unit_id}": at for unit_id, at in done.items()}
        state = await self._documents.find_one_and_update(
            {"_id": job.key_of(event)}, update, upsert=True, return_document=ReturnDocument.AFTER
        )
        return job.completion(event, state, self._required)

    async def announced(self, completion: job.Completion) -> None:
        """Note that Kafka has the completion."""
        await self._documents.update_one(
            {"_id": job.key_of(completion)}, {"$set": {"announced": True}}
        )
