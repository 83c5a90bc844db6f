"""Judges what a report says: its times, and its units against the course. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Final

from pravah_progress.api.facts import Now
from pravah_progress.api.known import Known
from pravah_progress.api.reading import Reported, Submission, Update
from pravah_shared.http.problems import FieldProblem, Problem

FURTHEST_AHEAD: Final = timedelta(days=1)
"""A device's clock may be off or in another zone by less; beyond, its times mean nothing."""


def judge(reported: Reported, now: Now, courses: Mapping[str, Known]) -> Problem | None:
    """Return why a report cannot be taken; None: it can. Of an unknown course, anything can be."""
    course = courses.get(reported.course_id)
    if course is not None and course.retired:
        return retired(course)
    wrong = [] if is_past(reported, now) else too_early(reported, now)
    if course is not None and not holds_all_units(course, reported):
        wrong += unknown_units(reported, course)
    return invalid(wrong) if wrong else None


def is_doubtful(reported: Reported, courses: Mapping[str, Known]) -> bool:
    """Whether a newer version of the course, if there is one, might take what this one refuses."""
    course = courses.get(reported.course_id)
    return course is not None and (course.retired or not holds_all_units(course, reported))


def holds_all_units(course: Known, reported: Reported) -> bool:
    """Whether every unit that is reported on is part of the course."""
    for update in reported.updates:
        if update.unit_id not in course.units:
            return False
    for submission in reported.attempts:  # noqa: SIM110 - a generator costs more than the loop
        if submission.unit_id not in course.units:
            return False
    return True


def is_past(reported: Reported, now: Now) -> bool:
    """Whether nothing of it lies in the future, as usual."""
    for update in reported.updates:
        if not now.is_past(update.at):
            return False
    for submission in reported.attempts:  # noqa: SIM110 - a generator costs more than the loop
        if not now.is_past(submission.at):
            return False
    return True


def too_early(reported: Reported, now: Now) -> list[FieldProblem]:
    """Return a problem for each time that lies more than FURTHEST_AHEAD in the future."""
    remedy = "send the time at which it happened; check the device's clock"
    return [
        FieldProblem(f"{place}.at", "lies more than a day in the future", remedy)
        for place, item in _items(reported)
        if not now.is_within(item.at, FURTHEST_AHEAD)
    ]


def unknown_units(reported: Reported, course: Known) -> list[FieldProblem]:
    """Return a problem for each unit that the course does not have."""
    what = f"is not part of course {course.course_id}"
    remedy = f"send a unit of version {course.version} of course {course.course_id}"
    return [
        FieldProblem(f"{place}.unit_id", f"unit {item.unit_id} {what}", remedy)
        for place, item in _items(reported)
        if item.unit_id not in course.units
    ]


def retired(course: Known) -> Problem:
    """Return 422: the course takes no progress any more."""
    detail = (
        f"Course {course.course_id} is retired and takes no new progress; what was reported before "
        "still counts. Report on the course that took its place, or ask its provider to reopen it"
    )
    return Problem(422, "Course retired", detail, type="course-retired")


def invalid(errors: Sequence[FieldProblem]) -> Problem:
    """Return 422 with the wrong fields of a report."""
    named = ", ".join(item.field for item in errors[:5])
    detail = f"{len(errors)} of the report's fields cannot be taken: {named}"
    return Problem(422, "Invalid request", detail, type="invalid-request", errors=errors)


def _items(reported: Reported) -> Iterator[tuple[str, Update | Submission]]:
    """Yield updates and attempts, each with its place in the body."""
    for index, update in enumerate(reported.updates):
        yield f"updates[{index}]", update
    for index, submission in enumerate(reported.attempts):
        yield f"attempts[{index}]", submission
