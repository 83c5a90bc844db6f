"""How documents stand in MongoDB: flat, a field for each path; announcements as JSON text."""

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from pravah_progress.model import (
    ANNOUNCED,
    COMPLETED,
    DOT,
    IMPROVED,
    SEPARATOR,
    STARTED,
    Announcement,
    Change,
    DocumentKey,
    Kept,
    Path,
    Pruning,
    as_milliseconds,
    path_of,
    stage_of,
    term_name,
)
from pravah_shared.events import Completed, Event, ScoreImproved, Started
from pravah_shared.mongo import Document, UpdateOne

_TYPES: Mapping[str, type[Announcement]] = {
    STARTED: Started,
    COMPLETED: Completed,
    IMPROVED: ScoreImproved,
}


def as_rules_know_it(stored: Document) -> Document:
    """Return a stored document as rules know it: each value where its path leads."""
    document: Document = {}
    branches = {"": document}
    for path, value in stored.items():
        parent, _, name = path.rpartition(SEPARATOR)
        branch = branches.get(parent)
        if branch is None:
            branch = _branch(branches, parent)
        if "%" in name:
            name = name.replace(DOT, ".")
        branch[name] = json.loads(value) if parent.startswith(ANNOUNCED) else value
    return document


def _branch(branches: dict[Path, Document], path: Path) -> Document:
    """Return the branch that a path leads to, grown from the next one that is there."""
    if path not in branches:
        parent, _, name = path.rpartition(SEPARATOR)
        branches[path] = _branch(branches, parent).setdefault(name.replace(DOT, "."), {})
    return branches[path]


def merging(change: Change, version: int) -> Document:
    """Return the one update that merges a change into its document, or creates it."""
    learner_id, course_id = change.key
    update: Document = {
        "$setOnInsert": {"learner_id": learner_id, "course_id": course_id},
        "$max": {**change.maxima, "decided_version": version},
    }
    if change.minima:
        update["$min"] = change.minima
    if change.done or change.unstarted:
        terms = change.unstarted
        lists = {"done": change.done, "unstarted": terms, "incomplete": terms}
        update["$addToSet"] = {name: {"$each": items} for name, items in lists.items() if items}
    return update


def deciding(required: Mapping[str, int]) -> list[Document]:
    """Return the conditions, of which one holds for a document that may decide something.

    A list has an n-th item exactly when it has n or more: no document is brought here to be
    counted. `required`: how many units each course requires.
    """
    courses: dict[int, list[str]] = {}
    for course_id, count in required.items():
        if count:
            courses.setdefault(count, []).append(course_id)
    enough: list[Document] = [
        {
            "course_id": {"$in": ids},
            f"done.{count - 1}": {"$exists": True},
            "incomplete.0": {"$exists": True},
        }
        for count, ids in courses.items()
    ]
    return [{"unstarted.0": {"$exists": True}}, *enough]


def removal(pruning: Pruning) -> UpdateOne:
    """Return the write that removes what is pruned if its submissions still are what was seen.

    Without that condition, a higher percent that another worker wrote in between would go too.
    """
    update: Document = {}
    if pruning.dominated:
        update["$unset"] = dict.fromkeys(pruning.dominated, "")
    if pruning.started or pruning.completed:
        update["$pullAll"] = {
            "unstarted": list(pruning.started),
            "incomplete": list(pruning.completed),
        }
    return UpdateOne({"_id": str(pruning.key), **pruning.dominated}, update)


def first(offer: Kept) -> UpdateOne:
    """Return the write that keeps an announcement unless its place is taken.

    The event's time is the clock's: it says since when the announcement waits.
    """
    path = path_of(offer.keys)
    since = as_milliseconds(offer.event.time)
    note = {"_id": offer.event.id, "path": list(offer.keys), "since": since}
    return UpdateOne(
        {"_id": str(offer.key), path: {"$exists": False}},
        {
            "$set": {path: json.dumps(_payload(offer.event), ensure_ascii=False)},
            "$push": {"unpublished": note},
            "$max": {"stage": stage_of(offer.event.data)},
        },
    )


def published(key: DocumentKey, events: Iterable[Event[Announcement]]) -> UpdateOne:
    """Return the write that notes that Kafka has these announcements of a document."""
    events = list(events)
    update: Document = {
        "$pull": {"unpublished": {"_id": {"$in": [event.id for event in events]}}},
    }
    lists = {"unstarted": Started, "incomplete": Completed}
    settled = {
        name: [
            term_name(one.data.run_id, one.data.term) for one in events if type(one.data) is kind
        ]
        for name, kind in lists.items()
    }
    if settled := {name: terms for name, terms in settled.items() if terms}:
        update["$pullAll"] = settled
    return UpdateOne({"_id": str(key)}, update)


def kept_at(document: Mapping[str, Any], keys: Iterable[str]) -> Kept:
    """Return the announcement that a document, as rules know it, holds under `keys`."""
    held: Any = document
    for key in (keys := tuple(keys)):
        held = held[key]
    event = Event(
        id=held["id"],
        source=held["source"],
        time=datetime.fromisoformat(held["time"]),
        data=_TYPES[keys[3]].model_validate(held["data"]),
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
