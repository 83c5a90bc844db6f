"""What is asked for together: each to its end, results in order, the first failure only then."""

import asyncio

import pytest

from pravah_progress.together import together


async def test_results_come_in_the_order_asked() -> None:
    """Whichever ends first."""
    second_ended = asyncio.Event()

    async def first() -> int:
        await second_ended.wait()
        return 1

    async def second() -> int:
        second_ended.set()
        return 2

    assert await together(first(), second()) == [1, 2]


async def test_a_failure_waits_for_the_others() -> None:
    """Else what still ran could land after its repeat."""
    ended = []

    async def fail() -> None:
        raise ValueError

    async def take_its_time() -> None:
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        ended.append("written")

    with pytest.raises(ValueError):
        await together(fail(), take_its_time())
    assert ended == ["written"]
