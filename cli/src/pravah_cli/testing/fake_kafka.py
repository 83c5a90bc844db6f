"""Kafka in memory: a log, a publisher onto it and a runner from it, for tests of streams.

The runner passes the same contract as the real engines (shared/tests/processing/test_runners.py)
with the real loop, offsets and sweeper: only the broker is made up.
"""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from pravah_shared.codec import Encoded, encode
from pravah_shared.errors import BreakerOpen, BrokerUnavailable
from pravah_shared.events import Event, Position
from pravah_shared.processing.offsets import Offsets
from pravah_shared.processing.stream import Stream
from pravah_shared.processing.tasks import until_first_ends
from pravah_shared.record import Record

Partition = tuple[str, int]

POLL_SECONDS = 0.005


class FakeKafka:
    """Topics of `partitions` partitions each, and one group's committed offsets.

    A key goes to the partition that its bytes sum up to. `away`: nothing is acknowledged; a test
    that wants records in the log all the same sets `loses_acks`.
    """

    def __init__(self, partitions: int = 2) -> None:
        self.committed: dict[Partition, int] = {}
        self.away = False
        self.loses_acks = False
        self._partitions = partitions
        self._log: defaultdict[Partition, list[Record]] = defaultdict(list)

    async def publish(self, events: Sequence[Event[Any]]) -> list[Position]:
        """Append events, as `Publisher.publish`."""
        return await self.publish_records([encode(event) for event in events])

    async def publish_records(self, records: Sequence[Encoded]) -> list[Position]:
        """Append records, as `Publisher.publish_records`."""
        if self.away:
            raise BrokerUnavailable("the test took Kafka away")
        positions = [self._append(record) for record in records]
        if self.loses_acks:
            raise BrokerUnavailable("the test lost the acknowledgement")
        return positions

    def _append(self, found: Encoded) -> Position:
        partition = sum(found.key or b"") % self._partitions
        log = self._log[found.topic, partition]
        place = Position(found.topic, partition, len(log))
        headers = tuple(found.headers)
        log.append(Record(place.topic, partition, place.offset, found.key, found.value, headers))
        return place

    def read(self, topic: str) -> list[Record]:
        """Return all records of a topic, partition by partition."""
        return [one for at, log in sorted(self._log.items()) if at[0] == topic for one in log]

    def fetch(self, partition: Partition, offset: int, limit: int) -> list[Record]:
        """Return up to `limit` records of a partition, beginning at `offset`."""
        return self._log[partition][offset : offset + limit]

    def partitions(self, topics: Sequence[str]) -> list[Partition]:
        """Return all partitions of `topics`."""
        return [(topic, number) for topic in topics for number in range(self._partitions)]


class FakeRunner:
    """The one member of a group on a FakeKafka. `rebalance` takes and gives back everything."""

    name = "fake"

    def __init__(self, stream: Stream, kafka: FakeKafka) -> None:
        self._stream = stream
        self._kafka = kafka
        self._offsets: Offsets[Partition] = Offsets()
        self._positions: dict[Partition, int] = {}
        self._stopping = asyncio.Event()
        self._consuming: asyncio.Future[None] | None = None

    @property
    def ready(self) -> bool:
        """See `Runner`."""
        return self._stream.health.ready and not self._stopping.is_set()

    def alive(self) -> bool:
        """See `Runner`."""
        return self._stream.health.alive()

    async def run(self) -> None:
        """See `Runner`."""
        self.rebalance()
        self._consuming = asyncio.ensure_future(self._consume())
        await until_first_ends(asyncio.wait([self._consuming]), self._stream.sweeper.run())
        if not self._consuming.cancelled():
            self._consuming.result()

    async def stop(self) -> None:
        """See `Runner`."""
        self._stopping.set()
        if self._consuming is not None:
            grace_seconds = self._stream.settings.stop_grace_seconds
            await asyncio.wait([self._consuming], timeout=grace_seconds)
            self._consuming.cancel()

    def rebalance(self) -> None:
        """Begin an assignment: every position goes back to what is committed."""
        owned = self._kafka.partitions(
            [self._stream.without_prefix(t) for t in self._stream.topics]
        )
        self._positions = {at: self._kafka.committed.get(at, 0) for at in owned}
        self._offsets.assign(owned)
        self._stream.health.joined = True

    async def _consume(self) -> None:
        try:
            while not self._stopping.is_set():
                if not await self.turn():
                    await asyncio.sleep(POLL_SECONDS)
        except BreakerOpen as error:
            self._stream.health.halt(error)
            await self._stopping.wait()
            raise

    async def turn(self) -> int:
        """Fetch, run and commit one batch; return how many records it had."""
        epoch, limit = self._offsets.epoch, self._stream.settings.batch_records
        found = {at: self._kafka.fetch(at, n, limit) for at, n in self._positions.items()}
        self._positions = {at: n + len(found[at]) for at, n in self._positions.items()}
        records = [record for many in found.values() for record in many]
        await self._stream.loop.run_batch(records)
        next_offsets = {at: many[-1].offset + 1 for at, many in found.items() if many}
        self._offsets.done(epoch, next_offsets)
        self.commit()
        return len(records)

    def commit(self) -> None:
        """Commit what is due."""
        due = self._offsets.due()
        self._kafka.committed |= due
        self._offsets.committed(self._offsets.epoch, due)
