"""What raw facts justify, reckoned from the facts alone: shares no line with the rules.

It knows no document, no merging and no pruning: it looks through all reports for each question.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from pravah_shared.events import (
    Attempt,
    Course,
    Enrolled,
    EventData,
    Progressed,
    Run,
    Unit,
    UnitUpdate,
    Withdrawn,
)


class Due(NamedTuple):
    """What a term is due: `at` with, for completions and improvements, score and version.

    `improved`: the score it has by now; news only to those who completed with a lower one.
    """

    kind: str
    run_id: str | None
    term: int
    at: datetime
    score: float | None = None
    version: int | None = None


class Told(NamedTuple):
    """An item, and the report it came in."""

    item: UnitUpdate | Attempt
    run_id: str | None
    received: datetime


def justified(facts: Sequence[EventData], course: Course | None) -> set[Due]:
    """Return all that these facts and this course justify, announced or not."""
    if course is None:
        return set()
    due = set()
    for fact in facts:
        if isinstance(fact, Enrolled):
            told, run = _told(facts, course, fact.run_id)
            if active := _by_day(told, run):
                due |= _in_term("started", min(active), fact, facts)
            best = _score(course, told, run)
            if best is not None:
                for one in _in_term("improved", best[1], fact, facts):
                    due.add(one._replace(score=best[0]))
            passed = [_passed(unit, told, run) for unit in course.units if not unit.optional]
            if passed and None not in passed:
                at = max(moment for moment in passed if moment)
                score = None if best is None else best[0]
                for one in _in_term("completed", at, fact, facts):
                    due.add(one._replace(score=score, version=course.version))
    return due


def _told(
    facts: Sequence[EventData], course: Course, run_id: str | None
) -> tuple[list[Told], Run | None]:
    """Return what may count for a run, and the run if the course names it."""
    run = next((run for run in course.runs if run.run_id == run_id), None)
    seen = {run_id} if run is None else {run_id, None}
    told = [
        Told(item, fact.run_id, fact.received_at)
        for fact in facts
        if isinstance(fact, Progressed) and fact.run_id in seen
        for item in _items(fact)
    ]
    return told, run


def _items(fact: Progressed) -> list[UnitUpdate | Attempt]:
    return [*fact.updates, *fact.attempts]


def _counts(at: datetime, received: datetime, run: Run | None) -> bool:
    if run is None:
        return True
    closes_at = run.ends_at + timedelta(seconds=run.grace_seconds)
    return run.starts_at <= at <= run.ends_at and received <= closes_at


def _by_day(told: Sequence[Told], run: Run | None) -> list[datetime]:
    """Return the moments that count, where what comes in in time brings its whole day in."""
    return [
        one.item.at
        for one in told
        if _counts(
            one.item.at,
            min(
                other.received
                for other in told
                if other.run_id == one.run_id and other.item.at.date() == one.item.at.date()
            ),
            run,
        )
    ]


def _passed(unit: Unit, told: Sequence[Told], run: Run | None) -> datetime | None:
    mine = [one for one in told if one.item.unit_id == unit.unit_id]
    if unit.kind == "content":
        done = [one for one in mine if isinstance(one.item, UnitUpdate) and one.item.status == 2]
        return min(_by_day(done, run), default=None)
    enough = [
        one.at
        for one in _attempts(unit, mine, run)
        if unit.pass_percent is None or (one.score is not None and one.score >= unit.pass_percent)
    ]
    return min(enough, default=None)


def _attempts(unit: Unit, told: Sequence[Told], run: Run | None) -> list[Attempt]:
    found = [
        one.item
        for one in told
        if isinstance(one.item, Attempt)
        and one.item.unit_id == unit.unit_id
        and _counts(one.item.at, one.received, run)
    ]
    begun = sorted(
        {
            (min(one.at for one in found if one.attempt_id == id_), id_)
            for id_ in {one.attempt_id for one in found}
        }
    )
    counting = {id_ for _, id_ in begun[: unit.max_attempts]}
    return [one for one in found if one.attempt_id in counting]


def _in_term(kind: str, at: datetime, term: Enrolled, facts: Sequence[EventData]) -> set[Due]:
    at = max(at, term.enrolled_at)
    left = [
        fact.withdrawn_at
        for fact in facts
        if isinstance(fact, Withdrawn) and (fact.run_id, fact.term) == (term.run_id, term.term)
    ]
    return set() if any(moment < at for moment in left) else {Due(kind, term.run_id, term.term, at)}


def _score(course: Course, told: Sequence[Told], run: Run | None) -> tuple[float, datetime] | None:
    """Return the mean of the best scores, and when the last of them was first reached."""
    bests = []
    for unit in course.units:
        if unit.kind == "assessment" and not unit.optional:
            latest: dict[str, tuple[float, datetime]] = {}
            for one in sorted(_attempts(unit, told, run), key=lambda one: (one.at, one.score or 0)):
                if one.score is not None:
                    latest[one.attempt_id] = (one.score, one.at)
            if latest:
                highest = max(score for score, _ in latest.values())
                bests.append(min(one for one in latest.values() if one[0] == highest))
    if not bests:
        return None
    return sum(score for score, _ in bests) / len(bests), max(at for _, at in bests)
