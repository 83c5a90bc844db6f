"""Fixtures of this service's tests."""

from collections.abc import AsyncIterator, Iterator
from uuid import uuid4

import pytest
from structlog.testing import capture_logs

from pravah_cli.testing import Stack
from pravah_shared.mongo import Database


@pytest.fixture(autouse=True, scope="session")
def quiet() -> Iterator[None]:
    """Keep thousands of log lines of generated histories out of the report."""
    with capture_logs():
        yield


@pytest.fixture
async def database(stack: Stack) -> AsyncIterator[Database]:
    """Yield a database of the test's own on the real store; drop it after."""
    own = Database.connect(stack.mongo_uri, f"t{uuid4().hex[:12]}_certificate")
    yield own
    await own.drop()
    await own.close()
