"""The contract of the stream's stores, on MongoDB's wire and on the fake alike."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Any

import pytest
from memory_store import MemoryStore
from notification_facts import NOW, enrolled

from pravah_cli.testing import SettingsFor
from pravah_notification.model import Entry, Known, StoredCourse, StoredPerson
from pravah_notification.ports import Knowledge, LedgerWrites
from pravah_notification.rules import drafts, settle
from pravah_notification.settings import NotificationSettings
from pravah_notification.store import Directory, Ledger
from pravah_shared.mongo import Database


@dataclass(frozen=True)
class Stores:
    """Both stores of one kind."""

    ledger: LedgerWrites
    directory: Knowledge


@pytest.fixture
def memory_stores() -> Stores:
    """The stores in memory."""
    memory = MemoryStore()
    return Stores(memory, memory)


@pytest.fixture
async def real_stores(settings_for: SettingsFor) -> AsyncIterator[Stores]:
    """The real ones."""
    settings = settings_for(NotificationSettings)
    database = Database.connect(settings.mongo_uri, settings.mongo_database)
    ledger = Ledger(database)
    await ledger.prepare()
    yield Stores(ledger, Directory(database))
    await database.close()


@pytest.fixture(params=["memory_stores", pytest.param("real_stores", marks=pytest.mark.stack)])
def stores(request: pytest.FixtureRequest) -> Stores:
    """Each kind in turn."""
    found: Stores = request.getfixturevalue(request.param)
    return found


def waiting(learner: str = "l1", course: str = "c1") -> tuple[Entry, ...]:
    """Entries of an enrollment, undecided."""
    return drafts([enrolled(learner, course)])


def ids(entries: Any) -> list[str]:
    """Their ids, sorted."""
    return sorted(entry.id for entry in entries)


async def test_an_entry_is_inserted_once(stores: Stores) -> None:
    """The second insert inserts nothing and changes nothing."""
    entries = waiting()
    assert await stores.ledger.insert(entries) == {entry.id for entry in entries}
    again = [replace(entry, missing=()) for entry in entries]
    assert await stores.ledger.insert(again) == set()
    assert await stores.ledger.waiting(ids(entries)) == sorted(entries, key=lambda e: e.id)


async def test_an_entry_comes_back_as_it_was_put(stores: Stores) -> None:
    """Every field of it."""
    (entry, _) = waiting()
    await stores.ledger.insert([entry])
    assert await stores.ledger.waiting([entry.id]) == [entry]


async def test_entries_are_found_by_what_they_miss(stores: Stores) -> None:
    """Not by what they have."""
    entries = (*waiting("l1", "c1"), *waiting("l2", "c2"))
    await stores.ledger.insert(entries)
    known = Known(people={"l1"}, courses={"c2"})
    await stores.ledger.settle([settle(entry, known, NOW) for entry in entries])
    assert await stores.ledger.waiting_for(["l1"], ["c2"], 10) == []
    found = await stores.ledger.waiting_for(["l2"], ["c1"], 10)
    assert ids(found) == ids(entries)
    assert len(await stores.ledger.waiting_for(["l2"], ["c1"], 3)) == 3


async def test_of_who_is_erased_everything_waiting_is_found(stores: Stores) -> None:
    """Whatever it still misses."""
    known = Known(people={"l1"}, courses=set())
    entries = [settle(entry, known, NOW) for entry in waiting()]
    await stores.ledger.insert(entries)
    assert await stores.ledger.waiting_for(["l1"], [], 10) == []
    assert ids(await stores.ledger.waiting_for(["l1"], [], 10, erased_ids=["l1"])) == ids(entries)


async def test_a_settled_entry_waits_no_more_and_is_not_settled_again(stores: Stores) -> None:
    """The first decision stands."""
    entries = waiting()
    await stores.ledger.insert(entries)
    known = Known(people={"l1"}, courses={"c1"})
    settled = [settle(entry, known, NOW) for entry in entries]
    assert await stores.ledger.settle(settled) == 2
    assert await stores.ledger.settle([replace(entry, reason="late") for entry in settled]) == 0
    assert await stores.ledger.waiting(ids(entries)) == []


async def test_waiting_entries_are_walked_in_pages(stores: Stores) -> None:
    """Each once, in the order of their ids."""
    entries = [entry for number in range(5) for entry in waiting(f"l{number}")]
    await stores.ledger.insert(entries)
    walked: list[str] = []
    while page := await stores.ledger.waiting_after(walked[-1] if walked else "", 3):
        walked += [entry.id for entry in page]
    assert walked == ids(entries)


async def test_people_and_courses_are_known_once_kept(stores: Stores) -> None:
    """By the entries that need them."""
    entries = (*waiting("l1", "c1"), *waiting("l2", "c2"))
    assert await stores.directory.known(entries) == Known()
    await stores.directory.keep_people(
        [StoredPerson("l1", 1, "sealed"), StoredPerson("l9", 1, "x")]
    )
    await stores.directory.keep_courses([StoredCourse("c2", 1, {"en": "Ethics"})])
    known = await stores.directory.known(entries)
    assert (known.people, known.erased, known.courses) == ({"l1"}, set(), {"c2"})


@pytest.mark.parametrize("late", [StoredPerson("l1", 9, "sealed"), StoredPerson("l1")])
async def test_erasure_is_for_ever(stores: Stores, late: StoredPerson) -> None:
    """Whatever version comes after it, also in the same batch."""
    await stores.directory.keep_people([StoredPerson("l1", 1, "sealed")])
    await stores.directory.keep_people([StoredPerson("l1"), late])
    await stores.directory.keep_people([late])
    assert (await stores.directory.known(waiting())).erased == {"l1"}


@pytest.mark.stack
async def test_the_newest_version_stays(settings_for: SettingsFor) -> None:
    """Whatever order they come in, within a batch too."""
    settings = settings_for(NotificationSettings)
    database = Database.connect(settings.mongo_uri, settings.mongo_database)
    directory = Directory(database)
    await directory.keep_people([StoredPerson("l1", 2, "two"), StoredPerson("l1", 3, "three")])
    await directory.keep_people([StoredPerson("l1", 1, "one")])
    await directory.keep_courses([StoredCourse("c1", 2, {"en": "New"})])
    await directory.keep_courses([StoredCourse("c1", 1, {"en": "Old"})])
    assert (await directory.people(["l1"]))["l1"] == StoredPerson("l1", 3, "three")
    assert (await directory.courses(["c1"]))["c1"].title == {"en": "New"}
    await directory.keep_people([StoredPerson("l1")])
    assert (await directory.people(["l1"]))["l1"].ciphertext is None
    await database.close()
