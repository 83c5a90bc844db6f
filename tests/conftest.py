"""Fixtures across services: one platform per worker, each test with learners of its own."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest
from cohort import Cohort
from faulting.feeding import failpoints_of, killable
from standing_platform import Platform, standing
from watching import Watch

from pravah_cli.client import Client
from pravah_cli.testing import Stack


@pytest.fixture(scope="session")
def whole_platform(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """Yield the platform that the tests of this worker share: ten processes take their time."""
    state = tmp_path_factory.mktemp("platform")
    with standing(stack, state, arranged=killable(failpoints_of(state))) as platform:
        yield platform


@pytest.fixture
async def platform(whole_platform: Platform) -> Platform:
    """Return the shared platform with every process serving, whatever an earlier test did."""
    await asyncio.to_thread(whole_platform.start)
    return whole_platform


@pytest.fixture
async def client(platform: Platform) -> AsyncIterator[Client]:
    """Yield an operator's client."""
    async with platform.client() as client:
        yield client


@pytest.fixture
async def watch(platform: Platform) -> AsyncIterator[Watch]:
    """Yield what comes onto the topics from now on; nothing of it may be a dead letter."""
    async with Watch(platform) as watch:
        yield watch
        await watch.look()
        assert not watch.dead_letters


@pytest.fixture
def cohort(platform: Platform, client: Client, watch: Watch) -> Cohort:
    """Return three learners and a course that do not exist yet."""
    return Cohort(platform, client, watch, size=3)
