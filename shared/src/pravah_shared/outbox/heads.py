"""Publishing at once what has just been stored, when it is the head of its outbox."""

import asyncio
from collections.abc import Sequence
from typing import Any, Protocol, TypeAlias

from pravah_shared.errors import Refused, Transient
from pravah_shared.events import Event, Position
from pravah_shared.mongo import Collection
from pravah_shared.outbox.entries import pull
from pravah_shared.telemetry.logs import get_logger

log = get_logger()

Offer: TypeAlias = tuple[str, Event[Any]]
"""Document id and the event that its outbox holds."""

BATCH = 500
WAITING = 5000
"""Offers held in memory. Beyond it they are dropped here, and the relay publishes them."""


class Publisher(Protocol):
    """The part of `pravah_shared.kafka.publisher.Publisher` that is needed here."""

    async def publish(self, events: Sequence[Event[Any]]) -> list[Position]:
        """Publish, all acknowledged, in order."""
        ...


class Outbox:
    """The short way from a document's outbox to Kafka. What it leaves, the relay takes."""

    def __init__(
        self, collection: Collection, publisher: Publisher, *, waiting: int = WAITING
    ) -> None:
        self._collection = collection
        self._publisher = publisher
        self._offers: asyncio.Queue[Offer] = asyncio.Queue(waiting)

    def offer(self, document_id: str, event: Event[Any]) -> bool:
        """Have `run` publish the event soon, if it is the head. Never waits, never fails.

        False: too much is waiting already, the relay will do it.
        """
        try:
            self._offers.put_nowait((document_id, event))
        except asyncio.QueueFull:
            return False
        return True

    async def run(self) -> None:
        """Publish what is offered, in batches, until cancelled.

        What cannot be published is left to the relay, whatever the reason: it says so better.
        """
        while True:
            offers = [await self._offers.get()]
            while len(offers) < BATCH and not self._offers.empty():
                offers.append(self._offers.get_nowait())
            try:
                await self.publish_heads(offers)
            except (Transient, Refused) as error:
                log.warning("outbox.left_to_relay", events=len(offers), reason=str(error))

    async def publish_head(self, document_id: str, event: Event[Any]) -> bool:
        """Publish the stored event if nothing older waits in its document; tell whether it was.

        Raises:
            Transient: it may or may not be in Kafka; it stays in the outbox.
        """
        return await self.publish_heads([(document_id, event)]) == 1

    async def publish_heads(self, offers: Sequence[Offer]) -> int:
        """Publish those offers that are heads; return how many. One read, one bulk for all."""
        ids = sorted({document_id for document_id, _ in offers})
        documents = await self._collection.find({"_id": {"$in": ids}}, projection={"outbox._id": 1})
        heads = {
            (document["_id"], waiting[0]["_id"])
            for document in documents
            if (waiting := document.get("outbox"))
        }
        chosen = [offer for offer in offers if (offer[0], offer[1].id) in heads]
        if chosen:
            await self._publisher.publish([event for _, event in chosen])
            await self._collection.bulk([pull(id_, [event.id]) for id_, event in chosen])
        return len(chosen)
