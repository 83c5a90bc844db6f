"""A fault that found nothing to do leaves nothing broken behind: it is made again."""

import random
from types import SimpleNamespace
from typing import Any, cast

import pytest
from faulting import faults
from faulting.faults import NoWork, Scene, killed_at, zombie

WORKER = "progress-stream"


class Bed:
    """A stream that obeys at once; notes how it is brought back."""

    def __init__(self) -> None:
        self.told: list[str] = []

    async def obeyed(self, _order: Any) -> tuple[str, int]:
        """Obey."""
        return WORKER, 1

    async def start(self, name: str) -> None:
        """Note a start."""
        self.told.append(f"{name} started")

    def proceed(self, name: str) -> None:
        """Note that it goes on."""
        self.told.append(f"{name} goes on")


@pytest.fixture
def bed() -> Bed:
    """Return the stream."""
    return Bed()


def scene(bed: Bed, left: int) -> Scene:
    """Return where so many records are left to do."""

    async def lag() -> int:
        return left

    obeying, sampler, silence = (cast("Any", one) for one in (bed, SimpleNamespace(lag=lag), None))
    return Scene(obeying, sampler, silence, random.Random(1), 1.0)


async def test_a_stream_killed_while_idle_is_started_again(bed: Bed) -> None:
    """Else the run would find it dead, and say that it ended by itself."""
    with pytest.raises(NoWork, match="nothing left"):
        await killed_at("before_publish", scene(bed, 0))
    assert bed.told == [f"{WORKER} started"]


async def test_a_stream_frozen_while_idle_goes_on(
    bed: Bed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else it would stand for ever."""
    monkeypatch.setattr(faults, "SESSION_SECONDS", -3)
    with pytest.raises(NoWork, match="nothing left"):
        await zombie(scene(bed, 0))
    assert bed.told == [f"{WORKER} goes on"]


async def test_a_stream_killed_at_work_counts(bed: Bed) -> None:
    """What was left is told."""
    assert "5 records left" in await killed_at("before_commit", scene(bed, 5))
