"""Publishing to the real broker."""

import asyncio
import os
from datetime import UTC, datetime
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer
from prometheus_client import REGISTRY

from pravah_shared.codec import Encoded, decode
from pravah_shared.errors import BrokerUnavailable, Fenced, Refused
from pravah_shared.events import Event, Person, PersonErased, Progressed, Withdrawn, new_event
from pravah_shared.kafka import producer as producers
from pravah_shared.kafka.publisher import Publisher
from pravah_shared.kafka.reader import TopicReader
from pravah_shared.kafka.table import MAX_MESSAGE_BYTES
from pravah_shared.kafka.topics import TOPICS
from pravah_shared.record import Record
from pravah_shared.settings import Settings

NOW = datetime(2025, 6, 1, tzinfo=UTC)


def report(learner: str, number: int) -> Event[Progressed]:
    """Give one event of a learner."""
    fact = Progressed(
        report_id=f"{learner}-{number}", learner_id=learner, course_id="c", received_at=NOW
    )
    return new_event(fact, source="/pravah/progress", time=NOW)


async def everything(settings: Settings, topic: str, at_least: int = 0) -> list[Record]:
    """Read a topic to its end, as a reader that sees no aborted transaction.

    A transaction is committed for good before each partition shows it: wait for `at_least`.
    """
    found: list[Record] = []
    async with TopicReader(settings, [topic]) as reader, asyncio.timeout(20):
        while len(found) < at_least or not await reader.at_end():
            found += await reader.read()
    return found


def open_producer(publisher: Publisher) -> AIOKafkaProducer:
    """Reach the client inside, to break it."""
    assert publisher._producer is not None
    return publisher._producer


@pytest.fixture
def transactional_id(test_settings: Settings) -> str:
    """Return an id no other test uses: they are the broker's, not the topic's."""
    return f"{test_settings.topic_prefix}relay-1"


async def test_events_are_in_the_log_where_the_answer_says(test_settings: Settings) -> None:
    """Each event is found, decoded and equal, at the position its place in the answer gives."""
    events = [report(f"learner-{n % 50}", n) for n in range(500)]
    async with Publisher(test_settings, client_id="test") as publisher:
        positions = await publisher.publish(events)

    found = [decode(record) for record in await everything(test_settings, "progressed")]

    by_position = {event.position: event.data for event in found}
    assert [by_position[position] for position in positions] == [event.data for event in events]
    assert {position.topic for position in positions} == {"progressed"}


async def test_one_key_keeps_its_order(test_settings: Settings) -> None:
    """A learner's events stay in one partition, in the order given."""
    async with Publisher(test_settings, client_id="test") as publisher:
        positions = await publisher.publish([report("learner", n) for n in range(200)])

    assert len({position.partition for position in positions}) == 1
    offsets = [position.offset for position in positions]
    assert offsets == sorted(offsets)


async def test_calls_share_batches(test_settings: Settings) -> None:
    """A thousand requests at once do not take a thousand round trips."""
    async with Publisher(test_settings, client_id="test") as publisher:
        await publisher.start()
        sent = 0
        send = open_producer(publisher)._sender._send_produce_req

        async def counted(*arguments: Any) -> None:
            nonlocal sent
            sent += 1
            await send(*arguments)

        open_producer(publisher)._sender._send_produce_req = counted
        await asyncio.gather(*(publisher.publish([report(f"l{n}", n)]) for n in range(1000)))

    assert sent < 100


async def test_a_tombstone_is_published(test_settings: Settings) -> None:
    """Erasure reaches the compacted topic as a record without a value."""
    async with Publisher(test_settings, client_id="test") as publisher:
        erased = new_event(PersonErased(learner_id="l"), source="/pravah/enrollment", time=NOW)
        await publisher.publish([erased])

    [record] = await everything(test_settings, "people")
    assert record.value is None
    assert decode(record).data == PersonErased(learner_id="l")


async def test_published_events_are_counted(test_settings: Settings) -> None:
    """The metric grows by what Kafka acknowledged, per topic and type."""
    labels = {"topic": "enrolled", "type": Withdrawn.type}
    before = REGISTRY.get_sample_value("pravah_events_published_total", labels) or 0
    fact = Withdrawn(enrollment_id="e", learner_id="l", course_id="c", term=1, withdrawn_at=NOW)
    async with Publisher(test_settings, client_id="test") as publisher:
        await publisher.publish([new_event(fact, source="/pravah/enrollment", time=NOW)] * 3)

    assert REGISTRY.get_sample_value("pravah_events_published_total", labels) == before + 3


async def test_nothing_to_publish_asks_nobody(test_settings: Settings) -> None:
    """An empty batch is done, whether Kafka is there or not."""
    away = test_settings.model_copy(update={"kafka_bootstrap": "127.0.0.1:1"})
    async with Publisher(away, client_id="test") as publisher:
        assert await publisher.publish([]) == []


async def test_a_raw_record_keeps_its_bytes(test_settings: Settings) -> None:
    """A dead letter is what came, byte for byte, whatever it was."""
    poison = Encoded("progress.dead", b"\xff", b"\x00\xfe", [("ce_id", b"\xff"), ("dead-x", b"1")])
    empty = Encoded("progress.dead", None, None, [("dead-reason", b"undecodable")])
    async with Publisher(test_settings, client_id="test") as publisher:
        await publisher.publish_records([poison, empty])

    first, second = await everything(test_settings, "progress.dead")
    assert (first.key, first.value) == (b"\xff", b"\x00\xfe")
    assert list(first.headers) == poison.headers
    assert (second.key, second.value) == (None, b"")


async def test_the_largest_record_fits_and_a_larger_is_refused(test_settings: Settings) -> None:
    """Up to the limit Kafka takes it, incompressible as it may be; above it is poison."""
    room = MAX_MESSAGE_BYTES - 200
    async with Publisher(test_settings, client_id="test") as publisher:
        await publisher.publish_records([Encoded("progressed", b"k", os.urandom(room), [])])
        with pytest.raises(Refused, match="progressed"):
            await publisher.publish_records(
                [Encoded("progressed", b"k", os.urandom(MAX_MESSAGE_BYTES), [])]
            )

    assert len(await everything(test_settings, "progressed")) == 1


async def test_the_largest_record_fits_the_dead_letters(test_settings: Settings) -> None:
    """A record at the limit, with the headers that say why it died, has a place to go."""
    headers = [("dead-error", os.urandom(4000))]
    record = Encoded("progress.dead", b"k", os.urandom(MAX_MESSAGE_BYTES), headers)
    async with Publisher(test_settings, client_id="test") as publisher:
        await publisher.publish_records([record])


async def test_one_too_large_event_keeps_the_whole_call_out(test_settings: Settings) -> None:
    """The loop will split the batch; nothing of it may be half published before."""
    person = Person(learner_id="l", version=1, ciphertext="x" * MAX_MESSAGE_BYTES, key_id="k")
    events = [report("l", 1), new_event(person, source="/pravah/enrollment", time=NOW)]
    async with Publisher(test_settings, client_id="test") as publisher:
        with pytest.raises(Refused):
            await publisher.publish(events)

    assert await everything(test_settings, "progressed") == []


async def test_an_unreachable_broker_is_transient(test_settings: Settings) -> None:
    """Entering succeeds, so that a service comes up; publishing says what to check."""
    away = test_settings.model_copy(update={"kafka_bootstrap": "127.0.0.1:1"})
    async with Publisher(away, client_id="test") as publisher:
        with pytest.raises(BrokerUnavailable, match=r"127\.0\.0\.1:1"):
            await publisher.publish([report("l", 1)])
        with pytest.raises(BrokerUnavailable):
            await publisher.ping()


async def test_ping_answers_when_kafka_does(test_settings: Settings) -> None:
    """Readiness asks the broker, not a flag."""
    async with Publisher(test_settings, client_id="test") as publisher:
        await publisher.ping()


async def test_a_missing_topic_is_transient_and_does_not_disturb_others(
    test_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A topic not applied yet is an outage of that topic, not of the publisher."""
    monkeypatch.setitem(TOPICS, "missing", TOPICS["progressed"])
    async with Publisher(test_settings, client_id="test", timeout_seconds=30) as publisher:
        await publisher.start()
        producer = open_producer(publisher)
        producer.client._request_timeout_ms = 300
        with pytest.raises(BrokerUnavailable, match="topics apply"):
            await publisher.publish_records([Encoded("missing", b"k", b"v", [])])

        assert open_producer(publisher) is producer
        await publisher.publish([report("l", 1)])


async def test_a_broken_sequence_is_healed_by_a_new_producer(test_settings: Settings) -> None:
    """aiokafka#1017: the broker refuses the producer for ever; ours is replaced."""
    async with Publisher(test_settings, client_id="test") as publisher:
        await publisher.publish([report("l", 1)])
        numbers = open_producer(publisher)._txn_manager._sequence_numbers
        for partition in numbers:
            numbers[partition] += 7
        with pytest.raises(BrokerUnavailable, match="OutOfOrderSequenceNumber"):
            await publisher.publish([report("l", 2)])

        await publisher.publish([report("l", 2)])

    assert len(await everything(test_settings, "progressed")) == 2


async def test_a_dead_client_is_replaced(test_settings: Settings) -> None:
    """Were the client's background task to end, no call would wait for it in vain."""
    async with Publisher(test_settings, client_id="test") as publisher:
        await publisher.start()
        task = open_producer(publisher)._sender.sender_task
        task.cancel()
        await asyncio.wait({task})

        await publisher.publish([report("l", 1)])


async def test_an_abandoned_producer_keeps_no_connection(
    test_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A request that is on its way when the client closes opens a new connection; it is closed."""
    producer = producers.create(test_settings, "test", None)
    await producer.start()
    (broker,) = producer.client.cluster.brokers()
    end_sender = producers._end_sender

    async def end_after_one_more_request(ending: AIOKafkaProducer) -> None:
        assert await ending.client.ready(broker.nodeId)
        await end_sender(ending)

    monkeypatch.setattr(producers, "_end_sender", end_after_one_more_request)
    await producers.abandon(producer)

    assert not [one for one in producer.client._conns.values() if one.connected()]


async def test_a_cancelled_call_leaves_the_publisher_usable(test_settings: Settings) -> None:
    """A client that hangs up must not take the others' publisher with it."""
    async with Publisher(test_settings, client_id="test") as publisher:
        await publisher.start()
        call = asyncio.create_task(publisher.publish([report("l", 1)]))
        await asyncio.sleep(0)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call

        await publisher.publish([report("l", 2)])


async def test_a_transaction_is_seen_whole(test_settings: Settings, transactional_id: str) -> None:
    """What one call publishes, over several topics, appears together."""
    async with Publisher(
        test_settings, client_id="t", transactional_id=transactional_id
    ) as publisher:
        await publisher.publish([report(f"l{n}", n) for n in range(20)])
        await publisher.publish([report("l", 21)])

    assert len(await everything(test_settings, "progressed", at_least=21)) == 21


async def test_a_newer_publisher_fences_the_older(
    test_settings: Settings, transactional_id: str
) -> None:
    """A zombie relay cannot write any more, and does not fight back by itself."""
    old = Publisher(test_settings, client_id="old", transactional_id=transactional_id)
    new = Publisher(test_settings, client_id="new", transactional_id=transactional_id)
    async with old, new:
        await old.publish([report("l", 1)])
        await new.start()
        for _ in range(2):
            with pytest.raises(Fenced, match=transactional_id):
                await old.publish([report("l", 2)])

        await new.publish([report("l", 3)])

    records = await everything(test_settings, "progressed", at_least=2)
    found = [decode(record).data for record in records]
    assert found == [report("l", 1).data, report("l", 3).data]


async def test_a_dead_transactional_client_is_not_revived_by_publishing(
    test_settings: Settings, transactional_id: str
) -> None:
    """A new one would fence who took over, and publish what was read before: old after new."""
    old = Publisher(test_settings, client_id="old", transactional_id=transactional_id)
    new = Publisher(test_settings, client_id="new", transactional_id=transactional_id)
    async with old, new:
        await old.start()
        task = open_producer(old)._sender.sender_task
        task.cancel()
        await asyncio.wait({task})
        await new.start()

        with pytest.raises(BrokerUnavailable):
            await old.publish([report("l", 1)])
        await new.publish([report("l", 2)])

        await old.start()
        await old.publish([report("l", 3)])

    records = await everything(test_settings, "progressed", at_least=2)
    assert [decode(record).data for record in records] == [report("l", 2).data, report("l", 3).data]


async def test_a_transaction_cut_in_the_middle_is_never_seen(
    test_settings: Settings, transactional_id: str
) -> None:
    """What a process wrote and did not commit before it died is invisible, then and later."""
    async with Publisher(
        test_settings, client_id="t", transactional_id=transactional_id
    ) as publisher:
        await publisher.start()
        commit = cut(open_producer(publisher))
        call = asyncio.create_task(publisher.publish([report("l", 1)]))
        await commit.wait()
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call

        await publisher.publish([report("l", 2)])

    records = await everything(test_settings, "progressed", at_least=1)
    assert [decode(record).data for record in records] == [report("l", 2).data]


def cut(producer: AIOKafkaProducer) -> asyncio.Event:
    """Make the producer hang where it would commit; the event says that it got there."""
    reached = asyncio.Event()

    async def hang() -> None:
        reached.set()
        await asyncio.Event().wait()

    producer.commit_transaction = hang
    return reached


async def test_concurrent_transactions_take_turns(
    test_settings: Settings, transactional_id: str
) -> None:
    """A producer has one transaction at a time; callers need not know."""
    async with Publisher(
        test_settings, client_id="t", transactional_id=transactional_id
    ) as publisher:
        await asyncio.gather(*(publisher.publish([report("l", n)]) for n in range(10)))

    assert len(await everything(test_settings, "progressed", at_least=10)) == 10
