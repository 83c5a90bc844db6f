"""The inbox as a live stream of server-sent events (WHATWG HTML § 9.2).

Each event carries an id from which any process goes on without gap or repetition: browsers send
it back as Last-Event-ID by themselves. A stream ends after `inbox_stream_seconds`, so that a
withdrawn token ends with it, and when a dependency fails; clients resume.
"""

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Header, Query
from sse_starlette import EventSourceResponse, ServerSentEvent

from pravah_notification.api.inbox import MAY_READ
from pravah_notification.api.models import InboxMessage
from pravah_notification.api.parts import Given, Parts
from pravah_notification.channels.resume import Standing, parse
from pravah_shared.errors import Transient
from pravah_shared.events.types import LearnerId
from pravah_shared.telemetry.logs import get_logger

log = get_logger()
router = APIRouter(tags=["inbox"])

RETRY_MILLISECONDS = 2000
"""How long browsers wait before they resume."""
SEND_SECONDS = 30.0
"""A reader that takes nothing for so long is gone."""


@router.get(
    "/v1/learners/{learner_id}/inbox/stream",
    response_class=EventSourceResponse,
    dependencies=[MAY_READ],
)
async def stream_inbox(
    learner_id: LearnerId,
    parts: Given,
    after: Annotated[str | None, Query(max_length=2048, description="`stream_after`")] = None,
    last_event_id: Annotated[str | None, Header(max_length=2048)] = None,
) -> EventSourceResponse:
    """Follow the inbox: each message once, as InboxMessage.

    Begins after `Last-Event-ID`, else after `after`, else now.
    """
    standing = parse(last_event_id or after or "") or await parts.inapp.standing(learner_id)
    return EventSourceResponse(
        _events(parts, learner_id, standing),
        ping=parts.settings.inbox_ping_seconds,
        send_timeout=SEND_SECONDS,
    )


async def _events(
    parts: Parts, learner_id: str, standing: Standing
) -> AsyncIterator[ServerSentEvent]:
    # No data, so no event to anybody, but the browser keeps the id: a stream that is cut before
    # its first message resumes from here.
    yield ServerSentEvent(id=standing.text(), retry=RETRY_MILLISECONDS)
    life = parts.settings.inbox_stream_seconds
    try:
        async for now, message in parts.inapp.follow(learner_id, standing, parts.tail, life):
            shown = InboxMessage.of(message).model_dump_json()
            yield ServerSentEvent(shown, id=now.text())
    except Transient as error:
        log.warning("inbox.stream_ended", reason=str(error))
