"""What a learner and their apps read: shapes without logic."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

UnitState = Literal["not_started", "in_progress", "handed_in", "below_mark", "passed"]


@dataclass(frozen=True, slots=True)
class UnitView:
    """A unit of the course, as it stands for one enrollment.

    `attempts` counts all that were made; of more than `max_attempts` the first count.
    `spent_seconds` is within the unit's cap.
    """

    unit_id: str
    title: str
    kind: Literal["content", "assessment"]
    optional: bool
    state: UnitState
    passed_at: datetime | None
    best_percent: float | None
    pass_percent: float | None
    attempts: int
    max_attempts: int | None
    spent_seconds: int


@dataclass(frozen=True, slots=True)
class ModuleView:
    """A module's roll-up. A unit that stands in several modules counts in each."""

    module_id: str
    title: str
    required: int
    passed: int


@dataclass(frozen=True, slots=True)
class LanguageView:
    """How many required content units were done in a language."""

    language: str
    required: int
    passed: int


@dataclass(frozen=True, slots=True)
class ProgrammeCourseView:
    """A course of a programme, as it stands for the learner. The score is the best announced."""

    course_id: str
    title: str
    optional: bool
    started_at: datetime | None
    completed_at: datetime | None
    score_percent: float | None


@dataclass(frozen=True, slots=True)
class EnrollmentSummary:
    """One term. `required` and `passed` count units, of a programme courses; 0 while not known.

    `score_percent` is the best announced.
    """

    enrollment_id: str
    run_id: str | None
    term: int
    enrolled_at: datetime
    withdrawn_at: datetime | None
    started_at: datetime | None
    completed_at: datetime | None
    score_percent: float | None
    learning_seconds: int
    required: int
    passed: int


@dataclass(frozen=True, slots=True)
class EnrollmentView(EnrollmentSummary):
    """One term, with each unit, module and language, or each course of a programme.

    None while the course is not known.
    """

    languages: tuple[LanguageView, ...]
    modules: tuple[ModuleView, ...]
    units: tuple[UnitView, ...]
    courses: tuple[ProgrammeCourseView, ...]


@dataclass(frozen=True, slots=True)
class ReportedView:
    """What was reported under one run key, whether or not it counts anywhere yet."""

    run_id: str | None
    first_at: datetime | None
    units: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CourseSummary:
    """Progress of one learner in one course, in a list."""

    learner_id: str
    course_id: str
    course_version: int | None
    title: str | None
    enrollments: tuple[EnrollmentSummary, ...]


@dataclass(frozen=True, slots=True)
class CourseView:
    """Progress of one learner in one course.

    `up_to_date` false: the report that the reader asks for was not merged within their wait.
    """

    learner_id: str
    course_id: str
    course_version: int | None
    title: str | None
    enrollments: tuple[EnrollmentView, ...]
    reported: tuple[ReportedView, ...]
    up_to_date: bool = True
