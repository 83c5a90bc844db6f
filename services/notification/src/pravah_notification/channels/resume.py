"""Where a live inbox stream stands: the SSE event id, from which any process can go on.

Messages become visible in nearly, not exactly, the order of their times: a writer takes the time,
then writes, and two writers may overtake each other. So a stream looks back OVERLAP behind its
newest message each time, and its id carries which of those it has given: nothing is missed, and
nothing is given twice.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import blake2s

from pravah_notification.model import Entry

OVERLAP = timedelta(seconds=30)
"""More than the store's deadline (10 s) and its retries: a write that took longer has failed."""
MOST_GIVEN = 64
"""Messages within the overlap that an id can carry; more, and the oldest may be given again."""


@dataclass(frozen=True, slots=True)
class Standing:
    """`newest` is the newest time given; `given` marks the messages given in its overlap."""

    newest: datetime
    given: tuple[tuple[datetime, str], ...] = ()

    @property
    def look_from(self) -> datetime:
        """The time from which messages may not have been given yet."""
        return self.newest - OVERLAP

    def has_given(self, entry: Entry) -> bool:
        """Whether a message was given, or is older than this stream."""
        at = _visible(entry)
        return at < self.look_from or any(mark == _mark(entry) for _, mark in self.given)

    def giving(self, entry: Entry) -> "Standing":
        """Return where the stream stands once it has given `entry`."""
        newest = max(self.newest, _visible(entry))
        given = (*self.given, (_visible(entry), _mark(entry)))
        kept = tuple(one for one in given if one[0] >= newest - OVERLAP)
        return Standing(newest, kept[-MOST_GIVEN:])

    def text(self) -> str:
        """Return the event id."""
        marks = (f"{_milliseconds(self.newest - at)}.{mark}" for at, mark in self.given)
        return "-".join((str(_milliseconds(self.newest - _EPOCH)), *marks))


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def standing_at(now: datetime, given: Iterable[Entry]) -> Standing:
    """Return where a stream stands that begins now; `given` are the messages seen otherwise."""
    standing = Standing(now)
    for entry in given:
        standing = standing.giving(entry)
    return standing


def parse(text: str) -> Standing | None:
    """Return what an event id stands for; None when it is none of ours."""
    newest_text, *marks = text.split("-")
    try:
        newest = _EPOCH + timedelta(milliseconds=int(newest_text))
        given = []
        for one in marks[:MOST_GIVEN]:
            ago, _, mark = one.partition(".")
            given.append((newest - timedelta(milliseconds=int(ago)), mark))
    except (ValueError, OverflowError):
        return None
    return Standing(newest, tuple(given))


def _visible(entry: Entry) -> datetime:
    assert entry.visible_at is not None, f"{entry.id} is in no inbox"
    return entry.visible_at


def _mark(entry: Entry) -> str:
    return blake2s(entry.id.encode(), digest_size=4).hexdigest()


def _milliseconds(span: timedelta) -> int:
    return round(span / timedelta(milliseconds=1))
