"""Take reports in: judge each by itself, publish the good ones together, answer after acks=all."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol
from uuid import uuid4

from pydantic import ValidationError

from pravah_progress.api.bodies import Report
from pravah_progress.api.known import KnownCourses
from pravah_progress.api.waiting import Token
from pravah_shared.events import (
    Attempt,
    Course,
    Event,
    Position,
    Progressed,
    UnitUpdate,
    new_event,
)
from pravah_shared.events.types import to_utc_milliseconds
from pravah_shared.http.principal import Principal
from pravah_shared.http.problems import FieldProblem, Problem
from pravah_shared.http.validation import field_problems
from pravah_shared.telemetry.traces import current_traceparent

SOURCE = "/pravah/progress"

FURTHEST_AHEAD = timedelta(days=1)
"""A device's clock may be off or in another zone by less; beyond, its times mean nothing."""

COURSE_AGE_SECONDS = 5.0
"""A course may be known here this late; a unit not found is looked for in the store first."""


class Publisher(Protocol):
    """Publishes events; `pravah_shared.kafka.Publisher` is the real one."""

    async def publish(self, events: Sequence[Event[Any]]) -> list[Position]:
        """Return where each event stands, once Kafka has them on all in-sync replicas."""
        ...

    async def ping(self) -> None:
        """Ask Kafka for a sign of life."""
        ...


@dataclass(frozen=True, slots=True)
class Ingest:
    """Judges and publishes reports."""

    publisher: Publisher
    courses: KnownCourses
    clock: Callable[[], datetime]

    async def take(
        self, principal: Principal, raw: Sequence[Report | Mapping[str, Any] | Any]
    ) -> list[Token | Problem]:
        """Return for each report its token, or why it was not taken; one does not touch another.

        When this returns, every report with a token is in Kafka on all in-sync replicas.

        Raises:
            BrokerUnavailable: none is known to be; sending all of them again is safe.
            Refused: one is larger than a record may be; none is in.
        """
        now = to_utc_milliseconds(self.clock())
        read = [self._read(principal, report) for report in raw]
        courses = await self._courses_of([one for one in read if isinstance(one, Report)])
        judged = [
            report if isinstance(report, Problem) else judge(report, now, courses)
            for report in read
        ]
        traceparent = current_traceparent()
        events = [
            new_event(fact, source=SOURCE, time=now, traceparent=traceparent)
            for fact in judged
            if isinstance(fact, Progressed)
        ]
        positions = iter(await self.publisher.publish(events) if events else ())
        return [fact if isinstance(fact, Problem) else Token.of(next(positions)) for fact in judged]

    def _read(self, principal: Principal, raw: Report | Any) -> Report | Problem:
        try:
            report = raw if isinstance(raw, Report) else Report.model_validate(raw)
            principal.must_own(report.learner_id)
        except ValidationError as error:
            # In our own words, and places named as within a single report.
            found = [{**item, "loc": ("body", *item["loc"])} for item in error.errors()]
            return invalid(field_problems(found))
        except Problem as refused:
            return refused
        return report

    async def _courses_of(self, reports: Sequence[Report]) -> Mapping[str, Course]:
        """Return the courses known, those with units unknown here as new as the store has them.

        Without the store none is: the report is kept, as ever.
        """
        courses = await self.courses.get(
            {report.course_id for report in reports}, max_age_seconds=COURSE_AGE_SECONDS
        )
        doubtful = {
            report.course_id
            for report in reports
            if report.course_id in courses and unknown_units(report, courses[report.course_id])
        }
        return {**courses, **await self.courses.get(doubtful, max_age_seconds=0)}


def judge(report: Report, now: datetime, courses: Mapping[str, Course]) -> Progressed | Problem:
    """Return the fact to publish, or why the report cannot be taken."""
    wrong = too_early(report, now)
    if (course := courses.get(report.course_id)) is not None:
        wrong += unknown_units(report, course)
    return invalid(wrong) if wrong else fact_of(report, now)


def too_early(report: Report, now: datetime) -> list[FieldProblem]:
    """Return a problem for each time that lies more than FURTHEST_AHEAD in the future."""
    remedy = "send the time at which it happened; check the device's clock"
    return [
        FieldProblem(f"{place}.at", "lies more than a day in the future", remedy)
        for place, item in _items(report)
        if item.at > now + FURTHEST_AHEAD
    ]


def unknown_units(report: Report, course: Course) -> list[FieldProblem]:
    """Return a problem for each unit that the course does not have."""
    known = {unit.unit_id for unit in course.units}
    what = f"is not part of course {course.course_id}"
    remedy = f"send a unit of version {course.version} of course {course.course_id}"
    return [
        FieldProblem(f"{place}.unit_id", f"unit {item.unit_id} {what}", remedy)
        for place, item in _items(report)
        if item.unit_id not in known
    ]


def _items(report: Report) -> Iterator[tuple[str, UnitUpdate | Attempt]]:
    """Yield updates and attempts, each with its place in the body."""
    for index, update in enumerate(report.updates):
        yield f"updates[{index}]", update
    for index, attempt in enumerate(report.attempts):
        yield f"attempts[{index}]", attempt


def fact_of(report: Report, now: datetime) -> Progressed:
    """Return the fact that is published. Future times become `now`: nothing has happened later."""

    def past(item: Any) -> Any:
        return item if item.at <= now else item.model_copy(update={"at": now})

    return Progressed(
        report_id=str(uuid4()),
        learner_id=report.learner_id,
        course_id=report.course_id,
        run_id=report.run_id,
        device_id=report.device_id,
        updates=tuple(past(update) for update in report.updates),
        attempts=tuple(past(attempt) for attempt in report.attempts),
        received_at=now,
    )


def invalid(errors: Sequence[FieldProblem]) -> Problem:
    """Return 422 with the wrong fields of a report."""
    named = ", ".join(item.field for item in errors[:5])
    detail = f"{len(errors)} of the report's fields cannot be taken: {named}"
    return Problem(422, "Invalid request", detail, type="invalid-request", errors=errors)
