"""The store in memory: dictionaries that apply the same changes, with a place to stop at each call.

It passes the contract suite of the real one (test_store.py). `pause` is awaited before every
operation: test_announced.py lets other workers run there, or the process die.
"""

# ruff: noqa: D102 - store/contract.py tells what each call promises

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from copy import deepcopy
from datetime import datetime
from typing import Any

from pravah_progress.model import (
    DOT,
    SEPARATOR,
    Bucket,
    Change,
    CourseCounts,
    Document,
    DocumentKey,
    Kept,
    Marked,
    Path,
    Pruning,
    as_milliseconds,
    stage_of,
    term_name,
)
from pravah_progress.rules import merge
from pravah_progress.store import Store
from pravah_progress.store.shape import kept_at
from pravah_shared.events import Completed, Course, EventData, Started

ABSENT = object()


async def go_on() -> None:
    """Do not stop."""


def keys_of(path: Path) -> tuple[str, ...]:
    """Return the keys of a path."""
    return tuple(key.replace(DOT, ".") for key in path.split(SEPARATOR))


def at(document: Any, keys: Sequence[str]) -> Any:
    """Return the value under `keys`, or ABSENT."""
    for key in keys:
        if key not in document:
            return ABSENT
        document = document[key]
    return document


def put(document: dict[str, Any], keys: Sequence[str], value: Any) -> None:
    """Set the value under `keys`."""
    for key in keys[:-1]:
        document = document.setdefault(key, {})
    document[keys[-1]] = value


def apply(document: dict[str, Any], change: Change) -> None:
    """Do what the real store's `$max`, `$min` and `$addToSet` do."""
    for path, value in change.maxima.items():
        held = at(document, keys := keys_of(path))
        if held is ABSENT or held < value:
            put(document, keys, value)
    for path, value in change.minima.items():
        held = at(document, keys := keys_of(path))
        if held is ABSENT or held > value:
            put(document, keys, value)
    terms = change.unstarted
    for name, items in (("done", change.done), ("unstarted", terms), ("incomplete", terms)):
        for item in items:
            if item not in document.setdefault(name, []):
                document[name].append(item)


def remove(document: dict[str, Any], pruning: Pruning) -> None:
    """Remove what is pruned, if all of it still is what was seen."""
    seen = {keys_of(path): percent for path, percent in pruning.dominated.items()}
    if all(at(document, keys) == percent for keys, percent in seen.items()):
        for keys in seen:
            del at(document, keys[:-1])[keys[-1]]
        leave(document, "unstarted", pruning.started)
        leave(document, "incomplete", pruning.completed)


def leave(document: dict[str, Any], name: str, terms: Sequence[str]) -> None:
    """Take terms out of a list."""
    if name in document:
        document[name] = [one for one in document[name] if one not in terms]


def may_decide(document: Document, required: int) -> bool:
    """Tell what the real store can tell of a document without bringing it."""
    enough = 0 < required <= len(document.get("done", []))
    return bool(document.get("unstarted") or (enough and document.get("incomplete")))


class MemoryDocuments:
    """Documents by key."""

    def __init__(self, pause: Callable[[], Awaitable[None]] = go_on) -> None:
        self.pause = pause
        self.held: dict[DocumentKey, dict[str, Any]] = {}

    async def prepare(self) -> None:
        """Need nothing."""

    async def apply(self, changes: Sequence[Change], versions: Mapping[str, int]) -> None:
        await self.pause()
        for change in changes:
            learner_id, course_id = change.key
            fresh = {"learner_id": learner_id, "course_id": course_id, "decided_version": 0}
            document = self.held.setdefault(change.key, fresh)
            apply(document, change)
            version = versions.get(course_id, 0)
            document["decided_version"] = max(version, document["decided_version"])

    async def read(self, keys: Collection[DocumentKey]) -> Sequence[Document]:
        await self.pause()
        return [deepcopy(self.held[key]) for key in keys if key in self.held]

    async def read_deciding(
        self, keys: Collection[DocumentKey], required: Mapping[str, int]
    ) -> Sequence[Document]:
        await self.pause()
        held = [self.held[key] for key in keys if key in self.held and key.course_id in required]
        return deepcopy([one for one in held if may_decide(one, required[one["course_id"]])])

    async def prune(self, prunings: Sequence[Pruning]) -> None:
        await self.pause()
        for pruning in prunings:
            remove(self.held[pruning.key], pruning)

    async def keep_first(self, offers: Sequence[Kept]) -> Sequence[Kept]:
        for offer in reversed(offers):
            await self.pause()  # a bulk lands in any order, and perhaps in part
            document = self.held[offer.key]
            if at(document, offer.keys) is ABSENT:
                event = offer.event
                payload = {
                    "id": event.id,
                    "source": event.source,
                    "time": event.time.isoformat(),
                    "data": event.data.model_dump(mode="json"),
                    "traceparent": event.traceparent,
                }
                put(document, offer.keys, payload)
                since = as_milliseconds(event.time)
                note = {"_id": event.id, "path": list(offer.keys), "since": since}
                document.setdefault("unpublished", []).append(note)
                document["stage"] = max(document.get("stage", 0), stage_of(event.data))
        return [kept_at(self.held[offer.key], offer.keys) for offer in offers]

    async def mark_published(self, kept: Sequence[Kept]) -> None:
        await self.pause()
        for one in kept:
            document = self.held[one.key]
            document["unpublished"] = [
                note for note in document.get("unpublished", ()) if note["_id"] != one.event.id
            ]
            lists = {Started: "unstarted", Completed: "incomplete"}
            if name := lists.get(type(one.event.data)):
                leave(document, name, [term_name(one.event.data.run_id, one.event.data.term)])

    async def unpublished(self, before: datetime, limit: int) -> Sequence[Document]:
        await self.pause()
        until = as_milliseconds(before)
        left = [
            deepcopy(document)
            for document in self.held.values()
            if any(note["since"] < until for note in document.get("unpublished", ()))
        ]
        return left[:limit]

    async def behind(self, course_id: str, version: int, limit: int) -> Sequence[Document]:
        await self.pause()
        found = [
            deepcopy(document)
            for key, document in self.held.items()
            if key.course_id == course_id and document["decided_version"] < version
        ]
        return found[:limit]

    async def mark_decided(self, keys: Collection[DocumentKey], version: int) -> None:
        await self.pause()
        for key in keys:
            document = self.held[key]
            document["decided_version"] = max(version, document["decided_version"])

    async def of_learner(
        self, learner_id: str, *, after: str, limit: int, mdo_id: str | None = None
    ) -> Sequence[Document]:
        await self.pause()
        found = [
            deepcopy(document)
            for key, document in sorted(self.held.items())
            if key.learner_id == learner_id
            and key.course_id > after
            and (mdo_id is None or mdo_id in document.get("mdos", {}))
        ]
        return found[:limit]


class MemoryCourses:
    """Courses by id. `workers` share `stored`; what each has seen is its own."""

    def __init__(
        self, stored: dict[str, Course] | None = None, pause: Callable[[], Awaitable[None]] = go_on
    ) -> None:
        self.pause = pause
        self.stored = {} if stored is None else stored
        self.reconciled: dict[str, int] = {}
        self.seen: dict[str, Course] = {}

    async def prepare(self) -> None:
        """Need nothing."""

    async def put(self, courses: Sequence[Course]) -> None:
        await self.pause()
        for course in courses:
            held = self.stored.get(course.course_id)
            if held is None or held.version < course.version:
                self.stored[course.course_id] = course

    async def get(
        self, course_ids: Collection[str], *, max_age_seconds: float = 0
    ) -> Mapping[str, Course]:
        await self.pause()
        found = {id_: self.stored[id_] for id_ in course_ids if id_ in self.stored}
        self.seen.update(found)
        return found

    async def programmes_of(self, course_ids: Collection[str]) -> Mapping[str, Course]:
        await self.pause()
        return {
            id_: course
            for id_, course in self.stored.items()
            if any(held.course_id in course_ids for held in course.courses)
        }

    def known(self, course_ids: Collection[str]) -> Mapping[str, Course]:
        return {id_: self.seen[id_] for id_ in course_ids if id_ in self.seen}

    async def unreconciled(self) -> Course | None:
        await self.pause()
        waiting = (
            course
            for id_, course in self.stored.items()
            if self.reconciled.get(id_, 0) < course.version
        )
        return next(waiting, None)

    async def mark_reconciled(self, course_id: str, version: int) -> None:
        await self.pause()
        if self.stored[course_id].version == version:
            self.reconciled[course_id] = version


class MemoryCounts:
    """Counts by bucket, over documents in memory."""

    def __init__(
        self, documents: MemoryDocuments, pause: Callable[[], Awaitable[None]] = go_on
    ) -> None:
        self.pause = pause
        self.documents = documents
        self.held: dict[Bucket, dict[str, Any]] = {}

    async def prepare(self) -> None:
        """Need nothing."""

    async def mark(self, buckets: Collection[Bucket]) -> None:
        for bucket in sorted(buckets):
            await self.pause()
            fresh = {"marks": 0, "counted": 0, "counted_at": 0, "stages": [0, 0, 0]}
            self.held.setdefault(bucket, fresh)["marks"] += 1

    async def claim(self, before: datetime, now: datetime) -> Marked | None:
        await self.pause()
        waiting = [
            (one["counted_at"], bucket)
            for bucket, one in self.held.items()
            if one["counted"] < one["marks"] and one["counted_at"] < as_milliseconds(before)
        ]
        if not waiting:
            return None
        _, bucket = min(waiting)
        self.held[bucket]["counted_at"] = as_milliseconds(now)
        return Marked(bucket, self.held[bucket]["marks"])

    async def recount(self, marked: Marked) -> None:
        await self.pause()
        stages = [
            sum(
                Bucket.of(key) == marked.bucket and document.get("stage") == stage
                for key, document in self.documents.held.items()
            )
            for stage in (1, 2, 3)
        ]
        await self.pause()
        held = self.held[marked.bucket]
        if held["counted"] <= marked.marks:
            held.update(stages=stages, counted=marked.marks)

    async def of_course(self, course_id: str) -> CourseCounts | None:
        await self.pause()
        held = [one for bucket, one in self.held.items() if bucket.course_id == course_id]
        if not held:
            return None
        enrolled, started, completed = (
            sum(sum(one["stages"][stage:]) for one in held) for stage in range(3)
        )
        settled = all(one["counted"] == one["marks"] for one in held)
        return CourseCounts(course_id, enrolled, started, completed, settled)


class MemoryApplied:
    """Next offsets by partition."""

    def __init__(self, pause: Callable[[], Awaitable[None]] = go_on) -> None:
        self.pause = pause
        self.offsets: dict[int, int] = {}

    async def advance(self, next_offsets: Mapping[int, int]) -> None:
        await self.pause()
        for partition, offset in next_offsets.items():
            self.offsets[partition] = max(offset, self.offsets.get(partition, 0))

    async def next_offsets(self) -> Mapping[int, int]:
        await self.pause()
        return dict(self.offsets)


def memory_store(pause: Callable[[], Awaitable[None]] = go_on) -> Store:
    """Return an empty store in memory."""
    documents = MemoryDocuments(pause)
    courses, applied = MemoryCourses(pause=pause), MemoryApplied(pause)
    return Store(documents, courses, applied, MemoryCounts(documents, pause))


def document_of(*facts: EventData) -> Any:
    """Return the document of some facts."""

    async def build() -> Any:
        store = memory_store()
        await store.documents.apply(merge(facts), {})
        found = await store.documents.read([DocumentKey("asha", "ethics")])
        return found[0] if found else {"learner_id": "asha", "course_id": "ethics"}

    return asyncio.run(build())
