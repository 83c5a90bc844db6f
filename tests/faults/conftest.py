"""A platform to break: batches so small that a process dies between two of them."""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from standing_platform import Platform, standing

from pravah_cli.local.process import Launch
from pravah_cli.testing import Stack
from pravah_shared.processing.failpoints import Order

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
    state = tmp_path_factory.mktemp("faults")

    def obedient(launches: dict[str, Launch]) -> dict[str, Launch]:
        return {
            name: replace(
                launch,
                environment={
                    **launch.environment,
                    "PRAVAH_FAILPOINTS_FILE": str(failpoints_of(state, name)),
                },
            )
            for name, launch in launches.items()
        }

    with standing(stack, state, settings=SMALL_BATCHES, arranged=obedient) as platform:
        yield platform


def failpoints_of(state: Path, name: str) -> Path:
    """Return where a stream looks for orders."""
    return state / f"{name}.failpoints"


@pytest.fixture
def order_death(breakable: Platform) -> Callable[[str], None]:
    """Return what lets a stream kill itself once it has begun: two batches done, the third not."""

    def order(name: str) -> None:
        file = failpoints_of(breakable.config.state_dir, name)
        Order("before_handle", "kill", 3).lay(file)

    return order


@pytest.fixture
async def platform(breakable: Platform) -> Platform:
    """Return it with every process serving, whatever an earlier test left dead."""
    await asyncio.to_thread(breakable.start)
    return breakable
