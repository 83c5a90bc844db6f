"""Completions as they appear on a topic: how a run is followed from outside."""

import time
from collections.abc import Collection
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from aiokafka import AIOKafkaConsumer

from bench.contest.judging import completion_in
from bench.machine import cpu_seconds
from pravah_cli.local.process import PartError, tail
from pravah_cli.local.running import Running
from pravah_shared.kafka.connection import client_options
from pravah_shared.record import Record
from pravah_shared.settings import Settings

POLL_MS = 20
IDLE_SECONDS = 40.0
"""Nothing new for so long: nothing will come. A killed member is given up after ten seconds, a
library may begin again only after that, on a machine that is busy with its peers."""


@dataclass(frozen=True, slots=True)
class Seen:
    """How many of the wanted completions were seen, when that was, and the CPU time until then."""

    count: int
    at: float
    cpu_seconds: float


@dataclass(slots=True)
class Watch:
    """Reads `completed` as it grows; unless `committed`, also what a transaction still holds."""

    settings: Settings
    committed: bool = False
    enrollments: set[str] = field(default_factory=set)
    """Enrollments whose completion was seen."""
    _consumer: AIOKafkaConsumer = field(init=False)

    async def __aenter__(self) -> Self:
        self._consumer = AIOKafkaConsumer(
            f"{self.settings.topic_prefix}completed",
            **client_options(self.settings),
            group_id=None,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            isolation_level="read_committed" if self.committed else "read_uncommitted",
        )
        await self._consumer.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._consumer.stop()

    async def reach(
        self,
        wanted: Collection[str],
        count: int,
        process: Running,
        idle_seconds: float = IDLE_SECONDS,
    ) -> Seen:
        """Return as soon as `count` of the wanted enrollments are seen; or when nothing comes.

        Raises:
            PartError: the process ended.
        """
        wanted = set(wanted)
        seen = Seen(len(wanted & self.enrollments), time.perf_counter(), cpu_seconds(process.pid))
        while seen.count < count and time.perf_counter() - seen.at < idle_seconds:
            if not process.alive:
                raise PartError(f"{process.name} ended by itself:\n{tail(process.log)}")
            await self._poll()
            if (now := len(wanted & self.enrollments)) > seen.count:
                seen = Seen(now, time.perf_counter(), cpu_seconds(process.pid))
        return seen

    async def _poll(self) -> None:
        for partition, found in (await self._consumer.getmany(timeout_ms=POLL_MS)).items():
            for one in found:
                record = Record(partition.topic, one.partition, one.offset, one.key, one.value)
                if completion := completion_in(record):
                    self.enrollments.add(completion.enrollment_id)
