"""Gathers the records of many callers into one batch per partition.

For a process that publishes a record or a few for each of many requests at once. Each caller waits
for its own records only; what comes while a partition's batch is under way goes with the next one.
So a busy process writes larger batches, and a partition whose leader is away holds up no other.
"""

import asyncio
from collections.abc import Coroutine, Iterable, Sequence
from typing import Final, NamedTuple

from pravah_shared.codec import Encoded
from pravah_shared.errors import BrokerUnavailable, PravahError
from pravah_shared.events import EventData, Position
from pravah_shared.kafka.packing import partition_of, refuse_too_large
from pravah_shared.kafka.publisher import Publisher
from pravah_shared.telemetry.metrics import EVENTS_PUBLISHED

LINGER_SECONDS: Final = 0.01
"""From a record to its batch, for company: a batch costs far more than one record more in it. Half
of it was tried, and cost ingest processor time (`bench --only ingest`)."""
MOST_TOGETHER: Final = 2_000
"""Records of one partition written by one call."""


class _Call:
    """A caller that waits for its records."""

    __slots__ = ("_left", "_positions", "done", "since")

    def __init__(self, records: int, loop: asyncio.AbstractEventLoop) -> None:
        self.done: asyncio.Future[list[Position]] = loop.create_future()
        self.since = loop.time()
        self._positions: list[Position] = [_NOWHERE] * records
        self._left = records

    def resolve(self, place: int, position: Position) -> None:
        """Take in where a record stands."""
        self._positions[place] = position
        self._left -= 1
        if not self._left and not self.done.done():
            self.done.set_result(self._positions)

    def fail(self, error: PravahError) -> None:
        """Tell the caller that not all of its records are known to be in."""
        if not self.done.done():
            self.done.set_exception(error)


class _Entry(NamedTuple):
    """A record, and its place in whose call."""

    record: Encoded
    call: _Call
    place: int


_NOWHERE: Final = Position("", -1, -1)


class Gathering:
    """Publishes events of one type through `publisher`, whose time limit bounds each batch.

    A record that has waited for its turn as long as that is refused instead of sent, so no caller
    waits longer than twice the limit. `waiting` counts the records that callers wait for.
    """

    def __init__(self, publisher: Publisher, event_type: type[EventData]) -> None:
        self.waiting = 0
        self._publisher = publisher
        self._topic = event_type.topic
        self._published = EVENTS_PUBLISHED.labels(event_type.topic, event_type.type)
        self._entries: list[_Entry] = []
        self._queues: dict[int, list[_Entry]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def publish_records(self, records: Sequence[Encoded]) -> list[Position]:
        """Return where each record stands, once Kafka has them on all in-sync replicas.

        Raises:
            BrokerUnavailable: not acknowledged in time; parts may be in the log.
            Refused: one is larger than its topic takes; nothing was published.
        """
        if not records:
            return []
        for record in records:
            refuse_too_large(record)
        loop = asyncio.get_running_loop()
        call = _Call(len(records), loop)
        if not self._entries:
            loop.call_later(LINGER_SECONDS, self._sort)
        self._entries += [_Entry(one, call, place) for place, one in enumerate(records)]
        self.waiting += len(records)
        try:
            return await call.done
        finally:
            self.waiting -= len(records)

    async def stop(self) -> None:
        """Wait for what is under way. Nothing may be published any more."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    def _sort(self) -> None:
        entries, self._entries = self._entries, []
        partitions = self._publisher.known_partitions(self._topic)
        if not partitions:
            self._run(self._sort_later(entries))
            return
        for entry in entries:
            partition = partition_of(entry.record.key, partitions)
            queue = self._queues.get(partition)
            if queue is None:
                self._queues[partition] = queue = []
                self._run(self._send(partition, queue))
            queue.append(entry)

    async def _sort_later(self, entries: list[_Entry]) -> None:
        """Connect first, as at the start and after an outage."""
        try:
            await self._publisher.partitions(self._topic)
        except PravahError as error:
            _fail(entries, error)
            return
        self._entries += entries
        self._sort()

    async def _send(self, partition: int, queue: list[_Entry]) -> None:
        """Send a partition's queue until it is empty. Once it has begun, others only add to it."""
        try:
            while queue:
                taken = self._in_time(queue[:MOST_TOGETHER])
                del queue[:MOST_TOGETHER]
                if taken:
                    await self._publish(partition, taken)
        finally:
            del self._queues[partition]
            _fail(queue, BrokerUnavailable("the process ends; send again"))

    async def _publish(self, partition: int, entries: Sequence[_Entry]) -> None:
        records = [entry.record for entry in entries]
        try:
            positions = await self._publisher.publish_to(self._topic, partition, records)
        except PravahError as error:
            _fail(entries, error)
            return
        except BaseException:
            _fail(entries, BrokerUnavailable("publishing broke off; send again"))  # nobody waits
            raise
        self._published.inc(len(entries))
        for (_, call, place), position in zip(entries, positions, strict=True):
            call.resolve(place, position)

    def _in_time(self, entries: list[_Entry]) -> list[_Entry]:
        oldest = asyncio.get_running_loop().time() - self._publisher.timeout_seconds
        late = [entry for entry in entries if entry.call.since < oldest]
        if not late:
            return entries
        _fail(late, BrokerUnavailable("Kafka is slower than records come; send again, later"))
        return [entry for entry in entries if entry.call.since >= oldest]

    def _run(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _fail(entries: Iterable[_Entry], error: PravahError) -> None:
    for entry in entries:
        entry.call.fail(error)
