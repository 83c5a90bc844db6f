"""From Faust's fetch to its agents: one await for each record, and none while they have enough.

Read in Faust 0.15.3; `shared/tests/processing/test_faust_intake.py` arranges each of these:

- `Consumer._drain_messages` makes four tasks for each record: its delivery, and three that wait
  for the flow to be suspended, the consumer to stop or to crash. Here the delivery is awaited.
  What the three are for comes about all the same: a rebalance empties the queues, which ends the
  waiting for room in one, and streams skip what was fetched before it; to stop is to cancel the
  fetcher's task.
- While a queue is nearly full its partitions are left out of the fetch. With none left Faust
  sleeps for a second; else it waits as long for those that have nothing. Delivery without tasks
  comes to that with every batch, and is slower than with them. Here the whole intake waits for
  room, and goes on when the queue tells that it has some.
- A queue that a rebalance has emptied does not tell. Here the rebalance does.
- A record before the last one read is dropped, so a rebalance may lose it for good. Here what
  comes again is delivered again: `Offsets` knows what is done.
"""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from aiokafka.errors import ConsumerStoppedError
from faust.transport.drivers.aiokafka import Consumer
from faust.types import TP

FETCH_SECONDS = 1.0
"""How long a fetch waits for a record. Faust's."""
BURST_RECORDS = 100
"""Delivered before others get a turn of the event loop. Faust's."""


class DirectConsumer(Consumer):
    """Delivers what was fetched, and fetches no more until the agents have room for it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.crowded: set[TP] = set()
        self._room = asyncio.Event()
        self._room.set()

    def on_buffer_full(self, tp: TP) -> None:
        """Let the intake wait. Called when a record of `tp` finds its queue four fifths full."""
        self.crowded.add(tp)
        self._room.clear()

    def on_buffer_drop(self, tp: TP) -> None:
        """Let the intake go on. Called when the queue has come down to two fifths."""
        self.crowded.discard(tp)
        if not self.crowded:
            self._room.set()

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Suspend the flow and empty the queues; then there is room."""
        await super().on_partitions_revoked(revoked)
        self.crowded.clear()
        self._room.set()

    async def _drain_messages(self, fetcher: Any) -> None:
        """Fetch and deliver until stopped. Called once, in the fetcher's own task."""
        try:
            while not (self.should_stop or fetcher.should_stop):
                await asyncio.sleep(0)  # a fetch that comes back at once gives nobody a turn
                await self._deliver(self.getmany(timeout=FETCH_SECONDS))
        except (ConsumerStoppedError, asyncio.CancelledError):
            if not self.app.should_stop:
                raise

    async def _deliver(self, fetched: AsyncIterator[tuple[TP, Any]]) -> None:
        delivered = 0
        async for _, message in fetched:
            await self.callback(message)
            # With no record in hand: `getmany` looks at the assignment before it gives the next.
            await self._room.wait()
            delivered += 1
            if delivered % BURST_RECORDS == 0:
                await asyncio.sleep(0)
