"""The plain engine: aiokafka's batches over all owned partitions, commits driven by hand."""

import asyncio
from collections.abc import Collection, Mapping
from contextlib import suppress
from typing import Any

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import IllegalStateError, KafkaError

from pravah_shared.errors import BreakerOpen, BrokerUnavailable
from pravah_shared.kafka.connection import started
from pravah_shared.processing.consuming import consumer_options, record_of
from pravah_shared.processing.failpoints import reach
from pravah_shared.processing.offsets import Offsets
from pravah_shared.processing.stream import Stream
from pravah_shared.processing.tasks import until_first_ends
from pravah_shared.processing.watchdog import Lags, Watchdog
from pravah_shared.telemetry.logs import get_logger

log = get_logger()

POLL_SECONDS = 0.5
"""Most time between two looks at whether to stop, and until a commit that failed is made up for."""
COMMIT_SECONDS = 15.0
"""Deadline of a commit."""
BETWEEN_COMMITS_SECONDS = 0.1
"""What a crash repeats, beside the batch in hand. Small batches come many times as often."""


class AiokafkaRunner:
    """Runs a stream on aiokafka. See `runner.Runner` for what it promises."""

    name = "aiokafka"

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._offsets: Offsets[TopicPartition] = Offsets()
        self._in_hand: dict[TopicPartition, int] = {}
        self._stopping = asyncio.Event()
        self._done = asyncio.Event()
        self._consuming: asyncio.Future[None] | None = None
        self._consumer: AIOKafkaConsumer | None = None

    @property
    def ready(self) -> bool:
        """See `Runner`."""
        return self._stream.health.ready and not self._stopping.is_set()

    def alive(self) -> bool:
        """See `Runner`."""
        return self._stream.health.alive()

    async def run(self) -> None:
        """See `Runner`."""
        stream = self._stream
        self._consuming = asyncio.ensure_future(self._consume())
        try:
            await until_first_ends(
                self._consumed(self._consuming),
                self._keep_committing(),
                stream.sweeper.run(),
                Watchdog(stream.health, self._lags).run(),
            )
        finally:
            stream.health.joined = False
            if self._consumer is not None:
                await self._commit(self._consumer)
                await self._consumer.stop()

    async def stop(self) -> None:
        """See `Runner`. `run` ends on its own once the batch in hand is done or dropped."""
        self._stopping.set()
        if self._consuming is not None:
            await asyncio.wait([self._consuming], timeout=self._stream.settings.stop_grace_seconds)
            self._consuming.cancel()

    async def _consumed(self, consuming: "asyncio.Future[None]") -> None:
        """Await the end of consuming; that `stop` cut it short after the grace is a normal one."""
        try:
            await consuming
        except asyncio.CancelledError:
            if not self._stopping.is_set() or not consuming.cancelled():
                raise
            log.warning("batch.dropped", reason="stopped; uncommitted, will be delivered again")

    async def _join(self) -> AIOKafkaConsumer:
        """Build a consumer and join the group; BrokerUnavailable while no broker answers."""
        stream = self._stream
        consumer = AIOKafkaConsumer(**consumer_options(stream.settings, stream.group))
        try:
            await started(consumer.start())
            consumer.subscribe(topics=stream.topics, listener=Rebalances(self))
        except BaseException as error:
            await consumer.stop()
            if isinstance(error, KafkaError):
                msg = f"cannot join {stream.group} at {stream.settings.kafka_bootstrap}: {error!r}"
                raise BrokerUnavailable(msg) from error
            raise
        return consumer

    async def _consume(self) -> None:
        consumer = await self._stream.loop.retry("join", self._join)
        self._consumer = consumer
        try:
            while not self._stopping.is_set():
                await self._turn(consumer)
        except BreakerOpen as error:
            self._stream.health.halt(error)
            log.critical("breaker.open", message=str(error))
            # Stays as it is, offsets unmoved, for a person to look at.
            await self._stopping.wait()
            raise

    async def _turn(self, consumer: AIOKafkaConsumer) -> None:
        """Fetch and run one batch. Its commit goes beside the next one."""
        # No deadline around it: asyncio would add a turn of the event loop between the client's
        # last look at the assignment and ours at the epoch.
        found = await consumer.getmany(
            timeout_ms=int(POLL_SECONDS * 1000),
            max_records=self._stream.settings.batch_records,
        )
        epoch = self._offsets.epoch
        if found:
            await self._run_batch(found)
            next_offsets = {tp: records[-1].offset + 1 for tp, records in found.items()}
            # 1. Everything in `found` has its effect. 2. Only now may the offsets pass.
            self._offsets.done(epoch, next_offsets)
            self._done.set()

    async def _run_batch(self, found: Mapping[TopicPartition, Any]) -> None:
        name = self._stream.without_prefix
        records = [record_of(name(tp.topic), one) for tp, many in found.items() for one in many]
        self._in_hand = {tp: many[0].offset for tp, many in found.items()}
        try:
            await self._stream.loop.run_batch(records)
        finally:
            self._in_hand = {}

    async def _keep_committing(self) -> None:
        """Commit what is done, for ever: no batch waits for the broker's word on the one before."""
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._done.wait(), POLL_SECONDS)
            fresh = self._done.is_set()
            self._done.clear()
            if fresh:
                await reach("before_commit")
            if self._consumer is not None:
                await self._commit(self._consumer)
            if fresh:
                await reach("after_commit")
            await asyncio.sleep(BETWEEN_COMMITS_SECONDS)

    async def _commit(self, consumer: AIOKafkaConsumer) -> None:
        """Commit what is done and owned. Failing costs a redelivery, never a record."""
        due, epoch = self._offsets.due(), self._offsets.epoch
        if not due:
            return
        try:
            async with asyncio.timeout(COMMIT_SECONDS):
                await consumer.commit(due)
        except (KafkaError, IllegalStateError, TimeoutError) as error:
            # CommitFailed, IllegalGeneration, UnknownMember: the group went on without us; the
            # rebalance under way resets our positions to what is committed.
            log.warning("commit.failed", error=type(error).__name__, partitions=len(due))
        else:
            self._offsets.committed(epoch, due)

    def rebalanced(self, partitions: Collection[TopicPartition], *, assigned: bool) -> None:
        """Take note of an assignment, or that all partitions were given back before one."""
        self._offsets.assign(partitions if assigned else ())
        self._stream.health.joined = assigned
        log.info("partitions.owned", partitions=len(self._offsets.owned), epoch=self._offsets.epoch)

    async def _lags(self) -> Lags:
        consumer = self._consumer
        lags: dict[tuple[str, int], int] = {}
        if consumer is None:
            return lags
        for tp in sorted(self._offsets.owned & consumer.assignment()):
            end = consumer.highwater(tp)
            if end is not None:  # else nothing was fetched yet
                handled = self._in_hand.get(tp) or await consumer.position(tp)
                lags[self._stream.without_prefix(tp.topic), tp.partition] = max(0, end - handled)
        return lags


class Rebalances(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka is untyped
    """Tells the runner of assignments. Never waits: an outage must not hold up the group."""

    def __init__(self, runner: AiokafkaRunner) -> None:
        self._runner = runner

    def on_partitions_revoked(self, revoked: Collection[TopicPartition]) -> None:
        """Forget the epoch: nothing fetched in it may be committed any more."""
        self._runner.rebalanced(revoked, assigned=False)

    def on_partitions_assigned(self, assigned: Collection[TopicPartition]) -> None:
        """Begin an epoch."""
        self._runner.rebalanced(assigned, assigned=True)
