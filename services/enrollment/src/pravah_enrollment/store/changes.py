"""What every change has in common: it is made to the state it was decided on, or decided anew."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from pravah_shared.errors import StoreUnavailable
from pravah_shared.events import Event, EventData, new_event

SOURCE = "/pravah/enrollment"

TRIES = 16
"""Each loser of a race reads what the winner wrote and decides again."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Stamp:
    """When a request was accepted, and its trace: what its events carry."""

    time: datetime
    traceparent: str | None = None

    def event(self, event_data: EventData) -> Event[EventData]:
        """Wrap an event of this request."""
        return new_event(event_data, source=SOURCE, time=self.time, traceparent=self.traceparent)


async def until_won(document_id: str, attempt: Callable[[], Awaitable[T | None]]) -> T:
    """Repeat `attempt` until it does not lose to another writer (None).

    Raises:
        StoreUnavailable: it lost every time; nothing was written.
    """
    for _ in range(TRIES):
        if (won := await attempt()) is not None:
            return won
    raise StoreUnavailable(f"{document_id} was changed {TRIES} times meanwhile; ask again")
