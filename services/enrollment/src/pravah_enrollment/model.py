"""What enrollment knows: courses as events have them, learners sealed, enrollments by term."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from pravah_shared.errors import PravahError
from pravah_shared.events import EventData, Origin

Status = Literal["active", "withdrawn", "completed"]


@dataclass(frozen=True, slots=True)
class EnrollmentKey:
    """A learner in a run of a course, through all terms."""

    learner_id: str
    course_id: str
    run_id: str | None = None

    @property
    def document_id(self) -> str:
        """The `_id` in the store. No identifier holds the separator."""
        return "|".join((self.learner_id, self.course_id, self.run_id or ""))


@dataclass(frozen=True, slots=True)
class Term:
    """The n-th enrollment of a learner in a run; re-enrolling after a withdrawal begins another.

    `withdrawn_at` may stand beside `completed_at`: a withdrawal that raced a completion yields.
    """

    term: int
    enrollment_id: str
    enrolled_at: datetime
    course_version: int
    origin: Origin
    withdrawn_at: datetime | None = None
    completed_at: datetime | None = None

    @property
    def status(self) -> Status:
        """What the learner is told."""
        if self.completed_at is not None:
            return "completed"
        return "active" if self.withdrawn_at is None else "withdrawn"


@dataclass(frozen=True, slots=True)
class Enrollment:
    """All terms of a learner in a run, oldest first, never empty once stored.

    `revision` rises with every change: a change is made to the revision it was decided on.
    """

    key: EnrollmentKey
    terms: tuple[Term, ...] = ()
    mdo_id: str | None = None
    state_code: str | None = None
    revision: int = 0


@dataclass(frozen=True, slots=True)
class Enroll:
    """The command to enroll, checked against learner and course. `at` is settled business time."""

    key: EnrollmentKey
    course_version: int
    at: datetime
    origin: Origin
    given_at: bool = False
    """Whether the caller named the time, so that a repeat can be recognised by it."""
    mdo_id: str | None = None
    state_code: str | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """What a command leads to: the terms afterwards, the one it is about, the events to publish.

    Without events nothing changed and nothing is written.
    """

    terms: tuple[Term, ...]
    about: Term
    events: tuple[EventData, ...] = ()


@dataclass(frozen=True, slots=True)
class Learner:
    """A learner as stored: sealed, or erased (then nothing but the id is left)."""

    learner_id: str
    version: int
    ciphertext: str = field(default="", repr=False)
    key_id: str = ""
    mdo_id: str | None = None
    state_code: str | None = None
    erased_at: datetime | None = None


class Rejected(PravahError):  # noqa: N818 - the caller's fault, read in `except Rejected`
    """A command that cannot be taken: which field, what is wrong, what to send instead."""

    def __init__(self, field_name: str, problem: str, remedy: str) -> None:
        super().__init__(f"{field_name} {problem}; {remedy}")
        self.field_name = field_name
        self.problem = problem
        self.remedy = remedy


class AlreadyCompleted(Rejected):
    """The term is completed; a completion is final."""
