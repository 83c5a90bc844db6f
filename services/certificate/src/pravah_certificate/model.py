"""What the certificate service knows: completions, who and what they are about, certificates."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Any, Literal

Kind = Literal["course", "programme"]


@dataclass(frozen=True, slots=True)
class Completion:
    """A learner completed a course in one term of a run. What it says never changes.

    `decided_on` is the course version it was last judged by; 0 before the first judgement.
    """

    learner_id: str
    course_id: str
    run_id: str | None
    term: int
    kind: Kind
    completed_at: datetime
    course_version: int
    score_percent: float | None = None
    mdo_id: str | None = None
    state_code: str | None = None
    traceparent: str | None = None
    decided_on: int = 0

    @property
    def id(self) -> str:
        """`learner|course|run|term`: a redelivery is the same completion."""
        return "|".join((self.learner_id, self.course_id, self.run_id or "", str(self.term)))


@dataclass(frozen=True, slots=True)
class Rule:
    """A certificate that a course offers, and the score it asks for (percent, None: none)."""

    name: str
    template: str
    min_score_percent: float | None = None


@dataclass(frozen=True, slots=True)
class Course:
    """The newest version of a course that this service has seen."""

    course_id: str
    version: int
    title: Mapping[str, str]
    provider: str
    rules: tuple[Rule, ...] = ()


@dataclass(frozen=True, slots=True)
class Person:
    """A person as received: still encrypted. `ciphertext` is empty once erased."""

    learner_id: str
    version: int = 0
    ciphertext: str = ""
    key_id: str = ""
    erased: bool = False


class Standing(Enum):
    """What can be said of the holder of a certificate-to-be."""

    UNKNOWN = "unknown"
    READABLE = "readable"
    ERASED = "erased"


@dataclass(frozen=True, slots=True)
class Earned:
    """A certificate that a completion justifies. `key` is its place: one certificate each."""

    key: str
    name: str
    template: str


@dataclass(frozen=True, slots=True)
class NotEligible:
    """A certificate that a completion does not reach, and by how much (percents)."""

    name: str
    needs_percent: float
    has_percent: float | None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What follows from a completion with what is known now.

    `waiting_for` names what is missing (`person`, `course`); nothing may be issued until it
    comes. `course_version` is the version judged by, 0 for none.
    """

    completion: Completion
    course_version: int
    waiting_for: tuple[str, ...] = ()
    erased: bool = False
    earned: tuple[Earned, ...] = ()
    not_eligible: tuple[NotEligible, ...] = ()

    @property
    def state(self) -> Literal["waiting", "erased", "settled"]:
        """Waiting is asked again; the others are asked again only for a newer course."""
        if self.waiting_for:
            return "waiting"
        return "erased" if self.erased else "settled"


@dataclass(frozen=True, slots=True)
class Certificate:
    """An issued certificate as stored.

    `credential` is the signed VC-JWT encrypted under the learner's key: it holds the name.
    It is empty in state `erased`; what remains is the non-personal record.
    `certified` is the event as first written, published unchanged until acknowledged.
    """

    key: str
    certificate_id: str
    name: str
    template: str
    kind: Kind
    learner_id: str
    course_id: str
    run_id: str | None
    sequence: int
    course_version: int
    course_title: Mapping[str, str]
    provider: str
    completed_at: datetime
    issued_at: datetime
    verify_url: str
    signing_key_id: str
    credential: str
    certified: Mapping[str, Any] = field(repr=False)
    state: Literal["issued", "erased"] = "issued"
    announced: bool = False
    mdo_id: str | None = None
    state_code: str | None = None
