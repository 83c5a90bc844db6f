"""Plain aiokafka, with its state in the same store as ours.

https://aiokafka.readthedocs.io/en/stable/examples/manual_commit.html: fetch what is there, handle
it, commit each partition after that. https://aiokafka.readthedocs.io/en/stable/producer.html for
an idempotent producer that waits for all in-sync replicas. One upsert for each event.
"""

import asyncio
import json
import signal

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from bench.peers.place import SESSION_SECONDS, Place
from bench.peers.upserts import Learners

POLL_MS = 500


async def main(place: Place) -> None:
    """Run until told to stop."""
    stopping = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopping.set)
    consumer = AIOKafkaConsumer(
        place.topic("enrolled"),
        place.topic("progressed"),
        bootstrap_servers=place.kafka,
        group_id=place.group,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        session_timeout_ms=SESSION_SECONDS * 1000,
        max_poll_records=500,
    )
    producer = AIOKafkaProducer(bootstrap_servers=place.kafka, enable_idempotence=True, acks="all")
    completing = Completing(Learners.at(place), producer, place.topic("completed"))
    async with consumer, producer:
        while not stopping.is_set():
            found = await consumer.getmany(timeout_ms=POLL_MS)
            for partition, records in found.items():
                for record in records:
                    await completing.take(record.value)
                await consumer.commit({partition: records[-1].offset + 1})


class Completing:
    """Applies events and announces what they complete."""

    def __init__(self, learners: Learners, producer: AIOKafkaProducer, topic: str) -> None:
        self._learners = learners
        self._producer = producer
        self._topic = topic

    async def take(self, value: bytes) -> None:
        """Merge an event into its learner's document; announce once."""
        if found := await self._learners.apply(json.loads(value)):
            key = found["learner_id"].encode()
            await self._producer.send_and_wait(self._topic, json.dumps(found).encode(), key=key)
            await self._learners.announced(found)


if __name__ == "__main__":
    asyncio.run(main(Place.told()))
