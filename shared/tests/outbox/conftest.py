"""Documents with outboxes on the real store, and what became of them on the real broker."""

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from pravah_shared.codec import decode
from pravah_shared.events import Event, Person, new_event
from pravah_shared.kafka.publisher import Publisher
from pravah_shared.kafka.reader import TopicReader
from pravah_shared.mongo import Collection, Database
from pravah_shared.outbox import (
    Leases,
    Outbox,
    Relay,
    Source,
    ensure_outbox_index,
    new_outbox,
    pushed,
)
from pravah_shared.processing.health import Health
from pravah_shared.settings import Settings


class Bench:
    """A collection with outboxes, and relays over it. Each `owner` is a process of its own."""

    def __init__(self, settings: Settings, database: Database) -> None:
        self.settings = settings
        self.people: Collection = database.collection("people")
        self.leases: Collection = database.collection("leases")

    async def write(self, learner_id: str, version: int) -> Event[Person]:
        """Write a version and its event in one update, as a service does."""
        event = self.person(learner_id, version)
        state = {"_id": learner_id, "version": version, **new_outbox(learner_id, [event])}
        if not await self.people.insert_once(state):
            update = {"$set": {"version": version}, "$push": pushed([event])}
            await self.people.update_one({"_id": learner_id}, update)
        return event

    def person(self, learner_id: str, version: int) -> Event[Person]:
        """Return the event of a version of a learner."""
        person = Person(learner_id=learner_id, version=version, ciphertext="AAAA", key_id="k")
        return new_event(person, source="/pravah/enrollment", time=datetime.now(UTC))

    async def waiting(self) -> list[str]:
        """Return the ids of all events in outboxes."""
        documents = await self.people.find({}, sort=[("_id", 1)])
        return [event["_id"] for document in documents for event in document["outbox"]]

    async def published(self) -> list[Event[Any]]:
        """Return all events of the topic, in order per learner."""
        found: list[Event[Any]] = []
        async with TopicReader(self.settings, ["people"]) as reader:
            while not await reader.at_end():
                found += [decode(record) for record in await reader.read()]
        return found

    def publisher(self, owner: str, lease: str) -> Publisher:
        """Return the producer of a shard."""
        transactional_id = f"{self.settings.group_prefix}{lease}"
        return Publisher(self.settings, client_id=owner, transactional_id=transactional_id)

    def relay(self, owner: str, **options: Any) -> Relay:
        """Return a relay; `options` replace its parts."""
        leases = options.pop("leases", None) or Leases(self.leases, owner)
        sources = options.pop("sources", None) or [Source(self.people)]
        make: Callable[[str], Any] = options.pop(
            "publisher_for", lambda lease: self.publisher(owner, lease)
        )
        return Relay(leases, sources, make, Health(owner), poll_seconds=0.05, **options)

    def outbox(self, publisher: Any, **options: Any) -> Outbox:
        """Return the writer's own way to Kafka."""
        return Outbox(self.people, publisher, **options)


@pytest.fixture
async def database(test_settings: Settings) -> AsyncIterator[Database]:
    """The test's own database."""
    database = Database.connect(test_settings.mongo_uri, test_settings.mongo_database)
    yield database
    await database.close()


@pytest.fixture
async def bench(database: Database, test_settings: Settings) -> Bench:
    """An empty collection with outboxes."""
    bench = Bench(test_settings, database)
    await ensure_outbox_index(bench.people)
    return bench
