"""What clients send and get."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field, model_validator

from pravah_progress.rules.explanation import Explanation
from pravah_progress.rules.views import CourseSummary, CourseView
from pravah_shared.events import Attempt, UnitUpdate
from pravah_shared.events.types import CourseId, Identifier, LearnerId, Model, RunId
from pravah_shared.http.validation import FieldProblem

MOST_REPORTS = 1000
"""Learner-courses in one batch: an offline week of a whole office, below 1 MiB."""


class Report(Model):
    """What a client app or another system reports for one learner and course."""

    learner_id: LearnerId
    course_id: CourseId
    run_id: RunId | None = Field(
        default=None, description="Absent: counts for every run whose window holds its times"
    )
    device_id: Identifier | None = Field(
        default=None, description="Spent seconds are cumulative by device"
    )
    updates: tuple[UnitUpdate, ...] = ()
    attempts: tuple[Attempt, ...] = ()

    @model_validator(mode="after")
    def _says_something(self) -> "Report":
        if not self.updates and not self.attempts:
            raise ValueError("reports nothing; send at least one of updates and attempts")
        return self


class Reports(Model):
    """A batch. Each report is judged by itself: a bad one stops no other."""

    reports: Annotated[
        tuple[Mapping[str, Any] | Any, ...],
        Field(
            min_length=1, max_length=MOST_REPORTS, description="As the body of POST /v1/progress"
        ),
    ]


class Accepted(Model):
    """The report is in Kafka, on all replicas. `accepted` counts its updates and attempts."""

    accepted: int
    token: str = Field(description="Give it to GET …/progress?token= to read your own write")
    flush_after_seconds: int = Field(description="Send again after so many seconds, not before")


class RefusedReport(Model):
    """Why the report at `index` was not taken. Sending it again unchanged does not help."""

    index: int
    status: int
    type: str = Field(description="urn:pravah:problem:<slug>, as of a problem document")
    title: str
    detail: str
    errors: tuple[FieldProblem, ...] = ()


class BatchAccepted(Model):
    """`accepted` counts reports; `tokens` has one entry per report, null for refused ones."""

    accepted: int
    refused: tuple[RefusedReport, ...]
    tokens: tuple[str | None, ...]
    flush_after_seconds: int


class ProgressPage(Model):
    """A page of a learner's courses, by course id."""

    items: tuple[CourseSummary, ...]
    next_cursor: str | None


class Trace(Model):
    """What progress knows of a learner's course, for `pravah explain`."""

    service: str = "progress"
    learner_id: LearnerId
    course_id: CourseId
    known: bool = Field(description="Whether anything was ever reported or enrolled")
    progress: CourseView | None
    explanation: Explanation
