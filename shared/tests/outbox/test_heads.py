"""The writer publishes what it wrote, unless something older waits."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from pravah_cli.testing import eventually
from pravah_shared.errors import BrokerUnavailable, Refused
from pravah_shared.events import Event, Position

pytestmark = pytest.mark.stack


class Log:
    """A publisher that remembers, and fails when told to."""

    def __init__(self) -> None:
        self.calls: list[list[str]] = []
        self.failures = 0
        self.failure: Exception = BrokerUnavailable("away")

    async def publish(self, events: Sequence[Event[Any]]) -> list[Position]:
        """Remember the events' ids."""
        if self.failures:
            self.failures -= 1
            raise self.failure
        self.calls.append([event.id for event in events])
        return [Position("people", 0, n) for n, _ in enumerate(events)]


async def test_a_head_is_published_and_leaves(bench: Any) -> None:
    """Acknowledged by Kafka, it needs no relay."""
    log = Log()
    event = await bench.write("a", 1)
    assert await bench.outbox(log).publish_head("a", event)
    assert log.calls == [[event.id]]
    assert await bench.waiting() == []


async def test_what_follows_something_older_is_left_to_the_relay(bench: Any) -> None:
    """Publishing it would put it before the older one."""
    log = Log()
    await bench.write("a", 1)
    second = await bench.write("a", 2)
    assert not await bench.outbox(log).publish_head("a", second)
    assert log.calls == []
    assert len(await bench.waiting()) == 2


async def test_an_unacknowledged_head_stays(bench: Any) -> None:
    """It may be in Kafka or not: the relay publishes it again under its id."""
    log = Log()
    log.failures = 1
    event = await bench.write("a", 1)
    with pytest.raises(BrokerUnavailable):
        await bench.outbox(log).publish_head("a", event)
    assert await bench.waiting() == [event.id]


async def test_offers_are_published_together(bench: Any) -> None:
    """Many requests share one read, one publication and one write."""
    log = Log()
    outbox = bench.outbox(log)
    events = [await bench.write(f"l-{n}", 1) for n in range(20)]
    for n, event in enumerate(events):
        assert outbox.offer(f"l-{n}", event)
    running = asyncio.create_task(outbox.run())
    await eventually(lambda: empty(bench), 10, "outboxes empty")
    running.cancel()
    assert log.calls == [[event.id for event in events]]


@pytest.mark.parametrize("failure", [BrokerUnavailable("away"), Refused("too large")])
async def test_a_failure_is_left_to_the_relay_and_the_next_offer_is_tried(
    bench: Any, failure: Exception
) -> None:
    """The background task survives: without it the API would be unready for good."""
    log = Log()
    log.failures, log.failure = 1, failure
    outbox = bench.outbox(log)
    first, second = await bench.write("a", 1), await bench.write("b", 1)
    outbox.offer("a", first)
    running = asyncio.create_task(outbox.run())
    await eventually(lambda: failed(log), 10, "the first try")
    outbox.offer("b", second)
    await eventually(lambda: called(log), 10, "a second try")
    running.cancel()
    assert log.calls == [[second.id]]
    assert first.id in await bench.waiting()


async def test_offers_beyond_the_bound_are_dropped(bench: Any) -> None:
    """Memory is bounded; the outbox in the store is not."""
    outbox = bench.outbox(Log(), waiting=1)
    assert outbox.offer("a", bench.person("a", 1))
    assert not outbox.offer("b", bench.person("b", 1))


async def empty(bench: Any) -> bool:
    """Whether nothing waits."""
    return not await bench.waiting()


async def failed(log: Log) -> bool:
    """Whether the outage was met."""
    return not log.failures


async def called(log: Log) -> bool:
    """Whether something was published."""
    return bool(log.calls)
