"""A database of its own for each test, on both engines."""

import os
import uuid
from collections.abc import AsyncIterator
from typing import Any

import pytest

from pravah_shared.mongo import Collection, Database, Engine


@pytest.fixture(params=["motor", "pymongo"])
def engine(request: pytest.FixtureRequest) -> Engine:
    """The driver under the contract: the one in use and the one that will replace it."""
    chosen: Engine = request.param
    return chosen


@pytest.fixture
def mongo_uri(request: pytest.FixtureRequest) -> str:
    """Address of the real store."""
    if uri := os.environ.get("PRAVAH_MONGO_URI"):
        return uri
    stack: Any = request.getfixturevalue("stack")
    return str(stack.mongo_uri)


@pytest.fixture
async def database(mongo_uri: str, engine: Engine) -> AsyncIterator[Database]:
    """An empty database, dropped afterwards."""
    database = Database.connect(mongo_uri, f"test_{uuid.uuid4().hex}", engine=engine)
    yield database
    await database.drop()
    await database.close()


@pytest.fixture
def things(database: Database) -> Collection:
    """An empty collection."""
    return database.collection("things")
