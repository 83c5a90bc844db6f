"""Two crore clients stay within what can be taken, through steps of either."""

from random import Random
from statistics import mean, pstdev

import pytest

from pravah_progress.api.pacing import JITTER, LEAST_RATE, MOST_SECONDS, Load, Pacer
from pravah_progress.api.pulse import CPU_WANTED

from .crowd import COHORT, CRORE, Fleet

LEAST = 30
CAPACITY = 400_000.0
"""Reports a second of a fleet of a hundred cores: too little for two crore every half minute."""


def fleet(clients: int = 2 * CRORE, stream_capacity: float = float("inf")) -> Fleet:
    """Return a fleet that has just started, with a wrong guess, and meets all its clients."""
    random = Random(1)
    made = Fleet(Pacer(LEAST, 50_000.0, random.random), CAPACITY, stream_capacity)
    made.arrive(clients, LEAST, random)
    return made


def settled(made: Fleet, seconds: int = 300) -> list[float]:
    """Return what was offered in each of the last seconds."""
    return made.offered[-seconds:]


def test_offered_load_stays_within_capacity() -> None:
    """Below it in every second, at the load that is wanted, every client once in N / rate."""
    made = fleet()
    made.run(1_500)
    assert max(settled(made)) < CAPACITY
    assert mean(settled(made)) == pytest.approx(CPU_WANTED * CAPACITY, rel=0.05)
    assert mean(made.hints[-300:]) == pytest.approx(2 * CRORE / (CPU_WANTED * CAPACITY), rel=0.1)


def test_it_does_not_swing() -> None:
    """Once settled, neither load nor hints go up and down."""
    made = fleet()
    made.run(2_000)
    for minute in range(5):
        of_minute = made.offered[-60 * (minute + 1) : len(made.offered) - 60 * minute]
        assert mean(of_minute) == pytest.approx(mean(settled(made)), rel=0.02)
    assert pstdev(settled(made)) < 0.05 * mean(settled(made))


@pytest.mark.parametrize("factor", [0.5, 2.0])
def test_a_step_of_capacity_is_followed(factor: float) -> None:
    """When the last second that was booked before has passed, load fits; and it stays so."""
    made = fleet()
    made.run(1_000)
    made.capacity = factor * CAPACITY
    horizon = int(max(made.hints[-60:])) + 1
    made.run(horizon + 60)
    made.run(600)
    assert max(made.offered[-600:]) < made.capacity
    longest = CPU_WANTED * made.capacity
    assert mean(made.offered[-300:]) == pytest.approx(min(longest, 2 * CRORE / LEAST), rel=0.1)


def test_a_step_of_clients_is_followed() -> None:
    """As many again come within a minute; what cannot be taken is told to come later."""
    made = fleet(CRORE)
    made.run(600)
    made.arrive(CRORE, 60, Random(2))
    made.run(1_080)
    assert max(made.offered[-900:]) < CAPACITY


def test_a_slow_stream_slows_the_clients() -> None:
    """Its backlog is worked off and stays small: its age settles near what is wanted."""
    made = fleet(stream_capacity=150_000.0)
    made.run(3_000)
    assert max(made.ages[-600:]) < 60
    assert mean(settled(made)) == pytest.approx(150_000, rel=0.1)


def test_who_ignores_the_hints_breaks_nothing() -> None:
    """The others' load does not grow by it; what is too much is refused."""
    made = fleet()
    made.run(600)
    made.run(900, ignoring=lambda _: 0.5 * CAPACITY)
    heeding = [offered - 0.5 * CAPACITY for offered in settled(made)]
    assert mean(heeding) < CPU_WANTED * CAPACITY * 1.05
    made.run(900)
    assert mean(settled(made)) == pytest.approx(CPU_WANTED * CAPACITY, rel=0.05)


def test_clients_that_begin_together_part() -> None:
    """A lesson that starts at ten for everyone is not a peak every half minute."""
    made = Fleet(Pacer(LEAST, 50_000.0, Random(3).random), CAPACITY)
    made.arrive(CRORE, 1, Random(3))
    made.run(1_000)
    assert max(settled(made)) < CAPACITY


def test_without_crowd_clients_come_as_often_as_is_wanted() -> None:
    """With some jitter, so that they do not stay together."""
    pacer = Pacer(LEAST, 1_000.0, Random(4).random)
    hints = [pacer.book() for _ in range(500)]
    assert min(hints) == LEAST
    assert max(hints) < LEAST * (1 + JITTER)
    assert len(set(hints)) > 3


def test_a_full_calendar_spreads_evenly() -> None:
    """Beyond the farthest second nobody is sent; what is too much is refused when it comes."""
    pacer = Pacer(LEAST, LEAST_RATE, Random(5).random)
    hints = [pacer.book() for _ in range(100_000)]
    assert max(hints) < MOST_SECONDS
    last = hints[-10_000:]
    assert mean(last) == pytest.approx((LEAST + MOST_SECONDS) / 2, rel=0.05)


def test_an_outage_is_no_lesson() -> None:
    """While nothing is done at all, nothing is learned of what can be done after it."""
    pacer = Pacer(LEAST, 1_000.0)
    for _ in range(600):
        pacer.turn(ingest=Load(0, 8.0))
    assert pacer.rate == 1_000.0


def test_idleness_proves_nothing() -> None:
    """A quiet night does not make the morning's clients wait."""
    pacer = Pacer(LEAST, 1_000.0)
    for _ in range(3_600):
        pacer.turn(ingest=Load(3, 0.01), stream=Load(3, 0.0))
    assert pacer.rate == 1_000.0


def test_cohorts_book_for_all_of_them() -> None:
    """The simulation's unit is no trick: a booking counts as many reports as it is for."""
    pacer = Pacer(LEAST, 10.0 * COHORT)
    hints = [pacer.book(COHORT) for _ in range(20)]
    assert (hints.count(LEAST), hints.count(LEAST + 1)) == (10, 10)
