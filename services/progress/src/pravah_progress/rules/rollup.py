"""Roll a document up into what a learner and their apps read."""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any

from pravah_progress.model import (
    COMPLETED,
    IMPROVED,
    NO_RUN,
    STARTED,
    Document,
    Milliseconds,
    from_milliseconds,
)
from pravah_progress.rules.announcing import announced_of
from pravah_progress.rules.overview import ALONE, Beside
from pravah_progress.rules.requirements import languages_done, required_content
from pravah_progress.rules.scope import Scope, activity_of, scope_of
from pravah_progress.rules.views import (
    CourseSummary,
    CourseView,
    EnrollmentSummary,
    EnrollmentView,
    LanguageView,
    ModuleView,
    ReportedView,
    UnitState,
    UnitView,
)
from pravah_shared.events import Course, Unit
from pravah_shared.locales import text_in


def view(
    document: Document,
    course: Course | None,
    preferred: Sequence[str] = (),
    beside: Beside = ALONE,
) -> CourseView:
    """Return the progress of a document's learner, titles in the best of `preferred`.

    Of a programme with what was read `beside` it.
    """
    enrollments = [
        _enrollment(document, course, (run, number), preferred, beside)
        for run, terms in document.get("enrollments", {}).items()
        for number, term in terms.items()
        if "enrolled_at" in term
    ]
    return CourseView(
        learner_id=document["learner_id"],
        course_id=document["course_id"],
        course_version=None if course is None else course.version,
        title=None if course is None else text_in(course.title, preferred),
        enrollments=tuple(
            sorted(enrollments, key=lambda one: (one.enrolled_at, one.run_id or "", one.term))
        ),
        reported=tuple(
            _reported(run, facts) for run, facts in sorted(document.get("facts", {}).items())
        ),
    )


def summary(
    document: Document,
    course: Course | None,
    preferred: Sequence[str] = (),
    beside: Beside = ALONE,
) -> CourseSummary:
    """Return the same without units, for lists."""
    full = view(document, course, preferred, beside)
    names = [field.name for field in fields(EnrollmentSummary)]
    return CourseSummary(
        full.learner_id,
        full.course_id,
        full.course_version,
        full.title,
        tuple(
            EnrollmentSummary(*(getattr(enrollment, name) for name in names))
            for enrollment in full.enrollments
        ),
    )


def unit_view(scope: Scope, unit: Unit, preferred: Sequence[str]) -> UnitView:
    """Return how a unit stands for an enrollment."""
    best = scope.best(unit)
    passed_at = scope.passed_at(unit)
    return UnitView(
        unit_id=unit.unit_id,
        title=text_in(unit.title, preferred),
        kind=unit.kind,
        optional=unit.optional,
        state=_state(scope, unit, passed_at),
        passed_at=_moment(passed_at),
        best_percent=None if best is None else best.percent,
        pass_percent=unit.pass_percent,
        attempts=scope.attempts(unit.unit_id),
        max_attempts=unit.max_attempts,
        spent_seconds=scope.seconds_of(unit.unit_id, unit.seconds),
    )


def _state(scope: Scope, unit: Unit, passed_at: Milliseconds | None) -> UnitState:
    if passed_at is not None:
        return "passed"
    if unit.kind == "assessment" and scope.submissions(unit):
        return "handed_in" if scope.best(unit) is None else "below_mark"
    return "in_progress" if scope.opened(unit.unit_id) else "not_started"


def _enrollment(
    document: Document,
    course: Course | None,
    key: tuple[str, str],
    preferred: Sequence[str],
    beside: Beside,
) -> EnrollmentView:
    run, number = key
    term, said = document["enrollments"][run][number], announced_of(document, run, number)
    scope = scope_of(document, course, run)
    units = () if course is None else tuple(unit_view(scope, u, preferred) for u in course.units)
    required = [unit for unit in units if not unit.optional]
    parts = [part for part in beside.standings(course) if not part.optional]
    return EnrollmentView(
        enrollment_id=term["enrollment_id"],
        run_id=None if run == NO_RUN else run,
        term=int(number),
        enrolled_at=from_milliseconds(term["enrolled_at"]),
        withdrawn_at=_moment(term.get("withdrawn_at")),
        started_at=_moment_said(said, STARTED, "started_at"),
        completed_at=_moment_said(said, COMPLETED, "completed_at"),
        score_percent=best_announced(said),
        learning_seconds=scope.seconds(course) + sum(part.learning_seconds for part in parts),
        required=len(required) + len(parts),
        passed=sum(unit.state == "passed" for unit in required)
        + sum(part.completed_at is not None for part in parts),
        languages=() if course is None else _languages(scope, course),
        modules=() if course is None else _modules(course, units, preferred),
        units=units,
        courses=beside.views(course, preferred),
    )


def _moment(milliseconds: Milliseconds | None) -> datetime | None:
    return None if milliseconds is None else from_milliseconds(milliseconds)


def _moment_said(said: Mapping[str, Any], kind: str, name: str) -> datetime | None:
    return datetime.fromisoformat(said[kind]["data"][name]) if kind in said else None


def best_announced(said: Mapping[str, Any]) -> float | None:
    """Return the highest score that a term has announced."""
    kept = [said[COMPLETED]] if COMPLETED in said else []
    kept += said.get(IMPROVED, {}).values()
    scores = [one["data"]["score_percent"] for one in kept]
    return max((score for score in scores if score is not None), default=None)


def _languages(scope: Scope, course: Course) -> tuple[LanguageView, ...]:
    required = len(required_content(course))
    done = languages_done(scope, course)
    return tuple(LanguageView(language, required, done[language]) for language in sorted(done))


def _modules(
    course: Course, units: Sequence[UnitView], preferred: Sequence[str]
) -> tuple[ModuleView, ...]:
    by_id = {unit.unit_id: unit for unit in units}
    rolled = []
    for module in course.modules:
        required = [by_id[id_] for id_ in module.unit_ids if not by_id[id_].optional]
        passed = sum(unit.state == "passed" for unit in required)
        title = text_in(module.title, preferred)
        rolled.append(ModuleView(module.module_id, title, len(required), passed))
    return tuple(rolled)


def _reported(run: str, facts: Mapping[str, Any]) -> ReportedView:
    firsts = (day["first"] for days in activity_of(facts) for day in days.values())
    first_at = min(firsts, default=None)
    units = {*facts.get("content", {}), *facts.get("submissions", {})}
    return ReportedView(None if run == NO_RUN else run, _moment(first_at), tuple(sorted(units)))
