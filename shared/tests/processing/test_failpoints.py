"""Failpoints: obeyed once, at the pass that was ordered, and only where a test armed them."""

import asyncio
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pravah_cli.testing import eventually
from pravah_shared.errors import ConfigurationError
from pravah_shared.processing import failpoints
from pravah_shared.processing.failpoints import POINTS, Failpoints, Order, Point, taken_from
from pravah_shared.processing.stream import build_stream
from pravah_shared.settings import Settings

Bench = Any
"""conftest.LoopBench."""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return where orders are laid."""
    return tmp_path / "failpoints"


@pytest.fixture
def signals(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """Return what signals were sent, in place of sending them."""
    sent: list[tuple[int, int]] = []
    monkeypatch.setattr(os, "kill", lambda pid, number: sent.append((pid, number)))
    return sent


@pytest.fixture(autouse=True)
def _disarmed() -> Iterator[None]:
    """Leave no order behind for other tests."""
    yield
    failpoints.arm(None)


@pytest.mark.parametrize("point", POINTS)
async def test_an_order_is_obeyed_at_its_pass_and_once(
    point: Point, file: Path, signals: list[tuple[int, int]]
) -> None:
    """The third pass of that point, no other point, and not again."""
    found = Failpoints(file)
    Order(point, "kill", 3).lay(file)
    for turn in range(5):
        for other in POINTS:
            if other != point:
                await found.reach(other)
        await found.reach(point)
        assert len(signals) == (turn >= 2)
    assert signals == [(os.getpid(), signal.SIGKILL)]
    assert taken_from(file).read_text() == str(os.getpid())


async def test_of_two_processes_one_takes_the_order(
    file: Path, signals: list[tuple[int, int]]
) -> None:
    """Three workers read one file; one of them dies."""
    one, other = Failpoints(file), Failpoints(file)
    Order("before_commit", "stop").lay(file)
    await one.reach("before_commit")
    await other.reach("before_commit")
    assert signals == [(os.getpid(), signal.SIGSTOP)]


async def test_who_reads_an_order_while_it_is_taken_reads_an_order(
    file: Path, signals: list[tuple[int, int]]
) -> None:
    """A worker that opened the file just before; with half an order it would not go on."""
    order = Order("before_publish", "kill")
    order.lay(file)
    with file.open() as opened_by_another:
        await Failpoints(file).reach("before_publish")
        assert Order.read(opened_by_another.read()) == order
    assert len(signals) == 1


async def test_passes_count_from_when_the_order_was_laid(
    file: Path, signals: list[tuple[int, int]]
) -> None:
    """What passed under an earlier order says nothing about this one."""
    found = Failpoints(file)
    Order("before_publish", "kill", 2).lay(file)
    await found.reach("before_publish")
    Order("before_publish", "kill", 2).lay(file)
    await found.reach("before_publish")
    assert signals == []
    await found.reach("before_publish")
    assert len(signals) == 1


async def test_held_until_the_order_is_removed(file: Path) -> None:
    """The step waits; the process lives."""
    failpoints.arm(file)
    Order("before_acknowledge", "hold").lay(file)
    held = asyncio.ensure_future(failpoints.reach("before_acknowledge"))

    async def taken() -> bool:
        return taken_from(file).exists()

    await eventually(taken, 5, "the order to be taken")
    assert not held.done()
    taken_from(file).unlink()
    await asyncio.wait_for(held, 5)


@pytest.mark.parametrize("text", ["", "before_comit kill 1", "before_commit die 1", "after_commit"])
def test_a_misspelt_order_is_refused(text: str) -> None:
    """An order that nobody obeys would prove nothing."""
    with pytest.raises(ConfigurationError, match="is no order"):
        Order.read(text)


async def test_unarmed_an_order_is_not_even_read(
    file: Path, signals: list[tuple[int, int]], bench: Bench
) -> None:
    """A stream built without the setting passes every point."""
    Order("before_handle", "kill").lay(file)
    build_stream(Settings(failpoints_file=None), "test", bench.handler, bench.kafka)
    await bench.loop.run_batch(bench.records("a"))
    assert signals == []
    build_stream(Settings(failpoints_file=file), "test", bench.handler, bench.kafka)
    await bench.loop.run_batch(bench.records("a"))
    assert len(signals) == 1


async def test_the_loop_passes_its_points_in_their_order(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each stands where its name says; the runner passes those of the commit."""
    diary = bench.handler.diary

    class Diary:
        async def reach(self, point: Point) -> None:
            diary.append(point)

    monkeypatch.setattr(failpoints, "_armed", Diary())
    await bench.loop.run_batch(bench.records("a", "b"))
    assert diary == [
        "before_handle",
        "handle 2",
        "before_publish",
        "before_acknowledge",
        "acknowledge after 2",
    ]
