"""What operators ask: what became of a message, and what is known of a learner and a course."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from pravah_notification.api.inbox import MAY_READ
from pravah_notification.api.models import Delivery, DeliveryPage, Trace
from pravah_notification.api.parts import Given
from pravah_notification.model import Channel, Entry, State
from pravah_notification.store import Deliveries
from pravah_shared.events.types import CourseId, LearnerId
from pravah_shared.http.identity import allow
from pravah_shared.http.paging import Page

router = APIRouter(tags=["operators"])

TRACED = 200
"""Messages of one learner about one course: far more than there are."""


async def wanted_deliveries(
    learner_id: Annotated[LearnerId | None, Query()] = None,
    course_id: Annotated[CourseId | None, Query()] = None,
    state: Annotated[State | None, Query()] = None,
    channel: Annotated[Channel | None, Query()] = None,
) -> Deliveries:
    """Return what a request looks for."""
    return Deliveries(learner_id, course_id, state, channel)


Wanted = Annotated[Deliveries, Depends(wanted_deliveries)]


@router.get("/v1/deliveries", dependencies=[allow("operator")])
async def list_deliveries(wanted: Wanted, page: Page, parts: Given) -> DeliveryPage:
    """List ledger entries by learner, course, state or channel."""
    entries = await parts.ledger.deliveries(wanted, page.after_id or "", page.fetch)
    shown = page.page(entries, lambda entry: (entry.id,))
    return DeliveryPage(
        items=[Delivery.of(entry) for entry in shown["items"]], next_cursor=shown["next_cursor"]
    )


@router.get("/trace/{learner_id}/{course_id}", dependencies=[MAY_READ])
async def trace(learner_id: LearnerId, course_id: CourseId, parts: Given) -> Trace:
    """Tell what this service knows, for `pravah explain`."""
    person = (await parts.directory.people([learner_id])).get(learner_id)
    course = (await parts.directory.courses([course_id])).get(course_id)
    wanted = Deliveries(learner_id, course_id)
    entries: list[Entry] = await parts.ledger.deliveries(wanted, "", TRACED)
    missing = sorted({what for entry in entries for what in entry.missing})
    return Trace(
        learner_id=learner_id,
        course_id=course_id,
        person_known=person is not None,
        person_erased=person is not None and person.erased,
        course_version=course.version if course else None,
        messages=[Delivery.of(entry) for entry in entries],
        missing=missing,
    )
