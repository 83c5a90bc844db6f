"""Say why a course is, or is not, complete for a learner."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pravah_progress.model import COMPLETED, NO_RUN, Document, Milliseconds, from_milliseconds
from pravah_progress.rules.announcing import announced_of, within_term
from pravah_progress.rules.explanation import (
    ExplainedEnrollment,
    Explanation,
    MissingCourse,
    MissingUnit,
    Reason,
)
from pravah_progress.rules.overview import ALONE, Beside
from pravah_progress.rules.programmes import Standing, is_programme
from pravah_progress.rules.requirements import last_passed_at, required_units
from pravah_progress.rules.rollup import unit_view
from pravah_progress.rules.scope import Scope, scope_of
from pravah_progress.rules.views import ProgrammeCourseView
from pravah_shared.events import Course
from pravah_shared.locales import text_in


def explain(
    document: Document,
    course: Course | None,
    preferred: Sequence[str] = (),
    beside: Beside = ALONE,
) -> Explanation:
    """Explain every term of a document; titles in the best of the `preferred` languages.

    Of a programme with what was read `beside` it.
    A learner nothing is known about is a document of only `learner_id` and `course_id`.
    """
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
        reasons=tuple(_of_course(document, course)),
        enrollments=enrollments,
    )


def _of_course(document: Document, course: Course | None) -> Iterator[Reason]:
    course_id = document["course_id"]
    if course is None:
        text = f"course {course_id} is not known here yet; progress is kept, decided when it comes"
        yield Reason("course_unknown", text)
    elif is_programme(course):
        text = f"{course_id} is a programme: it is completed by its courses, not by units"
        yield Reason("programme", text)
        if all(one.optional for one in course.courses):
            text = f"programme {course_id} has no mandatory course"
            yield Reason("no_required_courses", text)
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
    reasons: tuple[Reason, ...]
    if kept is not None:
        reasons = (Reason("completed", f"completed at {kept['data']['completed_at']}"),)
    elif course is not None and is_programme(course):
        courses = _missing_courses(beside.views(course, preferred))
        reasons = tuple(_of_programme(beside.standings(course), term, courses))
    else:
        scope = scope_of(document, course, run)
        missing = () if course is None else _missing(scope, course, preferred)
        reasons = tuple(_of_term(scope, course, run, term, missing))
    return ExplainedEnrollment(
        enrollment_id=term["enrollment_id"],
        run_id=None if run == NO_RUN else run,
        term=int(number),
        completed=kept is not None,
        reasons=reasons,
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
) -> Iterator[Reason]:
    yield from _withdrawn(term)
    if course is None:
        return
    if run != NO_RUN and run not in {dated.run_id for dated in course.runs}:
        text = f"the course does not name run {run}; only progress reported for it counts"
        yield Reason("run_unknown", text)
    if any(part.leaves_out(part.facts.get("active", {})) for part in scope.parts[:1]):
        if run == NO_RUN:
            text = "some progress came in after the course was retired"
            yield Reason("after_retirement", text)
        else:
            text = f"some progress reported for run {run} lies outside of it, or came in too late"
            yield Reason("outside_run", text)
    if missing:
        required = len(required_units(course))
        titles = ", ".join(unit.title for unit in missing)
        text = f"{len(missing)} of {required} required units are not passed: {titles}"
        yield Reason("units_missing", text)
    elif (passed_at := last_passed_at(scope, course)) is not None:
        yield _all_there(passed_at, term, "required unit was passed")


def _of_programme(
    standings: Sequence[Standing], term: Mapping[str, Any], missing: Sequence[MissingCourse]
) -> Iterator[Reason]:
    yield from _withdrawn(term)
    mandatory = [standing.completed_at for standing in standings if not standing.optional]
    completed = [at for at in mandatory if at is not None]
    if missing:
        titles = ", ".join(course.title for course in missing)
        text = f"{len(missing)} of {len(mandatory)} mandatory courses are not completed: {titles}"
        yield Reason("courses_missing", text)
    elif completed:
        yield _all_there(max(completed), term, "mandatory course was completed")


def _withdrawn(term: Mapping[str, Any]) -> Iterator[Reason]:
    if (at := term.get("withdrawn_at")) is not None:
        yield Reason("withdrawn", f"withdrawn at {from_milliseconds(at).isoformat()}")


def _all_there(last_at: Milliseconds, term: Mapping[str, Any], last: str) -> Reason:
    if within_term(last_at, term) is None:
        text = f"the last {last} at {from_milliseconds(last_at).isoformat()}, after that"
        return Reason("passed_after_withdrawal", text)
    return Reason("being_decided", "all is there; the completion is about to be announced")
