"""A learner's inbox."""

from typing import Annotated

from fastapi import APIRouter, Path

from pravah_notification.api.models import AllRead, InboxMessage, InboxPage, ReadMark
from pravah_notification.api.parts import Given
from pravah_notification.channels.inapp import Message, entry_id_of
from pravah_notification.store import Place
from pravah_shared.events.types import LearnerId
from pravah_shared.http.identity import allow
from pravah_shared.http.paging import Key, Page, moment_key
from pravah_shared.http.problems import Problem

router = APIRouter(tags=["inbox"])

MAY_READ = allow("learner", "operator", "system", scopes=["learners:read"])
MAY_MARK = allow("learner", "operator")
MessageId = Annotated[str, Path(max_length=128)]


@router.get("/v1/learners/{learner_id}/inbox", dependencies=[MAY_READ])
async def read_inbox(learner_id: LearnerId, page: Page, parts: Given) -> InboxPage:
    """List messages, newest first."""
    # Before the messages are read: one that comes in between stands in both, not in neither.
    standing = await parts.inapp.standing(learner_id) if page.after is None else None
    place = Place(*page.after_moment) if page.after_moment else None
    entries = await parts.inbox.page(learner_id, place, page.fetch)
    reader = await parts.inapp.reader(learner_id)
    shown = page.page(await parts.inapp.write(entries, reader), _key)
    return InboxPage(
        items=[InboxMessage.of(message) for message in shown["items"]],
        next_cursor=shown["next_cursor"],
        unread=await parts.inbox.unread(learner_id),
        stream_after=standing.text() if standing else None,
    )


@router.post("/v1/learners/{learner_id}/inbox/{message_id}/read", dependencies=[MAY_MARK])
async def mark_read(learner_id: LearnerId, message_id: MessageId, parts: Given) -> ReadMark:
    """Mark a message read. Repeats change nothing: the first time stands."""
    entry = await parts.inbox.read(learner_id, entry_id_of(learner_id, message_id), parts.clock())
    if entry is None or entry.read_at is None:
        raise Problem(404, "No such message", "This inbox holds no message of that id")
    unread = await parts.inbox.unread(learner_id)
    return ReadMark(message_id=message_id, read_at=entry.read_at, unread=unread)


@router.post("/v1/learners/{learner_id}/inbox/read-all", dependencies=[MAY_MARK])
async def mark_all_read(learner_id: LearnerId, parts: Given) -> AllRead:
    """Mark all messages read that are there now."""
    marked = await parts.inbox.read_all(learner_id, parts.clock())
    return AllRead(marked=marked, unread=await parts.inbox.unread(learner_id))


def _key(message: Message) -> Key:
    assert message.entry.visible_at is not None
    return moment_key(message.entry.visible_at, message.entry.id)
