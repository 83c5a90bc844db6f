"""What the engines do at moments that a real broker rarely arranges."""

import asyncio
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import CommitFailedError, IllegalStateError, KafkaConnectionError
from faust.transport.drivers.aiokafka import Consumer
from faust.types import TP

from pravah_cli.testing.fake_kafka import FakeKafka
from pravah_shared.errors import StoreUnavailable
from pravah_shared.processing import faust_runner
from pravah_shared.processing.aiokafka_runner import AiokafkaRunner
from pravah_shared.processing.faust_client import ConsumerThread, HandledOnlyConsumer
from pravah_shared.processing.faust_runner import EXIT_BROKEN, FaustRunner
from pravah_shared.processing.offsets import Offsets
from pravah_shared.processing.stream import build_stream
from pravah_shared.settings import Settings

PLACE = TP("enrolled", 0)


class Message:
    """A Faust message."""

    tp = PLACE

    def __init__(self, offset: int, generation_id: int) -> None:
        self.offset = offset
        self.generation_id = generation_id


@pytest.fixture
def consumer(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return Faust's consumer under our rules, in generation 1, without a broker."""
    consumer: Any = HandledOnlyConsumer.__new__(HandledOnlyConsumer)
    consumer.app = SimpleNamespace(consumer_generation_id=1)
    consumer.offsets, consumer.delivered, consumer._unacked_messages = Offsets(), {}, set()
    consumer.offsets.assign([PLACE])
    consumer.sought, consumer.sent, consumer.broker_answers = 0, [], True

    async def perform_seek() -> None:
        consumer.sought += 1

    async def commit(due: Any) -> bool:
        consumer.sent.append(due)
        return bool(consumer.broker_answers)

    consumer.perform_seek, consumer._thread = perform_seek, SimpleNamespace(commit=commit)
    return consumer


async def test_faust_acknowledging_moves_no_offset(consumer: Any) -> None:
    """An agent that dies, is cancelled or stopped acknowledges what it was given."""
    consumer.ack(Message(0, 1))
    assert not await consumer.force_commit()
    assert consumer.sent == []


async def test_faust_commits_what_was_handled_until_the_broker_agrees(consumer: Any) -> None:
    """A refused commit is made up for by the next; nothing is sent twice after that."""
    consumer.handled([Message(0, 1), Message(1, 1)])
    consumer.broker_answers = False
    assert not await consumer.force_commit()
    consumer.broker_answers = True
    assert await consumer.force_commit()
    assert not await consumer.force_commit()
    assert consumer.sent == [{PLACE: 2}, {PLACE: 2}]


async def test_faust_commits_no_message_of_an_earlier_generation(consumer: Any) -> None:
    """It comes again, after others that have no effect yet."""
    consumer.app.consumer_generation_id = 2
    consumer.handled([Message(7, 1)])
    assert not await consumer.force_commit()


@pytest.mark.parametrize(("rebalanced", "delivered"), [(False, [5, 6]), (True, [])])
async def test_faust_throws_away_a_fetch_that_spans_a_rebalance(
    consumer: Any, monkeypatch: pytest.MonkeyPatch, *, rebalanced: bool, delivered: list[int]
) -> None:
    """It holds records beyond the committed offset; those before them would never be read."""

    async def fetch(_self: Any, _timeout: float) -> AsyncIterator[tuple[TP, Any]]:
        if rebalanced:
            consumer.app.consumer_generation_id = 2
        for offset in (5, 6):
            yield PLACE, Message(offset, consumer.app.consumer_generation_id)

    monkeypatch.setattr(Consumer, "getmany", fetch)
    assert [found.offset async for _, found in consumer.getmany(1.0)] == delivered
    assert consumer.sought == int(rebalanced)


async def test_faust_goes_back_to_the_beginning_where_nothing_was_committed() -> None:
    """Aiokafka leaves such a partition where it is: after what was read and thrown away."""
    other = TP("enrolled", 1)
    back: list[TP] = []

    async def committed() -> dict[TP, int | None]:
        return {PLACE: None, other: 4}

    async def seek_to_beginning(*places: TP) -> None:
        back.extend(places)

    thread: Any = ConsumerThread.__new__(ConsumerThread)
    thread._consumer = SimpleNamespace(
        seek_to_committed=committed, seek_to_beginning=seek_to_beginning
    )
    await thread._seek_to_committed()
    assert back == [PLACE]


class Left(BaseException):
    """The process would be gone."""


@pytest.mark.parametrize("cause", [RuntimeError("a bug of the loop"), asyncio.CancelledError()])
async def test_faust_ends_the_process_when_a_batch_cannot_be_finished(
    monkeypatch: pytest.MonkeyPatch, cause: BaseException
) -> None:
    """Any other way out of the agent lets Faust acknowledge the batch."""
    runner = FaustRunner(build_stream(Settings(), "certificate", Idle(), FakeKafka()))
    statuses: list[int] = []

    def leave(status: int, _why: str) -> None:
        statuses.append(status)
        raise Left

    async def break_down(_records: Any) -> None:
        raise cause

    monkeypatch.setattr(faust_runner, "leave_process", leave)
    monkeypatch.setattr(runner._stream.loop, "run_batch", break_down)
    with pytest.raises(Left):
        await runner._run_batch([])
    assert statuses == [EXIT_BROKEN]
    assert not runner._idle.is_set()


class Idle:
    """A handler that is never asked."""

    topics = frozenset({"enrolled"})

    async def handle(self, batch: Any) -> Any:
        """Never called."""
        raise StoreUnavailable

    async def sweep(self) -> Any:
        """Never called."""
        raise StoreUnavailable


@pytest.mark.parametrize(
    "refusal", [CommitFailedError(), IllegalStateError("not assigned"), KafkaConnectionError()]
)
async def test_aiokafka_outlives_a_refused_commit(refusal: Exception) -> None:
    """The group went on without us, or the broker is away: the offset stays due."""
    runner = AiokafkaRunner(build_stream(Settings(), "progress", Idle(), FakeKafka()))
    place = TopicPartition("enrolled", 0)
    runner.rebalanced([place], assigned=True)
    runner._offsets.done(runner._offsets.epoch, {place: 3})

    async def refuse(_due: Any) -> None:
        raise refusal

    consumer: Any = SimpleNamespace(commit=refuse)
    await runner._commit(consumer)
    assert runner._offsets.due() == {place: 3}


async def test_aiokafka_forgets_its_epoch_when_partitions_are_revoked() -> None:
    """What is in hand then may not be committed any more."""
    runner = AiokafkaRunner(build_stream(Settings(), "progress", Idle(), FakeKafka()))
    place = TopicPartition("enrolled", 0)
    runner.rebalanced([place], assigned=True)
    fetched_in = runner._offsets.epoch
    runner.rebalanced([place], assigned=False)
    runner.rebalanced([place], assigned=True)
    runner._offsets.done(fetched_in, {place: 3})
    assert runner._offsets.due() == {}


async def test_faust_has_no_lag_before_its_consumer_is_there() -> None:
    """The application says `started` first: asking it then ended the process."""
    runner = FaustRunner(build_stream(Settings(), "certificate", Idle(), FakeKafka()))
    runner._app = SimpleNamespace(started=True)  # type: ignore[assignment]  # without a consumer
    assert await runner._lags() == {}
