"""The in-app inbox: messages are written in the reader's language when they are read."""

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from pravah_notification.channels.resume import Standing, standing_at
from pravah_notification.channels.tail import Tail
from pravah_notification.model import Entry
from pravah_notification.store import Directory, Inbox
from pravah_notification.templates import InboxText, Renderer
from pravah_notification.templates.render import Reader
from pravah_shared.keys import KeyStore, open_person


@dataclass(frozen=True, slots=True)
class Message:
    """An inbox message as its learner reads it."""

    entry: Entry
    words: InboxText

    @property
    def id(self) -> str:
        """What the API calls it: unique over all learners."""
        return message_id(self.entry)


def message_id(entry: Entry) -> str:
    """Return the API's id of an inbox entry."""
    return f"{entry.occasion.event_id}.{entry.generation}"


def entry_id_of(learner_id: str, message: str) -> str:
    """Return the ledger id that a message id of this learner stands for, if there is one."""
    event_id, _, generation = message.rpartition(".")
    return f"{event_id}|inapp|{learner_id}|{generation}"


class InAppChannel:
    """Reads inboxes, and follows them."""

    def __init__(
        self,
        inbox: Inbox,
        directory: Directory,
        keys: KeyStore,
        renderer: Renderer,
        clock: Callable[[], datetime],
    ) -> None:
        self._inbox = inbox
        self._directory = directory
        self._keys = keys
        self._renderer = renderer
        self._clock = clock

    async def reader(self, learner_id: str) -> Reader:
        """Return how a learner reads; the defaults for one who is unknown or erased."""
        person = (await self._directory.people([learner_id])).get(learner_id)
        key = (await self._keys.get_many([learner_id])).get(learner_id)
        if person is None or person.ciphertext is None or key is None:
            return Reader()
        opened = open_person(key, person.ciphertext)
        return Reader(opened.language, opened.time_zone)

    async def write(self, entries: Sequence[Entry], reader: Reader) -> list[Message]:
        """Write messages in the reader's language, in order."""
        courses = await self._directory.courses({entry.occasion.course_id for entry in entries})
        return [
            Message(
                entry,
                self._renderer.inbox(
                    entry.occasion, courses[entry.occasion.course_id].title, reader
                ),
            )
            for entry in entries
        ]

    async def standing(self, learner_id: str) -> Standing:
        """Return where a stream stands that begins after what a reader sees now."""
        fresh = Standing(self._clock())
        return standing_at(fresh.newest, await self._inbox.since([learner_id], fresh.look_from))

    async def follow(
        self, learner_id: str, standing: Standing, tail: Tail, seconds: float
    ) -> AsyncIterator[tuple[Standing, Message]]:
        """Yield each message once that `standing` has not given: first from the store, then live.

        Ends when the reader is too far behind, or after `seconds`. Raises Transient when a
        dependency is away.
        """
        reader = await self.reader(learner_id)
        with tail.subscription(learner_id) as subscription:
            missed = await self._inbox.since([learner_id], standing.look_from)
            for message in await self.write(missed, reader):
                if not standing.has_given(message.entry):
                    standing = standing.giving(message.entry)
                    yield standing, message
            async for entry in subscription.messages(seconds):
                if not standing.has_given(entry):
                    standing = standing.giving(entry)
                    (message,) = await self.write([entry], reader)
                    yield standing, message
