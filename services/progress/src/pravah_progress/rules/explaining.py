"""Say why a course is, or is not, complete for a learner."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from pravah_progress.model import COMPLETED, NO_RUN, Document, Milliseconds, from_milliseconds
from pravah_progress.rules.announcing import announced_of, within_term
from pravah_progress.rules.explanation import (
    ExplainedEnrollment,
    Explanation,
    MissingCourse,
    MissingUnit,
)
from pravah_progress.rules.overview import ALONE, Beside
from pravah_progress.rules.programmes import Standing, is_programme
from pravah_progress.rules.requirements import last_passed_at, required_units
from pravah_progress.rules.rollup import unit_view
from pravah_progress.rules.scope import Scope, activity_of, scope_of
from pravah_progress.rules.sentences import Finding, worded
from pravah_progress.rules.views import ProgrammeCourseView
from pravah_shared.events import Course
from pravah_shared.locales import locale_for, text_in


def explain(
    document: Document,
    course: Course | None,
    preferred: Sequence[str] = (),
    beside: Beside = ALONE,
) -> Explanation:
    """Explain every term of a document; titles and texts in the best of the `preferred` languages.

    Of a programme with what was read `beside` it.
    A learner nothing is known about is a document of only `learner_id` and `course_id`.
    """
    language = locale_for(preferred)
    enrollments = tuple(
        _enrollment(document, course, (run, number), preferred, beside)
        for run, terms in sorted(document.get("enrollments", {}).items())
        for number, term in sorted(terms.items())
        if "enrolled_at" in term
    )
    return Explanation(
        learner_id=document["learner_id"],
        course_id=document["course_id"],
        title=None if course is None else text_in(course.title, preferred),
        completed=any(enrollment.completed for enrollment in enrollments),
        reasons=worded(_of_course(document, course), language),
        enrollments=enrollments,
        language=language,
    )


def _of_course(document: Document, course: Course | None) -> Iterator[Finding]:
    named = {"course_id": document["course_id"]}
    if course is None:
        yield Finding("course_unknown", named)
    elif is_programme(course):
        yield Finding("programme", named)
        if all(one.optional for one in course.courses):
            yield Finding("no_required_courses", named)
    elif not required_units(course):
        yield Finding("no_required_units", named)
    if course is not None and course.status == "retired":
        yield Finding("retired", named)
    enrolled = _enrolled_runs(document)
    if not enrolled:
        yield Finding("not_enrolled")
    for run in sorted(set(document.get("facts", {})) - enrolled - {NO_RUN}):
        yield Finding("other_run", {"run_id": run})


def _enrolled_runs(document: Document) -> set[str]:
    return {
        run
        for run, terms in document.get("enrollments", {}).items()
        if any("enrolled_at" in term for term in terms.values())
    }


def _enrollment(
    document: Document,
    course: Course | None,
    key: tuple[str, str],
    preferred: Sequence[str],
    beside: Beside,
) -> ExplainedEnrollment:
    run, number = key
    term = document["enrollments"][run][number]
    kept = announced_of(document, run, number).get(COMPLETED)
    missing: tuple[MissingUnit, ...] = ()
    courses: tuple[MissingCourse, ...] = ()
    findings: Iterable[Finding]
    if kept is not None:
        findings = [Finding("completed", {"at": kept["data"]["completed_at"]})]
    elif course is not None and is_programme(course):
        courses = _missing_courses(beside.views(course, preferred))
        findings = _of_programme(beside.standings(course), term, courses)
    else:
        scope = scope_of(document, course, run)
        missing = () if course is None else _missing(scope, course, preferred)
        findings = _of_term(scope, course, run, term, missing)
    return ExplainedEnrollment(
        enrollment_id=term["enrollment_id"],
        run_id=None if run == NO_RUN else run,
        term=int(number),
        completed=kept is not None,
        reasons=worded(findings, locale_for(preferred)),
        missing=missing,
        missing_courses=courses,
    )


def _missing_courses(courses: Sequence[ProgrammeCourseView]) -> tuple[MissingCourse, ...]:
    return tuple(
        MissingCourse(course.course_id, course.title, course.started_at)
        for course in courses
        if not course.optional and course.completed_at is None
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


def _of_term(
    scope: Scope,
    course: Course | None,
    run: str,
    term: Mapping[str, Any],
    missing: Sequence[MissingUnit],
) -> Iterator[Finding]:
    yield from _withdrawn(term)
    if course is None:
        return
    if run != NO_RUN and run not in {dated.run_id for dated in course.runs}:
        yield Finding("run_unknown", {"run_id": run})
    if any(part.leaves_out(days) for part in scope.parts[:1] for days in activity_of(part.facts)):
        if run == NO_RUN:
            yield Finding("after_retirement")
        else:
            yield Finding("outside_run", {"run_id": run})
    if missing:
        yield Finding("units_missing", _count(missing, len(required_units(course))))
    elif (passed_at := last_passed_at(scope, course)) is not None:
        yield _all_there(passed_at, term)


def _of_programme(
    standings: Sequence[Standing], term: Mapping[str, Any], missing: Sequence[MissingCourse]
) -> Iterator[Finding]:
    yield from _withdrawn(term)
    mandatory = [standing.completed_at for standing in standings if not standing.optional]
    completed = [at for at in mandatory if at is not None]
    if missing:
        yield Finding("courses_missing", _count(missing, len(mandatory)))
    elif completed:
        yield _all_there(max(completed), term)


def _count(missing: Sequence[MissingUnit | MissingCourse], required: int) -> Mapping[str, object]:
    titles = ", ".join(one.title for one in missing)
    return {"missing": len(missing), "required": required, "titles": titles}


def _withdrawn(term: Mapping[str, Any]) -> Iterator[Finding]:
    if (at := term.get("withdrawn_at")) is not None:
        yield Finding("withdrawn", _moment(at))


def _all_there(last_at: Milliseconds, term: Mapping[str, Any]) -> Finding:
    if within_term(last_at, term) is None:
        return Finding("passed_after_withdrawal", _moment(last_at))
    return Finding("being_decided")


def _moment(at: Milliseconds) -> Mapping[str, object]:
    return {"at": from_milliseconds(at).isoformat()}
