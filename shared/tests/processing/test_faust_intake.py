"""Faust's own queues, conductor and streams behind our intake; only fetches are made up."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest
from faust.transport.drivers.aiokafka import Consumer
from faust.types import TP

from pravah_cli.testing import eventually
from pravah_cli.testing.fake_kafka import FakeKafka
from pravah_shared.processing.faust_client import StreamApp
from pravah_shared.processing.stream import build_stream
from pravah_shared.settings import Settings

PLACE = TP("enrolled", 0)
ROOM = 10
"""Records in a queue that is full. Faust calls for a halt at eight and takes one more."""
HELD = 9
SECONDS = 5.0


class Handler:
    """Never asked."""

    topics = frozenset({"enrolled"})


@dataclass
class Intake:
    """An application that owns PLACE in generation 1, with an agent's channel, without a broker."""

    app: StreamApp
    channel: Any
    fetched: list[int] = field(default_factory=list)
    sought: int = 0

    @property
    def consumer(self) -> Any:
        """Faust's consumer with our intake."""
        return self.app.consumer

    @property
    def queue(self) -> Any:
        """What waits for the agent."""
        return self.channel.queue

    def fetch(self, *offsets: int) -> AsyncIterator[tuple[TP, Any]]:
        """Return a fetch of records at `offsets`, each tagged and noted when it is asked for."""

        async def fetch() -> AsyncIterator[tuple[TP, Any]]:
            for offset in offsets:
                self.fetched.append(offset)
                yield PLACE, self.consumer._to_message(PLACE, record(offset))

        return fetch()

    def deliver(self, *offsets: int) -> "asyncio.Task[None]":
        """Begin to deliver a fetch."""
        return asyncio.ensure_future(self.consumer._deliver(self.fetch(*offsets)))

    def waiting(self) -> list[int]:
        """Return the offsets in the queue."""
        return [event.message.offset for event in self.queue._queue]

    async def until(self, condition: Callable[[], bool], what: str) -> None:
        """Wait for a condition."""

        async def met() -> bool:
            return condition()

        await eventually(met, SECONDS, what)


def record(offset: int) -> Any:
    """Return a record as aiokafka gives it."""
    sizes = {"serialized_key_size": 1, "serialized_value_size": 1, "checksum": None}
    return SimpleNamespace(
        topic=PLACE.topic, partition=PLACE.partition, offset=offset, timestamp=0,
        timestamp_type=0, headers=(), key=b"k", value=b"v", **sizes,
    )  # fmt: skip


@pytest.fixture
async def intake(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Intake]:
    """Yield an intake whose flow runs."""
    settings = Settings(batch_records=ROOM)
    app: Any = StreamApp(build_stream(settings, "certificate", Handler(), FakeKafka()))  # type: ignore[arg-type]
    channel = aiter(app.topic(PLACE.topic, key_type=bytes, value_type=bytes))
    found = Intake(app, channel)
    app.topics.add(channel)
    await app.topics.on_partitions_assigned({PLACE})
    app.consumer_generation_id = 1
    app.flow_control.resume()

    async def perform_seek() -> None:
        found.sought += 1

    monkeypatch.setattr(app.consumer, "assignment", lambda: {PLACE})
    monkeypatch.setattr(app.consumer, "perform_seek", perform_seek)
    yield found
    app.consumer._thread.thread_loop.close()


async def test_delivery_makes_no_task(intake: Intake) -> None:
    """Four of them for each record took most of the time."""
    made: list[Any] = []

    def make(loop: Any, coroutine: Any, **kwargs: Any) -> Any:
        made.append(coroutine)
        return asyncio.Task(coroutine, loop=loop, **kwargs)

    asyncio.get_running_loop().set_task_factory(make)
    await intake.consumer._deliver(intake.fetch(*range(7)))
    assert intake.waiting() == list(range(7))
    assert made == []


async def test_a_queue_nearly_full_holds_up_the_fetch_until_there_is_room(intake: Intake) -> None:
    """No record beyond the bound is asked for, and all come, in order."""
    delivering = intake.deliver(*range(30))
    await intake.until(lambda: bool(intake.consumer.crowded), "held up")
    assert intake.fetched == list(range(HELD))

    seen = []
    for _ in range(30):
        seen.append((await intake.queue.get()).message.offset)
        assert intake.queue.qsize() <= ROOM
        await asyncio.sleep(0)
    await delivering
    assert seen == list(range(30))


async def test_a_fetch_begun_before_a_rebalance_gives_no_more_after_it(
    intake: Intake, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was held up in between: the rest comes again, from what is committed, to whom owns it."""
    monkeypatch.setattr(Consumer, "getmany", lambda *_: intake.fetch(*range(30)))
    delivering = asyncio.ensure_future(intake.consumer._deliver(intake.consumer.getmany(1.0)))
    await intake.until(lambda: bool(intake.consumer.crowded), "held up")

    await intake.consumer.on_partitions_revoked({PLACE})
    intake.app.consumer_generation_id = 2
    await asyncio.wait_for(delivering, SECONDS)

    assert intake.waiting() == []
    assert intake.fetched == list(range(HELD + 1))
    assert intake.sought == 1


async def test_a_delivery_into_a_full_queue_ends_with_the_assignment(intake: Intake) -> None:
    """Its record goes with the queue's; the intake does not wait for an agent in an outage."""
    await intake.consumer._deliver(intake.fetch(*range(7)))
    for offset in range(7, ROOM):
        intake.queue.force_put_nowait(SimpleNamespace(message=record(offset)))
    delivering = intake.deliver(ROOM)
    await intake.until(lambda: bool(intake.queue._putters), "waiting in the full queue")

    await intake.consumer.on_partitions_revoked({PLACE})
    await asyncio.wait_for(delivering, SECONDS)
    assert intake.waiting() == []


async def test_a_queue_emptied_under_a_waiting_agent_does_not_stop_the_intake(
    intake: Intake,
) -> None:
    """The agent was woken and finds nothing: waiting on, it never tells that there is room."""
    waiting = asyncio.ensure_future(intake.queue.get())
    await intake.until(lambda: bool(intake.queue._getters), "the agent waits")
    # Both begin in one turn of the event loop, before the agent's.
    delivering = intake.deliver(*range(HELD))
    revoking = asyncio.ensure_future(intake.consumer.on_partitions_revoked({PLACE}))
    await asyncio.wait_for(asyncio.gather(delivering, revoking), SECONDS)
    assert intake.fetched == list(range(HELD))

    intake.app.flow_control.resume()
    await asyncio.wait_for(intake.deliver(HELD), SECONDS)
    assert (await asyncio.wait_for(waiting, SECONDS)).message.offset == HELD


async def test_a_record_that_waited_out_a_rebalance_is_skipped_by_the_stream(
    intake: Intake,
) -> None:
    """Its delivery goes on in the next assignment, whose first record it must not be."""
    intake.app.flow_control.suspend()
    late = intake.deliver(7)
    await intake.until(lambda: intake.fetched == [7], "waiting for the flow")
    intake.app.consumer_generation_id = 2
    intake.app.flow_control.resume()
    await asyncio.wait_for(late, SECONDS)
    await intake.consumer._deliver(intake.fetch(3))

    stream = intake.app.stream(intake.channel)
    async for found in stream.events():
        assert found.message.offset == 3
        break
    await stream.stop()


async def test_what_comes_again_is_delivered_again(intake: Intake) -> None:
    """Faust takes it for read; after positions were set back it would be lost."""
    await intake.consumer._deliver(intake.fetch(5, 6, 5, 6))
    assert intake.waiting() == [5, 6, 5, 6]


async def test_it_fetches_until_the_fetcher_is_stopped(
    intake: Intake, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One fetch after the other, each delivered whole; others get their turn in between."""
    fetches = [(0, 1), (), (2,)]
    fetcher = SimpleNamespace(should_stop=False)

    def getmany(*, timeout: float) -> AsyncIterator[Any]:
        offsets = fetches.pop(0)
        fetcher.should_stop = not fetches
        return intake.fetch(*offsets)

    monkeypatch.setattr(intake.consumer, "getmany", getmany)
    await intake.consumer._drain_messages(fetcher)
    assert intake.waiting() == [0, 1, 2]


@pytest.mark.parametrize("stopping", [True, False])
async def test_cancelled_it_ends_quietly_only_when_the_application_stops(
    intake: Intake, monkeypatch: pytest.MonkeyPatch, *, stopping: bool
) -> None:
    """Any other end is Faust's to deal with: a fetcher that is gone unnoticed fetches no more."""
    monkeypatch.setattr(intake.consumer, "getmany", lambda **_: intake.fetch(*range(30)))
    draining = asyncio.ensure_future(
        intake.consumer._drain_messages(SimpleNamespace(should_stop=False))
    )
    await intake.until(lambda: bool(intake.consumer.crowded), "held up")
    if stopping:
        intake.app._stopped.set()

    draining.cancel()
    await asyncio.wait([draining], timeout=SECONDS)
    assert draining.done()
    assert draining.cancelled() is not stopping
