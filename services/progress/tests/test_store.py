"""The contract that every store of progress keeps: the dictionaries of the tests and MongoDB."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from pravah_progress.model import (
    Bucket,
    Change,
    CourseCounts,
    DocumentKey,
    Kept,
    Pruning,
    as_milliseconds,
)
from pravah_progress.rules import decide, merge
from pravah_progress.settings import ProgressSettings
from pravah_progress.store import Store
from pravah_shared.events import Completed, Course, ProgrammeCourse, Started, new_event
from pravah_shared.mongo import Database

from .facts import attempt, course, day, enrolled, progressed, update, withdrawn
from .memory import memory_store

KEY = DocumentKey("asha", "ethics")
NOW = datetime(2025, 1, 1, tzinfo=UTC)
OTHER = {"learner_id": "bina"}
PASSED = (progressed(update(), attempt()), enrolled(mdo_id="m.1"))


@pytest.fixture(params=["memory", pytest.param("mongo", marks=pytest.mark.stack)])
async def store(request: pytest.FixtureRequest) -> AsyncIterator[Store]:
    """Yield an empty store of each kind."""
    if request.param == "memory":
        yield memory_store()
        return
    stack = request.getfixturevalue("stack")
    database = Database.connect(stack.mongo_uri, f"t{uuid4().hex[:12]}_progress")
    real = Store.on(database)
    await real.prepare()
    yield real
    await database.drop()
    await database.close()


async def document(store: Store, key: DocumentKey = KEY) -> Any:
    """Return the one document."""
    (found,) = await store.documents.read([key])
    return found


def completion(score: float, at: datetime = NOW) -> Kept:
    """Return the offer of a completion."""
    data = Completed(
        enrollment_id="e",
        learner_id="asha",
        course_id="ethics",
        run_id="run.1",
        term=1,
        completed_at=day(1),
        course_version=1,
        score_percent=score,
    )
    return Kept(KEY, new_event(data, source="/pravah/progress", time=at, traceparent="00-a-b-01"))


async def test_prepare_is_safe_to_repeat(store: Store) -> None:
    """Every process makes sure of the indexes, at the same time."""
    await asyncio.gather(store.prepare(), store.prepare())
    await store.prepare()


async def test_a_change_creates_its_document_and_repeats_nothing(store: Store) -> None:
    """Applying the same change twice leaves the document as it was."""
    changes = merge(PASSED)
    await store.documents.apply(changes, {"ethics": 3})
    first = await document(store)
    await store.documents.apply(changes, {})
    assert await document(store) == first
    assert (first["learner_id"], first["course_id"]) == KEY
    assert first["decided_version"] == 3
    assert first["enrollments"]["_"]["1"]["enrolled_at"] == as_milliseconds(day(0))
    assert first["mdos"] == {"m.1": 1}


async def test_maxima_rise_and_minima_fall(store: Store) -> None:
    """A lower maximum and a higher minimum change nothing, also against an unmarked submission."""
    for percent in (-1.0, 50.0, -1.0, 40.0):
        await store.documents.apply([Change(KEY, {"a/b": percent}, {"x": percent})], {})
    held = await document(store)
    assert held["a"]["b"] == 50.0
    assert held["x"] == -1.0


async def test_ids_may_hold_dots(store: Store) -> None:
    """An id with dots is one key, and comes back as it was."""
    await store.documents.apply(
        merge(
            [
                progressed(update("v.1.2", spent_seconds=5), run="r.1", device_id="d.0"),
                withdrawn("r.1"),
            ]
        ),
        {},
    )
    held = await document(store)
    assert list(held["facts"]) == ["r.1"]
    assert held["facts"]["r.1"]["content"]["v.1.2"]["spent"]["d.0"] == 5
    assert held["enrollments"]["r.1"]["1"]["withdrawn_at"] == as_milliseconds(day(0))


async def test_lists_hold_everything_once(store: Store) -> None:
    """However often it is added; in one write with the rest."""
    done = progressed(update("u.1"), update("u2"), update("u3", status=1), attempt("test"))
    for _ in range(2):
        await store.documents.apply(merge([done, enrolled("r.1"), enrolled(term=2)]), {})
    held = await document(store)
    assert sorted(held["done"]) == ["test", "u.1", "u2"]
    assert sorted(held["unstarted"]) == sorted(held["incomplete"]) == ["_|2", "r.1|1"]


async def test_a_term_is_unstarted_and_incomplete_until_that_is_published(store: Store) -> None:
    """Kept is not enough: the store must find what Kafka may not have."""
    await store.documents.apply(merge([*PASSED, enrolled("r.1")]), {})
    offers = [
        Kept(KEY, new_event(one, source="/x", time=NOW))
        for one in decide(await document(store), course())
    ]
    kept = await store.documents.keep_first(offers)
    assert sorted((await document(store))["unstarted"]) == ["_|1", "r.1|1"]
    await store.documents.mark_published(
        [one for one in kept if isinstance(one.event.data, Started)]
    )
    assert (await document(store))["unstarted"] == ["r.1|1"]
    assert sorted((await document(store))["incomplete"]) == ["_|1", "r.1|1"]
    await store.documents.mark_published(kept)
    assert (await document(store))["incomplete"] == ["r.1|1"]


async def test_pruning_takes_started_terms_out(store: Store) -> None:
    """By name, whatever else has changed; none is no error."""
    await store.documents.apply(merge([enrolled(), enrolled("r.1")]), {})
    await store.documents.prune([Pruning(KEY, started=("r.1|1", "gone|1"), completed=("_|1",))])
    assert (await document(store))["unstarted"] == ["_|1"]
    assert (await document(store))["incomplete"] == ["r.1|1"]


async def test_writers_at_once_lose_nothing(store: Store) -> None:
    """Many workers that create and change one document at once all leave their facts."""
    reports = [progressed(update(f"u{n}", spent_seconds=n + 1)) for n in range(20)]
    await asyncio.gather(*(store.documents.apply(merge([one]), {}) for one in reports))
    assert len((await document(store))["facts"]["_"]["content"]) == 20


async def test_reading_skips_what_is_not_there(store: Store) -> None:
    """Keys without a document have no entry."""
    await store.documents.apply(merge([enrolled()]), {})
    assert len(await store.documents.read([KEY, DocumentKey("nobody", "ethics")])) == 1
    assert await store.documents.read([]) == []


async def test_only_what_may_decide_is_read(store: Store) -> None:
    """A start that waits, or as many units done as the course requires of one who is enrolled."""
    names = ("waits", "half", "enough", "nobody", "unknown")
    keys = {name: DocumentKey(name, "ethics") for name in names}
    keys["unknown"] = DocumentKey("unknown", "elsewhere")
    half, both = [update("u1")], [update("u1"), update("u2")]
    for name, updates in {"half": half, "enough": both, "nobody": both, "unknown": both}.items():
        (change,) = merge([progressed(*updates), *([] if name == "nobody" else [enrolled()])])
        await store.documents.apply([replace(change, key=keys[name])], {})
        begun = Pruning(keys[name], started=("_|1",))
        await store.documents.prune([begun])
    (change,) = merge([enrolled()])
    await store.documents.apply([replace(change, key=keys["waits"])], {})

    found = await store.documents.read_deciding(list(keys.values()), {"ethics": 2, "more": 3})

    assert {document["learner_id"] for document in found} == {"waits", "enough"}
    assert await store.documents.read_deciding(list(keys.values()), {"ethics": 0}) != []
    assert await store.documents.read_deciding([], {"ethics": 2}) == []
    assert await store.documents.read_deciding(list(keys.values()), {}) == []


async def test_pruning_removes_what_was_seen(store: Store) -> None:
    """A dominated submission goes; the others stay."""
    await store.documents.apply(merge([progressed(attempt(at=1), attempt(at=2))]), {})
    path = "facts/_/submissions/test/a1"
    first, second = sorted((await document(store))["facts"]["_"]["submissions"]["test"]["a1"])
    await store.documents.prune([Pruning(KEY, {f"{path}/{first}": 80.0})])
    left = (await document(store))["facts"]["_"]["submissions"]["test"]["a1"]
    assert left == {second: 80.0}


async def test_pruning_spares_what_has_changed(store: Store) -> None:
    """Another worker raised it in between: nothing is removed."""
    await store.documents.apply(merge([progressed(attempt(score=90))]), {})
    path = "facts/_/submissions/test/a1"
    (at,) = (await document(store))["facts"]["_"]["submissions"]["test"]["a1"]
    await store.documents.prune([Pruning(KEY, {f"{path}/{at}": 80.0})])
    assert (await document(store))["facts"]["_"]["submissions"]["test"]["a1"] == {at: 90.0}


async def test_the_first_announcement_is_kept(store: Store) -> None:
    """A second one of the same term gets the first one back, unchanged."""
    await store.documents.apply(merge(PASSED), {})
    (first,) = await store.documents.keep_first([completion(60)])
    (again,) = await store.documents.keep_first([completion(90, at=NOW + timedelta(days=1))])
    assert first == again == completion(60)


async def test_of_two_at_once_one_is_kept(store: Store) -> None:
    """Workers that announce at the same time agree on one."""
    await store.documents.apply(merge(PASSED), {})
    kept = await asyncio.gather(*(store.documents.keep_first([completion(n)]) for n in range(10)))
    assert len({one.event.data.score_percent for (one,) in kept}) == 1  # type: ignore[union-attr]
    assert len((await document(store))["unpublished"]) == 1


async def test_what_was_announced_is_not_decided_again(store: Store) -> None:
    """The document itself tells the rules what it has announced."""
    await store.documents.apply(merge(PASSED), {})
    announcements = decide(await document(store), course())
    assert {type(one).__name__ for one in announcements} == {"Started", "Completed"}
    offers = [Kept(KEY, new_event(one, source="/x", time=NOW)) for one in announcements]
    assert await store.documents.keep_first(offers) == offers
    assert decide(await document(store), course()) == ()


async def test_unpublished_announcements_are_found_until_they_are_published(store: Store) -> None:
    """Those stored before the given time; marking is safe to repeat."""
    await store.documents.apply(merge(PASSED), {})
    kept = await store.documents.keep_first([completion(60)])
    later = NOW + timedelta(seconds=1)
    assert await store.documents.unpublished(NOW, 10) == []
    (found,) = await store.documents.unpublished(later, 10)
    assert found["unpublished"][0]["_id"] == kept[0].event.id
    await store.documents.mark_published(kept)
    await store.documents.mark_published(kept)
    assert await store.documents.unpublished(later, 10) == []


async def test_documents_behind_a_version_are_found(store: Store) -> None:
    """Until they are marked as decided by it; a lower mark takes nothing back."""
    keys = [DocumentKey(f"l{n}", "ethics") for n in range(3)]
    (change,) = merge([enrolled()])
    await store.documents.apply([Change(key, change.maxima, change.minima) for key in keys], {})
    assert len(await store.documents.behind("ethics", 2, 2)) == 2
    await store.documents.mark_decided(keys[:2], 2)
    await store.documents.mark_decided(keys[:2], 1)
    (left,) = await store.documents.behind("ethics", 2, 10)
    assert left["learner_id"] == "l2"
    assert await store.documents.behind("other", 2, 10) == []


async def test_a_learners_documents_come_in_pages(store: Store) -> None:
    """By course id, after the one given; no other learner's, also not one with a longer id."""
    (change,) = merge([enrolled(mdo_id="m.1")])
    keys = [DocumentKey("asha", id_) for id_ in ("c1", "c2", "c3")]
    await store.documents.apply(
        [
            replace(change, key=key)
            for key in (*keys, DocumentKey("asha1", "c4"), DocumentKey("ash", "c5"))
        ],
        {},
    )
    found = await store.documents.of_learner("asha", after="", limit=2)
    assert [one["course_id"] for one in found] == ["c1", "c2"]
    found = await store.documents.of_learner("asha", after="c2", limit=2)
    assert [one["course_id"] for one in found] == ["c3"]
    assert len(await store.documents.of_learner("asha", after="", limit=9, mdo_id="m.1")) == 3
    assert await store.documents.of_learner("asha", after="", limit=9, mdo_id="m.2") == []


async def test_an_older_course_version_never_overwrites(store: Store) -> None:
    """Versions may come in any order; the newest one stays."""
    await store.courses.put([course(2), course(1)])
    await store.courses.put([course(1)])
    found = await store.courses.get({"ethics", "unknown"})
    assert {id_: one.version for id_, one in found.items()} == {"ethics": 2}
    assert found["ethics"] == course(2)
    known = store.courses.known(["ethics", "unknown"])
    assert {id_: course.version for id_, course in known.items()} == {"ethics": 2}
    await store.courses.put([course(3)])
    assert (await store.courses.get({"ethics"}))["ethics"].version == 3


async def test_a_course_waits_to_be_reconciled(store: Store) -> None:
    """From its arrival until it is marked; a mark for an older version does not count."""
    assert await store.courses.unreconciled() is None
    await store.courses.put([course(2)])
    await store.courses.mark_reconciled("ethics", 1)
    waiting = await store.courses.unreconciled()
    assert waiting == course(2)
    await store.courses.mark_reconciled("ethics", 2)
    assert await store.courses.unreconciled() is None
    await store.courses.put([course(3), course(1)])
    assert await store.courses.unreconciled() == course(3)


async def test_programmes_are_found_by_their_courses(store: Store) -> None:
    """By the newest version, also after others have looked before."""
    assert await store.courses.programmes_of({"ethics"}) == {}

    def programme(version: int, *course_ids: str) -> Course:
        held = tuple(ProgrammeCourse(course_id=id_) for id_ in course_ids)
        changes = {"course_id": "plan", "kind": "programme", "courses": held}
        return course(version).model_copy(update=changes)

    await store.courses.put([course(1), programme(1, "ethics", "law")])
    for ids in ({"ethics"}, {"law", "tax"}):
        assert await store.courses.programmes_of(ids) == {"plan": programme(1, "ethics", "law")}
    await store.courses.put([programme(2, "law")])
    assert await store.courses.programmes_of({"ethics"}) == {}
    assert await store.courses.programmes_of({"law"}) == {"plan": programme(2, "law")}


async def test_marked_buckets_are_claimed_and_counted(store: Store) -> None:
    """Each by one process at a time, the longest waiting first; of what is there then."""
    await store.documents.apply(merge([*PASSED, enrolled().model_copy(update=OTHER)]), {})
    buckets = {Bucket.of(KEY), Bucket.of(DocumentKey("bina", "ethics"))}
    assert len(buckets) == 2
    assert await store.counts.of_course("ethics") is None
    await store.counts.mark(buckets)
    found = [await store.counts.claim(NOW, NOW) for _ in buckets]
    assert {one.bucket for one in found if one} == buckets
    assert await store.counts.claim(NOW, NOW) is None
    await store.documents.keep_first([completion(60)])
    for one in found:
        assert one is not None
        await store.counts.recount(one)
    said = await store.counts.of_course("ethics")
    assert said == CourseCounts("ethics", enrolled=2, started=1, completed=1, settled=True)
    assert await store.counts.of_course("eth") is None


async def test_a_bucket_marked_meanwhile_stays_marked(store: Store) -> None:
    """And counts with fewer marks never replace those with more."""
    await store.documents.apply(merge(PASSED), {})
    bucket = Bucket.of(KEY)
    await store.counts.mark([bucket])
    old = await store.counts.claim(NOW, NOW)
    await store.counts.mark([bucket])
    assert old is not None
    await store.counts.recount(old)
    said = await store.counts.of_course("ethics")
    assert said == CourseCounts("ethics", enrolled=1, started=0, completed=0, settled=False)
    later = NOW + timedelta(seconds=1)
    new = await store.counts.claim(later, later)
    assert new is not None
    await store.counts.recount(new)
    await store.documents.keep_first([completion(60)])
    await store.counts.recount(old)
    said = await store.counts.of_course("ethics")
    assert said == CourseCounts("ethics", enrolled=1, started=0, completed=0, settled=True)


async def test_applied_offsets_only_grow(store: Store) -> None:
    """A redelivered batch does not take them back."""
    await store.applied.advance({0: 5, 3: 7})
    await store.applied.advance({0: 4})
    assert await store.applied.next_offsets() == {0: 5, 3: 7}


@pytest.mark.stack
async def test_courses_may_be_a_little_old(settings_for: Any) -> None:
    """With an age, the store is not asked for a course seen within it; without, it is."""
    chosen = settings_for(ProgressSettings)
    database = Database.connect(chosen.mongo_uri, chosen.mongo_database)
    here, there = Store.on(database), Store.on(database)
    await there.courses.put([course(1)])
    assert (await here.courses.get({"ethics"}, max_age_seconds=60))["ethics"].version == 1
    await there.courses.put([course(2)])
    assert (await here.courses.get({"ethics"}, max_age_seconds=60))["ethics"].version == 1
    assert (await here.courses.get({"ethics"}))["ethics"].version == 2
    await database.close()
