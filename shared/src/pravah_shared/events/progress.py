"""Facts about learning and what follows from them. Writer: progress."""

from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from pravah_shared.events.enrollment import OfTerm
from pravah_shared.events.envelope import EventData
from pravah_shared.events.types import (
    CourseId,
    Identifier,
    Language,
    LearnerId,
    Model,
    Percent,
    RunId,
    Seconds,
    StateCode,
    UnitId,
    UtcTime,
)

IN_PROGRESS = 1
PASSED = 2


def percent_of(score: float | None, max_score: float) -> float | None:
    """Return a score as percent 0-100, or None when not marked."""
    if score is None:
        return None
    # 0.29 of 1 is 28.999999999999996 in floats, and 0.07 of 0.07 above 100: noise that
    # would decide a pass mark or break the contract of `completed`.
    return min(100.0, round(100 * score / max_score, 6))


class UnitUpdate(Model):
    """State of a content unit on one device. Repeats and older states change nothing."""

    unit_id: UnitId
    status: Literal[1, 2]
    """1 in progress, 2 done (xAPI and SCORM call it completed)."""
    spent_seconds: Seconds = 0
    """Cumulative on that device since it first opened the unit."""
    language: Language | None = None
    at: UtcTime


class Attempt(Model):
    """A submission for an assessment unit. No score: handed in, not marked yet."""

    unit_id: UnitId
    attempt_id: Identifier
    score: float | None = Field(default=None, ge=0)
    max_score: float = Field(default=100, gt=0)
    at: UtcTime

    @model_validator(mode="after")
    def _score_within_max(self) -> Self:
        if self.score is not None and self.score > self.max_score:
            raise ValueError(
                f"score {self.score:g} is above max_score {self.max_score:g}; "
                "send the score that was reached and the most that can be"
            )
        return self

    @property
    def percent(self) -> float | None:
        """Score as percent 0-100, or None when not marked."""
        return percent_of(self.score, self.max_score)


class Progressed(EventData):
    """What a client app or another LMS reports for one learner and course."""

    type: ClassVar[str] = "org.pravah.learning.progressed.v1"
    topic: ClassVar[str] = "progressed"

    report_id: Identifier
    """Given by the service when it accepts the report; a resend by the client is a new one."""
    learner_id: LearnerId
    course_id: CourseId
    run_id: RunId | None = None
    device_id: Identifier | None = None
    updates: tuple[UnitUpdate, ...] = ()
    attempts: tuple[Attempt, ...] = ()
    received_at: UtcTime

    @property
    def subject(self) -> str:
        """The learner."""
        return self.learner_id

    @property
    def identity(self) -> tuple[str, ...]:
        """Each accepted report is its own event; merging makes repeats harmless."""
        return (self.report_id,)


class Started(OfTerm):
    """First progress of an enrollment; once each."""

    type: ClassVar[str] = "org.pravah.learning.started.v1"
    topic: ClassVar[str] = "completed"

    started_at: UtcTime
    mdo_id: Identifier | None = None
    state_code: StateCode | None = None


class Completed(OfTerm):
    """Every required unit is passed. Final once announced."""

    type: ClassVar[str] = "org.pravah.learning.completed.v1"
    topic: ClassVar[str] = "completed"

    kind: Literal["course", "programme"] = "course"
    completed_at: UtcTime
    course_version: int = Field(ge=1)
    score_percent: Percent | None = None
    """Mean of the best percents of the required assessment units; None without any."""
    learning_seconds: Seconds = 0
    languages: tuple[Language, ...] = ()
    """Languages in which every required content unit was done, as far as reports name them."""
    mdo_id: Identifier | None = None
    state_code: StateCode | None = None


class ScoreImproved(OfTerm):
    """A completed enrollment has a better score than all it announced before.

    Of several of an enrollment the highest holds; they may come in any order.
    """

    type: ClassVar[str] = "org.pravah.learning.score_improved.v1"
    topic: ClassVar[str] = "completed"

    score_percent: Percent
    at: UtcTime
    """When the last of what makes up the score was handed in."""
    mdo_id: Identifier | None = None
    state_code: StateCode | None = None

    @property
    def identity(self) -> tuple[str, ...]:
        """One event per enrollment and score."""
        return (*super().identity, f"{self.score_percent:.6f}")
