"""Sends records of one partition as whole batches: one future for a batch instead of one each.

`AIOKafkaProducer.send` looks up the topic, hashes the key and makes a future for every record; that
costs several times what the record itself does.
"""

import asyncio
from collections.abc import Iterator, Sequence
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.partitioner import DefaultPartitioner
from aiokafka.record.default_records import DefaultRecordBatchBuilder

from pravah_shared.codec import Encoded
from pravah_shared.errors import Refused
from pravah_shared.kafka.table import TOPICS

_PARTITIONER = DefaultPartitioner()


def partition_of(key: bytes | None, partitions: int) -> int:
    """Return the partition in which every producer puts `key`; any one for records without."""
    found: int = _PARTITIONER(key, range(partitions), None)
    return found


async def send_packed(
    producer: AIOKafkaProducer, topic: str, partition: int, records: Sequence[Encoded]
) -> list[int]:
    """Send records to a partition, in order; return their offsets once acknowledged.

    Raises what the producer does: then any part of them may be in the log.
    """
    counts: list[int] = []
    waiting: list[asyncio.Future[Any]] = []
    try:
        for batch in _packed(producer, records):
            counts.append(batch.record_count())
            waiting.append(await producer.send_batch(batch, topic, partition=partition))
        written = await asyncio.gather(*waiting)
    finally:
        for future in waiting:
            future.cancel()  # only of a failed call: nobody will ask for the others
    return [
        offset
        for count, placed in zip(counts, written, strict=True)
        for offset in range(placed.offset, placed.offset + count)
    ]


def _packed(producer: AIOKafkaProducer, records: Sequence[Encoded]) -> Iterator[Any]:
    """Yield closed batches: the producer lets open ones wait for more."""
    batch = producer.create_batch()
    for record in records:
        _, key, value, headers = record
        if batch.append(timestamp=None, key=key, value=value, headers=headers) is None:
            yield batch  # full, and closed by that
            batch = producer.create_batch()
            batch.append(timestamp=None, key=key, value=value, headers=headers)  # always fits
    batch.close()
    yield batch


def refuse_too_large(record: Encoded) -> None:
    """Raise Refused for a record that its topic cannot take."""
    size = DefaultRecordBatchBuilder.estimate_size_in_bytes(
        record.key, record.value, record.headers
    )
    limit = TOPICS[record.topic].max_message_bytes
    if size > limit:
        key = (record.key or b"")[:64]
        raise Refused(
            f"a record of {size} bytes for topic {record.topic}, key {key!r}, is above the limit "
            f"of {limit}; split or shorten it"
        )
