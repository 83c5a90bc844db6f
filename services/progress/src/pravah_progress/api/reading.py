"""Reads reports out of bodies: quickly where a body is plain, by the contract everywhere else.

`bodies.Report` alone says what a report is. Clients write nearly all in one plain way, which
msgspec reads in a fraction of the time and memory. What it is not sure of (another notation of a
number or a time, anything wrong) is None here, and the contract judges it, refusals included. So
there are two readers and one contract; test_reading.py holds them together.
"""

import json
import re
from datetime import datetime
from typing import Annotated, Any, Final, Literal

from msgspec import UNSET, DecodeError, Meta, Raw, Struct, UnsetType
from msgspec.json import Decoder
from pydantic import ValidationError

from pravah_progress.api.bodies import MOST_REPORTS, Report
from pravah_shared.events import Attempt, UnitUpdate
from pravah_shared.events.types import ID_PATTERN, LANGUAGE_PATTERN, MAX_SECONDS

# fullmatch: `$` alone stands before a last newline, too. Not msgspec's own constraint, which costs
# several times as much.
_is_id: Final = re.compile(ID_PATTERN).fullmatch
_is_language: Final = re.compile(LANGUAGE_PATTERN).fullmatch
_MARKS: Final = {20: "--T::Z", 24: "--T::."}
"""Every third character of a plain time from the fifth on, by its length."""
_MOST: Final = 1e300
"""Larger scores are for the contract: they border on infinity."""


class Update(Struct, gc=False):
    """A `UnitUpdate`, read."""

    unit_id: str
    status: Literal[1, 2]
    at: str
    """RFC 3339 in UTC, to the second or the millisecond: as events carry it."""
    spent_seconds: Annotated[int, Meta(ge=0, le=MAX_SECONDS)] = 0
    language: str | UnsetType | None = UNSET


class Submission(Struct, gc=False):
    """An `Attempt`, read."""

    unit_id: str
    attempt_id: str
    at: str
    score: Annotated[float, Meta(ge=0, le=_MOST)] | UnsetType | None = UNSET
    max_score: Annotated[float, Meta(gt=0, le=_MOST)] = 100.0


class Reported(Struct, gc=False):
    """A `Report`, read."""

    learner_id: str
    course_id: str
    run_id: str | UnsetType | None = UNSET
    device_id: str | UnsetType | None = UNSET
    updates: list[Update] = []
    attempts: list[Submission] = []

    @property
    def count(self) -> int:
        """Updates and attempts."""
        return len(self.updates) + len(self.attempts)


class _Batch(Struct):
    reports: Annotated[list[Raw], Meta(min_length=1, max_length=MOST_REPORTS)]


_REPORT: Final = Decoder(Reported)
_BATCH: Final = Decoder(_Batch)


def read(body: bytes | Raw) -> Reported | None:
    """Return the report of a body, None when it is for the contract to judge."""
    try:
        reported = _REPORT.decode(body)
    except (DecodeError, RecursionError):
        return None
    return reported if _holds(reported) else None


def read_batch(body: bytes) -> "list[Reported | ValidationError] | None":
    """Return each report of a batch, or what the contract has against it; None: not a batch."""
    try:
        raws = _BATCH.decode(body).reports
        return [read(raw) or by_contract(json.loads(bytes(raw))) for raw in raws]
    except (ValueError, RecursionError):  # of msgspec and of json: neither is the item's fault
        return None


def is_text(body: bytes) -> bool:
    """Whether a body is UTF-8 as a whole; msgspec does not look into what it passes over."""
    if body.isascii():
        return True
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True


def by_contract(given: Any) -> Reported | ValidationError:
    """Return what the contract makes of a report that is parsed already."""
    try:
        return of(Report.model_validate(given))
    except ValidationError as error:
        return error


def of(report: Report) -> Reported:
    """Return a report that the contract has read."""
    return Reported(
        report.learner_id,
        report.course_id,
        report.run_id or UNSET,
        report.device_id or UNSET,
        [_update(update) for update in report.updates],
        [_submission(attempt) for attempt in report.attempts],
    )


def time_text(moment: datetime) -> str:
    """Return a moment, whole milliseconds of UTC, as events carry it."""
    text = moment.replace(tzinfo=None).isoformat(timespec="milliseconds")
    return text.removesuffix(".000") + "Z"


def _update(update: UnitUpdate) -> Update:
    at, language = time_text(update.at), update.language or UNSET
    return Update(update.unit_id, update.status, at, update.spent_seconds, language)


def _submission(attempt: Attempt) -> Submission:
    at, score = time_text(attempt.at), UNSET if attempt.score is None else attempt.score
    return Submission(attempt.unit_id, attempt.attempt_id, at, score, attempt.max_score)


def _holds(reported: Reported) -> bool:
    """Whether what msgspec's types do not say holds, too."""
    run_id, device_id = reported.run_id, reported.device_id
    return bool(
        _is_id(reported.learner_id)
        and _is_id(reported.course_id)
        and (not isinstance(run_id, str) or _is_id(run_id))
        and (not isinstance(device_id, str) or _is_id(device_id))
        and (reported.updates or reported.attempts)
        and all(map(_is_update, reported.updates))
        and all(map(_is_submission, reported.attempts))
    )


def _is_update(update: Update) -> bool:
    language = update.language
    return bool(
        _is_id(update.unit_id)
        and _is_plain_time(update.at)
        and (not isinstance(language, str) or _is_language(language))
    )


def _is_submission(submission: Submission) -> bool:
    score = submission.score
    return bool(
        _is_id(submission.unit_id)
        and _is_id(submission.attempt_id)
        and _is_plain_time(submission.at)
        and (not isinstance(score, float) or score <= submission.max_score)
    )


def _is_plain_time(text: str) -> bool:
    """Whether events would carry this time in the same words, and there is such a time."""
    if text[4:20:3] != _MARKS.get(len(text)) or text[-1] != "Z":
        return False
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True
