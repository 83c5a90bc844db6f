"""What this service knows of one learner in one course."""

from typing import Annotated, Literal

from fastapi import APIRouter

from pravah_enrollment.api.bodies import EnrollmentView, Trace
from pravah_enrollment.api.learners import mdo_of
from pravah_enrollment.api.parts import PartsOf
from pravah_enrollment.model import Learner
from pravah_shared.events.types import CourseId, LearnerId
from pravah_shared.http.identity import Principal, allow

router = APIRouter(tags=["operations"])

Observer = Annotated[
    Principal, allow("learner", "mdo_admin", "operator", "system", scopes=["learners:read"])
]


@router.get("/trace/{learner_id}/{course_id}")
async def trace(who: Observer, learner_id: LearnerId, course_id: CourseId, parts: PartsOf) -> Trace:
    """Tell the learner's story in a course as far as this service knows it."""
    await mdo_of(who, learner_id, parts)
    course = await parts.store.courses.get(course_id)
    learner = await parts.store.learners.get(learner_id)
    found = [
        enrollment
        for enrollment in await parts.store.enrollments.of_learner(learner_id)
        if enrollment.key.course_id == course_id
    ]
    waiting = [await parts.store.waiting_since("enrollments", one.key.document_id) for one in found]
    waiting.append(await parts.store.waiting_since("courses", course_id))
    waiting.append(await parts.store.waiting_since("learners", learner_id))
    return Trace(
        learner_id=learner_id,
        course_id=course_id,
        learner=_state(learner),
        course_version=course.version if course else None,
        course_status=course.status if course else None,
        enrollments=tuple(EnrollmentView.about(one, one.terms[-1]) for one in found),
        unpublished_since=min((since for since in waiting if since), default=None),
    )


def _state(learner: Learner | None) -> Literal["unknown", "known", "erased"]:
    if learner is None:
        return "unknown"
    return "known" if learner.erased_at is None else "erased"
