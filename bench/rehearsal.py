"""What the stream writes for a turn: its own handler's words to the store, noted down.

The raw loop must make every write that the design needs, and the design changes: nothing is
copied here. The service's handler runs on a copy of the documents through the service's store,
and each write that passes is kept to be made again, on another copy, without anything around it.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, cast

from bench.documents import batches
from pravah_progress.store import Store
from pravah_progress.stream import ProgressHandler
from pravah_shared.codec import decode, encode
from pravah_shared.events import Event, EventData, new_event
from pravah_shared.mongo import Collection, Database
from pravah_shared.record import Record

READS = frozenset({"find", "find_one", "count", "name", "ensure_index"})
"""What is not noted: the loop reads in its own way, and indexes are made beforehand."""


@dataclass(frozen=True, slots=True)
class Write:
    """A call that changes documents, as the store made it."""

    collection: str
    method: str
    arguments: tuple[Any, ...]
    named: dict[str, Any]

    async def make(self, database: Database) -> None:
        """Make it on `database`."""
        collection = database.collection(self.collection)
        await getattr(collection, self.method)(*self.arguments, **self.named)


class Noting:
    """A database that notes the writes made through it, and makes them."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.notes: list[Write] = []

    def collection(self, name: str) -> "NotingCollection":
        """See `Database.collection`."""
        return NotingCollection(self._database.collection(name), self.notes)


class NotingCollection:
    """A collection whose writes are noted."""

    def __init__(self, collection: Collection, notes: list[Write]) -> None:
        self._collection = collection
        self._notes = notes

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._collection, name)
        if name in READS:
            return found
        method: Callable[..., Awaitable[Any]] = found

        async def noted(*arguments: Any, **named: Any) -> Any:
            self._notes.append(Write(self._collection.name, name, arguments, named))
            return await method(*arguments, **named)

        return noted


async def rehearse(
    database: Database, reports: Sequence[EventData], batch: int
) -> list[list[Write]]:
    """Run the handler over `reports` on `database`; return the writes of each batch."""
    noting = Noting(database)
    handler = ProgressHandler(Store.on(cast("Database", noting)))
    await handler.sweep()  # prepares what is made once, not in every batch
    noted = []
    for events in batches(_as_read(reports), batch):
        noting.notes.clear()
        outcome = await handler.handle(events)
        await outcome.acknowledge()  # as if Kafka had the events
        noted.append(list(noting.notes))
    return noted


def _as_read(reports: Sequence[EventData]) -> list[Event[Any]]:
    """Return the reports as a consumer of Kafka would find them."""
    now = datetime.now(UTC)
    events = []
    for offset, report in enumerate(reports):
        made = encode(new_event(report, source="/pravah/bench", time=now))
        record = Record(made.topic, 0, offset, made.key, made.value, tuple(made.headers))
        events.append(decode(record))
    return events
