"""Facts about who is enrolled in what. Writer: enrollment."""

from typing import ClassVar, Literal

from pydantic import Field

from pravah_shared.events.envelope import EventData
from pravah_shared.events.types import CourseId, Identifier, LearnerId, RunId, StateCode, UtcTime

Origin = Literal["self", "admin", "plan", "programme", "import"]


class OfTerm(EventData):
    """What identifies one enrollment: the n-th term of a learner in a run of a course."""

    enrollment_id: Identifier
    learner_id: LearnerId
    course_id: CourseId
    run_id: RunId | None = None
    term: int = Field(ge=1)

    @property
    def subject(self) -> str:
        """The learner."""
        return self.learner_id

    @property
    def identity(self) -> tuple[str, ...]:
        """One event of a type per enrollment."""
        return (self.learner_id, self.course_id, self.run_id or "", str(self.term))


class Enrolled(OfTerm):
    """A learner took up a course. Re-enrolling after a withdrawal is a new term."""

    type: ClassVar[str] = "org.pravah.learning.enrolled.v1"
    topic: ClassVar[str] = "enrolled"

    course_version: int = Field(ge=1)
    enrolled_at: UtcTime
    origin: Origin = "self"
    mdo_id: Identifier | None = None
    state_code: StateCode | None = None


class Withdrawn(OfTerm):
    """A learner left a course before completing it."""

    type: ClassVar[str] = "org.pravah.learning.withdrawn.v1"
    topic: ClassVar[str] = "enrolled"

    withdrawn_at: UtcTime
