"""How events wait in a document: `{outbox: [{_id, at, time, source, type, data}], slot}`.

`data` is the event's JSON as text: what was stored is what is published, byte for byte, however
the models grow meanwhile. `slot` never changes; relays share the slots among them.
"""

import zlib
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from pravah_shared.errors import Refused
from pravah_shared.events import EVENT_TYPES, Event
from pravah_shared.mongo import Collection, Document, UpdateOne

SLOTS = 64
"""Most shards that relays can divide into. Stored in every document: never change it."""

PENDING: Document = {"outbox.0.at": {"$gt": datetime(1970, 1, 1, tzinfo=UTC)}}
"""Matches documents with something to publish. Also the index's partial filter: queries must
hold it word for word, or the store scans. A range, because not every store answers `$exists`
from an index, and relays ask five times a second."""

EVENT_BYTES = 1024 * 1024 - 64 * 1024
"""Most bytes of an event's JSON: Kafka's 1 MiB less room for its envelope. One that Kafka never
takes would stand at the head of an outbox for ever."""

OLDEST_FIRST = [("outbox.0.at", 1)]


def entry(event: Event[Any]) -> Document:
    """Return the event as it waits in an outbox.

    Raises:
        Refused: it is too large for Kafka.
    """
    text = event.data.model_dump_json()
    if (size := len(text.encode())) > EVENT_BYTES:
        raise Refused(f"{event.type} of {event.subject} has {size} bytes, above {EVENT_BYTES}")
    return {
        "_id": event.id,
        "at": event.time,
        "time": event.time.isoformat(),
        "source": event.source,
        "type": event.type,
        "data": text,
        "traceparent": event.traceparent,
    }


def event_of(waiting: Document) -> Event[Any]:
    """Return the event that `entry` was given."""
    model = EVENT_TYPES[waiting["type"]]
    return Event(
        waiting["_id"],
        waiting["source"],
        datetime.fromisoformat(waiting["time"]),
        model.model_validate_json(waiting["data"]),
        waiting["traceparent"],
    )


def new_outbox(document_id: str, events: Iterable[Event[Any]] = ()) -> Document:
    """Return the fields with which a document that has an outbox is born."""
    slot = zlib.crc32(document_id.encode()) % SLOTS
    return {"slot": slot, "outbox": [entry(event) for event in events]}


def pushed(events: Iterable[Event[Any]]) -> Document:
    """Return the `$push` that appends events, in order, within the update of the state."""
    return {"outbox": {"$each": [entry(event) for event in events]}}


def pull(document_id: str, event_ids: Sequence[str]) -> UpdateOne:
    """Return the write that removes published events. Safe to repeat."""
    return UpdateOne({"_id": document_id}, {"$pull": {"outbox": {"_id": {"$in": list(event_ids)}}}})


async def ensure_outbox_index(collection: Collection) -> None:
    """Create the index that the relay reads by: only documents with something to publish."""
    await collection.ensure_index("outbox_oldest", OLDEST_FIRST, partial=PENDING)
