"""What passes between the dispatcher's tasks."""

from dataclasses import dataclass
from datetime import datetime

from pravah_notification.channels.mime import Mail
from pravah_notification.model import Entry, Result


@dataclass(frozen=True, slots=True)
class Lease:
    """What this dispatcher owns for a time. `token` is unique to the batch."""

    token: str
    until: datetime


@dataclass(frozen=True, slots=True)
class Job:
    """A mail to send under a lease."""

    entry: Entry
    lease: Lease
    mail: Mail


@dataclass(frozen=True, slots=True)
class Done:
    """What came of an entry, to be marked."""

    entry: Entry
    lease: Lease
    result: Result
