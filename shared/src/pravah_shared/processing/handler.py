"""The contract between a stream's decisions and the loop that feeds them."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from pravah_shared.events import Event
from pravah_shared.record import Record

__all__ = ["Handler", "Outcome", "Record", "nothing"]


async def nothing() -> None:
    """Acknowledge nothing: the outcome needs no mark in the store."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What follows from a batch.

    The loop publishes `events`, waits until Kafka has all of them, then awaits `acknowledge`,
    then commits. A crash in between repeats the whole batch, so both must bear repetition.
    `more` is for sweeps: there is more of the kind, ask again at once.
    """

    events: Sequence[Event[Any]] = ()
    acknowledge: Callable[[], Awaitable[None]] = nothing
    more: bool = False


class Handler(Protocol):
    """Decides on batches. Knows nothing of offsets, retries or Kafka clients."""

    topics: frozenset[str]
    """Topics to read, without the deployment's prefix."""

    async def handle(self, batch: Sequence[Event[Any]]) -> Outcome:
        """Apply a batch; each event carries its `position`. Safe to repeat.

        May run concurrently with itself, in this process and in others, on other records.

        Raises:
            Transient: a dependency failed; the loop calls again with the same batch.
            Exception: anything else blames the batch; the loop splits it to find the record.
        """
        ...

    async def sweep(self) -> Outcome:
        """Decide what no record will bring up again. Called at start and every minute."""
        ...
