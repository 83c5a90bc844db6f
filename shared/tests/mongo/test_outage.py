"""A store that is away, stalls or confirms half is Transient, within the deadline."""

import gc
import socket
import time
from collections.abc import Awaitable, Callable, Iterator

import pytest
from pymongo.errors import (
    AutoReconnect,
    BulkWriteError,
    ExecutionTimeout,
    OperationFailure,
    WriteConcernError,
    WTimeoutError,
)

from pravah_shared.errors import ConfigurationError, Refused, StoreUnavailable
from pravah_shared.mongo import Collection, Database, Engine, UpdateOne
from pravah_shared.mongo.classify import is_taken, translated

CALLS: dict[str, Callable[[Collection], Awaitable[object]]] = {
    "insert_once": lambda c: c.insert_once({"_id": 1}),
    "insert_many_once": lambda c: c.insert_many_once([{"_id": 1}]),
    "find_one": lambda c: c.find_one({"_id": 1}),
    "find": lambda c: c.find({}),
    "update_one": lambda c: c.update_one({"_id": 1}, {"$set": {"n": 1}}),
    "find_one_and_update": lambda c: c.find_one_and_update({"_id": 1}, {"$set": {"n": 1}}),
    "bulk": lambda c: c.bulk([UpdateOne({"_id": 1}, {"$set": {"n": 1}})]),
    "delete_many": lambda c: c.delete_many({}),
    "count": lambda c: c.count({}),
    "aggregate": lambda c: c.aggregate([{"$match": {}}]),
    "ensure_index": lambda c: c.ensure_index("by_n", [("n", 1)]),
}


@pytest.fixture
def unclosed_sockets_of_the_driver() -> Iterator[None]:
    """PyMongo Async 4.20 drops a socket when closed while it connects; let it go here."""
    yield
    gc.collect()


leaks = pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")


@leaks
@pytest.mark.usefixtures("unclosed_sockets_of_the_driver")
@pytest.mark.parametrize("call", CALLS)
async def test_every_call_gives_up_in_time_when_nothing_listens(engine: Engine, call: str) -> None:
    """No call outlives its deadline, and none blames a record for an outage."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        uri = f"mongodb://127.0.0.1:{unused.getsockname()[1]}"
        database = Database.connect(uri, "nowhere", engine=engine, deadline_seconds=0.2)
        started = time.monotonic()
        with pytest.raises(StoreUnavailable):
            await CALLS[call](database.collection("things"))
        assert time.monotonic() - started < 5
        await database.close()


@leaks
@pytest.mark.usefixtures("unclosed_sockets_of_the_driver")
async def test_a_store_that_accepts_and_never_answers_is_unavailable(engine: Engine) -> None:
    """A stalled server is as good as none."""
    with socket.create_server(("127.0.0.1", 0)) as silent:  # the kernel accepts, nobody reads
        uri = f"mongodb://127.0.0.1:{silent.getsockname()[1]}"
        database = Database.connect(uri, "nowhere", engine=engine, deadline_seconds=0.3)
        with pytest.raises(StoreUnavailable):
            await database.ping()
        await database.close()


async def test_a_uri_that_cannot_be_used_refuses_to_start(engine: Engine) -> None:
    """The message names the setting."""
    with pytest.raises(ConfigurationError, match="PRAVAH_MONGO_URI"):
        Database.connect("mongo://nowhere", "x", engine=engine)


def bulk_error(codes: list[int], *, concern: bool = False) -> BulkWriteError:
    """Return what the driver raises for a bulk whose writes failed with `codes`."""
    return BulkWriteError(
        {
            "writeErrors": [
                {"index": i, "code": code, "errmsg": "?"} for i, code in enumerate(codes)
            ],
            "writeConcernErrors": [{"code": 64, "errmsg": "waiting timed out"}] if concern else [],
        }
    )


@pytest.mark.parametrize(
    "error",
    [
        AutoReconnect("connection closed"),
        ExecutionTimeout("operation exceeded time limit", 50),
        WTimeoutError("waiting for replication timed out", 64),
        WriteConcernError("not enough data-bearing nodes", 100),
        OperationFailure("disk full", 14031),
        OperationFailure("not primary", 10107),
        bulk_error([], concern=True),
        bulk_error([2], concern=True),
        bulk_error([2, 14031]),
        bulk_error([11000]),
        TimeoutError(),
    ],
    ids=repr,
)
def test_what_is_not_on_the_closed_list_is_the_stores_fault(error: Exception) -> None:
    """Errors that are no ConnectionFailure are outages all the same."""
    with pytest.raises(StoreUnavailable), translated("a write"):
        raise error


@pytest.mark.parametrize(
    "error",
    [OperationFailure("too large", 10334), OperationFailure("bad", 2), bulk_error([2, 10334])],
    ids=repr,
)
def test_only_the_closed_list_blames_the_record(error: Exception) -> None:
    """What the store will never take is refused."""
    with pytest.raises(Refused), translated("a write"):
        raise error


def test_a_duplicate_on_another_index_is_not_there_already() -> None:
    """Taking it for a repeat would lose the document without a word."""
    assert is_taken({"code": 11000, "keyPattern": {"_id": 1}})
    assert not is_taken({"code": 11000, "keyPattern": {"email": 1}})
    assert not is_taken({"code": 2})


async def test_an_error_of_the_program_is_not_an_outage() -> None:
    """A bug must surface, not be retried for ever."""
    with pytest.raises(KeyError), translated("a write"):
        raise KeyError("bug")
