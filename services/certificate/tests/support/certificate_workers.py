"""Workers that take turns at every store call, and may die there. No event loop, no clock."""

from collections.abc import Coroutine, Generator, Sequence
from dataclasses import dataclass, field
from typing import Any

from certificate_memory import MemoryStore
from certificate_samples import ISSUER, Clock, KeysInMemory

from pravah_certificate.stream import CertificateStream
from pravah_shared.events import Certified, Event

Batch = Sequence[Event[Any]]


class Turn:
    """Awaited where another worker may run, or this one may die."""

    def __await__(self) -> Generator[None, None, None]:
        """Give way once."""
        yield


async def turn() -> None:
    """Give way once."""
    await Turn()


@dataclass
class World:
    """A store, what Kafka acknowledged, and the parts that all workers share."""

    stream_class: type[CertificateStream] = CertificateStream
    store_class: type[MemoryStore] = MemoryStore
    step: int = 500
    keys: KeysInMemory = field(default_factory=KeysInMemory)
    clock: Clock = field(default_factory=Clock)
    published: list[Event[Certified]] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Build the handler on a store that gives way at each call."""
        self.store = self.store_class(turn)
        self.stream = self.stream_class(
            self.store, self.store, self.keys, ISSUER, self.tick, recheck_seconds=60, step=self.step
        )

    def tick(self) -> Any:
        """Return a time that never comes twice: what is signed again would differ."""
        self.clock.pass_seconds(0.001)
        return self.clock()

    def sweep_until_quiet(self) -> None:
        """Let the sweeper heal all it can: minutes pass, nobody else works."""
        for _ in range(4):
            self.clock.pass_seconds(61)
            more = True
            while more:
                more = run_through(self.sweep())

    async def sweep(self) -> bool:
        """Sweep once, as the loop does."""
        outcome = await self.stream.sweep()
        self.published.extend(outcome.events)
        await outcome.acknowledge()
        return outcome.more


class Worker:
    """One process: handles its batches in order, the next only when the last is committed."""

    def __init__(self, world: World, batches: Sequence[Batch]) -> None:
        self.world = world
        self.left = list(batches)
        self.at: Coroutine[Any, Any, None] | None = None

    def step(self) -> bool:
        """Run to the next turn; False: nothing is left."""
        if not self.left:
            return False
        self.at = self.at or self._handle(self.left[0])
        try:
            self.at.send(None)
        except StopIteration:
            self.at = None
            self.left.pop(0)
        return True

    def die(self) -> None:
        """Die here; the next process gets the uncommitted batch again."""
        if self.at is not None:
            self.at.close()
            self.at = None

    async def _handle(self, batch: Batch) -> None:
        outcome = await self.world.stream.handle(batch)
        await turn()
        self.world.published.extend(outcome.events)
        await turn()
        await outcome.acknowledge()


def run_through(work: Coroutine[Any, Any, Any]) -> Any:
    """Run to the end, taking every turn at once."""
    while True:
        try:
            work.send(None)
        except StopIteration as done:
            return done.value
