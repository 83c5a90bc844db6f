"""A database of its own for each test, on both engines."""

import uuid
from collections.abc import AsyncIterator

import pytest

from pravah_cli.testing import Stack
from pravah_shared.mongo import Collection, Database, Engine


@pytest.fixture(params=["motor", "pymongo"])
def engine(request: pytest.FixtureRequest) -> Engine:
    """The driver under the contract: the one in use and the one that will replace it."""
    chosen: Engine = request.param
    return chosen


@pytest.fixture
async def database(stack: Stack, engine: Engine) -> AsyncIterator[Database]:
    """An empty database, dropped afterwards."""
    database = Database.connect(stack.mongo_uri, f"test_{uuid.uuid4().hex}", engine=engine)
    yield database
    await database.drop()
    await database.close()


@pytest.fixture
def things(database: Database) -> Collection:
    """An empty collection."""
    return database.collection("things")
