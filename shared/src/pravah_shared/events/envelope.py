"""What every event is, apart from its data: CloudEvents 1.0 attributes and its place in the log."""

import uuid
from datetime import datetime
from typing import ClassVar, Generic, NamedTuple, TypeVar

from pravah_shared.events.types import Model

NAMESPACE = uuid.UUID("6f0a2f3c-6d5e-5b58-9d0c-7072617661a8")
"""Fixed for ever: event ids are derived from it, and a change would make every repeat look new."""


class EventData(Model):
    """Data of one event type. Subclasses state the contract; nothing else is on the wire."""

    type: ClassVar[str]
    topic: ClassVar[str]
    """Topic without the deployment's prefix."""

    @property
    def subject(self) -> str:
        """The learner or course this is about: CloudEvents subject and Kafka record key."""
        raise NotImplementedError(type(self))  # pragma: no cover - every subclass defines it

    @property
    def identity(self) -> tuple[str, ...]:
        """The fields that make two events the same one. Repeats get the same event id."""
        raise NotImplementedError(type(self))  # pragma: no cover - every subclass defines it


D = TypeVar("D", bound=EventData)
D_co = TypeVar("D_co", bound=EventData, covariant=True)


class Position(NamedTuple):
    """Where a record stands in Kafka."""

    topic: str
    partition: int
    offset: int


class Event(NamedTuple, Generic[D_co]):
    """A past fact with its envelope.

    `time` is when a service first accepted it (UTC); business times are in `data`.
    `position` is set on events that were read from or written to Kafka.
    """

    id: str
    source: str
    time: datetime
    data: D_co
    traceparent: str | None = None
    position: Position | None = None

    @property
    def type(self) -> str:
        """CloudEvents type, for example `org.pravah.learning.enrolled.v1`."""
        return self.data.type

    @property
    def subject(self) -> str:
        """Learner or course id; also the record key."""
        return self.data.subject


def derived_id(event_type: str, *identity: str) -> str:
    """Return the id that every repeat of the same fact gets (uuid5)."""
    return str(uuid.uuid5(NAMESPACE, "|".join((event_type, *identity))))


def new_event(data: D, *, source: str, time: datetime, traceparent: str | None = None) -> Event[D]:
    """Wrap `data` for publication by `source` (for example `/pravah/progress`)."""
    return Event(derived_id(data.type, *data.identity), source, time, data, traceparent)
