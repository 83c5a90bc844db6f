"""What progress knows: one document per learner and course, and the changes that build it.

A document, as rules see it:

```
learner_id, course_id
decided_version                 course version that this document is or is being decided by
bucket, stage                   of an enrolled learner: which bucket counts the document, and how
                                far any term has come: 1 enrolled, 2 started, 3 completed
mdos.<mdo_id>                   1: an enrollment of that MDO's is among the terms
done                            [unit_id] reported done or handed in, under any run
unstarted                       ["<run>|<term>"] enrollments whose start is not announced
incomplete                      ["<run>|<term>"] enrollments whose completion is not announced
facts.<run>                     as reported; run "_": reported without a run
  active.<day>                  {first, last, received}: any report but of content done
  content.<unit>                {opened, done.<day>: {first, last, received} of status 2,
                                 languages.<language>: {opened, done_at}, spent.<device>}
  submissions.<unit>.<attempt>.<at>_<received>   percent, or UNMARKED
enrollments.<run>.<term>        {enrollment_id, enrolled_at, course_version, ..., withdrawn_at}
announced.<run>.<term>          {started, completed, improved.<score key>}: each the event as
                                published, final
unpublished                     [{_id: event id, path, since}]: announced, not acknowledged
```

The store holds it flat: the path to a value, its keys joined, is one field (docs/adr/0013). To
parse and write fields within fields costs a store more than their bytes do, and each report makes
it do so.

All times are whole milliseconds since 1970 UTC: the store reads and writes them five times faster
than dates, and a key and a value compare alike. `received` is the earliest moment at which the
service took in a report of that day. Days are UTC, such as `2024-10-19`.

Every value but announcements only grows by union, maximum and minimum. That alone makes the
document the same for any order, duplication and split over workers. `done`, `unstarted` and
`incomplete` say nothing new; by them the store itself tells which documents may have something
to decide.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, NamedTuple, Self, TypeAlias
from zlib import crc32

from pravah_shared.events import Completed, Event, ScoreImproved, Started

Path: TypeAlias = str
"""Keys from a document's root, joined by SEPARATOR; a dot within an id stands as DOT."""
Document: TypeAlias = Mapping[str, Any]
Announcement: TypeAlias = Started | Completed | ScoreImproved
Milliseconds: TypeAlias = int

NO_RUN = "_"
"""Stands for "without a run" where a run id is a key. No identifier starts with it."""

NO_DEVICE = "_"
"""Stands for "device not named" where a device id is a key."""

UNMARKED = -1.0
"""Percent of a submission that is handed in and not marked: below every mark."""

SEPARATOR = "/"
"""Between the keys of a path. No identifier holds it."""

DOT = "%2E"
"""No identifier holds `%`, so a dot's escape cannot be mistaken. To a store a dot is a level."""

BUCKETS = 16
"""Parts in which a course's learners are counted: a mandatory course may have crores of them."""

STAGE_ENROLLED, STAGE_STARTED, STAGE_COMPLETED = 1, 2, 3

ANNOUNCED = "announced"
"""First key of the paths of announcements."""

STARTED, COMPLETED, IMPROVED = KINDS = ("started", "completed", "improved")
"""What a term may announce, in the order in which subscribers expect it."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SOURCE = "/pravah/progress"
"""CloudEvents source of all that progress publishes."""

_MILLISECOND = timedelta(milliseconds=1)
_DAY = 24 * 60 * 60 * 1000
_MOST_DAYS = 4096
"""Days whose keys are remembered: reports are of the last years, mostly of today."""


class DocumentKey(NamedTuple):
    """Which document: one per learner and course."""

    learner_id: str
    course_id: str

    def __str__(self) -> str:
        """Return the document's `_id`."""
        return f"{self.learner_id}|{self.course_id}"


def key_of(document: Document) -> DocumentKey:
    """Return which document this is."""
    return DocumentKey(document["learner_id"], document["course_id"])


class Bucket(NamedTuple):
    """A part of a course's learners that is counted together."""

    course_id: str
    number: int

    @classmethod
    def of(cls, key: DocumentKey) -> Self:
        """Return the bucket that counts a document; the same for ever."""
        return cls(key.course_id, crc32(key.learner_id.encode()) % BUCKETS)

    def __str__(self) -> str:
        """Return the `_id` of its counts."""
        return f"{self.course_id}|{self.number}"


class Marked(NamedTuple):
    """A bucket to be counted, and how many marks it had when that was decided."""

    bucket: Bucket
    marks: int


@dataclass(frozen=True, slots=True)
class CourseCounts:
    """Learners of a course: with an enrollment, withdrawn or not; of those started; completed.

    `settled`: nothing has changed since they were counted.
    """

    course_id: str
    enrolled: int
    started: int
    completed: int
    settled: bool


@dataclass(slots=True)
class Change:
    """What a batch adds to one document: raise these paths, lower those, add to these lists.

    Safe to apply in any order, any number of times, from any number of workers. `content_only`:
    it holds updates of content units and nothing else. Filled by `merge`, then left alone: there
    is one for nearly every event, and a frozen one costs twice as much to make.
    """

    key: DocumentKey
    maxima: dict[Path, Any] = field(default_factory=dict)
    minima: dict[Path, Any] = field(default_factory=dict)
    done: list[str] = field(default_factory=list)
    unstarted: list[str] = field(default_factory=list)
    content_only: bool = True


@dataclass(frozen=True, slots=True)
class Pruning:
    """What a document need not hold any more.

    `dominated`: submissions, with the values they had when that was seen. `started`: entries of
    `unstarted` whose start is announced; `completed`: entries of `incomplete` likewise.
    """

    key: DocumentKey
    dominated: Mapping[Path, float] = field(default_factory=dict)
    started: tuple[str, ...] = ()
    completed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Kept:
    """An announcement as the store keeps it: the event to publish, unchanged on every repeat."""

    key: DocumentKey
    event: Event[Announcement]

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys under which the document holds it."""
        return announced_keys(self.event.data)


def announced_keys(announcement: Announcement) -> tuple[str, ...]:
    """Return the place of an announcement in its document: one per term and kind, or score."""
    term = (ANNOUNCED, announcement.run_id or NO_RUN, str(announcement.term))
    if isinstance(announcement, ScoreImproved):
        return (*term, IMPROVED, str(score_key(announcement.score_percent)))
    return (*term, COMPLETED if isinstance(announcement, Completed) else STARTED)


def stage_of(announcement: Announcement) -> int:
    """Return how far a learner who announces this has come."""
    return STAGE_STARTED if isinstance(announcement, Started) else STAGE_COMPLETED


def announced_order(keys: Sequence[str]) -> tuple[Sequence[str], int, int]:
    """Return what sorts places of announcements by term, kind and score."""
    return keys[1:3], KINDS.index(keys[3]), int(keys[4]) if keys[3] == IMPROVED else 0


def score_key(percent: float) -> int:
    """Return a score in millionths of a percent: scores have no more digits, keys have no dots."""
    return round(percent * 1_000_000)


def path_of(keys: Iterable[str]) -> Path:
    """Return the path that leads by these keys."""
    return SEPARATOR.join([key.replace(".", DOT) for key in keys])


def term_name(run_id: str | None, term: int) -> str:
    """Return a term's entry in `unstarted` and `incomplete`."""
    return f"{run_id or NO_RUN}|{term}"


def as_milliseconds(moment: datetime) -> Milliseconds:
    """Return `moment` as documents hold it."""
    return (moment - _EPOCH) // _MILLISECOND


def from_milliseconds(milliseconds: Milliseconds) -> datetime:
    """Return the moment, in UTC, that a document holds."""
    return _EPOCH + milliseconds * _MILLISECOND


def day_of(milliseconds: Milliseconds) -> str:
    """Return the UTC day of a moment as a key, for example `2024-10-19`."""
    return _day(milliseconds // _DAY)


@lru_cache(_MOST_DAYS)
def _day(number: int) -> str:
    return (_EPOCH + timedelta(days=number)).date().isoformat()
