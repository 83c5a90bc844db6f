"""Publishing: a call returns when Kafka has every record on all in-sync replicas, or says why not.

What a caller may rely on:

- Order: records of one call that share a key are in the log in the order given.
- After `BrokerUnavailable` any part of the call may be in the log: publish it again, unchanged.
  Readers recognise repeats by the events' ids.
- With a `transactional_id`, a call is one transaction: readers (`read_committed`) see all of it or
  nothing, and only the newest publisher with that id can write. An older one gets `Fenced`. When
  a call returns, its transaction can no longer be undone; partitions show it a moment later.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from contextlib import nullcontext
from types import TracebackType
from typing import Any, Self, TypeVar

from aiokafka import AIOKafkaProducer
from aiokafka.errors import (
    IllegalOperation,
    KafkaConnectionError,
    KafkaError,
    MessageSizeTooLargeError,
    ProducerFenced,
    RecordListTooLargeError,
    UnknownTopicOrPartitionError,
)

from pravah_shared.codec import Encoded, encode
from pravah_shared.errors import BrokerUnavailable, Fenced, PravahError, Refused
from pravah_shared.events import Event, Position
from pravah_shared.kafka.connection import client_options, started
from pravah_shared.kafka.packing import refuse_too_large, send_packed
from pravah_shared.kafka.producer import abandon, cause_of_death, create, is_dead
from pravah_shared.settings import Settings
from pravah_shared.telemetry.metrics import EVENTS_PUBLISHED

# AssertionError: aiokafka guards its transaction states with assert.
FAILURES = (KafkaError, IllegalOperation, AssertionError, OSError, TimeoutError)
T = TypeVar("T")


class Publisher:
    """Publishes events and raw records. One per process is enough; calls share its batches.

    Connects on first use, or in `start()`, so that a service comes up while Kafka is away.
    `timeout_seconds` bounds every call, connecting included.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        client_id: str,
        transactional_id: str | None = None,
        timeout_seconds: float = 20.0,
    ) -> None:
        """Connect to nothing.

        Raises:
            ConfigurationError: Kafka cannot be reached with these settings, now or ever.
        """
        client_options(settings)  # told at the process's start, not to its first client
        self._settings = settings
        self._client_id = client_id
        self._transactional_id = transactional_id
        self.timeout_seconds = timeout_seconds
        self._producer: AIOKafkaProducer | None = None
        self._opening = asyncio.Lock()
        self._turn = asyncio.Lock()
        self._fenced = False
        self._abandoning: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.stop()

    async def start(self) -> None:
        """Connect. With a transactional id: fence every older publisher that uses it.

        When this returns, whatever an older one had not committed will never be seen.

        Raises:
            BrokerUnavailable: try again.
        """
        self._fenced = False
        if self._producer is not None and is_dead(self._producer):
            self._discard(self._producer)
        try:
            async with asyncio.timeout(self.timeout_seconds):
                await self._open()
        except FAILURES as error:
            raise self._translated(error) from error

    async def stop(self) -> None:
        """Send what is queued, within the time limit, and disconnect."""
        producer, self._producer = self._producer, None
        if producer is not None:
            try:
                async with asyncio.timeout(self.timeout_seconds):
                    await producer.stop()
            except FAILURES:
                await abandon(producer)
        await asyncio.gather(*self._abandoning)

    async def ping(self) -> None:
        """Ask Kafka for its metadata, for readiness.

        Raises:
            BrokerUnavailable: it does not answer.
        """
        try:
            async with asyncio.timeout(self.timeout_seconds):
                producer = await self._open()
                if not await producer.client.force_metadata_update():
                    raise BrokerUnavailable("Kafka does not answer; check the brokers")
        except FAILURES as error:
            raise self._translated(error) from error

    async def publish(self, events: Sequence[Event[Any]]) -> list[Position]:
        """Publish events; the positions are in their order. Safe to repeat.

        Raises:
            Refused: an event is larger than its topic takes; nothing was published.
            BrokerUnavailable: not acknowledged in time; parts may be in the log.
            Fenced: another publisher took over the transactional id.
        """
        positions = await self.publish_records([encode(event) for event in events])
        published = Counter((event.data.topic, event.type) for event in events)
        for (topic, event_type), count in published.items():
            EVENTS_PUBLISHED.labels(topic=topic, type=event_type).inc(count)
        return positions

    async def publish_records(self, records: Sequence[Encoded]) -> list[Position]:
        """Publish raw records, for example dead letters. Promises and errors as `publish`."""
        if not records:
            return []
        for record in records:
            refuse_too_large(record)
        return await self._within_limit(lambda producer: self._write(producer, records))

    async def publish_to(
        self, topic: str, partition: int, records: Sequence[Encoded]
    ) -> list[Position]:
        """Publish records to one partition of their topic, in batches of their own.

        Much less work than `publish_records` for each record, and the next such call for this
        partition waits for this one's: gather them first (`kafka.gathering`). Promises and errors
        as there, but no transactions, and nobody looks at the records' size.
        """
        if not records:
            return []
        name = self._settings.topic_prefix + topic
        offsets = await self._within_limit(
            lambda producer: send_packed(producer, name, partition, records)
        )
        return [Position(topic, partition, offset) for offset in offsets]

    async def partitions(self, topic: str) -> int:
        """Return how many partitions a topic has.

        Raises:
            BrokerUnavailable: not known in time.
        """
        name = self._settings.topic_prefix + topic
        return len(await self._within_limit(lambda producer: producer.partitions_for(name)))

    def known_partitions(self, topic: str) -> int:
        """Return the same without asking; 0: not known, or not connected."""
        if self._producer is None or is_dead(self._producer):
            return 0
        cluster = self._producer.client.cluster
        return len(cluster.partitions_for_topic(self._settings.topic_prefix + topic) or ())

    async def _within_limit(self, work: Callable[[AIOKafkaProducer], Awaitable[T]]) -> T:
        """Do `work` with a connected producer; give that up when it is beyond repair after."""
        producer: AIOKafkaProducer | None = None
        # A producer has one transaction at a time; without, calls overlap and share batches.
        turn = nullcontext() if self._transactional_id is None else self._turn
        try:
            async with asyncio.timeout(self.timeout_seconds), turn:
                producer = await self._open()
                return await work(producer)
        except FAILURES as error:
            if self._is_beyond_repair(error):
                self._discard(producer)
            raise self._translated(error) from error
        except asyncio.CancelledError as error:
            if self._is_beyond_repair(error):
                self._discard(producer)
            raise

    def _is_beyond_repair(self, error: BaseException) -> bool:
        """Whether a failed call leaves the producer with a gap, a queue or an open transaction."""
        if self._transactional_id is not None:
            return True  # the next producer's start aborts the transaction at the broker
        # The client looked for the topic in vain: other topics are not concerned.
        return isinstance(error, FAILURES) and not isinstance(error, UnknownTopicOrPartitionError)

    async def _write(
        self, producer: AIOKafkaProducer, records: Sequence[Encoded]
    ) -> list[Position]:
        if self._transactional_id is None:
            return await self._send(producer, records)
        await producer.begin_transaction()
        positions = await self._send(producer, records)
        await producer.commit_transaction()
        return positions

    async def _send(self, producer: AIOKafkaProducer, records: Sequence[Encoded]) -> list[Position]:
        prefix = self._settings.topic_prefix
        waiting: list[asyncio.Future[Any]] = []
        try:
            for record in records:
                value = record.value
                if value is None and record.key is None:
                    value = b""  # the client takes no record that has neither
                sent = await producer.send(
                    prefix + record.topic, value, record.key, headers=record.headers
                )
                waiting.append(sent)
            written = await asyncio.gather(*waiting)
        finally:
            for future in waiting:
                future.cancel()  # only of a failed call: nobody will ask for the others
        return [
            Position(record.topic, placed.partition, placed.offset)
            for record, placed in zip(records, written, strict=True)
        ]

    async def _open(self) -> AIOKafkaProducer:
        async with self._opening:
            if self._fenced:
                raise ProducerFenced
            if self._producer is not None and is_dead(self._producer):
                error = cause_of_death(self._producer)
                self._discard(self._producer)
                if isinstance(error, ProducerFenced):
                    raise error
                if self._transactional_id is not None:
                    # A new one would fence whoever took over meanwhile, and then publish what
                    # its caller read before that. `start`, and read anew.
                    raise KafkaConnectionError("the transactional producer ended")
            if self._producer is None:
                self._producer = await self._connect()
            return self._producer

    async def _connect(self) -> AIOKafkaProducer:
        producer = create(self._settings, self._client_id, self._transactional_id)
        try:
            await started(producer.start())
        except BaseException:
            self._abandon(producer)
            raise
        return producer

    def _discard(self, producer: AIOKafkaProducer | None) -> None:
        """Give up a producer, unless another call did so and has a new one."""
        if producer is not None and producer is self._producer:
            self._producer = None
            self._abandon(producer)

    def _abandon(self, producer: AIOKafkaProducer) -> None:
        task = asyncio.create_task(abandon(producer))
        self._abandoning.add(task)
        task.add_done_callback(self._abandoning.discard)

    def _translated(self, error: BaseException) -> PravahError:
        if isinstance(error, ProducerFenced):
            self._fenced = True
            return Fenced(
                f"another publisher took over {self._transactional_id}, or a transaction of this "
                "one outlived its time limit; give up the shard before starting again"
            )
        if isinstance(error, MessageSizeTooLargeError | RecordListTooLargeError):
            return Refused(f"Kafka refuses the size of a record: {error!r}")
        return BrokerUnavailable(
            f"Kafka at {self._settings.kafka_bootstrap} did not acknowledge: {error!r}; publish "
            "again, check the brokers and that `pravah topics apply` ran"
        )
