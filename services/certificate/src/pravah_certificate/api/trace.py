"""What this service knows of a learner and a course, for `pravah explain`."""

from typing import Annotated, Literal

from fastapi import APIRouter

from pravah_certificate.api.bodies import CompletionTrace, Summary, Trace
from pravah_certificate.api.certificates import managed_mdo
from pravah_certificate.api.parts import PartsOf
from pravah_certificate.model import Person
from pravah_shared.events.types import CourseId, LearnerId
from pravah_shared.http.identity import Principal, allow

router = APIRouter(tags=["operations"])

Observer = Annotated[
    Principal, allow("learner", "mdo_admin", "operator", "system", scopes=["learners:read"])
]


@router.get("/trace/{learner_id}/{course_id}")
async def trace(learner_id: LearnerId, course_id: CourseId, who: Observer, parts: PartsOf) -> Trace:
    """Tell how far each completion has come, and what it waits for.

    403 for an mdo_admin whose MDO has no part in it: even that a learner is here is not theirs.
    """
    mdo_id = managed_mdo(who, learner_id)
    completions = [
        each
        for each in await parts.inputs.trace(learner_id, course_id)
        if mdo_id in (None, each["mdo_id"])
    ]
    certificates = [
        each
        for each in await parts.certificates.of_course(learner_id, course_id)
        if mdo_id in (None, each.mdo_id)
    ]
    if not completions and not certificates:
        who.must_manage(None, learner_id=learner_id)
    people = await parts.inputs.people([learner_id])
    courses = await parts.inputs.courses([course_id])
    course = courses.get(course_id)
    return Trace(
        learner_id=learner_id,
        course_id=course_id,
        person=standing(people.get(learner_id)),
        course_version=course.version if course else None,
        completions=tuple(CompletionTrace.model_validate(each) for each in completions),
        certificates=tuple(Summary.of(each) for each in certificates),
    )


def standing(person: Person | None) -> Literal["unknown", "known", "erased"]:
    """Return whether a person is here."""
    if person is None:
        return "unknown"
    return "erased" if person.erased else "known"
