"""The heart: what happens to a batch between its fetch and its commit.

    decode → handle → publish, acks=all → acknowledge → (the runner commits)

1. A record that is no event of the contract becomes a dead letter.
2. `Transient` from any step is waited out in place; nothing is skipped meanwhile.
3. Any other error blames the batch. It is split in halves until one record stands alone; that
   one becomes a dead letter and the rest proceeds. Halves may repeat effects: they are idempotent.
4. `Loop.run_batch` returns only when every record has its effect and its events are in Kafka, or
   is a dead letter in Kafka. Then, and only then, its offset may be committed.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

from pravah_shared.codec import NO_READERS, Reader, decode
from pravah_shared.errors import BreakerOpen, ConfigurationError, place_of
from pravah_shared.events import Event
from pravah_shared.processing.breaker import Breaker
from pravah_shared.processing.dead_letters import Publisher, dead_letter, reason_of
from pravah_shared.processing.failpoints import reach
from pravah_shared.processing.handler import Handler, Outcome
from pravah_shared.processing.retry import Retry
from pravah_shared.record import Record
from pravah_shared.telemetry import metrics
from pravah_shared.telemetry.logs import get_logger
from pravah_shared.telemetry.observing import observe_all
from pravah_shared.telemetry.traces import batch_span

log = get_logger()


class Read(NamedTuple):
    """A record and the event in it."""

    record: Record
    event: Event[Any]


class Loop:
    """Applies a handler to batches. Knows no Kafka client and no offset."""

    def __init__(  # noqa: PLR0913 - a composition root's parts
        self,
        service: str,
        handler: Handler,
        publisher: Publisher,
        *,
        retry: Retry,
        breaker: Breaker,
        readers: Mapping[str, Reader] = NO_READERS,
    ) -> None:
        self.handler = handler
        self.retry = retry
        self.health = retry.health
        self._service = service
        self._publisher = publisher
        self._breaker = breaker
        self._readers = readers

    async def run_batch(self, records: Sequence[Record]) -> None:
        """Return when every record is done: its offset may be committed. Safe to repeat.

        Waits as long as an outage lasts. Cancelled, it leaves a batch that must be repeated.

        Raises:
            BreakerOpen: too many dead letters. No offset of the batch may be committed.
            ConfigurationError: this process cannot do its work as it is set up. The same holds.
            Exception: a dead letter could not be published, for ever. The same holds.
        """
        if not records:
            return
        started = time.perf_counter()
        with self._step("decode"):
            reads = await self._decode(records)
        topics = ",".join(sorted({record.topic for record in records}))
        with batch_span(topics, self.health.group, [read.event.traceparent for read in reads]):
            await self._settle(reads)
        self.health.beat()
        self._report(records, reads, time.perf_counter() - started)

    async def run_sweep(self) -> bool:
        """Let the handler decide what no record will bring up; return whether there is more.

        Raises:
            Exception: what the handler raises, except `Transient`, which is waited out.
        """
        outcome = await self.retry("sweep", self.handler.sweep)
        await self._conclude(outcome)
        return outcome.more

    async def _decode(self, records: Sequence[Record]) -> list[Read]:
        reads = []
        for record in records:
            try:
                reads.append(Read(record, decode(record, self._readers)))
            except Exception as error:  # noqa: BLE001 - whatever it is, it is about this record
                await self._bury(record, error)
        return reads

    async def _settle(self, reads: Sequence[Read]) -> None:
        """Handle `reads`, in halves when they cannot be handled together."""
        if not reads:
            return
        events = [read.event for read in reads]
        await reach("before_handle")
        try:
            with self._step("handle"):
                outcome = await self.retry("handle", lambda: self.handler.handle(events))
            await self._conclude(outcome)
        except (BreakerOpen, ConfigurationError):
            raise  # about this process: blamed on records, it would set a hundred aside
        except Exception as error:  # noqa: BLE001 - any error of the batch is one record's fault
            await self._split(reads, error)
        else:
            self._breaker.handled(len(reads))

    async def _split(self, reads: Sequence[Read], error: Exception) -> None:
        if len(reads) == 1:
            await self._bury(reads[0].record, error)
            return
        middle = len(reads) // 2
        log.warning("batch.split", events=len(reads), error=type(error).__name__)
        self.health.beat()
        await self._settle(reads[:middle])
        await self._settle(reads[middle:])

    async def _conclude(self, outcome: Outcome) -> None:
        """Publish, and only when Kafka has all of it, acknowledge."""
        if outcome.events:
            await reach("before_publish")
            with self._step("publish"):
                await self.retry("publish", lambda: self._publisher.publish(outcome.events))
            await reach("before_acknowledge")
        with self._step("acknowledge"):
            await self.retry("acknowledge", outcome.acknowledge)

    @contextmanager
    def _step(self, name: str) -> Iterator[None]:
        started = time.perf_counter()
        try:
            yield
        finally:
            seconds = time.perf_counter() - started
            metrics.BATCH_STEP_SECONDS.labels(self.health.group, name).observe(seconds)

    async def _bury(self, record: Record, error: Exception) -> None:
        # The breaker first: once it opens, nothing more leaves and the offset stays.
        self._breaker.dead()
        letter = dead_letter(record, error, service=self._service)
        await self.retry("dead_letter", lambda: self._publisher.publish_records([letter]))
        reason = reason_of(error)
        metrics.DEAD_LETTERS.labels(self.health.group, reason).inc()
        # No message here: a library's text may quote the record, and the letter has it all.
        log.error(
            "record.dead",
            topic=record.topic,
            partition=record.partition,
            offset=record.offset,
            reason=reason,
            error=type(error).__name__,
            raised_at=place_of(error),
        )

    def _report(self, records: Sequence[Record], reads: Sequence[Read], seconds: float) -> None:
        group, now = self.health.group, time.time()
        metrics.BATCH_SECONDS.labels(group).observe(seconds)
        metrics.BATCH_RECORDS.labels(group).observe(len(records))
        ages: dict[tuple[str, str], list[float]] = {}
        for record, event in reads:
            age_seconds = max(0.0, now - event.time.timestamp())
            ages.setdefault((record.topic, event.type), []).append(age_seconds)
        for (topic, event_type), seconds_each in ages.items():
            metrics.EVENTS_CONSUMED.labels(group, topic, event_type).inc(len(seconds_each))
            observe_all(metrics.EVENT_AGE_SECONDS.labels(group, topic), seconds_each)
        log.info(
            "batch.applied",
            topics=sorted({record.topic for record in records}),
            first_offset=records[0].offset,
            records=len(records),
            events=len(reads),
            seconds=round(seconds, 4),
        )
