"""Decide what to announce, by business time, from facts and the course's present version."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, TypeAlias

from pravah_progress.model import (
    COMPLETED,
    IMPROVED,
    NO_RUN,
    STARTED,
    Announcement,
    Document,
    Milliseconds,
    from_milliseconds,
    score_key,
)
from pravah_progress.rules.requirements import (
    completed_languages,
    is_scored,
    last_passed_at,
    score_of,
)
from pravah_progress.rules.scope import scope_of
from pravah_shared.events import Completed, Course, ScoreImproved, Started

Terms: TypeAlias = Mapping[str, Mapping[str, Any]]
"""Terms of a run by their number."""

NEVER_SCORED = -1
"""Below every `score_key`: a completion without a score is improved by any."""


class _Term(NamedTuple):
    """An enrollment: what it is, what it has announced, who it is about."""

    term: Mapping[str, Any]
    said: Mapping[str, Any]
    identity: Mapping[str, Any]


def decide(document: Document, course: Course | None) -> tuple[Announcement, ...]:
    """Return what the document justifies and has not announced yet.

    A course not known yet decides nothing: its documents are asked again when it arrives.
    A programme's completion follows from its courses, not from units: it decides nothing here.
    What was announced stands, whatever is learnt later; after a completion only a better score
    is news.
    """
    if course is None or course.kind == "programme":
        return ()
    scored = is_scored(course)
    return tuple(
        announcement
        for run, terms in document.get("enrollments", {}).items()
        if (open_ := _open(document, run, terms, scored=scored))
        for announcement in _of_run(document, course, run, open_)
    )


def announced_of(document: Document, run: str, number: str) -> Mapping[str, Any]:
    """Return what a term has announced, by kind."""
    said: Mapping[str, Any] = document.get("announced", {}).get(run, {}).get(number, {})
    return said


def within_term(moment: Milliseconds, term: Mapping[str, Any]) -> Milliseconds | None:
    """Return the business time of what happened at `moment` in an enrollment; None: too late.

    Never before the enrollment: earlier progress counts from then. Not after a withdrawal
    known now.
    """
    at: Milliseconds = max(moment, term["enrolled_at"])
    withdrawn_at = term.get("withdrawn_at")
    return None if withdrawn_at is not None and at > withdrawn_at else at


def identity_of(document: Document, run: str, number: str) -> dict[str, Any]:
    """Return what every announcement of a term says of it."""
    term = document["enrollments"][run][number]
    return {
        "enrollment_id": term["enrollment_id"],
        "learner_id": document["learner_id"],
        "course_id": document["course_id"],
        "run_id": None if run == NO_RUN else run,
        "term": int(number),
        "mdo_id": term.get("mdo_id"),
        "state_code": term.get("state_code"),
    }


def _open(document: Document, run: str, terms: Terms, *, scored: bool) -> list[_Term]:
    """Return the terms that may still have something to announce.

    One without an enrollment has nothing: only its withdrawal has arrived so far.
    """
    return [
        _Term(term, said, identity_of(document, run, number))
        for number, term in terms.items()
        if "enrolled_at" in term
        for said in (announced_of(document, run, number),)
        if scored or STARTED not in said or COMPLETED not in said
    ]


def _of_run(
    document: Document, course: Course, run: str, terms: list[_Term]
) -> Iterator[Announcement]:
    scope = scope_of(document, course, run)
    first_at, passed_at = scope.first_at(), last_passed_at(scope, course)
    score = score_of(scope, course)
    for term, said, identity in terms:
        if STARTED not in said and first_at is not None:
            at = within_term(first_at, term)
            if at is not None:
                yield Started(started_at=from_milliseconds(at), **identity)
        if COMPLETED in said:
            if score is not None and score_key(score.percent) > _highest(said):
                at = within_term(score.at, term)
                if at is not None:
                    yield ScoreImproved(
                        score_percent=score.percent, at=from_milliseconds(at), **identity
                    )
        elif passed_at is not None and (at := within_term(passed_at, term)) is not None:
            yield Completed(
                completed_at=from_milliseconds(at),
                course_version=course.version,
                score_percent=None if score is None else score.percent,
                learning_seconds=scope.seconds(course),
                languages=completed_languages(scope, course),
                **identity,
            )


def _highest(said: Mapping[str, Any]) -> int:
    """Return the highest score that a completed term has announced, as a key."""
    first = said[COMPLETED]["data"]["score_percent"]
    return max(
        NEVER_SCORED if first is None else score_key(first),
        *map(int, said.get(IMPROVED, ())),
        NEVER_SCORED,
    )
