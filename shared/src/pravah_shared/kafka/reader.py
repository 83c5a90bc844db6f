"""Reading topics from outside: tailing, counting, checking. Moves no group's offsets."""

from collections.abc import Sequence
from types import TracebackType
from typing import Self

from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError

from pravah_shared.errors import BrokerUnavailable
from pravah_shared.kafka.connection import client_options, started
from pravah_shared.record import Record
from pravah_shared.settings import Settings


class TopicReader:
    """All partitions of some topics, without a consumer group. An async context manager.

    `topics` are without the deployment's prefix. Reads from the oldest record kept, or with
    `from_end` only what arrives after entering. Records of aborted transactions are not seen.
    """

    def __init__(
        self, settings: Settings, topics: Sequence[str], *, from_end: bool = False
    ) -> None:
        self._prefix = settings.topic_prefix
        self._from_end = from_end
        self._consumer = AIOKafkaConsumer(
            *(self._prefix + topic for topic in topics),
            **client_options(settings),
            group_id=None,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            isolation_level="read_committed",
        )

    async def __aenter__(self) -> Self:
        try:
            await started(self._consumer.start())
            if self._from_end:
                await self._consumer.seek_to_end()
        except BaseException as error:
            await self._consumer.stop()
            if isinstance(error, KafkaError):
                raise BrokerUnavailable(f"cannot read from Kafka: {error!r}") from error
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._consumer.stop()

    async def read(self, *, wait_seconds: float = 0.5, limit: int = 5000) -> list[Record]:
        """Return what is there, in order per partition; empty when nothing came in time.

        Raises:
            BrokerUnavailable: ask again; nothing was skipped.
        """
        try:
            batches = await self._consumer.getmany(
                timeout_ms=int(wait_seconds * 1000), max_records=limit
            )
        except KafkaError as error:
            raise BrokerUnavailable(f"cannot read from Kafka: {error!r}") from error
        return [
            Record(
                topic=partition.topic.removeprefix(self._prefix),
                partition=partition.partition,
                offset=record.offset,
                key=record.key,
                value=record.value,
                headers=tuple(record.headers),
                timestamp_ms=record.timestamp,
            )
            for partition, records in batches.items()
            for record in records
        ]

    async def at_end(self) -> bool:
        """Whether everything that was in the topics when this was asked has been read.

        Compares positions, not the last record's offset: transactions leave offsets that are
        never delivered.
        """
        partitions = self._consumer.assignment()
        try:
            ends = await self._consumer.end_offsets(partitions)
            for partition, end in ends.items():
                if await self._consumer.position(partition) < end:
                    return False
        except KafkaError as error:
            raise BrokerUnavailable(f"cannot read from Kafka: {error!r}") from error
        return True
