"""Follows inboxes for the streams that are open: one query per turn and process, not per stream."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from pravah_notification.channels.resume import OVERLAP
from pravah_notification.model import Entry
from pravah_shared.errors import Transient
from pravah_shared.telemetry.logs import get_logger

log = get_logger()

MOST_BEHIND = 256
"""Messages that a slow reader may be behind; more, and its stream ends: it resumes by its id."""
LEARNERS_PER_QUERY = 1000


class Visible(Protocol):
    """What the tail reads."""

    async def since(self, learner_ids: Sequence[str], start: datetime) -> list[Entry]:
        """Return messages of these learners that became visible at `start` or later, in order."""
        ...


@dataclass(slots=True, eq=False)
class Subscription:
    """One open stream's share of the tail."""

    learner_id: str
    _queue: asyncio.Queue[Entry] = field(default_factory=lambda: asyncio.Queue(MOST_BEHIND))
    _behind: asyncio.Event = field(default_factory=asyncio.Event)

    def offer(self, entry: Entry) -> None:
        """Hand over a message; a reader that is too far behind gets no more."""
        try:
            self._queue.put_nowait(entry)
        except asyncio.QueueFull:
            self._behind.set()

    async def messages(self, seconds: float) -> AsyncIterator[Entry]:
        """Yield messages as they come, some of them again; end when too far behind or in time."""
        until = asyncio.get_running_loop().time() + seconds
        while not self._behind.is_set():
            try:
                async with asyncio.timeout_at(until):
                    entry = await self._queue.get()
            except TimeoutError:
                return
            yield entry


class Tail:
    """Reads what became visible to the learners with open streams, and hands it to them."""

    def __init__(self, inbox: Visible, clock: Callable[[], datetime], pause_seconds: float) -> None:
        self._inbox = inbox
        self._clock = clock
        self._pause_seconds = pause_seconds
        self._subscriptions: dict[str, set[Subscription]] = defaultdict(set)
        self._wanted = asyncio.Event()
        self._handed: dict[str, datetime] = {}

    @contextmanager
    def subscription(self, learner_id: str) -> Iterator[Subscription]:
        """Follow a learner's inbox within the block.

        Messages that became visible within OVERLAP before may be among the first, and others may
        be missing: read the store after subscribing, and give each message once.
        """
        mine = Subscription(learner_id)
        self._subscriptions[learner_id].add(mine)
        self._wanted.set()
        try:
            yield mine
        finally:
            self._subscriptions[learner_id].discard(mine)
            if not self._subscriptions[learner_id]:
                del self._subscriptions[learner_id]

    async def run(self) -> None:
        """Read for ever. Rests while no stream is open; goes on when the store is back."""
        while True:
            await self._wanted.wait()
            if not self._subscriptions:
                self._wanted.clear()
                self._handed.clear()
                continue
            try:
                await self.turn()
            except Transient as error:
                log.warning("inbox.tail_waiting", reason=str(error))
            await asyncio.sleep(self._pause_seconds)

    async def turn(self) -> None:
        """Hand over what became visible since the last turn, looking back OVERLAP."""
        start = self._clock() - OVERLAP
        self._handed = {id_: at for id_, at in self._handed.items() if at >= start}
        learners = sorted(self._subscriptions)
        for first in range(0, len(learners), LEARNERS_PER_QUERY):
            share = learners[first : first + LEARNERS_PER_QUERY]
            for entry in await self._inbox.since(share, start):
                self._hand_over(entry)

    def _hand_over(self, entry: Entry) -> None:
        assert entry.visible_at is not None
        if entry.id in self._handed:
            return
        self._handed[entry.id] = entry.visible_at
        for subscription in self._subscriptions.get(entry.recipient, ()):
            subscription.offer(entry)
