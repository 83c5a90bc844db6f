"""A platform to break: batches so small that a process dies between two of them."""

import asyncio
from collections.abc import Iterator

import pytest
from standing_platform import Platform, standing

from pravah_cli.testing import Stack

SMALL_BATCHES = {
    "PRAVAH_BATCH_RECORDS": "4",
    "PRAVAH_DISPATCH_BATCH": "20",
    # What a killed dispatcher had leased is sent when its lease ends: sooner than in operation.
    "PRAVAH_SMTP_TIMEOUT_SECONDS": "2",
    "PRAVAH_DISPATCH_LEASE_SECONDS": "9",
}


@pytest.fixture(scope="session")
def breakable(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """Yield the platform that this worker's tests of faults share."""
    with standing(stack, tmp_path_factory.mktemp("faults"), settings=SMALL_BATCHES) as platform:
        yield platform


@pytest.fixture
async def platform(breakable: Platform) -> Platform:
    """Return it with every process serving, whatever an earlier test left dead."""
    await asyncio.to_thread(breakable.start)
    return breakable
