"""What clients get."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal, Self

from pydantic import Field

from pravah_certificate.model import Certificate
from pravah_certificate.verification import State, Verification
from pravah_shared.events.types import Model


class Summary(Model):
    """A certificate without its holder's name; the name is in the credential."""

    certificate_id: str
    certificate_name: str
    kind: Literal["course", "programme"]
    state: Literal["issued", "erased"]
    learner_id: str
    course_id: str
    course_version: int
    course_title: Mapping[str, str]
    provider: str
    run_id: str | None
    completed_at: datetime
    issued_at: datetime
    verify_url: str

    @classmethod
    def of(cls, certificate: Certificate) -> Self:
        """Show a stored certificate."""
        same = cls.model_fields.keys() - {"certificate_name"}
        shown = {name: getattr(certificate, name) for name in same}
        return cls(certificate_name=certificate.name, **shown)


class SummaryPage(Model):
    """A page of a learner's certificates, newest first."""

    items: tuple[Summary, ...]
    next_cursor: str | None


class Verified(Model):
    """What a verification found. Names and texts are there for a valid certificate alone."""

    certificate_id: str
    state: State
    test: bool = Field(description="Signed with a development key: certifies nothing")
    holder_name: str | None = None
    course_title: str | None = None
    provider: str | None = None
    issuer: str | None = None
    completed_at: datetime | None = None
    issued_at: datetime | None = None

    @classmethod
    def of(cls, found: Verification) -> Self:
        """Show what the signed claims say, and nothing else of a person."""
        said: dict[str, Any] = {}
        if found.signed is not None:
            names = ("holder_name", "course_title", "provider", "issuer")
            said = {name: getattr(found.signed, name) for name in names}
            said |= {
                "completed_at": found.signed.completed_at,
                "issued_at": found.signed.issued_at,
            }
        return cls(
            certificate_id=found.certificate_id,
            state=found.state,
            test=found.is_test,
            **said,
        )


class CompletionTrace(Model):
    """How far a completion has come. `waiting_for` names what is missing."""

    run_id: str | None
    term: int
    completed_at: datetime
    course_version: int
    score_percent: float | None
    state: Literal["waiting", "settled", "erased"]
    waiting_for: tuple[str, ...] = ()
    not_eligible: tuple[Mapping[str, Any], ...] = ()


class Trace(Model):
    """What certificate knows of a learner and a course, for `pravah explain`."""

    service: str = "certificate"
    learner_id: str
    course_id: str
    person: Literal["unknown", "known", "erased"]
    course_version: int | None = Field(description="Newest version seen; null: course not here")
    completions: tuple[CompletionTrace, ...]
    certificates: tuple[Summary, ...]
