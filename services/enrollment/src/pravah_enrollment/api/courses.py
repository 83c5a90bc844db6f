"""Routes of courses and their runs."""

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Response
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError

from pravah_enrollment.api.bodies import CourseBody, CoursePage, RunDates
from pravah_enrollment.api.parts import Parts, PartsOf
from pravah_enrollment.api.problems import unknown
from pravah_enrollment.rules import next_course
from pravah_shared.events import Course, Run
from pravah_shared.events.types import CourseId, RunId
from pravah_shared.http.identity import Principal, allow
from pravah_shared.http.paging import Page

router = APIRouter(prefix="/v1/courses", tags=["courses"])

Publisher = Annotated[Principal, allow("publisher", "operator")]
Reader = Annotated[
    Principal,
    allow("learner", "mdo_admin", "publisher", "operator", "system", scopes=["events:read"]),
]

CREATED = 201


@router.put("/{course_id}", responses={CREATED: {"model": Course}})
async def put_course(
    _who: Publisher, course_id: CourseId, body: CourseBody, parts: PartsOf, response: Response
) -> Course:
    """Create a course (201) or its next version (200). The same content again changes nothing.

    The version rises only when the content changed; learners' progress is then decided anew.
    """
    return await _put(parts, course_id, lambda stored: body.course(course_id, stored), response)


@router.put("/{course_id}/runs/{run_id}", responses={CREATED: {"model": Course}})
async def put_run(
    _who: Publisher,
    course_id: CourseId,
    run_id: RunId,
    body: RunDates,
    parts: PartsOf,
    response: Response,
) -> Course:
    """Add a run to a course (201) or change its dates (200); answers the whole course."""
    had_it = False

    def with_run(stored: Course | None) -> Course:
        nonlocal had_it
        if stored is None:
            raise unknown(f"course {course_id}", f"PUT /v1/courses/{course_id} first")
        run = Run(run_id=run_id, **body.model_dump())
        had_it = any(other.run_id == run_id for other in stored.runs)
        others = [run if other.run_id == run_id else other for other in stored.runs]
        return stored.model_copy(update={"runs": tuple(others if had_it else [*others, run])})

    course = await _put(parts, course_id, with_run, response)
    response.status_code = 200 if had_it else CREATED
    return course


@router.get("")
async def list_courses(_who: Reader, page: Page, parts: PartsOf) -> CoursePage:
    """List courses by id, in their newest version."""
    courses = await parts.store.courses.page(page.after_id, page.fetch)
    return CoursePage(**page.page(courses, lambda course: (course.course_id,)))


@router.get("/{course_id}")
async def get_course(_who: Reader, course_id: CourseId, parts: PartsOf) -> Course:
    """Return a course in its newest version."""
    course = await parts.store.courses.get(course_id)
    if course is None:
        raise unknown(f"course {course_id}", "GET /v1/courses lists those there are")
    return course


async def _put(
    parts: Parts, course_id: str, make: Callable[[Course | None], Course], response: Response
) -> Course:
    stamp = parts.stamp()
    try:
        course, how = await parts.store.courses.put(
            course_id, stamp, lambda stored: next_course(stored, make(stored), stamp.time)
        )
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False)
        raise RequestValidationError(
            [{**item, "loc": ("body", *item["loc"])} for item in found]
        ) from None
    response.status_code = CREATED if how == "created" else 200
    return course
