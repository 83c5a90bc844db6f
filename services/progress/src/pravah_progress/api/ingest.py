"""Take reports in: judge each by itself, publish the good ones together, answer after acks=all."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol

from pravah_progress.api.answers import broker_away
from pravah_progress.api.facts import Now, record_of
from pravah_progress.api.judging import is_doubtful, judge
from pravah_progress.api.known import Known, KnownCourses
from pravah_progress.api.pacing import Pacer
from pravah_progress.api.pulse import Meter
from pravah_progress.api.reading import Reported
from pravah_progress.api.waiting import Token
from pravah_shared.codec import Encoded
from pravah_shared.errors import BrokerUnavailable
from pravah_shared.events import Position
from pravah_shared.http.principal import Principal
from pravah_shared.http.problems import Problem
from pravah_shared.kafka.table import MAX_MESSAGE_BYTES
from pravah_shared.telemetry.traces import current_traceparent

LARGEST_VALUE: Final = MAX_MESSAGE_BYTES - 4 * 1024
"""Of one report as an event: key and headers of the record take less than the rest."""


class Publisher(Protocol):
    """Publishes records; `pravah_shared.kafka.gathering.Gathering` is the real one."""

    async def publish_records(self, records: Sequence[Encoded]) -> list[Position]:
        """Return where each record stands, once Kafka has them on all in-sync replicas."""
        ...


@dataclass(frozen=True, slots=True)
class Ingest:
    """Judges and publishes reports."""

    publisher: Publisher
    courses: KnownCourses
    clock: Callable[[], datetime]
    pacer: Pacer
    meter: Meter

    async def take(
        self, principal: Principal, reports: Sequence[Reported | Problem]
    ) -> list[Token | Problem]:
        """Return for each report its token, or why it was not taken; one does not touch another.

        When this returns, every report with a token is in Kafka on all in-sync replicas.

        Raises:
            Problem: 503, Kafka did not confirm: sending all of them again, later, is safe.
        """
        owned = [_owned(principal, report) for report in reports]
        courses = await self._courses_of([one for one in owned if isinstance(one, Reported)])
        now, traceparent = Now.at(self.clock()), current_traceparent()
        judged = [
            report if isinstance(report, Problem) else _record(report, now, courses, traceparent)
            for report in owned
        ]
        records = [one for one in judged if isinstance(one, Encoded)]
        positions = iter(await self._publish(records))
        return [one if isinstance(one, Problem) else Token.of(next(positions)) for one in judged]

    async def take_one(self, principal: Principal, report: Reported) -> Position:
        """Return where a report stands in Kafka, on all in-sync replicas.

        As `take` of this one alone, without the lists that a batch needs: nearly every request
        brings one.

        Raises:
            Problem: why it was not taken; 503 as `take`.
        """
        principal.must_own(report.learner_id)
        now, ids = Now.at(self.clock()), (report.course_id,)
        courses = await self.courses.get(ids)
        record = _record(report, now, courses, current_traceparent())
        if isinstance(record, Problem) and is_doubtful(report, courses):
            courses = await self.courses.get_in_doubt(ids)
            record = _record(report, now, courses, current_traceparent())
        if isinstance(record, Problem):
            raise record
        (position,) = await self._publish([record])
        return position

    async def _publish(self, records: Sequence[Encoded]) -> list[Position]:
        began = time.monotonic()
        try:
            positions = await self.publisher.publish_records(records)
        except BrokerUnavailable as error:
            raise broker_away(self.pacer.book(len(records))) from error
        self.meter.note(positions, time.monotonic() - began)
        return positions

    async def _courses_of(self, reports: Sequence[Reported]) -> Mapping[str, Known]:
        """Return the courses known; those that would refuse a report, as the store has them now.

        Without the store none is: the report is kept, as ever.
        """
        courses = await self.courses.get({report.course_id for report in reports})
        doubtful = {report.course_id for report in reports if is_doubtful(report, courses)}
        if not doubtful:
            return courses
        sure = {id_: course for id_, course in courses.items() if id_ not in doubtful}
        return {**sure, **await self.courses.get_in_doubt(doubtful)}


def _owned(principal: Principal, report: Reported | Problem) -> Reported | Problem:
    if isinstance(report, Problem):
        return report
    try:
        principal.must_own(report.learner_id)
    except Problem as refused:
        return refused
    return report


def _record(
    report: Reported, now: Now, courses: Mapping[str, Known], traceparent: str | None
) -> Encoded | Problem:
    refused = judge(report, now, courses)
    if refused is not None:
        return refused
    record = record_of(report, now, traceparent)
    if len(record.value or b"") > LARGEST_VALUE:
        detail = (
            f"The report's {report.count} updates and attempts take {len(record.value or b'')} "
            f"bytes as an event, above the limit of {LARGEST_VALUE}; split it into several"
        )
        return Problem(422, "Report too large", detail, type="report-too-large")
    return record
