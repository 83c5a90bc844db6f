"""Terms: begun by enrolling, ended by withdrawing or completing.

A term is active until it is withdrawn or completed. A completion is final: it outranks a
withdrawal, whichever came first, and ends re-enrollment. Every command repeated changes nothing.
"""

from dataclasses import replace
from datetime import datetime

from pravah_enrollment.model import (
    AlreadyCompleted,
    Decision,
    Enroll,
    Enrollment,
    EnrollmentKey,
    Rejected,
    Term,
)
from pravah_shared.events import Enrolled, Withdrawn, derived_id


def enroll(enrollment: Enrollment, command: Enroll) -> Decision:
    """Begin a term, unless the last one is active or completed: then it is the answer.

    A named time that a term began at is that enrollment again: an import may be repeated.

    Raises:
        Rejected: the time lies before the last withdrawal.
    """
    terms = enrollment.terms
    last = terms[-1] if terms else None
    if last is not None and (last.completed_at or not last.withdrawn_at):
        return Decision(terms, last)
    if command.given_at and (same := _began_at(terms, command.at)):
        return Decision(terms, same)
    at = command.at
    if last is not None and last.withdrawn_at and at < last.withdrawn_at:
        if command.given_at:
            raise Rejected(
                "enrolled_at",
                f"is before the withdrawal at {last.withdrawn_at.isoformat()}",
                "send a time after it",
            )
        at = last.withdrawn_at  # two servers' clocks
    term = Term(
        len(terms) + 1,
        enrollment_id(command.key, len(terms) + 1),
        at,
        command.course_version,
        command.origin,
    )
    return Decision((*terms, term), term, (_enrolled(command, term),))


def withdraw(
    enrollment: Enrollment, enrollment_id: str, at: datetime, *, given_at: bool = False
) -> Decision:
    """End a term. One that is withdrawn stays as it is.

    Raises:
        AlreadyCompleted: the completion stands.
        Rejected: `withdrawn_at` lies before the enrollment.
    """
    term = next(term for term in enrollment.terms if term.enrollment_id == enrollment_id)
    if term.completed_at is not None:
        raise AlreadyCompleted(
            "enrollment_id", f"is completed since {term.completed_at.isoformat()}", "keep it"
        )
    if term.withdrawn_at is not None:
        return Decision(enrollment.terms, term)
    if at < term.enrolled_at:
        if given_at:
            raise Rejected(
                "?withdrawn_at",
                f"is before the enrollment at {term.enrolled_at.isoformat()}",
                "send a time after it",
            )
        at = term.enrolled_at  # two servers' clocks
    ended = replace(term, withdrawn_at=at)
    key = enrollment.key
    event = Withdrawn(
        enrollment_id=enrollment_id,
        learner_id=key.learner_id,
        course_id=key.course_id,
        run_id=key.run_id,
        term=term.term,
        withdrawn_at=at,
    )
    return Decision(_with(enrollment.terms, ended), ended, (event,))


def complete(terms: tuple[Term, ...], number: int, at: datetime) -> tuple[Term, ...]:
    """Record a completion, once; the first one stands. Unknown terms are left alone."""
    return tuple(
        replace(term, completed_at=at)
        if term.term == number and term.completed_at is None
        else term
        for term in terms
    )


def enrollment_id(key: EnrollmentKey, term: int) -> str:
    """Return the id that every repeat of this enrollment gets."""
    return derived_id("enrollment", key.learner_id, key.course_id, key.run_id or "", str(term))


def _began_at(terms: tuple[Term, ...], at: datetime) -> Term | None:
    return next((term for term in terms if term.enrolled_at == at), None)


def _with(terms: tuple[Term, ...], changed: Term) -> tuple[Term, ...]:
    return tuple(changed if term.term == changed.term else term for term in terms)


def _enrolled(command: Enroll, term: Term) -> Enrolled:
    return Enrolled(
        enrollment_id=term.enrollment_id,
        learner_id=command.key.learner_id,
        course_id=command.key.course_id,
        run_id=command.key.run_id,
        term=term.term,
        course_version=term.course_version,
        enrolled_at=term.enrolled_at,
        origin=term.origin,
        mdo_id=command.mdo_id,
        state_code=command.state_code,
    )
