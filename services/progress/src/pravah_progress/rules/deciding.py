"""Decide what to announce, by business time, from facts and the course's present version."""

from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

from pravah_progress.model import (
    NO_RUN,
    Announcement,
    Document,
    Milliseconds,
    announced_keys,
    from_milliseconds,
)
from pravah_progress.rules.scope import Scope, scope_of
from pravah_shared.events import Completed, Course, Started, Unit

Terms: TypeAlias = Mapping[str, Mapping[str, Any]]
"""Terms of a run by their number."""

KINDS = ("completed", "started")
"""What a term may announce. Either may have been kept without the other when a write failed."""


def decide(document: Document, course: Course | None) -> tuple[Announcement, ...]:
    """Return what the document justifies and has not announced yet.

    A course not known yet decides nothing: its documents are asked again when it arrives.
    A programme's completion follows from its courses, not from units: it decides nothing here.
    What was announced stands, whatever is learnt later.
    """
    if course is None or course.kind == "programme":
        return ()
    return tuple(
        announcement
        for run, terms in document.get("enrollments", {}).items()
        if (undecided := _undecided(document, run, terms))
        for announcement in _of_run(document, course, run, undecided)
        if not is_announced(document, announced_keys(announcement))
    )


def is_announced(document: Document, keys: tuple[str, ...]) -> bool:
    """Tell whether a term made an announcement of this kind, even with other details."""
    held: Any = document
    for key in keys:
        held = held.get(key)
        if held is None:
            return False
    return True


def required_units(course: Course) -> tuple[Unit, ...]:
    """Return the units that completion asks for."""
    return tuple(unit for unit in course.units if not unit.optional)


def last_passed_at(scope: Scope, course: Course) -> Milliseconds | None:
    """Return when the last required unit was passed.

    None: one is not passed, or the course requires none; such a course never completes by itself.
    """
    last: Milliseconds | None = None
    for unit in required_units(course):
        passed_at = scope.passed_at(unit)
        if passed_at is None:
            return None
        last = passed_at if last is None else max(last, passed_at)
    return last


def score_percent(scope: Scope, course: Course) -> float | None:
    """Return the mean of the best percents of the required assessment units.

    Units without a marked submission are left out; None when that leaves none.
    """
    best = [
        percent
        for unit in required_units(course)
        if unit.kind == "assessment" and (percent := scope.best_percent(unit.unit_id)) is not None
    ]
    return min(100.0, round(sum(best) / len(best), 6)) if best else None


def within_term(moment: Milliseconds, term: Mapping[str, Any]) -> Milliseconds | None:
    """Return the business time of what happened at `moment` in an enrollment; None: too late.

    Never before the enrollment: earlier progress counts from then. Not after a withdrawal
    known now.
    """
    at: Milliseconds = max(moment, term["enrolled_at"])
    withdrawn_at = term.get("withdrawn_at")
    return None if withdrawn_at is not None and at > withdrawn_at else at


def _undecided(document: Document, run: str, terms: Terms) -> dict[str, Mapping[str, Any]]:
    """Return the terms that still have something to announce.

    One without an enrollment has nothing: only its withdrawal has arrived so far.
    """
    return {
        number: term
        for number, term in terms.items()
        if "enrolled_at" in term
        and not all(is_announced(document, ("announced", run, number, kind)) for kind in KINDS)
    }


def _of_run(document: Document, course: Course, run: str, terms: Terms) -> Iterator[Announcement]:
    scope = scope_of(document, course, run)
    first_at, passed_at = scope.first_at(), last_passed_at(scope, course)
    for number, term in terms.items():
        identity = {
            "enrollment_id": term["enrollment_id"],
            "learner_id": document["learner_id"],
            "course_id": document["course_id"],
            "run_id": None if run == NO_RUN else run,
            "term": int(number),
            "mdo_id": term.get("mdo_id"),
            "state_code": term.get("state_code"),
        }
        if first_at is not None and (at := within_term(first_at, term)) is not None:
            yield Started(started_at=from_milliseconds(at), **identity)
        if passed_at is not None and (at := within_term(passed_at, term)) is not None:
            yield Completed(
                completed_at=from_milliseconds(at),
                course_version=course.version,
                score_percent=score_percent(scope, course),
                learning_seconds=scope.seconds(),
                **identity,
            )
