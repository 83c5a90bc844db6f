"""The merged document is the same for any order, duplication and split over workers."""

import asyncio
from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import replace
from datetime import timedelta
from itertools import count, pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from pravah_progress.model import NO_RUN, Change, DocumentKey, as_milliseconds
from pravah_progress.rules import merge, prune
from pravah_progress.rules.scope import scope_of
from pravah_progress.store import Store
from pravah_shared.events import EventData
from pravah_shared.mongo import Database

from .facts import FACTS, TEST, attempt, course, day, enrolled, progressed, update, withdrawn
from .memory import document_of, memory_store, remove

Merge = Callable[[Sequence[EventData]], tuple[Change, ...]]
Delivery = tuple[list[EventData], list[list[EventData]]]

KEY = DocumentKey("asha", "ethics")
FOUND = settings(max_examples=300, deadline=None, derandomize=True, phases=[Phase.generate])
PROVED = settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@st.composite
def deliveries(draw: st.DrawFn) -> Delivery:
    """Return facts, and batches that hold each at least once, in any order."""
    facts = draw(st.lists(FACTS, min_size=1, max_size=12))
    repeated = [*facts, *draw(st.lists(st.sampled_from(facts), max_size=6))]
    shuffled = draw(st.permutations(repeated))
    cuts = sorted(draw(st.lists(st.integers(0, len(shuffled)), max_size=5)))
    bounds = [0, *cuts, len(shuffled)]
    return facts, [shuffled[a:b] for a, b in pairwise(bounds)]


def normal(document: Any) -> Any:
    """Return a document's facts without dominated submissions."""
    document = deepcopy(dict(document))
    if pruning := prune(document):
        remove(document, pruning)
    held = {name: document.get(name) for name in ("facts", "enrollments", "mdos")}
    # A list in the store, a set in meaning.
    return held | {
        name: set(document.get(name, ())) for name in ("done", "unstarted", "incomplete")
    }


async def merged(store: Store, key: DocumentKey, batches: Sequence[Any], merge_: Merge) -> Any:
    """Apply batches as workers do, pruning in between, and return the document."""
    for batch in batches:
        changes = [replace(one, key=key) for one in merge_(batch)]
        await store.documents.apply(changes, {})
        documents = await store.documents.read([key])
        await store.documents.prune([one for held in documents if (one := prune(held))])
    return normal((await store.documents.read([key]))[0])


def check(merge_: Merge) -> Callable[[Delivery], None]:
    """Return the property over a store in memory."""

    def order_cannot_matter(delivery: Delivery) -> None:
        facts, batches = delivery
        together = asyncio.run(merged(memory_store(), KEY, [facts], merge))
        assert asyncio.run(merged(memory_store(), KEY, batches, merge_)) == together

    return order_cannot_matter


def test_order_duplicates_and_split_cannot_matter() -> None:
    """Any delivery of the same facts leads to the same document."""
    PROVED(given(deliveries())(check(merge)))()


def adding_up(batch: Sequence[EventData]) -> tuple[Change, ...]:
    """A wrong merge: seconds of a unit are added up within a batch."""
    seconds: dict[Any, int] = {}
    for change in (change for fact in batch for change in merge([fact])):
        for path, value in change.maxima.items():
            if "/spent/" in path:
                seconds[path] = seconds.get(path, 0) + value
    return tuple(replace(one, maxima={**one.maxima, **seconds}) for one in merge(batch))


def last_one_wins(batch: Sequence[EventData]) -> tuple[Change, ...]:
    """A wrong merge: the time of the last report stands, not the earliest."""
    minima: dict[Any, Any] = {}
    for fact in batch:
        for change in merge([fact]):
            minima.update(change.minima)
    return tuple(replace(one, minima=minima) for one in merge(batch))


@pytest.mark.parametrize("fault", [adding_up, last_one_wins])
def test_a_seeded_fault_is_found(fault: Merge) -> None:
    """The property is no rubber stamp: merges that are wrong in one way fail it."""
    with pytest.raises(AssertionError):
        FOUND(given(deliveries())(check(fault)))()


@pytest.mark.stack
def test_the_real_store_merges_to_the_same_document(settings_for: Any) -> None:
    """MongoDB's `$max` and `$min` do with the same changes what the dictionaries do."""
    from pravah_progress.settings import ProgressSettings

    chosen = settings_for(ProgressSettings)
    numbers = count()

    async def connect() -> tuple[Database, Store]:
        database = Database.connect(chosen.mongo_uri, chosen.mongo_database)
        store = Store.on(database)
        await store.prepare()
        return database, store

    with asyncio.Runner() as runner:
        database, real = runner.run(connect())

        @PROVED
        @given(deliveries())
        def same(delivery: Delivery) -> None:
            facts, batches = delivery
            together = asyncio.run(merged(memory_store(), KEY, [facts], merge))
            key = DocumentKey(f"asha.{next(numbers)}", "ethics")
            assert runner.run(merged(real, key, batches, merge)) == together

        same()
        runner.run(database.close())


def test_spent_seconds_are_cumulative_by_device() -> None:
    """Two devices add up; two reports of one device do not."""
    reports = [
        progressed(update(spent_seconds=30), device_id="phone"),
        progressed(update(spent_seconds=50), device_id="phone"),
        progressed(update(spent_seconds=20), device_id="desk"),
    ]
    (change,) = merge(reports)
    assert change.maxima["facts/_/content/video/spent/phone"] == 50
    assert change.maxima["facts/_/content/video/spent/desk"] == 20


def test_a_done_unit_never_goes_back() -> None:
    """A report of status 1 that comes later, or late, leaves the unit done since the earliest."""
    held = document_of(
        progressed(update(status=2, at=3)), progressed(update(status=1, at=4), update(at=2))
    )
    scope = scope_of(held, None, NO_RUN)
    assert scope.done_at("video") == as_milliseconds(day(2))
    assert held["done"] == ["video"]


def test_withdrawals_keep_the_earliest() -> None:
    """Two withdrawals of a term: the earlier one holds."""
    (change,) = merge([withdrawn(at=5), enrolled(), withdrawn(at=4)])
    assert change.minima["enrollments/_/1/withdrawn_at"] == as_milliseconds(day(4))


def test_pruning_keeps_the_latest_and_each_first_higher_percent() -> None:
    """Of one attempt's many submissions in a day few remain, and they decide the same."""
    scores = [30, 10, 50, 20, 50, 45, 5]
    document = document_of(
        progressed(*(attempt(score=score, at=1 + n / 100) for n, score in enumerate(scores)))
    )
    remove(document, prune(document))  # type: ignore[arg-type]
    left = document["facts"]["_"]["submissions"]["test"]["a1"]
    assert [left[at] for at in sorted(left)] == [30, 50, 50, 45, 5]
    assert prune(document) is None


def test_pruning_spares_what_another_worker_has_raised() -> None:
    """A percent that rose since it was seen as dominated is kept."""
    document = document_of(
        progressed(*(attempt(score=50 - n % 2, at=1 + n / 100) for n in range(3)))
    )
    seen = prune(document)
    assert seen is not None
    (path,) = seen.dominated
    name = path.rpartition(".")[2]
    document["facts"]["_"]["submissions"]["test"]["a1"][name] = 90.0
    remove(document, seen)
    assert document["facts"]["_"]["submissions"]["test"]["a1"][name] == 90.0


SUBMISSIONS = st.lists(
    st.tuples(
        st.sampled_from([1, 1.1, 1.2, 1.6, 2, 2.3, 2.9, 3.5]),
        st.sampled_from([None, 10, 40, 50, 90]),
        st.sampled_from([0, 0.5, 1, 4]),
    ),
    max_size=12,
)


@PROVED
@given(SUBMISSIONS, st.integers(1, 3), st.integers(1, 4), st.integers(0, 4))
def test_pruning_decides_nothing_for_runs_of_whole_days(
    submissions: list[tuple[float, float | None, float]], starts: int, days: int, grace: int
) -> None:
    """Passed when, and with what best percent: the same with what is dominated and without."""
    held = document_of(
        *(
            progressed(attempt(score=score, at=at), received_at=day(at) + timedelta(days=late))
            for at, score, late in submissions
        )
    )
    pruned = deepcopy(held)
    if pruning := prune(held):
        remove(pruned, pruning)
    run = {
        "run_id": "autumn",
        "starts_at": day(starts),
        "ends_at": day(starts + days) - timedelta(milliseconds=1),
        "grace_seconds": grace * 86_400,
    }
    known = course(runs=(run,))
    before, after = (scope_of(one, known, "autumn") for one in (held, pruned))
    assert after.passed_at(TEST) == before.passed_at(TEST)
    assert after.best(TEST) == before.best(TEST)


def test_a_resend_of_a_submission_leaves_one() -> None:
    """The same submission in a later report says nothing new."""
    document = document_of(*(progressed(attempt(), received_at=day(late)) for late in (4, 2, 3)))
    remove(document, prune(document))  # type: ignore[arg-type]
    (left,) = document["facts"]["_"]["submissions"]["test"]["a1"]
    assert left.endswith(f"_{as_milliseconds(day(2))}")


def test_a_started_term_is_pruned_from_those_that_have_not() -> None:
    """Once Kafka has its start. A redelivery puts it back; the next read takes it out."""
    document = document_of(progressed(update()), enrolled(), enrolled(term=2))
    assert prune(document) is None
    document["announced"] = {"_": {"2": {"started": {}}, "1": {"completed": {}}}}
    document["unpublished"] = [{"path": ["announced", "_", "2", "started"]}]
    pruning = prune(document)
    assert pruning is not None
    assert (pruning.started, pruning.completed) == ((), ("_|1",))
    document["unpublished"] = []
    pruning = prune(document)
    assert pruning is not None
    assert (pruning.started, pruning.completed) == (("_|2",), ("_|1",))
    remove(document, pruning)
    assert (document["unstarted"], document["incomplete"]) == (["_|1"], ["_|2"])
