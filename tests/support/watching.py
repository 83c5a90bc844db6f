"""What arrives on a deployment's topics, and whether everybody has handled it."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self, TypeVar

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from standing_platform import Platform

from pravah_cli.testing import eventually
from pravah_shared.codec import decode
from pravah_shared.errors import Undecodable
from pravah_shared.events import Event, EventData
from pravah_shared.kafka.connection import client_options
from pravah_shared.kafka.reader import TopicReader
from pravah_shared.mongo import Database, Document
from pravah_shared.record import Record
from pravah_shared.settings import Settings

READERS = {
    "enrolled": ("progress", "notification"),
    "courses": ("progress", "certificate", "notification"),
    "people": ("certificate", "notification"),
    "progressed": ("progress",),
    "completed": ("enrollment", "certificate"),
    "certified": ("notification",),
}
"""The groups that read each topic: architecture.md's map, stated apart from the code."""
DEAD = tuple(f"{service}.dead" for service in ("enrollment", "progress", "certificate"))
DEAD += ("notification.dead",)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
UNPUBLISHED: tuple[tuple[str, str, Document], ...] = (
    ("enrollment", "enrollments", {"outbox.0.at": {"$gt": EPOCH}}),
    ("enrollment", "courses", {"outbox.0.at": {"$gt": EPOCH}}),
    ("enrollment", "learners", {"outbox.0.at": {"$gt": EPOCH}}),
    ("progress", "progress", {"unpublished.since": {"$gt": EPOCH}}),
    ("certificate", "certificates", {"announced": False, "state": "issued"}),
)
"""Where events wait for Kafka: database, collection, filter. A sweep may be at it, not a batch."""
UNSETTLED = ["pending", "leased", "retrying"]

D = TypeVar("D", bound=EventData)


class Watch:
    """Everything that came onto the topics since it was entered (or ever, `from_start`)."""

    def __init__(self, platform: Platform, *, from_start: bool = False) -> None:
        self.records: list[Record] = []
        self._platform = platform
        settings = platform.settings
        self._reader = TopicReader(settings, [*READERS, *DEAD], from_end=not from_start)
        self._admin = AIOKafkaAdminClient(**client_options(settings))
        self._stores = {
            service: Database.connect(settings.mongo_uri, f"{platform.name}_{service}")
            for service in ("enrollment", "progress", "certificate", "notification")
        }

    async def __aenter__(self) -> Self:
        await self._reader.__aenter__()
        await self._admin.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._reader.__aexit__(kind, error, trace)
        await self._admin.close()
        for database in self._stores.values():
            await database.close()

    async def look(self) -> list[Record]:
        """Take in what is new; return it."""
        fresh = await self._reader.read(wait_seconds=0.1)
        self.records += fresh
        return fresh

    def events(self, kind: type[D], subjects: Iterable[str] | None = None) -> list[Event[D]]:
        """Return the events of a kind that came, of these learners or courses if named.

        Each once, by its id: a batch and a sweep may both publish it, but never in other words.
        """
        wanted = None if subjects is None else set(subjects)
        first: dict[str, Event[D]] = {}
        for record in self.records:
            event = _event(record) if record.topic == kind.topic else None
            if event is None or not isinstance(event.data, kind):
                continue
            if wanted is None or event.subject in wanted:
                told = first.setdefault(event.id, event)
                assert (told.data, told.time) == (event.data, event.time), "told in other words"
        return list(first.values())

    @property
    def dead_letters(self) -> list[Record]:
        """Return the dead letters that came."""
        return [record for record in self.records if record.topic in DEAD]

    async def until(self, holds: Callable[[], bool], what: str, seconds: float = 60) -> None:
        """Look until `holds()`.

        Raises:
            TimeoutError: it did not within `seconds`.
        """

        async def seen() -> bool:
            await self.look()
            return holds()

        await eventually(seen, seconds, what)

    async def quiet(self, seconds: float = 60) -> None:
        """Return when nothing more can come: all records handled by their readers, nothing due.

        This is what a test waits for before it says that something did *not* happen.
        """

        async def still() -> bool:
            # In this order: what a step leads to is on its topic before the step is committed.
            if await self._unpublished() or not await self._all_committed():
                return False
            if await self.look() or not await self._reader.at_end():
                return False
            ledger = self._stores["notification"].collection("ledger")
            return not await ledger.count({"state": {"$in": UNSETTLED}})

        await eventually(still, seconds, "quiet on every topic")

    async def _unpublished(self) -> int:
        """Count the documents with an event that Kafka may not have yet."""
        return sum(
            [
                await self._stores[service].collection(name).count(waiting)
                for service, name, waiting in UNPUBLISHED
            ]
        )

    async def _all_committed(self) -> bool:
        """Whether every group has committed an offset beyond each record that was seen."""
        last: dict[tuple[str, int], int] = {}
        for record in self.records:
            place = (record.topic, record.partition)
            last[place] = max(record.offset, last.get(place, -1))
        committed = {
            group: await self._admin.list_consumer_group_offsets(
                f"{self._platform.settings.group_prefix}{group}"
            )
            for group in {group for readers in READERS.values() for group in readers}
        }
        prefix = self._platform.settings.topic_prefix
        return all(
            (found := committed[group].get(TopicPartition(prefix + topic, partition))) is not None
            and found.offset > offset
            for (topic, partition), offset in last.items()
            for group in READERS.get(topic, ())
        )


async def lag_of(settings: Settings, service: str) -> int:
    """Return how many records about learners a service's group has not committed.

    Compacted topics are left out: their transactions end in markers that nobody commits.
    """
    read = {topic for topic, who in READERS.items() if service in who} - {"courses", "people"}
    topics = [f"{settings.topic_prefix}{topic}" for topic in read]
    admin = AIOKafkaAdminClient(**client_options(settings))
    consumer = AIOKafkaConsumer(*topics, **client_options(settings))
    try:
        await admin.start()
        await consumer.start()
        committed = await admin.list_consumer_group_offsets(f"{settings.group_prefix}{service}")
        ends = await consumer.end_offsets(consumer.assignment())
    finally:
        await consumer.stop()
        await admin.close()
    return sum(
        end - max(0, committed[at].offset if at in committed else 0) for at, end in ends.items()
    )


def _event(record: Record) -> Event[Any] | None:
    """Return the record's event, None for poison that a test has put there."""
    try:
        return decode(record)
    except Undecodable:
        return None
