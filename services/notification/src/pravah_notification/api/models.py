"""The shapes of answers."""

from datetime import datetime
from typing import Self

from pydantic import BaseModel, ConfigDict, Field

from pravah_notification.channels.inapp import Message
from pravah_notification.model import Channel, Entry, Missing, State, Workflow


class Answer(BaseModel):
    """An answer's part."""

    model_config = ConfigDict(frozen=True)


class InboxMessage(Answer):
    """A message as its learner reads it: plain text in their language."""

    message_id: str
    workflow: Workflow
    course_id: str
    run_id: str | None
    title: str
    body: str
    link: str | None
    link_text: str | None
    language: str
    at: datetime
    read_at: datetime | None

    @classmethod
    def of(cls, message: Message) -> Self:
        """Return the message as the API shows it."""
        entry, words = message.entry, message.words
        assert entry.visible_at is not None, f"{entry.id} is in no inbox"
        return cls(
            message_id=message.id,
            workflow=entry.occasion.workflow,
            course_id=entry.occasion.course_id,
            run_id=entry.occasion.run_id,
            title=words.title,
            body=words.body,
            link=words.link,
            link_text=words.link_text,
            language=words.locale,
            at=entry.visible_at,
            read_at=entry.read_at,
        )


class InboxPage(Answer):
    """Messages, newest first."""

    items: list[InboxMessage]
    next_cursor: str | None
    unread: int = Field(description="Of all messages of the learner")
    stream_after: str | None = Field(
        description="On the first page: where `/inbox/stream?after=` goes on without a gap"
    )


class ReadMark(Answer):
    """A message that is read."""

    message_id: str
    read_at: datetime
    unread: int


class AllRead(Answer):
    """What `read-all` did."""

    marked: int
    unread: int


class Delivery(Answer):
    """A ledger entry, as operators see it. Holds no personal data."""

    entry_id: str
    event_id: str
    workflow: Workflow
    learner_id: str
    course_id: str
    run_id: str | None
    channel: Channel
    generation: int
    state: State
    reason: str | None = Field(description="Why it waits, is tried again, or was not sent")
    attempts: int
    accepted_at: datetime
    due_at: datetime | None
    read_at: datetime | None

    @classmethod
    def of(cls, entry: Entry) -> Self:
        """Return the entry as the API shows it."""
        return cls(
            entry_id=entry.id,
            event_id=entry.occasion.event_id,
            workflow=entry.occasion.workflow,
            learner_id=entry.occasion.learner_id,
            course_id=entry.occasion.course_id,
            run_id=entry.occasion.run_id,
            channel=entry.channel,
            generation=entry.generation,
            state=entry.state,
            reason=", ".join(entry.missing) or entry.reason,
            attempts=entry.attempts,
            accepted_at=entry.occasion.accepted_at,
            due_at=entry.due_at,
            read_at=entry.read_at,
        )


class DeliveryPage(Answer):
    """Ledger entries, in the order of their ids."""

    items: list[Delivery]
    next_cursor: str | None


class Trace(Answer):
    """What this service knows of a learner and a course."""

    service: str = "notification"
    learner_id: str
    course_id: str
    person_known: bool
    person_erased: bool
    course_version: int | None
    messages: list[Delivery]
    missing: list[Missing] = Field(description="What the waiting messages wait for")
