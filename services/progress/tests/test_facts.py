"""The record of a report is the event that the contract would have written."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given

from pravah_progress.api import facts
from pravah_progress.api.bodies import Report
from pravah_progress.api.facts import Now, record_of
from pravah_progress.api.reading import read, time_text
from pravah_progress.model import SOURCE
from pravah_shared.codec import decode, encode
from pravah_shared.events import Attempt, Event, Progressed, UnitUpdate, derived_id, new_event
from pravah_shared.record import Record

from .bodies_made import PLAIN, bodies

NOW = datetime(2024, 10, 1, 9, 0, 0, 500_000, tzinfo=UTC)
TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def event_of(body: bytes, moment: datetime, trace: str | None = TRACE) -> Event[Progressed]:
    """Return the event of a body as a subscriber reads it."""
    reported = read(body)
    assert reported is not None
    written = record_of(reported, Now.at(moment), trace)
    headers = tuple(written.headers)
    return decode(Record(written.topic, 0, 0, written.key, written.value, headers))


def clamped(item: UnitUpdate | Attempt, now: datetime) -> UnitUpdate | Attempt:
    """Return the item as of `now`, should it lie in the future."""
    return item if item.at <= now else item.model_copy(update={"at": now})


@given(bodies(PLAIN))
def test_it_says_what_the_contract_says(body: bytes) -> None:
    """The same `Progressed`, in the same envelope, whether by the contract's classes or not."""
    event, report = event_of(body, NOW), Report.model_validate_json(body)
    expected = Progressed(
        report_id=event.data.report_id,
        learner_id=report.learner_id,
        course_id=report.course_id,
        run_id=report.run_id,
        device_id=report.device_id,
        updates=tuple(clamped(one, NOW) for one in report.updates),
        attempts=tuple(clamped(one, NOW) for one in report.attempts),
        received_at=NOW,
    )
    assert event.data == expected
    by_contract = new_event(expected, source=SOURCE, time=NOW, traceparent=TRACE)
    assert event._replace(position=None) == by_contract


def test_its_headers_are_those_of_the_codec() -> None:
    """By name and value; only their order is free."""
    reported = read(_body("2024-10-01T08:00:00Z"))
    assert reported is not None
    written = record_of(reported, Now.at(NOW), TRACE)
    read_back = decode(
        Record("progressed", 0, 0, written.key, written.value, tuple(written.headers))
    )
    ours, codecs = dict(written.headers), dict(encode(read_back).headers)
    # The codec writes fractions with six digits, which says the same.
    times = {datetime.fromisoformat(one.pop("ce_time").decode()) for one in (ours, codecs)}
    assert times == {NOW}
    assert ours == codecs
    assert written.key == b"asha"


def test_its_id_is_the_one_that_is_derived() -> None:
    """As for every event; it is only written faster."""
    for number in range(300):
        report_id = f"report-{number}"
        assert facts._event_id(report_id) == derived_id(Progressed.type, report_id)


def test_each_report_has_an_id_of_its_own() -> None:
    """Also when the same words are sent twice."""
    body = _body("2024-10-01T08:00:00Z")
    assert event_of(body, NOW).data.report_id != event_of(body, NOW).data.report_id


@pytest.mark.parametrize("microsecond", [0, 1_000, 500_999, 999_999])
@pytest.mark.parametrize("ahead_ms", [-1_500, -1, 0, 1, 999, 1_000, 86_400_000])
def test_what_lies_ahead_becomes_now(microsecond: int, ahead_ms: int) -> None:
    """To the millisecond, around a second's turn as well."""
    moment = datetime(2024, 12, 31, 23, 59, 59, microsecond, tzinfo=UTC)
    now = Now.at(moment)
    at = now.moment + timedelta(milliseconds=ahead_ms)
    (update,) = event_of(_body(time_text(at)), moment).data.updates
    assert update.at == min(at, now.moment)
    assert now.is_past(time_text(at)) == (ahead_ms <= 0)
    assert now.is_within(time_text(at), timedelta(seconds=1)) == (ahead_ms <= 1_000)


def _body(at: str) -> bytes:
    return (
        b'{"learner_id":"asha","course_id":"c","updates":[{"unit_id":"u","status":1,"at":"%s"}]}'
        % at.encode()
    )
