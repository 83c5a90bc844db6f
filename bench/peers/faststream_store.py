"""FastStream on its aiokafka broker, with its state in the same store as ours.

https://faststream.ag2.ai/latest/kafka/ack/: at least once is `AckPolicy.ACK` with a consumer
group, else the offset is committed before the work. https://faststream.ag2.ai/latest/kafka/ for
handlers with typed bodies and publishers. One upsert for each event.
"""

import asyncio

from faststream import AckPolicy, FastStream
from faststream.kafka import KafkaBroker
from pydantic import BaseModel

from bench.peers import job
from bench.peers.place import SESSION_SECONDS, Place
from bench.peers.upserts import Learners

place = Place.told()
broker = KafkaBroker(place.kafka)
app = FastStream(broker)
publisher = broker.publisher(place.topic("completed"))


class Enrolled(BaseModel):
    """A learner took up a course."""

    learner_id: str
    course_id: str
    enrollment_id: str
    enrolled_at: str


class Update(BaseModel):
    """State of a unit."""

    unit_id: str
    status: int
    at: str


class Progressed(BaseModel):
    """What a learner reported."""

    learner_id: str
    course_id: str
    updates: list[Update]


class Completing:
    """Applies events and announces what they complete."""

    learners: Learners

    async def take(self, event: job.Event) -> None:
        """Merge an event into its learner's document; announce once."""
        if found := await self.learners.apply(event):
            await publisher.publish(found, key=found["learner_id"].encode())
            await self.learners.announced(found)


completing = Completing()


@app.on_startup
async def connect() -> None:
    """Connect to the store."""
    completing.learners = Learners.at(place)


@broker.subscriber(
    place.topic("enrolled"),
    group_id=place.group,
    auto_offset_reset="earliest",
    ack_policy=AckPolicy.ACK,
    session_timeout_ms=SESSION_SECONDS * 1000,
)
async def on_enrolled(enrolled: Enrolled) -> None:
    """Take an enrollment."""
    await completing.take(enrolled.model_dump())


@broker.subscriber(
    place.topic("progressed"),
    group_id=place.group,
    auto_offset_reset="earliest",
    ack_policy=AckPolicy.ACK,
    session_timeout_ms=SESSION_SECONDS * 1000,
)
async def on_progressed(progressed: Progressed) -> None:
    """Take a report."""
    await completing.take(progressed.model_dump())


if __name__ == "__main__":
    asyncio.run(app.run())
