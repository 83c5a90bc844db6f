"""How documents stand in MongoDB: paths in dots, so dots in ids escaped."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pravah_progress.model import Announcement, Change, DocumentKey, Kept, Path, Pruning
from pravah_shared.events import Completed, Event, Started
from pravah_shared.mongo import Document, UpdateOne

DOT = "%2E"
"""No identifier holds `%`, so a dot's escape cannot be mistaken."""

ESCAPED = "escaped"
"""Field of documents in which some key is escaped."""

_KINDS: Mapping[str, type[Announcement]] = {"started": Started, "completed": Completed}


def dotted(path: Path) -> str:
    """Return a path as MongoDB writes it."""
    return ".".join([key.replace(".", DOT) for key in path])


def as_rules_know_it(stored: Document) -> Document:
    """Return a stored document with its keys as rules know them."""
    # Few ids hold dots: only documents that say so are rebuilt, at every read.
    return _unescaped(stored) if stored.get(ESCAPED) else stored


def _unescaped(stored: Mapping[str, Any]) -> Document:
    return {
        key.replace(DOT, "."): _unescaped(value) if isinstance(value, dict) else value
        for key, value in stored.items()
    }


def upsert(change: Change, version: int) -> UpdateOne:
    """Return the one write that merges a change."""
    learner_id, course_id = change.key
    maxima = {dotted(path): value for path, value in change.maxima.items()}
    minima = {dotted(path): value for path, value in change.minima.items()}
    if any(DOT in path for path in (*maxima, *minima)):
        maxima[ESCAPED] = 1
    update: Document = {
        "$setOnInsert": {"learner_id": learner_id, "course_id": course_id},
        "$max": {"decided_version": version, **maxima},
    }
    if minima:
        update["$min"] = minima
    return UpdateOne({"_id": str(change.key)}, update, upsert=True)


def removal(pruning: Pruning) -> UpdateOne:
    """Return the write that removes dominated submissions if they still are what was seen.

    Without that condition, a higher percent that another worker wrote in between would go too.
    """
    seen = {dotted(path): percent for path, percent in pruning.dominated.items()}
    return UpdateOne({"_id": str(pruning.key), **seen}, {"$unset": dict.fromkeys(seen, "")})


def first(offer: Kept, since: datetime) -> UpdateOne:
    """Return the write that keeps an announcement unless its term has one of its kind."""
    path = dotted(offer.path)
    note = {"_id": offer.event.id, "path": list(offer.path), "since": since}
    return UpdateOne(
        {"_id": str(offer.key), path: {"$exists": False}},
        {"$set": {path: _payload(offer.event)}, "$push": {"unpublished": note}},
    )


def kept_at(document: Mapping[str, Any], path: Path) -> Kept:
    """Return the announcement that a document, as rules know it, holds at `path`."""
    held: Any = document
    for key in path:
        held = held[key]
    event = Event(
        id=held["id"],
        source=held["source"],
        time=datetime.fromisoformat(held["time"]),
        data=_KINDS[path[-1]].model_validate(held["data"]),
        traceparent=held["traceparent"],
    )
    return Kept(DocumentKey(document["learner_id"], document["course_id"]), event)


def _payload(event: Event[Announcement]) -> Document:
    return {
        "id": event.id,
        "source": event.source,
        "time": event.time.isoformat(),
        "data": event.data.model_dump(mode="json"),
        "traceparent": event.traceparent,
    }
