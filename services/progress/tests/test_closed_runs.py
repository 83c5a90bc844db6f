"""A run counts what happened within it and came in before its grace was over."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pravah_progress.model import from_milliseconds
from pravah_progress.rules import decide
from pravah_progress.rules.scope import scope_of
from pravah_shared.events import Completed, Progressed, Unit

from .facts import RUN, TEST, VIDEO, attempt, course, day, enrolled, progressed, update
from .memory import document_of

PROVED = settings(max_examples=300, deadline=None)
KNOWN = course(units=(VIDEO,), runs=(RUN,))
TESTED = course(units=(TEST,), runs=(RUN,))


def completed_at(known: Any, *reports: Progressed) -> list[datetime]:
    """Return when the run completes by these reports."""
    found = decide(document_of(*reports, enrolled("autumn")), known)
    return [one.completed_at for one in found if isinstance(one, Completed)]


@pytest.mark.parametrize("run", ["autumn", None])
@pytest.mark.parametrize(
    ("at", "received", "counts"),
    [
        (1.9, 1.9, False),
        (2, 2, True),
        (5, 6, True),
        (5, 6.001, False),
        (5.1, 5.1, False),
    ],
)
def test_a_report_counts_within_the_run_and_its_grace(
    run: str | None, at: float, received: float, *, counts: bool
) -> None:
    """`at` between the ends, received by the end of the grace: all ends in, named or not."""
    received_at = day(received)
    done = progressed(update(at=at), run=run, received_at=received_at)
    handed_in = progressed(attempt(at=at), run=run, received_at=received_at)
    assert bool(completed_at(KNOWN, done)) is counts
    assert bool(completed_at(TESTED, handed_in)) is counts


def test_a_late_report_starts_nothing() -> None:
    """What does not count for the run does not start it."""
    late = progressed(update(at=3), received_at=day(7))
    assert decide(document_of(late, enrolled("autumn")), KNOWN) == ()


def test_a_report_that_came_in_time_and_again_late_counts() -> None:
    """The earliest receipt stands: a resend takes nothing away."""
    said = update(at=3)
    again = progressed(said, received_at=day(9))
    assert completed_at(KNOWN, again, progressed(said, received_at=day(4))) == [day(3)]


def test_a_mark_that_comes_after_the_grace_does_not_count() -> None:
    """A submission counts as it was reported in time: unmarked, it does not reach the mark."""
    handed_in = progressed(attempt(at=3, score=None), received_at=day(3))
    marked = progressed(attempt(at=3, score=90), received_at=day(7))
    assert completed_at(TESTED, handed_in, marked) == []
    in_time = progressed(attempt(at=3, score=90), received_at=day(6))
    assert completed_at(TESTED, handed_in, in_time, marked) == [day(3)]


def test_of_a_day_the_earliest_receipt_stands_for_all() -> None:
    """Reports of one unit on one day are not told apart: in doubt for the learner."""
    late = progressed(update(at=3.1), received_at=day(9))
    in_time = progressed(update(at=3.6), received_at=day(4))
    assert completed_at(KNOWN, late, in_time) == [day(3.1)]
    next_day = progressed(update(at=4.1), received_at=day(4.1))
    assert completed_at(KNOWN, late, next_day) == [day(4.1)]


NOONS = (day(2.5), day(4.5))
"""A run that opens and ends at noon: the days on which it does are known by their edges alone."""
WHOLE = (day(2), day(5) - timedelta(milliseconds=1))

Reports = list[tuple[float, int]]
REPORTS = st.lists(
    st.tuples(st.sampled_from([1.9, 2, 2.2, 2.5, 2.7, 2.9, 3.1, 4.2, 4.5, 4.7]), st.integers(0, 3)),
    min_size=1,
    max_size=5,
)


def exactly(reports: Reports, window: tuple[datetime, datetime]) -> datetime | None:
    """Return when the unit is done by the letter of the rule, report by report."""
    starts_at, ends_at = window
    closes_at = ends_at + timedelta(days=1)
    counting = (
        day(at)
        for at, late in reports
        if starts_at <= day(at) <= ends_at and day(at) + timedelta(days=late) <= closes_at
    )
    return min(counting, default=None)


def by_the_rules(reports: Reports, window: tuple[datetime, datetime], unit: Unit) -> Any:
    """Return when the rules have the unit passed, from reports of it as content and as a test."""
    facts = [
        progressed(
            update(unit.unit_id, at=at),
            attempt(unit.unit_id, at=at),
            received_at=day(at) + timedelta(days=late),
        )
        for at, late in reports
    ]
    run = RUN | {"starts_at": window[0], "ends_at": window[1]}
    passed_at = scope_of(document_of(*facts), course(runs=(run,)), "autumn").passed_at(unit)
    return None if passed_at is None else from_milliseconds(passed_at)


@PROVED
@given(REPORTS)
def test_never_against_the_learner(reports: Reports) -> None:
    """What the letter of the rule counts always counts, at most later on the same day."""
    if (exact := exactly(reports, NOONS)) is not None:
        found = by_the_rules(reports, NOONS, VIDEO)
        assert found is not None
        assert found < exact + timedelta(days=1)


@PROVED
@given(REPORTS)
def test_in_runs_of_whole_days_only_the_time_of_the_day_is_in_doubt(reports: Reports) -> None:
    """Nothing counts that the letter does not count; when it does, on the same UTC day."""
    exact, found = exactly(reports, WHOLE), by_the_rules(reports, WHOLE, VIDEO)
    assert (found and found.date()) == (exact and exact.date())


@PROVED
@given(REPORTS)
def test_submissions_are_exact(reports: Reports) -> None:
    """Each is known by itself, also on the days of the edges."""
    essay = Unit(unit_id="essay", title={"en": "Essay"}, kind="assessment")
    for window in (NOONS, WHOLE):
        assert by_the_rules(reports, window, essay) == exactly(reports, window)


@PROVED
@given(REPORTS)
def test_one_report_a_day_is_exact(reports: Reports) -> None:
    """Then the edges of a day are all there is of it."""
    by_day = {day(at).date(): (at, late) for at, late in reports}
    alone = list(by_day.values())
    for window in (NOONS, WHOLE):
        assert by_the_rules(alone, window, VIDEO) == exactly(alone, window)
