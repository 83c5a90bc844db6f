"""What progress knows: one document per learner and course, and the changes that build it.

A document, as rules see it (the store escapes what its paths cannot hold):

```
learner_id, course_id
decided_version                 course version that this document is or is being decided by
mdos.<mdo_id>                   1: an enrollment of that MDO's is among the terms
facts.<run>                     as reported; run "_": reported without a run
  active.<day>                  {first, last}: any report
  content.<unit>                {status, first_at, done.<day>: {first, last} of status 2,
                                 languages.<language>: {status, completed_at}, spent.<device>}
  submissions.<unit>.<attempt>.<milliseconds>   percent, or UNMARKED
enrollments.<run>.<term>        {enrollment_id, enrolled_at, course_version, ..., withdrawn_at}
announced.<run>.<term>          {started, completed}: each the event as published, final
unpublished                     [{_id: event id, since}]: announced, not acknowledged by Kafka
```

Every value above `announced` only grows by union, maximum and minimum. That alone makes the
document the same for any order, duplication and split over workers.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple, TypeAlias

from pravah_shared.events import Completed, Event, Started

Path: TypeAlias = tuple[str, ...]
Document: TypeAlias = Mapping[str, Any]
Announcement: TypeAlias = Started | Completed

NO_RUN = "_"
"""Stands for "without a run" where a run id is a key. No identifier starts with it."""

NO_DEVICE = "_"
"""Stands for "device not named" where a device id is a key."""

UNMARKED = -1.0
"""Percent of a submission that is handed in and not marked: below every mark."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


class DocumentKey(NamedTuple):
    """Which document: one per learner and course."""

    learner_id: str
    course_id: str

    def __str__(self) -> str:
        """Return the document's `_id`."""
        return f"{self.learner_id}|{self.course_id}"


@dataclass(frozen=True, slots=True)
class Change:
    """What a batch adds to one document: raise these paths, lower those.

    Safe to apply in any order, any number of times, from any number of workers.
    """

    key: DocumentKey
    maxima: Mapping[Path, Any] = field(default_factory=dict)
    minima: Mapping[Path, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Pruning:
    """Submissions that decide nothing any more, with the values they had when that was seen."""

    key: DocumentKey
    dominated: Mapping[Path, float]


@dataclass(frozen=True, slots=True)
class Kept:
    """An announcement as the store keeps it: the event to publish, unchanged on every repeat."""

    key: DocumentKey
    event: Event[Announcement]

    @property
    def path(self) -> Path:
        """Where the document holds it."""
        return announced_path(self.event.data)


def announced_path(announcement: Announcement) -> Path:
    """Return the place of an announcement in its document: one per term and kind."""
    kind = "completed" if isinstance(announcement, Completed) else "started"
    return ("announced", announcement.run_id or NO_RUN, str(announcement.term), kind)


def as_milliseconds(moment: datetime) -> str:
    """Return `moment` as a key: milliseconds since 1970."""
    return str((moment - _EPOCH) // _MILLISECOND)


def from_milliseconds(key: str) -> datetime:
    """Return the moment of a key made by `as_milliseconds`."""
    return _EPOCH + int(key) * _MILLISECOND


def as_day(moment: datetime) -> str:
    """Return the UTC day of `moment` as a key, for example `2024-10-19`."""
    return moment.astimezone(UTC).date().isoformat()
