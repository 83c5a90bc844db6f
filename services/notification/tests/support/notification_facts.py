"""Facts for tests: events, entries, people."""

from datetime import UTC, datetime, timedelta

from pravah_notification.model import Entry, Occasion
from pravah_shared.events import (
    Certified,
    Course,
    Enrolled,
    Event,
    Person,
    PersonErased,
    new_event,
)

NOW = datetime(2025, 2, 14, 6, 30, tzinfo=UTC)
TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def enrolled(learner: str = "l1", course: str = "c1", term: int = 1) -> Event[Enrolled]:
    """An enrollment as enrollment publishes it."""
    facts = Enrolled(
        enrollment_id=f"{learner}-{course}-{term}",
        learner_id=learner,
        course_id=course,
        term=term,
        course_version=1,
        enrolled_at=NOW,
    )
    return new_event(
        facts, source="/pravah/enrollment", time=NOW + timedelta(seconds=1), traceparent=TRACEPARENT
    )


def certified(learner: str = "l1", course: str = "c1") -> Event[Certified]:
    """A certificate as certificate publishes it."""
    facts = Certified(
        certificate_id=f"cert-{learner}-{course}",
        certificate_name="completion",
        learner_id=learner,
        course_id=course,
        issued_at=NOW,
        verify_url=f"https://learn.example/verify/cert-{learner}-{course}",
    )
    return new_event(facts, source="/pravah/certificate", time=NOW, traceparent=TRACEPARENT)


def course(course_id: str = "c1", version: int = 1, title: str = "Ethics") -> Event[Course]:
    """A version of a course."""
    facts = Course(
        course_id=course_id,
        version=version,
        title={"en": title, "hi": "नैतिकता"},
        provider="Karmayogi Bharat",
    )
    return new_event(facts, source="/pravah/enrollment", time=NOW)


def occasion(workflow: str = "certified", learner: str = "l1", course_id: str = "c1") -> Occasion:
    """An occasion of either workflow."""
    return Occasion(
        event_id=f"event-{workflow}-{learner}-{course_id}",
        workflow="certified" if workflow == "certified" else "enrolled",
        learner_id=learner,
        course_id=course_id,
        run_id=None,
        at=NOW,
        accepted_at=NOW,
        traceparent=TRACEPARENT,
        certificate_id="0190-AB" if workflow == "certified" else None,
        verify_url="https://learn.example/verify/0190-AB" if workflow == "certified" else None,
    )


def entry(workflow: str = "certified", learner: str = "l1") -> Entry:
    """A leased mail of the ledger."""
    return Entry(occasion(workflow, learner), "email", learner, state="leased", due_at=NOW)


def person(learner: str = "l1", version: int = 1, ciphertext: str = "sealed") -> Event[Person]:
    """A version of a learner."""
    facts = Person(learner_id=learner, version=version, ciphertext=ciphertext, key_id="k1")
    return new_event(facts, source="/pravah/enrollment", time=NOW)


def erased(learner: str = "l1") -> Event[PersonErased]:
    """The tombstone of a learner."""
    return new_event(PersonErased(learner_id=learner), source="/pravah/enrollment", time=NOW)
