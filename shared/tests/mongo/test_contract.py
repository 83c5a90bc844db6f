"""What every engine must do, on the real server."""

import asyncio
from datetime import UTC, datetime, timedelta, timezone

import pytest
from pymongo.read_preferences import Primary

from pravah_cli.testing import Stack
from pravah_shared.errors import ConfigurationError, Refused
from pravah_shared.mongo import (
    Collection,
    Database,
    DeleteOne,
    Engine,
    InsertOne,
    ReplaceOne,
    UpdateOne,
)

pytestmark = pytest.mark.stack


async def test_insert_once_wins_once(things: Collection) -> None:
    """The second insert of an `_id` says so and changes nothing."""
    assert await things.insert_once({"_id": "a", "n": 1})
    assert not await things.insert_once({"_id": "a", "n": 2})
    assert await things.find_one({"_id": "a"}) == {"_id": "a", "n": 1}


async def test_insert_once_has_one_winner_in_a_race(things: Collection) -> None:
    """Of many inserts at the same time exactly one wins."""
    won = await asyncio.gather(*(things.insert_once({"_id": "a", "n": n}) for n in range(10)))
    assert sum(won) == 1


async def test_insert_many_once_names_the_new_ones(things: Collection) -> None:
    """Ids that were there are left out and left alone."""
    await things.insert_once({"_id": "a", "n": 1})
    new = await things.insert_many_once([{"_id": "a", "n": 2}, {"_id": "b"}, {"_id": "c"}])
    assert new == {"b", "c"}
    assert await things.find_one({"_id": "a"}) == {"_id": "a", "n": 1}
    assert await things.insert_many_once([]) == set()


async def test_find_sorts_limits_and_projects(things: Collection) -> None:
    """A read returns what was asked for, in order."""
    await things.insert_many_once([{"_id": n, "n": n, "m": -n} for n in range(5)])
    found = await things.find({"n": {"$gt": 0}}, projection={"n": 1}, sort=[("m", 1)], limit=2)
    assert found == [{"_id": 4, "n": 4}, {"_id": 3, "n": 3}]
    assert await things.find_one({"n": 9}) is None
    assert await things.count({"n": {"$gt": 0}}) == 4


async def test_times_come_back_in_utc(things: Collection) -> None:
    """A time keeps its instant and returns aware, in UTC."""
    india = datetime(2024, 10, 19, 9, 30, tzinfo=timezone(timedelta(hours=5, minutes=30)))
    await things.insert_once({"_id": "a", "at": india})
    found = await things.find_one({"_id": "a"})
    assert found is not None
    assert found["at"] == india
    assert found["at"].tzinfo is UTC


async def test_update_one_tells_whether_something_matched(things: Collection) -> None:
    """Matched without change counts; nothing matched does not; an upsert does."""
    await things.insert_once({"_id": "a", "n": 1})
    assert await things.update_one({"_id": "a"}, {"$set": {"n": 1}})
    assert not await things.update_one({"_id": "b"}, {"$set": {"n": 1}})
    assert await things.update_one({"_id": "b"}, {"$set": {"n": 1}}, upsert=True)


async def test_find_one_and_update_returns_the_document_afterwards(things: Collection) -> None:
    """The caller sees its own write; without a match, None."""
    after = await things.find_one_and_update({"_id": "a"}, {"$set": {"n": 2}}, upsert=True)
    assert after == {"_id": "a", "n": 2}
    assert await things.find_one_and_update({"_id": "b"}, {"$set": {"n": 2}}) is None


async def test_racing_upserts_all_land(things: Collection) -> None:
    """An upsert that lost the race updates instead of failing with E11000."""
    await asyncio.gather(
        *(things.update_one({"_id": "a"}, {"$addToSet": {"n": n}}, upsert=True) for n in range(20)),
        *(
            things.bulk([UpdateOne({"_id": "a"}, {"$addToSet": {"n": n}}, upsert=True)])
            for n in range(20, 40)
        ),
    )
    found = await things.find_one({"_id": "a"})
    assert found is not None
    assert sorted(found["n"]) == list(range(40))


async def test_bulk_applies_every_kind_of_write(things: Collection) -> None:
    """Inserts that are there are done already; the count is of documents changed or created."""
    await things.insert_many_once([{"_id": "a", "n": 1}, {"_id": "b"}, {"_id": "c", "n": 7}])
    changed = await things.bulk(
        [
            InsertOne({"_id": "a", "n": 2}),
            InsertOne({"_id": "d"}),
            DeleteOne({"_id": "b"}),
            ReplaceOne({"_id": "e"}, {"n": 5}, upsert=True),
            UpdateOne({"_id": "c"}, {"$max": {"n": 8}}),
            UpdateOne({"_id": "f"}, {"$max": {"n": 1}}),
        ]
    )
    assert changed == 3
    assert await things.find({}, sort=[("_id", 1)]) == [
        {"_id": "a", "n": 1},
        {"_id": "c", "n": 8},
        {"_id": "d"},
        {"_id": "e", "n": 5},
    ]
    assert await things.bulk([]) == 0


async def test_upserts_create_and_update(things: Collection) -> None:
    """Each by its id, whether it was there or not."""
    await things.insert_once({"_id": "a", "n": 5})
    await things.upsert({"a": {"$max": {"n": 3}}, "b": {"$max": {"n": 7}}})
    assert await things.find({}, sort=[("_id", 1)]) == [{"_id": "a", "n": 5}, {"_id": "b", "n": 7}]
    await things.upsert({})


async def test_racing_upserts_of_many_all_land(things: Collection) -> None:
    """Those that lost the race to create a document update it."""
    await asyncio.gather(
        *(things.upsert({id_: {"$addToSet": {"n": n}} for id_ in range(50)}) for n in range(10))
    )
    found = await things.find({})
    assert [sorted(one["n"]) for one in found] == [list(range(10))] * 50


async def test_upserts_refuse_the_one_and_land_the_others(things: Collection) -> None:
    """One document that can never take its update does not stop the rest."""
    await things.insert_once({"_id": "a", "n": "text"})
    with pytest.raises(Refused):
        await things.upsert({"a": {"$inc": {"n": 1}}, "b": {"$set": {"n": 1}}})
    assert await things.find_one({"_id": "b"}) == {"_id": "b", "n": 1}


async def test_upserts_larger_than_a_message_land(things: Collection) -> None:
    """A learner's offline year beside others': together more than one message holds."""
    text = "x" * 4_000_000
    await things.upsert({n: {"$set": {"text": text}} for n in range(5)})
    assert await things.count({"text": text}) == 5


async def test_bulk_refuses_the_one_and_lands_the_others(things: Collection) -> None:
    """One document that can never take its update does not stop the rest of a bulk."""
    await things.insert_once({"_id": "a", "n": "text"})
    with pytest.raises(Refused):
        await things.bulk(
            [
                UpdateOne({"_id": "a"}, {"$push": {"n": 1}}),
                UpdateOne({"_id": "b"}, {"$set": {"n": 1}}, upsert=True),
            ]
        )
    assert await things.count({"_id": "b"}) == 1


@pytest.mark.parametrize(
    "value",
    ["x" * 17_000_000, 2**70, "\ud800", object()],
    ids=["too-large", "too-big-a-number", "lone-surrogate", "no-bson-type"],
)
async def test_a_value_the_store_cannot_hold_is_refused(things: Collection, value: object) -> None:
    """The record is at fault, not the store: no retry can help."""
    with pytest.raises(Refused):
        await things.insert_once({"_id": "a", "value": value})
    with pytest.raises(Refused):
        await things.bulk([UpdateOne({"_id": "a"}, {"$set": {"value": value}}, upsert=True)])


async def test_a_document_that_would_grow_too_large_is_refused(things: Collection) -> None:
    """16 MiB hold for the result of an update too."""
    await things.insert_once({"_id": "a", "x": "x" * 15_000_000})
    with pytest.raises(Refused):
        await things.update_one({"_id": "a"}, {"$set": {"y": "y" * 5_000_000}})


async def test_delete_counts(things: Collection) -> None:
    """Deleting what is gone is no error."""
    await things.insert_many_once([{"_id": n} for n in range(5)])
    assert await things.delete_one({"_id": 0}) == 1
    assert await things.delete_one({"_id": 0}) == 0
    assert await things.delete_many({}) == 4


async def test_aggregate_returns_what_comes_out(things: Collection) -> None:
    """Pipelines run on the server."""
    await things.insert_many_once([{"_id": n, "odd": n % 2} for n in range(5)])
    groups = await things.aggregate(
        [
            {"$group": {"_id": "$odd", "n": {"$sum": 1}}},
            {"$sort": {"_id": 1}},
        ]
    )
    assert groups == [{"_id": 0, "n": 3}, {"_id": 1, "n": 2}]


async def test_ensure_index_can_be_repeated_but_not_reshaped(things: Collection) -> None:
    """Every process ensures its indexes at start; another shape needs a person."""
    for _ in range(2):
        await things.ensure_index("by_n", [("n", 1)], unique=True, partial={"n": {"$gt": 0}})
    with pytest.raises(ConfigurationError, match="by_n"):
        await things.ensure_index("by_n", [("m", 1)])


async def test_ping_reaches_the_server(database: Database) -> None:
    """A store that answers is fine."""
    await database.ping()


async def test_the_uri_cannot_loosen_what_is_promised(stack: Stack, engine: Engine) -> None:
    """Majority writes, reads from the primary: a slip in a deployment must not lose learners."""
    said = "w=1&journal=false&readPreference=secondary&retryWrites=false"
    loose = f"{stack.mongo_uri}{'&' if '?' in stack.mongo_uri else '/?'}{said}"
    database = Database.connect(loose, "nowhere", engine=engine)
    driver = database.collection("things")._driver
    assert driver.write_concern.document == {"w": "majority", "j": True}
    assert driver.read_preference == Primary()
    assert driver.database.client.options.retry_writes
    await database.close()
