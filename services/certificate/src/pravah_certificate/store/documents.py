"""The model as documents and back. Field names are the model's; `_id` is its key."""

from dataclasses import asdict, fields
from datetime import datetime
from typing import Any

from pravah_certificate.model import Certificate, Completion, Course, Person, Rule, Verdict
from pravah_shared.mongo import Document

COMPLETION_FIELDS = tuple(field.name for field in fields(Completion))
CERTIFICATE_FIELDS = tuple(
    field.name for field in fields(Certificate) if field.name not in ("key", "certified")
)


def of_completion(completion: Completion, now: datetime) -> Document:
    """Return a completion that nobody has judged yet: it waits until somebody has."""
    return {
        "_id": completion.id,
        **asdict(completion),
        "state": "waiting",
        "waiting_for": [],
        "checked_at": now,
    }


def to_completion(document: Document) -> Completion:
    """Read a completion back."""
    return Completion(**{name: document.get(name) for name in COMPLETION_FIELDS})  # type: ignore[arg-type]


def of_verdict(verdict: Verdict) -> Document:
    """Return what a verdict sets on its completion."""
    return {
        "state": verdict.state,
        "waiting_for": list(verdict.waiting_for),
        "earned": [earned.key for earned in verdict.earned],
        "not_eligible": [asdict(missed) for missed in verdict.not_eligible],
        "decided_on": verdict.course_version,
    }


def of_course(course: Course) -> Document:
    """Return a course version whose completions are still to be judged by it."""
    return {
        "_id": course.course_id,
        "version": course.version,
        "title": dict(course.title),
        "provider": course.provider,
        "rules": [asdict(rule) for rule in course.rules],
        "reconciled": False,
    }


def to_course(document: Document) -> Course:
    """Read a course back."""
    return Course(
        document["_id"],
        document["version"],
        document["title"],
        document["provider"],
        tuple(Rule(**rule) for rule in document["rules"]),
    )


def of_person(person: Person) -> Document:
    """Return a person as received."""
    return {
        "_id": person.learner_id,
        "version": person.version,
        "ciphertext": person.ciphertext,
        "key_id": person.key_id,
        "erased": person.erased,
    }


def to_person(document: Document) -> Person:
    """Read a person back. An erased one has nothing but that."""
    return Person(
        document["_id"],
        document.get("version", 0),
        document.get("ciphertext", ""),
        document.get("key_id", ""),
        document.get("erased", False),
    )


def of_certificate(certificate: Certificate) -> Document:
    """Return a certificate under its key."""
    held: dict[str, Any] = {name: getattr(certificate, name) for name in CERTIFICATE_FIELDS}
    held["course_title"] = dict(certificate.course_title)
    return {"_id": certificate.key, **held, "certified": dict(certificate.certified)}


def to_certificate(document: Document) -> Certificate:
    """Read a certificate back. An erased one has no credential."""
    held = {name: document.get(name) for name in CERTIFICATE_FIELDS}
    held["credential"] = document.get("credential", "")
    return Certificate(key=document["_id"], certified=document["certified"], **held)  # type: ignore[arg-type]
