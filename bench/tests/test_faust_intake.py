"""What is made of the turns of Faust's intake, and what a turn is."""

import pytest
from bench.faust_intake import lines
from bench.idling import Idle
from bench.results import Rate


def test_ours_is_compared_within_a_turn_by_the_clock_and_by_cpu_time() -> None:
    """A turn in which the machine was slow was slow for all."""
    quick = {"direct": Rate(90, 1, 2), "faust": Rate(90, 3, 3), "aiokafka": Rate(90, 1, 1)}
    slow = {"direct": Rate(90, 9, 4), "faust": Rate(90, 27, 6), "aiokafka": Rate(90, 9, 2)}
    found = {line.name: line.as_json()["ratio"] for line in lines([quick, slow])}  # type: ignore[list-item]
    assert found == {
        "faust_intake": 3.0,
        "faust_intake_cpu": 1.5,
        "faust_vs_aiokafka": 1.0,
        "faust_vs_aiokafka_cpu": 0.5,
    }


async def test_a_turn_is_counted_from_the_first_batch_to_the_last(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Joining the group is not part of it, nor the events that came before the clock ran."""
    ticks = iter([100.0, 104.0])
    monkeypatch.setattr("bench.idling.time.perf_counter", lambda: next(ticks))
    idle = Idle(records=5)
    await idle.handle([object()] * 2)  # type: ignore[list-item]
    assert not idle.done.is_set()
    await idle.handle([object()] * 3)  # type: ignore[list-item]
    assert idle.done.is_set()
    assert (idle.rate().events, idle.rate().seconds) == (3, 4)
