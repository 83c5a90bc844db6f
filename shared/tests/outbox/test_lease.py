"""One owner at a time, for as long as it lives."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from pravah_shared.outbox import Leases

pytestmark = pytest.mark.stack


class Clock:
    """A time that passes when the test says so."""

    now = datetime(2024, 10, 19, tzinfo=UTC)

    def __call__(self) -> datetime:
        """Return the time."""
        return self.now

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.now += timedelta(seconds=seconds)


@pytest.fixture
def clock() -> Clock:
    """The machines' common time."""
    return Clock()


async def owners(bench: Any, clock: Clock, count: int) -> list[Leases]:
    """Return several processes that may lease shard `s`."""
    everyone = [Leases(bench.leases, f"o-{n}", seconds=10, now=clock) for n in range(count)]
    await asyncio.gather(*(owner.prepare(["s"]) for owner in everyone))
    return everyone


async def test_of_many_one_holds_it(bench: Any, clock: Clock) -> None:
    """A race has one winner."""
    everyone = await owners(bench, clock, 10)
    assert sum(await asyncio.gather(*(owner.hold("s") for owner in everyone))) == 1


async def test_a_living_owner_keeps_it(bench: Any, clock: Clock) -> None:
    """It is renewed in time, however long the work takes."""
    one, other = await owners(bench, clock, 2)
    for _ in range(10):
        assert await one.hold("s")
        assert not await other.hold("s")
        clock.advance(4)


async def test_a_dead_owners_lease_passes_on(bench: Any, clock: Clock) -> None:
    """After its time to live, and then the old owner learns that it is gone."""
    one, other = await owners(bench, clock, 2)
    assert await one.hold("s")
    clock.advance(9)
    assert not await other.hold("s")
    clock.advance(2)
    assert await other.hold("s")
    assert not await one.hold("s")


async def test_a_released_lease_is_free_at_once(bench: Any, clock: Clock) -> None:
    """An orderly stop makes nobody wait; only the owner can release."""
    one, other = await owners(bench, clock, 2)
    assert await one.hold("s")
    await other.release("s")
    assert not await other.hold("s")
    await one.release("s")
    other.forget("s")
    assert await other.hold("s")
