"""What an explanation says: shapes without logic."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from pravah_progress.rules.views import UnitState
from pravah_shared.locales import SOURCE_LOCALE

ReasonCode = Literal[
    "completed",
    "course_unknown",
    "not_enrolled",
    "other_run",
    "programme",
    "retired",
    "no_required_units",
    "no_required_courses",
    "outside_run",
    "after_retirement",
    "run_unknown",
    "units_missing",
    "courses_missing",
    "withdrawn",
    "passed_after_withdrawal",
    "being_decided",
]


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason: `code` for machines, `text` for people, in the explanation's `language`."""

    code: ReasonCode
    text: str


@dataclass(frozen=True, slots=True)
class MissingUnit:
    """A required unit that is not passed, by its title in the reader's language."""

    unit_id: str
    title: str
    kind: Literal["content", "assessment"]
    state: UnitState
    best_percent: float | None
    pass_percent: float | None
    attempts: int
    max_attempts: int | None


@dataclass(frozen=True, slots=True)
class MissingCourse:
    """A mandatory course of a programme that is not completed, by its title likewise."""

    course_id: str
    title: str
    started_at: datetime | None


@dataclass(frozen=True, slots=True)
class ExplainedEnrollment:
    """Why one term is, or is not, complete."""

    enrollment_id: str
    run_id: str | None
    term: int
    completed: bool
    reasons: tuple[Reason, ...]
    missing: tuple[MissingUnit, ...]
    missing_courses: tuple[MissingCourse, ...]


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a learner's course is, or is not, complete. `reasons` hold for all its terms.

    `language` is that of the reasons' texts; a title may be known in another one only.
    """

    learner_id: str
    course_id: str
    title: str | None
    completed: bool
    reasons: tuple[Reason, ...]
    enrollments: tuple[ExplainedEnrollment, ...]
    language: str = SOURCE_LOCALE
