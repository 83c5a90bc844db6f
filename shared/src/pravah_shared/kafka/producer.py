"""aiokafka's producer, built as we need it and given up when it is beyond repair.

Two facts shape this (aiokafka 0.14). An idempotent producer retries for ever, so a deadline of
ours ends a call, and what it queued must then be thrown away, or an outage fills the memory. And
a batch that fails for good leaves a gap in the sequence numbers, after which the broker refuses
the partition's every batch (aio-libs/aiokafka#1017): such a producer is replaced, never reused.
"""

import asyncio
from itertools import chain
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaConnectionError

from pravah_shared.kafka.connection import client_options
from pravah_shared.kafka.table import DEAD_LETTER_HEADROOM_BYTES, MAX_MESSAGE_BYTES
from pravah_shared.settings import Settings

BATCH_BYTES = 256 * 1024
REQUEST_TIMEOUT_MS = 10_000
"""A broker that hangs this long is asked again on a new connection."""
ABANDON_SECONDS = 2.0
POLL_SECONDS = 0.05


def create(settings: Settings, client_id: str, transactional_id: str | None) -> AIOKafkaProducer:
    """Build a producer; connects nowhere yet. Every record is acknowledged by all in sync."""
    return AIOKafkaProducer(
        **client_options(settings),
        client_id=client_id,
        transactional_id=transactional_id,
        enable_idempotence=True,
        acks="all",
        # No linger_ms: what comes together is given together (a call's records; those of many calls
        # by `kafka.gathering`), and what comes while a request is under way goes with the next.
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

    `stop()` would first deliver the queue, that is, wait for as long as the outage lasts. The
    client has no other way to close, so this one reaches inside (aiokafka 0.14, tests hold it).
    """
    producer._closed = True  # noqa: SLF001 - stop() would set it
    await producer.client.close()  # requests in flight fail now
    await _end_sender(producer)
    await producer.client.close()  # on its way out the sender may have connected again
    lost = KafkaConnectionError("the producer was replaced before Kafka acknowledged")
    queue = producer._message_accumulator  # noqa: SLF001
    queue._exception = lost  # noqa: SLF001 - refuses what still comes
    queued = list(chain.from_iterable(queue._batches.values()))  # noqa: SLF001
    # A batch takes itself out of these when its future is done, also while it waits for a retry.
    queue._pending_batches.update(queued)  # noqa: SLF001
    for batch in list(queue._pending_batches):  # noqa: SLF001
        waiters = [future for future, _ in batch._msg_futures]  # noqa: SLF001
        _fail([batch._drain_waiter, batch.future, *waiters], lost)  # noqa: SLF001
    transaction = producer._txn_manager._transaction_waiter  # noqa: SLF001
    _fail([] if transaction is None else [transaction], lost)


def _fail(waiters: list[asyncio.Future[Any]], error: Exception) -> None:
    for waiter in waiters:
        if not waiter.done():
            waiter.set_exception(error)
        if not waiter.cancelled():
            waiter.exception()  # a call that has gone does not ask: no complaint in the log


async def _end_sender(producer: AIOKafkaProducer) -> None:
    task, client = producer._sender.sender_task, producer.client  # noqa: SLF001
    polls = int(ABANDON_SECONDS / POLL_SECONDS)
    for poll in range(polls if task is not None else 0):
        # At first only its loop is cancelled, and it waits for its requests to end; then whatever
        # it still waits for (a coordinator that will not answer).
        if poll == 0 or poll > polls / 2:
            task.cancel()
        # A closed client answers nobody who asked for fresh metadata.
        if client._md_update_fut is not None and not client._md_update_fut.done():  # noqa: SLF001
            client._md_update_fut.set_result(False)  # noqa: SLF001
        await asyncio.wait({task}, timeout=POLL_SECONDS)
        if task.done():
            return
