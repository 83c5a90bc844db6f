"""Who has earned which certificate. Pure: facts in, verdicts out.

A completion is judged by the newest course version seen, never by one older than the version
it was completed under. So a course that comes late or gains a certificate needs no migration,
and what was issued stands. The set of certificates does not depend on the order, repetition
or splitting of completions, people and courses; tests/test_issuing.py holds it to that.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pravah_certificate.model import (
    Completion,
    Course,
    Earned,
    NotEligible,
    Person,
    Rule,
    Standing,
    Verdict,
)
from pravah_shared import events

FIRST_SEQUENCE = 1


@dataclass(frozen=True, slots=True)
class Facts:
    """A batch, folded: one entry per completion, learner and course."""

    completions: tuple[Completion, ...] = ()
    people: tuple[Person, ...] = ()
    courses: tuple[Course, ...] = ()

    @property
    def erased(self) -> frozenset[str]:
        """Learners whose erasure the batch brings."""
        return frozenset(person.learner_id for person in self.people if person.erased)


def merge(batch: Sequence[events.Event[Any]]) -> Facts:
    """Fold a batch. Order and duplicates cannot matter; types not used here are skipped."""
    completions: dict[str, Completion] = {}
    people: dict[str, Person] = {}
    courses: dict[str, Course] = {}
    for event in batch:
        match event.data:
            case events.Completed():
                completion = completion_of(event)
                completions.setdefault(completion.id, completion)
            case events.Person() | events.PersonErased():
                person = person_of(event.data)
                people[person.learner_id] = later(people.get(person.learner_id), person)
            case events.Course():
                course = course_of(event.data)
                courses[course.course_id] = newest(courses.get(course.course_id), course)
    return Facts(tuple(completions.values()), tuple(people.values()), tuple(courses.values()))


def decide(completion: Completion, course: Course | None, standing: Standing) -> Verdict:
    """Judge one completion by what is known. Asking again with more only ever adds."""
    seen = course.version if course else 0
    if standing is Standing.ERASED:
        return Verdict(completion, seen, erased=True)
    if course is None or course.version < completion.course_version:
        missing = ("course",) if standing is Standing.READABLE else ("person", "course")
        return Verdict(completion, seen, waiting_for=missing)
    earned = tuple(
        Earned(certificate_key(completion, rule.name), rule.name, rule.template)
        for rule in course.rules
        if reaches(completion.score_percent, rule)
    )
    return Verdict(
        completion,
        seen,
        # Nobody waits for a person whom nothing is to be issued to.
        waiting_for=("person",) if earned and standing is Standing.UNKNOWN else (),
        earned=earned,
        not_eligible=tuple(
            NotEligible(rule.name, rule.min_score_percent, completion.score_percent)
            for rule in course.rules
            if rule.min_score_percent is not None and not reaches(completion.score_percent, rule)
        ),
    )


def reaches(score_percent: float | None, rule: Rule) -> bool:
    """Return whether a score is enough. A certificate without a minimum asks for none."""
    if rule.min_score_percent is None:
        return True
    return score_percent is not None and score_percent >= rule.min_score_percent


def certificate_key(completion: Completion, name: str, sequence: int = FIRST_SEQUENCE) -> str:
    """Return `learner|course|run|name|sequence`: the place that holds one certificate at most.

    The term is not part of it: who completes a run twice has one certificate.
    """
    run_id = completion.run_id or ""
    return "|".join((completion.learner_id, completion.course_id, run_id, name, str(sequence)))


def later(known: Person | None, person: Person) -> Person:
    """Return what stands of two facts about one learner. Erasure is final."""
    if known is None or person.erased:
        return person
    return known if known.erased or known.version >= person.version else person


def newest(known: Course | None, course: Course) -> Course:
    """Return the newer of two versions of one course."""
    return course if known is None or course.version > known.version else known


def completion_of(event: events.Event[events.Completed]) -> Completion:
    """Keep what certificates need of a completion, and the trace it belongs to."""
    said = event.data
    return Completion(
        learner_id=said.learner_id,
        course_id=said.course_id,
        run_id=said.run_id,
        term=said.term,
        kind=said.kind,
        completed_at=said.completed_at,
        course_version=said.course_version,
        score_percent=said.score_percent,
        mdo_id=said.mdo_id,
        state_code=said.state_code,
        traceparent=event.traceparent,
    )


def person_of(said: events.Person | events.PersonErased) -> Person:
    """Keep a person as received, or the fact that there is none any more."""
    if isinstance(said, events.PersonErased):
        return Person(said.learner_id, erased=True)
    return Person(said.learner_id, said.version, said.ciphertext, said.key_id)


def course_of(said: events.Course) -> Course:
    """Keep what certificates need of a course version."""
    return Course(
        course_id=said.course_id,
        version=said.version,
        title=dict(said.title),
        provider=said.provider,
        rules=tuple(
            Rule(rule.name, rule.template, rule.min_score_percent) for rule in said.certificates
        ),
    )
