"""The relay: publishes what waits in outboxes, in order per document, whatever crashed before.

A turn, for each shard held: (1) hold the lease, (2) read the documents whose outbox has waited
longest, (3) publish all their events in one transaction of the shard's producer, (4) pull them.

Why no older event can follow a newer one: whoever takes over a shard starts a producer under the
shard's transactional id *before* it reads. From then on Kafka refuses the former holder, so what
that one read earlier cannot be published later. Any failure to publish therefore drops the
producer; a new one begins with the lease and a fresh read.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol

from pydantic import ValidationError

from pravah_shared.errors import Fenced, Refused, Transient
from pravah_shared.events import Event, Position
from pravah_shared.mongo import Collection, Document
from pravah_shared.outbox.entries import OLDEST_FIRST, PENDING, SLOTS, event_of, pull
from pravah_shared.outbox.lease import Leases, utc_now
from pravah_shared.outbox.stuck import Stuck
from pravah_shared.processing.health import Health
from pravah_shared.processing.retry import Retry
from pravah_shared.telemetry import metrics
from pravah_shared.telemetry.logs import get_logger

log = get_logger()

BATCH = 200
"""Documents in one transaction."""
POLL_SECONDS = 0.2
"""Between looks at empty outboxes: what a course or person waits at most on a quiet system."""
GRACE_SECONDS = 10.0
"""For the turn in hand when asked to stop."""


class FencedPublisher(Protocol):
    """A transactional producer; a later one with the same transactional id shuts it out."""

    async def start(self) -> None:
        """Connect, and fence every earlier one."""
        ...

    async def stop(self) -> None:
        """Disconnect."""
        ...

    async def publish(self, events: Sequence[Event[Any]]) -> list[Position]:
        """Publish all or none. Never revives itself after having been fenced."""
        ...


@dataclass(frozen=True, slots=True)
class Source:
    """A collection whose documents have outboxes.

    `grace_seconds`: how long its writers' own `Outbox` may take before the relay steps in.
    """

    collection: Collection
    grace_seconds: float = 0.0


@dataclass(slots=True)
class _Shard:
    number: int
    lease: str
    slots: tuple[int, int]
    """The first, and the first after the last."""
    publisher: FencedPublisher | None = None
    ages: dict[str, float] = field(default_factory=dict)
    """Age of the oldest event by collection, in seconds."""
    stuck: Stuck = field(default_factory=Stuck)


class Relay:
    """A runner (`pravah_shared.processing.runner.Runner`) over outboxes instead of topics.

    `publisher_for(lease)` makes a producer whose transactional id is the shard's for ever.
    Stop all relays before changing `shards`: other shards fence otherwise.
    """

    name = "relay"

    def __init__(  # noqa: PLR0913 - a composition root's parts
        self,
        leases: Leases,
        sources: Sequence[Source],
        publisher_for: Callable[[str], FencedPublisher],
        health: Health,
        *,
        shards: int = 1,
        poll_seconds: float = POLL_SECONDS,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self._leases = leases
        self._sources = sources
        self._publisher_for = publisher_for
        self._health = health
        self._retry = Retry(health)
        self._poll_seconds = poll_seconds
        self._now = now
        self._stopping = asyncio.Event()
        self._said: set[tuple[str, str]] = set()
        self._shards = [
            _Shard(n, f"relay-{n}-of-{shards}", (n * SLOTS // shards, (n + 1) * SLOTS // shards))
            for n in range(shards)
        ]

    @property
    def ready(self) -> bool:
        """Whether outboxes are being emptied, by this relay or by the holders of the leases."""
        return self._health.ready

    def alive(self) -> bool:
        """Whether the relay turns."""
        return self._health.alive()

    async def run(self) -> None:
        """Relay until `stop`; then give the shards back, so that another takes over at once."""
        turning = asyncio.create_task(self._turn_until_stopped())
        stopping = asyncio.create_task(self._stopping.wait())
        try:
            await asyncio.wait({turning, stopping}, return_when=asyncio.FIRST_COMPLETED)
            with suppress(TimeoutError):  # cancelled in mid-turn: what was published is repeated
                await asyncio.wait_for(turning, GRACE_SECONDS)
        finally:
            turning.cancel()
            stopping.cancel()
        for shard in self._shards:
            with suppress(Transient):
                await self._give_back(shard)

    async def stop(self) -> None:
        """Finish the turn in hand and leave."""
        self._stopping.set()

    async def turn(self) -> int:
        """Publish one batch of every shard and collection; return how many events.

        Raises:
            Transient: some may be published and not pulled; the next turn repeats them.
        """
        moved = 0
        for shard in await self._held():
            try:
                for source in self._sources:
                    moved += await self._drain(shard, source)
            except Fenced:
                await self._leave(shard)
            except Transient:
                await self._leave(shard)
                raise
        return moved

    async def _turn_until_stopped(self) -> None:
        names = [shard.lease for shard in self._shards]
        await self._retry("prepare", lambda: self._leases.prepare(names))
        self._health.joined = True
        while not self._stopping.is_set():
            moved = await self._retry("relay", self.turn)
            self._health.beat()
            if not moved:
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._stopping.wait(), self._poll_seconds)

    async def _held(self) -> list[_Shard]:
        """Return the shards this relay may work on, with a started producer.

        At most one new shard a turn, so that relays that start together share.
        """
        held: list[_Shard] = []
        took_one = False
        for shard in self._shards:
            new = shard.publisher is None
            if new and took_one:
                continue
            if not await self._leases.hold(shard.lease):
                if not new:
                    await self._leave(shard)
                continue
            if new:
                took_one = True
                try:
                    await self._start_publisher(shard)
                except Fenced:  # another relay started at the same moment
                    await self._leave(shard)
                    continue
            held.append(shard)
        return held

    async def _start_publisher(self, shard: _Shard) -> None:
        publisher = self._publisher_for(shard.lease)
        try:
            await publisher.start()
        except BaseException:
            await publisher.stop()
            raise
        shard.publisher = publisher
        log.info("relay.shard_taken", shard=shard.number)

    async def _drain(self, shard: _Shard, source: Source) -> int:
        """Publish and pull one batch; return how many events it had.

        A batch of which nothing can be published is followed by the next at once: all of it is
        passed by from then on.
        """
        moved = 0
        while not moved and (documents := await self._waiting(shard, source)):
            moved = await self._move(shard, source, documents)
        return moved

    async def _move(self, shard: _Shard, source: Source, documents: Sequence[Document]) -> int:
        """Publish and pull. A document that cannot be published holds up no other."""
        assert shard.publisher is not None, "a held shard has a producer"
        try:
            events = [event_of(waiting) for found in documents for waiting in found["outbox"]]
            await shard.publisher.publish(events)
        except (Refused, KeyError, ValidationError) as error:
            if len(documents) == 1:
                shard.stuck.add(source.collection.name, documents[0], self._now())
                self._say_stuck(source, documents[0]["_id"], error)
                return 0
            half = len(documents) // 2
            first = await self._move(shard, source, documents[:half])
            return first + await self._move(shard, source, documents[half:])
        await source.collection.bulk(
            [pull(found["_id"], [w["_id"] for w in found["outbox"]]) for found in documents]
        )
        log.info("relay.published", collection=source.collection.name, events=len(events))
        return len(events)

    def _say_stuck(self, source: Source, document_id: str, error: Exception) -> None:
        """Say it once; the age of the oldest event goes on saying it."""
        if (where := (source.collection.name, document_id)) not in self._said:
            self._said.add(where)
            reason = str(error) if isinstance(error, Refused) else type(error).__name__
            log.error("relay.stuck", collection=where[0], document=document_id, reason=reason)

    async def _waiting(self, shard: _Shard, source: Source) -> list[Document]:
        name, now, (first, end) = source.collection.name, self._now(), shard.slots
        passed_by = shard.stuck.passed_by(name, now)
        documents = await source.collection.find(
            {**PENDING, "slot": {"$gte": first, "$lt": end}, "_id": {"$nin": passed_by}},
            projection={"outbox": 1},
            sort=OLDEST_FIRST,
            limit=BATCH,
        )
        waits_since = [found["outbox"][0]["at"] for found in documents[:1]]
        if (oldest := shard.stuck.oldest(name)) is not None:
            waits_since.append(oldest)
        age = now - min(waits_since, default=now)
        self._show_age(shard, source, max(0.0, age.total_seconds()))
        ripe = now - timedelta(seconds=source.grace_seconds)
        return [found for found in documents if found["outbox"][0]["at"] <= ripe]

    def _show_age(self, shard: _Shard, source: Source, seconds: float) -> None:
        """Show the worst of the shards held."""
        shard.ages[source.collection.name] = seconds
        worst = max(held.ages.get(source.collection.name, 0.0) for held in self._shards)
        metrics.OUTBOX_OLDEST_SECONDS.labels(source.collection.name).set(worst)

    async def _leave(self, shard: _Shard) -> None:
        """Give up the producer; whether the shard is still ours, the store must say anew."""
        publisher, shard.publisher = shard.publisher, None
        shard.ages.clear()
        shard.stuck.clear()
        self._leases.forget(shard.lease)
        if publisher is not None:
            log.info("relay.shard_left", shard=shard.number)
            with suppress(Transient, Fenced):  # a fenced producer may fail to say goodbye
                await publisher.stop()

    async def _give_back(self, shard: _Shard) -> None:
        if shard.publisher is not None:
            await self._leave(shard)
            await self._leases.release(shard.lease)
