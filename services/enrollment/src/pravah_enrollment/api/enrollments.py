"""Routes of enrollments: take up, leave, list."""

import asyncio
from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Query, Response
from fastapi.responses import JSONResponse

from pravah_enrollment.api.bodies import EnrollBody, EnrollmentPage, EnrollmentView
from pravah_enrollment.api.learners import mdo_of
from pravah_enrollment.api.parts import Parts, PartsOf
from pravah_enrollment.api.problems import unknown
from pravah_enrollment.model import Decision, Enroll, Enrollment, EnrollmentKey, Learner, Rejected
from pravah_enrollment.rules import business_time, check_course, enroll, withdraw
from pravah_shared.events import Event, EventData
from pravah_shared.events.types import Identifier, LearnerId, UtcTime
from pravah_shared.http.idempotency import Once
from pravah_shared.http.identity import Principal, allow
from pravah_shared.http.paging import Page

router = APIRouter(prefix="/v1", tags=["enrollments"])

Writer = Annotated[
    Principal, allow("learner", "mdo_admin", "operator", "system", scopes=["enrollments:write"])
]
Reader = Annotated[
    Principal, allow("learner", "mdo_admin", "operator", "system", scopes=["learners:read"])
]

CREATED = 201


@router.post(
    "/enrollments",
    status_code=CREATED,
    response_model=EnrollmentView,
    responses={200: {"model": EnrollmentView}},
)
async def post_enrollment(who: Writer, body: EnrollBody, parts: PartsOf, once: Once) -> Response:
    """Enroll a learner: 201 a new term, 200 the enrollment that is there already.

    After a withdrawal a new term begins; after a completion none does. `enrolled_at` is honoured
    for operators and systems; a time ahead by up to a day counts as now, beyond it is refused.
    An unknown learner or course, a retired course, an unknown run: 422 with the field.
    """
    who.must_own(body.learner_id)

    async def work() -> Response:
        return await _enroll(who, body, parts)

    return await once.answer(work)


@router.delete("/enrollments/{enrollment_id}")
async def delete_enrollment(
    who: Writer,
    enrollment_id: Identifier,
    parts: PartsOf,
    withdrawn_at: Annotated[UtcTime | None, Query(description="Operators and systems only")] = None,
) -> EnrollmentView:
    """Withdraw a learner from a term. Safe to repeat. 409: it is completed, which is final."""
    enrollment = await parts.store.enrollments.with_id(enrollment_id)
    if enrollment is None:
        raise unknown(
            f"enrollment {enrollment_id}", "GET /v1/learners/{learner_id}/enrollments lists them"
        )
    who.must_own(enrollment.key.learner_id)
    await mdo_of(who, enrollment.key.learner_id, parts)
    stamp = parts.stamp()
    at = business_time("?withdrawn_at", withdrawn_at, stamp.time, trusted=who.is_trusted)

    def decide(found: Enrollment) -> Decision:
        return withdraw(found, enrollment_id, at, given_at=withdrawn_at is not None)

    decision, events = await parts.store.enrollments.change(enrollment, stamp, decide)
    return _answer(parts, enrollment.key, decision, events)


@router.get("/learners/{learner_id}/enrollments")
async def list_enrollments(
    who: Reader, learner_id: LearnerId, page: Page, parts: PartsOf
) -> EnrollmentPage:
    """List a learner's enrollments, each with its newest term and those before."""
    await mdo_of(who, learner_id, parts)
    found = await parts.store.enrollments.of_learner(learner_id, page.after_id, page.fetch)
    given = page.page(found, lambda enrollment: (enrollment.key.document_id,))
    items = [EnrollmentView.about(one, one.terms[-1]) for one in given["items"]]
    return EnrollmentPage(items=tuple(items), next_cursor=given["next_cursor"])


async def _enroll(who: Principal, body: EnrollBody, parts: Parts) -> Response:
    stamp = parts.stamp()
    at = business_time("enrolled_at", body.enrolled_at, stamp.time, trusted=who.is_trusted)
    key = EnrollmentKey(body.learner_id, body.course_id, body.run_id)
    learner, course, enrollment = await asyncio.gather(
        parts.store.learners.get(body.learner_id),
        parts.store.courses.get(body.course_id),
        parts.store.enrollments.get(key),
    )
    who.must_manage(learner.mdo_id if learner else None, learner_id=body.learner_id)
    learner = _living(learner, body.learner_id)
    command = Enroll(
        key,
        check_course(course, body.course_id, body.run_id).version,
        at,
        "self" if who.owns(body.learner_id) else "admin",
        body.enrolled_at is not None,
        learner.mdo_id,
        learner.state_code,
    )
    decision, events = await parts.store.enrollments.change(
        enrollment,
        stamp,
        lambda found: enroll(found, command),
        (learner.mdo_id, learner.state_code),
    )
    view = _answer(parts, key, decision, events)
    return JSONResponse(view.model_dump(mode="json"), CREATED if events else 200)


def _living(learner: Learner | None, learner_id: str) -> Learner:
    if learner is None:
        raise Rejected(
            "learner_id",
            f"names no learner, got {learner_id}",
            f"PUT /v1/learners/{learner_id} first",
        )
    if learner.erased_at is not None:
        raise Rejected("learner_id", "names a learner who was erased", "use a new id")
    return learner


def _answer(
    parts: Parts, key: EnrollmentKey, decision: Decision, events: Sequence[Event[EventData]]
) -> EnrollmentView:
    """Have what is now stored published soon, and show it."""
    for event in events:
        parts.outbox.offer(key.document_id, event)
    return EnrollmentView.about(Enrollment(key, decision.terms), decision.about)
