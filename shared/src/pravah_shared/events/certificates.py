"""Facts about certificates. Writer: certificate."""

from typing import ClassVar, Literal

from pravah_shared.events.envelope import EventData
from pravah_shared.events.types import CourseId, Identifier, LearnerId, RunId, StateCode, UtcTime


class Certified(EventData):
    """A certificate was signed and stored. Once per learner, run and certificate name."""

    type: ClassVar[str] = "org.pravah.learning.certified.v1"
    topic: ClassVar[str] = "certified"

    certificate_id: Identifier
    certificate_name: Identifier
    kind: Literal["course", "programme"] = "course"
    learner_id: LearnerId
    course_id: CourseId
    run_id: RunId | None = None
    issued_at: UtcTime
    verify_url: str
    supersedes: Identifier | None = None
    mdo_id: Identifier | None = None
    state_code: StateCode | None = None

    @property
    def subject(self) -> str:
        """The learner."""
        return self.learner_id

    @property
    def identity(self) -> tuple[str, ...]:
        """One event per certificate."""
        return (self.certificate_id,)
