"""The learning that is measured: one course, its learners, one unit update per report. Pure.

A learner stands anywhere in the course (one to nineteen of twenty units passed) and each turn
passes the next unit, so of the learners of a turn one in nineteen completes. Who has completed
goes on and opens units again: a report that changes little, as most do.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from random import Random

from pravah_shared.events import Course, Enrolled, Progressed, Unit, UnitUpdate

COURSE_ID = "bench-course"
DEVICE_ID = "phone-1"
UNITS = 20
START = datetime(2024, 10, 1, tzinfo=UTC)
SEED = 20_241_001


def course() -> Course:
    """Return the course: content units, all required."""
    units = tuple(
        Unit(unit_id=unit_id(number), title={"en": f"Unit {number}"}, kind="content")
        for number in range(UNITS)
    )
    return Course(
        course_id=COURSE_ID, version=1, title={"en": "Bench"}, provider="bench", units=units
    )


def learner_id(learner: int) -> str:
    """Return a learner's id."""
    return f"learner-{learner:06d}"


def unit_id(number: int) -> str:
    """Return a unit's id."""
    return f"unit-{number:02d}"


def passed_before(learner: int) -> int:
    """Return how many units the learner has passed before the first turn: 1 to 19."""
    return 1 + learner % (UNITS - 1)


def enrollment_id(learner: int) -> str:
    """Return the id of a learner's enrollment."""
    return f"enrollment-{learner:06d}"


def enrolled(learner: int) -> Enrolled:
    """Return the learner's enrollment."""
    return Enrolled(
        enrollment_id=enrollment_id(learner),
        learner_id=learner_id(learner),
        course_id=COURSE_ID,
        term=1,
        course_version=1,
        enrolled_at=START,
    )


def history(learner: int) -> Progressed:
    """Return all that the learner did before the first turn, in one report."""
    return _report(learner, range(passed_before(learner)), "before")


def turn(number: int, learners: int) -> Iterator[Progressed]:
    """Yield the reports of a turn: one of each learner, in an order of its own."""
    order = list(range(learners))
    Random(SEED + number).shuffle(order)  # noqa: S311 - an order, not a secret
    for learner in order:
        yield report(learner, number)


def report(learner: int, turn: int) -> Progressed:
    """Return the learner's report of a turn: one unit, passed."""
    return _report(learner, [passed_before(learner) + turn], f"turn-{turn}")


def whole(learner: int) -> Progressed:
    """Return a report in which the learner passes every unit: it completes at once."""
    return _report(learner, range(UNITS), "whole")


def completes(learner: int, turns: int) -> bool:
    """Whether the learner has passed every unit after that many turns."""
    return passed_before(learner) + turns >= UNITS


def completing(turn: int, learners: int) -> list[int]:
    """Return the learners who complete in that very turn."""
    return [learner for learner in range(learners) if passed_before(learner) + turn + 1 == UNITS]


def completed_at() -> datetime:
    """Return when whoever is through was through: with the last unit, whatever the turn."""
    return _at(UNITS - 1)


def passed(learner: int, turns: int) -> dict[str, tuple[datetime, int]]:
    """Return the units that the learner has passed after that many turns: when, seconds spent.

    Told from what happened, without the project's own merging.
    """
    held: dict[str, tuple[datetime, int]] = {}
    for step in range(passed_before(learner) + turns):
        unit = unit_id(step % UNITS)
        first_at, _ = held.get(unit, (_at(step), 0))
        held[unit] = (first_at, _spent_seconds(step))
    return held


def merge_ratio(reports: Sequence[Progressed], batch: int) -> float:
    """Return the most events per document in a batch, if batches were cut in this order."""
    cuts = [reports[start : start + batch] for start in range(0, len(reports), batch)]
    return max(len(cut) / len({report.learner_id for report in cut}) for cut in cuts)


def _report(learner: int, steps: "range | list[int]", name: str) -> Progressed:
    updates = tuple(
        UnitUpdate(
            unit_id=unit_id(step % UNITS),
            status=2,
            spent_seconds=_spent_seconds(step),
            at=_at(step),
        )
        for step in steps
    )
    return Progressed(
        report_id=f"{name}-{learner:06d}",
        learner_id=learner_id(learner),
        course_id=COURSE_ID,
        device_id=DEVICE_ID,
        updates=updates,
        received_at=_at(steps[-1]),
    )


def _at(step: int) -> datetime:
    """A unit a day."""
    return START + timedelta(days=step, hours=9)


def _spent_seconds(step: int) -> int:
    """Cumulative by unit: who opens it again has spent more."""
    return 300 * (1 + step // UNITS)
