"""What a command may name: a course one can enroll in, a time that can be."""

from datetime import datetime, timedelta

from pravah_enrollment.model import Rejected
from pravah_shared.events import Course
from pravah_shared.events.types import to_utc_milliseconds

AHEAD_MOST = timedelta(days=1)
"""A clock that is further ahead is wrong about the day; nearer ones are clamped to now."""


def business_time(
    field_name: str, given: datetime | None, now: datetime, *, trusted: bool
) -> datetime:
    """Return when it happened: what a trusted caller says, the server's time for all others.

    Raises:
        Rejected: a time by someone who may not give it, or more than a day ahead.
    """
    if given is None:
        return now
    if not trusted:
        raise Rejected(
            field_name,
            "is honoured for operators and systems only",
            "leave it out; the server's time counts",
        )
    if given > now + AHEAD_MOST:
        raise Rejected(
            field_name, "is more than a day ahead", "send the time at which it happened, in UTC"
        )
    return min(given, now)


def check_course(course: Course | None, course_id: str, run_id: str | None) -> Course:
    """Return the course if one can enroll in it.

    Raises:
        Rejected: it is unknown or retired, or has no such run.
    """
    if course is None:
        raise Rejected(
            "course_id", f"names no course, got {course_id}", f"PUT /v1/courses/{course_id} first"
        )
    if course.status == "retired":
        raise Rejected("course_id", "is retired", "enroll in a live course; GET /v1/courses")
    if run_id is not None and run_id not in {run.run_id for run in course.runs}:
        raise Rejected(
            "run_id",
            f"names no run of this course, got {run_id}",
            f"PUT /v1/courses/{course_id}/runs/{run_id} first, or leave it out",
        )
    return course


def next_course(stored: Course | None, wanted: Course, now: datetime) -> Course | None:
    """Return the version to store, or None when the content is the same already.

    A course that is retired by this is retired since `now`; one that was stays so since then.
    """
    wanted = wanted.model_copy(update={"retired_at": _retired_at(stored, wanted, now)})
    if stored is None:
        return wanted.model_copy(update={"version": 1})
    following = wanted.model_copy(update={"version": stored.version + 1})
    same = following.model_copy(update={"version": stored.version}) == stored
    return None if same else following


def _retired_at(stored: Course | None, wanted: Course, now: datetime) -> datetime | None:
    if wanted.status == "live":
        return None
    if stored is not None and stored.status == "retired":
        return stored.retired_at
    return to_utc_milliseconds(now)
