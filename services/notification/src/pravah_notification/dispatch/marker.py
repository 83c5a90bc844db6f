"""The marker: records what came of leased entries, many in one write."""

import asyncio
import random
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime
from itertools import groupby

from pravah_notification.dispatch.work import Done
from pravah_notification.model import (
    Channel,
    ChannelDown,
    Deferred,
    Delivered,
    Entry,
    Interrupted,
    Refused,
    Result,
    RetryPolicy,
    Suppressed,
    Unsent,
)
from pravah_notification.rules import after
from pravah_notification.store import Ledger
from pravah_shared.errors import Transient
from pravah_shared.telemetry import metrics
from pravah_shared.telemetry.logs import get_logger

log = get_logger()

MARKED_TOGETHER = 500
RETRY_SECONDS = 1.0

OUTCOMES: dict[type[Result], str] = {
    Delivered: "sent",
    Deferred: "deferred",
    Interrupted: "interrupted",
    Refused: "dead",
    Suppressed: "suppressed",
    Unsent: "held",
    ChannelDown: "held",
}
"""Label of pravah_deliveries_total for each result."""


class Marker:
    """Marks what is put into it until it is told that no more comes."""

    def __init__(
        self,
        ledger: Ledger,
        channel: Channel,
        policy: RetryPolicy,
        clock: Callable[[], datetime],
    ) -> None:
        self._ledger = ledger
        self._channel = channel
        self._policy = policy
        self._clock = clock
        self._results: asyncio.Queue[Done | None] = asyncio.Queue()
        self._finishing = asyncio.Event()

    def put(self, done: Done) -> None:
        """Hand over a result. Bounded by what may be leased at a time."""
        self._results.put_nowait(done)

    def finish(self) -> None:
        """Say that no more comes; `run` ends when all is marked, or the store is away."""
        self._finishing.set()
        self._results.put_nowait(None)

    async def run(self) -> None:
        """Mark whatever gathered while the last write was on its way."""
        while (first := await self._results.get()) is not None:
            done = [first]
            while len(done) < MARKED_TOGETHER and not self._results.empty():
                if (another := self._results.get_nowait()) is None:
                    self._results.put_nowait(None)  # the end comes after this lot
                    break
                done.append(another)
            await self._mark(done)

    async def _mark(self, done: Sequence[Done]) -> None:
        now = self._clock()
        by_lease = sorted(done, key=_token)
        for token, group in groupby(by_lease, key=_token):
            moved = [
                after(one.entry, one.result, now, random.random(), self._policy)  # noqa: S311 - jitter
                for one in group
            ]
            await self._mark_surely(token, moved)
        counts = Counter(OUTCOMES[type(one.result)] for one in done)
        for outcome, count in counts.items():
            metrics.DELIVERIES.labels(self._channel, outcome).inc(count)
        log.info("dispatch.marked", entries=len(done), **counts)

    async def _mark_surely(self, token: str, moved: Sequence[Entry]) -> None:
        """Mark, however long the store is away: giving up would send them again.

        While finishing it is tried once; then the leases end by themselves.
        """
        while True:
            try:
                marked = await self._ledger.mark(token, moved)
            except Transient as error:
                log.warning("dispatch.unmarked", entries=len(moved), reason=str(error))
                if self._finishing.is_set():
                    return
                await self._pause()
            else:
                if marked < len(moved):  # also after a mark that landed unconfirmed
                    log.warning("dispatch.lease_lost", entries=len(moved) - marked)
                return

    async def _pause(self) -> None:
        try:
            async with asyncio.timeout(RETRY_SECONDS):
                await self._finishing.wait()
        except TimeoutError:
            return


def _token(done: Done) -> str:
    return done.lease.token
