"""aiokafka's producer, built as we need it and given up when it is beyond repair.

Two facts shape this (aiokafka 0.14). An idempotent producer retries for ever, so a deadline of
ours ends a call, and what it queued must then be thrown away, or an outage fills the memory. And
a batch that fails for good leaves a gap in the sequence numbers, after which the broker refuses
the partition's every batch (aio-libs/aiokafka#1017): such a producer is replaced, never reused.
"""

import asyncio
from contextlib import suppress
from itertools import chain

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaConnectionError, KafkaError

from pravah_shared.kafka.connection import client_options
from pravah_shared.kafka.table import DEAD_LETTER_HEADROOM_BYTES, MAX_MESSAGE_BYTES
from pravah_shared.settings import Settings

LINGER_MS = 5
"""Waiting this long for company multiplies throughput and is not felt by a learner."""
BATCH_BYTES = 256 * 1024
REQUEST_TIMEOUT_MS = 10_000
"""A broker that hangs this long is asked again on a new connection."""
ABANDON_SECONDS = 5.0


def create(settings: Settings, client_id: str, transactional_id: str | None) -> AIOKafkaProducer:
    """Build a producer; connects nowhere yet. Every record is acknowledged by all in sync."""
    return AIOKafkaProducer(
        **client_options(settings),
        client_id=client_id,
        transactional_id=transactional_id,
        enable_idempotence=True,
        acks="all",
        linger_ms=LINGER_MS,
        max_batch_size=BATCH_BYTES,
        # On batches of progress reports a third of lz4's time at aiokafka's level, two thirds of
        # its size; a tenth of the input.
        compression_type="zstd",
        # Topics set their own, lower limits: see Publisher.
        max_request_size=MAX_MESSAGE_BYTES + DEAD_LETTER_HEADROOM_BYTES,
        request_timeout_ms=REQUEST_TIMEOUT_MS,
    )


def is_dead(producer: AIOKafkaProducer) -> bool:
    """Whether its background task has ended: nothing it takes would ever be sent."""
    task = producer._sender.sender_task  # noqa: SLF001 - aiokafka tells it nowhere else
    return task is not None and task.done()


def cause_of_death(producer: AIOKafkaProducer) -> BaseException | None:
    """What ended a dead producer."""
    task = producer._sender.sender_task  # noqa: SLF001 - see is_dead
    return None if task is None or task.cancelled() else task.exception()


async def abandon(producer: AIOKafkaProducer) -> None:
    """Close without sending what is queued; calls that wait for it fail at once. Never raises.

    `stop()` alone would first deliver the queue, that is, wait for as long as the outage lasts.
    """
    sender, queue = producer._sender, producer._message_accumulator  # noqa: SLF001 - see above
    lost = KafkaConnectionError("the producer was replaced before Kafka acknowledged")
    with suppress(KafkaError, OSError, TimeoutError):
        async with asyncio.timeout(ABANDON_SECONDS):
            if sender.sender_task is not None:
                sender.sender_task.cancel()
            await producer.client.close()  # so that requests in flight fail now
            if sender.sender_task is not None:
                await asyncio.wait({sender.sender_task}, timeout=ABANDON_SECONDS / 2)
            batches = [*chain.from_iterable(queue._batches.values()), *queue._pending_batches]  # noqa: SLF001
            queue.fail_all(lost)
            for batch in batches:
                batch._drain_waiter.exception()  # noqa: SLF001 - or asyncio logs it as forgotten
            await producer.stop()
