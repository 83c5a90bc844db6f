"""What the notification service speaks about: occasions, ledger entries, results of sending."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

Channel = Literal["email", "inapp"]
Workflow = Literal["enrolled", "certified"]
Missing = Literal["person", "course"]
State = Literal["waiting", "pending", "leased", "retrying", "sent", "suppressed", "dead"]


@dataclass(frozen=True, slots=True)
class Occasion:
    """The facts of an event that learners hear about. Nothing in here names a person.

    `at` is the business time; `accepted_at` when a service first accepted the event.
    """

    event_id: str
    workflow: Workflow
    learner_id: str
    course_id: str
    run_id: str | None
    at: datetime
    accepted_at: datetime
    traceparent: str | None = None
    certificate_id: str | None = None
    verify_url: str | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """One message of the ledger: an occasion, told on one channel to one recipient.

    `due_at` is when a dispatcher may take it (for a lease: when that ends); None once settled.
    `attempts` counts tries that reached the channel, `deferrals` those it answered "later".
    """

    occasion: Occasion
    channel: Channel
    recipient: str
    generation: int = 1
    state: State = "waiting"
    missing: tuple[Missing, ...] = ()
    reason: str | None = None
    attempts: int = 0
    deferrals: int = 0
    due_at: datetime | None = None
    visible_at: datetime | None = None
    read_at: datetime | None = None

    @property
    def id(self) -> str:
        """Ledger id: the same for every repeat of the event, whoever handles it."""
        return entry_id(self.occasion.event_id, self.channel, self.recipient, self.generation)


def entry_id(event_id: str, channel: Channel, recipient: str, generation: int = 1) -> str:
    """Return the ledger's `_id`. No part can hold `|`, so two entries never share one."""
    return f"{event_id}|{channel}|{recipient}|{generation}"


@dataclass(frozen=True, slots=True)
class StoredPerson:
    """A learner as received. `ciphertext` opens with the learner's key; None once erased."""

    learner_id: str
    version: int = 0
    ciphertext: str | None = None
    mdo_id: str | None = None

    @property
    def erased(self) -> bool:
        """Whether the learner asked to be forgotten. Final: an erased id never comes back."""
        return self.ciphertext is None


@dataclass(frozen=True, slots=True)
class StoredCourse:
    """What messages say about a course, by its newest version."""

    course_id: str
    version: int
    title: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Known:
    """What the store knows of the people and courses that a set of entries needs."""

    people: AbstractSet[str] = frozenset()
    erased: AbstractSet[str] = frozenset()
    courses: AbstractSet[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Delivered:
    """The channel took responsibility for the message."""


@dataclass(frozen=True, slots=True)
class Deferred:
    """The channel answered "later" about this message."""

    reason: str


@dataclass(frozen=True, slots=True)
class Interrupted:
    """The connection failed in the middle: the message may have been taken, or not."""

    reason: str


@dataclass(frozen=True, slots=True)
class Refused:
    """The channel will never take this message."""

    reason: str


@dataclass(frozen=True, slots=True)
class Suppressed:
    """We decided not to send it."""

    reason: str


@dataclass(frozen=True, slots=True)
class Unsent:
    """Not tried: the lease was about to end, or we are stopping."""


@dataclass(frozen=True, slots=True)
class ChannelDown:
    """Not tried: the channel as a whole does not work. Says nothing about the message."""

    reason: str


Result = Delivered | Deferred | Interrupted | Refused | Suppressed | Unsent | ChannelDown
"""What came of trying to send one message."""


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """When to try again. The defaults give a deferred mail about 60 hours."""

    first_seconds: float = 30
    most_seconds: float = 3600
    most_deferrals: int = 64
