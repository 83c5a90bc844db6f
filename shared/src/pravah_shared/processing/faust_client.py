"""Faust with its hands off the offsets: commits follow from finished work, not from its acks.

Read in Faust 0.15.3; `shared/tests/processing/test_engines.py` arranges each of these:

- Faust acknowledges what a stream yielded however the stream is left, so an error, a cancelled
  agent or a stop commits records without effect. Its search for gaps lets offsets pass that were
  never handled (#606). Here `commit` looks at `Offsets` alone, which only `handled` moves.
- A fetch that spans a rebalance delivers records from the positions of before, tagged with the
  new generation; those between never come (#216, #221: the event meant to prevent it is never
  cleared). Here such a fetch is thrown away and the positions are set back.
- Setting back skips partitions without a commit. Here they go back to their beginning.
- A refused commit crashes the application (it looks for "already rebalanced" in a text that has
  a line break there). Here the next commit makes up for it.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from typing import Any

import faust
from aiokafka import AIOKafkaConsumer
from aiokafka.errors import IllegalStateError, KafkaError
from faust.app.base import BootStrategy
from faust.transport.drivers.aiokafka import AIOKafkaConsumerThread, Transport
from faust.types import TP

from pravah_shared.processing.consuming import consumer_options
from pravah_shared.processing.failpoints import reach
from pravah_shared.processing.faust_intake import DirectConsumer
from pravah_shared.processing.offsets import Offsets
from pravah_shared.processing.stream import Stream
from pravah_shared.telemetry.logs import get_logger

log = get_logger()

COMMIT_SECONDS = 0.5
"""Time between commits: what a crash repeats."""


class ConsumerThread(AIOKafkaConsumerThread):
    """Faust's consumer thread around a consumer with our options."""

    app: "StreamApp"

    def _create_worker_consumer(self, transport: Transport) -> AIOKafkaConsumer:
        del transport
        return AIOKafkaConsumer(**self.app.consumer_options)

    async def seek_to_committed(self) -> Mapping[TP, int]:
        """Set all positions back to the committed offsets, or the beginning."""
        found: Mapping[TP, int] = await self.call_thread(self._seek_to_committed)
        return found

    async def _seek_to_committed(self) -> Mapping[TP, int | None]:
        consumer = self._ensure_consumer()
        committed: Mapping[TP, int | None] = await consumer.seek_to_committed()
        if never := [tp for tp, offset in committed.items() if not offset]:
            await consumer.seek_to_beginning(*never)
        return committed

    async def _commit(self, offsets: Mapping[TP, int]) -> bool:
        try:
            await self._ensure_consumer().commit(dict(offsets))
        except (KafkaError, IllegalStateError) as error:
            log.warning("commit.failed", error=type(error).__name__, partitions=len(offsets))
            return False
        return True


class HandledOnlyConsumer(DirectConsumer):
    """Commits what `handled` was told, and nothing else."""

    app: "StreamApp"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.offsets: Offsets[TP] = Offsets()
        self.delivered: dict[TP, int] = {}

    def _new_consumer_thread(self) -> ConsumerThread:
        return ConsumerThread(self, loop=self.loop, beacon=self.beacon)

    def handled(self, messages: Iterable[Any]) -> None:
        """Note finished records. Those of an earlier generation will come again."""
        now = self.app.consumer_generation_id
        next_offsets = {m.tp: m.offset + 1 for m in messages if m.generation_id == now}
        self.offsets.done(self.offsets.epoch, next_offsets)

    async def force_commit(self, *_: Any, **__: Any) -> bool:
        """Commit what is due. Called by Faust every COMMIT_SECONDS, one call at a time."""
        if self.offsets.due():
            await reach("before_commit")
        due, epoch = self.offsets.due(), self.offsets.epoch
        if not due or not await self._thread.commit(due):
            return False
        self.offsets.committed(epoch, due)
        await reach("after_commit")
        return True

    def ack(self, message: Any) -> bool:
        """Let Faust believe; forget the message."""
        self._unacked_messages.discard(message)
        return False

    async def getmany(self, timeout: float) -> AsyncIterator[tuple[TP, Any]]:  # noqa: ASYNC109 - Faust's
        """Deliver records of the assignment in which the fetch began."""
        generation = self.app.consumer_generation_id
        async for tp, message in super().getmany(timeout):
            if self.app.consumer_generation_id != generation:
                await self.perform_seek()
                return
            self.delivered[tp] = message.offset + 1
            yield tp, message

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Forget the epoch."""
        self._begin(())
        await super().on_partitions_revoked(revoked)

    async def on_partitions_assigned(self, assigned: set[TP], generation_id: int = 0) -> None:
        """Begin an epoch."""
        self._begin(assigned)
        await super().on_partitions_assigned(assigned, generation_id)
        self.app.health.joined = True

    def _begin(self, partitions: Iterable[TP]) -> None:
        self.app.health.joined = False
        self.delivered.clear()
        self.offsets.assign(tuple(partitions))
        log.info("partitions.owned", partitions=len(self.offsets.owned), epoch=self.offsets.epoch)

    def verify_event_path(self, now: float, tp: TP) -> None:
        """Nothing: `watchdog` watches, and acts."""

    async def lag(self, tp: TP) -> int:
        """Return how many records of a partition have no effect yet."""
        end, position = self.highwater(tp), await self.position(tp)
        if end is None or position is None:
            return 0
        unfetched: int = max(0, end - position)
        if tp not in self.delivered:
            return unfetched
        done = self.offsets.next_offset(tp)
        return unfetched + (1 if done is None else max(0, self.delivered[tp] - done))


class HandledOnlyTransport(Transport):
    """aiokafka with our consumer."""

    Consumer = HandledOnlyConsumer


class ConsumeOnly(BootStrategy):
    """No producer of Faust's, which drops what its futures say, and no web server."""

    enable_kafka_producer = False
    enable_web = False


class StreamApp(faust.App):
    """An application inside a running event loop: no files, tables, leader, producer or web."""

    BootStrategy = ConsumeOnly

    def __init__(self, stream: Stream) -> None:
        self.consumer_options = consumer_options(stream.settings, stream.group)
        self.health = stream.health
        super().__init__(
            stream.group,
            broker=f"kafka://{stream.settings.kafka_bootstrap.replace(',', ';kafka://')}",
            loop=asyncio.get_running_loop(),
            autodiscover=False,
            broker_commit_interval=COMMIT_SECONDS,
            key_serializer="raw",
            value_serializer="raw",
            stream_buffer_maxsize=stream.settings.batch_records,
            # Waiting hangs a rebalance for as long as an outage lasts.
            stream_wait_empty=False,
            table_standby_replicas=0,
            topic_allow_declare=False,
            topic_disable_leader=True,
            web_enabled=False,
        )

    def _new_transport(self) -> HandledOnlyTransport:
        return HandledOnlyTransport(self.conf.broker_consumer, self)

    def _create_directories(self) -> None:
        """Nothing: without tables there is nothing to keep."""
