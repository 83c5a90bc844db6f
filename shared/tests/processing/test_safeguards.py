"""Health, watchdog, sweeper and tasks: what keeps a loop honest around its batches."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from prometheus_client import REGISTRY

from pravah_shared.errors import BreakerOpen, StoreUnavailable
from pravah_shared.processing import Outcome
from pravah_shared.processing.breaker import Breaker
from pravah_shared.processing.health import Health
from pravah_shared.processing.sweeper import Sweeper
from pravah_shared.processing.tasks import until_first_ends
from pravah_shared.processing.watchdog import Lags, Watchdog

Bench = Any
"""conftest.LoopBench."""


class Clock:
    """A clock that a test turns."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        """Return the time."""
        return self.seconds


class EndOfTest(Exception):  # noqa: N818 - not an error
    """Ends a loop that runs for ever."""


def sleeping(times: int) -> Callable[[float], Awaitable[None]]:
    """Return a sleep that ends the test at its `times`-th call."""
    left = [times]

    async def sleep(_seconds: float) -> None:
        left[0] -= 1
        if not left[0]:
            raise EndOfTest

    return sleep


def lagging(lags: Lags) -> Callable[[], Awaitable[Lags]]:
    """Return a client's account of its lag."""

    async def say() -> Lags:
        return lags

    return say


async def test_an_idle_loop_lives_for_ever() -> None:
    """Nothing to do is no stall."""
    clock = Clock()
    health = Health("test", stall_seconds=60, clock=clock)
    watchdog = Watchdog(health, lagging({("enrolled", 0): 0}))
    for _ in range(10):
        clock.seconds += 59
        await watchdog.look()
    assert health.alive()


async def test_lag_without_progress_is_death() -> None:
    """A client that holds records and finishes none is restarted."""
    clock = Clock()
    health = Health("test", stall_seconds=60, clock=clock)
    watchdog = Watchdog(health, lagging({("enrolled", 0): 0, ("enrolled", 1): 1}))
    clock.seconds = 59
    await watchdog.look()
    assert health.alive()
    clock.seconds = 61
    await watchdog.look()
    assert not health.alive()


async def test_a_client_that_cannot_say_its_lag_gets_no_credit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A question that hangs is the stall that is looked for."""
    monkeypatch.setattr("pravah_shared.processing.watchdog.INTERVAL_SECONDS", 0.01)
    clock = Clock()
    health = Health("test", stall_seconds=60, clock=clock)
    clock.seconds = 61
    await Watchdog(health, asyncio.Event().wait).look()  # type: ignore[arg-type] # never answers
    assert not health.alive()


async def test_a_partition_given_back_shows_no_lag_any_more() -> None:
    """Else two members report the same partition, one of them a stale number for ever."""
    labels = {"group": "moved", "topic": "enrolled", "partition": "0"}
    lags: dict[tuple[str, int], int] = {("enrolled", 0): 7}
    watchdog = Watchdog(Health("moved"), lagging(lags))
    await watchdog.look()
    assert REGISTRY.get_sample_value("pravah_consumer_lag", labels) == 7
    lags.clear()
    await watchdog.look()
    assert REGISTRY.get_sample_value("pravah_consumer_lag", labels) is None


async def test_a_retry_beats_so_that_an_outage_restarts_nobody(bench: Bench) -> None:
    """Restarting does not bring a store back."""
    clock = Clock()
    health = bench.loop.health
    health._clock = clock
    health.beat()
    bench.handler.faults = [StoreUnavailable("away")] * 20
    alive: list[bool] = []

    def pass_time() -> None:
        clock.seconds += 100
        alive.append(health.alive())

    bench.during_wait += [pass_time] * 20
    await bench.loop.run_batch(bench.records("a"))
    assert alive == [True] * 20


async def test_a_halted_loop_is_unready_but_alive() -> None:
    """A person has to look; a restart would only repeat the flood."""
    clock = Clock()
    health = Health("test", stall_seconds=60, clock=clock)
    health.joined = True
    health.halt(BreakerOpen("flood"))
    clock.seconds = 1000
    assert not health.ready
    assert health.alive()


async def test_sweeps_repeat_while_there_is_more(bench: Bench) -> None:
    """A long list is swept in bounded steps, without waiting in between."""
    bench.handler.sweeps = [Outcome(more=True), Outcome(more=True), Outcome()]
    with pytest.raises(EndOfTest):
        await Sweeper(bench.loop, seconds=60, sleep=sleeping(1)).run()
    assert bench.handler.diary.count("sweep") == 3


async def test_a_failed_sweep_stops_nobody(bench: Bench) -> None:
    """The next sweep tries again; an outage is waited out in place."""
    bench.handler.sweeps = [ZeroDivisionError("bug"), StoreUnavailable("away"), Outcome()]
    with pytest.raises(EndOfTest):
        await Sweeper(bench.loop, seconds=60, sleep=sleeping(2)).run()
    assert bench.handler.diary.count("sweep") == 3


async def test_parts_end_together_and_an_error_is_told() -> None:
    """A stream without its sweeper is no stream."""
    ended: list[str] = []

    async def lasting() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("lasting")

    async def failing() -> None:
        raise EndOfTest

    with pytest.raises(EndOfTest):
        await until_first_ends(lasting(), failing())
    assert ended == ["lasting"]


def test_the_breaker_forgets_what_left_its_window() -> None:
    """Old dead letters do not add up with new ones for ever."""
    breaker = Breaker(window_records=10, most_share=0.2)
    for _ in range(50):
        breaker.dead()
        breaker.handled(9)
    breaker.dead()
    breaker.dead()
    with pytest.raises(BreakerOpen):
        breaker.dead()
