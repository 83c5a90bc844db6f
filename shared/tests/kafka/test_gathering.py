"""Records of many callers go together, each caller waits for its own."""

import asyncio
from collections.abc import Sequence

import pytest

from pravah_shared.codec import Encoded, encode
from pravah_shared.errors import BrokerUnavailable, Refused
from pravah_shared.events import Position, Progressed
from pravah_shared.kafka.gathering import Gathering
from pravah_shared.kafka.packing import partition_of
from pravah_shared.kafka.publisher import Publisher
from pravah_shared.kafka.table import MAX_MESSAGE_BYTES
from pravah_shared.settings import Settings

from .test_publisher import everything, open_producer, report

PARTITIONS = 4


class Partitions:
    """Stands for a `Publisher`: partitions that write, stand still or fail as a test says."""

    def __init__(self) -> None:
        self.timeout_seconds = 1.0
        self.written: dict[int, list[list[Encoded]]] = {}
        self.stands: dict[int, asyncio.Event] = {}
        self.fails: set[int] = set()
        self.known = PARTITIONS

    def known_partitions(self, _topic: str) -> int:
        """Return how many there are."""
        return self.known

    async def partitions(self, _topic: str) -> int:
        """Find out."""
        if self.known == 0:
            raise BrokerUnavailable("gone")
        return self.known

    async def publish_to(
        self, topic: str, partition: int, records: Sequence[Encoded]
    ) -> list[Position]:
        """Write, unless told otherwise."""
        if partition in self.stands:
            await self.stands[partition].wait()
        if partition in self.fails:
            raise BrokerUnavailable("gone")
        calls = self.written.setdefault(partition, [])
        first = sum(map(len, calls))
        calls.append(list(records))
        return [Position(topic, partition, first + place) for place in range(len(records))]


def made(publisher: Partitions) -> Gathering:
    """Return a gathering on it."""
    return Gathering(publisher, Progressed)  # type: ignore[arg-type]  # a fake


def record(learner: str) -> Encoded:
    """Return a record of a learner."""
    return encode(report(learner, 1))


def in_partition(partition: int) -> Encoded:
    """Return a record that belongs there."""
    keys = (f"learner-{number}" for number in range(1000))
    return next(record(key) for key in keys if partition_of(key.encode(), PARTITIONS) == partition)


async def test_callers_of_one_moment_share_a_batch() -> None:
    """One write for each partition; everybody learns where their own records stand."""
    kafka = Partitions()
    gathering = made(kafka)
    records = [record(f"learner-{number}") for number in range(200)]
    found = await asyncio.gather(*(gathering.publish_records([one]) for one in records))
    assert all(len(calls) == 1 for calls in kafka.written.values())
    for one, (position,) in zip(records, found, strict=True):
        assert kafka.written[position.partition][0][position.offset] is one
    assert gathering.waiting == 0


async def test_a_call_has_its_positions_in_its_order() -> None:
    """Over several partitions, too."""
    gathering = made(kafka := Partitions())
    records = [record(f"learner-{number}") for number in range(50)]
    found = await gathering.publish_records(records)
    assert [kafka.written[at.partition][0][at.offset] for at in found] == records


async def test_a_partition_that_stands_holds_up_its_own_alone() -> None:
    """What comes for it meanwhile goes with its next batch."""
    gathering = made(kafka := Partitions())
    kafka.stands[1] = asyncio.Event()
    slow = asyncio.create_task(gathering.publish_records([in_partition(1)]))
    await gathering.publish_records([in_partition(0)])
    more = [asyncio.create_task(gathering.publish_records([in_partition(1)])) for _ in range(20)]
    await gathering.publish_records([in_partition(2)])
    assert not slow.done()
    kafka.stands[1].set()
    await asyncio.gather(slow, *more)
    assert [len(call) for call in kafka.written[1]] == [1, 20]


async def test_a_failure_is_told_to_those_it_concerns() -> None:
    """The others are in; the next call begins anew."""
    gathering = made(kafka := Partitions())
    kafka.fails.add(1)
    outcomes = await asyncio.gather(
        gathering.publish_records([in_partition(1)]),
        gathering.publish_records([in_partition(2)]),
        gathering.publish_records([in_partition(2), in_partition(1)]),
        return_exceptions=True,
    )
    assert [isinstance(one, BrokerUnavailable) for one in outcomes] == [True, False, True]
    kafka.fails.clear()
    assert len(await gathering.publish_records([in_partition(1)])) == 1


async def test_nobody_waits_longer_than_twice_the_limit() -> None:
    """What has waited a whole limit for its turn is refused, not sent."""
    gathering = made(kafka := Partitions())
    kafka.timeout_seconds, kafka.stands[1] = 0.05, asyncio.Event()
    first = asyncio.create_task(gathering.publish_records([in_partition(1)]))
    while 1 not in gathering._queues:  # noqa: ASYNC110 - nothing tells of it
        await asyncio.sleep(0)
    late = asyncio.create_task(gathering.publish_records([in_partition(1)]))
    asyncio.get_running_loop().call_later(0.2, kafka.stands[1].set)
    await first
    with pytest.raises(BrokerUnavailable, match="later"):
        await late
    assert [len(call) for call in kafka.written[1]] == [1]


async def test_without_a_connection_the_callers_are_told() -> None:
    """They do not wait for ever, and nothing stays behind."""
    gathering = made(kafka := Partitions())
    kafka.known = 0
    with pytest.raises(BrokerUnavailable):
        await gathering.publish_records([record("l")])
    await gathering.stop()
    assert (gathering.waiting, gathering._queues) == (0, {})


async def test_a_record_too_large_concerns_its_caller_alone() -> None:
    """Refused before it meets the others."""
    gathering = made(Partitions())
    large = record("l")
    large = Encoded(large.topic, large.key, b"x" * MAX_MESSAGE_BYTES, large.headers)
    outcomes = await asyncio.gather(
        gathering.publish_records([large]),
        gathering.publish_records([record("m")]),
        return_exceptions=True,
    )
    assert [isinstance(one, Refused) for one in outcomes] == [True, False]


@pytest.mark.stack
async def test_gathered_records_stand_where_others_of_their_key_do(
    test_settings: Settings,
) -> None:
    """In the partition that every producer chooses, at the offset told, also in many batches."""
    async with Publisher(test_settings, client_id="test") as publisher:
        gathering = Gathering(publisher, Progressed)
        records = [record(f"learner-{number}") for number in range(2000)]
        large = [Encoded(one.topic, one.key, b" " * 700_000, one.headers) for one in records[:3]]
        found = await asyncio.gather(*(gathering.publish_records([one]) for one in records))
        again = await publisher.publish_records(records[:50])
        assert [at.partition for (at,) in found[:50]] == [at.partition for at in again]
        await gathering.publish_records(large)
    held = {
        (one.partition, one.offset): one for one in await everything(test_settings, "progressed")
    }
    assert len(held) == 2053
    for one, (at,) in zip(records, found, strict=True):
        assert held[at.partition, at.offset].key == one.key


@pytest.mark.stack
async def test_a_producer_that_is_given_up_fails_its_batches_at_once(
    test_settings: Settings,
) -> None:
    """Callers do not wait for their own time limit; the next one connects anew."""
    async with Publisher(test_settings, client_id="test", timeout_seconds=30) as publisher:
        gathering = Gathering(publisher, Progressed)
        await gathering.publish_records([record("l")])
        producer = open_producer(publisher)
        producer._sender._in_flight.update(range(-2, 10))  # no node may be sent to
        waiting = asyncio.create_task(gathering.publish_records([record("l")]))
        while not producer._message_accumulator._batches:  # noqa: ASYNC110 - nothing tells of it
            await asyncio.sleep(0.001)
        publisher._discard(producer)
        async with asyncio.timeout(10):
            with pytest.raises(BrokerUnavailable):
                await waiting
            await gathering.publish_records([record("l")])
