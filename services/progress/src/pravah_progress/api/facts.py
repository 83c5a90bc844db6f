"""Turns an accepted report into the record that Kafka keeps: `Progressed`, written once.

The same event as `new_event(Progressed(…))` through `pravah_shared.codec.encode`, without building
either: a report is read, judged and written as one struct. test_facts.py holds the two together.
"""

import os
from datetime import datetime, timedelta
from functools import lru_cache
from hashlib import sha1
from typing import Final, NamedTuple

from msgspec import Struct, UnsetType
from msgspec.json import Encoder

from pravah_progress.api.reading import Reported, Submission, Update
from pravah_progress.model import SOURCE
from pravah_shared.codec import SCHEMA_BASE, Encoded
from pravah_shared.events import Progressed
from pravah_shared.events.envelope import NAMESPACE

_SPEC: Final = ("ce_specversion", b"1.0")
_SOURCE: Final = ("ce_source", SOURCE.encode())
_TYPE: Final = ("ce_type", Progressed.type.encode())
_SCHEMA: Final = ("ce_dataschema", (SCHEMA_BASE + Progressed.type).encode())
_JSON: Final = ("content-type", b"application/json")
_NAMED: Final = sha1(NAMESPACE.bytes + f"{Progressed.type}|".encode(), usedforsecurity=False)
_encode: Final = Encoder().encode


class _Fact(Struct):
    """The data of a `Progressed`, in its order."""

    report_id: str
    learner_id: str
    course_id: str
    run_id: str | UnsetType | None
    device_id: str | UnsetType | None
    updates: list[Update]
    attempts: list[Submission]
    received_at: str


class Now(NamedTuple):
    """The moment at which reports are judged, in the forms that judging needs.

    A plain time sorts by its text to the second, so most are compared without being read.
    """

    moment: datetime
    text: str
    second: str

    @classmethod
    def at(cls, moment: datetime) -> "Now":
        """Return the forms of a moment of UTC, cut to milliseconds."""
        return _now(moment.isoformat(timespec="milliseconds")[:23])

    def is_past(self, time: str) -> bool:
        """Whether a plain time is not later."""
        return time[:19] < self.second or datetime.fromisoformat(time) <= self.moment

    def is_within(self, time: str, ahead: timedelta) -> bool:
        """Whether a plain time is at most so far ahead."""
        return self.is_past(time) or datetime.fromisoformat(time) <= self.moment + ahead


@lru_cache(maxsize=1)
def _now(text: str) -> Now:
    """Return the forms of a whole millisecond; several requests come within one."""
    return Now(datetime.fromisoformat(text + "Z"), text + "Z", text[:19])


def record_of(reported: Reported, now: Now, traceparent: str | None) -> Encoded:
    """Return the record of a report. Future times become `now`: nothing has happened later."""
    report_id = os.urandom(16).hex()
    key = reported.learner_id.encode()
    headers = [
        _SPEC,
        ("ce_id", _event_id(report_id).encode()),
        _SOURCE,
        _TYPE,
        ("ce_subject", key),
        ("ce_time", now.text.encode()),
        _SCHEMA,
        _JSON,
    ]
    if traceparent is not None:
        headers.append(("traceparent", traceparent.encode()))
    return Encoded(Progressed.topic, key, _value(reported, report_id, now), headers)


def _event_id(report_id: str) -> str:
    """Return `derived_id(Progressed.type, report_id)` in a third of the time (RFC 9562, UUIDv5)."""
    named = _NAMED.copy()
    named.update(report_id.encode())
    digits = named.hexdigest()
    variant = "89ab"[int(digits[16], 16) & 3]
    head = f"{digits[:8]}-{digits[8:12]}-5{digits[13:16]}"
    return f"{head}-{variant}{digits[17:20]}-{digits[20:32]}"


def _value(reported: Reported, report_id: str, now: Now) -> bytes:
    for update in reported.updates:
        if not now.is_past(update.at):
            update.at = now.text
    for submission in reported.attempts:
        if not now.is_past(submission.at):
            submission.at = now.text
    fact = _Fact(
        report_id,
        reported.learner_id,
        reported.course_id,
        reported.run_id,
        reported.device_id,
        reported.updates,
        reported.attempts,
        now.text,
    )
    return _encode(fact)
