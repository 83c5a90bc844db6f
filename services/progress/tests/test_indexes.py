"""No query scans: each is answered from `_id` or from an index that `prepare` makes.

The store's own explain differs from store to store, so the queries themselves are held against
the indexes: what they ask for must be a prefix of one, and what a partial index leaves out must
not be asked for.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from pravah_progress.model import Bucket, DocumentKey, Kept, Marked, Pruning
from pravah_progress.rules import merge
from pravah_progress.store import Store, contract
from pravah_shared.events import Started, new_event

from .facts import course, day, enrolled, progressed, update

KEY = DocumentKey("asha", "ethics")
SMALL = {"applied"}
"""Collections that are read whole: a document per partition."""
WITHIN_A_LEARNER = ("mdos/", "learner_id")
"""What is left of a learner's few documents, side by side by `_id`, is chosen among them."""


@dataclass
class Index:
    """An index as it was asked for."""

    keys: Sequence[str]
    partial: Mapping[str, Any] = field(default_factory=dict)

    def serves(self, filter_: Mapping[str, Any], sort: Sequence[str]) -> bool:
        """Tell whether a query walks along this index, and along nothing else."""
        asked = [name for name in filter_ if not self.passes_over(name)]
        used = list(self.keys[: len(asked)])
        onward = [name for name in sort if name not in used[:-1]]
        return (
            bool(asked)
            and set(used) == set(asked)
            and set(self.partial) <= set(asked)
            and onward in ([], list(self.keys[len(used) - 1 :])[: len(onward)])
        )

    def passes_over(self, name: str) -> bool:
        """Tell whether this asks nothing more of an index."""
        return self.keys == ["_id"] and name.startswith(WITHIN_A_LEARNER)


class Recording:
    """Stands in for a collection: notes indexes and queries, and finds next to nothing."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.indexes: list[Index] = [Index(["_id"])]
        self.queries: list[tuple[Mapping[str, Any], Sequence[str]]] = []

    async def ensure_index(self, name: str, keys: Any, *, partial: Any = None, **_: Any) -> None:
        """Note an index."""
        self.indexes.append(Index([key for key, _ in keys], partial or {}))

    async def find(self, filter_: Any, *, sort: Any = (), **_: Any) -> list[Any]:
        """Note a query; of several conditions that all must hold, the first chooses the index."""
        (filter_, *_) = filter_.get("$and", [filter_])
        self.queries.append((filter_, [key for key, _ in sort or ()]))
        return []

    async def find_one(self, filter_: Any, projection: Any = None) -> Any:
        """Note a query."""
        await self.find(filter_)

    async def find_one_and_update(self, filter_: Any, update: Any, *, sort: Any = ()) -> Any:
        """Note a query."""
        await self.find(filter_, sort=sort)

    async def update_one(self, filter_: Any, update: Any, **_: Any) -> bool:
        """Note a query."""
        await self.find(filter_)
        return False

    async def count(self, filter_: Any) -> int:
        """Note a query."""
        await self.find(filter_)
        return 0

    async def bulk(self, writes: Sequence[Any]) -> int:
        """Note the queries of writes."""
        for write in writes:
            await self.find(write._filter)
        return 0

    async def upsert(self, updates: Mapping[str, Any]) -> None:
        """Note writes by `_id`."""
        for id_ in updates:
            await self.find({"_id": id_})

    def scans(self) -> list[Mapping[str, Any]]:
        """Return the queries that no index serves."""
        return [
            filter_
            for filter_, sort in self.queries
            if self.name not in SMALL
            and "_id" not in filter_
            and not any(index.serves(filter_, sort) for index in self.indexes)
        ] + [
            filter_
            for filter_, sort in self.queries
            if "_id" in filter_ and sort and not any(i.serves(filter_, sort) for i in self.indexes)
        ]


class Recorded:
    """Stands in for a database."""

    def __init__(self) -> None:
        self.collections: dict[str, Recording] = {}

    def collection(self, name: str) -> Recording:
        """Return the collection of that name."""
        return self.collections.setdefault(name, Recording(name))


START = Kept(
    KEY,
    new_event(
        Started(
            enrollment_id="e", learner_id="asha", course_id="ethics", term=1, started_at=day(1)
        ),
        source="/x",
        time=day(1),
    ),
)
CALLS: Mapping[str, Callable[[Store], Any]] = {
    "Documents.prepare": lambda store: store.documents.prepare(),
    "Documents.apply": lambda store: store.documents.apply(
        merge([progressed(update()), enrolled()]), {}
    ),
    "Documents.read": lambda store: store.documents.read([KEY]),
    "Documents.read_deciding": lambda store: store.documents.read_deciding([KEY], {"ethics": 2}),
    "Documents.prune": lambda store: store.documents.prune([Pruning(KEY, {"a": 1.0}, ("_|1",))]),
    "Documents.mark_published": lambda store: store.documents.mark_published([START]),
    "Documents.unpublished": lambda store: store.documents.unpublished(day(1), 10),
    "Documents.behind": lambda store: store.documents.behind("ethics", 2, 10),
    "Documents.mark_decided": lambda store: store.documents.mark_decided([KEY], 2),
    "Documents.of_learner": lambda store: store.documents.of_learner(
        "asha", after="", limit=10, mdo_id="bihar"
    ),
    "Courses.prepare": lambda store: store.courses.prepare(),
    "Courses.put": lambda store: store.courses.put([course()]),
    "Courses.get": lambda store: store.courses.get({"ethics"}),
    "Courses.programmes_of": lambda store: store.courses.programmes_of({"ethics"}),
    "Courses.unreconciled": lambda store: store.courses.unreconciled(),
    "Courses.mark_reconciled": lambda store: store.courses.mark_reconciled("ethics", 1),
    "Applied.advance": lambda store: store.applied.advance({0: 1}),
    "Applied.next_offsets": lambda store: store.applied.next_offsets(),
    "Counts.prepare": lambda store: store.counts.prepare(),
    "Counts.mark": lambda store: store.counts.mark([Bucket("ethics", 1)]),
    "Counts.claim": lambda store: store.counts.claim(day(1), day(2)),
    "Counts.recount": lambda store: store.counts.recount(Marked(Bucket("ethics", 1), 1)),
    "Counts.of_course": lambda store: store.counts.of_course("ethics"),
}
ASKS_NOTHING = {
    "Courses.known",  # from memory
    "Documents.keep_first",  # writes by `_id`, then `read`; it needs what it wrote to be there
}


def test_every_call_of_the_store_is_looked_at() -> None:
    """A query that is added later must be added here."""
    there = {
        f"{protocol.__name__}.{name}"
        for protocol in (
            contract.Documents,
            contract.Courses,
            contract.Applied,
            contract.Counts,
        )
        for name in vars(protocol)
        if not name.startswith("_")
    }
    assert there == set(CALLS) | ASKS_NOTHING


@pytest.mark.parametrize("call", sorted(CALLS))
async def test_no_query_scans(call: str) -> None:
    """Each is a prefix of an index, or asks by `_id`."""
    database: Any = Recorded()
    store = Store.on(database)
    await store.prepare()
    await CALLS[call](store)
    scans = [query for one in database.collections.values() for query in one.scans()]
    assert scans == []


@pytest.mark.parametrize(
    ("filter_", "sort"),
    [
        ({}, []),
        ({"decided_version": 1}, []),
        ({"course_id": "ethics", "facts": 1}, []),
        ({"course_id": "ethics", "bucket": 1}, []),
        ({"learner_id": "asha"}, ["course_id"]),
    ],
)
async def test_a_query_that_scans_is_found(filter_: Any, sort: Any) -> None:
    """Without an index, past its first key, beside a partial one, against its order."""
    database: Any = Recorded()
    await Store.on(database).prepare()
    documents = database.collection("progress")
    await documents.find(filter_, sort=[(key, 1) for key in sort])
    assert documents.scans() == [filter_]
