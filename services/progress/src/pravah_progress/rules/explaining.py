"""Say why a course is, or is not, complete for a learner."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pravah_progress.model import COMPLETED, NO_RUN, Document, from_milliseconds
from pravah_progress.rules.announcing import announced_of, within_term
from pravah_progress.rules.requirements import last_passed_at, required_units
from pravah_progress.rules.rollup import unit_view
from pravah_progress.rules.scope import Scope, scope_of
from pravah_progress.rules.texts import text_in
from pravah_progress.rules.views import UnitState
from pravah_shared.events import Course

ReasonCode = Literal[
    "completed",
    "course_unknown",
    "not_enrolled",
    "other_run",
    "programme",
    "retired",
    "no_required_units",
    "outside_run",
    "run_unknown",
    "units_missing",
    "withdrawn",
    "passed_after_withdrawal",
    "being_decided",
]


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason: `code` for machines, `text` for people."""

    code: ReasonCode
    text: str


@dataclass(frozen=True, slots=True)
class MissingUnit:
    """A required unit that is not passed, by its title in the reader's language."""

    unit_id: str
    title: str
    kind: Literal["content", "assessment"]
    state: UnitState
    best_percent: float | None
    pass_percent: float | None
    attempts: int
    max_attempts: int | None


@dataclass(frozen=True, slots=True)
class ExplainedEnrollment:
    """Why one term is, or is not, complete."""

    enrollment_id: str
    run_id: str | None
    term: int
    completed: bool
    reasons: tuple[Reason, ...]
    missing: tuple[MissingUnit, ...]


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a learner's course is, or is not, complete. `reasons` hold for all its terms."""

    learner_id: str
    course_id: str
    title: str | None
    completed: bool
    reasons: tuple[Reason, ...]
    enrollments: tuple[ExplainedEnrollment, ...]


def explain(
    document: Document, course: Course | None, preferred: Sequence[str] = ()
) -> Explanation:
    """Explain every term of a document; titles in the best of the `preferred` languages.

    A learner nothing is known about is a document of only `learner_id` and `course_id`.
    """
    enrollments = tuple(
        _enrollment(document, course, (run, number), preferred)
        for run, terms in sorted(document.get("enrollments", {}).items())
        for number, term in sorted(terms.items())
        if "enrolled_at" in term
    )
    return Explanation(
        learner_id=document["learner_id"],
        course_id=document["course_id"],
        title=None if course is None else text_in(course.title, preferred),
        completed=any(enrollment.completed for enrollment in enrollments),
        reasons=tuple(_of_course(document, course)),
        enrollments=enrollments,
    )


def _of_course(document: Document, course: Course | None) -> Iterator[Reason]:
    course_id = document["course_id"]
    if course is None:
        text = f"course {course_id} is not known here yet; progress is kept, decided when it comes"
        yield Reason("course_unknown", text)
    elif course.kind == "programme":
        text = f"{course_id} is a programme: it is completed by its courses, not by units"
        yield Reason("programme", text)
    elif not required_units(course):
        yield Reason("no_required_units", f"course {course_id} requires no unit to be passed")
    if course is not None and course.status == "retired":
        text = f"course {course_id} is retired: it takes no new progress; what was taken counts"
        yield Reason("retired", text)
    enrolled = _enrolled_runs(document)
    if not enrolled:
        text = "the learner is not enrolled; progress is kept and counts once they are"
        yield Reason("not_enrolled", text)
    for run in sorted(set(document.get("facts", {})) - enrolled - {NO_RUN}):
        text = f"progress reported for run {run} counts for that run, where there is no enrollment"
        yield Reason("other_run", text)


def _enrolled_runs(document: Document) -> set[str]:
    return {
        run
        for run, terms in document.get("enrollments", {}).items()
        if any("enrolled_at" in term for term in terms.values())
    }


def _enrollment(
    document: Document, course: Course | None, key: tuple[str, str], preferred: Sequence[str]
) -> ExplainedEnrollment:
    run, number = key
    term = document["enrollments"][run][number]
    scope = scope_of(document, course, run)
    kept = announced_of(document, run, number).get(COMPLETED)
    completed = None if kept is None else kept["data"]
    missing = _missing(scope, course, preferred) if course is not None and completed is None else ()
    reasons = (
        (Reason("completed", f"completed at {completed['completed_at']}"),)
        if completed is not None
        else tuple(_reasons(scope, course, run, term, missing))
    )
    return ExplainedEnrollment(
        enrollment_id=term["enrollment_id"],
        run_id=None if run == NO_RUN else run,
        term=int(number),
        completed=completed is not None,
        reasons=reasons,
        missing=missing,
    )


def _missing(scope: Scope, course: Course, preferred: Sequence[str]) -> tuple[MissingUnit, ...]:
    views = [unit_view(scope, unit, preferred) for unit in required_units(course)]
    return tuple(
        MissingUnit(
            unit.unit_id,
            unit.title,
            unit.kind,
            unit.state,
            unit.best_percent,
            unit.pass_percent,
            unit.attempts,
            unit.max_attempts,
        )
        for unit in views
        if unit.state != "passed"
    )


def _reasons(
    scope: Scope,
    course: Course | None,
    run: str,
    term: Mapping[str, Any],
    missing: Sequence[MissingUnit],
) -> Iterator[Reason]:
    withdrawn_at = term.get("withdrawn_at")
    if withdrawn_at is not None:
        yield Reason("withdrawn", f"withdrawn at {from_milliseconds(withdrawn_at).isoformat()}")
    if course is None or course.kind == "programme":
        return
    if run != NO_RUN and run not in {dated.run_id for dated in course.runs}:
        text = f"the course does not name run {run}; only progress reported for it counts"
        yield Reason("run_unknown", text)
    if any(part.leaves_out(part.facts.get("active", {})) for part in scope.parts[:1]):
        text = f"some progress reported for run {run} lies outside of it, or came in too late"
        yield Reason("outside_run", text)
    if missing:
        required = len(required_units(course))
        titles = ", ".join(unit.title for unit in missing)
        text = f"{len(missing)} of {required} required units are not passed: {titles}"
        yield Reason("units_missing", text)
    elif (passed_at := last_passed_at(scope, course)) is not None:
        if within_term(passed_at, term) is None:
            at = from_milliseconds(passed_at).isoformat()
            text = f"the last required unit was passed at {at}, after that"
            yield Reason("passed_after_withdrawal", text)
        else:
            yield Reason("being_decided", "all is passed; the completion is about to be announced")
