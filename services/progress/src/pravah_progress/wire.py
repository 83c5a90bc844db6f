"""`progressed` as the stream reads it: the hottest bytes of the platform, by msgspec.

`pravah_shared.events.Progressed` alone says what is valid. Ingest writes it in one plain way, which
is read here in a fraction of the time; whatever is not sure to be valid is None, and the contract
judges it. So there are two readers and one contract; tests/test_wire.py holds them together.
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, ClassVar, Final, Literal

from msgspec import DecodeError, Meta, Struct
from msgspec.json import Decoder

from pravah_shared.codec import Reader
from pravah_shared.events import Progressed
from pravah_shared.events.progress import percent_of
from pravah_shared.events.types import ID_PATTERN, LANGUAGE_PATTERN, MAX_SECONDS

# fullmatch: `$` alone stands before a last newline, too, which pydantic's does not.
_is_new_id: Final = re.compile(ID_PATTERN).fullmatch
_is_new_language: Final = re.compile(LANGUAGE_PATTERN).fullmatch

MOST_KNOWN: Final = 50_000
"""Ids that were seen to be valid: courses, units, devices and languages come again and again."""

Time = Annotated[datetime, Meta(tz=True)]
Score = Annotated[float, Meta(ge=0)]


class Update(Struct, frozen=True, gc=False):
    """A `UnitUpdate`."""

    unit_id: str
    status: Literal[1, 2]
    at: Time
    spent_seconds: Annotated[int, Meta(ge=0, le=MAX_SECONDS)] = 0
    language: str | None = None


class Submission(Struct, frozen=True, gc=False):
    """An `Attempt`."""

    unit_id: str
    attempt_id: str
    at: Time
    score: Score | None = None
    max_score: Annotated[float, Meta(gt=0)] = 100

    @property
    def percent(self) -> float | None:
        """Score as percent 0-100, or None when not marked."""
        return percent_of(self.score, self.max_score)


class Report(Struct, frozen=True, gc=False):
    """A `Progressed`."""

    type: ClassVar[str] = Progressed.type
    topic: ClassVar[str] = Progressed.topic

    report_id: str
    learner_id: str
    course_id: str
    received_at: Time
    run_id: str | None = None
    device_id: str | None = None
    updates: tuple[Update, ...] = ()
    attempts: tuple[Submission, ...] = ()

    @property
    def subject(self) -> str:
        """The learner."""
        return self.learner_id


_REPORT: Final = Decoder(Report)
_ids: set[str | None] = {None}
_languages: set[str | None] = {None}


def read(value: bytes) -> Report | None:
    """Return the report, None when it is for the contract to judge."""
    try:
        report = _REPORT.decode(value)
        value.decode()  # msgspec does not look into what it passes over
    except (DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return report if _holds(report) else None


READERS: Final[dict[str, Reader]] = {Progressed.type: read}


def _holds(report: Report) -> bool:
    """Whether what types do not say holds, too."""
    if not (
        _is_new_id(report.report_id)
        and _is_new_id(report.learner_id)
        and _is_id(report.course_id)
        and _is_id(report.run_id)
        and _is_id(report.device_id)
        and _is_whole(report.received_at)
    ):
        return False
    for update in report.updates:
        if not (
            _is_id(update.unit_id)
            and (
                update.language in _languages
                or _learn(_is_new_language, update.language, _languages)
            )
            and _is_whole(update.at)
        ):
            return False
    return all(map(_is_attempt, report.attempts))


def _is_attempt(attempt: Submission) -> bool:
    return (
        _is_id(attempt.unit_id)
        and _is_new_id(attempt.attempt_id) is not None
        and _is_whole(attempt.at)
        and (attempt.score is None or attempt.score <= attempt.max_score < float("inf"))
    )


def _is_whole(moment: datetime) -> bool:
    """Whether the contract would keep the moment as it is: UTC, whole milliseconds."""
    return moment.tzinfo is UTC and not moment.microsecond % 1000


def _is_id(text: str | None) -> bool:
    return text in _ids or _learn(_is_new_id, text, _ids)


def _learn(
    matches: Callable[[str], re.Match[str] | None], text: str | None, known: set[str | None]
) -> bool:
    if text is None or not matches(text):
        return False
    if len(known) >= MOST_KNOWN:
        known.clear()
        known.add(None)
    known.add(text)
    return True
