"""The Faust engine: one agent per topic, under rules that make it safe.

- An agent lets no exception escape. With a batch in hand that cannot be finished, the process
  ends by `os._exit`: any other way out runs Faust's own endings, which acknowledge the batch.
- One agent per topic, one at a time (`concurrency=1`), on `take_events`, which keeps keys,
  headers and tombstones; bytes are decoded by the loop, not by Faust.
- The runner owns stopping: no new batch, grace for the one in hand, a last commit, then out.
"""

import asyncio
import logging
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, NoReturn

from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaError

from pravah_shared.errors import BreakerOpen, BrokerUnavailable
from pravah_shared.kafka.connection import client_options, started
from pravah_shared.processing.faust_client import HandledOnlyConsumer, StreamApp
from pravah_shared.processing.stream import Stream
from pravah_shared.processing.tasks import until_first_ends
from pravah_shared.processing.watchdog import Lags, Watchdog
from pravah_shared.record import Record
from pravah_shared.telemetry.logs import get_logger

log = get_logger()

TAKE_SECONDS = 0.1
"""How long a batch may gather. Adds to the age of an event that comes alone."""
LEAVE_SECONDS = 10.0
"""Deadline of the last commit and of Faust's own shutdown, each."""
EXIT_STOPPED = 0
EXIT_BROKEN = 70
"""os.EX_SOFTWARE: the supervisor restarts."""


def leave_process(status: int, why: str) -> NoReturn:
    """End the process now. What was not committed is delivered again."""
    log.warning("process.left", status=status, reason=why)
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


class FaustRunner:
    """Runs a stream as a Faust application. See `runner.Runner` for what it promises."""

    name = "faust"

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._in_hand = 0
        self._idle = asyncio.Event()
        self._idle.set()
        self._stopping = asyncio.Event()
        self._ended = asyncio.Event()
        self._ended.set()
        self._app: StreamApp | None = None

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
        self._ended.clear()
        try:
            await until_first_ends(
                self._run_app(), stream.sweeper.run(), Watchdog(stream.health, self._lags).run()
            )
            if stream.health.halted_by is not None:
                raise stream.health.halted_by
        finally:
            stream.health.joined = False
            if not self._idle.is_set():
                leave_process(EXIT_BROKEN, "cancelled with a batch in hand")
            await self._end_app()
            self._ended.set()

    async def stop(self) -> None:
        """See `Runner`. Returns when Faust has ended; ends the process if the batch does not."""
        self._stopping.set()
        await self._ended.wait()

    async def _run_app(self) -> None:
        joining = self._stream.loop.retry("join", self._broker_answers)
        await until_first_ends(joining, self._stopping.wait())
        if self._stopping.is_set():
            return
        self._app = app = StreamApp(self._stream)
        for topic in self._stream.topics:
            channel = app.topic(topic, key_type=bytes, value_type=bytes)
            app.agent(channel, name=topic, concurrency=1)(self._agent)
        await app.start()
        await until_first_ends(app._crashed.wait(), self._stopping.wait())  # noqa: SLF001 - no public way
        if app.crashed:
            log.critical("faust.crashed", error=repr(app.crash_reason))
            leave_process(EXIT_BROKEN, "Faust crashed")
        await self._finish(self._consumer())

    async def _broker_answers(self) -> None:
        """Raise BrokerUnavailable until there is a broker: Faust would crash on start."""
        client = AIOKafkaClient(**client_options(self._stream.settings))
        try:
            await started(client.bootstrap())
        except KafkaError as error:
            bootstrap = self._stream.settings.kafka_bootstrap
            raise BrokerUnavailable(f"no broker answers at {bootstrap}: {error!r}") from error
        finally:
            await client.close()

    async def _agent(self, events: Any) -> None:
        """Run batches of one topic, for ever. Faust calls it, once per topic."""
        take = events.take_events(self._stream.settings.batch_records, within=TAKE_SECONDS)
        async for batch in take:
            if self._stopping.is_set() or self._stream.health.halted_by is not None:
                # Not begun, so not in hand. Only `handled` moves offsets: they will come again.
                await asyncio.Event().wait()
            await self._run_batch([event.message for event in batch])

    async def _run_batch(self, messages: Sequence[Any]) -> None:
        """Return when the batch is done. Otherwise wait for the end, or bring it about."""
        self._take_in_hand(1)
        try:
            await self._stream.loop.run_batch([self._record(message) for message in messages])
        except BreakerOpen as error:
            self._stream.health.halt(error)
            log.critical("breaker.open", message=str(error))
            self._take_in_hand(-1)
            await asyncio.Event().wait()
        except BaseException as error:  # noqa: BLE001 - nothing may escape: Faust acknowledges on the way
            leave_process(EXIT_BROKEN, f"batch unhandled: {error!r}")
        # 1. Every record has its effect. 2. Only now may their offsets pass.
        self._consumer().handled(messages)
        self._take_in_hand(-1)

    def _take_in_hand(self, change: int) -> None:
        self._in_hand += change
        if self._in_hand:
            self._idle.clear()
        else:
            self._idle.set()

    async def _finish(self, consumer: HandledOnlyConsumer) -> None:
        """Give batches in hand their grace and commit what is done."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._idle.wait(), self._stream.settings.stop_grace_seconds)
        with suppress(TimeoutError):
            await asyncio.wait_for(consumer.commit(), LEAVE_SECONDS)
        if not self._idle.is_set():
            leave_process(EXIT_STOPPED, "stopped with a batch in hand, to be delivered again")

    async def _end_app(self) -> None:
        if self._app is None:
            return
        try:
            await asyncio.wait_for(self._app.stop(), LEAVE_SECONDS)
        except TimeoutError:
            leave_process(EXIT_STOPPED, "Faust does not stop")

    def _consumer(self) -> HandledOnlyConsumer:
        assert self._app is not None
        consumer = self._app.consumer
        assert isinstance(consumer, HandledOnlyConsumer)
        return consumer

    async def _lags(self) -> Lags:
        # The application says `started` before its consumer is there to be asked.
        if self._app is None or not self._stream.health.joined:
            return {}
        consumer, name = self._consumer(), self._stream.without_prefix
        owned = sorted(consumer.offsets.owned & consumer.assignment())
        return {(name(tp.topic), tp.partition): await consumer.lag(tp) for tp in owned}

    def _record(self, message: Any) -> Record:
        return Record(
            self._stream.without_prefix(message.topic),
            message.partition,
            message.offset,
            message.key,
            message.value,
            tuple(message.headers or ()),
            int(message.timestamp * 1000),
        )
