"""What raw facts justify, reckoned from the facts alone: shares no line with the rules.

It knows no document, no merging and no pruning: it looks through all reports for each question.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from pravah_shared.events import (
    Attempt,
    Course,
    Enrolled,
    EventData,
    Progressed,
    Unit,
    UnitUpdate,
    Withdrawn,
)


class Due(NamedTuple):
    """What a term is due: `at` with, for completions, score and course version."""

    kind: str
    run_id: str | None
    term: int
    at: datetime
    score: float | None = None
    version: int | None = None


def justified(facts: Sequence[EventData], course: Course | None) -> set[Due]:
    """Return all that these facts and this course justify, announced or not."""
    if course is None:
        return set()
    due = set()
    for fact in facts:
        if isinstance(fact, Enrolled):
            items = _items(facts, course, fact.run_id)
            if items:
                due |= _in_time("started", min([item.at for item in items]), fact, facts)
            passed = [_passed(unit, items) for unit in course.units if not unit.optional]
            if passed and None not in passed:
                at = max(moment for moment in passed if moment)
                for one in _in_time("completed", at, fact, facts):
                    due.add(one._replace(score=_score(course, items), version=course.version))
    return due


def _items(facts: Sequence[EventData], course: Course, run_id: str | None) -> list[Any]:
    windows = [(run.starts_at, run.ends_at) for run in course.runs if run.run_id == run_id]
    return [
        item
        for fact in facts
        if isinstance(fact, Progressed)
        for item in _reported(fact)
        if fact.run_id == run_id
        or (fact.run_id is None and any(start <= item.at <= end for start, end in windows))
    ]


def _reported(fact: Progressed) -> list[UnitUpdate | Attempt]:
    return [*fact.updates, *fact.attempts]


def _passed(unit: Unit, items: Sequence[UnitUpdate | Attempt]) -> datetime | None:
    moments = []
    for item in items:
        if item.unit_id != unit.unit_id:
            continue
        if isinstance(item, UnitUpdate):
            if unit.kind == "content" and item.status == 2:
                moments.append(item.at)
        elif unit.kind == "assessment":
            enough = unit.pass_percent is None or (
                item.score is not None and item.score >= unit.pass_percent
            )
            moments += [item.at] * enough
    return min(moments, default=None)


def _in_time(kind: str, at: datetime, term: Enrolled, facts: Sequence[EventData]) -> set[Due]:
    at = max(at, term.enrolled_at)
    left = [
        fact.withdrawn_at
        for fact in facts
        if isinstance(fact, Withdrawn) and (fact.run_id, fact.term) == (term.run_id, term.term)
    ]
    return set() if any(moment < at for moment in left) else {Due(kind, term.run_id, term.term, at)}


def _score(course: Course, items: Sequence[UnitUpdate | Attempt]) -> float | None:
    bests = []
    for unit in course.units:
        if unit.kind == "assessment" and not unit.optional:
            marked = [
                item
                for item in items
                if isinstance(item, Attempt)
                and item.unit_id == unit.unit_id
                and item.score is not None
            ]
            latest: dict[str, float] = {}
            for one in sorted(marked, key=lambda one: (one.at, one.score or 0)):
                latest[one.attempt_id] = one.score or 0
            bests += [max(latest.values())] if latest else []
    return sum(bests) / len(bests) if bests else None
